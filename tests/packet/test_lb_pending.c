// SPDX-License-Identifier: GPL-2.0
/*
 * test_lb_pending.c - a pool whose table has not changed for long: packets do not ask the session cache, whose entries are written
 * several at a time, and are there when the table changes.
 */
#include <stdio.h>

#include "lib/parse.h"
#include "tests/packet/ptest.h"

#define REALS 8
#define MOST 4096u /* flows, of which each gets its entry */
#define VIP "203.0.113.1"
#define BY_TABLE "203.0.113.2" /* without the session cache */
#define OTHER "203.0.113.3" /* another VIP of the pool */

enum { FIN = 0x01, SYN = 0x02, ACK = 0x10 };

static struct world w;
static struct lb_err err;
static struct lb_meta *meta;
static struct lb_session *cache;
static uint32_t buckets;
static struct lb_addr had[MOST]; /* whom each flow had */

static struct lb_addr to(uint32_t flow, uint8_t flags)
{
	struct pkt_spec s = {.dst = VIP, .flags = flags, .sport = 10000 + flow};
	struct pkt in;

	pkt_build(&in, &s);
	return ptest_real(&w, &in, "flow");
}

static void settle(void)
{
	*ptest_mixed(&w, "s") = PTEST_LONG_AGO;
}

static void setup(void)
{
	struct lb_sizes sizes = {
		.reals = REALS, .vips = 64, .pools = 8, .tables = 4, .sessions = 65536, .seed = 42};
	char addr[32];

	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "pending", &sizes, &err));
	must(world_pool(&w, "s", 1021, &err));
	for (int i = 1; i <= REALS; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		must(world_real(&w, "s", addr, 1, LB_M_UP, &err));
	}
	must(world_vip(&w, VIP ":80/tcp", "s", true, &err));
	must(world_vip(&w, BY_TABLE ":80/tcp", "s", false, &err));
	must(world_vip(&w, OTHER ":80/tcp", "s", true, &err));
	must(world_commit(&w, &err));
	meta = ptest_map(&w, "meta");
	cache = ptest_cache(&w, &buckets);
	ptest_one_cpu();
	settle();
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_pending, .init = setup, .fini = teardown, .timeout = 60);

static uint32_t entries(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < buckets * LB_SESSION_WAYS; i++)
		n += ((uint64_t *)cache)[i] != 0;
	return n;
}

/* The only one. */
static uint64_t *entry(void)
{
	return ptest_entry(cache, buckets);
}

/* New flows, a packet each, until some wait to be written, of which the last is one. How many they are. */
static uint32_t until_some_wait(void)
{
	uint32_t n = 0, before = entries();

	ptest_know_next_hops(&w, BY_TABLE);
	while (n < 64 || entries() == before + n) {
		cr_assert(lt(u32, n, MOST), "each was written at once");
		for (int i = 0; i < 4; i++, n++)
			had[n] = to(n, ACK);
	}
	return n;
}

Test(lb_pending, where_few_come_each_is_written_at_once)
{
	for (uint32_t flow = 0; flow < 8; flow++) {
		ptest_wait_a_jiffy();
		ptest_know_next_hops(&w, BY_TABLE);
		to(flow, ACK);
		cr_expect(eq(u32, entries(), flow + 1));
	}
}

Test(lb_pending, some_wait_and_are_written_with_the_next)
{
	uint32_t n = until_some_wait();

	cr_expect(gt(u32, entries() + 16, n), "no more than 15 wait");
	ptest_write_pending(&w, VIP);
	cr_expect(eq(u32, entries(), n + 1));
}

/* One of whom nothing is written, nor asked. */
Test(lb_pending, a_known_flow_has_written_what_waits)
{
	uint32_t n;

	for (int i = 0; i < 3; i++) {
		ptest_wait_a_jiffy();
		ptest_know_next_hops(&w, BY_TABLE);
		to(MOST, ACK);
	}
	n = until_some_wait();
	ptest_wait_a_jiffy();
	to(MOST, ACK);
	cr_expect(eq(u32, entries(), n + 1));
}

/* All real X has is drained: who has an entry stays, also he whose entry was not written yet. */
static void a_change_moves_none(bool long_way)
{
	struct lb_addr x, a;
	char text[LB_ADDR_STRLEN];
	uint32_t n = until_some_wait(), moved = 0;

	x = had[n - 1];
	format_addr(&x, text);
	must(world_real(&w, "s", text, 1, LB_M_DRAIN, &err));
	must(world_commit(&w, &err));
	ptest_know_next_hops(&w, BY_TABLE);
	meta->watch = long_way ? UINT32_MAX : 0;
	for (uint32_t i = n; i-- > 0;) {
		a = to(i, ACK);
		moved += lb_addr_cmp(&a, &had[i]) != 0;
	}
	cr_expect(zero(u32, moved), "of %u flows", n);
}

Test(lb_pending, a_change_moves_none_the_short_way)
{
	a_change_moves_none(false);
}

