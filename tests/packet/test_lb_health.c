// SPDX-License-Identifier: GPL-2.0
/* test_lb_health.c - health reaches the packets without a commit, and no commit undoes it. */
#include "tests/packet/ptest.h"

#define SLOTS 251u
#define REALS 4

static const char *const addr[REALS] = {"10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4"};
static struct world w;
static struct lb_err err;

static void setup(void)
{
	must(world_net(&err));
	must(world_load(&w, "health", NULL, &err));
	must(world_pool(&w, "web", SLOTS, &err));
	for (size_t i = 0; i < REALS; i++)
		must(world_real(&w, "web", addr[i], 1, LB_M_UP, &err));
	must(world_vip(&w, "203.0.113.1:80/tcp", "web", false, &err));
	must(world_commit(&w, &err));
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_health, .init = setup, .fini = teardown);

static void put(size_t i, enum lb_m_health health)
{
	struct lb_addr a;

	must(parse_addr(addr[i], &a, &err));
	lb_maps_health_put(w.maps, lb_model_real(&w.model, "web", &a)->id, health, 1000, "why not");
	lb_model_free(&w.model);
	must(lb_maps_read(w.maps, &w.model, &err));
}

static uint64_t digest(void)
{
	uint64_t d = 0;

	must(lb_maps_digest(w.maps, &w.model, "web", &d, &err));
	return d;
}

/* Slots of the live table that the i-th real has. */
static uint32_t share(size_t i)
{
	uint32_t count[REALS];

	must(lb_maps_shares(w.maps, &w.model, "web", count, REALS, &err));
	return count[i];
}

static int rebuild(void)
{
	return lb_maps_rebuild(w.maps, &w.model, "web", &err);
}

Test(lb_health, rebuild_changes_the_table_alone)
{
	uint64_t all = digest();
	struct lb_info before, after;

	lb_maps_info(w.maps, &before);
	cr_assert(eq(int, rebuild(), 0), "nothing to do");
	put(1, LB_M_HEALTHY);
	cr_assert(eq(int, rebuild(), 0), "healthy is as good as unknown");
	put(1, LB_M_SICK);
	cr_assert(eq(u64, digest(), all), "not before the rebuild");
	cr_assert(eq(int, rebuild(), 1));
	cr_assert(eq(u32, share(1), 0));
	cr_assert(eq(u32, share(0) + share(2) + share(3), SLOTS));
	cr_assert(eq(int, rebuild(), 0));
	put(1, LB_M_HEALTHY);
	cr_assert(eq(int, rebuild(), 1));
	cr_assert(eq(u64, digest(), all), "the same bytes as before");
	lb_maps_info(w.maps, &after);
	cr_assert(eq(u32, before.commits, after.commits), "no commit");
}

Test(lb_health, what_a_rebuild_gives_a_commit_gives)
{
	uint64_t without;

	put(2, LB_M_SICK);
	cr_assert(eq(int, rebuild(), 1));
	without = digest();
	must(world_commit(&w, &err));
	cr_assert(eq(u64, digest(), without), "a commit of the same keeps it");
	must(world_vip(&w, "203.0.113.1:81/tcp", "web", false, &err));
	must(world_commit(&w, &err));
	cr_assert(eq(u64, digest(), without));
	cr_assert(eq(int, rebuild(), 0));
}

/* lbmon died between the two: whoever writes next makes it good. */
Test(lb_health, a_commit_heeds_health_that_no_rebuild_did)
{
	uint64_t all = digest();

	put(0, LB_M_SICK);
	must(world_commit(&w, &err));
	cr_assert(eq(u32, share(0), 0));
	put(0, LB_M_UNKNOWN);
	must(world_commit(&w, &err));
	cr_assert(eq(u64, digest(), all));
}

/* Do packets know it? */
static bool known(size_t i, enum lb_m_health health)
{
	struct lb_addr a;

	must(parse_addr(addr[i], &a, &err));
	return lb_maps_health_is(w.maps, lb_model_real(&w.model, "web", &a)->id, health);
}

