/* SPDX-License-Identifier: GPL-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lbtool/recv.h"
#include "lib/prog.h"

#define TC_IN "lb_rx"
#define TC_OUT "lb_rx_mss"

/* One run on one device, and what it has done so far. */
struct work {
	struct lb_link link;
	struct lb_rx *rx;
	struct lb_receiver new, old; /* old: as it was, when `had` */
	bool had, made_progs, made_clsact, wrote, filtered;
};

int recv_filters(struct tool *t, uint32_t ifindex, uint32_t *in, uint32_t *out)
{
	if (lb_nl_tc_get(t->nl, ifindex, false, RECV_PREF, TC_IN, in, &t->err))
		return -1;
	return lb_nl_tc_get(t->nl, ifindex, true, RECV_PREF, TC_OUT, out, &t->err);
}

struct search {
	struct tool *t;
	const struct lb_rx *rx;
	uint32_t prog; /* the id of our program */
};

static int fail_elsewhere(struct tool *t, const char *name)
{
	if (name)
		return lb_fail(
			&t->err,
			"instance \"%s\" receives in network namespace \"%s\": use -n %s, or "
			"another instance (-i)",
			t->instance, name, name);
	return lb_fail(&t->err,
		       "instance \"%s\" receives in the network namespace that lbtool was started "
		       "in: leave out -n, or use another instance (-i)",
		       t->instance);
}

static int look(void *arg, struct lb_nl *nl, const char *name)
{
	const struct search *s = arg;
	struct lb_err ignored;
	uint32_t ifindex = 0, prog;

	while (lb_rx_next(s->rx, &ifindex))
		if (!lb_nl_tc_get(nl, ifindex, false, RECV_PREF, TC_IN, &prog, &ignored) &&
		    prog == s->prog)
			return fail_elsewhere(s->t, name);
	return 0;
}

/*
 * An instance receives in one network namespace: its maps know devices by ifindex, and one set of
 * own addresses.
 */
int recv_not_elsewhere(struct tool *t, const struct lb_rx *rx)
{
	struct search s = {.t = t, .rx = rx};
	int fd = lb_prog_open(t->instance, "rx", &t->err), bad;
	struct lb_prog_info info;

	if (fd < 0)
		return -1;
	bad = lb_prog_info(fd, &info, &t->err);
	close(fd);
	s.prog = info.id;
	return bad || tool_elsewhere(t, look, &s) ? -1 : 0;
}

static bool has_link(const struct lb_link *link, size_t n, uint32_t ifindex)
{
	for (size_t i = 0; i < n; i++)
		if (link[i].ifindex == ifindex)
			return true;
	return false;
}

/* Forgets devices that are gone. Deleting spoils the order of the walk: it starts again. */
static int drop_gone(struct tool *t, struct lb_rx *rx)
{
	struct lb_link *link;
	uint32_t ifindex = 0;
	int ret = 0;
	size_t n;

	if (lb_nl_links(t->nl, &link, &n, &t->err))
		return -1;
	while (!ret && lb_rx_next(rx, &ifindex)) {
		if (has_link(link, n, ifindex))
			continue;
		ret = lb_rx_del(rx, ifindex, &t->err);
		ifindex = 0;
	}
	free(link);
	return ret ? -1 : 0;
}

bool recv_loops(const struct lb_addr *addr)
{
	static const struct lb_addr one = {6, {[15] = 1}};

	return (addr->family == 4 && addr->b[0] == 127) || !lb_addr_cmp(addr, &one);
}

/* Where tunnels may end: every address but those of the loopback network. */
static int set_locals(struct tool *t, struct lb_rx *rx)
{
	struct lb_nl_addr *addr;
	struct lb_addr *local;
	size_t n, locals = 0;
	int ret;

	if (lb_nl_addrs(t->nl, 0, &addr, &n, &t->err))
		return -1;
	local = calloc(n + 1, sizeof(*local));
	for (size_t i = 0; local && i < n; i++)
		if (!recv_loops(&addr[i].addr))
			local[locals++] = addr[i].addr;
	ret = local ? lb_rx_locals(rx, local, locals, &t->err) : lb_fail(&t->err, "out of memory");
	if (!ret)
		ret = lb_rx_forget(rx, &t->err);
	free(local);
	free(addr);
	return ret;
}

static int set_filter(struct tool *t, uint32_t ifindex, bool egress)
{
	int fd = lb_prog_open(t->instance, egress ? "rx_mss" : "rx", &t->err), ret;

	if (fd < 0)
		return -1;
	ret = lb_nl_tc_set(t->nl, ifindex, egress, RECV_PREF, egress ? TC_OUT : TC_IN, fd, &t->err);
	close(fd);
	return ret;
}

static int set_filters(struct tool *t, const struct lb_receiver *r)
{
	if (r->mss != LB_MSS_LEAVE
		    ? set_filter(t, r->ifindex, true)
		    : lb_nl_tc_del(t->nl, r->ifindex, true, RECV_PREF, TC_OUT, &t->err))
		return -1;
	return set_filter(t, r->ifindex, false);
}

/* Filters away; clsact too when it is ours and serves nobody else. */
static int clear_filters(struct tool *t, uint32_t ifindex, bool made_clsact, struct lb_err *err)
{
	bool empty = false;

	if (lb_nl_tc_del(t->nl, ifindex, false, RECV_PREF, TC_IN, err) ||
	    lb_nl_tc_del(t->nl, ifindex, true, RECV_PREF, TC_OUT, err))
		return -1;
	if (!made_clsact)
		return 0;
	if (lb_nl_tc_empty(t->nl, ifindex, &empty, err))
		return -1;
	return empty ? lb_nl_clsact_del(t->nl, ifindex, err) : 0;
}

