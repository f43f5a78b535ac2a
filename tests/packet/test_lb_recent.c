// SPDX-License-Identifier: GPL-2.0
/*
 * test_lb_recent.c - a flow that the session cache was found to know in this tick asks it no more, while the pool's table says the
 * same. An entry that is made to lie shows who was asked.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/parse.h"
#include "tests/packet/ptest.h"

#define LONG_AGO 1 /* jiffies: the kernel's begin above */
#define TICK_MOST 22 /* seconds, at any HZ */

enum { ACK = 0x10 };

static struct world w;
static struct lb_err err;
static uint64_t *mixed; /* of the pool */
static struct lb_session *cache;
static uint32_t buckets;
static struct lb_addr table; /* the flow's real by the table */

static void setup(void)
{
	struct lb_sizes sizes = {
		.reals = 64, .vips = 64, .pools = 8, .tables = 4, .sessions = 16384};
	char path[128], addr[32];
	int fd;

	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "recent", &sizes, &err));
	must(world_pool(&w, "s", 1021, &err));
	for (int i = 1; i <= 8; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		must(world_real(&w, "s", addr, 1, LB_M_UP, &err));
	}
	must(world_vip(&w, "203.0.113.1:80/tcp", "s", true, &err));
	must(world_vip(&w, "203.0.113.2:80/tcp", "s", false, &err));
	must(world_commit(&w, &err));
	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/mixed", w.instance);
	fd = bpf_obj_get(path);
	mixed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	cr_assert(mixed != MAP_FAILED);
	mixed += lb_model_pool(&w.model, "s")->id;
	cache = ptest_cache(&w, &buckets);
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_recent, .init = setup, .fini = teardown, .timeout = 60);

static struct lb_addr to(void)
{
	struct pkt_spec s = {.dst = "203.0.113.1", .flags = ACK, .sport = 20000};
	struct pkt in;

	pkt_build(&in, &s);
	return ptest_real(&w, &in, "flow");
}

/* Next hops of all reals are fresh: packets for others go the long way, where all ask. */
static void know_next_hops(void)
{
	struct pkt_spec s = {.dst = "203.0.113.2", .flags = ACK, .sport = 30000};
	struct pkt in;

	for (; s.sport < 30200; s.sport++) {
		pkt_build(&in, &s);
		ptest_real(&w, &in, "next hops");
	}
}

/* Its entry; NULL: it has none. */
static uint64_t *entry(void)
{
	for (uint32_t i = 0; i < buckets * LB_SESSION_WAYS; i++)
		if (((uint64_t *)cache)[i])
			return (uint64_t *)cache + i;
	return NULL;
}

/* The entry names another real than the table. */
static void lie(void)
{
	uint64_t *e = entry(), id;

	cr_assert(e != NULL);
	id = LB_SESSION_REAL(*e);
	*e = (*e & ~0xffff0000ull) | (id % 8 + 1) << 16;
}

static void expect_asked(bool cache_was)
{
	struct lb_addr a;

	know_next_hops();
	a = to();

	cr_expect(eq(int, lb_addr_cmp(&a, &table) != 0, cache_was));
}

/* Time for the entry, for it to be seen again, and for the note. */
static void come(int times)
{
	while (times--)
		table = to();
}

Test(lb_recent, who_came_three_times_asks_no_more)
{
	*mixed = LONG_AGO;
	come(3);
	lie();
	expect_asked(false);
	expect_asked(false);
}

Test(lb_recent, who_came_twice_does)
{
	*mixed = LONG_AGO;
	come(2);
	lie();
	expect_asked(true);
}

Test(lb_recent, it_counts_as_a_hit)
{
	struct lb_counts before, after;
	uint32_t vip = w.model.vip[0].id;

	*mixed = LONG_AGO;
	come(3);
	must(lb_maps_count(w.maps, LB_COUNT_VIP, vip, &before, &err));
	lie();
	expect_asked(false);
	must(lb_maps_count(w.maps, LB_COUNT_VIP, vip, &after, &err));
	cr_expect(eq(u64, after.hits, before.hits + 1));
	cr_expect(eq(u64, after.misses, before.misses));
}

Test(lb_recent, while_the_pool_is_mixed_all_ask)
{
	*mixed = LONG_AGO;
	come(3);
	lie();
	*mixed = 0;
	expect_asked(true);
	expect_asked(true);
	cr_expect(gt(u64, *mixed, LONG_AGO));
}

Test(lb_recent, a_change_of_the_table_moves_no_noted_flow)
{
	struct lb_addr a;
	char text[LB_ADDR_STRLEN];

	*mixed = LONG_AGO;
	come(4);
	format_addr(&table, text);
	must(world_real(&w, "s", text, 1, LB_M_DRAIN, &err));
	must(world_commit(&w, &err));
	know_next_hops();
	a = to();
	cr_expect(zero(int, lb_addr_cmp(&a, &table)));
}

Test(lb_recent, who_was_flushed_gets_an_entry_at_once)
{
	uint64_t n;

	*mixed = LONG_AGO;
	come(3);
	must(lb_maps_session_flush(w.maps, NULL, &n, &err));
	cr_assert(eq(u64, n, 1));
	cr_assert(entry() == NULL);
	to();
	cr_expect(entry() != NULL);
}

Test(lb_recent, the_entry_is_dated_anew_in_the_next_tick)
{
	const struct timespec wait = {.tv_nsec = 100000000};
	uint64_t first;
	int i;

	*mixed = LONG_AGO;
	come(3);
	first = *entry();
	for (i = 0; i < TICK_MOST * 10 && *entry() == first; i++) {
		nanosleep(&wait, NULL);
		know_next_hops();
		to();
	}
	cr_expect(ne(u64, *entry(), first));
	cr_expect(eq(u64, *entry() >> 16, first >> 16), "the same flow at the same real");
}
