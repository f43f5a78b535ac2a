// SPDX-License-Identifier: GPL-2.0
/* test_lb_service.c - many services, counters, instances side by side, commits under way. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define PORTS 200

static struct world w, other;
static struct lb_err err;

static void setup(void)
{
	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "service", NULL, &err));
}

static void teardown(void)
{
	world_unload(&w);
	world_unload(&other);
}

TestSuite(lb_service, .init = setup, .fini = teardown, .timeout = 120);

static enum lb_why go(struct world *to, const struct pkt_spec *s, struct lb_addr *real)
{
	struct pkt in, out;
	enum lb_why why;

	pkt_build(&in, s);
	why = ptest_send(to, &in, &out, "service");
	memset(real, 0, sizeof(*real));
	if (why == LB_TX || why == LB_TX_REDIRECT)
		cr_assert(zero(ptr, (void *)pkt_wrong(&out, &in, real)));
	return why;
}

static void add_ports(const char *vip, const char *proto, int step)
{
	char svc[80], real[32];

	for (int port = 1000; port < 1000 + PORTS; port += step) {
		snprintf(svc, sizeof(svc), "%s:%d/%s", vip, port, proto);
		snprintf(real, sizeof(real), "10.0.%d.%d", proto[0] == 't', port % 7 + 1);
		must(world_serve(&w, svc, real, &err));
	}
}

/* Every step-th port (0: none) leads to its real, the others nowhere, or to `any`. */
static void expect_ports(const char *vip, uint8_t proto, int step, const char *any)
{
	struct lb_addr to;
	char real[32];

	for (int port = 1000 - 5; port < 1000 + PORTS + 5; port++) {
		struct pkt_spec s = {.dst = vip, .proto = proto, .dport = port};
		bool there = step && port >= 1000 && port < 1000 + PORTS &&
			     (port - 1000) % step == 0;
		enum lb_why why = go(&w, &s, &to);

		snprintf(real, sizeof(real), "10.0.%d.%d", proto == IPPROTO_TCP, port % 7 + 1);
		if (there || any)
			cr_assert(ptest_is(&to, there ? real : any), "%s port %d", vip, port);
		else
			cr_assert(eq(int, why, LB_DROP_NO_SERVICE), "%s port %d", vip, port);
	}
}

Test(lb_service, many_ports_of_an_address)
{
	struct lb_addr to;
	struct pkt_spec neighbour = {.dst = "203.0.113.2"}, none = {.dst = "203.0.113.3"};
	struct pkt_spec ping = {.dst = "203.0.113.1", .proto = IPPROTO_ICMP, .flags = 8};

	add_ports("203.0.113.1", "tcp", 1);
	add_ports("203.0.113.1", "udp", 2);
	add_ports("[2001:db8:f::1]", "tcp", 2);
	must(world_serve(&w, "203.0.113.2:80/tcp", "10.0.9.9", &err));
	must(world_commit(&w, &err));
	expect_ports("203.0.113.1", IPPROTO_TCP, 1, NULL);
	expect_ports("203.0.113.1", IPPROTO_UDP, 2, NULL);
	expect_ports("2001:db8:f::1", IPPROTO_TCP, 2, NULL);
	expect_ports("2001:db8:f::1", IPPROTO_UDP, 0, NULL);
	cr_assert(eq(int, go(&w, &neighbour, &to), LB_TX));
	cr_assert(ptest_is(&to, "10.0.9.9"));
	cr_assert(eq(int, go(&w, &none, &to), LB_PASS_NO_VIP));
	cr_assert(eq(int, go(&w, &ping, &to), LB_TX_ECHO));

	must(world_serve(&w, "203.0.113.1:any/udp", "10.0.9.1", &err));
	must(world_serve(&w, "[2001:db8:f::1]:any/tcp", "10.0.9.2", &err));
	must(world_commit(&w, &err));
	expect_ports("203.0.113.1", IPPROTO_TCP, 1, NULL);
	expect_ports("203.0.113.1", IPPROTO_UDP, 2, "10.0.9.1");
	expect_ports("2001:db8:f::1", IPPROTO_TCP, 2, "10.0.9.2");
}

