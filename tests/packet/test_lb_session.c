// SPDX-License-Identifier: GPL-2.0
/* test_lb_session.c - the session cache: which packets make an entry, and which reals an entry holds to. */
#include <stdio.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define FLOWS 96u
#define X "10.0.0.1" /* the real that changes */
#define TCP4 \
	{ \
		.dst = "203.0.113.1" \
	}
#define UDP4 \
	{ \
		.dst = "203.0.113.1", .proto = IPPROTO_UDP, .dport = 53 \
	}
#define TCP6 \
	{ \
		.dst = "2001:db8:f::1" \
	}
#define OFF4 \
	{ \
		.dst = "203.0.113.2" \
	} /* session off */

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10 };

static struct world w;
static struct lb_err err;

static void begin(uint32_t sessions)
{
	struct lb_sizes sizes = {.reals = 64, .vips = 64, .pools = 8, .tables = 4, .seed = 42};
	char addr[32];

	ptest_root();
	must(world_net(&err));
	sizes.sessions = sessions;
	must(world_load(&w, "session", &sizes, &err));
	must(world_pool(&w, "s", 1021, &err));
	must(world_pool(&w, "other", 251, &err));
	for (int i = 1; i <= 8; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		must(world_real(&w, "s", addr, 1, LB_M_UP, &err));
	}
	must(world_real(&w, "other", "10.0.0.99", 1, LB_M_UP, &err));
	must(world_vip(&w, "203.0.113.1:80/tcp", "s", true, &err));
	must(world_vip(&w, "203.0.113.1:53/udp", "s", true, &err));
	must(world_vip(&w, "[2001:db8:f::1]:80/tcp", "s", true, &err));
	must(world_vip(&w, "203.0.113.2:80/tcp", "s", false, &err));
	must(world_commit(&w, &err));
}

static void setup(void)
{
	begin(16384);
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_session, .init = setup, .fini = teardown);

/* One packet of each flow. */
static void send_all(struct pkt_spec s, uint8_t flags, struct lb_addr to[FLOWS])
{
	struct pkt in;

	for (uint32_t i = 0; i < FLOWS; i++) {
		s.sport = 20000 + i;
		s.flags = flags;
		pkt_build(&in, &s);
		to[i] = ptest_real(&w, &in, "flow");
	}
}

static uint32_t count_x(const struct lb_addr to[FLOWS])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		n += ptest_is(&to[i], X);
	return n;
}

static void set_x(enum lb_m_state state)
{
	must(world_real(&w, "s", X, 1, state, &err));
	must(world_commit(&w, &err));
}

/* Do all flows still have their reals? */
static bool same(const struct lb_addr a[FLOWS], const struct lb_addr b[FLOWS])
{
	for (uint32_t i = 0; i < FLOWS; i++)
		if (lb_addr_cmp(&a[i], &b[i]))
			return false;
	return true;
}

/* After packets with `flags` and a drain of X: do the flows hold? */
static void drained(struct pkt_spec s, uint8_t flags, bool holds)
{
	struct lb_addr had[FLOWS], got[FLOWS];

	send_all(s, flags, had);
	cr_assert(gt(u32, count_x(had), 0));
	set_x(LB_M_DRAIN);
	send_all(s, ACK, got);
	cr_assert(eq(int, same(had, got), holds), "flags %#x", flags);
	cr_assert(eq(u32, count_x(got), holds ? count_x(had) : 0), "flags %#x", flags);
}

Test(lb_session, ack_makes_an_entry)
{
	struct pkt_spec s = TCP4;

	drained(s, ACK, true);
}

Test(lb_session, ipv6_ack_makes_an_entry)
{
	struct pkt_spec s = TCP6;

	drained(s, ACK, true);
}

Test(lb_session, udp_makes_an_entry)
{
	struct pkt_spec s = UDP4;

	drained(s, 0, true);
}

Test(lb_session, syn_makes_none)
{
	struct pkt_spec s = TCP4;

	drained(s, SYN, false);
}

