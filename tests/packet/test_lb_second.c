// SPDX-License-Identifier: GPL-2.0
/* test_lb_second.c - whom packets name as the real that had their flow before, so that a receiver can send them on. */
#include <string.h>
#include <time.h>

#include "tests/packet/gue.h"

static struct lb_err err;

TestSuite(lb_second, .init = gue_setup, .fini = gue_teardown);

/* Every flow that a change moves names the real it had, unless that is `never`, which may be "all"; no other flow names any. */
static void expect_moved(const struct gue_sent *before, const char *never)
{
	bool nobody = never && !strcmp(never, "all");
	unsigned int moved = 0;

	for (unsigned int i = 0; i < GUE_FLOWS; i++) {
		struct gue_sent s = gue_flow(i, 0);

		if (!lb_addr_cmp(&s.to, &before[i].to)) {
			cr_expect(eq(int, s.prev.family, 0), "flow %u stayed", i);
			continue;
		}
		moved++;
		if (nobody || (never && ptest_is(&before[i].to, never)))
			cr_expect(eq(int, s.prev.family, 0), "flow %u", i);
		else
			cr_expect(lb_addr_cmp(&s.prev, &before[i].to) == 0, "flow %u", i);
	}
	cr_expect(gt(uint, moved, 20));
}

static void note(struct gue_sent *s)
{
	for (unsigned int i = 0; i < GUE_FLOWS; i++)
		s[i] = gue_flow(i, 0);
}

Test(lb_second, drain_names_the_previous)
{
	struct gue_sent before[GUE_FLOWS];

	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1", "10.0.0.2", "10.0.0.3");
	note(before);
	for (unsigned int i = 0; i < GUE_FLOWS; i++)
		cr_expect(eq(int, before[i].prev.family, 0));
	gue_real("10.0.0.2", LB_M_DRAIN);
	gue_commit();
	expect_moved(before, NULL);
}

Test(lb_second, weights_and_new_reals_too)
{
	struct gue_sent before[GUE_FLOWS];

	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1", "10.0.0.2", "10.0.0.3");
	note(before);
	must(world_real(&gue_w, "web", "10.0.0.3", 4, LB_M_UP, &err));
	gue_real("10.0.0.4", LB_M_UP);
	gue_commit();
	expect_moved(before, NULL);
}

Test(lb_second, two_at_once)
{
	struct gue_sent before[GUE_FLOWS];

	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4");
	note(before);
	gue_real("10.0.0.1", LB_M_DRAIN);
	gue_real("10.0.0.4", LB_M_DRAIN);
	gue_commit();
	expect_moved(before, NULL);
}

Test(lb_second, ipv6)
{
	static const struct pkt_spec in = {V6, .payload = 10};

	GUE_SERVE(GUE_DRAIN, false, "fd00::1", "fd00::2");
	gue_real("fd00::1", LB_M_DRAIN);
	gue_commit();
	gue_real("fd00::1", LB_M_UP);
	gue_real("fd00::2", LB_M_DRAIN);
	gue_commit(); /* all slots are the first's, after having been the second's */
	gue_exact(&in, "fd00::1", "fd00::2");
	gue_real("fd00::1", LB_M_DRAIN);
	gue_real("fd00::2", LB_M_UP);
	gue_commit();
	gue_exact(&in, "fd00::2", "fd00::1");
}

Test(lb_second, once_settled_nobody_is_named)
{
	const struct timespec pause = {.tv_sec = 5, .tv_nsec = 100000000};
	struct gue_sent before[GUE_FLOWS];

	GUE_SERVE(4, false, "10.0.0.1", "10.0.0.2", "10.0.0.3");
	note(before);
	gue_real("10.0.0.2", LB_M_DRAIN);
	gue_commit();
	nanosleep(&pause, NULL);
	expect_moved(before, "all");
	/* What settled is no history for the next change. */
	note(before);
	gue_real("10.0.0.1", LB_M_DRAIN);
	gue_commit();
	expect_moved(before, NULL);
}

