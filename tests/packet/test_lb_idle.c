// SPDX-License-Identifier: GPL-2.0
/* test_lb_idle.c - for how long a silent flow counts, and for how long its entry is safe: `prog load idle-tcp, idle-udp`. */
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/packet/ptest.h"

enum { SYN = 0x02, ACK = 0x10 };

static struct world w;
static struct lb_err err;
static struct lb_session *cache; /* one bucket */

/* A flow's packets, and those of a client of `hash src`. */
static const struct pkt_spec tcp = {.dst = "203.0.113.1", .flags = ACK},
			     syn = {.dst = "203.0.113.1", .flags = SYN},
			     udp = {.dst = "203.0.113.1", .proto = IPPROTO_UDP, .dport = 53},
			     client = {.dst = "203.0.113.3", .flags = ACK},
			     client_syn = {.dst = "203.0.113.3", .flags = SYN},
			     client_udp = {.dst = "203.0.113.3", .proto = IPPROTO_UDP, .dport = 53};

static void begin(uint32_t idle_tcp, uint32_t idle_udp)
{
	static const char *const vips[] = {"203.0.113.1:80/tcp", "203.0.113.1:53/udp",
					   "203.0.113.3:80/tcp", "203.0.113.3:53/udp"};
	const struct lb_sizes sizes = {.reals = 8,
				       .vips = 8,
				       .pools = 2,
				       .tables = 2,
				       .sessions = LB_SESSION_WAYS,
				       .idle_tcp = idle_tcp,
				       .idle_udp = idle_udp};
	uint32_t buckets;

	must(world_load(&w, "idle", &sizes, &err));
	must(world_pool(&w, "s", 251, &err));
	must(world_real(&w, "s", "10.0.0.1", 1, LB_M_UP, &err));
	must(world_real(&w, "s", "10.0.0.2", 1, LB_M_UP, &err));
	for (size_t i = 0; i < sizeof(vips) / sizeof(*vips); i++)
		must(world_vip(&w, vips[i], "s", true, &err));
	for (size_t i = 0; i < w.model.vips; i++)
		if (w.model.vip[i].svc.addr.b[3] == 3)
			w.model.vip[i].hash = LB_M_HASH_SRC;
	must(world_commit(&w, &err));
	cache = ptest_cache(&w, &buckets);
	cr_assert(eq(u32, buckets, 1));
}

static void setup(void)
{
	ptest_root();
	must(world_net(&err));
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_idle, .init = setup, .fini = teardown, .timeout = 60);

/* So many seconds in ticks of the cache, rounded up. */
static uint32_t ticks(uint32_t seconds)
{
	struct timespec jiffy;
	uint64_t tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy);
	for (tick = jiffy.tv_nsec; tick < LB_TICK * 1000000000ull; tick *= 2)
		;
	return (seconds * 1000000000ull + tick - 1) / tick;
}

static uint32_t tick_of(uint64_t entry)
{
	return entry >> 1 & 0x7fff;
}

/* The tick at which an entry was written last. */
static uint32_t newest(void)
{
	uint32_t best = 0;
	bool any = false;

	for (uint32_t i = 0; i < LB_SESSION_WAYS; i++) {
		uint32_t t = tick_of(cache->way[i]);

		if (cache->way[i] && (!any || ((t - best) & 0x7fff) < 0x4000))
			best = t;
		any |= cache->way[i] != 0;
	}
	return best;
}

static struct lb_addr send_to(const struct pkt_spec *s)
{
	struct pkt in;

	pkt_build(&in, s);
	return ptest_real(&w, &in, s->dst);
}

static void set(const struct lb_addr *real, enum lb_m_state state)
{
	lb_model_real(&w.model, "s", real)->state = state;
	must(world_commit(&w, &err));
}

/* Is the flow of `first` still at its real, which drains, when `then` comes so many ticks later? */
static bool keeps(const struct pkt_spec *first, const struct pkt_spec *then, uint32_t age)
{
	struct lb_addr had, got;
	uint32_t made;

	do { /* anew when the cache's own clock ticked meanwhile */
		memset(cache, 0, sizeof(*cache));
		had = send_to(first);
		made = newest();
		set(&had, LB_M_DRAIN);
		ptest_age(cache, 1, age);
		got = send_to(then);
		set(&had, LB_M_UP);
	} while (newest() != made);
	return !lb_addr_cmp(&had, &got);
}

