/* SPDX-License-Identifier: GPL-2.0 */
/* A whole configuration passes; of any other the first fault is named, and what to do. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/check.h"

static struct lb_model m;
static struct lb_err err;
static struct lb_limits limits;

static void setup(void)
{
	lb_model_init(&m);
	limits = (struct lb_limits){.pools = 4, .reals = 8, .vips = 8, .slots = 2000};
}

static void teardown(void)
{
	lb_model_free(&m);
}

TestSuite(check, .init = setup, .fini = teardown);

static void pool(const char *name, uint32_t slots)
{
	struct lb_m_pool p = {.slots = slots, .encap = LB_M_ENCAP_IPIP};

	snprintf(p.name, sizeof(p.name), "%s", name);
	cr_assert(eq(int, lb_model_put_pool(&m, &p, &err), 0));
}

static struct lb_m_real *real(const char *addr, const char *name)
{
	struct lb_m_real r = {.weight = 1};

	cr_assert(eq(int, parse_addr(addr, &r.addr, &err), 0));
	snprintf(r.pool, sizeof(r.pool), "%s", name);
	cr_assert(eq(int, lb_model_put_real(&m, &r, &err), 0));
	return lb_model_real(&m, name, &r.addr);
}

static void vip(const char *svc, const char *name)
{
	struct lb_m_vip v = {0};

	cr_assert(eq(int, parse_service(svc, &v.svc, &err), 0));
	snprintf(v.pool, sizeof(v.pool), "%s", name);
	cr_assert(eq(int, lb_model_put_vip(&m, &v, &err), 0));
}

static void whole(void)
{
	err = (struct lb_err){0};
	cr_expect(eq(int, lb_check(&m, &limits, &err), 0), "%s", err.msg);
}

static void faulty(const char *why)
{
	err = (struct lb_err){0};
	cr_expect(eq(int, lb_check(&m, &limits, &err), -1), "%s", why);
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(str, err.msg, (char *)why));
}

Test(check, nothing_is_whole)
{
	limits = (struct lb_limits){0};
	whole();
}

Test(check, whole)
{
	pool("api", 251);
	pool("empty", 4194301);
	pool("web", 503);
	real("10.0.0.1", "api");
	real("10.0.0.1", "web");
	real("2001:db8::1", "web");
	vip("192.0.2.1:80/tcp", "web");
	vip("192.0.2.1:any/tcp", "api");
	vip("[2001:db8::80]:80/tcp", "empty");
	whole();
}

Test(check, vip_without_pool)
{
	pool("web", 251);
	vip("192.0.2.1:80/tcp", "web");
	vip("192.0.2.2:80/tcp", "we");
	faulty("vip \"192.0.2.2:80/tcp\": pool \"we\" does not exist: add the pool first");
	pool("we", 251);
	whole();
	/* The last of several VIPs that share a missing pool with nobody. */
	vip("[2001:db8::1]:any/udp", "webb");
	faulty("vip \"[2001:db8::1]:any/udp\": pool \"webb\" does not exist: add the pool first");
}

Test(check, real_without_pool)
{
	static const char *const missing[] = {"a", "n", "z"};

	pool("b", 251);
	pool("o", 251);
	real("10.0.0.1", "b");
	real("10.0.0.1", "o");
	whole();
	for (size_t i = 0; i < 3; i++) {
		struct lb_m_real *r = real("2001:db8::1", missing[i]);
		char why[LB_ERR_LEN];

		snprintf(why, sizeof(why),
			 "real \"2001:db8::1\": pool \"%s\" does not exist: add the pool first",
			 missing[i]);
		faulty(why);
		lb_model_del_real(&m, r);
	}
	whole();
	lb_model_del_pool(&m, lb_model_pool(&m, "b"));
	faulty("real \"10.0.0.1\": pool \"b\" does not exist: add the pool first");
}

