// SPDX-License-Identifier: GPL-2.0
/* test_lb_listen_place.c - places of listeners: taken, kept, lost, and too few. */
#include <string.h>

#include "tests/packet/hear.h"

#define BIT(why) (1ull << (why))

static struct lb_err err;

TestSuite(lb_listen_place, .init = hear_setup, .fini = hear_teardown, .timeout = 60);

Test(lb_listen_place, least_of_the_samples_is_watched)
{
	struct lb_listen *a = hear_open(WISH(.sample = 500)), *b = hear_open(WISH(.sample = 7)), *c;

	cr_expect(eq(u32, hear_watch(), 7));
	lb_listen_close(b);
	cr_expect(eq(u32, hear_watch(), 500));
	c = hear_open(WISH(.sample = 1000000));
	cr_expect(eq(u32, hear_watch(), 500));
	lb_listen_close(a);
	cr_expect(eq(u32, hear_watch(), LB_WATCH_MAX));
	lb_listen_close(c);
	cr_expect(eq(u32, hear_watch(), 0));
}

Test(lb_listen_place, places_are_few)
{
	struct lb_wish wish = WISH(.sample = 1, .rate = 1, .whys = HEAR_ALL);
	struct lb_listen *l[LB_LISTENERS], *more;

	for (uint32_t i = 0; i < LB_LISTENERS; i++)
		l[i] = hear_open(WISH());
	hear_send_many(1, 81);
	for (uint32_t i = 0; i < LB_LISTENERS; i++)
		cr_expect(eq(u32, hear_told(l[i]), 1), "listener %u", i);
	cr_expect(eq(int, lb_listen_open(hear_w.maps, hear_w.instance, &wish, &more, &err), -1));
	cr_expect(eq(str, err.msg, (char *)"8 others listen already, and no more can"));
	lb_listen_close(l[3]);
	l[3] = hear_open(WISH());
	hear_send_many(1, 81);
	for (uint32_t i = 0; i < LB_LISTENERS; i++) {
		cr_expect(eq(u32, hear_told(l[i]), 1), "listener %u", i);
		lb_listen_close(l[i]);
	}
}

/* Who does not renew its place loses it, and the first packet after that is the last to notice. */
Test(lb_listen_place, lease_ends)
{
	struct lb_listen *l = hear_open(WISH()), *other;

	hear_pause(2100);
	cr_expect(eq(u32, hear_watch(), 1));
	hear_send_many(1, 81);
	cr_expect(eq(u32, hear_watch(), 0));
	cr_expect(eq(u32, hear_told(l), 0));
	must(lb_listen_keep(l, &err));
	cr_expect(eq(u32, hear_watch(), 1), "its place was free still");
	hear_send_many(1, 81);
	cr_expect(eq(u32, hear_told(l), 1));
	hear_pause(2100);
	other = hear_open(WISH(.whys = BIT(LB_TX)));
	must(lb_listen_keep(l, &err));
	hear_send_many(2, 81);
	hear_send_many(1, 80);
	cr_expect(eq(u32, hear_told(l), 3), "in another place");
	cr_expect(eq(u32, hear_told(other), 1));
	lb_listen_close(l);
	lb_listen_close(other);
}

Test(lb_listen_place, kept)
{
	struct lb_listen *l = hear_open(WISH());

	for (int i = 0; i < 6; i++) {
		hear_pause(450);
		must(lb_listen_keep(l, &err));
	}
	hear_send_many(1, 81);
	cr_expect(eq(u32, hear_told(l), 1));
	lb_listen_close(l);
}

Test(lb_listen_place, unloaded)
{
	struct lb_listen *l = hear_open(WISH());

	must(lb_prog_unload(hear_w.instance, &err));
	hear_pause(LB_LISTEN_KEEP_MS + 50);
	cr_expect(eq(int, lb_listen_keep(l, &err), -1));
	cr_expect(strstr(err.msg, "was unloaded") != NULL, "%s", err.msg);
	lb_listen_close(l);
}
