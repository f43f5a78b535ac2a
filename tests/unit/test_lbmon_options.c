/* SPDX-License-Identifier: GPL-2.0 */
/* The words of lbmon: what goes together, and what is said of what does not. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "lbmon/options.h"

#define WORDS 8

static struct lb_err err;

static int parse(const char *const *words)
{
	char *argv[WORDS + 2] = {"lbmon"};
	struct options o;
	int n = 1;

	for (; words[n - 1]; n++)
		argv[n] = (char *)words[n - 1];
	return options_parse(&o, n, argv, &err);
}

Test(lbmon_options, good)
{
	static const char *const good[][WORDS] = {
		{"-once"},
		{"-alone"},
		{"next-hop", "192.0.2.2"},
		{"-dry-run", "next-hop", "192.0.2.2", "med", "10"},
		{"-once", "-h"},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect(eq(int, parse(good[i]), 0), "row %zu: %s", i, err.msg);
}

Test(lbmon_options, bad)
{
	static const struct {
		const char *words[WORDS], *want;
	} bad[] = {
		{{NULL},
		 "next-hop ADDRESS is missing: the address by which routers reach this node; "
		 "without BGP: -alone"},
		{{"-once", "-alone"}, "-once and -alone exclude each other"},
		{{"-alone", "next-hop", "192.0.2.2"},
		 "\"next-hop\": not with -alone, which announces nothing"},
		{{"-once", "med", "1"}, "\"med\": not with -once, which announces nothing"},
		{{"next-hop", "192.0.2.2", "as", "64512"},
		 "\"as\" and \"prepend\" need each other"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect(eq(int, parse(bad[i].words), -1), "row %zu", i);
		cr_expect(eq(str, err.msg, (char *)bad[i].want), "row %zu", i);
		cr_expect(eq(int, err.status, LB_USAGE), "row %zu", i);
	}
}
