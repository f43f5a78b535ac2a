// SPDX-License-Identifier: GPL-2.0
/* test_lb_session_tool.c - the session cache as the tools see it: counts, times, removal; while packets go on, too. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/packet/ptest.h"

#define FLOWS 96u
#define ENTRIES 1048576u
#define BUCKETS (ENTRIES / LB_SESSION_WAYS)
#define SCAN_MS 20 /* of CPU time */

static struct world w;
static struct lb_err err;

static uint64_t flushed(const bool *of)
{
	uint64_t n;

	must(lb_maps_session_flush(w.maps, of, &n, &err));
	return n;
}
static struct lb_session *cache; /* the map itself */
static struct lb_sessions *seen;

static void setup(void)
{
	struct lb_sizes sizes = {.reals = 64, .vips = 64, .pools = 8, .tables = 4, .seed = 42};
	uint32_t buckets;
	char addr[32];

	sizes.sessions = ENTRIES;
	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "sessions", &sizes, &err));
	must(world_pool(&w, "s", 1021, &err));
	must(world_pool(&w, "other", 251, &err));
	for (int i = 1; i <= 4; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		must(world_real(&w, "s", addr, 1, LB_M_UP, &err));
	}
	must(world_real(&w, "other", "10.0.0.1", 1, LB_M_UP, &err));
	must(world_vip(&w, "203.0.113.1:80/tcp", "s", true, &err));
	must(world_vip(&w, "203.0.113.2:80/tcp", "other", true, &err));
	must(world_commit(&w, &err));
	cache = ptest_cache(&w, &buckets);
	cr_assert(eq(u32, buckets, BUCKETS));
}

static void teardown(void)
{
	free(seen);
	world_unload(&w);
}

TestSuite(lb_session_tool, .init = setup, .fini = teardown, .timeout = 120);

/* One packet of each flow; had[] counts them by the real's last byte. */
static void send_all(const char *vip, uint32_t n, uint32_t had[5])
{
	struct pkt_spec s = {.dst = vip, .flags = 0x10};
	struct lb_addr to;
	struct pkt in;

	memset(had, 0, 5 * sizeof(*had));
	for (uint32_t i = 0; i < n; i++) {
		s.sport = 20000 + i;
		pkt_build(&in, &s);
		to = ptest_real(&w, &in, "flow");
		had[to.b[3]]++;
	}
}

static void look(void)
{
	free(seen);
	must(lb_maps_sessions(w.maps, &seen, &err));
}

static uint32_t id_of(const char *pool, const char *word)
{
	struct lb_addr addr;

	must(parse_addr(word, &addr, &err));
	return lb_model_real(&w.model, pool, &addr)->id;
}

static const struct lb_session_use *use(const char *pool, const char *addr)
{
	return &seen->real[id_of(pool, addr)];
}

Test(lb_session_tool, nothing_yet)
{
	look();
	cr_assert(eq(u64, seen->entries, ENTRIES));
	cr_assert(eq(u64, seen->bytes, ENTRIES * 8ul));
	cr_assert(eq(u32, seen->buckets, BUCKETS));
	cr_assert(zero(u64, seen->used));
	cr_assert(zero(u32, seen->full));
	cr_assert(zero(u64, flushed(NULL)));
}

Test(lb_session_tool, counts_by_real)
{
	uint32_t had[5], other[5];
	char addr[32];

	send_all("203.0.113.1", FLOWS, had);
	send_all("203.0.113.1", FLOWS / 2, had);
	send_all("203.0.113.1", FLOWS, had);
	send_all("203.0.113.2", 10, other);
	look();
	cr_assert(eq(u64, seen->used, FLOWS + 10));
	cr_assert(eq(u64, seen->again, FLOWS));
	for (int i = 1; i <= 4; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		cr_assert(gt(u32, had[i], 0));
		cr_assert(eq(u32, use("s", addr)->entries, had[i]));
		cr_assert(eq(u32, use("s", addr)->again, had[i]));
	}
	cr_assert(eq(u32, use("other", "10.0.0.1")->entries, 10));
	cr_assert(zero(u32, use("other", "10.0.0.1")->again));
}

/* The clock is the packets' own: what was just made is new, what is n ticks older is n ticks older. */
Test(lb_session_tool, tells_the_time)
{
	const uint32_t tick = 16384; /* milliseconds, of HZ=1000 and HZ=250 */
	const struct lb_session_use *u;
	uint32_t had[5], passed = 0;

	send_all("203.0.113.2", 10, had);
	look();
	u = use("other", "10.0.0.1");
	cr_assert(le(u32, u->youngest, 20));
	cr_assert(le(u32, u->oldest, 20));
	cr_assert(eq(u32, u->idle[0], 10));
	for (uint32_t add = 1; passed + add < 0x7ff0; add *= 2) {
		ptest_age(cache, BUCKETS, add);
		passed += add;
		look();
		u = use("other", "10.0.0.1");
		cr_assert(ge(u32, u->youngest, passed * (uint64_t)tick / 1000), "%u ticks", passed);
		cr_assert(le(u32, u->oldest, (passed + 1) * 20500ul / 1000), "%u ticks", passed);
	}
	cr_assert(eq(u32, u->idle[LB_IDLE_CLASSES - 1], 10));
}