Test(check, real_with_the_address_of_a_vip)
{
	pool("api", 251);
	pool("web", 251);
	vip("192.0.2.1:80/tcp", "web");
	vip("192.0.2.3:80/tcp", "web");
	vip("[2001:db8::1]:443/udp", "web");
	real("192.0.2.0", "web");
	real("192.0.2.2", "web");
	real("192.0.2.4", "web");
	real("2001:db8::2", "web");
	whole();
	lb_model_del_real(&m, real("192.0.2.3", "api"));
	whole();
	real("192.0.2.3", "api");
	faulty("real \"192.0.2.3\" of pool \"api\" has the address of vip \"192.0.2.3:80/tcp\", so "
	       "that its packets would come back here: use an address of the real's own");
	lb_model_del_real(&m, &m.real[0]);
	real("2001:db8::1", "web");
	faulty("real \"2001:db8::1\" of pool \"web\" has the address of vip "
	       "\"[2001:db8::1]:443/udp\", so that its packets would come back here: use an "
	       "address of the real's own");
}

/* 32.1.13.184 has the bytes with which 2001:db8:: begins: another family is another address. */
Test(check, families_are_apart)
{
	pool("web", 251);
	vip("32.1.13.184:80/tcp", "web");
	real("2001:db8::", "web");
	whole();
}

Test(check, counts)
{
	char word[32];

	pool("web", 251);
	for (int i = 1; i <= 8; i++) {
		snprintf(word, sizeof(word), "10.0.0.%d", i);
		real(word, "web");
		snprintf(word, sizeof(word), "192.0.2.%d:80/tcp", i);
		vip(word, "web");
	}
	pool("b", 251);
	pool("c", 251);
	pool("d", 251);
	whole();
	vip("192.0.2.9:80/tcp", "web");
	faulty("9 vips: the instance was loaded with room for 8: load it with a larger \"vips\"");
	real("10.0.0.9", "web");
	faulty("9 reals: the instance was loaded with room for 8: load it with a larger \"reals\"");
	pool("e", 251);
	faulty("5 pools: the instance was loaded with room for 4: load it with a larger \"pools\"");
}

#define SLOTS(n) \
	"the tables of the pools take " n " slots: the instance was loaded with room for 2000: " \
	"give pools smaller tables, or load it with a larger \"tables\""

/* Only pools that somebody serves have a table. */
Test(check, slots)
{
	struct lb_m_real *r;

	pool("a", 1000);
	pool("b", 1000);
	pool("c", 1);
	real("10.0.0.1", "a");
	real("10.0.0.1", "b");
	whole();
	real("10.0.0.1", "c");
	faulty(SLOTS("2001"));
	r = lb_model_real(&m, "c", &m.real[0].addr);
	r->state = LB_M_DRAIN;
	whole();
	r->state = LB_M_UP;
	r->weight = 0;
	whole();
	r->weight = 1;
	r->sick = true;
	whole();
	real("10.0.0.2", "c");
	faulty(SLOTS("2001"));
	real("10.0.0.3", "c")->sick = true;
	faulty(SLOTS("2001"));
	m.pool[0].slots = 999;
	whole();
	/* More than 32 bits of slots are not few. */
	m.pool[0].slots = m.pool[1].slots = 1u << 31;
	faulty(SLOTS("4294967297"));
}

Test(check, pool_in_use)
{
	pool("web", 251);
	pool("we", 251);
	vip("192.0.2.1:80/tcp", "web");
	real("10.0.0.1", "web");
	real("10.0.0.2", "web");
	cr_expect(eq(int, lb_check_pool_unused(&m, "we", &err), 0));
	cr_expect(eq(int, lb_check_pool_unused(&m, "web", &err), -1));
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(str, err.msg,
		     "pool \"web\" is used by vip \"192.0.2.1:80/tcp\": delete or move the vip "
		     "first"));
	lb_model_del_vip(&m, &m.vip[0]);
	cr_expect(eq(int, lb_check_pool_unused(&m, "web", &err), -1));
	cr_expect(eq(str, err.msg,
		     "pool \"web\" has 2 reals, \"10.0.0.1\" and others: delete them first"));
	lb_model_del_real(&m, &m.real[0]);
	cr_expect(eq(int, lb_check_pool_unused(&m, "web", &err), -1));
	cr_expect(eq(str, err.msg, "pool \"web\" has 1 real, \"10.0.0.2\": delete it first"));
	lb_model_del_real(&m, &m.real[0]);
	cr_expect(eq(int, lb_check_pool_unused(&m, "web", &err), 0));
}

