/* SPDX-License-Identifier: GPL-2.0 */
/* Asks the program what it would do with packets. All words are parsed before anything is opened. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/cmd.h"
#include "lbtool/devs.h"
#include "lbtool/seen.h"
#include "lib/batch.h"
#include "lib/trace.h"

#define DEV_LEN 128 /* with alternative names */

struct query {
	struct lb_flow flow;
	char dev[DEV_LEN]; /* "": the first that the program is attached to */
};

struct queries {
	struct query *query;
	size_t n, room;
};

enum { KEY_IN, KEY_FLAGS, KEY_LEN, KEY_FRAGMENT };
static const struct lb_key keys[] = {
	[KEY_IN] = {"in", "DEV", false},
	[KEY_FLAGS] = {"flags", "FLAGS", false},
	[KEY_LEN] = {"len", "BYTES", false},
	[KEY_FRAGMENT] = {"fragment", "WHICH", false},
	{NULL, NULL, false},
};

#define ACK 0x10
static const char *const fragment_names[] = {"first", "later", NULL};

static int parse_dev(const char *word, struct query *q, struct lb_err *err)
{
	if (strlen(word) >= sizeof(q->dev) || !*word)
		return lb_bad_word(err, word, "not the name of a device");
	memcpy(q->dev, word, strlen(word) + 1);
	return 0;
}

static int parse_flags(const char *word, struct lb_flow *f, struct lb_err *err)
{
	if (parse_tcp_flags(word, &f->tcp_flags, err))
		return -1;
	return f->dst.proto == IPPROTO_TCP ? 0 : lb_bad_word(err, word, "only TCP has flags");
}

static int parse_value(int key, const char *word, struct query *q, struct lb_err *err)
{
	int which;

	switch (key) {
	case KEY_IN:
		return parse_dev(word, q, err);
	case KEY_FLAGS:
		return parse_flags(word, &q->flow, err);
	default:
		if (parse_choice(word, fragment_names, &which, err))
			return -1;
		q->flow.fragment = LB_FLOW_FIRST + which;
		return 0;
	}
}

static int parse_ends(struct lb_args *a, struct lb_flow *f, struct lb_err *err)
{
	const char *from, *to;

	if (lb_args_next(a, "FROM", &from, err) || lb_args_next(a, "TO", &to, err) ||
	    parse_end(from, &f->src, &f->sport, err) || parse_service(to, &f->dst, err))
		return -1;
	if (!f->dst.port)
		return lb_bad_word(err, to, "a packet has one port: 1-65535");
	if (f->src.family != f->dst.addr.family)
		return lb_bad_word(err, to, "not of the family of \"%s\"", from);
	return 0;
}

/* How short a packet may be depends on all other words. */
static int parse_query(struct lb_args *a, struct query *q, struct lb_err *err)
{
	const char *word, *len = NULL;
	struct lb_flow *f = &q->flow;
	uint32_t seen = 0;
	int key;

	memset(q, 0, sizeof(*q));
	if (parse_ends(a, f, err))
		return -1;
	if (f->dst.proto == IPPROTO_TCP)
		f->tcp_flags = ACK;
	while ((key = lb_args_pair(a, keys, &seen, &word, err)) >= 0) {
		if (key == KEY_LEN)
			len = word;
		else if (parse_value(key, word, q, err))
			return lb_args_label(err, keys[key].word);
	}
	if (key != LB_ARGS_END)
		return -1;
	if (len && parse_u32(len, lb_flow_least(f), LB_FLOW_LEN_MAX, &f->len, err))
		return lb_args_label(err, keys[KEY_LEN].word);
	return 0;
}

static struct query *queries_more(struct queries *list, struct lb_err *err)
{
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct query *more = realloc(list->query, room * sizeof(*more));

		if (!more) {
			lb_fail(err, "out of memory");
			return NULL;
		}
		list->query = more;
		list->room = room;
	}
	return &list->query[list->n];
}

static int read_one(struct lb_args *a, struct queries *list, struct lb_err *err)
{
	struct query *q = queries_more(list, err);

	if (!q || parse_query(a, q, err))
		return -1;
	list->n++;
	return 0;
}

