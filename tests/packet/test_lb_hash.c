// SPDX-License-Identifier: GPL-2.0
/* test_lb_hash.c - `hash src`: all that a client asks of a pool goes to one real, and stays there. */
#include <stdio.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define CLIENTS 400u
#define REALS 8
#define X "10.0.0.1" /* the real that changes */

enum { FIN = 0x01, SYN = 0x02, ACK = 0x10 };

static struct world w;
static struct lb_err err;

/* 203.0.113.1, 2 and ::1 without sessions, 3, 4 and ::3 with; .4 is of a pool of its own; .9 is by 5-tuple. */
static const struct {
	const char *svc, *pool;
	bool session;
	enum lb_m_hash hash;
} vips[] = {
	{"203.0.113.1:80/tcp", "s", false, LB_M_HASH_SRC},
	{"203.0.113.1:443/tcp", "s", false, LB_M_HASH_SRC},
	{"203.0.113.1:53/udp", "s", false, LB_M_HASH_SRC},
	{"203.0.113.2:80/tcp", "s", false, LB_M_HASH_SRC},
	{"[2001:db8:f::1]:80/tcp", "s", false, LB_M_HASH_SRC},
	{"[2001:db8:f::1]:any/udp", "s", false, LB_M_HASH_SRC},
	{"203.0.113.3:80/tcp", "s", true, LB_M_HASH_SRC},
	{"203.0.113.3:443/tcp", "s", true, LB_M_HASH_SRC},
	{"203.0.113.3:53/udp", "s", true, LB_M_HASH_SRC},
	{"203.0.113.4:80/tcp", "o", true, LB_M_HASH_SRC},
	{"[2001:db8:f::3]:80/tcp", "s", true, LB_M_HASH_SRC},
	{"203.0.113.9:80/tcp", "s", false, LB_M_HASH_5TUPLE},
};

static void setup(void)
{
	const struct lb_sizes sizes = {
		.reals = 64, .vips = 64, .pools = 8, .tables = 4, .sessions = 16384, .seed = 42};
	struct lb_service svc;
	char addr[32];

	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "hash", &sizes, &err));
	must(world_pool(&w, "s", 1021, &err));
	must(world_pool(&w, "o", 1021, &err));
	for (int i = 1; i <= REALS; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		must(world_real(&w, "s", addr, 1, LB_M_UP, &err));
		snprintf(addr, sizeof(addr), "10.0.1.%d", i);
		must(world_real(&w, "o", addr, 1, LB_M_UP, &err));
	}
	for (size_t i = 0; i < sizeof(vips) / sizeof(*vips); i++) {
		must(world_vip(&w, vips[i].svc, vips[i].pool, vips[i].session, &err));
		must(parse_service(vips[i].svc, &svc, &err));
		lb_model_vip(&w.model, &svc)->hash = vips[i].hash;
	}
	must(world_commit(&w, &err));
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_hash, .init = setup, .fini = teardown, .timeout = 60);

static struct lb_addr send_one(uint32_t client, struct pkt_spec s)
{
	char src[48];
	struct pkt in;

	snprintf(src, sizeof(src), strchr(s.dst, ':') ? "2001:db8:c::%x:%x" : "192.0.%u.%u",
		 2 + client / 250, 1 + client % 250);
	s.src = src;
	pkt_build(&in, &s);
	return ptest_real(&w, &in, s.dst);
}

static void send_all(struct pkt_spec s, struct lb_addr to[CLIENTS])
{
	for (uint32_t i = 0; i < CLIENTS; i++)
		to[i] = send_one(i, s);
}

static uint32_t differing(const struct lb_addr a[CLIENTS], const struct lb_addr b[CLIENTS])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		n += lb_addr_cmp(&a[i], &b[i]) != 0;
	return n;
}

static uint32_t count(const struct lb_addr to[CLIENTS], const char *real)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		n += ptest_is(&to[i], real);
	return n;
}

