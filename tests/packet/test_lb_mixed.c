// SPDX-License-Identifier: GPL-2.0
/*
 * test_lb_mixed.c - a SYN looks for an entry to mend only while there may be one that differs from the table: for so long
 * after a change of it, and while flows are kept elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define FLOWS 96u
#define X "10.0.0.1" /* the real that changes */
#define TICKS 40000 /* jiffies: more than a tick, and less than an entry counts */
#define IDLE (LB_TCP_IDLE / LB_TICK + 2)

enum { SYN = 0x02, ACK = 0x10 };

static struct world w;
static struct lb_err err;
static uint64_t *mixed; /* of the pool */
static struct lb_meta *meta;
static bool long_way; /* packets take it, as when somebody listens */
static struct lb_session *cache;
static uint32_t buckets;

static void setup(void)
{
	struct lb_sizes sizes = {.reals = 64, .vips = 64, .pools = 8, .tables = 4, .seed = 42};
	char addr[32];

	ptest_root();
	must(world_net(&err));
	sizes.sessions = 16384;
	must(world_load(&w, "mixed", &sizes, &err));
	must(world_pool(&w, "other", 251, &err));
	must(world_pool(&w, "s", 1021, &err));
	for (int i = 1; i <= 8; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		must(world_real(&w, "s", addr, 1, LB_M_UP, &err));
	}
	must(world_vip(&w, "203.0.113.1:80/tcp", "s", true, &err));
	must(world_vip(&w, "203.0.113.1:53/udp", "s", true, &err));
	must(world_commit(&w, &err));
	mixed = ptest_mixed(&w, "s");
	cr_assert(gt(u16, lb_model_pool(&w.model, "s")->id, 0));
	meta = ptest_map(&w, "meta");
	cache = ptest_cache(&w, &buckets);
}

static void teardown(void)
{
	world_unload(&w);
}

static void setup_long(void)
{
	long_way = true;
	setup();
}

/* Each case with packets of both ways. */
TestSuite(lb_mixed, .init = setup, .fini = teardown);
TestSuite(lb_mixed_long, .init = setup_long, .fini = teardown);

#define CASE(name) PTEST_OF_BOTH(lb_mixed, lb_mixed_long, name)

static struct lb_addr to(uint32_t flow, uint8_t flags)
{
	struct pkt_spec s = {.dst = "203.0.113.1", .flags = flags, .sport = 20000 + flow};
	struct pkt in;

	meta->watch = long_way ? UINT32_MAX : 0;
	pkt_build(&in, &s);
	return ptest_real(&w, &in, "flow");
}

static void set_x(enum lb_m_state state)
{
	must(world_real(&w, "s", X, 1, state, &err));
	must(world_commit(&w, &err));
}

/* A flow that has an entry for X, whom the table does not name any more. */
static uint32_t kept_at_x(void)
{
	struct lb_addr a;

	for (uint32_t i = 0; i < FLOWS; i++) {
		a = to(i, ACK);
		if (ptest_is(&a, X)) {
			set_x(LB_M_DRAIN);
			return i;
		}
	}
	cr_fatal("none of the flows had X");
	return 0;
}

static void expect_at_x(uint32_t flow, uint8_t flags, bool at)
{
	struct lb_addr a = to(flow, flags);

	cr_expect(eq(int, ptest_is(&a, X), at), "flags %#x", flags);
}

CASE(a_change_is_not_dated_yet)
{
	*mixed = PTEST_LONG_AGO;
	set_x(LB_M_DRAIN);
	cr_expect(zero(u64, *mixed));
	to(0, SYN);
	cr_expect(gt(u64, *mixed, PTEST_LONG_AGO), "the first SYN dates it");
}

CASE(a_change_of_health_is_one)
{
	*mixed = PTEST_LONG_AGO;
	must(world_health(&w, "s", X, LB_HEALTH_DOWN, &err));
	lb_model_free(&w.model);
	must(lb_maps_read(w.maps, &w.model, &err));
	cr_assert(eq(int, lb_maps_rebuild(w.maps, &w.model, "s", &err), 1));
	cr_expect(zero(u64, *mixed));
}

CASE(a_change_of_another_kind_is_none)
{
	*mixed = PTEST_LONG_AGO;
	must(world_vip(&w, "203.0.113.9:80/tcp", "s", true, &err));
	must(world_commit(&w, &err));
	cr_expect(eq(u64, *mixed, PTEST_LONG_AGO));
}

CASE(a_syn_mends_after_a_change)
{
	uint32_t flow = kept_at_x();

	expect_at_x(flow, ACK, true);
	expect_at_x(flow, SYN, false);
	expect_at_x(flow, ACK, false);
}

/* What cannot be, since a packet of the flow would have dated it anew: it shows that the SYN does not look. */
CASE(a_syn_does_not_look_long_after)
{
	uint32_t flow = kept_at_x();
	size_t len = sizeof(*cache) * buckets;
	struct lb_session *before = malloc(len);

	cr_assert(before != NULL);
	memcpy(before, cache, len);
	*mixed = PTEST_LONG_AGO;
	expect_at_x(flow, SYN, false);
	cr_expect(zero(int, memcmp(before, cache, len)));
	free(before);
}

CASE(a_flow_that_is_kept_elsewhere_dates_it)
{
	uint32_t flow = kept_at_x();
	uint64_t then;

	expect_at_x(flow, ACK, true);
	cr_assert(gt(u64, *mixed, TICKS));
	*mixed = then = *mixed - TICKS;
	ptest_age(cache, buckets, 1);
	expect_at_x(flow, ACK, true);
	cr_expect(gt(u64, *mixed, then));
	expect_at_x(flow, SYN, false);
	expect_at_x(flow, ACK, false);
}

CASE(a_flow_that_is_where_the_table_says_does_not)
{
	struct lb_addr a = to(0, ACK), b;

	ptest_age(cache, buckets, 1);
	*mixed = PTEST_LONG_AGO;
	b = to(0, ACK);
	cr_expect(zero(int, lb_addr_cmp(&a, &b)));
	cr_expect(eq(u64, *mixed, PTEST_LONG_AGO));
}

CASE(an_entry_of_a_silent_flow_counts_no_more)
{
	uint32_t flow = kept_at_x();

	ptest_age(cache, buckets, IDLE);
	expect_at_x(flow, ACK, false);
}

CASE(one_of_a_less_silent_flow_does)
{
	uint32_t flow = kept_at_x();

	ptest_age(cache, buckets, IDLE / 2);
	expect_at_x(flow, ACK, true);
}