Test(lb_second, drain_0_names_nobody)
{
	struct gue_sent before[GUE_FLOWS];

	GUE_SERVE(0, false, "10.0.0.1", "10.0.0.2", "10.0.0.3");
	note(before);
	gue_real("10.0.0.2", LB_M_DRAIN);
	gue_commit();
	expect_moved(before, "all");
}

Test(lb_second, drain_0_takes_back_what_was_named)
{
	struct gue_sent before[GUE_FLOWS];

	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1", "10.0.0.2", "10.0.0.3");
	note(before);
	gue_real("10.0.0.2", LB_M_DRAIN);
	gue_pool(GUE_DRAIN, GUE_PORT);
	gue_commit();
	gue_pool(0, GUE_PORT);
	gue_commit();
	expect_moved(before, "all");
}

/* Down, sick or deleted: nobody to be sent on to. */
Test(lb_second, only_who_can_take_it)
{
	struct gue_sent before[GUE_FLOWS];

	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1", "10.0.0.2", "10.0.0.3");
	note(before);
	gue_real("10.0.0.2", LB_M_DOWN);
	gue_commit();
	expect_moved(before, "10.0.0.2");
	gue_real("10.0.0.2", LB_M_DRAIN); /* it had none of the slots lately */
	gue_commit();
	expect_moved(before, "10.0.0.2");
}

Test(lb_second, not_the_sick)
{
	struct gue_sent before[GUE_FLOWS];

	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1", "10.0.0.2", "10.0.0.3");
	note(before);
	gue_real("10.0.0.2", LB_M_DRAIN);
	gue_commit();
	must(world_health(&gue_w, "web", "10.0.0.2", LB_HEALTH_DOWN, &err));
	expect_moved(before, "10.0.0.2");
	must(world_health(&gue_w, "web", "10.0.0.2", LB_HEALTH_UP, &err));
	expect_moved(before, NULL);
}

Test(lb_second, not_the_deleted)
{
	struct gue_sent before[GUE_FLOWS];
	struct lb_addr a;

	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1", "10.0.0.2", "10.0.0.3");
	note(before);
	gue_real("10.0.0.2", LB_M_DRAIN);
	gue_commit();
	must(parse_addr("10.0.0.2", &a, &err));
	lb_model_del_real(&gue_w.model, lb_model_real(&gue_w.model, "web", &a));
	gue_commit();
	expect_moved(before, "10.0.0.2");
	/* Whoever gets its id has none of its slots. */
	gue_real("10.0.0.9", LB_M_DRAIN);
	gue_commit();
	expect_moved(before, "10.0.0.2");
}

/* A rebuild by lbmon, which makes no commit, does as a commit does. */
Test(lb_second, health_names_too)
{
	struct gue_sent before[GUE_FLOWS];
	struct lb_addr a;

	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1", "10.0.0.2");
	must(parse_addr("10.0.0.2", &a, &err));
	lb_maps_health_put(gue_w.maps, lb_model_real(&gue_w.model, "web", &a)->id, LB_M_SICK, 1,
			   "");
	lb_model_free(&gue_w.model);
	must(lb_maps_read(gue_w.maps, &gue_w.model, &err));
	cr_assert(eq(int, lb_maps_rebuild(gue_w.maps, &gue_w.model, "web", &err), 1));
	note(before); /* all of them are the first's */
	lb_maps_health_put(gue_w.maps, lb_model_real(&gue_w.model, "web", &a)->id, LB_M_HEALTHY, 2,
			   "");
	lb_model_free(&gue_w.model);
	must(lb_maps_read(gue_w.maps, &gue_w.model, &err));
	cr_assert(eq(int, lb_maps_rebuild(gue_w.maps, &gue_w.model, "web", &err), 1));
	expect_moved(before, NULL);
}

