// SPDX-License-Identifier: GPL-2.0
/* route_talk.c - routes_next() here, routes_answer() there. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "tests/unit/route_talk.h"

struct lb_addr A(const char *word) {
	struct lb_addr a = {0};
	struct lb_err err;

	cr_assert(eq(int, parse_addr(word, &a, &err), 0), "%s", word);
	return a;
}

struct routes *new (const struct route_attrs *attrs)
{
	struct lb_err err = {0};
	struct routes *r = routes_new(attrs, &err);

	cr_assert(ne(ptr, r, NULL), "%s", err.msg);
	return r;
}

void want(struct routes *r, bool shut, const char *const *words)
{
	struct lb_addr a[16];
	struct lb_err err;
	size_t n = 0;

	for (; words[n]; n++)
		a[n] = A(words[n]);
	cr_assert(eq(int, routes_want(r, a, n, shut, &err), 0));
}

void says(struct routes *r, const char *line)
{
	char got[ROUTE_LINE] = "", wanted[ROUTE_LINE];

	cr_assert(eq(int, routes_next(r, got), line != NULL), "%s instead of %s", got, line);
	if (!line)
		return;
	snprintf(wanted, sizeof(wanted), "%s\n", line);
	cr_assert(eq(str, got, wanted));
	cr_assert(routes_waiting(r));
	cr_assert(not(routes_next(r, got)), "one command in flight");
}

void hears(struct routes *r, const char *line)
{
	const char *failed = NULL;

	cr_assert(routes_answer(r, line, &failed), "%s", line);
}

void hears_error(struct routes *r, const char *about)
{
	const char *failed = NULL;

	cr_assert(not(routes_answer(r, "error", &failed)));
	cr_assert(eq(str, (char *)failed, (char *)about));
}

void done(struct routes *r, const char *line)
{
	says(r, line);
	hears(r, "done");
}

void mark(struct routes *r)
{
	says(r, "show neighbor summary");
	hears(r, HEADER);
	hears(r, "10.0.0.1        64512     0:00:12 established           3          1");
	hears(r, "done");
}

void start(struct routes *r, const char *const *listed)
{
	says(r, "show adj-rib out");
	for (; *listed; listed++)
		hears(r, *listed);
	hears(r, "done");
	mark(r);
}

const char *const nothing[] = {NULL};

struct routes *started(void)
{
	struct routes *r = NEW(HOPS);

	start(r, nothing);
	return r;
}

void rests(struct routes *r)
{
	says(r, NULL);
	cr_assert(routes_settled(r));
	routes_free(r);
}

bool told(const struct routes *r, const char *word)
{
	struct lb_addr a = A(word);

	return routes_told(r, &a);
}