Test(lb_session, fin_makes_none)
{
	struct pkt_spec s = TCP4;

	drained(s, FIN | ACK, false);
}

Test(lb_session, rst_makes_none)
{
	struct pkt_spec s = TCP6;

	drained(s, RST | ACK, false);
}

Test(lb_session, none_when_off)
{
	struct pkt_spec s = OFF4;

	drained(s, ACK, false);
}

Test(lb_session, new_flows_avoid_a_drained_real)
{
	struct lb_addr to[FLOWS];
	struct pkt_spec s = TCP4;

	set_x(LB_M_DRAIN);
	send_all(s, SYN, to);
	cr_assert(eq(u32, count_x(to), 0));
	send_all(s, ACK, to);
	cr_assert(eq(u32, count_x(to), 0));
}

Test(lb_session, holds_over_weight_0_and_back)
{
	struct lb_addr had[FLOWS], got[FLOWS];
	struct pkt_spec s = TCP4;

	send_all(s, ACK, had);
	must(world_real(&w, "s", X, 0, LB_M_UP, &err));
	must(world_commit(&w, &err));
	send_all(s, ACK, got);
	cr_assert(same(had, got));
	set_x(LB_M_UP);
	send_all(s, ACK, got);
	cr_assert(same(had, got));
}

Test(lb_session, holds_when_a_real_is_added)
{
	struct lb_addr had[FLOWS], got[FLOWS];
	struct pkt_spec s = TCP4;

	send_all(s, ACK, had);
	must(world_real(&w, "s", "10.0.0.50", 200, LB_M_UP, &err));
	must(world_commit(&w, &err));
	send_all(s, ACK, got);
	cr_assert(same(had, got));
	send_all(s, SYN, got);
	cr_assert(not(same(had, got)));
}

Test(lb_session, not_to_a_down_real)
{
	struct lb_addr to[FLOWS];
	struct pkt_spec s = TCP4;

	send_all(s, ACK, to);
	cr_assert(gt(u32, count_x(to), 0));
	set_x(LB_M_DOWN);
	send_all(s, ACK, to);
	cr_assert(eq(u32, count_x(to), 0));
}

Test(lb_session, not_to_a_sick_real)
{
	struct lb_addr to[FLOWS];
	struct pkt_spec s = UDP4;

	send_all(s, 0, to);
	cr_assert(gt(u32, count_x(to), 0));
	set_x(LB_M_DRAIN); /* out of the table: only the cache leads there */
	send_all(s, 0, to);
	cr_assert(gt(u32, count_x(to), 0));
	must(world_health(&w, "s", X, LB_HEALTH_DOWN, &err));
	send_all(s, 0, to);
	cr_assert(eq(u32, count_x(to), 0), "health alone");
	set_x(LB_M_UP);
	send_all(s, 0, to);
	cr_assert(eq(u32, count_x(to), 0), "the table leaves a sick one out");
	must(world_health(&w, "s", X, LB_HEALTH_UP, &err));
	must(world_commit(&w, &err));
	s.src = "192.0.2.11";
	send_all(s, 0, to);
	cr_assert(gt(u32, count_x(to), 0), "well again");
}

Test(lb_session, not_to_a_removed_real)
{
	struct lb_addr to[FLOWS], x;
	struct pkt_spec s = TCP4;

	send_all(s, ACK, to);
	must(parse_addr(X, &x, &err));
	lb_model_del_real(&w.model, lb_model_real(&w.model, "s", &x));
	must(world_commit(&w, &err));
	send_all(s, ACK, to);
	cr_assert(eq(u32, count_x(to), 0));
}

