// SPDX-License-Identifier: GPL-2.0
/* ExaBGP that refuses, is late, silent or babbles; attributes that cannot be said. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "lbmon/route.h"
#include "tests/unit/route_talk.h"

#define ONE "announce route 192.0.2.1/32 next-hop 10.0.0.7"
#define TWO "announce route 192.0.2.2/32 next-hop 10.0.0.7"

Test(route_odd, error_waits_for_another_want)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1", "192.0.2.2");
	says(r, ONE);
	hears_error(r, ONE);
	done(r, TWO);
	says(r, NULL);
	cr_assert(not(told(r, "192.0.2.1")));
	cr_assert(not(routes_settled(r)));
	WANT(r, false, "192.0.2.1", "192.0.2.2");
	done(r, ONE);
	rests(r);
}

Test(route_odd, error_about_withdraw)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1");
	done(r, ONE);
	WANT(r, false, NULL);
	says(r, "withdraw route 192.0.2.1/32 next-hop 10.0.0.7");
	hears_error(r, "withdraw route 192.0.2.1/32 next-hop 10.0.0.7");
	says(r, NULL);
	cr_assert(told(r, "192.0.2.1"));
	cr_assert(not(routes_settled(r)));
	WANT(r, false, NULL);
	done(r, "withdraw route 192.0.2.1/32 next-hop 10.0.0.7");
	rests(r);
}

Test(route_odd, error_about_attributes_leaves_the_old)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1");
	done(r, ONE);
	WANT(r, true, "192.0.2.1");
	says(r, ONE " med 4294967295 community [ 65535:0 ]");
	hears_error(r, ONE " med 4294967295 community [ 65535:0 ]");
	cr_assert(told(r, "192.0.2.1"));
	WANT(r, false, "192.0.2.1");
	rests(r);
}

Test(route_odd, error_when_another_is_wanted_meanwhile)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1");
	says(r, ONE);
	WANT(r, true, "192.0.2.1");
	hears_error(r, ONE);
	done(r, ONE " med 4294967295 community [ 65535:0 ]");
	rests(r);
}

Test(route_odd, error_at_the_start)
{
	struct routes *r = NEW(HOPS);

	says(r, "show adj-rib out");
	hears_error(r, "show adj-rib out");
	mark(r);
	WANT(r, false, "192.0.2.1");
	done(r, ONE);
	rests(r);
}

Test(route_odd, answers_to_a_dead_predecessor)
{
	struct routes *r = NEW(HOPS);

	WANT(r, false, NULL);
	says(r, "show adj-rib out");
	hears(r, "done"); /* his */
	says(r, "show neighbor summary");
	hears(r, "neighbor 10.0.0.1 ipv4 unicast 192.0.2.1/32 next-hop 10.0.0.7");
	hears(r, "done"); /* of the list */
	says(r, "show neighbor summary");
	hears(r, HEADER);
	hears(r, "done");
	says(r, "withdraw route 192.0.2.1/32 next-hop 10.0.0.7");
	hears(r, HEADER); /* of the second */
	hears(r, "done");
	cr_assert(routes_waiting(r));
	hears(r, "done");
	rests(r);
}

/* ExaBGP's configuration was read anew: who came new has heard nothing of what was said before. */
Test(route_odd, another_neighbor)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1");
	done(r, ONE);
	says(r, NULL);
	routes_look(r);
	mark(r);
	says(r, NULL);
	routes_look(r);
	says(r, "show neighbor summary");
	hears(r, HEADER);
	hears(r, "10.0.0.2        64512     0:00:01 established           3          1");
	hears(r, "10.0.0.1        64512     0:00:14 established           3          1");
	hears(r, "done");
	done(r, ONE);
	says(r, NULL);
	routes_look(r);
	says(r, "show neighbor summary");
	hears(r, HEADER);
	hears(r, "10.0.0.1        64512     0:00:19 established           3          1");
	hears(r, "10.0.0.2        64512     0:00:09 down                  3          1");
	hears(r, "done");
	rests(r);
}