/* From one to a second and on to a third: the oldest connections are the first's. Back again: the second's. */
Test(lb_second, two_changes_on_end)
{
	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1");
	gue_real("10.0.0.1", LB_M_DRAIN);
	gue_real("10.0.0.2", LB_M_UP);
	gue_commit();
	gue_exact(&(struct pkt_spec){V4}, "10.0.0.2", "10.0.0.1");
	gue_real("10.0.0.2", LB_M_DRAIN);
	gue_real("10.0.0.3", LB_M_UP);
	gue_commit();
	gue_exact(&(struct pkt_spec){V4}, "10.0.0.3", "10.0.0.1");
	gue_real("10.0.0.1", LB_M_UP);
	gue_real("10.0.0.3", LB_M_DRAIN);
	gue_commit();
	gue_exact(&(struct pkt_spec){V4}, "10.0.0.1", "10.0.0.3");
}

Test(lb_second, only_tcp_and_its_errors)
{
	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1");
	gue_real("10.0.0.1", LB_M_DRAIN);
	gue_real("10.0.0.2", LB_M_UP);
	gue_commit();
	gue_exact(&(struct pkt_spec){V4, .flags = 2}, "10.0.0.2", "10.0.0.1");
	gue_exact(&(struct pkt_spec){V4, UDP}, "10.0.0.2", NULL);
}

Test(lb_second, not_across_families_or_encapsulations)
{
	struct lb_m_real r;
	struct lb_addr a;

	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1");
	gue_real("10.0.0.1", LB_M_DRAIN);
	gue_real("fd00::2", LB_M_UP);
	gue_commit();
	gue_exact(&(struct pkt_spec){V4}, "fd00::2", NULL);
	gue_real("fd00::2", LB_M_DRAIN);
	must(parse_addr("10.0.0.1", &a, &err));
	r = *lb_model_real(&gue_w.model, "web", &a);
	r.encap = LB_M_ENCAP_IPIP;
	r.state = LB_M_UP;
	must(lb_model_put_real(&gue_w.model, &r, &err));
	gue_commit();
	cr_expect(eq(u16, gue_flow(0, 0).dport, 0), "IPIP");
}

/* Whom the i-th flow goes to, and whom its packets name; NULL: nobody. */
static void kept(unsigned int i, const char *to, const char *other)
{
	struct gue_sent s = gue_flow(i, 0);

	cr_expect(ptest_is(&s.to, to), "flow %u is not sent to %s", i, to);
	if (other)
		cr_expect(ptest_is(&s.prev, other), "flow %u does not name %s", i, other);
	else
		cr_expect(eq(int, s.prev.family, 0), "flow %u names somebody", i);
}

/*
 * A client's port is used again, and the new connection began by way of another node: what this node's cache knows is of
 * the old one. The table's real is named, or while the slot is unsettled the one before, which has more of the connections.
 */
Test(lb_second, the_cache_may_know_an_older_connection)
{
	const struct timespec pause = {.tv_sec = 5, .tv_nsec = 100000000};

	GUE_SERVE(4, true, "10.0.0.1");
	kept(1, "10.0.0.1", NULL);
	gue_real("10.0.0.1", LB_M_DRAIN);
	gue_real("10.0.0.2", LB_M_UP);
	gue_commit();
	kept(1, "10.0.0.1", "10.0.0.2");
	nanosleep(&pause, NULL);
	kept(1, "10.0.0.1", "10.0.0.2");
	gue_real("10.0.0.2", LB_M_DRAIN);
	gue_real("10.0.0.3", LB_M_UP);
	gue_commit();
	kept(1, "10.0.0.1", "10.0.0.2");
	nanosleep(&pause, NULL);
	kept(1, "10.0.0.1", "10.0.0.3");
	gue_flow(1, 2); /* what begins here is known again */
	kept(1, "10.0.0.3", NULL);
}

