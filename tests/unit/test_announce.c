// SPDX-License-Identifier: GPL-2.0
/* test_announce.c - when an address is announced, and when not any more. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "lbmon/announce.h"

#define MANY 3

static struct announce *a;
static struct announce_state state;
static struct announce_result result;
static struct lb_addr addr[MANY];
static struct lb_err err;
static char log_text[256];

static void note(void *arg, const struct lb_addr *which, bool on)
{
	char text[LB_ADDR_STRLEN];

	(void)arg;
	format_addr(which, text);
	snprintf(log_text + strlen(log_text), sizeof(log_text) - strlen(log_text), "%s%s ",
		 on ? "+" : "-", text + strlen("192.0.2."));
}

/* What is announced at that time, as "1 2 shut", and what changed in log_text. */
static const char *at(uint64_t now)
{
	static char text[64];

	log_text[0] = text[0] = '\0';
	cr_assert(eq(int, announce_update(a, now, &state, &result, note, NULL, &err), 0));
	for (size_t i = 0; i < result.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d ",
			 result.addr[i].b[3]);
	if (result.shut)
		strcat(text, "shut");
	return text;
}

static void begin(uint32_t first, uint32_t damping, uint32_t drain)
{
	const struct announce_delays delays = {first, damping, drain};

	a = announce_new(&delays, &err);
	cr_assert(ne(ptr, a, NULL));
	state = (struct announce_state){.ready = true, .addr = addr, .n = MANY};
	for (int i = 0; i < MANY; i++)
		addr[i] = (struct lb_addr){.family = 4, .b = {192, 0, 2, i + 1}};
}

static void end(void)
{
	announce_free(a);
}

TestSuite(announce, .fini = end);

#define IS(now, text) cr_assert(eq(str, (char *)at(now), text), "at %d", (int)(now))

Test(announce, at_once_and_gone_at_once)
{
	begin(0, 1000, 0);
	IS(9, "1 2 3 ");
	cr_assert(eq(str, log_text, "+1 +2 +3 "));
	IS(10, "1 2 3 ");
	cr_assert(eq(str, log_text, ""));
	state.n = 1;
	IS(20, "1 ");
	cr_assert(eq(str, log_text, "-2 -3 "));
	state.ready = false;
	IS(30, "");
	cr_assert(eq(u64, result.again, 0));
}

Test(announce, first_delay)
{
	begin(5000, 0, 0);
	state.ready = false;
	IS(100, "");
	state.ready = true;
	IS(200, "");
	cr_assert(eq(u64, result.again, 5200));
	state.ready = false;
	IS(4000, "");
	state.ready = true; /* begins anew */
	IS(5000, "");
	cr_assert(eq(u64, result.again, 10000));
	IS(9999, "");
	IS(10000, "1 2 3 ");
}

Test(announce, damping)
{
	begin(0, 1000, 0);
	IS(10, "1 2 3 ");
	state.n = 2;
	IS(20, "1 2 ");
	state.n = 3;
	IS(30, "1 2 ");
	cr_assert(eq(u64, result.again, 1030));
	state.n = 2; /* not well for long enough */
	IS(500, "1 2 ");
	state.n = 3;
	IS(600, "1 2 ");
	IS(1599, "1 2 ");
	IS(1600, "1 2 3 ");
	cr_assert(eq(str, log_text, "+3 "));
	/* What the node's own state took back returns with it. */
	state.ready = false;
	IS(2000, "");
	state.ready = true;
	IS(2001, "1 2 3 ");
}

Test(announce, new_ones_are_not_damped)
{
	begin(0, 1000, 0);
	state.n = 1;
	IS(10, "1 ");
	state.n = 3;
	IS(20, "1 2 3 ");
	state.addr = addr + 1;
	state.n = 2;
	IS(30, "2 3 ");
	cr_assert(eq(str, log_text, "-1 "));
}

Test(announce, drain_at_once)
{
	begin(0, 1000, 0);
	IS(10, "1 2 3 ");
	state.drained = true;
	IS(20, "");
	state.drained = false;
	IS(30, "1 2 3 ");
}

Test(announce, drain_with_notice)
{
	begin(0, 1000, 5000);
	IS(10, "1 2 3 ");
	state.drained = true;
	IS(100, "1 2 3 shut");
	cr_assert(eq(u64, result.again, 5100));
	state.n = 1;
	IS(200, "1 shut");
	IS(5099, "1 shut");
	IS(5100, "");
	cr_assert(eq(u64, result.again, 0));
	state.drained = false;
	state.n = 3;
	IS(6000, "1 ");
	cr_assert(eq(u64, result.again, 7000),
		  "the others were withdrawn while the node was there");
	IS(7000, "1 2 3 ");
	/* Back before the time is over. */
	state.drained = true;
	IS(8000, "1 2 3 shut");
	state.drained = false;
	IS(8001, "1 2 3 ");
}

Test(announce, comes_up_drained)
{
	begin(0, 0, 5000);
	state.drained = true;
	state.ready = false;
	IS(10, "");
	state.ready = true;
	IS(20, "");
	state.drained = false;
	IS(30, "1 2 3 ");
}