/* From four services of an address to five they move; and back. */
Test(lb_service, few_ports_and_more)
{
	struct lb_service gone;
	struct lb_addr to;

	for (int n = 1; n <= 9; n++) {
		struct pkt_spec s = {.dst = "203.0.113.1"};
		char svc[40];

		snprintf(svc, sizeof(svc), "203.0.113.1:%d/tcp", n);
		must(world_serve(&w, svc, "10.0.0.1", &err));
		must(world_commit(&w, &err));
		for (s.dport = 1; s.dport <= 10; s.dport++)
			cr_assert(eq(int, go(&w, &s, &to),
				     s.dport <= n ? LB_TX : LB_DROP_NO_SERVICE));
	}
	for (int n = 8; n >= 0; n--) {
		struct pkt_spec s = {.dst = "203.0.113.1"};
		char svc[40];

		snprintf(svc, sizeof(svc), "203.0.113.1:%d/tcp", n + 1);
		must(parse_service(svc, &gone, &err));
		lb_model_del_vip(&w.model, lb_model_vip(&w.model, &gone));
		must(world_commit(&w, &err));
		for (s.dport = 1; s.dport <= 10; s.dport++)
			cr_assert(eq(int, go(&w, &s, &to),
				     !n		    ? LB_PASS_NO_VIP
				     : s.dport <= n ? LB_TX
						    : LB_DROP_NO_SERVICE));
	}
}

/* The i-th of a set of addresses: as they come in practice, and all over the place. */
static void nth(int set, int i, char addr[48])
{
	uint64_t state = set * 1000 + i, r = pkt_random(&state);

	if (set == 0)
		snprintf(addr, 48, "203.0.%d.%d", 113 + i / 256, i % 256);
	else if (set == 1)
		snprintf(addr, 48, "2001:db8:f::%x", i + 1);
	else if (set % 2 == 0)
		snprintf(addr, 48, "203.%u.%u.%u", (unsigned int)(r & 255),
			 (unsigned int)(r >> 8 & 255), (unsigned int)(r >> 16 & 255));
	else
		snprintf(addr, 48, "2001:db8:%x:%x::%x", (unsigned int)(r & 0xffff),
			 (unsigned int)(r >> 16 & 0xffff), (unsigned int)(r >> 32 & 0xffff) + 1);
}

/* Others beside set 0 and 1: of the same /64, whose buckets are those of VIPs often enough. */
static void strangers(int set)
{
	uint64_t random = set;
	struct lb_addr to;
	char addr[48];

	for (int i = 0; i < 2000; i++) {
		struct pkt_spec s = {.dst = addr};
		uint64_t r = pkt_random(&random);

		snprintf(addr, sizeof(addr), set & 1 ? "2001:db8:f:0:%x:%x:%x:1" : "2%02u.%u.%u.99",
			 (unsigned int)(set & 1 ? r & 0xffff : r % 24),
			 (unsigned int)(r >> 16 & 255), (unsigned int)(r >> 32 & 255));
		cr_assert(eq(int, go(&w, &s, &to), LB_PASS_NO_VIP), "%s", addr);
	}
}

/* As many as there is room for, set by set: every entry of a bucket has its turn. */
Test(lb_service, many_addresses)
{
	char svc[64], addr[48], real[32];
	struct lb_addr to;

	for (int set = 0; set < 20; set++) {
		while (w.model.vips)
			lb_model_del_vip(&w.model, &w.model.vip[w.model.vips - 1]);
		must(world_commit(&w, &err)); /* which frees their ids */
		for (int i = 0; i < 512; i++) {
			nth(set, i, addr);
			snprintf(svc, sizeof(svc), set & 1 ? "[%s]:80/tcp" : "%s:80/tcp", addr);
			snprintf(real, sizeof(real), "10.0.0.%d", i % 11 + 1);
			must(world_serve(&w, svc, real, &err));
		}
		must(world_commit(&w, &err));
		for (int i = 0; i < 600; i++) {
			struct pkt_spec s = {.dst = addr};
			enum lb_why why;

			nth(set, i, addr);
			snprintf(real, sizeof(real), "10.0.0.%d", i % 11 + 1);
			why = go(&w, &s, &to);
			cr_assert(eq(int, why, i < 512 ? LB_TX : LB_PASS_NO_VIP), "%s", addr);
			cr_assert(i >= 512 || ptest_is(&to, real), "%s", addr);
		}
		if (set < 2)
			strangers(set);
	}
}

