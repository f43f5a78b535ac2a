// SPDX-License-Identifier: GPL-2.0
/* test_lb_own.c - ports of one real alone (`real ... mptcp PORT`): who gets what comes there, and when nobody does. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define SYN 0x02
#define V4 "203.0.113.1"
#define V6 "2001:db8:f::1"
#define PORT 8000 /* and the real's number */

static struct world w;
static struct lb_err err;

static void own(const char *pool, const char *addr, uint16_t port)
{
	struct lb_m_real *r;
	struct lb_addr a;

	must(parse_addr(addr, &a, &err));
	r = lb_model_real(&w.model, pool, &a);
	cr_assert(ne(ptr, r, NULL), "%s", addr);
	r->mptcp = port;
}

/* Reals 10.0.0.1-4 and fd00::5, the last by IPv6, of pool "web", each with its port. */
static void setup(void)
{
	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "own", NULL, &err));
	must(world_pool(&w, "web", 1021, &err));
	must(world_pool(&w, "dns", 251, &err));
	for (int i = 1; i <= 5; i++) {
		char addr[32];

		snprintf(addr, sizeof(addr), i == 5 ? "fd00::%d" : "10.0.0.%d", i);
		must(world_real(&w, "web", addr, 1, LB_M_UP, &err));
		own("web", addr, PORT + i);
	}
	must(world_real(&w, "dns", "10.0.0.9", 1, LB_M_UP, &err));
	own("dns", "10.0.0.9", PORT + 9);
	must(world_vip(&w, V4 ":80/tcp", "web", true, &err));
	must(world_vip(&w, V4 ":53/udp", "dns", true, &err));
	must(world_vip(&w, "[" V6 "]:443/tcp", "web", false, &err));
	must(world_vip(&w, "203.0.113.2:53/udp", "web", false, &err));
	must(world_commit(&w, &err));
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_own, .init = setup, .fini = teardown);

static enum lb_why go(const struct pkt_spec *s, struct lb_addr *real)
{
	struct pkt in, out;
	enum lb_why why;

	pkt_build(&in, s);
	why = ptest_send(&w, &in, &out, "own port");
	memset(real, 0, sizeof(*real));
	if (why == LB_TX || why == LB_TX_REDIRECT)
		cr_assert(zero(ptr, (void *)pkt_wrong(&out, &in, real)));
	return why;
}

/* Many flows to one port, from their SYN on: all there, or all end for the reason. */
static void all(const char *vip, uint16_t port, const char *real, enum lb_why why)
{
	for (uint16_t i = 0; i < 64; i++) {
		struct pkt_spec s = {.dst = vip, .dport = port, .sport = 30000 + i / 2};
		struct lb_addr to;

		s.flags = i % 2 ? 0x10 : SYN;
		cr_assert(eq(int, go(&s, &to), why), "%s port %u: %s", vip, port,
			  world_why_name(go(&s, &to)));
		if (real)
			cr_assert(ptest_is(&to, real), "%s port %u", vip, port);
	}
}

Test(lb_own, each_real_has_its_port)
{
	for (int i = 1; i <= 5; i++) {
		char addr[32];

		snprintf(addr, sizeof(addr), i == 5 ? "fd00::%d" : "10.0.0.%d", i);
		all(V4, PORT + i, addr, LB_TX);
		all(V6, PORT + i, addr, LB_TX);
	}
	all(V4, PORT + 6, NULL, LB_DROP_NO_SERVICE);
}

Test(lb_own, on_the_addresses_of_the_pools_tcp_only)
{
	struct pkt_spec udp = {.dst = V4, .dport = PORT + 1, .proto = IPPROTO_UDP};
	struct lb_addr to;

	cr_assert(eq(int, go(&udp, &to), LB_DROP_NO_SERVICE), "another protocol");
	all(V4, PORT + 9, NULL, LB_DROP_NO_SERVICE);
	all("203.0.113.2", PORT + 1, NULL, LB_DROP_NO_SERVICE);
}

/* More exact than "any"; and a real without a port, or with another one, is found no more. */
Test(lb_own, follows_the_configuration)
{
	must(world_real(&w, "dns", "10.0.0.8", 1, LB_M_UP, &err));
	must(world_vip(&w, V4 ":any/tcp", "dns", true, &err));
	own("web", "10.0.0.1", 0);
	own("web", "10.0.0.2", PORT + 1);
	must(world_real(&w, "dns", "10.0.0.9", 0, LB_M_UP, &err));
	own("dns", "10.0.0.9", PORT + 7);
	must(world_commit(&w, &err));
	all(V4, PORT + 1, "10.0.0.2", LB_TX);
	all(V4, PORT + 2, "10.0.0.8", LB_TX);
	all(V4, PORT + 3, "10.0.0.3", LB_TX);
	all(V4, PORT + 7, "10.0.0.9", LB_TX);
	all(V6, PORT + 2, NULL, LB_DROP_NO_SERVICE);
}

static void set(const char *addr, uint16_t weight, enum lb_m_state state)
{
	uint16_t port;
	struct lb_addr a;

	must(parse_addr(addr, &a, &err));
	port = lb_model_real(&w.model, "web", &a)->mptcp;
	must(world_real(&w, "web", addr, weight, state, &err));
	own("web", addr, port);
	must(world_commit(&w, &err));
}

