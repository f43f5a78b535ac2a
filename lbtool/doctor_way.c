/* SPDX-License-Identifier: GPL-2.0 */
/* The way to the reals: routes, neighbours, and what the program itself makes of a packet to each service. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/doctor.h"
#include "lib/hops.h"
#include "lib/trace.h"

#define TRIES 4 /* packets to each service */
#define SERVICES_MAX 256

static const char *link_name(const struct doctor *d, uint32_t ifindex)
{
	const struct lb_link *link = devs_link(&d->devs, ifindex);

	return link ? link->name : "DEV";
}

static void one_hop(struct doctor *d, const char *object, uint32_t ifindex,
		    const struct lb_addr *via)
{
	char hop[LB_ADDR_STRLEN];
	struct lb_neigh neigh;

	if (lb_nl_neigh(d->t->nl, ifindex, via, &neigh, &d->t->err)) {
		doctor_find(d, DOCTOR_WARNING, object, "%s", d->t->err.msg);
		return;
	}
	if (neigh.resolved)
		return;
	format_addr(via, hop);
	doctor_remedy(d, "%s neigh replace %s dev %s managed", d->ip, hop, link_name(d, ifindex));
	doctor_find(d, DOCTOR_FAULT, object,
		    "the next hop %s on %s is not resolved: packets that way are dropped; when it "
		    "answers, the kernel has to be told to ask",
		    hop, link_name(d, ifindex));
}

static void real_lost(void *arg, enum lb_hop_trouble kind, const struct lb_addr *addr,
		      const char *what)
{
	char text[LB_ADDR_STRLEN];
	struct doctor *d = arg;

	format_addr(addr, text);
	if (kind == LB_HOP_OWN) {
		doctor_remedy(d, "%s route get %s", d->ip, text);
		doctor_find(d, DOCTOR_FAULT, text, "the real's address %s: its packets go nowhere",
			    what);
	} else {
		doctor_remedy(d, "%s route add %s via ROUTER", d->ip, text);
		doctor_find(d, DOCTOR_FAULT, text, "%s", what);
	}
}

/* One of them is this host. */
static void peer_lost(void *arg, enum lb_hop_trouble kind, const struct lb_addr *addr,
		      const char *what)
{
	struct doctor *d = arg;

	if (kind == LB_HOP_OWN)
		d->is_peer = true;
	else
		real_lost(d, kind, addr, what);
}

/* By the routes. */
static void all_ways(struct doctor *d, const struct lb_addr *addr, size_t n,
		     void (*lost)(void *arg, enum lb_hop_trouble kind, const struct lb_addr *addr,
				  const char *what))
{
	struct lb_hop *hop = calloc(n + 1, sizeof(*hop));
	char text[LB_ADDR_STRLEN];

	n = hop ? lb_hops_find(d->t->nl, addr, n, hop, lost, d) : 0;
	for (size_t i = 0; i < n; i++) {
		format_addr(&hop[i].to, text);
		one_hop(d, text, hop[i].ifindex, &hop[i].via);
	}
	free(hop);
}

static void ways(struct doctor *d)
{
	const struct lb_model *m = &d->model;
	struct lb_addr *addr = calloc(m->reals + 1, sizeof(*addr));
	struct lb_dev_conf conf;
	size_t by_routes = 0, n = 0;

	for (size_t i = 0; i < d->devs.n; i++) {
		if (!d->devs.ours[i] ||
		    !lb_maps_dev_get(d->t->maps, d->devs.link[i].ifindex, &conf))
			continue;
		if (conf.via.family)
			one_hop(d, d->devs.link[i].name, d->devs.link[i].ifindex, &conf.via);
		else
			by_routes++;
	}
	for (size_t i = 0; addr && i < m->reals; i++)
		if (m->real[i].state != LB_M_DOWN)
			addr[n++] = m->real[i].addr;
	if (by_routes && addr)
		all_ways(d, addr, n, real_lost);
	free(addr);
}

static void peers(struct doctor *d)
{
	all_ways(d, d->model.peer, d->model.peers, peer_lost);
	if (!d->model.peers)
		doctor_sound(d, "none is named");
	if (!d->model.peers || d->is_peer)
		return;
	doctor_remedy(d, "%s node peer add ADDRESS", d->lbtool);
	doctor_find(
		d, DOCTOR_WARNING, NULL,
		"none of the nodes' addresses is this one's: fragments that are its part get lost");
}

/* From nobody in particular: addresses for documentation. */
static void make_flow(const struct lb_service *svc, int try, struct lb_flow *flow)
{
	static const struct lb_addr from4 = {.family = 4, .b = {198, 51, 100, 7}};
	static const struct lb_addr from6 = {.family = 6,
					     .b = {0x20, 0x01, 0x0d, 0xb8, 0, 7, [15] = 7}};

	*flow = (struct lb_flow){
		.src = svc->addr.family == 4 ? from4 : from6,
		.sport = 40000 + try,
		.dst = *svc,
		.tcp_flags = svc->proto == IPPROTO_TCP ? 0x10 : 0,
	};
	if (!flow->dst.port)
		flow->dst.port = 80;
}

static int one_service(struct doctor *d, struct lb_trace *trace, const struct lb_service *svc,
		       uint32_t in)
{
	char from[LB_SERVICE_STRLEN], to[LB_SERVICE_STRLEN], name[LB_SERVICE_STRLEN];
	struct lb_flow flow;
	struct lb_seen seen;

	format_service(svc, name);
	for (int i = 0; i < TRIES; i++) {
		make_flow(svc, i, &flow);
		if (lb_trace_ask(trace, &flow, in, &seen, &d->t->err))
			return -1;
		if (lb_seen_sent(&seen))
			continue;
		format_end(&flow.src, flow.sport, from);
		format_service(&flow.dst, to);
		doctor_remedy(d, "%s get %s %s", d->lbtool, from, to);
		doctor_find(d, DOCTOR_FAULT, name, "a packet of %s is not sent on: %s, %s", from,
			    lb_why_name(seen.why), lb_why_text(seen.why));
		return 0;
	}
	return 0;
}

/* What no other check has found. When one found a fault, that is it mostly, said a second time. */
static void packets(struct doctor *d)
{
	struct lb_trace *trace = NULL;
	const struct lb_link *in = devs_first(&d->devs);
	bool same;
	int ret = 0;

	if (d->worst == DOCTOR_FAULT || !in) {
		doctor_sound(d, "none is tried while there are faults");
		return;
	}
	if (d->model.vips)
		ret = lb_trace_open(d->t->instance, &trace, &same, &d->t->err);
	for (size_t i = 0; !ret && i < d->model.vips && i < SERVICES_MAX; i++)
		ret = one_service(d, trace, &d->model.vip[i].svc, in->ifindex);
	if (ret)
		doctor_find(d, DOCTOR_WARNING, NULL, "the program cannot be asked: %s",
			    d->t->err.msg);
	lb_trace_close(trace);
}

const struct doctor_check doctor_way[] = {
	{"way", HAVE_LB, ways, "next hops of all reals are resolved", NULL, NULL},
	{"peer", HAVE_LB, peers, "this node knows the others", NULL, NULL},
	{"packet", HAVE_LB, packets, "the program sends packets of all services to reals", NULL,
	 NULL},
	{NULL, 0, NULL, NULL, NULL, NULL},
};
