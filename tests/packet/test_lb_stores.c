// SPDX-License-Identifier: GPL-2.0
/* test_lb_stores.c - a commit stores to what differs, and to nothing else. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/packet/ptest.h"
#include "tests/packet/stores.h"

#define SLOTS 4093u
#define LINES ((SLOTS + LB_SLOTS_PER_LINE - 1) / LB_SLOTS_PER_LINE)
#define POOLS 8
#define REALS 6
#define VIPS 4096

static struct world w;
static struct lb_err err;

static void real(int pool, int i, uint16_t weight)
{
	char name[16], addr[32];

	snprintf(name, sizeof(name), "p%d", pool);
	snprintf(addr, sizeof(addr), "10.0.%d.%d", pool, i + 1);
	must(world_real(&w, name, addr, weight, LB_M_UP, &err));
}

static void vip(int i, bool session)
{
	char svc[48], pool[16];

	snprintf(svc, sizeof(svc), i % 2 ? "203.0.%d.%d:80/tcp" : "[2001:db8::%x:%x]:80/tcp",
		 i / 256, i % 256);
	snprintf(pool, sizeof(pool), "p%d", i % POOLS);
	must(world_vip(&w, svc, pool, session, &err));
}

static void setup(void)
{
	static const struct lb_sizes sizes = {
		.reals = 512, .vips = VIPS, .pools = 64, .tables = 2, .sessions = 4096};
	char name[16];

	must(world_net(&err));
	must(world_load(&w, "stores", &sizes, &err));
	for (int p = 0; p < POOLS; p++) {
		snprintf(name, sizeof(name), "p%d", p);
		must(world_pool(&w, name, SLOTS, &err));
		for (int i = 0; i < REALS; i++)
			real(p, i, 10);
	}
	for (int i = 0; i < VIPS; i++)
		vip(i, false);
	must(world_commit(&w, &err));
	must(world_commit(&w, &err));
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_stores, .init = setup, .fini = teardown);

/* When the clock has another second than at the commit before: a table that is made settles so long after it. */
static void next_second(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec++;
	t.tv_nsec = 0;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void commit(void)
{
	next_second();
	stores_begin();
	must(world_commit(&w, &err));
	stores_end();
}

/* Besides the root. tables: so many were made. */
static void wrote(size_t buckets, size_t pools, size_t reals, size_t tables)
{
	cr_expect(eq(sz, stores_to("service4") + stores_to("service6"), buckets));
	cr_expect(eq(sz, stores_to("pool"), pools));
	cr_expect(eq(sz, stores_to("real"), reals));
	cr_expect(eq(sz, stores_to("check"), 0));
	cr_expect(eq(sz, stores_to("health"), 0));
	cr_expect(eq(sz, stores_to("session"), 0));
	cr_expect(eq(sz, stores_to("peers"), 0));
	cr_expect(eq(sz, stores_to("meta"), 1));
	cr_expect(eq(sz, stores_to("mixed"), tables));
	cr_expect(eq(sz, stores_times("mixed"), 2 * tables), "before the commit, and after it");
	cr_expect(
		eq(sz, stores_to_any(), stores_to("table") + buckets + pools + reals + tables + 1));
}

Test(lb_stores, the_same_again_is_one_store)
{
	commit();
	wrote(0, 0, 0, 0);
	cr_expect(eq(sz, stores_to("table"), 0));
}

Test(lb_stores, one_setting_of_a_vip_is_one_bucket)
{
	vip(1001, true);
	commit(); /* into a half that had none at all */
	cr_expect(eq(sz, stores_to("table"), 0));
	vip(1001, false);
	commit();
	wrote(0, 0, 0, 0); /* the other half has it so */
	vip(1001, true);
	vip(2000, true);
	commit();
	wrote(1, 0, 0, 0);
	vip(1001, false);
	commit();
	wrote(1, 0, 0, 0); /* the half that is written lacks the change before, too */
	commit();
	wrote(0, 0, 0, 0);
}

static void count_line(void *arg, const char *text)
{
	(void)text;
	++*(size_t *)arg;
}

/* By how many lines does what is live differ from the model? */
static size_t differs(const struct lb_model *m)
{
	struct lb_model live;
	size_t n = 0;

	lb_model_init(&live);
	must(lb_maps_read(w.maps, &live, &err));
	lb_model_diff(m, &live, count_line, &n);
	lb_model_free(&live);
	return n;
}

static void change_much(void)
{
	real(3, 2, 11);
	for (int i = 0; i < VIPS; i += 3)
		vip(i, true);
	must(world_pool(&w, "another", SLOTS, &err));
}

/* A commit in a process that dies at its n-th store. Returns whether it came so far. */
static bool die_at(size_t n)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		change_much();
		stores_begin();
		stores_kill_at(n);
		world_commit(&w, &err);
		_exit(0);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

Test(lb_stores, a_commit_that_dies_at_any_store_is_none)
{
	struct lb_model old;
	size_t all, n = 1, died = 0;

	lb_model_init(&old);
	must(lb_model_copy(&old, &w.model, &err));
	change_much();
	all = differs(&w.model);
	cr_assert(gt(sz, all, VIPS / 3));
	lb_model_free(&w.model);
	must(lb_model_copy(&w.model, &old, &err));
	for (; die_at(n); n += 1 + n / 4) {
		size_t now = differs(&old);

		died++;
		cr_assert(now == 0 || now == all, "killed at store %zu: %zu lines", n, now);
		must(world_commit(&w, &err));
		cr_assert(eq(sz, differs(&old), 0), "the next one after a kill at store %zu", n);
	}
	cr_expect(gt(sz, died, 20));
	lb_model_free(&old);
}

Test(lb_stores, one_weight_is_one_pool_one_real_and_one_table)
{
	real(3, 2, 11);
	commit();
	wrote(0, 1, 1, 1);
	cr_expect(eq(sz, stores_to("table"), LINES), "in new room all of the table");
	real(3, 2, 10);
	commit();
	wrote(0, 1, 0, 1);
	cr_expect(eq(sz, stores_to("table"), 0), "it stands there still");
	real(3, 2, 11);
	commit();
	wrote(0, 1, 0, 1);
	cr_expect(eq(sz, stores_to("table"), 0));
	real(3, 2, 12);
	commit();
	wrote(0, 1, 1, 1);
	cr_expect(gt(sz, stores_to("table"), 0));
	cr_expect(lt(sz, stores_to("table"), LINES),
		  "a few slots, where the one before the last was");
	real(5, 0, 11);
	commit();
	wrote(0, 2, 2, 1);
}

/* A service that takes the place of another, and its id, while the other half holds that one still. */
static void takes_the_place_of(const char *other, const char *svc)
{
	struct lb_service was, is;
	size_t n = w.model.vips;

	must(parse_service(svc, &is, &err));
	must(world_vip(&w, other, "p1", false, &err));
	must(world_commit(&w, &err));
	must(parse_service(other, &was, &err));
	lb_model_del_vip(&w.model, lb_model_vip(&w.model, &was));
	must(world_commit(&w, &err));
	must(world_vip(&w, svc, "p1", false, &err));
	must(world_commit(&w, &err));
	cr_expect(ne(ptr, lb_model_vip(&w.model, &is), NULL), "%s in place of %s", svc, other);
	cr_expect(eq(sz, w.model.vips, n + 1));
}

Test(lb_stores, alike_is_not_the_same)
{
	for (int i = 0; i < 8; i++)
		lb_model_del_vip(&w.model, w.model.vip);
	must(world_commit(&w, &err));
	takes_the_place_of("[2001:db8:1::1]:81/tcp", "[2001:db8:1:80:0:80:0:81]:81/tcp");
	takes_the_place_of("[2001:db8:2::1]:81/tcp", "[2001:db8:2:40:0:40:0:41]:81/tcp");
	takes_the_place_of("203.0.200.1:81/tcp", "203.0.200.129:81/tcp");
	takes_the_place_of("203.0.200.2:81/tcp", "203.0.200.2:81/udp");
}

static void rebuild(enum lb_health health)
{
	must(world_health(&w, "p2", "10.0.2.1", health, &err));
	lb_model_free(&w.model);
	must(lb_maps_read(w.maps, &w.model, &err));
	stores_begin();
	cr_assert(eq(int, lb_maps_rebuild(w.maps, &w.model, "p2", &err), 1));
	stores_end();
}

Test(lb_stores, health_that_comes_and_goes_writes_the_table_once)
{
	rebuild(LB_HEALTH_DOWN);
	cr_expect(eq(sz, stores_to("table"), LINES));
	for (int i = 0; i < 4; i++) {
		rebuild(i % 2 ? LB_HEALTH_DOWN : LB_HEALTH_UP);
		cr_expect(eq(sz, stores_to("table"), 0), "round %d", i);
		cr_expect(eq(sz, stores_to("pool"), 2), "the live one's, and where its last was");
		cr_expect(eq(sz, stores_times("mixed"), 2), "before it is made, and after it");
	}
}

static void fresh(const char *pool, const char *real1, const char *real2, uint16_t weight)
{
	must(world_pool(&w, pool, SLOTS, &err));
	must(world_real(&w, pool, real1, weight, LB_M_UP, &err));
	must(world_real(&w, pool, real2, 10, LB_M_UP, &err));
}

static void whole(const char *pool)
{
	uint32_t stray;

	must(lb_maps_stray(w.maps, &w.model, pool, &stray, &err));
	cr_expect(eq(u32, stray, 0), "slots of pool %s are not its own", pool);
}

/* The former room of a pool that is not in the other half yet is no other's, either. */
Test(lb_stores, two_pools_never_have_the_same_room)
{
	struct lb_addr addr;

	fresh("a", "10.0.20.1", "10.0.20.2", 10);
	must(world_commit(&w, &err));
	must(world_health(&w, "a", "10.0.20.1", LB_HEALTH_DOWN, &err));
	lb_model_free(&w.model);
	must(lb_maps_read(w.maps, &w.model, &err));
	cr_assert(eq(int, lb_maps_rebuild(w.maps, &w.model, "a", &err), 1));
	must(parse_addr("10.0.20.2", &addr, &err));
	lb_model_real(&w.model, "a", &addr)->weight = 11;
	fresh("z", "10.0.21.1", "10.0.21.2", 12);
	must(world_commit(&w, &err));
	whole("a");
	whole("z");
}

Test(lb_stores, peers_and_checks_are_left_alone_too)
{
	struct lb_addr peer;

	must(parse_addr("192.0.2.1", &peer, &err));
	must(lb_model_put_peer(&w.model, &peer, &err));
	commit();
	cr_expect(eq(sz, stores_to("peers"), 1));
	commit();
	cr_expect(eq(sz, stores_to("peers"), 1), "the other half");
	commit();
	wrote(0, 0, 0, 0);
	lb_model_pool(&w.model, "p1")->check.rise = 7;
	commit();
	cr_expect(eq(sz, stores_to("check"), 1));
	cr_expect(eq(sz, stores_to("pool"), 0));
}