/* Each real has its part of the clients: 50, and the deviation of that is below 7. */
static void expect_spread(const struct lb_addr to[CLIENTS])
{
	char addr[32];

	for (int i = 1; i <= REALS; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		cr_assert(gt(u32, count(to, addr), 20), "%s", addr);
		cr_assert(lt(u32, count(to, addr), 85), "%s", addr);
	}
}

static void set_x(const char *pool, enum lb_m_state state)
{
	must(world_real(&w, pool, pool[0] == 's' ? X : "10.0.1.1", 1, state, &err));
	must(world_commit(&w, &err));
}

#define TO(addr, ...) ((struct pkt_spec){.dst = addr, __VA_ARGS__})
#define UDP .proto = IPPROTO_UDP, .dport = 53

static void expect_one_real(const char *what, const struct lb_addr to[CLIENTS], struct pkt_spec s)
{
	struct lb_addr got[CLIENTS];

	send_all(s, got);
	cr_assert(eq(u32, differing(to, got), 0), "%s", what);
}

Test(lb_hash, a_client_is_on_one_real)
{
	struct lb_addr to[CLIENTS];

	send_all(TO("203.0.113.1"), to);
	expect_spread(to);
	for (uint16_t port = 1; port < 20; port++)
		expect_one_real("source port", to, TO("203.0.113.1", .sport = port * 3001));
	expect_one_real("a SYN", to, TO("203.0.113.1", .flags = SYN));
	expect_one_real("another port", to, TO("203.0.113.1", .dport = 443));
	expect_one_real("another protocol", to, TO("203.0.113.1", UDP));
	expect_one_real("another address", to, TO("203.0.113.2"));
	expect_one_real("with a session cache", to, TO("203.0.113.3"));
}

Test(lb_hash, an_ipv6_client_is_on_one_real)
{
	struct lb_addr to[CLIENTS];

	send_all(TO("2001:db8:f::1"), to);
	expect_spread(to);
	for (uint16_t port = 1; port < 20; port++)
		expect_one_real("source port", to, TO("2001:db8:f::1", .sport = port * 3001));
	expect_one_real("another protocol", to, TO("2001:db8:f::1", UDP));
	expect_one_real("another address", to, TO("2001:db8:f::3"));
	expect_one_real("extension header", to, TO("2001:db8:f::1", .ext = "d"));
}

/* Networks count, not only what is behind them. */
Test(lb_hash, ipv6_networks_spread)
{
	struct lb_addr to[CLIENTS];
	char src[48];
	struct pkt in;

	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct pkt_spec s = TO("2001:db8:f::1", .src = src);

		snprintf(src, sizeof(src), "2001:db8:c:%x::1", i);
		pkt_build(&in, &s);
		to[i] = ptest_real(&w, &in, src);
	}
	expect_spread(to);
}

Test(lb_hash, by_5tuple_it_is_not)
{
	struct lb_addr to[CLIENTS], got[CLIENTS];

	send_all(TO("203.0.113.9"), to);
	expect_spread(to);
	send_all(TO("203.0.113.9", .sport = 41000), got);
	cr_assert(gt(u32, differing(to, got), CLIENTS / 2));
}

Test(lb_hash, table_alone_does_not_hold)
{
	struct lb_addr had[CLIENTS], got[CLIENTS];

	send_all(TO("203.0.113.1"), had);
	set_x("s", LB_M_DRAIN);
	send_all(TO("203.0.113.1"), got);
	cr_assert(eq(u32, count(got, X), 0));
	cr_assert(gt(u32, differing(had, got), 0));
}