Test(lb_pending, a_change_moves_none_the_long_way)
{
	a_change_moves_none(true);
}

Test(lb_pending, each_is_counted_once_as_known_or_not)
{
	struct lb_counts c;
	uint32_t n = until_some_wait();

	must(lb_maps_count(w.maps, LB_COUNT_VIP, w.model.vip[0].id, &c, &err));
	cr_expect(eq(u64, c.misses, entries()), "those that were written");
	cr_expect(eq(u64, c.packets, n));
	for (uint32_t i = 0; i < n; i++)
		to(i, ACK);
	ptest_write_pending(&w, OTHER);
	must(lb_maps_count(w.maps, LB_COUNT_VIP, w.model.vip[0].id, &c, &err));
	cr_expect(eq(u64, c.packets, 2 * n));
	cr_expect(eq(u64, c.misses, n));
	cr_expect(eq(u64, c.hits, n));
}

/* Its packet is asked for at once. */
static void come(uint8_t flags)
{
	ptest_wait_a_jiffy();
	ptest_know_next_hops(&w, BY_TABLE);
	to(0, flags);
}

Test(lb_pending, who_comes_again_is_marked_and_dated)
{
	uint64_t first, second;

	come(ACK);
	first = *entry();
	cr_expect(zero(u64, first & 1), "once");
	come(ACK);
	second = *entry();
	cr_expect(eq(u64, second & 1, 1), "again");
	ptest_age(cache, buckets, 2);
	come(ACK);
	cr_expect(ge(u64, *entry(), second));
}

Test(lb_pending, what_ends_gets_no_entry_but_keeps_the_one_it_has)
{
	uint64_t first;

	come(ACK | FIN);
	come(ACK | SYN); /* none of a client: thrown back at the VIP */
	cr_expect(zero(u32, entries()));
	come(ACK);
	first = *entry();
	ptest_age(cache, buckets, 2);
	come(ACK | FIN);
	cr_expect(eq(u32, entries(), 1));
	cr_expect(ge(u64, *entry(), first));
}

static uint64_t at_another_real(uint64_t e)
{
	return (e & ~0xffff0000ull) | (LB_SESSION_REAL(e) % REALS + 1) << 16;
}

/* As a flow's that was silent for so long that its entry counts no more; or, fresh, what cannot be: it shows that nobody looks. */
static void an_entry_that_differs(uint32_t age)
{
	struct lb_addr table, a;
	uint64_t right;

	come(ACK);
	ptest_wait_a_jiffy();
	table = to(0, ACK);
	right = *entry();
	*entry() = at_another_real(right);
	ptest_age(cache, buckets, age);
	ptest_wait_a_jiffy();
	ptest_know_next_hops(&w, BY_TABLE);
	a = to(0, ACK);
	cr_expect(zero(int, lb_addr_cmp(&a, &table)));
	if (age)
		cr_expect(ge(u64, *entry(), right), "written anew");
}

Test(lb_pending, an_old_entry_that_differs_is_written_anew)
{
	an_entry_that_differs(100);
}

Test(lb_pending, a_fresh_one_is_not_looked_at)
{
	an_entry_that_differs(0);
}

/* What another CPU wrote meanwhile is newer. */
Test(lb_pending, a_newer_entry_stays)
{
	uint64_t *e, newer;

	come(ACK);
	e = entry();
	until_some_wait();
	for (int i = 0; i < 100 && !(*e & 1); i++) /* it is written if a jiffy ends just then */
		to(0, ACK);
	cr_assert(eq(u64, *e & 1, 1));
	ptest_age(cache, buckets, 1);
	to(0, ACK);
	*e = newer = at_another_real(*e) + 2; /* of this tick, as what waits */
	ptest_write_pending(&w, OTHER);
	cr_expect(eq(u64, *e, newer));
}

Test(lb_pending, what_waits_is_flushed_too)
{
	uint64_t n;

	until_some_wait();
	must(lb_maps_session_flush(w.maps, NULL, &n, &err));
	ptest_write_pending(&w, OTHER);
	cr_expect(eq(u32, entries(), 1));
}

/* Its id is another real's, of the same pool, two commits later. */
Test(lb_pending, what_waits_for_a_real_that_is_gone_is_none_of_the_next_one_s)
{
	struct lb_counts before, after;
	uint32_t n = until_some_wait(), id = w.model.vip[0].id;
	char text[LB_ADDR_STRLEN];

	format_addr(&had[n - 1], text);
	lb_model_del_real(&w.model, lb_model_real(&w.model, "s", &had[n - 1]));
	must(world_commit(&w, &err));
	must(world_real(&w, "s", "10.0.0.99", 1, LB_M_UP, &err));
	must(world_commit(&w, &err));
	must(lb_maps_count(w.maps, LB_COUNT_VIP, id, &before, &err));
	to(n - 1, ACK);
	must(lb_maps_count(w.maps, LB_COUNT_VIP, id, &after, &err));
	cr_expect(eq(u64, after.misses, before.misses + 1), "it had %s", text);
}
