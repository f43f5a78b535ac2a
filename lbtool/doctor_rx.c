/* SPDX-License-Identifier: GPL-2.0 */
/* A receiver: its programs and devices, whom it hears, where tunnels end, what SYN-ACKs say. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/doctor.h"
#include "lbtool/recv.h"
#include "lib/prog.h"

/* A shorter prefix is no list of balancers. */
#define FROM4_LEAST 8u
#define FROM6_LEAST 16u

#define CLIENT_MTU 1500u /* the most that clients commonly send */
#define IP4_LEN 20u
#define IP6_LEN 40u
#define TCP_LEN 20u

static int by_addr(const void *a, const void *b)
{
	return lb_addr_cmp(&((const struct doctor_vip *)a)->addr,
			   &((const struct doctor_vip *)b)->addr);
}

const struct doctor_vip *doctor_vip(const struct doctor *d, const struct lb_addr *addr)
{
	const struct doctor_vip key = {*addr, false};

	return d->vips ? bsearch(&key, d->vip, d->vips, sizeof(key), by_addr) : NULL;
}

static void add_vip(struct doctor *d, const struct lb_addr *addr, bool named)
{
	d->vip[d->vips++] = (struct doctor_vip){*addr, named};
}

/* What came, what DSCPs name, and what stands on lo: each once. */
static int read_vips(struct doctor *d)
{
	size_t most = d->cames + d->devs.addrs + d->recvs * LB_RX_DSCP_MAX, n = 0;

	d->vip = calloc(most + 1, sizeof(*d->vip));
	if (!d->vip)
		return lb_fail(&d->t->err, "out of memory");
	for (size_t i = 0; i < d->cames; i++)
		add_vip(d, &d->came[i].vip, true);
	for (size_t i = 0; i < d->recvs; i++)
		for (size_t k = 0; k < d->recv[i].dscps; k++)
			add_vip(d, &d->recv[i].dscp[k].vip, true);
	for (size_t i = 0; i < d->devs.addrs; i++) {
		const struct lb_nl_addr *a = &d->devs.addr[i];
		const struct lb_link *link = devs_link(&d->devs, a->ifindex);

		if (link && link->loopback && !recv_loops(&a->addr))
			add_vip(d, &a->addr, false);
	}
	qsort(d->vip, d->vips, sizeof(*d->vip), by_addr);
	for (size_t i = 0; i < d->vips; i++) {
		if (n && !by_addr(&d->vip[i], &d->vip[n - 1]))
			d->vip[n - 1].named |= d->vip[i].named;
		else
			d->vip[n++] = d->vip[i];
	}
	d->vips = n;
	return 0;
}

static int read_all(struct doctor *d)
{
	struct tool *t = d->t;
	struct lb_receiver *more;
	uint32_t ifindex = 0;

	if (lb_rx_open(t->instance, &d->rx, &t->err))
		return -1;
	while (lb_rx_next(d->rx, &ifindex)) {
		more = realloc(d->recv, (d->recvs + 1) * sizeof(*more));
		if (!more)
			return lb_fail(&t->err, "out of memory");
		d->recv = more;
		d->recvs += lb_rx_get(d->rx, ifindex, &more[d->recvs]);
	}
	return lb_rx_came(d->rx, &d->came, &d->cames, &t->err) || read_vips(d) ? -1 : 0;
}

void doctor_rx_open(struct doctor *d)
{
	if (!lb_prog_pinned(d->t->instance, "rx"))
		return;
	d->have |= HAVE_RX_PIN;
	if (!read_all(d))
		d->have |= HAVE_RX;
	else
		snprintf(d->rx_why, sizeof(d->rx_why), "%s", d->t->err.msg);
}

void doctor_rx_close(struct doctor *d)
{
	lb_rx_close(d->rx);
	free(d->recv);
	free(d->came);
	free(d->vip);
}

