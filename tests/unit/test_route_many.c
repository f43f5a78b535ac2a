// SPDX-License-Identifier: GPL-2.0
/* Many addresses, and any order of trouble against a model. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lbmon/route.h"
#include "tests/unit/route_talk.h"

static struct lb_addr many(unsigned int i)
{
	return (struct lb_addr){4, {10, 1 + (i & 1), i >> 8, i}};
}

/* At quadratic cost this would be 10^9 steps. */
Test(route_many, many_addresses, .timeout = 60)
{
	enum { N = 4096, ROUNDS = 20 };
	struct routes *r = started();
	struct lb_addr *a = calloc(N, sizeof(*a));
	clock_t begin = clock();
	char line[ROUTE_LINE];
	struct lb_err err;
	unsigned int said = 0;

	for (unsigned int i = 0; i < N; i++)
		a[i] = many(i * 2654435761u % N);
	for (int round = 0; round < ROUNDS; round++) {
		cr_assert(eq(int, routes_want(r, a, round % 2 ? 0 : N, false, &err), 0));
		for (; routes_next(r, line); said++)
			hears(r, "done");
		cr_assert(routes_settled(r));
	}
	cr_assert(eq(uint, said, N * ROUNDS));
	cr_assert(lt(dbl, (double)(clock() - begin) / CLOCKS_PER_SEC, 2.0));
	free(a);
	rests(r);
}

#define ADDRS 8

/* What ExaBGP has of each address, and what it should have. 0: nothing, 1: the route, 2: shut. */
struct model {
	int has[ADDRS], wanted[ADDRS];
};

static void want_some(struct routes *r, struct model *m)
{
	int shut = random() % 2;
	struct lb_addr a[ADDRS];
	struct lb_err err;
	size_t n = 0;

	for (int i = 0; i < ADDRS; i++)
		if ((m->wanted[i] = (random() % 2) * (1 + shut)))
			a[n++] = many(i);
	cr_assert(eq(int, routes_want(r, a, n, shut, &err), 0));
}

static void execute(struct model *m, const char *line)
{
	char prefix[64];

	for (int i = 0; i < ADDRS; i++) {
		snprintf(prefix, sizeof(prefix), " 10.%d.0.%d/32 ", 1 + (i & 1), i);
		if (strstr(line, prefix))
			m->has[i] = line[0] == 'w' ? 0 : strstr(line, "65535:0") ? 2 : 1;
	}
}

static void answer(struct routes *r, struct model *m, const char *line, bool trouble)
{
	int what = trouble ? random() % 20 : 19;
	const char *failed;

	if (what == 0)
		return routes_timeout(r); /* lost */
	if (what == 1 && strstr(line, "route")) {
		routes_answer(r, "error", &failed);
		return;
	}
	execute(m, line);
	if (what == 2)
		return routes_timeout(r); /* done, and nobody hears of it */
	if (strstr(line, "summary"))
		hears(r, HEADER);
	hears(r, "done");
}

/* Whatever is answered, in the end ExaBGP has what is wanted. */
Test(route_many, any_order_of_trouble)
{
	char line[ROUTE_LINE];

	srandom(3);
	for (int round = 0; round < 300; round++) {
		struct routes *r = NEW(HOPS);
		struct model m = {0};

		for (int step = 0; step < 300; step++) {
			if (random() % 4 == 0)
				want_some(r, &m);
			if (routes_next(r, line))
				answer(r, &m, line, true);
		}
		want_some(r, &m);
		while (routes_next(r, line))
			answer(r, &m, line, false);
		cr_assert(routes_settled(r));
		cr_assert(eq(int, memcmp(m.has, m.wanted, sizeof(m.has)), 0));
		routes_free(r);
	}
}