/* Whoever wrote health died half way, or wrote only what people read: the next commit tells packets. */
Test(lb_health, a_commit_tells_packets)
{
	put(1, LB_M_SICK);
	cr_assert(known(0, LB_M_UNKNOWN) && known(1, LB_M_SICK));
	must(world_sick(&w, "web", addr[0], true, &err));
	must(world_sick(&w, "web", addr[1], false, &err));
	cr_assert(known(0, LB_M_SICK) && known(1, LB_M_HEALTHY));
	must(world_commit(&w, &err));
	cr_assert(known(0, LB_M_UNKNOWN) && known(1, LB_M_SICK));
}

Test(lb_health, nobody_left)
{
	for (size_t i = 0; i < REALS; i++)
		put(i, LB_M_SICK);
	cr_assert(eq(int, rebuild(), 1));
	for (size_t i = 0; i < REALS; i++)
		cr_assert(eq(u32, share(i), 0));
	cr_assert(eq(int, rebuild(), 0));
	put(3, LB_M_HEALTHY);
	cr_assert(eq(int, rebuild(), 1));
	cr_assert(eq(u32, share(3), SLOTS));
}

Test(lb_health, panic_fails_open)
{
	uint64_t all = digest();

	lb_model_pool(&w.model, "web")->panic = 50;
	must(world_commit(&w, &err));
	put(0, LB_M_SICK);
	put(1, LB_M_SICK);
	cr_assert(eq(int, rebuild(), 1), "half of them are up: no panic");
	cr_assert(eq(u32, share(0), 0));
	put(2, LB_M_SICK);
	cr_assert(eq(int, rebuild(), 1));
	cr_assert(eq(u64, digest(), all), "all serve");
	/* The commit that changes the threshold counts, not the next rebuild. */
	lb_model_pool(&w.model, "web")->panic = 0;
	must(world_commit(&w, &err));
	cr_assert(eq(u32, share(3), SLOTS));
}

Test(lb_health, stays_with_its_real)
{
	struct lb_m_real *r;
	struct lb_addr a;

	put(1, LB_M_SICK);
	must(parse_addr(addr[1], &a, &err));
	r = lb_model_real(&w.model, "web", &a);
	cr_assert(eq(str, r->why, "why not"));
	cr_assert(eq(u64, r->since, 1000));
	r->encap = LB_M_ENCAP_IPIP; /* another id */
	must(world_commit(&w, &err));
	r = lb_model_real(&w.model, "web", &a);
	cr_assert(eq(int, r->health, LB_M_SICK), "another encapsulation makes it no healthier");
	cr_assert(known(1, LB_M_SICK), "nor for packets");
	cr_assert(eq(u32, share(1), 0));
	lb_model_del_real(&w.model, r);
	must(world_commit(&w, &err));
	must(world_real(&w, "web", addr[1], 1, LB_M_UP, &err));
	must(world_commit(&w, &err));
	r = lb_model_real(&w.model, "web", &a);
	cr_assert(eq(int, r->health, LB_M_UNKNOWN), "a new one is not judged by the old one");
	cr_assert(eq(str, r->why, ""));
}

Test(lb_health, checks_and_flags_come_back)
{
	struct lb_m_pool *p = lb_model_pool(&w.model, "web");
	struct lb_m_check want = {
		.kind = LB_M_CHECK_HTTPS,
		.direct = true,
		.port = 8443,
		.interval = 3600000,
		.timeout = 50,
		.rise = 255,
		.fall = 1,
		.status_min = 100,
		.status_max = 599,
		.host = "www.example.org",
		.path = "/health?x=1",
		.send = "ping",
		.expect = "pong",
		.command = "/usr/local/bin/check",
	};

	p->check = want;
	p->min = 65535;
	lb_model_vip(&w.model, &w.model.vip[0].svc)->always = true;
	must(world_commit(&w, &err));
	p = lb_model_pool(&w.model, "web");
	cr_assert(eq(u32, p->min, 65535));
	cr_assert(eq(int, memcmp(&p->check, &want, sizeof(want)), 0));
	cr_assert(w.model.vip[0].always);

	cr_assert(not(lb_maps_drained(w.maps)));
	lb_maps_drain(w.maps, true);
	must(world_commit(&w, &err));
	cr_assert(lb_maps_drained(w.maps), "no commit undoes it");
	lb_maps_drain(w.maps, false);
	cr_assert(not(lb_maps_drained(w.maps)));
	cr_assert(lb_maps_current(w.maps, w.instance));
	cr_assert(not(lb_maps_current(w.maps, "another")));
}
