/* SPDX-License-Identifier: GPL-2.0 */
/* Packets and what becomes of them, as it happens. */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lbtool/cmd.h"
#include "lbtool/news.h"
#include "lbtool/seen.h"
#include "lbtool/show.h"
#include "lbtool/stream.h"
#include "lib/listen.h"

#define SAMPLE_MAX 1000000u
#define RATE 1000u

enum { KEY_SAMPLE, KEY_VIP, KEY_FROM, KEY_WHY, KEY_RATE, KEY_COUNT };
static const struct lb_key keys[] = {
	[KEY_SAMPLE] = {"sample", "N", false},
	[KEY_VIP] = {"vip", "VIP", false},
	[KEY_FROM] = {"from", "PREFIX", false},
	[KEY_WHY] = {"why", "REASON", true},
	[KEY_RATE] = {"rate", "N", false},
	[KEY_COUNT] = {"count", "N", false},
	{NULL, NULL, false},
};

struct monitor {
	struct tool *t;
	struct lb_wish wish;
	uint32_t left; /* packets to show; 0: no end */
};

/* Reasons by the word that their names begin with. */
static uint64_t whys_of(const char *kind)
{
	size_t len = strlen(kind);
	uint64_t bits = 0;

	for (uint32_t i = 1; i < lb_why_count(); i++)
		if (!strncmp(lb_why_name(i), kind, len) && lb_why_name(i)[len] == '_')
			bits |= 1ull << i;
	return bits;
}

/* A name, or "drop" or "pass" for all of these; there is a reason whose name is "tx". */
static int parse_why(const char *word, uint64_t *whys, struct lb_err *err)
{
	if (!strcmp(word, "drop") || !strcmp(word, "pass")) {
		*whys |= whys_of(word);
		return 0;
	}
	for (uint32_t i = 1; i < lb_why_count(); i++) {
		if (strcmp(word, lb_why_name(i)) != 0)
			continue;
		*whys |= 1ull << i;
		return 0;
	}
	return lb_bad_word(err, word,
			   "must be drop, pass or a reason: \"-d stats show why\" lists them");
}

static int parse_vip(const char *word, struct lb_wish *w, struct lb_err *err)
{
	struct lb_service svc;

	if (!strchr(word, '/'))
		return parse_addr(word, &w->vip, err);
	if (parse_service(word, &svc, err))
		return -1;
	w->vip = svc.addr;
	w->port = svc.port;
	w->proto = svc.proto;
	return 0;
}

static int parse_value(int key, const char *word, struct monitor *m, struct lb_err *err)
{
	switch (key) {
	case KEY_SAMPLE:
		return parse_u32(word, 1, SAMPLE_MAX, &m->wish.sample, err);
	case KEY_VIP:
		return parse_vip(word, &m->wish, err);
	case KEY_FROM:
		return parse_net(word, &m->wish.from, err);
	case KEY_WHY:
		return parse_why(word, &m->wish.whys, err);
	case KEY_RATE:
		return parse_u32(word, 1, LB_LISTEN_RATE_MAX, &m->wish.rate, err);
	default:
		return parse_u32(word, 1, UINT32_MAX, &m->left, err);
	}
}

static int parse(struct lb_args *a, struct monitor *m, struct lb_err *err)
{
	struct lb_wish *w = &m->wish;
	uint32_t seen = 0;
	const char *word;
	int key;

	*w = (struct lb_wish){.sample = 1, .rate = RATE};
	while ((key = lb_args_pair(a, keys, &seen, &word, err)) >= 0)
		if (parse_value(key, word, m, err))
			return lb_args_label(err, keys[key].word);
	if (key != LB_ARGS_END)
		return -1;
	if (w->vip.family && w->from.addr.family && w->vip.family != w->from.addr.family)
		return lb_usage(err, "\"vip\" and \"from\" are of different families");
	/* What is not for a VIP would tell of the very packets that carry this output away. */
	if (!w->whys)
		w->whys = ~whys_of("pass");
	return 0;
}