/* The largest of all: a quadratic look would take minutes. */
Test(check, large, .timeout = 60)
{
	char word[64], name[16];

	limits = (struct lb_limits){
		.pools = 256, .reals = 65535, .vips = 65536, .slots = 256 * 251};
	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "p%03d", i);
		pool(name, 251);
	}
	for (int i = 0; i < 65535; i++) {
		snprintf(name, sizeof(name), "p%03d", i >> 8);
		snprintf(word, sizeof(word), "10.0.%d.%d", i >> 8, i & 255);
		real(word, name);
	}
	for (int i = 0; i < 65536; i++) {
		snprintf(name, sizeof(name), "p%03d", (i * 7) & 255);
		snprintf(word, sizeof(word), "11.0.%d.%d:80/tcp", i >> 8, i & 255);
		vip(word, name);
	}
	for (int i = 0; i < 10; i++)
		whole();
}

/* Addresses that no router forwards: each kind, and its neighbours that routers do forward. */
Test(check, not_forwarded)
{
	static const struct {
		const char *addr, *kind;
	} bad[] = {
		{"127.0.0.1", "loopback"}, {"127.255.255.255", "loopback"}, {"0.0.0.5", "reserved"},
		{"240.0.0.1", "reserved"}, {"169.254.0.1", "link-local"},   {"::1", "loopback"},
		{"fe80::1", "link-local"}, {"febf::1", "link-local"},
	};
	char why[128];

	pool("web", 251);
	real("126.255.255.255", "web");
	real("1.0.0.1", "web");
	real("169.253.0.1", "web");
	real("::2", "web");
	real("fec0::1", "web");
	vip("[fd00::1]:80/tcp", "web");
	whole();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct lb_m_real *r = real(bad[i].addr, "web");

		snprintf(why, sizeof(why),
			 "real \"%s\": %s: must be an address that routers forward", bad[i].addr,
			 bad[i].kind);
		faulty(why);
		lb_model_del_real(&m, r);
		whole();
	}
	vip("127.0.0.1:80/tcp", "web");
	faulty("vip \"127.0.0.1:80/tcp\": loopback: must be an address that routers forward");
}

static void sources(const char *prefix)
{
	struct lb_net net;

	m.spread4 = m.spread6 = (struct lb_net){0};
	cr_assert(eq(int, parse_net(prefix, &net, &err), 0), "%s", prefix);
	*(net.addr.family == 4 ? &m.spread4 : &m.spread6) = net;
}

/* Outer sources are addresses that routers forward, and nobody's: the neighbours of VIPs and reals are. */
Test(check, outer_sources)
{
	static const char *const good[] = {"10.1.0.0/24", "10.1.2.0/24",       "11.0.0.0/8",
					   "fd64::/64",	  "2001:db8:f:1::/64", "126.0.0.0/8"};
	static const struct {
		const char *prefix, *why;
	} bad[] = {
		{"10.1.1.6/31", "hold real \"10.1.1.7\": must be nobody's"},
		{"10.0.0.0/8", "hold real \"10.1.1.7\": must be nobody's"},
		{"2001:db8:f::/126", "hold vip \"[2001:db8:f::1]:80/tcp\": must be nobody's"},
		{"127.8.0.0/16", ": loopback: must be addresses that routers forward"},
		{"250.0.0.0/8", ": reserved: must be addresses that routers forward"},
		{"fe80::/64", ": link-local: must be addresses that routers forward"},
		{"::/32", ": reserved: must be addresses that routers forward"},
	};
	char why[128];

	pool("web", 251);
	real("10.1.1.7", "web");
	vip("[2001:db8:f::1]:80/tcp", "web");
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		sources(good[i]);
		whole();
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		sources(bad[i].prefix);
		snprintf(why, sizeof(why), "outer sources \"%s\"%s%s", bad[i].prefix,
			 *bad[i].why == ':' ? "" : " ", bad[i].why);
		faulty(why);
	}
}
