/* SPDX-License-Identifier: GPL-2.0 */
/* The model's arrays: sorted whatever the order of the puts, and whole after any deletion. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model.h"

static struct lb_model m;
static struct lb_err err;

static void setup(void)
{
	lb_model_init(&m);
}

static void teardown(void)
{
	lb_model_free(&m);
}

TestSuite(model, .init = setup, .fini = teardown);

static struct lb_m_pool a_pool(const char *name, uint32_t slots)
{
	struct lb_m_pool pool = {.slots = slots,
				 .encap = LB_M_ENCAP_IPIP,
				 .drain = LB_DRAIN_DEFAULT,
				 .gue_port = LB_GUE_PORT_DEFAULT,
				 .id = LB_NO_ID};

	snprintf(pool.name, sizeof(pool.name), "%s", name);
	return pool;
}

static struct lb_m_real a_real(const char *pool, const char *addr, uint16_t weight)
{
	struct lb_m_real real = {.weight = weight, .id = LB_NO_ID};

	snprintf(real.pool, sizeof(real.pool), "%s", pool);
	cr_assert(eq(int, parse_addr(addr, &real.addr, &err), 0));
	return real;
}

static struct lb_m_vip a_vip(const char *svc, const char *pool)
{
	struct lb_m_vip vip = {.session = true, .id = LB_NO_ID};

	snprintf(vip.pool, sizeof(vip.pool), "%s", pool);
	cr_assert(eq(int, parse_service(svc, &vip.svc, &err), 0));
	return vip;
}

static void put_pool(const char *name, uint32_t slots)
{
	struct lb_m_pool pool = a_pool(name, slots);

	cr_assert(eq(int, lb_model_put_pool(&m, &pool, &err), 0));
}

static void put_real(const char *pool, const char *addr, uint16_t weight)
{
	struct lb_m_real real = a_real(pool, addr, weight);

	cr_assert(eq(int, lb_model_put_real(&m, &real, &err), 0));
}

static void put_vip(const char *svc, const char *pool)
{
	struct lb_m_vip vip = a_vip(svc, pool);

	cr_assert(eq(int, lb_model_put_vip(&m, &vip, &err), 0));
}

Test(model, empty)
{
	struct lb_addr addr = a_real("web", "10.0.0.1", 1).addr;
	struct lb_service svc = a_vip("192.0.2.1:80/tcp", "web").svc;
	size_t n = 1;

	cr_expect(eq(ptr, lb_model_pool(&m, "web"), NULL));
	cr_expect(eq(ptr, lb_model_real(&m, "web", &addr), NULL));
	cr_expect(eq(ptr, lb_model_vip(&m, &svc), NULL));
	lb_model_pool_reals(&m, "web", &n);
	cr_expect(eq(sz, n, 0));
}

Test(model, put_finds_and_replaces)
{
	struct lb_addr addr = a_real("web", "10.0.0.1", 1).addr;
	struct lb_service svc = a_vip("192.0.2.1:80/tcp", "web").svc;

	put_pool("web", 251);
	put_pool("api", 503);
	put_pool("web", 65537);
	cr_expect(eq(sz, m.pools, 2));
	cr_expect(eq(str, m.pool[0].name, "api"));
	cr_expect(eq(u32, lb_model_pool(&m, "web")->slots, 65537));

	put_real("web", "10.0.0.1", 1);
	put_real("web", "10.0.0.1", 7);
	put_real("api", "10.0.0.1", 3);
	cr_expect(eq(sz, m.reals, 2));
	cr_expect(eq(u16, lb_model_real(&m, "web", &addr)->weight, 7));
	cr_expect(eq(u16, lb_model_real(&m, "api", &addr)->weight, 3));
	cr_expect(eq(ptr, lb_model_real(&m, "ap", &addr), NULL));

	put_vip("192.0.2.1:80/tcp", "api");
	put_vip("192.0.2.1:80/tcp", "web");
	put_vip("192.0.2.1:80/udp", "api");
	cr_expect(eq(sz, m.vips, 2));
	cr_expect(eq(str, lb_model_vip(&m, &svc)->pool, "web"));
}

/* A put may take what the model itself holds. */
Test(model, put_of_its_own)
{
	put_pool("web", 251);
	m.pool[0].slots = 503;
	cr_assert(eq(int, lb_model_put_pool(&m, &m.pool[0], &err), 0));
	cr_expect(eq(sz, m.pools, 1));
	cr_expect(eq(u32, m.pool[0].slots, 503));
}

