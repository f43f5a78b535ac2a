// SPDX-License-Identifier: GPL-2.0
/* test_lb_session_flood.c - the session cache, full of flows that come once each. */
#include <stdio.h>

#include "tests/packet/ptest.h"

#define FLOWS 96u
#define SESSIONS 16384u
#define LINES (SESSIONS / LB_SESSION_WAYS)
#define VIP "203.0.113.1:80/tcp"

static struct world w;
static struct lb_err err;

static void setup(void)
{
	struct lb_sizes sizes = {
		.reals = 64, .vips = 64, .pools = 8, .tables = 4, .sessions = SESSIONS, .seed = 42};

	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "flood", &sizes, &err));
	must(world_pool(&w, "s", 1021, &err));
	must(world_real(&w, "s", "10.0.0.1", 1, LB_M_UP, &err));
	must(world_real(&w, "s", "10.0.0.2", 1, LB_M_UP, &err));
	must(world_vip(&w, VIP, "s", true, &err));
	must(world_vip(&w, "203.0.113.2:80/tcp", "s", true, &err));
	must(world_commit(&w, &err));
}

static void teardown(void)
{
	world_unload(&w);
}

/* Flows are written several at a time: bpf/pending.h. */
static void setup_settled(void)
{
	setup();
	*ptest_mixed(&w, "s") = PTEST_LONG_AGO;
	ptest_one_cpu();
}

TestSuite(lb_session_flood, .init = setup, .fini = teardown);
TestSuite(lb_session_flood_settled, .init = setup_settled, .fini = teardown);

#define CASE(name) PTEST_OF_BOTH(lb_session_flood, lb_session_flood_settled, name)

/* n flows of one client network each, a packet a flow. Returns how many of them the cache knew. */
static uint64_t flows(int net, uint32_t n)
{
	struct pkt_spec s = {.dst = "203.0.113.1", .flags = 0x10};
	struct lb_counts before, after;
	struct lb_service svc;
	uint32_t id;
	char src[32];
	struct pkt in;

	must(parse_service(VIP, &svc, &err));
	id = lb_model_vip(&w.model, &svc)->id;
	must(lb_maps_count(w.maps, LB_COUNT_VIP, id, &before, &err));
	s.src = src;
	for (uint32_t i = 0; i < n; i++) {
		snprintf(src, sizeof(src), "%d.%u.%u.%u", net, i >> 16, i >> 8 & 255, i & 255);
		pkt_build(&in, &s);
		ptest_real(&w, &in, "flood");
	}
	ptest_write_pending(&w, "203.0.113.2");
	must(lb_maps_count(w.maps, LB_COUNT_VIP, id, &after, &err));
	return after.hits - before.hits;
}

CASE(pushes_out_no_flow_that_came_twice)
{
	flows(20, FLOWS);
	cr_assert(eq(u64, flows(20, FLOWS), FLOWS));
	flows(100, 60000);
	cr_assert(eq(u64, flows(20, FLOWS), FLOWS));
}

/* Two packets a line later most still know the way: it is not always the last that came who goes. */
CASE(leaves_time_to_come_again)
{
	flows(100, 60000);
	flows(20, FLOWS);
	flows(101, 2 * LINES);
	cr_expect(gt(u64, flows(20, FLOWS), FLOWS / 2));
}

/* While there is room, none has to go, however old. */
CASE(takes_what_is_empty_first)
{
	uint32_t n = SESSIONS / 4, lines;
	struct lb_session *cache = ptest_cache(&w, &lines);

	flows(20, n);
	ptest_age(cache, lines, 1);
	flows(100, n / 2);
	cr_expect(gt(u64, flows(20, n), n * 97ull / 100));
}

/* Where all of a line came twice, a new one does without. */
CASE(finds_no_room_among_known_flows)
{
	for (int net = 30; net < 90; net++) {
		flows(net, 1000);
		flows(net, 1000);
	}
	flows(20, FLOWS);
	cr_expect(lt(u64, flows(20, FLOWS), FLOWS / 8));
}