/* The id of a removed real may be given out again: the flows of the old one are not the new one's. */
Test(lb_session, not_to_the_heir_of_an_id)
{
	struct lb_addr to[FLOWS], x;
	struct pkt_spec s = TCP4;
	uint32_t id, heirs = 0;
	char addr[32];

	send_all(s, ACK, to);
	must(world_health(&w, "s", X, LB_HEALTH_DOWN, &err));
	must(parse_addr(X, &x, &err));
	id = lb_model_real(&w.model, "s", &x)->id;
	lb_model_del_real(&w.model, lb_model_real(&w.model, "s", &x));
	must(world_commit(&w, &err));
	for (int i = 1; i <= 56; i++) { /* as many as there are ids */
		snprintf(addr, sizeof(addr), "10.0.1.%d", i);
		must(world_real(&w, "s", addr, 0, LB_M_UP, &err));
	}
	must(world_commit(&w, &err));
	send_all(s, ACK, to);
	for (uint32_t i = 0; i < FLOWS; i++)
		cr_assert(ne(int, to[i].b[2], 1), "a flow of the removed real went to a new one");
	for (size_t i = 0; i < w.model.reals; i++)
		heirs += w.model.real[i].id == id;
	cr_assert(eq(u32, heirs, 1));
	for (size_t i = 0; i < w.model.reals; i++)
		cr_assert(lb_maps_health_is(w.maps, w.model.real[i].id, LB_M_UNKNOWN),
			  "nor is the new one as sick as it");
}

Test(lb_session, not_to_another_pools_real)
{
	struct lb_addr to[FLOWS];
	struct pkt_spec s = TCP4;

	send_all(s, ACK, to);
	must(world_vip(&w, "203.0.113.1:80/tcp", "other", true, &err));
	must(world_commit(&w, &err));
	send_all(s, ACK, to);
	for (uint32_t i = 0; i < FLOWS; i++)
		cr_assert(ptest_is(&to[i], "10.0.0.99"));
}

Test(lb_session, syn_mends_a_stale_entry)
{
	struct lb_addr had[FLOWS], new[FLOWS], got[FLOWS];
	struct pkt_spec s = TCP4;

	send_all(s, ACK, had);
	cr_assert(gt(u32, count_x(had), 0));
	set_x(LB_M_DRAIN);
	send_all(s, SYN, new);
	cr_assert(eq(u32, count_x(new), 0), "a new connection goes to a drained real");
	send_all(s, ACK, got);
	cr_assert(same(new, got), "the entry still names the old real");
	set_x(LB_M_UP); /* the table would say X again */
	send_all(s, ACK, got);
	cr_assert(same(new, got), "the entry is gone instead of mended");
}

static void setup_without(void)
{
	begin(0);
}

TestSuite(lb_no_session, .init = setup_without, .fini = teardown);

Test(lb_no_session, table_only)
{
	struct pkt_spec s = TCP4;

	drained(s, ACK, false);
}

static void expect_counts(const char *vip, uint64_t packets, uint64_t hits, uint64_t misses)
{
	struct lb_service svc;
	struct lb_counts c;

	must(parse_service(vip, &svc, &err));
	must(lb_maps_count(w.maps, LB_COUNT_VIP, lb_model_vip(&w.model, &svc)->id, &c, &err));
	cr_assert(
		all(eq(u64, c.packets, packets), eq(u64, c.hits, hits), eq(u64, c.misses, misses)),
		"%s", vip);
}

/* A miss is what the table had to answer: what begins, what is not in the cache yet, what lost its real. */
Test(lb_session, hits_and_misses)
{
	struct pkt_spec s = TCP4, off = OFF4;
	struct lb_addr had[FLOWS], got[FLOWS];
	uint32_t x;

	send_all(s, SYN, had);
	expect_counts("203.0.113.1:80/tcp", FLOWS, 0, FLOWS);
	send_all(s, ACK, had);
	expect_counts("203.0.113.1:80/tcp", 2 * FLOWS, 0, 2 * FLOWS);
	send_all(s, ACK, had);
	expect_counts("203.0.113.1:80/tcp", 3 * FLOWS, FLOWS, 2 * FLOWS);
	x = count_x(had);
	set_x(LB_M_DOWN);
	send_all(s, ACK, got);
	expect_counts("203.0.113.1:80/tcp", 4 * FLOWS, 2 * FLOWS - x, 2 * FLOWS + x);
	send_all(off, ACK, got);
	expect_counts("203.0.113.2:80/tcp", FLOWS, 0, 0);
}