/* 31 characters are a name; 32 are none, and are not cut to find another's. */
Test(model, long_names)
{
	struct lb_addr addr = a_real("x", "10.0.0.1", 1).addr;
	const char *name31 = "abcdefghijklmnopqrstuvwxyz01234",
		   *name32 = "abcdefghijklmnopqrstuvwxyz012345";
	size_t n;

	put_pool(name31, 251);
	put_real(name31, "10.0.0.1", 1);
	cr_expect(ne(ptr, lb_model_pool(&m, name31), NULL));
	cr_expect(ne(ptr, lb_model_real(&m, name31, &addr), NULL));
	cr_expect(eq(ptr, lb_model_pool(&m, name32), NULL));
	cr_expect(eq(ptr, lb_model_real(&m, name32, &addr), NULL));
	lb_model_pool_reals(&m, name32, &n);
	cr_expect(eq(sz, n, 0));
	lb_model_pool_reals(&m, name31, &n);
	cr_expect(eq(sz, n, 1));
}

Test(model, reals_of_a_pool)
{
	static const char *const pools[] = {"a", "b", "bb", "c"};
	static const size_t counts[] = {3, 0, 5, 1};
	char addr[32];
	size_t n;

	for (size_t i = 8; i-- > 0;) {
		for (size_t p = 0; p < 4; p++) {
			snprintf(addr, sizeof(addr), i % 2 ? "10.0.0.%zu" : "2001:db8::%zu", i);
			if (i < counts[p])
				put_real(pools[p], i ? addr : "255.255.255.254", 1);
		}
	}
	for (size_t p = 0; p < 4; p++) {
		struct lb_m_real *real = lb_model_pool_reals(&m, pools[p], &n);

		cr_expect(eq(sz, n, counts[p]), "%s", pools[p]);
		for (size_t i = 0; i < n; i++)
			cr_expect(eq(str, real[i].pool, (char *)pools[p]));
	}
	lb_model_pool_reals(&m, "d", &n);
	cr_expect(eq(sz, n, 0));
	lb_model_pool_reals(&m, "", &n);
	cr_expect(eq(sz, n, 0));
}

static void expect_sorted(void)
{
	for (size_t i = 1; i < m.pools; i++)
		cr_assert(lt(int, strcmp(m.pool[i - 1].name, m.pool[i].name), 0));
	for (size_t i = 1; i < m.vips; i++)
		cr_assert(lt(int, lb_service_cmp(&m.vip[i - 1].svc, &m.vip[i].svc), 0));
	for (size_t i = 1; i < m.reals; i++) {
		int d = strcmp(m.real[i - 1].pool, m.real[i].pool);

		cr_assert(le(int, d, 0));
		if (!d)
			cr_assert(lt(int, lb_addr_cmp(&m.real[i - 1].addr, &m.real[i].addr), 0));
	}
}

/* Puts and deletions in a random order, beside a plain table of what must be there. */
Test(model, random_puts_and_dels)
{
	static uint16_t weight[3][256];
	size_t there = 0;

	srand(1);
	for (int i = 0; i < 20000; i++) {
		int p = rand() % 3, a = rand() % 256;
		char pool[2] = {(char)('a' + p), 0}, addr[32];
		struct lb_m_real real, *found;

		snprintf(addr, sizeof(addr), "10.%d.0.1", a);
		real = a_real(pool, addr, (uint16_t)(1 + rand() % 1000));
		found = lb_model_real(&m, pool, &real.addr);
		cr_assert(eq(u16, found ? found->weight : 0, weight[p][a]));
		if (found && rand() % 2) {
			lb_model_del_real(&m, found);
			weight[p][a] = 0;
			there--;
		} else {
			cr_assert(eq(int, lb_model_put_real(&m, &real, &err), 0));
			weight[p][a] = real.weight;
			there += !found;
		}
		cr_assert(eq(sz, m.reals, there));
		if (i % 100 == 0)
			expect_sorted();
	}
}

Test(model, dels_to_the_last)
{
	char word[64];

	srand(2);
	for (int i = 0; i < 300; i++) {
		snprintf(word, sizeof(word), "p%d", rand());
		put_pool(word, 251);
		snprintf(word, sizeof(word), "10.0.%d.%d:%d/udp", rand() % 256, 1,
			 1 + rand() % 65535);
		put_vip(word, "p");
	}
	expect_sorted();
	while (m.pools) {
		lb_model_del_pool(&m, &m.pool[(size_t)rand() % m.pools]);
		expect_sorted();
	}
	while (m.vips)
		lb_model_del_vip(&m, &m.vip[(size_t)rand() % m.vips]);
	put_pool("again", 251);
	cr_expect(eq(sz, m.pools, 1));
}