static uint64_t counted(enum lb_counter which, uint32_t id, bool bytes)
{
	struct lb_counts c;

	must(lb_maps_count(w.maps, which, id, &c, &err));
	return bytes ? c.bytes : c.packets;
}

Test(lb_service, counters)
{
	struct pkt_spec s = {.dst = "203.0.113.1", .payload = 46}, v6 = {.dst = "2001:db8:f::1"};
	struct pkt_spec nothing = {.dst = "203.0.113.1", .dport = 81}, pass = {.dst = "192.0.2.1"};
	struct lb_addr to, addr;
	uint32_t vip, vip6, real;
	struct lb_service svc;

	must(world_serve(&w, "203.0.113.1:80/tcp", "10.0.0.1", &err));
	must(world_serve(&w, "[2001:db8:f::1]:80/tcp", "10.0.0.1", &err));
	must(world_commit(&w, &err));
	must(parse_service("203.0.113.1:80/tcp", &svc, &err));
	vip = lb_model_vip(&w.model, &svc)->id;
	must(parse_service("[2001:db8:f::1]:80/tcp", &svc, &err));
	vip6 = lb_model_vip(&w.model, &svc)->id;
	must(parse_addr("10.0.0.1", &addr, &err));
	real = lb_model_real(&w.model, "p10-0-0-1", &addr)->id;
	for (int i = 0; i < 7; i++)
		go(&w, &s, &to);
	for (int i = 0; i < 3; i++)
		go(&w, &v6, &to);
	go(&w, &nothing, &to);
	go(&w, &pass, &to);
	cr_assert(eq(u64, counted(LB_COUNT_VIP, vip, false), 7));
	cr_assert(eq(u64, counted(LB_COUNT_VIP, vip, true), 7 * 100));
	cr_assert(eq(u64, counted(LB_COUNT_VIP, vip6, false), 3));
	cr_assert(eq(u64, counted(LB_COUNT_VIP, vip6, true), 3 * 74));
	cr_assert(eq(u64, counted(LB_COUNT_REAL, real, false), 10));
	cr_assert(eq(u64, counted(LB_COUNT_REAL, real, true), 7 * 100 + 3 * 74));
	cr_assert(eq(u64, counted(LB_COUNT_WHY, LB_TX, false), 10));
	cr_assert(eq(u64, counted(LB_COUNT_WHY, LB_TX, true), 7 * 100 + 3 * 74));
	cr_assert(eq(u64, counted(LB_COUNT_WHY, LB_DROP_NO_SERVICE, true), 54));
	cr_assert(eq(u64, counted(LB_COUNT_WHY, LB_PASS_NO_VIP, false), 1));
	cr_assert(eq(u32, lb_why_count(), LB_WHY_MAX));
}

/* What is not forwarded for want of a way counts for its VIP too, and for no real. */
Test(lb_service, counters_of_the_unlucky)
{
	struct pkt_spec s = {.dst = "203.0.113.1"};
	struct lb_addr to, addr;
	struct lb_service svc;

	must(world_serve(&w, "203.0.113.1:80/tcp", "10.3.0.1", &err));
	must(world_commit(&w, &err));
	must(parse_service("203.0.113.1:80/tcp", &svc, &err));
	must(parse_addr("10.3.0.1", &addr, &err));
	cr_assert(eq(int, go(&w, &s, &to), LB_DROP_NO_ROUTE));
	cr_assert(eq(u64, counted(LB_COUNT_VIP, lb_model_vip(&w.model, &svc)->id, false), 1));
	cr_assert(eq(u64,
		     counted(LB_COUNT_REAL, lb_model_real(&w.model, "p10-3-0-1", &addr)->id, false),
		     0));
}