static void programs(struct doctor *d)
{
	char again[3 * sizeof(d->lbtool) + 128];

	/* The programs go with the last device. */
	snprintf(again, sizeof(again),
		 "w=$(%s receiver show) && echo \"$w\" | cut -d' ' -f1 | xargs -n1 %s receiver del "
		 "&& "
		 "echo \"$w\" | xargs -L1 %s receiver add",
		 d->lbtool, d->lbtool, d->lbtool);
	if (!(d->have & HAVE_RX)) {
		doctor_remedy(
			d,
			"%stc filter del dev DEV ingress pref %d; %stc filter del dev DEV egress "
			"pref %d; rm " LB_PIN_ROOT "/%s/prog/rx; %s receiver add DEV from PREFIX",
			d->run, RECV_PREF, d->run, RECV_PREF, d->t->instance, d->lbtool);
		doctor_find(d, DOCTOR_FAULT, d->t->instance, "%s", d->rx_why);
		return;
	}
	doctor_program(d, "rx", again);
	doctor_program(d, "rx_mss", again);
}

/* A name for commands that are about all of them. */
static const char *first(const struct doctor *d)
{
	for (size_t i = 0; i < d->recvs; i++)
		if (devs_link(&d->devs, d->recv[i].ifindex))
			return devs_link(&d->devs, d->recv[i].ifindex)->name;
	return "DEV";
}

static void one_filter(struct doctor *d, const struct lb_link *link, bool egress, uint32_t prog,
		       uint32_t ours)
{
	const char *side = egress ? "egress" : "ingress";

	if (prog && prog == ours)
		return;
	doctor_remedy(d, "%s receiver replace %s", d->lbtool, link->name);
	if (prog)
		doctor_find(d, DOCTOR_FAULT, link->name,
			    "the filter on %s runs another program (id %" PRIu32
			    "), of another instance or an older receiver",
			    side, prog);
	else
		doctor_find(d, DOCTOR_FAULT, link->name,
			    "the filter on %s is gone, or the receiver is in a network namespace "
			    "without a name: %s",
			    side,
			    egress ? "SYN-ACKs say what they like"
				   : "nothing is taken out of tunnels there");
}

static void one_attached(struct doctor *d, const struct lb_receiver *r)
{
	const struct lb_link *link = devs_link(&d->devs, r->ifindex);
	uint32_t in, out;
	char number[16];

	if (!link) {
		snprintf(number, sizeof(number), "#%" PRIu32, r->ifindex);
		/* Which forgets those that are gone. */
		doctor_remedy(d, "%s receiver replace %s", d->lbtool, first(d));
		doctor_find(d, DOCTOR_FAULT, number,
			    "a device that received is gone, or in another network namespace");
	} else if (recv_filters(d->t, link->ifindex, &in, &out)) {
		doctor_find(d, DOCTOR_WARNING, link->name, "%s", d->t->err.msg);
	} else {
		one_filter(d, link, false, in, lb_prog_pinned_id(d->t->instance, "rx"));
		if (r->mss != LB_MSS_LEAVE)
			one_filter(d, link, true, out, lb_prog_pinned_id(d->t->instance, "rx_mss"));
	}
}

static void attached(struct doctor *d)
{
	if (d->recvs && recv_not_elsewhere(d->t, d->rx)) {
		doctor_find(d, DOCTOR_FAULT, NULL, "%s", d->t->err.msg);
		return;
	}
	for (size_t i = 0; i < d->recvs; i++)
		one_attached(d, &d->recv[i]);
	if (d->recvs)
		return;
	doctor_remedy(d, "%s receiver add DEV from PREFIX", d->lbtool);
	doctor_find(d, DOCTOR_FAULT, NULL, "no device receives");
}

static void link_of(struct doctor *d, const struct lb_link *link, const struct lb_receiver *r)
{
	(void)r;
	doctor_link(d, link);
}

static void from_of(struct doctor *d, const struct lb_link *link, const struct lb_receiver *r)
{
	const struct lb_net *wide = NULL;
	char net[LB_ADDR_STRLEN + 4];

	for (size_t i = 0; i < r->froms && !wide; i++)
		if (r->from[i].len < (r->from[i].addr.family == 4 ? FROM4_LEAST : FROM6_LEAST))
			wide = &r->from[i];
	if (r->froms && !wide)
		return;
	doctor_remedy(d, "%s receiver replace %s from PREFIX", d->lbtool, link->name);
	if (!r->froms) {
		doctor_find(d, DOCTOR_FAULT, link->name, "takes tunnels from nobody");
		return;
	}
	format_net(wide, net);
	doctor_find(d, DOCTOR_WARNING, link->name,
		    "takes tunnels from %s: whoever reaches this host can forge packets from the "
		    "inside; name the balancers",
		    net);
}

