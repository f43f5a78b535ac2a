// SPDX-License-Identifier: GPL-2.0
/* test_lb_get_tracked.c - fragments that follow their datagram's first one: what get and listeners say of them. */
#include <stdio.h>
#include <string.h>

#include "lib/listen.h"
#include "lib/trace.h"
#include "tests/packet/ptest.h"

#define SELF "192.0.2.1" /* of the link in */
#define PEER "10.0.9.9"
#define CLIENTS 200u

static struct world w;
static struct lb_trace *trace;
static struct lb_err err;

static void vip(const char *svc)
{
	struct lb_service s;

	must(world_vip(&w, svc, "s", false, &err));
	must(parse_service(svc, &s, &err));
	lb_model_vip(&w.model, &s)->fragments = LB_M_FRAGMENTS_TRACK;
}

static void peer(const char *word)
{
	struct lb_addr addr;

	must(parse_addr(word, &addr, &err));
	must(lb_model_put_peer(&w.model, &addr, &err));
}

static void setup(void)
{
	char addr[32];
	bool same;

	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "gettrack", NULL, &err));
	must(world_pool(&w, "s", 251, &err));
	for (int i = 1; i <= 4; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		must(world_real(&w, "s", addr, 1, LB_M_UP, &err));
	}
	vip("203.0.113.1:53/udp");
	vip("[2001:db8:f::1]:53/udp");
	peer(SELF);
	peer(PEER);
	must(world_commit(&w, &err));
	must(lb_trace_open(w.instance, &trace, &same, &err));
}

static void teardown(void)
{
	lb_trace_close(trace);
	trace = NULL;
	world_unload(&w);
}

TestSuite(lb_get_tracked, .init = setup, .fini = teardown, .timeout = 60);

/* Of the i-th client's one datagram; first: the fragment with the ports. */
static void build(uint32_t i, bool v6, bool first, struct pkt *p, struct lb_flow *f)
{
	char src[48];
	struct pkt_spec s = {
		.src = src,
		.dst = v6 ? "2001:db8:f::1" : "203.0.113.1",
		.proto = IPPROTO_UDP,
		.dport = 53,
		.payload = 400,
		.frag = first ? 0x2000 : 51,
		.ext = v6 ? "f" : NULL,
	};

	snprintf(src, sizeof(src), v6 ? "2001:db8:c::1:%x" : "192.0.3.%u", 1 + i);
	pkt_build(p, &s);
	if (v6) {
		p->b[14 + 42] = first ? 0 : 1;
		p->b[14 + 43] = first ? 1 : 0x98;
	}
	memset(f, 0, sizeof(*f));
	must(parse_addr(src, &f->src, &err));
	must(parse_addr(s.dst, &f->dst.addr, &err));
	f->sport = 40000;
	f->dst.port = 53;
	f->dst.proto = IPPROTO_UDP;
	f->fragment = first ? LB_FLOW_FIRST : LB_FLOW_LATER;
	f->len = lb_flow_least(f) + 400;
}

static struct lb_addr outer_dst(const struct pkt *p)
{
	struct lb_addr a = {.family = 4};

	memcpy(a.b, p->b + 14 + 16, 4);
	return a;
}

/* Half of the datagrams meet here, half at the peer: the program and who asks it agree on which. */
static void agree(bool v6, bool first)
{
	uint32_t here = 0, there = 0;

	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct pkt in, out;
		struct lb_seen said;
		struct lb_flow flow;
		struct lb_addr dst;
		enum lb_why why;

		build(i, v6, first, &in, &flow);
		must(lb_trace_ask(trace, &flow, w.in, &said, &err));
		why = ptest_send(&w, &in, &out, "live");
		cr_assert(eq(u32, said.why, why), "get says %s, it was %s", lb_why_name(said.why),
			  lb_why_name(why));
		dst = outer_dst(&out);
		cr_assert(lb_addr_cmp(&said.outer_dst, &dst) == 0, "another way");
		cr_assert(eq(str, (char *)said.encap, why == LB_TX_PEER ? "gue" : "ipip"));
		cr_assert(eq(int, said.real.family != 0, why == LB_TX));
		here += why == LB_TX;
		there += why == LB_TX_PEER;
	}
	cr_expect(eq(u32, here + there, CLIENTS));
	cr_expect(gt(u32, there, CLIENTS / 4));
	cr_expect(first ? here > CLIENTS / 4 : here == 0);
}

Test(lb_get_tracked, first_ones_agree)
{
	agree(false, true);
	agree(true, true);
}

/* One that comes before its first waits on the way to the peer and back, wherever it is. */
Test(lb_get_tracked, later_ones_agree)
{
	agree(false, false);
	agree(true, false);
}

static struct lb_seen last;

static int note(void *arg, const struct lb_seen *s)
{
	++*(uint32_t *)arg;
	last = *s;
	return 0;
}

/* A listener sees the follower go where the first one went, and by what. */
Test(lb_get_tracked, followers_are_told_of)
{
	const struct lb_wish wish = {.whys = ~0ull, .sample = 1, .rate = LB_LISTEN_RATE_MAX};
	struct lb_listen *l;
	struct lb_addr real;
	struct pkt in, out;
	struct lb_flow flow;
	uint32_t here = 0;

	must(lb_listen_open(w.maps, w.instance, &wish, &l, &err));
	for (uint32_t i = 0; i < CLIENTS; i++) {
		uint32_t n = 0;

		build(i, false, true, &in, &flow);
		if (ptest_send(&w, &in, &out, "first") != LB_TX)
			continue;
		here++;
		real = outer_dst(&out);
		build(i, false, false, &in, &flow);
		cr_assert(eq(int, ptest_send(&w, &in, &out, "later"), LB_TX));
		lb_listen_read(l, note, &n);
		cr_assert(ge(u32, n, 2));
		cr_expect(last.fragment);
		cr_expect(eq(int, last.by, LB_BY_FIRST));
		cr_expect(lb_addr_cmp(&last.real, &real) == 0);
		cr_expect(eq(str, last.pool, (char *)"s"));
		cr_expect(eq(u32, last.slots, 0));
		cr_expect(eq(u8, last.prev.family, 0));
	}
	cr_expect(gt(u32, here, CLIENTS / 4));
	lb_listen_close(l);
}
