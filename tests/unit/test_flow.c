/* SPDX-License-Identifier: GPL-2.0 */
/* Packets as they lie on the wire. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/flow.h"
#include "tests/unit/words.h"

#define ETH 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2
#define SRC6 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7
#define DST6 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1

static struct lb_flow flow_of(const char *from, const char *to)
{
	struct lb_flow f = {0};

	cr_assert(eq(int, parse_end(from, &f.src, &f.sport, &err), 0));
	cr_assert(eq(int, parse_service(to, &f.dst, &err), 0));
	return f;
}

static void expect(const struct lb_flow *f, const uint8_t *want, uint32_t len)
{
	static uint8_t buf[LB_FLOW_LEN_MAX + 14];

	memset(buf, NOTHING, sizeof(buf));
	cr_assert(eq(u32, lb_flow_frame(f, buf), len));
	for (uint32_t i = 0; i < len; i++)
		cr_expect(eq(u8, buf[i], want[i]), "byte %u", i);
	cr_expect(untouched(buf + len, sizeof(buf) - len));
}

#define EXPECT(f, ...) \
	do { \
		static const uint8_t want_[] = {__VA_ARGS__}; \
		expect(f, want_, sizeof(want_)); \
	} while (0)

Test(flow, tcp_over_ipv4)
{
	struct lb_flow f = flow_of("198.51.100.7:40000", "203.0.113.10:443/tcp");

	f.tcp_flags = 0x10;
	EXPECT(&f, ETH, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 198, 51, 100, 7, 203, 0, 113,
	       10, 0x9c, 0x40, 1, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0);
}

Test(flow, udp_over_ipv6)
{
	struct lb_flow f = flow_of("[2001:db8::7]:40000", "[2001:db8::1]:53/udp");

	f.len = 50;
	EXPECT(&f, ETH, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 10, 17, 64, SRC6, DST6, 0x9c, 0x40, 0, 53, 0,
	       10, 0, 0, 0, 0);
}

Test(flow, fragments)
{
	struct lb_flow f = flow_of("198.51.100.7:40000", "203.0.113.10:53/udp");

	f.fragment = LB_FLOW_FIRST;
	EXPECT(&f, ETH, 8, 0, 0x45, 0, 0, 28, 0, 0, 0x20, 0, 64, 17, 0, 0, 198, 51, 100, 7, 203, 0,
	       113, 10, 0x9c, 0x40, 0, 53, 0, 8, 0, 0);
	f.fragment = LB_FLOW_LATER;
	EXPECT(&f, ETH, 8, 0, 0x45, 0, 0, 28, 0, 0, 0, 185, 64, 17, 0, 0, 198, 51, 100, 7, 203, 0,
	       113, 10, 0, 0, 0, 0, 0, 0, 0, 0);
	f = flow_of("[2001:db8::7]:40000", "[2001:db8::1]:53/udp");
	f.fragment = LB_FLOW_FIRST;
	EXPECT(&f, ETH, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 16, 44, 64, SRC6, DST6, 17, 0, 0, 1, 0, 0, 0,
	       0, 0x9c, 0x40, 0, 53, 0, 8, 0, 0);
	f.fragment = LB_FLOW_LATER;
	EXPECT(&f, ETH, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 16, 44, 64, SRC6, DST6, 17, 0, 5, 0xc8, 0, 0,
	       0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

Test(flow, least)
{
	static const struct {
		const char *from, *to;
		uint32_t whole, fragment;
	} rows[] = {
		{"192.0.2.7:1", "192.0.2.1:1/tcp", 40, 40},
		{"192.0.2.7:1", "192.0.2.1:1/udp", 28, 28},
		{"[2001:db8::7]:1", "[2001:db8::1]:1/tcp", 60, 68},
		{"[2001:db8::7]:1", "[2001:db8::1]:1/udp", 48, 56},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct lb_flow f = flow_of(rows[i].from, rows[i].to);

		cr_expect(eq(u32, lb_flow_least(&f), rows[i].whole));
		f.fragment = LB_FLOW_LATER;
		cr_expect(eq(u32, lb_flow_least(&f), rows[i].fragment));
	}
}

Test(flow, longest)
{
	struct lb_flow f = flow_of("192.0.2.7:1", "192.0.2.1:1/tcp");
	static uint8_t buf[LB_FLOW_LEN_MAX + 14];

	f.len = LB_FLOW_LEN_MAX;
	cr_expect(eq(u32, lb_flow_frame(&f, buf), LB_FLOW_LEN_MAX + 14));
	cr_expect(eq(u8, buf[16], LB_FLOW_LEN_MAX >> 8));
	cr_expect(eq(u8, buf[17], LB_FLOW_LEN_MAX & 0xff));
}

Test(flow, flags)
{
	static const struct {
		const char *word;
		uint8_t flags;
	} rows[] = {{"fin", 0x01},     {"syn", 0x02},	  {"rst", 0x04},
		    {"psh", 0x08},     {"ack", 0x10},	  {"urg", 0x20},
		    {"syn,ack", 0x12}, {"psh,ack", 0x18}, {"fin,syn,rst,psh,ack,urg", 0x3f}};
	char buf[LB_TCP_FLAGS_STRLEN];
	uint8_t flags;

	for (size_t i = 0; i < COUNT(rows); i++) {
		cr_expect(eq(int, parse_tcp_flags(rows[i].word, &flags, &err), 0));
		cr_expect(eq(u8, flags, rows[i].flags));
		format_tcp_flags(rows[i].flags, buf);
		cr_expect(eq(str, buf, (char *)rows[i].word));
	}
	cr_expect(eq(int, parse_tcp_flags("ack,syn", &flags, &err), 0));
	cr_expect(eq(u8, flags, 0x12), "in any order");
	format_tcp_flags(0, buf);
	cr_expect(eq(str, buf, (char *)""));
	format_tcp_flags(0xc2, buf);
	cr_expect(eq(str, buf, (char *)"syn"), "ECN's bits have no name");
}

Test(flow, bad_flags)
{
	static const char *const words[] = {"",	       ",",   "syn,",	 ",syn",       "syn,,ack",
					    "syn,syn", "SYN", "syn ack", "s",	       "synack",
					    "syn.ack", "16",  "ack,ecn", "acknowledge"};
	uint8_t flags = NOTHING;

	for (size_t i = 0; i < COUNT(words); i++)
		refused(parse_tcp_flags(words[i], &flags, &err), words[i],
			"must be of fin, syn, rst, psh, ack and urg, with commas between");
	cr_expect(eq(u8, flags, NOTHING));
}
