/* SPDX-License-Identifier: GPL-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lbtool/cmd.h"
#include "lbtool/recv.h"
#include "lib/parse.h"
#include "lib/prog.h"

enum { KEY_FROM, KEY_MSS, KEY_GUE_PORT, KEY_DSCP };
static const struct lb_key keys[] = {
	[KEY_FROM] = {"from", "PREFIX", true},
	[KEY_MSS] = {"mss", "N|auto", false},
	[KEY_GUE_PORT] = {"gue-port", "N", false},
	[KEY_DSCP] = {"dscp", "N:VIP", true},
	{NULL, NULL, false},
};
static const struct lb_net any4 = {.addr = {.family = 4}}, any6 = {.addr = {.family = 6}};

/* In its place in the sorted list; a prefix that is there already is not added again. */
static int add_from(struct lb_receiver *r, const struct lb_net *net, struct lb_err *err)
{
	size_t at = 0;

	while (at < r->froms &&
	       (lb_addr_cmp(&r->from[at].addr, &net->addr) < 0 ||
		(!lb_addr_cmp(&r->from[at].addr, &net->addr) && r->from[at].len < net->len)))
		at++;
	if (at < r->froms && lb_net_same(&r->from[at], net))
		return 0;
	if (r->froms == LB_FROM_MAX)
		return lb_usage(err, "more than %u prefixes", LB_FROM_MAX);
	memmove(&r->from[at + 1], &r->from[at], (r->froms - at) * sizeof(*net));
	r->from[at] = *net;
	r->froms++;
	return 0;
}

static int parse_from(struct lb_receiver *r, const char *word, struct lb_err *err)
{
	struct lb_net net;

	if (!strcmp(word, "any"))
		return add_from(r, &any4, err) || add_from(r, &any6, err) ? -1 : 0;
	return parse_net(word, &net, err) || add_from(r, &net, err) ? -1 : 0;
}

static int parse_mss(struct lb_receiver *r, const char *word, struct lb_err *err)
{
	struct lb_err ignored;

	if (!strcmp(word, "auto"))
		r->mss = LB_MSS_AUTO;
	else if (!strcmp(word, "off"))
		r->mss = LB_MSS_LEAVE;
	else if (parse_u32(word, LB_MSS_MIN, 65535, &r->mss, &ignored))
		return lb_bad_word(err, word, "must be %u-65535, auto or off", LB_MSS_MIN);
	return 0;
}

static int parse_gue_port(struct lb_receiver *r, const char *word, struct lb_err *err)
{
	uint32_t n;

	if (parse_u32(word, 1, UINT16_MAX, &n, err))
		return -1;
	r->gue_port = (uint16_t)n;
	return 0;
}

/* In its place: by family, then number. */
static int add_dscp(struct lb_receiver *r, const struct lb_rx_dscp *d, const char *word,
		    struct lb_err *err)
{
	size_t at = 0;

	while (at < r->dscps &&
	       (r->dscp[at].vip.family < d->vip.family ||
		(r->dscp[at].vip.family == d->vip.family && r->dscp[at].dscp < d->dscp)))
		at++;
	if (at < r->dscps && r->dscp[at].dscp == d->dscp && r->dscp[at].vip.family == d->vip.family)
		return lb_bad_word(err, word, "the number has a VIP of that family already");
	memmove(&r->dscp[at + 1], &r->dscp[at], (r->dscps - at) * sizeof(*d));
	r->dscp[at] = *d;
	r->dscps++;
	return 0;
}

static int parse_dscp(struct lb_receiver *r, const char *word, struct lb_err *err)
{
	const char *colon = strchr(word, ':');
	char number[4] = "";
	struct lb_rx_dscp d;
	struct lb_err ignored;
	uint32_t n;

	if (colon && colon - word < (long)sizeof(number))
		memcpy(number, word, colon - word);
	if (!*number || parse_u32(number, 1, LB_DSCP_MAX, &n, &ignored))
		return lb_bad_word(err, word, "must be N:VIP, N 1-%u", LB_DSCP_MAX);
	d.dscp = (uint8_t)n;
	if (parse_addr(colon + 1, &d.vip, err))
		return -1;
	return add_dscp(r, &d, word, err);
}

static int parse_value(struct lb_receiver *r, int key, const char *word, struct lb_err *err)
{
	switch (key) {
	case KEY_FROM:
		return parse_from(r, word, err);
	case KEY_MSS:
		return parse_mss(r, word, err);
	case KEY_DSCP:
		return parse_dscp(r, word, err);
	default:
		return parse_gue_port(r, word, err);
	}
}

static int parse(struct tool *t, struct lb_args *a, struct recv_want *w)
{
	uint32_t seen = 0;
	const char *word;
	int key;

	memset(w, 0, sizeof(*w));
	w->recv.gue_port = LB_GUE_PORT_DEFAULT;
	if (lb_args_next(a, "DEV", &w->dev, &t->err))
		return -1;
	while ((key = lb_args_pair(a, keys, &seen, &word, &t->err)) >= 0)
		if (parse_value(&w->recv, key, word, &t->err))
			return lb_args_label(&t->err, keys[key].word);
	w->from_given = seen & 1u << KEY_FROM;
	w->mss_given = seen & 1u << KEY_MSS;
	w->gue_port_given = seen & 1u << KEY_GUE_PORT;
	w->dscp_given = seen & 1u << KEY_DSCP;
	return key == LB_ARGS_END ? 0 : -1;
}

static int put(struct tool *t, struct lb_args *a, bool replace)
{
	struct recv_want *w = malloc(sizeof(*w));
	int ret = -1;

	if (!w)
		return lb_fail(&t->err, "out of memory");
	if (!parse(t, a, w) && !tool_no_dry_run(t))
		ret = recv_put(t, w, replace);
	free(w);
	return ret;
}

