// SPDX-License-Identifier: GPL-2.0
/* test_lb_get.c - what the program says that it would do, against what it does. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

#include "lib/trace.h"
#include "tests/packet/asked.h"

#define FLOWS 10000

static struct world w;
static struct lb_trace *trace;
static struct lb_err err;

static void serve(enum lb_m_encap encap)
{
	bool same;

	asked_serve(&w, encap);
	must(lb_trace_open(w.instance, &trace, &same, &err));
	cr_assert(same, "another program than the one that is loaded");
}

static void teardown(void)
{
	lb_trace_close(trace);
	trace = NULL;
	world_unload(&w);
}

TestSuite(lb_get, .fini = teardown, .timeout = 120);

static bool same_why(uint32_t said, enum lb_why why)
{
	/* The live one has told enough senders, which who asks does not count among. */
	return said == why || (said == LB_TX_TOO_BIG && why == LB_DROP_TOO_BIG_RATE);
}

static void expect_same(const struct asked *b, const struct lb_seen *said, enum lb_why why,
			const struct pkt *out)
{
	bool tunnel = !strcmp(said->encap, "ipip") || !strcmp(said->encap, "gue");
	struct lb_addr dst, src;

	cr_assert(same_why(said->why, why), "%s %u > %s %u: get says %s, it was %s", b->src,
		  b->spec.sport, b->spec.dst, b->spec.dport, lb_why_name(said->why),
		  world_why_name(why));
	if (why != LB_TX && why != LB_TX_REDIRECT)
		return;
	dst = pkt_addr(out, true);
	src = pkt_addr(out, false);
	if (!strcmp(said->encap, "l2")) {
		cr_assert(lb_addr_cmp(&b->flow.dst.addr, &dst) == 0, "another destination");
	} else {
		cr_assert(lb_addr_cmp(&said->outer_dst, &dst) == 0, "another outer destination");
		cr_assert(lb_addr_cmp(&said->real, &dst) == 0, "another real");
	}
	cr_assert(eq(int, said->outer_src.family != 0, tunnel));
	if (tunnel)
		cr_assert(lb_addr_cmp(&said->outer_src, &src) == 0, "another outer source");
	cr_assert(memcmp(said->lladdr, out->b, 6) == 0, "another MAC");
	cr_assert(eq(int, said->out == w.in, why == LB_TX));
}

/* What became of how many: a test in which all are dropped shows nothing. */
struct sum {
	uint32_t sent, kept, own, reasons, prev;
	bool why[LB_WHY_MAX];
};

static void count(struct sum *s, const struct lb_seen *said)
{
	s->sent += lb_seen_sent(said);
	s->kept += said->by == LB_BY_SESSION;
	s->own += said->by == LB_BY_PORT;
	s->prev += said->prev.family != 0;
	s->reasons += !s->why[said->why];
	s->why[said->why] = true;
}

static struct sum agree(bool v6, uint64_t seed)
{
	struct sum sum = {0};
	struct lb_seen said;
	struct pkt in, out;
	struct asked b;
	enum lb_why why;

	for (int i = 0; i < FLOWS; i++) {
		asked_any(&b, v6, &seed);
		pkt_build(&in, &b.spec);
		must(lb_trace_ask(trace, &b.flow, w.in, &said, &err));
		why = ptest_send(&w, &in, &out, "live");
		expect_same(&b, &said, why, &out);
		count(&sum, &said);
	}
	return sum;
}

/* The same packets again, after a change of the table: then the session cache has its say, and GUE names who was before. */
static void agree_twice(enum lb_m_encap encap, bool v6)
{
	struct sum first, again;

	serve(encap);
	first = agree(v6, 1);
	cr_expect(gt(u32, first.sent, FLOWS / 2));
	cr_expect(ge(u32, first.reasons, 7));
	asked_drain(&w, encap);
	again = agree(v6, 1);
	cr_expect(gt(u32, again.kept, FLOWS / 5));
	cr_expect(gt(u32, again.own, FLOWS / 10));
	cr_expect(eq(int, again.prev > FLOWS / 100, encap == LB_M_ENCAP_GUE));
}

Test(lb_get, ipip_of_ipv4)
{
	agree_twice(LB_M_ENCAP_IPIP, false);
}

Test(lb_get, ipip_of_ipv6)
{
	agree_twice(LB_M_ENCAP_IPIP, true);
}