/* The table is back at the real that the cache knows, but in between it was another's. */
Test(lb_second, the_cache_agrees_with_the_table)
{
	GUE_SERVE(GUE_DRAIN, true, "10.0.0.1");
	kept(1, "10.0.0.1", NULL);
	gue_pool(0, GUE_PORT);
	gue_real("10.0.0.1", LB_M_DRAIN);
	gue_real("10.0.0.2", LB_M_UP);
	gue_commit();
	kept(1, "10.0.0.1", NULL); /* drain 0s: nobody is ever named */
	gue_pool(GUE_DRAIN, GUE_PORT);
	gue_commit();
	kept(1, "10.0.0.1", "10.0.0.2");
	gue_real("10.0.0.2", LB_M_DRAIN);
	gue_real("10.0.0.1", LB_M_UP);
	gue_commit();
	kept(1, "10.0.0.1", "10.0.0.2");
	kept(2, "10.0.0.1", "10.0.0.2");
}

/* Whoever the receiver cannot send on to is not named: other families and encapsulations, the sick, what is no TCP. */
Test(lb_second, the_cache_names_who_can_be_reached)
{
	const struct pkt_spec udp = {V4, UDP, .sport = 10001};
	struct lb_m_real *r;
	struct gue_sent s;
	struct lb_addr a;

	GUE_SERVE(GUE_DRAIN, true, "10.0.0.1");
	kept(1, "10.0.0.1", NULL);
	gue_send(&udp);
	gue_real("10.0.0.1", LB_M_DRAIN);
	gue_real("fd00::2", LB_M_UP);
	gue_commit();
	kept(1, "10.0.0.1", NULL);
	must(parse_addr("fd00::2", &a, &err));
	lb_model_del_real(&gue_w.model, lb_model_real(&gue_w.model, "web", &a));
	gue_real("10.0.0.2", LB_M_UP);
	must(parse_addr("10.0.0.2", &a, &err));
	r = lb_model_real(&gue_w.model, "web", &a);
	r->encap = LB_M_ENCAP_IPIP;
	gue_commit();
	kept(1, "10.0.0.1", NULL);
	gue_real("10.0.0.2", LB_M_DOWN);
	gue_real("10.0.0.3", LB_M_UP);
	gue_commit();
	kept(1, "10.0.0.1", "10.0.0.3");
	s = gue_send(&udp);
	cr_expect(ptest_is(&s.to, "10.0.0.1"));
	cr_expect(eq(int, s.prev.family, 0), "UDP");
	must(world_health(&gue_w, "web", "10.0.0.3", LB_HEALTH_DOWN, &err));
	kept(1, "10.0.0.1", NULL);
	must(world_health(&gue_w, "web", "10.0.0.1", LB_HEALTH_DOWN, &err));
	kept(1, "10.0.0.3", NULL);
}

/* Nobody knows yet whose a flow is that the cache does not know: it is not written down before the slot has settled. */
Test(lb_second, the_cache_waits)
{
	const struct timespec pause = {.tv_sec = 5, .tv_nsec = 100000000};
	struct lb_sessions *s;

	GUE_SERVE(4, true, "10.0.0.1");
	gue_flow(1, 0);
	gue_real("10.0.0.1", LB_M_DRAIN);
	gue_real("10.0.0.2", LB_M_UP);
	gue_commit();
	gue_flow(2, 0);
	gue_flow(2, 0);
	must(lb_maps_sessions(gue_w.maps, &s, &err));
	cr_expect(eq(u64, s->used, 1), "the flow from before the change alone");
	free(s);
	kept(1, "10.0.0.1", "10.0.0.2");
	cr_expect(ne(int, gue_flow(2, 0).prev.family, 0));
	nanosleep(&pause, NULL);
	gue_flow(2, 0);
	must(lb_maps_sessions(gue_w.maps, &s, &err));
	cr_expect(eq(u64, s->used, 2));
	free(s);
}
