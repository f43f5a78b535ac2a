// SPDX-License-Identifier: GPL-2.0
/*
 * test_lb_recent.c - a flow that the session cache was found to have at the table's real in this tick asks it no more, unless the
 * table changes. An entry that is made to lie shows who was asked.
 */
#include <stdio.h>
#include <time.h>

#include "lib/parse.h"
#include "tests/packet/ptest.h"

#define TICK_MOST 30 /* seconds: 27.3 with HZ=300 */

#define BY_TABLE "203.0.113.2" /* without the session cache */

enum { ACK = 0x10 };

static struct world w;
static struct lb_err err;
static struct lb_session *cache;
static uint32_t buckets;
static uint16_t sport = 20000; /* of the flow */
static struct lb_addr table; /* its real by it */

static void setup(void)
{
	struct lb_sizes sizes = {
		.reals = 64, .vips = 64, .pools = 8, .tables = 4, .sessions = 16384};
	char addr[32];

	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "recent", &sizes, &err));
	must(world_pool(&w, "s", 1021, &err));
	for (int i = 1; i <= 8; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		must(world_real(&w, "s", addr, 1, LB_M_UP, &err));
	}
	must(world_vip(&w, "203.0.113.1:80/tcp", "s", true, &err));
	must(world_vip(&w, BY_TABLE ":80/tcp", "s", false, &err));
	must(world_commit(&w, &err));
	cache = ptest_cache(&w, &buckets);
	ptest_one_cpu();
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_recent, .init = setup, .fini = teardown, .timeout = 60);

static struct lb_addr to(void)
{
	struct pkt_spec s = {.dst = "203.0.113.1", .flags = ACK, .sport = sport};
	struct pkt in;

	pkt_build(&in, &s);
	return ptest_real(&w, &in, "flow");
}

/* Its entry; NULL: it has none. */
static uint64_t *entry(void)
{
	return ptest_entry(cache, buckets);
}

/* The entry names another real than the table. */
static void lie(void)
{
	uint64_t *e = entry(), id;

	cr_assert(e != NULL);
	id = LB_SESSION_REAL(*e);
	*e = (*e & ~0xffff0000ull) | (id % 8 + 1) << 16;
}

static bool is_asked(void)
{
	struct lb_addr a;

	ptest_know_next_hops(&w, BY_TABLE);
	a = to();
	return lb_addr_cmp(&a, &table) != 0;
}

/* Time for the entry, for it to be seen again, and for the note. */
static void come(int times)
{
	while (times--)
		table = to();
}

/* Is the cache asked for a flow that is noted? Once a tick may end meanwhile, or the machine stand still. */
static bool noted_asks(struct lb_counts *before, struct lb_counts *after)
{
	uint32_t vip = w.model.vip[0].id;
	bool asked = true;
	uint64_t n;

	for (int i = 0; i < 3 && asked; i++, sport++) {
		must(lb_maps_session_flush(w.maps, NULL, &n, &err));
		come(3);
		lie();
		must(lb_maps_count(w.maps, LB_COUNT_VIP, vip, before, &err));
		asked = is_asked();
		must(lb_maps_count(w.maps, LB_COUNT_VIP, vip, after, &err));
	}
	return asked;
}

Test(lb_recent, who_came_three_times_asks_no_more)
{
	struct lb_counts before, after;

	cr_expect(not(noted_asks(&before, &after)));
}

Test(lb_recent, who_came_twice_does)
{
	come(2);
	lie();
	cr_expect(is_asked());
}

Test(lb_recent, it_counts_as_a_hit)
{
	struct lb_counts before, after;

	cr_assert(not(noted_asks(&before, &after)));
	cr_expect(eq(u64, after.hits, before.hits + 1));
	cr_expect(eq(u64, after.misses, before.misses));
}

Test(lb_recent, who_is_kept_elsewhere_asks_each_time)
{
	come(2);
	lie();
	for (int i = 0; i < 4; i++)
		cr_expect(is_asked());
}

Test(lb_recent, a_change_of_the_table_moves_no_noted_flow)
{
	struct lb_addr a;
	char text[LB_ADDR_STRLEN];

	come(4);
	format_addr(&table, text);
	must(world_real(&w, "s", text, 1, LB_M_DRAIN, &err));
	must(world_commit(&w, &err));
	ptest_know_next_hops(&w, BY_TABLE);
	a = to();
	cr_expect(zero(int, lb_addr_cmp(&a, &table)));
}

/* Comes until its entry is another one, or a tick has gone. */
static uint64_t next_entry(uint64_t first)
{
	const struct timespec wait = {.tv_nsec = 100000000};
	uint64_t *e = entry();

	for (int i = 0; i < TICK_MOST * 10 && (e ? *e : 0) == first; i++) {
		nanosleep(&wait, NULL);
		ptest_know_next_hops(&w, BY_TABLE);
		to();
		e = entry();
	}
	return e ? *e : 0;
}

Test(lb_recent, the_entry_is_dated_anew_in_the_next_tick)
{
	uint64_t first, next;

	come(3);
	first = *entry();
	next = next_entry(first);
	cr_expect(ne(u64, next, first));
	cr_expect(eq(u64, next >> 16, first >> 16), "the same flow at the same real");
}

Test(lb_recent, who_was_flushed_gets_one_in_the_next_tick)
{
	uint64_t n;

	come(3);
	must(lb_maps_session_flush(w.maps, NULL, &n, &err));
	cr_assert(eq(u64, n, 1));
	cr_expect(ne(u64, next_entry(0), 0));
}