static uint64_t counted(struct doctor *d, const char *why)
{
	struct lb_counts count;

	for (uint32_t i = 0; i < lb_rx_why_count(); i++)
		if (!strcmp(lb_rx_why_name(i), why))
			return lb_rx_count(d->rx, i, &count, &d->t->err) ? 0 : count.packets;
	return 0;
}

static const struct lb_receiver *receiver(const struct doctor *d, uint32_t ifindex)
{
	for (size_t i = 0; i < d->recvs; i++)
		if (d->recv[i].ifindex == ifindex)
			return &d->recv[i];
	return NULL;
}

/* Any address may be a tunnel's end or none; of those on other devices only packets that were left alone tell. */
static void ends(struct doctor *d)
{
	uint64_t left = counted(d, "pass_not_local");

	for (size_t i = 0; i < d->devs.addrs; i++) {
		const struct lb_nl_addr *a = &d->devs.addr[i];
		const struct doctor_vip *vip = doctor_vip(d, &a->addr);
		char text[LB_ADDR_STRLEN];

		if (recv_loops(&a->addr) || lb_rx_ends(d->rx, &a->addr) || (vip && vip->named) ||
		    !(receiver(d, a->ifindex) || left) || !d->recvs)
			continue;
		format_addr(&a->addr, text);
		doctor_remedy(d, "%s receiver replace %s", d->lbtool, first(d));
		doctor_find(d, DOCTOR_WARNING, text,
			    "this host got the address after the receiver was added: tunnels that "
			    "end there are left alone");
	}
}

/* Bytes around a client's segment in its tunnel, the most that came; of a receiver that nobody used, the least. */
static uint32_t around(const struct doctor *d, bool headers)
{
	uint32_t most = 0;

	for (size_t i = 0; i < d->cames; i++) {
		const struct lb_rx_came *c = &d->came[i];
		uint32_t ip = c->vip.family == 4 ? IP4_LEN : IP6_LEN;
		uint32_t one = c->outer + (headers ? ip + TCP_LEN : 0);

		if (one > most)
			most = one;
	}
	return most ? most : IP4_LEN + (headers ? IP4_LEN + TCP_LEN : 0);
}

static void mss_of(struct doctor *d, const struct lb_link *link, const struct lb_receiver *r)
{
	/* L3DSR has no tunnel. */
	bool tunnels = d->cames || !r->dscps;

	if (r->mss == LB_MSS_AUTO && r->mtu != link->mtu) {
		doctor_remedy(d, "%s receiver replace %s", d->lbtool, link->name);
		doctor_find(d, DOCTOR_WARNING, link->name,
			    "the MTU is %" PRIu32 ", \"mss auto\" counts with the %" PRIu32
			    " that it was when the receiver was added",
			    link->mtu, r->mtu);
	} else if (r->mss > LB_MSS_AUTO && r->mss + around(d, true) > link->mtu) {
		doctor_remedy(d, "%s receiver replace %s mss auto", d->lbtool, link->name);
		doctor_find(d, DOCTOR_WARNING, link->name,
			    "segments of %" PRIu32 " bytes (mss) do not fit into tunnels of an MTU "
			    "of %" PRIu32,
			    r->mss, link->mtu);
	} else if (r->mss == LB_MSS_LEAVE && tunnels && link->mtu < CLIENT_MTU + around(d, false)) {
		doctor_remedy(d, "%s receiver replace %s mss auto", d->lbtool, link->name);
		doctor_find(d, DOCTOR_WARNING, link->name,
			    "clients' full packets do not fit into tunnels of an MTU of %" PRIu32
			    ": SYN-ACKs should say less",
			    link->mtu);
	}
}

const struct doctor_check doctor_rx[] = {
	{"rx", HAVE_RX_PIN, programs, "the receiver's programs are compiled", NULL, NULL},
	{"rx_attached", HAVE_RX, attached, "filters on each receiving device", NULL, NULL},
	{"rx_link", HAVE_RX, NULL, "up, with a carrier", NULL, link_of},
	{"rx_from", HAVE_RX, NULL, "tunnels are taken from named sources", NULL, from_of},
	{"rx_end", HAVE_RX, ends, "tunnels may end at the addresses that there are", NULL, NULL},
	{"rx_mss", HAVE_RX, NULL, "segments fit into the tunnels", NULL, mss_of},
	{NULL, 0, NULL, NULL, NULL, NULL},
};