static int receiver_add(struct tool *t, struct lb_args *a)
{
	return put(t, a, false);
}

static int receiver_replace(struct tool *t, struct lb_args *a)
{
	return put(t, a, true);
}

static int receiver_del(struct tool *t, struct lb_args *a)
{
	const char *dev;

	if (lb_args_next(a, "DEV", &dev, &t->err) || lb_args_end(a, &t->err) || tool_no_dry_run(t))
		return -1;
	return recv_del(t, dev);
}

static void show_froms(struct tool *t, const struct lb_receiver *r)
{
	char buf[LB_ADDR_STRLEN + 4];
	int any = 0;

	for (size_t i = 0; i < r->froms; i++)
		any += lb_net_same(&r->from[i], &any4) || lb_net_same(&r->from[i], &any6);
	if (any == 2)
		lb_out_item(t->out, "from", "any", LB_WARN);
	for (size_t i = 0; i < r->froms; i++) {
		if (any == 2 &&
		    (lb_net_same(&r->from[i], &any4) || lb_net_same(&r->from[i], &any6)))
			continue;
		format_net(&r->from[i], buf);
		lb_out_item(t->out, "from", buf, LB_ADDRESS);
	}
}

static void show_dscps(struct tool *t, const struct lb_receiver *r)
{
	char addr[LB_ADDR_STRLEN], word[LB_ADDR_STRLEN + 4];

	for (size_t i = 0; i < r->dscps; i++) {
		format_addr(&r->dscp[i].vip, addr);
		snprintf(word, sizeof(word), "%u:%s", r->dscp[i].dscp, addr);
		lb_out_item(t->out, "dscp", word, LB_ADDRESS);
	}
}

static int show_one(struct tool *t, const struct lb_link *link, const struct lb_receiver *r)
{
	uint32_t in, out;

	if (recv_filters(t, link->ifindex, &in, &out))
		return -1;
	lb_out_begin(t->out);
	lb_out_name(t->out, "dev", link->name, LB_NAME);
	show_froms(t, r);
	if (r->mss == LB_MSS_AUTO)
		lb_out_str(t->out, "mss", "auto", LB_PLAIN);
	else if (r->mss != LB_MSS_LEAVE)
		lb_out_u64(t->out, "mss", r->mss);
	if (t->look.json)
		lb_out_u64(t->out, "gue_port", r->gue_port);
	else if (r->gue_port != LB_GUE_PORT_DEFAULT)
		lb_out_u64(t->out, "gue-port", r->gue_port);
	show_dscps(t, r);
	/* Somebody else removed a filter or the whole clsact. */
	if (!in || (r->mss != LB_MSS_LEAVE && !out))
		lb_out_bool(t->out, "attached", false);
	if (t->details) {
		lb_out_more(t->out);
		lb_out_u64(t->out, "mtu", link->mtu);
		if (in)
			lb_out_u64(t->out, "prog", in);
		if (out)
			lb_out_u64(t->out, "prog_mss", out);
	}
	lb_out_end(t->out);
	return 0;
}

static int show_all(struct tool *t, const struct lb_rx *rx, const struct lb_link *link, size_t n,
		    const char *dev)
{
	struct lb_receiver *r = malloc(sizeof(*r));
	int ret = 0, found = 0;

	if (!r)
		return lb_fail(&t->err, "out of memory");
	for (size_t i = 0; i < n && !ret; i++) {
		if ((dev && strcmp(dev, link[i].name) != 0) || !lb_rx_get(rx, link[i].ifindex, r))
			continue;
		ret = show_one(t, &link[i], r);
		found++;
	}
	free(r);
	if (dev && !found)
		return lb_fail(&t->err, "\"%s\" is no receiver", dev);
	return ret;
}

static int receiver_show(struct tool *t, struct lb_args *a)
{
	const char *dev = lb_args_peek(a);
	struct lb_link *link = NULL, only;
	struct lb_rx *rx = NULL;
	int ret = -1;
	size_t n;

	a->at += !!dev;
	if (lb_args_end(a, &t->err) || tool_nl(t) || tool_out(t) ||
	    (dev && lb_nl_link(t->nl, dev, &only, &t->err)) ||
	    lb_rx_open(t->instance, &rx, &t->err))
		return -1;
	if (!recv_not_elsewhere(t, rx) && !lb_nl_links(t->nl, &link, &n, &t->err))
		ret = show_all(t, rx, link, n, dev ? only.name : NULL);
	free(link);
	lb_rx_close(rx);
	return ret;
}

static const struct cmd receiver_cmds[] = {
	{"add", receiver_add,
	 "add DEV [ from PREFIX ]... [ mss N|auto ] [ gue-port N ] [ dscp N:VIP ]..."},
	{"replace", receiver_replace,
	 "replace DEV [ from PREFIX ]... [ mss N|auto|off ] [ gue-port N ] [ dscp N:VIP ]..."},
	{"del", receiver_del, "del DEV"},
	{"show", receiver_show, "show [ DEV ]"},
	{NULL, NULL, NULL},
};

const struct object receiver_object = {
	"receiver",
	"devices of a real that take packets out of the tunnels",
	receiver_cmds,
	"PREFIX := { ADDRESS[/LEN] | any }: who may send tunnels to this host, its balancers "
	"(default any)\n"
	"mss: the most that SYN-ACKs from a VIP may say, 88-65535; auto: what fits the device with "
	"its tunnel\n"
	"gue-port N := 1-65535, the UDP port on which GUE is taken (default 6080)\n"
	"dscp N:VIP: packets to this host with DSCP N, 1-63, are the VIP's\n"
	"replace keeps what is not named, and takes notice of this host's present addresses and "
	"MTU\n",
};
