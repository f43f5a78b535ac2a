// SPDX-License-Identifier: GPL-2.0
/* What is said to ExaBGP, and when. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "lbmon/route.h"
#include "tests/unit/route_talk.h"

Test(route, announce_and_withdraw)
{
	struct routes *r = started();

	cr_assert(not(routes_settled(r)), "what is wanted is not known yet");
	WANT(r, false, "192.0.2.1", "2001:db8:f::1");
	cr_assert(not(routes_settled(r)));
	says(r, "announce route 192.0.2.1/32 next-hop 10.0.0.7");
	cr_assert(not(told(r, "192.0.2.1")));
	hears(r, "done");
	cr_assert(told(r, "192.0.2.1"));
	done(r, "announce route 2001:db8:f::1/128 next-hop 2001:db8::7");
	says(r, NULL);
	cr_assert(routes_settled(r));
	WANT(r, false, "2001:db8:f::1");
	done(r, "withdraw route 192.0.2.1/32 next-hop 10.0.0.7");
	cr_assert(not(told(r, "192.0.2.1")));
	WANT(r, false, NULL);
	done(r, "withdraw route 2001:db8:f::1/128 next-hop 2001:db8::7");
	rests(r);
}

Test(route, nothing_wanted)
{
	struct routes *r = started();

	WANT(r, false, NULL);
	rests(r);
}

Test(route, nothing_said_before_start_is_over)
{
	struct routes *r = NEW(HOPS);

	WANT(r, false, "192.0.2.1");
	says(r, "show adj-rib out");
	WANT(r, false, "192.0.2.2");
	says(r, NULL);
	hears(r, "done");
	mark(r);
	done(r, "announce route 192.0.2.2/32 next-hop 10.0.0.7");
	rests(r);
}

Test(route, duplicates_order_and_none)
{
	struct routes *r = started();
	struct lb_addr a[] = {A("192.0.2.2"), A("192.0.2.1"), {0}, A("192.0.2.2")};
	struct lb_err err;

	cr_assert(eq(int, routes_want(r, a, 4, false, &err), 0));
	done(r, "announce route 192.0.2.1/32 next-hop 10.0.0.7");
	done(r, "announce route 192.0.2.2/32 next-hop 10.0.0.7");
	rests(r);
}

Test(route, withdraws_first)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.9");
	done(r, "announce route 192.0.2.9/32 next-hop 10.0.0.7");
	WANT(r, false, "192.0.2.1");
	done(r, "withdraw route 192.0.2.9/32 next-hop 10.0.0.7");
	done(r, "announce route 192.0.2.1/32 next-hop 10.0.0.7");
	rests(r);
}

Test(route, attributes)
{
	struct routes *r = NEW(HOPS, .med = 100, .community = "65000:1 65000:2", .prepend = 2,
			       .as = 64512, .neighbors = "10.0.0.1 fd00::1");

	start(r, nothing);
	WANT(r, false, "192.0.2.1");
	done(r, "neighbor 10.0.0.1, neighbor fd00::1 announce route 192.0.2.1/32 next-hop 10.0.0.7 "
		"med 100 community [ 65000:1 65000:2 ] as-path [ 64512 64512 64512 ]");
	WANT(r, false, NULL);
	done(r,
	     "neighbor 10.0.0.1, neighbor fd00::1 withdraw route 192.0.2.1/32 next-hop 10.0.0.7");
	rests(r);
}

Test(route, shut_and_back)
{
	struct routes *r = NEW(HOPS, .med = 5, .community = "65000:1");

	start(r, nothing);
	WANT(r, false, "192.0.2.1");
	done(r, "announce route 192.0.2.1/32 next-hop 10.0.0.7 med 5 community [ 65000:1 ]");
	WANT(r, true, "192.0.2.1");
	cr_assert(not(routes_settled(r)));
	done(r, "announce route 192.0.2.1/32 next-hop 10.0.0.7 med 4294967295 "
		"community [ 65000:1 65535:0 ]");
	WANT(r, true, "192.0.2.1");
	says(r, NULL);
	WANT(r, false, "192.0.2.1");
	done(r, "announce route 192.0.2.1/32 next-hop 10.0.0.7 med 5 community [ 65000:1 ]");
	rests(r);
}

Test(route, shut_without_attributes)
{
	struct routes *r = started();

	WANT(r, true, "192.0.2.1");
	done(r,
	     "announce route 192.0.2.1/32 next-hop 10.0.0.7 med 4294967295 community [ 65535:0 ]");
	rests(r);
}

Test(route, rfc8950)
{
	struct routes *r = NEW(.hop4 = A("2001:db8::7"), .hop6 = A("2001:db8::7"));
	const char *const old[] = {
		"neighbor fd00::1 ipv4 unicast 192.0.2.7/32 next-hop 2001:db8::7", NULL};

	start(r, old);
	WANT(r, false, "192.0.2.1");
	done(r, "withdraw route 192.0.2.7/32 next-hop 2001:db8::7");
	done(r, "announce route 192.0.2.1/32 next-hop 2001:db8::7");
	WANT(r, false, NULL);
	done(r, "withdraw route 192.0.2.1/32 next-hop 2001:db8::7");
	rests(r);
}

Test(route, family_without_next_hop)
{
	struct routes *r = NEW(.hop6 = A("2001:db8::7"));

	start(r, nothing);
	WANT(r, false, "192.0.2.1", "2001:db8:f::1");
	done(r, "announce route 2001:db8:f::1/128 next-hop 2001:db8::7");
	cr_assert(not(told(r, "192.0.2.1")));
	rests(r);
}

Test(route, no_next_hop_at_all)
{
	struct routes *r = NEW(.med = 1);

	start(r, nothing);
	WANT(r, false, "192.0.2.1", "2001:db8:f::1");
	rests(r);
}

Test(route, takes_over_what_is_there)
{
	struct routes *r = NEW(HOPS);
	const char *const old[] = {
		"neighbor 10.0.0.1 ipv4 unicast 192.0.2.1/32 next-hop 10.0.0.7",
		"neighbor 10.0.0.2 ipv4 unicast 192.0.2.1/32 next-hop 10.0.0.7",
		"neighbor 10.0.0.1 ipv4 unicast 192.0.2.2/32 next-hop 10.0.0.7",
		"neighbor 10.0.0.1 ipv6 unicast 2001:db8:f::1/128 next-hop 2001:db8::7",
		/* Not ours: another next hop, no single address, itself. */
		"neighbor 10.0.0.1 ipv4 unicast 192.0.2.3/32 next-hop 10.0.0.8",
		"neighbor 10.0.0.1 ipv4 unicast 192.0.2.0/24 next-hop 10.0.0.7",
		"neighbor 10.0.0.1 ipv6 unicast 2001:db8:f::/32 next-hop 2001:db8::7",
		"neighbor 10.0.0.1 ipv4 unicast 192.0.2.4/32 next-hop self",
		"neighbor 10.0.0.1 ipv4 unicast 192.0.2.5/32",
		"neighbor 10.0.0.1 ipv4 unicast 192.0.2.6 next-hop 10.0.0.7",
		"neighbor 10.0.0.1 ipv4 unicast 192.0.2.6/032 next-hop 10.0.0.7",
		NULL,
	};

	start(r, old);
	says(r, NULL);
	cr_assert(told(r, "192.0.2.1"));
	cr_assert(not(told(r, "192.0.2.3")));
	cr_assert(not(routes_settled(r)), "what to do with them is not known yet");
	WANT(r, false, "192.0.2.1");
	done(r, "withdraw route 192.0.2.2/32 next-hop 10.0.0.7");
	done(r, "withdraw route 2001:db8:f::1/128 next-hop 2001:db8::7");
	done(r, "announce route 192.0.2.1/32 next-hop 10.0.0.7");
	rests(r);
}

