// SPDX-License-Identifier: GPL-2.0
/* Rise and fall, the pace of questions, and how they are spread. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "lbmon/health.h"

/* Takes answers ('+' good, '-' bad) and says the state after each: '?', 'u' or 'd'; upper case where it changed. */
static const char *after(enum lb_m_health state, uint8_t rise, uint8_t fall, const char *answers)
{
	static char said[64];
	struct health h = {.state = state};
	size_t i;

	memset(said, 0, sizeof(said));
	for (i = 0; answers[i]; i++) {
		bool changed = health_step(&h, rise, fall, answers[i] == '+');

		said[i] = (changed ? "?UD" : "?ud")[h.state];
	}
	return said;
}

static const struct {
	enum lb_m_health state;
	uint8_t rise, fall;
	const char *answers, *want;
} steps[] = {
	{LB_M_UNKNOWN, 2, 3, "+", "U"},
	{LB_M_UNKNOWN, 2, 3, "---", "??D"},
	{LB_M_UNKNOWN, 2, 3, "--+", "??U"},
	{LB_M_UNKNOWN, 2, 3, "--+--", "??Uuu"},
	{LB_M_UNKNOWN, 5, 1, "-", "D"},
	{LB_M_HEALTHY, 2, 3, "+++", "uuu"},
	{LB_M_HEALTHY, 2, 3, "---", "uuD"},
	{LB_M_HEALTHY, 2, 3, "--+--+--", "uuuuuuuu"},
	{LB_M_HEALTHY, 2, 3, "--+---", "uuuuuD"},
	{LB_M_SICK, 2, 3, "+-+-+", "ddddd"},
	{LB_M_SICK, 2, 3, "++", "dU"},
	{LB_M_SICK, 2, 3, "++---++", "dUuuDdU"},
	{LB_M_SICK, 1, 1, "+-+-", "UDUD"},
	/* None at all is as one: what a broken map says changes no more than that. */
	{LB_M_HEALTHY, 0, 0, "-+", "DU"},
};

Test(health, rises_and_falls)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const char *said = after(steps[i].state, steps[i].rise, steps[i].fall,
					 steps[i].answers);

		cr_expect_str_eq(said, steps[i].want, "row %zu: %s after %s, not %s", i, said,
				 steps[i].answers, steps[i].want);
	}
}

Test(health, longest_run)
{
	struct health h = {.state = LB_M_HEALTHY};
	int i;

	for (i = 0; i < 254; i++)
		cr_assert_not(health_step(&h, 255, 255, false), "answer %d", i);
	cr_assert(health_step(&h, 255, 255, false));
	cr_assert(eq(int, h.state, LB_M_SICK));
	for (i = 0; i < 254; i++)
		cr_assert_not(health_step(&h, 255, 255, true), "answer %d", i);
	cr_assert(health_step(&h, 255, 255, true));
}

/* lbtool lowers `fall` while a run is under way. */
Test(health, threshold_that_changes)
{
	struct health h = {.state = LB_M_HEALTHY, .run = 200};

	cr_assert(health_step(&h, 2, 3, false));
	cr_assert(eq(int, h.run, 0));
}

Test(health, quicker_while_in_doubt)
{
	static const struct {
		struct health h;
		uint32_t interval, want;
	} rows[] = {
		{{LB_M_HEALTHY, 0}, 2000, 2000}, {{LB_M_SICK, 0}, 2000, 2000},
		{{LB_M_HEALTHY, 1}, 2000, 500},	 {{LB_M_SICK, 1}, 2000, 500},
		{{LB_M_UNKNOWN, 0}, 2000, 500},	 {{LB_M_UNKNOWN, 2}, 400, 100},
		{{LB_M_HEALTHY, 1}, 300, 100},	 {{LB_M_HEALTHY, 1}, 50, 50},
		{{LB_M_HEALTHY, 0}, 50, 50},	 {{LB_M_UNKNOWN, 0}, UINT32_MAX, UINT32_MAX / 4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect(eq(u32, health_next(&rows[i].h, rows[i].interval), rows[i].want),
			  "row %zu", i);
}

/* 10,000 neighbouring keys over a second: no tenth of it gets more than 1.15 of its share. */
Test(health, spread_is_even)
{
	unsigned int tenth[10] = {0};

	for (uint64_t key = 0; key < 10000; key++) {
		uint32_t at = health_spread(key, 1000);

		cr_assert(at < 1000);
		cr_assert(eq(u32, at, health_spread(key, 1000)));
		tenth[at / 100]++;
	}
	for (int i = 0; i < 10; i++)
		cr_expect(tenth[i] < 1150, "tenth %d has %u", i, tenth[i]);
	cr_assert(eq(u32, health_spread(7, 0), 0));
	cr_assert(eq(u32, health_spread(7, 1), 0));
	cr_assert(health_spread(UINT64_MAX, UINT32_MAX) < UINT32_MAX);
}