/* An id that is given out again brings nothing along: no next hop, no counter, no health. */
Test(lb_service, a_real_that_takes_anothers_id)
{
	const struct lb_sizes two = {
		.reals = 2, .vips = 4, .pools = 2, .tables = 4, .sessions = 64};
	static const char *const reals[] = {"10.0.0.1", "fd00::2", "10.0.0.3", "10.1.0.4",
					    "fd00:1::5"};
	struct pkt_spec s = {.dst = "203.0.113.1"};
	struct lb_addr to, addr;

	world_unload(&w);
	must(world_load(&w, "two", &two, &err));
	must(world_pool(&w, "p", 251, &err));
	must(world_vip(&w, "203.0.113.1:80/tcp", "p", true, &err));
	for (int i = 0; i < 15; i++) {
		const char *real = reals[i % 5];
		enum lb_why why;

		must(world_real(&w, "p", real, 1, LB_M_UP, &err));
		must(world_commit(&w, &err));
		why = go(&w, &s, &to);
		cr_assert(why == LB_TX || why == LB_TX_REDIRECT, "%d: %s", i, world_why_name(why));
		cr_assert(ptest_is(&to, real), "packet %d", i);
		must(parse_addr(real, &addr, &err));
		cr_assert(eq(u64,
			     counted(LB_COUNT_REAL, lb_model_real(&w.model, "p", &addr)->id, false),
			     1));
		must(world_health(&w, "p", real, LB_HEALTH_DOWN, &err));
		lb_model_del_real(&w.model, lb_model_real(&w.model, "p", &addr));
		must(world_commit(&w, &err));
		cr_assert(eq(int, go(&w, &s, &to), LB_DROP_NO_REAL));
	}
}

Test(lb_service, instances_do_not_touch_each_other)
{
	struct pkt_spec s = {.dst = "203.0.113.1"}, mine = {.dst = "203.0.113.2"};
	struct lb_addr to;

	must(world_load(&other, "other", NULL, &err));
	must(world_serve(&w, "203.0.113.1:80/tcp", "10.0.0.1", &err));
	must(world_serve(&w, "203.0.113.2:80/tcp", "10.0.0.1", &err));
	must(world_serve(&other, "203.0.113.1:80/tcp", "10.1.0.1", &err));
	must(world_commit(&w, &err));
	must(world_commit(&other, &err));
	cr_assert(eq(int, go(&w, &s, &to), LB_TX));
	cr_assert(eq(int, go(&other, &s, &to), LB_TX_REDIRECT));
	cr_assert(eq(int, go(&other, &mine, &to), LB_PASS_NO_VIP));
	cr_assert(eq(u64, counted(LB_COUNT_WHY, LB_TX_REDIRECT, false), 0));
	world_unload(&other);
	cr_assert(eq(int, go(&w, &s, &to), LB_TX));
	cr_assert(eq(int, go(&w, &mine, &to), LB_TX));
	cr_assert(eq(u64, counted(LB_COUNT_WHY, LB_TX, false), 3));
}

static volatile bool stop;
static uint32_t commits;

/* To and fro between two configurations that share nothing but the VIP. */
static void *commit_on(void *arg)
{
	struct lb_model config[2];
	struct lb_err e;

	for (int i = 0; i < 2; i++) {
		lb_model_free(&w.model);
		if (world_serve(&w, "203.0.113.1:80/tcp", i ? "10.0.0.1" : "10.0.0.2", &e) ||
		    lb_model_copy(&config[i], &w.model, &e))
			return NULL;
	}
	while (!stop) {
		if (lb_model_copy(&w.model, &config[commits & 1], &e) || world_commit(&w, &e))
			return NULL;
		commits++;
	}
	lb_model_free(&config[0]);
	lb_model_free(&config[1]);
	return arg;
}

Test(lb_service, a_packet_sees_one_configuration)
{
	struct pkt_spec s = {.dst = "203.0.113.1"};
	uint32_t got[2] = {0};
	struct lb_addr to;
	pthread_t thread;
	void *well;

	must(world_serve(&w, "203.0.113.1:80/tcp", "10.0.0.1", &err));
	must(world_commit(&w, &err));
	pthread_create(&thread, NULL, commit_on, &w);
	for (int i = 0; i < 300000 && (i < 100000 || commits < 20); i++) {
		enum lb_why why;

		s.sport = 1024 + i % 60000;
		why = go(&w, &s, &to);
		cr_assert(eq(int, why, LB_TX));
		cr_assert(ptest_is(&to, "10.0.0.1") || ptest_is(&to, "10.0.0.2"));
		got[to.b[3] - 1]++;
	}
	stop = true;
	pthread_join(thread, &well);
	cr_assert(well != NULL && commits >= 20);
	cr_assert(got[0] > 100 && got[1] > 100);
}