Test(route_odd, no_header)
{
	struct routes *r = NEW(HOPS);

	done(r, "show adj-rib out");
	done(r, "show neighbor summary");
	done(r, "show neighbor summary");
	WANT(r, false, "192.0.2.1");
	done(r, ONE);
	rests(r);
}

Test(route_odd, timeout_goes_last)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1", "192.0.2.2");
	says(r, ONE);
	routes_timeout(r);
	cr_assert(not(routes_waiting(r)));
	cr_assert(not(routes_settled(r)));
	start(r, nothing);
	done(r, TWO);
	done(r, ONE);
	rests(r);
}

Test(route_odd, late_answer_is_not_the_next_ones)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1", "192.0.2.2");
	says(r, ONE);
	routes_timeout(r);
	says(r, "show adj-rib out");
	hears(r, "done"); /* late */
	says(r, "show neighbor summary");
	hears(r, "neighbor 10.0.0.1 ipv4 unicast 192.0.2.1/32 next-hop 10.0.0.7");
	hears(r, "done"); /* of the list */
	mark(r);
	says(r, TWO);
	hears(r, HEADER);
	hears(r, "done"); /* of the first mark */
	cr_assert(not(told(r, "192.0.2.2")));
	hears_error(r, TWO);
	done(r, ONE);
	WANT(r, false, "192.0.2.1", "192.0.2.2");
	done(r, TWO);
	rests(r);
}

Test(route_odd, late_error)
{
	struct routes *r = started();
	const char *failed;

	WANT(r, false, "192.0.2.1");
	says(r, ONE);
	routes_timeout(r);
	cr_assert(routes_answer(r, "error", &failed), "between: nobody's");
	start(r, nothing);
	done(r, ONE);
	rests(r);
}

Test(route_odd, timeout_unwanted_since)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1");
	says(r, ONE);
	routes_timeout(r);
	WANT(r, false, NULL);
	start(r, nothing);
	done(r, "withdraw route 192.0.2.1/32 next-hop 10.0.0.7"); /* it may be there */
	rests(r);
}

Test(route_odd, timeout_of_withdraw_wanted_since)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1");
	done(r, ONE);
	WANT(r, false, NULL);
	says(r, "withdraw route 192.0.2.1/32 next-hop 10.0.0.7");
	routes_timeout(r);
	cr_assert(not(told(r, "192.0.2.1")), "not for sure");
	WANT(r, false, "192.0.2.1");
	start(r, nothing);
	done(r, ONE);
	rests(r);
}

Test(route_odd, timeouts_of_the_sync)
{
	struct routes *r = NEW(HOPS);

	says(r, "show adj-rib out");
	routes_timeout(r);
	done(r, "show adj-rib out");
	says(r, "show neighbor summary");
	routes_timeout(r);
	says(r, "show adj-rib out");
	hears(r, HEADER); /* of the mark: what comes next is not the list's */
	hears(r, "done");
	cr_assert(routes_waiting(r));
	hears(r, "done");
	mark(r);
	WANT(r, false, NULL);
	rests(r);
}

/* Stopped for long, then all at once: each answer is taken for what it is. */
Test(route_odd, many_timeouts_then_all_answers)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1");
	says(r, ONE);
	for (int i = 0; i < 5; i++) {
		routes_timeout(r);
		says(r, "show adj-rib out");
	}
	hears(r, "done");
	for (int i = 0; i < 5; i++) {
		says(r, "show neighbor summary");
		hears(r, "neighbor 10.0.0.1 ipv4 unicast 192.0.2.1/32 next-hop 10.0.0.7");
		hears(r, "done");
	}
	mark(r);
	says(r, ONE);
	for (int i = 0; i < 5; i++) {
		hears(r, HEADER);
		hears(r, "done");
	}
	cr_assert(routes_waiting(r));
	hears(r, "done");
	rests(r);
}

Test(route_odd, timeout_of_nothing)
{
	struct routes *r = started();

	routes_timeout(r);
	WANT(r, false, NULL);
	rests(r);
}