/* A step failed: everything as it was. */
static void undo(struct tool *t, struct work *w)
{
	struct lb_err why = t->err, ignored;

	if (w->had && w->wrote)
		lb_rx_put(w->rx, &w->old, &ignored);
	if (w->had && w->filtered)
		set_filters(t, &w->old);
	if (!w->had && (w->filtered || w->made_clsact))
		clear_filters(t, w->link.ifindex, w->made_clsact, &ignored);
	if (!w->had && w->wrote)
		lb_rx_del(w->rx, w->link.ifindex, &ignored);
	if (w->made_progs)
		lb_prog_rx_unload(t->instance, &ignored);
	t->err = why;
}

/* Entries before filters, so that the first packet is judged by them. */
static int apply(struct tool *t, struct work *w)
{
	bool made = false;

	if (lb_nl_clsact_add(t->nl, w->link.ifindex, &made, &t->err))
		return -1;
	w->made_clsact = made;
	w->new.made_clsact = made || (w->had && w->old.made_clsact);
	w->wrote = true;
	if (lb_rx_put(w->rx, &w->new, &t->err) || set_locals(t, w->rx))
		return -1;
	w->filtered = true;
	return set_filters(t, &w->new);
}

static int complete(struct tool *t, struct work *w, const struct recv_want *want)
{
	static const struct lb_net any[2] = {{.addr = {.family = 4}}, {.addr = {.family = 6}}};

	w->new = want->recv;
	w->new.ifindex = w->link.ifindex;
	w->new.mtu = w->link.mtu;
	if (w->had && !want->mss_given)
		w->new.mss = w->old.mss;
	if (w->had && !want->gue_port_given)
		w->new.gue_port = w->old.gue_port;
	if (w->had && !want->dscp_given) {
		memcpy(w->new.dscp, w->old.dscp, sizeof(w->new.dscp));
		w->new.dscps = w->old.dscps;
	}
	if (want->from_given)
		return 0;
	if (w->had) {
		memcpy(w->new.from, w->old.from, sizeof(w->new.from));
		w->new.froms = w->old.froms;
		return 0;
	}
	memcpy(w->new.from, any, sizeof(any));
	w->new.froms = 2;
	tool_note(t, "device \"%s\" takes tunnels from everybody: name the balancers with \"from\"",
		  w->link.name);
	return 0;
}

/* Its filters have the place of ours: who forgot -i would stop a receiver that works. */
static int not_anothers(struct tool *t, const struct work *w)
{
	uint32_t in, out;

	if (w->had)
		return 0;
	if (recv_filters(t, w->link.ifindex, &in, &out))
		return -1;
	if (!in && !out)
		return 0;
	return lb_fail(
		&t->err,
		"\"%s\" receives for another instance: name that one (-i); where it is gone, "
		"\"tc filter del dev %s %s pref %d\" removes its filter",
		w->link.name, w->link.name, in ? "ingress" : "egress", RECV_PREF);
}

int recv_put(struct tool *t, struct recv_want *want, bool replace)
{
	struct work *w = calloc(1, sizeof(*w));
	int ret = -1;

	if (!w)
		return lb_fail(&t->err, "out of memory");
	if (tool_nl(t) || tool_lock(t) || tool_ether(t, want->dev, &w->link) ||
	    lb_prog_rx_load(t->instance, &w->made_progs, &t->err))
		goto out;
	if (lb_rx_open(t->instance, &w->rx, &t->err) || recv_not_elsewhere(t, w->rx) ||
	    drop_gone(t, w->rx))
		goto failed;
	w->had = lb_rx_get(w->rx, w->link.ifindex, &w->old);
	if (w->had && !replace) {
		lb_fail(&t->err, "\"%s\" exists: use \"receiver replace\"", w->link.name);
		goto out;
	}
	ret = not_anothers(t, w) || complete(t, w, want) || apply(t, w) ? -1 : 0;
failed:
	if (ret)
		undo(t, w);
out:
	if (w->rx)
		lb_rx_close(w->rx);
	free(w);
	return ret;
}

/* The programs go with the last device. */
static int unload_unused(struct tool *t, const struct lb_rx *rx)
{
	uint32_t ifindex = 0;

	return lb_rx_next(rx, &ifindex) ? 0 : lb_prog_rx_unload(t->instance, &t->err);
}

int recv_del(struct tool *t, const char *dev)
{
	struct work *w = calloc(1, sizeof(*w));
	int ret = -1;

	if (!w)
		return lb_fail(&t->err, "out of memory");
	if (tool_nl(t) || tool_lock(t) || lb_rx_open(t->instance, &w->rx, &t->err))
		goto out;
	if (recv_not_elsewhere(t, w->rx) || drop_gone(t, w->rx))
		goto out;
	if (lb_nl_link(t->nl, dev, &w->link, &t->err)) {
		unload_unused(t, w->rx); /* it may have been the last one */
		goto out;
	}
	if (!lb_rx_get(w->rx, w->link.ifindex, &w->old)) {
		lb_fail(&t->err, "\"%s\" is no receiver", w->link.name);
		goto out;
	}
	if (clear_filters(t, w->link.ifindex, w->old.made_clsact, &t->err) ||
	    lb_rx_del(w->rx, w->link.ifindex, &t->err))
		goto out;
	ret = unload_unused(t, w->rx);
out:
	if (w->rx)
		lb_rx_close(w->rx);
	free(w);
	return ret;
}