/* With the bucket full of flows that came twice and were silent for so many ticks: does another one get a place? */
static bool pushes(struct pkt_spec s, uint32_t age)
{
	struct lb_session had;
	uint32_t made, places = 0;

	do {
		memset(cache, 0, sizeof(*cache));
		for (uint32_t i = 0; i < 2 * LB_SESSION_WAYS; i++) {
			s.sport = 20000 + i / 2;
			send_to(&s);
		}
		made = newest();
		ptest_age(cache, 1, age);
		had = *cache;
		s.sport = 30000;
		send_to(&s);
		places = 0;
		for (uint32_t i = 0; i < LB_SESSION_WAYS; i++)
			places += had.way[i] >> 32 != cache->way[i] >> 32;
		s.sport = 20000 + LB_SESSION_WAYS - 1; /* to see the clock by */
		send_to(&s);
	} while (newest() != made);
	cr_assert(places <= 1, "a flow took %u places", places);
	return places;
}

/* All rules at these times, just before and just after. */
static void rules(uint32_t idle_tcp, uint32_t idle_udp)
{
	for (uint32_t late = 0; late < 2; late++) {
		uint32_t age = ticks(idle_tcp) + late, age_udp = ticks(idle_udp) + late;

		cr_assert(eq(int, keeps(&udp, &udp, age_udp), !late), "a UDP flow");
		cr_assert(eq(int, pushes(tcp, age), late), "another's place");
		cr_assert(eq(int, pushes(udp, age), late), "another's place, UDP");
		cr_assert(eq(int, keeps(&tcp, &tcp, age), !late), "a connection");
		cr_assert(eq(int, keeps(&client, &client_syn, age), !late), "a client");
		cr_assert(eq(int, keeps(&client, &client_udp, age), !late), "its datagram");
		cr_assert(keeps(&client, &client, age), "its connection is never too old");
	}
	cr_assert(keeps(&client, &client, 0x7f00), "for days");
	cr_assert(not(keeps(&tcp, &syn, 0)), "a SYN begins a new connection at any age");
}

Test(lb_idle, as_said_and_after_a_reload)
{
	struct lb_reload r;

	begin(90, 45);
	rules(90, 45);
	must(lb_prog_reload(w.instance, &r, &err));
	must(lb_prog_reload_done(w.instance, &r, &err));
	close(r.hc);
	close(r.old);
	close(w.prog);
	w.prog = r.lb;
	rules(90, 45);
}

Test(lb_idle, by_default)
{
	begin(0, 0);
	rules(900, 120);
}

Test(lb_idle, at_the_ends)
{
	begin(lb_sizes_max.idle_tcp, lb_sizes_min.idle_udp);
	rules(14400, 30);
}

/* A UDP flow that is kept elsewhere longer than any connection: the pool has not settled before its entry counts no more. */
Test(lb_idle, what_is_kept_longer_counts_as_long)
{
	struct pkt_spec one = udp, another; /* shows the other real's next hop to this CPU */
	uint64_t *mixed, jiffies;
	struct lb_addr had, got;
	struct timespec jiffy;

	ptest_one_cpu();
	one.payload = 22; /* so that it is plain */
	another = one;
	another.sport = 30000;
	begin(30, 3000);
	mixed = ptest_mixed(&w, "s");
	had = send_to(&one);
	set(&had, LB_M_DRAIN);
	got = send_to(&one);
	cr_assert(zero(int, lb_addr_cmp(&had, &got)));
	clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy);
	jiffies = 1000 * 1000000000ull / jiffy.tv_nsec;
	cr_assert(gt(u64, *mixed, jiffies));
	*mixed -= jiffies;
	ptest_age(cache, 1, ticks(1000));
	send_to(&another);
	got = send_to(&one);
	cr_expect(zero(int, lb_addr_cmp(&had, &got)));
}

Test(lb_idle, tcp_below_udp)
{
	begin(30, 300);
	rules(30, 300);
}