Test(route_odd, junk)
{
	static const char *const lines[] = {
		"",
		" ",
		"Done",
		"done ",
		" done",
		"error: no",
		"shutdown 12 34",
		"neighbor",
		"neighbor 10.0.0.1 up",
		"neighbor 10.0.0.1 down - peer reset",
		"\xff\xfe",
		"%s%n",
		"neighbor a b unicast /32 next-hop 10.0.0.7",
		"neighbor a b unicast 999.0.2.1/32 next-hop 10.0.0.7",
		"neighbor a b unicast 192.0.2.1/128 next-hop 10.0.0.7",
		"neighbor a b unicast 192.0.2.1/32 next-hop x",
		"{ \"exabgp\": \"4.0.1\" }",
	};
	struct routes *r = NEW(HOPS);
	char *lengthy = malloc(1000001);

	WANT(r, false, "192.0.2.1");
	memset(lengthy, 'x', 1000000);
	memcpy(lengthy, "neighbor ", 9);
	lengthy[1000000] = '\0';
	says(r, "show adj-rib out");
	for (int i = 0; i < 100000; i++)
		hears(r, lines[i % (sizeof(lines) / sizeof(lines[0]))]);
	hears(r, lengthy);
	memset(lengthy, '1', 1000000);
	memcpy(lengthy, "neighbor a b unicast ", 21);
	hears(r, lengthy);
	free(lengthy);
	hears(r, "done");
	mark(r);
	says(r, ONE);
	for (int i = 0; i < 100000; i++)
		hears(r, lines[i % (sizeof(lines) / sizeof(lines[0]))]);
	cr_assert(routes_waiting(r));
	hears(r, "done");
	hears(r, "done");
	hears(r, "done");
	rests(r);
}

static void refused(const struct route_attrs *attrs, const char *why)
{
	struct lb_err err = {0};

	cr_assert(eq(ptr, routes_new(attrs, &err), NULL));
	cr_assert(ne(ptr, strstr(err.msg, why), NULL), "%s", err.msg);
	cr_assert(eq(int, err.status, LB_USAGE));
}

Test(route_odd, attributes_that_cannot_be)
{
	struct route_attrs full = {.community = "65000:1"};

	refused(&(struct route_attrs){.hop6 = A("10.0.0.7")}, "IPv4 next hop");
	refused(&(struct route_attrs){.prepend = 1}, "AS number");
	refused(&(struct route_attrs){.prepend = 255, .as = 4200000000u}, "too many");
	refused(&(struct route_attrs){.community = "1:1\nwithdraw"}, "communities");
	refused(&(struct route_attrs){.community = "1:1 ] med 5"}, "communities");
	refused(&(struct route_attrs){.neighbors = "10.0.0.1 router"}, "\"router\"");
	refused(&(struct route_attrs){.neighbors = "[fd00::1]"}, "brackets");
	refused(&(struct route_attrs){.neighbors = "10.0.0.1,10.0.0.2"}, "not an IPv4");
	for (size_t len = 0; len + 10 < sizeof(full.neighbors); len = strlen(full.neighbors))
		strcat(full.neighbors, " 10.0.0.1");
	refused(&full, "too many");
	routes_free(NULL);
}

Test(route_odd, the_longest_line)
{
	struct route_attrs attrs = {.hop6 = A("2001:db8:1111:2222:3333:4444:5555:6666"),
				    .as = 4200000000u};
	struct lb_err err;
	struct routes *r;

	for (attrs.prepend = 255; !(r = routes_new(&attrs, &err)); attrs.prepend--)
		;
	cr_assert(attrs.prepend > 50);
	start(r, nothing);
	WANT(r, true, "2001:db8:1111:2222:3333:4444:5555:7777");
	char line[ROUTE_LINE];
	cr_assert(routes_next(r, line));
	cr_assert(eq(str, strrchr(line, ']'), "]\n"));
	hears(r, "done");
	rests(r);
}