Test(lb_get, gue_of_ipv4)
{
	agree_twice(LB_M_ENCAP_GUE, false);
}

Test(lb_get, gue_of_ipv6)
{
	agree_twice(LB_M_ENCAP_GUE, true);
}

Test(lb_get, dscp_of_ipv4)
{
	agree_twice(LB_M_ENCAP_DSCP, false);
}

Test(lb_get, dscp_of_ipv6)
{
	agree_twice(LB_M_ENCAP_DSCP, true);
}

Test(lb_get, l2_of_ipv4)
{
	agree_twice(LB_M_ENCAP_L2, false);
}

Test(lb_get, l2_of_ipv6)
{
	agree_twice(LB_M_ENCAP_L2, true);
}

/* Outer sources of many. */
static void agree_spread(enum lb_m_encap encap, bool v6)
{
	serve(encap);
	must(parse_net("10.64.0.0/16", &w.model.spread4, &err));
	must(parse_net("fd64::/64", &w.model.spread6, &err));
	must(world_commit(&w, &err));
	cr_expect(gt(u32, agree(v6, 5).sent, FLOWS / 2));
}

Test(lb_get, ipip_spread)
{
	agree_spread(LB_M_ENCAP_IPIP, false);
}

Test(lb_get, gue_spread)
{
	agree_spread(LB_M_ENCAP_GUE, true);
}

/* All counters and the whole session cache, as one number. */
static uint64_t state(void)
{
	static const char *const maps[] = {"count_vip", "count_real", "count_why",
					   "session",	"nexthop",    "answers"};
	static uint8_t value[128 * 256];
	uint64_t h = 0xcbf29ce484222325ull;
	char path[128];

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		int fd;

		snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/%s", w.instance, maps[i]);
		fd = bpf_obj_get(path);
		cr_assert(ge(int, fd, 0), "%s", maps[i]);
		for (uint32_t k = 0; !bpf_map_lookup_elem(fd, &k, value); k++)
			for (size_t n = 0; n < sizeof(value); n++)
				h = (h ^ value[n]) * 0x100000001b3ull;
		close(fd);
	}
	return h;
}

Test(lb_get, writes_nothing)
{
	uint64_t before, seed = 7;
	struct lb_seen said;
	struct asked b;

	serve(LB_M_ENCAP_IPIP);
	agree(false, 1);
	before = state();
	for (int i = 0; i < 1000; i++) {
		asked_any(&b, i % 2, &seed);
		must(lb_trace_ask(trace, &b.flow, w.in, &said, &err));
	}
	cr_expect(eq(u64, state(), before));
	agree(false, 2);
	cr_expect(ne(u64, state(), before), "this test sees nothing");
}

/* A table made of answers is the table: each slot has one real, and each real as many as it should. */
Test(lb_get, slots_are_the_table)
{
	struct lb_addr slot[ASKED_SLOTS] = {{0}};
	uint32_t count_of[ASKED_REALS], got[ASKED_REALS] = {0};
	const struct lb_m_real *r;
	uint64_t seed = 3;
	struct lb_seen said;
	struct asked b;
	size_t n;

	serve(LB_M_ENCAP_IPIP);
	for (int i = 0; i < FLOWS; i++) {
		asked_any(&b, false, &seed);
		b.flow.dst.port = 443; /* pool "four", no session cache */
		must(parse_addr("203.0.113.2", &b.flow.dst.addr, &err));
		b.flow.dst.proto = IPPROTO_TCP;
		b.flow.fragment = LB_FLOW_WHOLE;
		b.flow.len = 0;
		must(lb_trace_ask(trace, &b.flow, w.in, &said, &err));
		if (!lb_seen_sent(&said))
			continue;
		cr_assert(lt(u32, said.slot, ASKED_SLOTS));
		cr_assert(slot[said.slot].family == 0 ||
			  lb_addr_cmp(&slot[said.slot], &said.real) == 0);
		slot[said.slot] = said.real;
	}
	r = lb_model_pool_reals(&w.model, "four", &n);
	cr_assert(eq(sz, n, ASKED_REALS));
	for (int i = 0; i < (int)ASKED_SLOTS; i++)
		for (size_t k = 0; k < n; k++)
			got[k] += !lb_addr_cmp(&slot[i], &r[k].addr);
	must(lb_maps_shares(w.maps, &w.model, "four", count_of, n, &err));
	cr_expect(zero(int, memcmp(got, count_of, sizeof(got))));
}