/* A slip of the pen would wait for ever. */
static int check_vip(struct tool *t, const struct lb_addr *addr)
{
	struct select sel = {.by_addr = true, .addr = *addr};
	struct lb_model model;
	int ret = -1;
	size_t i = 0;

	lb_model_init(&model);
	if (lb_maps_read(t->maps, &model, &t->err))
		goto out;
	while (i < model.vips && !select_vip(&sel, &model.vip[i]))
		i++;
	ret = i < model.vips ? 0 : select_none(&sel, &model, &t->err);
out:
	lb_model_free(&model);
	return ret;
}

static const char *proto_name(uint8_t proto, char buf[8])
{
	switch (proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmp6";
	default:
		snprintf(buf, 8, "%u", proto);
		return buf;
	}
}

/* As get takes them, where there are ports. */
static void flow_words(struct tool *t, const struct lb_seen *s)
{
	char end[LB_SERVICE_STRLEN], number[8];
	const char *proto = proto_name(s->proto, number);

	if (!s->src.family)
		return;
	if (s->sport)
		format_end(&s->src, s->sport, end);
	else
		format_addr(&s->src, end);
	lb_out_name(t->out, "from", end, LB_ADDRESS);
	if (s->dport)
		format_end(&s->dst, s->dport, end);
	else
		format_addr(&s->dst, end);
	if (s->proto)
		snprintf(end + strlen(end), sizeof(end) - strlen(end), "/%s", proto);
	lb_out_name(t->out, "to", end, LB_ADDRESS);
	if (s->proto == IPPROTO_TCP && s->dport && !s->quoted)
		seen_flags(t, s->tcp_flags);
	if (s->len)
		lb_out_u64(t->out, "len", s->len);
	if (s->fragment)
		lb_out_bool(t->out, "fragment", true);
	if (s->quoted)
		lb_out_bool(t->out, "quoted", true);
}

static int show(void *arg, const struct lb_seen *s)
{
	struct monitor *m = arg;
	struct tool *t = m->t;

	lb_out_begin(t->out);
	stream_time(t, stream_real(s->time));
	flow_words(t, s);
	seen_words(t, s);
	lb_out_end(t->out);
	return m->left && !--m->left ? -1 : 0;
}

static void show_lost(struct tool *t, uint64_t n)
{
	if (!n)
		return;
	lb_out_begin(t->out);
	stream_time(t, stream_now());
	lb_out_u64(t->out, "lost", n);
	lb_out_end(t->out);
}

static int run(struct monitor *m, struct lb_listen *l)
{
	struct tool *t = m->t;
	int input, ret;

	while ((input = stream_wait(lb_listen_fd(l), LB_LISTEN_KEEP_MS)) >= 0) {
		bool done = input && lb_listen_read(l, show, m) < 0;

		show_lost(t, lb_listen_lost(l));
		ret = stream_flush(t);
		if (ret || done)
			return ret < 0 ? -1 : 0;
		if (lb_listen_keep(l, &t->err))
			return -1;
	}
	return 0;
}

static int monitor(struct tool *t, struct lb_args *a)
{
	struct monitor m = {.t = t};
	struct lb_listen *l;
	int ret;

	if (parse(a, &m, &t->err) || tool_enter(t) || tool_maps(t) || stream_open(t))
		return -1;
	if (m.wish.vip.family && check_vip(t, &m.wish.vip))
		return -1;
	if (lb_listen_open(t->maps, t->instance, &m.wish, &l, &t->err))
		return -1;
	ret = run(&m, l);
	lb_listen_close(l);
	return ret;
}

static const struct cmd monitor_cmds[] = {
	{"", monitor,
	 "[ sample N ] [ vip VIP ] [ from PREFIX ] [ why REASON ]...\n"
	 "                       [ rate N ] [ count N ]"},
	{"events", news, "events"},
	{NULL, NULL, NULL},
};

const struct object monitor_object = {
	"monitor",
	"packets and their reasons, and changes, as they happen",
	monitor_cmds,
	"sample: of packets that are not dropped one in N, at random; default 1, all\n"
	"VIP := { ADDRESS:PORT/PROTO | ADDRESS }\n"
	"REASON := { drop | pass | a name of \"stats show why\" }; default all but pass\n"
	"rate: at most so many a second; default 1000; what is above is counted as lost\n"
	"count: ends after so many\n"
	"events: changes of the configuration, health, devices, routes and neighbours\n",
};