Test(lb_session_tool, youngest_oldest_and_classes)
{
	const uint32_t pause[] = {300, 60, 10,
				  5}; /* ticks: 81, 16, 3 minutes, 1 minute and a half */
	const struct lb_session_use *u;
	struct pkt_spec s = {.dst = "203.0.113.2", .flags = 0x10};
	struct pkt in;

	for (int i = 0; i < LB_IDLE_CLASSES; i++) {
		s.sport = 1000 + i;
		pkt_build(&in, &s);
		ptest_real(&w, &in, "flow");
		if (i < LB_IDLE_CLASSES - 1)
			ptest_age(cache, BUCKETS, pause[i]);
	}
	look();
	u = use("other", "10.0.0.1");
	cr_assert(le(u32, u->youngest, 20));
	cr_assert(ge(u32, u->oldest, 375 * 16));
	for (int i = 0; i < LB_IDLE_CLASSES; i++)
		cr_assert(eq(u32, u->idle[i], 1), "class %d", i);
}

/* Of the next tick: a packet came after the time was asked for. */
Test(lb_session_tool, the_future_is_now)
{
	uint32_t had[5];

	send_all("203.0.113.2", 1, had);
	ptest_age(cache, BUCKETS, -1u);
	look();
	cr_assert(zero(u32, use("other", "10.0.0.1")->oldest));
}

Test(lb_session_tool, junk_is_counted_as_nobodys)
{
	cache[3].way[1] = 0x1234567800000000ull | 65535u << 16;
	cache[BUCKETS - 1].way[7] = 1;
	look();
	cr_assert(eq(u64, seen->used, 2));
	cr_assert(eq(u32, seen->real[0].entries, 2));
	cr_assert(eq(u64, flushed(NULL), 2));
	look();
	cr_assert(zero(u64, seen->used));
}

Test(lb_session_tool, full_buckets)
{
	for (uint32_t k = 0; k < LB_SESSION_WAYS; k++) {
		cache[5].way[k] = cache[7].way[k] = 1ull << 32;
		cache[6].way[k] = k ? 1ull << 32 : 0;
	}
	look();
	cr_assert(eq(u32, seen->full, 2));
	cr_assert(eq(u64, seen->used, 23));
}

Test(lb_session_tool, flushes_one_real)
{
	uint32_t had[5], n;
	bool of[65] = {0};

	send_all("203.0.113.1", FLOWS, had);
	look();
	n = use("s", "10.0.0.2")->entries;
	cr_assert(gt(u32, n, 0));
	of[id_of("s", "10.0.0.2")] = true;
	cr_assert(eq(u64, flushed(of), n));
	look();
	cr_assert(zero(u32, use("s", "10.0.0.2")->entries));
	cr_assert(eq(u64, seen->used, FLOWS - n));
	cr_assert(eq(u64, flushed(NULL), FLOWS - n));
}

/* What it is for: flows leave a draining real, and only those. */
Test(lb_session_tool, flushed_flows_go_by_the_table)
{
	uint32_t had[5], got[5];
	bool of[65] = {0};

	send_all("203.0.113.1", FLOWS, had);
	must(world_real(&w, "s", "10.0.0.1", 1, LB_M_DRAIN, &err));
	must(world_real(&w, "s", "10.0.0.2", 1, LB_M_DRAIN, &err));
	must(world_commit(&w, &err));
	of[id_of("s", "10.0.0.1")] = true;
	flushed(of);
	send_all("203.0.113.1", FLOWS, got);
	cr_assert(zero(u32, got[1]));
	cr_assert(eq(u32, got[2], had[2]));
}

#define RACED 65536u

/* As packets of other flows do: each entry is written over once. */
static void *writer(void *arg)
{
	uint64_t e = *(uint64_t *)arg;

	for (uint32_t i = 0; i < RACED; i++)
		__atomic_store_n(&cache[i].way[0], e, __ATOMIC_RELAXED);
	return NULL;
}

/* What takes an entry's place between the look and the removal stays. */
Test(lb_session_tool, flush_spares_what_is_not_meant)
{
	uint64_t other = 1ull << 32 | (uint64_t)id_of("other", "10.0.0.1") << 16, n = 0;
	uint64_t meant = 1ull << 32 | (uint64_t)id_of("s", "10.0.0.1") << 16;
	bool of[65] = {0};
	pthread_t thread;

	of[id_of("s", "10.0.0.1")] = true;
	for (int round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < RACED; i++)
			cache[i].way[0] = meant;
		cr_assert(zero(int, pthread_create(&thread, NULL, writer, &other)));
		n += flushed(of);
		pthread_join(thread, NULL);
		for (uint32_t i = 0; i < RACED; i++)
			cr_assert(cache[i].way[0] == other, "round %d, bucket %u", round, i);
	}
	cr_assert(gt(u64, n, 0));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* The best of several: others use the machine, too. */
Test(lb_session_tool, a_million_entries_in_20_ms)
{
	double best = 1e9, began;

	for (uint32_t i = 0; i < ENTRIES; i++)
		cache[i / LB_SESSION_WAYS].way[i % LB_SESSION_WAYS] =
			(uint64_t)(i + 1) << 32 | (i * 2654435761u >> 26) << 16 | (i * 7 & 0xffff);
	for (int i = 0; i < 10; i++) {
		began = now();
		look();
		if (now() - began < best)
			best = now() - began;
	}
	cr_assert(eq(u64, seen->used, ENTRIES));
	cr_assert(eq(u32, seen->full, BUCKETS));
	cr_assert(lt(dbl, best, SCAN_MS));
	if (getenv("LB_SAY"))
		fprintf(stderr, "%.2f ms\n", best);
	cr_assert(eq(u64, flushed(NULL), ENTRIES));
}
