// SPDX-License-Identifier: GPL-2.0
/* test_plan.c - what a change will do to flows, against tables built and counted here. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "lib/plan.h"
#include "lib/ring.h"
#include "tests/unit/typist.h"

static struct lb_err err;

#define POOL "pool add web table 1021 encap ipip"
#define A "real add 10.0.0.1 pool web weight 1 state up"
#define B "real add 10.0.0.2 pool web weight 1 state up"
#define VIP "vip add 192.0.2.1:80/tcp pool web session on"

static struct lb_plan plan_of(const char *const *before, const char *const *after, int want)
{
	struct lb_plan plan = {0};
	struct lb_model from, to;

	type_lines(&from, before);
	type_lines(&to, after);
	lb_model_inherit(&to, &from);
	cr_assert(eq(int, lb_plan(&from, "web", &to, "web", true, &plan, &err), want));
	lb_model_free(&from);
	lb_model_free(&to);
	return plan;
}

Test(plan, nothing_changes)
{
	static const char *const same[] = {POOL, A, B, VIP, NULL};

	plan_of(same, same, 0);
}

Test(plan, a_real_more)
{
	static const char *const before[] = {POOL, A, B, VIP, NULL};
	static const char *const after[] = {
		POOL, A, B, "real add 10.0.0.3 pool web weight 1 state up", VIP, NULL};
	struct lb_member member[3] = {
		{{4, {10, 0, 0, 1}}, 1}, {{4, {10, 0, 0, 2}}, 1}, {{4, {10, 0, 0, 3}}, 1}};
	struct lb_plan p = plan_of(before, after, 1);
	uint16_t was[1021], is[1021];

	cr_assert(eq(int, lb_ring_build(member, 2, 1021, 0, was, &err), 0));
	cr_assert(eq(int, lb_ring_build(member, 3, 1021, 0, is, &err), 0));
	cr_expect(eq(u32, p.slots, 1021));
	cr_expect(eq(u32, p.moved, lb_ring_moved(was, is, 1021)));
	cr_expect(p.least >= 340 && p.least <= 341 && p.least <= p.moved);
	cr_expect(eq(u32, p.session, p.moved));
	cr_expect(eq(u32, p.second_hop, 0));
	cr_expect(eq(u32, p.lost, 0));
}

Test(plan, a_drain_is_covered_a_deletion_is_not)
{
	static const char *const before[] = {"pool add web table 1021 encap gue", A, B, VIP, NULL};
	static const char *const drained[] = {"pool add web table 1021 encap gue", A,
					      "real add 10.0.0.2 pool web weight 1 state drain",
					      VIP, NULL};
	static const char *const gone[] = {"pool add web table 1021 encap gue", A, VIP, NULL};
	struct lb_plan p = plan_of(before, drained, 1);

	cr_expect(p.moved == p.least && p.session == p.moved && p.second_hop == p.moved);
	cr_expect(eq(u32, p.lost, 0));
	p = plan_of(before, gone, 1);
	cr_expect(p.session == 0 && p.second_hop == 0 && p.lost == p.moved && p.moved > 500);
}

Test(plan, a_service_without_session_is_not_covered)
{
	static const char *const before[] = {POOL, A, B,
					     "vip add 192.0.2.1:80/tcp pool web session off", NULL};
	static const char *const after[] = {POOL, A,
					    "real add 10.0.0.2 pool web weight 1 state drain",
					    "vip add 192.0.2.1:80/tcp pool web session off", NULL};
	struct lb_plan p = plan_of(before, after, 1);

	cr_expect(eq(u32, p.lost, p.moved));
}