Test(lb_own, drains_and_goes_down)
{
	set("10.0.0.1", 1, LB_M_DRAIN);
	all(V4, PORT + 1, "10.0.0.1", LB_TX);
	set("10.0.0.1", 0, LB_M_UP);
	all(V4, PORT + 1, "10.0.0.1", LB_TX);
	set("10.0.0.1", 1, LB_M_DOWN);
	all(V4, PORT + 1, NULL, LB_DROP_NO_REAL);
	all(V6, PORT + 1, NULL, LB_DROP_NO_REAL);
	all(V4, PORT + 2, "10.0.0.2", LB_TX);
	set("10.0.0.1", 1, LB_M_UP);
	all(V4, PORT + 1, "10.0.0.1", LB_TX);
}

Test(lb_own, whatever_its_checks_say)
{
	must(world_health(&w, "web", "10.0.0.1", LB_HEALTH_DOWN, &err));
	must(world_commit(&w, &err));
	all(V4, PORT + 1, "10.0.0.1", LB_TX);
}

static void del_real(const char *addr)
{
	struct lb_addr a;

	must(parse_addr(addr, &a, &err));
	lb_model_del_real(&w.model, lb_model_real(&w.model, "web", &a));
}

Test(lb_own, goes_with_the_real)
{
	del_real("10.0.0.1");
	must(world_commit(&w, &err));
	all(V4, PORT + 1, NULL, LB_DROP_NO_SERVICE);
}

/* The pool serves TCP on that address no more. */
Test(lb_own, goes_with_the_vip)
{
	struct lb_service svc;

	must(parse_service(V4 ":80/tcp", &svc, &err));
	lb_model_del_vip(&w.model, lb_model_vip(&w.model, &svc));
	must(world_commit(&w, &err));
	all(V4, PORT + 1, NULL, LB_DROP_NO_SERVICE);
	all(V6, PORT + 1, "10.0.0.1", LB_TX);
}

/* No packet makes an entry: the cache has nothing to say here. */
Test(lb_own, leaves_the_session_cache_alone)
{
	struct lb_sessions *seen;

	all(V4, PORT + 1, "10.0.0.1", LB_TX);
	must(lb_maps_sessions(w.maps, &seen, &err));
	cr_expect(zero(u64, seen->used));
	free(seen);
}

Test(lb_own, counts_under_the_pools_first_service)
{
	struct lb_counts was, is;
	struct lb_service svc;
	uint32_t id;

	must(world_vip(&w, V4 ":79/tcp", "dns", true, &err));
	must(world_vip(&w, V4 ":81/tcp", "web", true, &err));
	must(world_commit(&w, &err));
	must(parse_service(V4 ":80/tcp", &svc, &err));
	id = lb_model_vip(&w.model, &svc)->id;
	must(lb_maps_count(w.maps, LB_COUNT_VIP, id, &was, &err));
	all(V4, PORT + 1, "10.0.0.1", LB_TX);
	must(lb_maps_count(w.maps, LB_COUNT_VIP, id, &is, &err));
	cr_expect(eq(u64, is.packets - was.packets, 64));
}

/* Errors about a flow go where the flow goes. */
Test(lb_own, errors_find_the_real)
{
	static const struct {
		struct pkt_spec error, quote;
	} rows[] = {
		{{.src = "198.18.0.1", .dst = V4, .proto = IPPROTO_ICMP, .flags = 3, .code = 4},
		 {.src = V4, .dst = "192.0.2.10", .sport = PORT + 3}},
		{{.src = "2001:db8:18::1", .dst = V6, .proto = IPPROTO_ICMPV6, .flags = 2},
		 {.src = V6, .dst = "2001:db8:c::10", .sport = PORT + 3}},
	};

	for (size_t i = 0; i < 2; i++) {
		struct pkt_spec s = rows[i].error;
		struct pkt in, quote;
		struct lb_addr to;

		pkt_build(&quote, &rows[i].quote);
		s.payload = quote.len - 14;
		pkt_build(&in, &s);
		memcpy(in.b + in.len - s.payload, quote.b + 14, s.payload);
		to = ptest_real(&w, &in, "error");
		cr_expect(ptest_is(&to, "10.0.0.3"), "%zu", i);
	}
}

/* What is read back is what was written: the services that the ports make are no VIPs. */
Test(lb_own, reads_back)
{
	struct lb_model m;
	struct lb_addr a;

	lb_model_init(&m);
	must(lb_maps_read(w.maps, &m, &err));
	cr_expect(eq(sz, m.vips, 4));
	must(parse_addr("10.0.0.4", &a, &err));
	cr_expect(eq(u16, lb_model_real(&m, "web", &a)->mptcp, PORT + 4));
	lb_model_free(&m);
}

/* One address with so many that they leave its home bucket. */
Test(lb_own, many)
{
	char addr[32];

	for (int i = 10; i < 60; i++) {
		snprintf(addr, sizeof(addr), "10.0.1.%d", i);
		must(world_real(&w, "web", addr, 1, LB_M_UP, &err));
		own("web", addr, PORT + i);
	}
	must(world_commit(&w, &err));
	for (int i = 10; i < 60; i++) {
		snprintf(addr, sizeof(addr), "10.0.1.%d", i);
		all(V4, PORT + i, addr, LB_TX);
		all(V6, PORT + i, addr, LB_TX);
	}
	all(V4, PORT + 60, NULL, LB_DROP_NO_SERVICE);
}