Test(route, found_next_hop_is_the_withdrawn_one)
{
	struct routes *r = NEW(HOPS);
	const char *const old[] = {
		"neighbor 10.0.0.1 ipv4 unicast 192.0.2.1/32 next-hop 2001:db8::7",
		"neighbor 10.0.0.1 ipv4 unicast 192.0.2.2/32 next-hop 2001:db8::7", NULL};

	start(r, old);
	WANT(r, false, "192.0.2.2");
	done(r, "withdraw route 192.0.2.1/32 next-hop 2001:db8::7");
	done(r, "announce route 192.0.2.2/32 next-hop 10.0.0.7");
	WANT(r, false, NULL);
	done(r, "withdraw route 192.0.2.2/32 next-hop 10.0.0.7");
	rests(r);
}

Test(route, found_at_other_neighbors)
{
	struct routes *r = NEW(HOPS, .neighbors = "10.0.0.1 fd00::1");
	const char *const old[] = {"neighbor 10.0.0.2 ipv4 unicast 192.0.2.1/32 next-hop 10.0.0.7",
				   "neighbor fd00:0::1 ipv4 unicast 192.0.2.2/32 next-hop 10.0.0.7",
				   NULL};

	start(r, old);
	WANT(r, false, NULL);
	done(r,
	     "neighbor 10.0.0.1, neighbor fd00::1 withdraw route 192.0.2.2/32 next-hop 10.0.0.7");
	rests(r);
}

Test(route, listed_when_nobody_asked)
{
	struct routes *r = started();

	WANT(r, false, NULL);
	hears(r, "neighbor 10.0.0.1 ipv4 unicast 192.0.2.1/32 next-hop 10.0.0.7");
	WANT(r, false, NULL);
	rests(r);
}

Test(route, wanted_anew_in_flight)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1");
	says(r, "announce route 192.0.2.1/32 next-hop 10.0.0.7");
	WANT(r, false, NULL);
	says(r, NULL);
	cr_assert(not(routes_settled(r)));
	hears(r, "done");
	cr_assert(not(routes_settled(r)));
	says(r, "withdraw route 192.0.2.1/32 next-hop 10.0.0.7");
	WANT(r, true, "192.0.2.1");
	WANT(r, false, "192.0.2.1");
	hears(r, "done");
	says(r, "announce route 192.0.2.1/32 next-hop 10.0.0.7");
	WANT(r, true, "192.0.2.1");
	hears(r, "done");
	done(r,
	     "announce route 192.0.2.1/32 next-hop 10.0.0.7 med 4294967295 community [ 65535:0 ]");
	rests(r);
}

Test(route, unwanted_before_it_was_said)
{
	struct routes *r = started();

	WANT(r, false, "192.0.2.1");
	WANT(r, false, NULL);
	rests(r);
}