/* A line each, as on the command line. */
static int read_lines(struct queries *list, struct lb_err *err)
{
	struct lb_batch *b = lb_batch_new(stdin, "-", err);
	const char *const *word;
	size_t n;
	int ret = b ? 0 : -1;

	while (!ret && (ret = lb_batch_next(b, &word, &n, err)) > 0) {
		struct lb_args a = {.word = word, .n = n};

		ret = read_one(&a, list, err);
		if (ret)
			lb_prefix(err, "-:%u", lb_batch_line(b));
	}
	lb_batch_free(b);
	return ret;
}

/* Devices by name, the last one remembered: lines of a file have mostly the same. */
struct ingress {
	char dev[DEV_LEN];
	uint32_t ifindex; /* 0: nothing remembered */
};

static int first_attached(struct tool *t, uint32_t *ifindex)
{
	const struct lb_link *link;
	struct devs d;

	if (devs_read(t, &d))
		return -1;
	link = devs_first(&d);
	*ifindex = link ? link->ifindex : 0;
	devs_free(&d);
	return *ifindex ? 0
			: lb_fail(&t->err, "no device has the program: name the one that the "
					   "packet comes by, \"in DEV\"");
}

static int find_dev(struct tool *t, const char *dev, struct ingress *in)
{
	struct lb_link link;

	if (in->ifindex && !strcmp(in->dev, dev))
		return 0;
	if (!*dev) {
		if (first_attached(t, &in->ifindex))
			return -1;
	} else {
		if (tool_ether(t, dev, &link))
			return -1;
		in->ifindex = link.ifindex;
	}
	strcpy(in->dev, dev);
	return 0;
}

static void show(struct tool *t, const struct lb_flow *f, const struct lb_seen *s)
{
	char end[LB_SERVICE_STRLEN];

	lb_out_begin(t->out);
	format_end(&f->src, f->sport, end);
	lb_out_name(t->out, "from", end, LB_ADDRESS);
	format_service(&f->dst, end);
	lb_out_name(t->out, "to", end, LB_ADDRESS);
	seen_words(t, s);
	if (!lb_seen_sent(s)) {
		lb_out_more(t->out);
		lb_out_name(t->out, "text", lb_why_text(s->why), LB_PLAIN);
	}
	lb_out_end(t->out);
}

static int ask_all(struct tool *t, const struct queries *list)
{
	struct ingress in = {.ifindex = 0};
	struct lb_trace *trace;
	struct lb_seen seen;
	bool same;
	int ret = 0;

	if (tool_nl(t) || tool_out(t) || lb_trace_open(t->instance, &trace, &same, &t->err))
		return -1;
	if (!same)
		tool_note(t, "this is what the program in this lbtool does; another one is loaded: "
			     "\"lbtool prog reload\" replaces it");
	for (size_t i = 0; !ret && i < list->n; i++) {
		const struct query *q = &list->query[i];

		ret = find_dev(t, q->dev, &in) ||
				      lb_trace_ask(trace, &q->flow, in.ifindex, &seen, &t->err)
			      ? -1
			      : 0;
		if (!ret)
			show(t, &q->flow, &seen);
	}
	lb_trace_close(trace);
	return ret;
}

static int get_one(struct tool *t, struct lb_args *a)
{
	struct queries list = {0};
	int ret = read_one(a, &list, &t->err) || ask_all(t, &list) ? -1 : 0;

	free(list.query);
	return ret;
}

static int get_lines(struct tool *t, struct lb_args *a)
{
	struct queries list = {0};
	int ret = -1;

	if (!lb_args_end(a, &t->err) && !read_lines(&list, &t->err))
		ret = ask_all(t, &list);

	free(list.query);
	return ret;
}

static const struct cmd get_cmds[] = {
	{"", get_one, "FROM TO [ in DEV ] [ flags FLAGS ] [ len BYTES ] [ fragment WHICH ]"},
	{"-", get_lines, "-"},
	{NULL, NULL, NULL},
};

const struct object get_object = {
	"get",
	"what would become of a packet, and why",
	get_cmds,
	"FROM := ADDRESS:PORT\n"
	"TO := ADDRESS:PORT/PROTO\n"
	"in: the device by which it comes; default the first that the program is attached to\n"
	"FLAGS: of TCP, as syn or psh,ack; default ack, a packet of a connection\n"
	"BYTES: of the IP packet\n"
	"WHICH := { first | later }, of a packet in fragments\n"
	"-: asks of each line of standard input: FROM TO ...\n",
};