/* What a client does next goes where it is, whichever service of the pool it asks. */
static void holds(struct pkt_spec s, struct pkt_spec other)
{
	struct lb_addr had[CLIENTS], got[CLIENTS];

	send_all(s, had);
	cr_assert(gt(u32, count(had, X), 0));
	set_x("s", LB_M_DRAIN);
	must(world_real(&w, "s", "10.0.0.50", 20, LB_M_UP, &err));
	must(world_commit(&w, &err));
	expect_one_real("the same flow", had, s);
	s.sport = 2222;
	expect_one_real("another connection", had, s);
	s.flags = SYN;
	expect_one_real("a new connection", had, s);
	expect_one_real("another service", had, other);
	send_all(TO("203.0.113.1"), got);
	cr_assert(gt(u32, differing(had, got), count(had, X)), "the table did not change");
	set_x("s", LB_M_DOWN);
	send_all(s, got);
	cr_assert(eq(u32, count(got, X), 0), "down");
	s.flags = ACK;
	expect_one_real("after that", got, s);
}

Test(lb_hash, a_session_holds_a_client)
{
	struct pkt_spec one = TO("203.0.113.3"),
			other = TO("203.0.113.3", .dport = 443, .flags = SYN);

	holds(one, other);
}

Test(lb_hash, a_session_holds_over_udp)
{
	struct pkt_spec one = TO("203.0.113.3"), other = TO("203.0.113.3", UDP);

	holds(one, other);
}

Test(lb_hash, a_session_holds_an_ipv6_client)
{
	struct pkt_spec one = TO("2001:db8:f::3"), other = TO("2001:db8:f::3", .ext = "h");

	holds(one, other);
}

Test(lb_hash, syn_and_fin_make_no_session)
{
	struct lb_addr had[CLIENTS], got[CLIENTS];

	send_all(TO("203.0.113.3", .flags = SYN), had);
	send_all(TO("203.0.113.3", .flags = FIN | ACK), had);
	set_x("s", LB_M_DRAIN);
	send_all(TO("203.0.113.3"), got);
	cr_assert(gt(u32, count(had, X), 0));
	cr_assert(eq(u32, count(got, X), 0));
}

/* A client of two pools has a session with each. */
Test(lb_hash, pools_do_not_meet)
{
	struct lb_addr s[CLIENTS], o[CLIENTS];

	send_all(TO("203.0.113.3"), s);
	send_all(TO("203.0.113.4"), o);
	set_x("s", LB_M_DRAIN);
	set_x("o", LB_M_DRAIN);
	for (int i = 0; i < 3; i++) {
		expect_one_real("pool s", s, TO("203.0.113.3"));
		expect_one_real("pool o", o, TO("203.0.113.4"));
	}
}

static void let_pass(uint32_t ticks)
{
	uint32_t buckets;
	struct lb_session *cache = ptest_cache(&w, &buckets);

	ptest_age(cache, buckets, ticks);
}

#define LONG (LB_TCP_IDLE / LB_TICK + 2)

/* A connection is never too old; what is begun after a long silence goes by the table. */
static void after_silence(struct pkt_spec s, uint32_t ticks, bool stays)
{
	struct lb_addr had[CLIENTS], got[CLIENTS];

	send_all(TO("203.0.113.3"), had);
	set_x("s", LB_M_DRAIN);
	let_pass(ticks);
	send_all(s, got);
	cr_assert(eq(u32, count(got, X), stays ? count(had, X) : 0));
	cr_assert(eq(int, differing(had, got) == 0, stays));
	let_pass(1);
	expect_one_real("and all of it then", got, TO("203.0.113.3"));
}

Test(lb_hash, a_connection_outlives_silence)
{
	after_silence(TO("203.0.113.3"), LONG, true);
}

Test(lb_hash, a_syn_after_silence)
{
	after_silence(TO("203.0.113.3", .flags = SYN), LONG, false);
}

Test(lb_hash, a_datagram_after_silence)
{
	after_silence(TO("203.0.113.3", UDP), LONG, false);
}

Test(lb_hash, a_syn_after_less)
{
	after_silence(TO("203.0.113.3", .flags = SYN), LB_TCP_IDLE / LB_TICK / 2, true);
}

Test(lb_hash, a_datagram_after_less)
{
	after_silence(TO("203.0.113.3", UDP), LB_TCP_IDLE / LB_TICK / 2, true);
}