Test(model, copy_is_apart)
{
	struct lb_model copy;

	m.seed = 42;
	put_pool("web", 251);
	put_real("web", "10.0.0.1", 1);
	put_vip("192.0.2.1:80/tcp", "web");
	memset(&copy, 0x5a, sizeof(copy));
	cr_assert(eq(int, lb_model_copy(&copy, &m, &err), 0));
	m.pool[0].slots = 503;
	put_pool("aaa", 251);
	m.real[0].weight = 9;
	lb_model_del_vip(&m, &m.vip[0]);

	cr_expect(eq(u64, copy.seed, 42));
	cr_expect(eq(sz, copy.pools, 1));
	cr_expect(eq(u32, copy.pool[0].slots, 251));
	cr_expect(eq(u16, copy.real[0].weight, 1));
	cr_expect(eq(sz, copy.vips, 1));
	for (int i = 0; i < 20; i++) {
		struct lb_m_pool pool = a_pool((char[]){(char)('a' + i), 0}, 251);

		cr_assert(eq(int, lb_model_put_pool(&copy, &pool, &err), 0), "a copy grows");
	}
	lb_model_free(&copy);
	cr_expect(eq(sz, copy.pools, 0));
	cr_expect(eq(ptr, copy.pool, NULL));
}

Test(model, copy_of_nothing)
{
	struct lb_model copy;

	cr_assert(eq(int, lb_model_copy(&copy, &m, &err), 0));
	cr_expect(eq(sz, copy.pools + copy.reals + copy.vips, 0));
	lb_model_free(&copy);
	lb_model_free(&copy);
}

Test(model, serves)
{
	struct lb_m_real real = a_real("web", "10.0.0.1", 1);

	cr_expect(lb_real_serves(&real));
	real.weight = 0;
	cr_expect(not(lb_real_serves(&real)));
	real.weight = LB_WEIGHT_MAX;
	real.sick = true;
	cr_expect(not(lb_real_serves(&real)));
	real.sick = false;
	real.state = LB_M_DRAIN;
	cr_expect(not(lb_real_serves(&real)));
	real.state = LB_M_DOWN;
	cr_expect(not(lb_real_serves(&real)));
}

static void put_sick(const char *addr, enum lb_m_health health, enum lb_m_state state)
{
	struct lb_m_real real = a_real("web", addr, 1);

	real.health = health;
	real.state = state;
	cr_assert(eq(int, lb_model_put_real(&m, &real, &err), 0));
}

Test(model, health_and_panic)
{
	struct lb_m_pool pool = a_pool("web", 251);

	pool.panic = 34;
	cr_assert(eq(int, lb_model_put_pool(&m, &pool, &err), 0));
	put_sick("10.0.0.1", LB_M_SICK, LB_M_UP);
	put_sick("10.0.0.2", LB_M_UNKNOWN, LB_M_UP);
	put_sick("10.0.0.3", LB_M_HEALTHY, LB_M_UP);
	/* Those out of the table anyway count neither way. */
	put_sick("10.0.0.4", LB_M_SICK, LB_M_DOWN);
	put_sick("10.0.0.5", LB_M_HEALTHY, LB_M_DRAIN);
	lb_model_health(&m);
	cr_expect(m.real[0].sick);
	cr_expect(not(m.real[1].sick));
	cr_expect(eq(sz, lb_pool_healthy(&m, &m.pool[0]), 2));
	cr_expect(not(lb_pool_panics(&m, &m.pool[0])));

	m.real[2].health = LB_M_SICK; /* one of three: 33 % */
	lb_model_health(&m);
	cr_expect(lb_pool_panics(&m, &m.pool[0]));
	cr_expect(not(m.real[0].sick));
	cr_expect(eq(sz, lb_pool_healthy(&m, &m.pool[0]), 1));
	m.pool[0].panic = 33;
	lb_model_health(&m);
	cr_expect(not(lb_pool_panics(&m, &m.pool[0])));
	cr_expect(m.real[0].sick && m.real[2].sick);
	m.real[1].health = LB_M_SICK;
	m.pool[0].panic = 0;
	lb_model_health(&m);
	cr_expect(m.real[0].sick && m.real[1].sick && m.real[2].sick, "0 is never");
	m.pool[0].panic = 1;
	lb_model_health(&m);
	cr_expect(not(m.real[0].sick || m.real[1].sick || m.real[2].sick));
}

/* Names of states and encapsulations are in the order of their enums. */
Test(model, names)
{
	cr_expect(eq(str, (char *)lb_state_names[LB_M_UP], "up"));
	cr_expect(eq(str, (char *)lb_state_names[LB_M_DRAIN], "drain"));
	cr_expect(eq(str, (char *)lb_state_names[LB_M_DOWN], "down"));
	cr_expect(eq(ptr, (void *)lb_state_names[LB_M_DOWN + 1], NULL));
	cr_expect(eq(str, (char *)lb_encap_names[LB_M_ENCAP_DEFAULT], "default"));
	cr_expect(eq(str, (char *)lb_encap_names[LB_M_ENCAP_IPIP], "ipip"));
}

/* In order a put is an append: 65535 reals take no time worth a name, and 1 s under valgrind. */
Test(model, many_in_order, .timeout = 60)
{
	char addr[32];

	for (int i = 0; i < 65535; i++) {
		snprintf(addr, sizeof(addr), "10.0.%d.%d", i >> 8, i & 255);
		put_real("web", addr, 1);
	}
	cr_expect(eq(sz, m.reals, 65535));
	expect_sorted();
}
