// SPDX-License-Identifier: GPL-2.0
/* test_lb_forward.c - the balancer, packet by packet: what is forwarded or answered, byte for byte. */
#include <string.h>

#include "tests/packet/ptest.h"

#define V4 .dst = "203.0.113.1"
#define V6 .dst = "2001:db8:f::1"
#define UDP .proto = IPPROTO_UDP, .dport = 53
#define ECHO4 V4, .proto = IPPROTO_ICMP, .flags = 8
#define ECHO6 V6, .proto = IPPROTO_ICMPV6, .flags = 128
#define PING4 ECHO4, .sport = 7
#define PING6 ECHO6, .sport = 7

struct row {
	const char *what;
	struct pkt_spec in;
	enum lb_why why;
	const char *real; /* outer destination */
};

static const struct row forward[] = {
	{"4in4", {V4}, LB_TX, "10.0.0.1"},
	{"4in6", {.dst = "203.0.113.2"}, LB_TX, "fd00::1"},
	{"6in6", {V6}, LB_TX, "fd00::1"},
	{"6in4", {.dst = "2001:db8:f::2"}, LB_TX, "10.0.0.1"},
	{"4in4, other link", {.dst = "203.0.113.3"}, LB_TX_REDIRECT, "10.1.0.1"},
	{"4in6, other link", {.dst = "203.0.113.13"}, LB_TX_REDIRECT, "fd00:1::1"},
	{"6in6, other link", {.dst = "2001:db8:f::3"}, LB_TX_REDIRECT, "fd00:1::1"},
	{"6in4, other link", {.dst = "2001:db8:f::13"}, LB_TX_REDIRECT, "10.1.0.1"},
	{"ipv6 gateway for ipv4", {.dst = "203.0.113.9"}, LB_TX, "10.6.0.1"},
	{"the route's source", {.dst = "203.0.113.11"}, LB_TX_REDIRECT, "10.7.0.1"},
	{"the ipv6 route's source", {.dst = "2001:db8:f::11"}, LB_TX_REDIRECT, "fd00:7::1"},
	{"udp", {V4, UDP, .payload = 100}, LB_TX, "10.0.0.1"},
	{"ipv6 udp", {V6, UDP, .payload = 101}, LB_TX, "fd00::1"},
	{"empty udp", {V4, UDP}, LB_TX, "10.0.0.1"},
	{"syn", {V4, .flags = 0x02}, LB_TX, "10.0.0.1"},
	{"syn-ack", {V4, .flags = 0x12}, LB_TX, "10.0.0.1"},
	{"rst", {V6, .flags = 0x04}, LB_TX, "fd00::1"},
	{"fin", {V6, .flags = 0x11}, LB_TX, "fd00::1"},
	{"no flag but urg", {V4, .flags = 0x20}, LB_TX, "10.0.0.1"},
	{"ttl 1", {V4, .ttl = 1}, LB_TX, "10.0.0.1"},
	{"hop limit 255", {V6, .ttl = 255}, LB_TX, "fd00::1"},
	{"tos ef and ect(0)", {V4, .tos = 0xba}, LB_TX, "10.0.0.1"},
	{"tos all ones", {V4, .tos = 0xff}, LB_TX, "10.0.0.1"},
	{"ce, 4in6", {.dst = "203.0.113.2", .tos = 0x03}, LB_TX, "fd00::1"},
	{"class 0xb9, 6in4", {.dst = "2001:db8:f::2", .tos = 0xb9}, LB_TX, "10.0.0.1"},
	{"class 0x9b, 6in6", {V6, .tos = 0x9b}, LB_TX, "fd00::1"},
	{"don't fragment", {V4, .frag = 0x4000}, LB_TX, "10.0.0.1"},
	{"padded", {V4, .pad = 6}, LB_TX, "10.0.0.1"},
	{"ipv6 padded", {V6, .pad = 3}, LB_TX, "fd00::1"},
	{"padded, other link", {.dst = "203.0.113.3", .pad = 6}, LB_TX_REDIRECT, "10.1.0.1"},
	{"one word of options", {V4, .options = 1}, LB_TX, "10.0.0.1"},
	{"ten words of options", {V4, .options = 10, .payload = 9}, LB_TX, "10.0.0.1"},
	{"tag", {V4, .tag = {100}}, LB_TX, "10.0.0.1"},
	{"tag with priority", {V4, .tag = {0xe064}}, LB_TX, "10.0.0.1"},
	{"802.1ad", {V6, .tag = {100}, .tpid = {0x88a8}}, LB_TX, "fd00::1"},
	{"two tags", {V4, .tag = {100, 200}, .tpid = {0x88a8}}, LB_TX, "10.0.0.1"},
	{"two tags, 6in6", {V6, .tag = {100, 200}}, LB_TX, "fd00::1"},
	{"two tags, 4in6", {.dst = "203.0.113.2", .tag = {1, 2}, .pad = 2}, LB_TX, "fd00::1"},
	{"hop-by-hop", {V6, .ext = "h"}, LB_TX, "fd00::1"},
	{"routing", {V6, .ext = "r"}, LB_TX, "fd00::1"},
	{"destination options", {V6, .ext = "d"}, LB_TX, "fd00::1"},
	{"authentication", {V6, .ext = "a"}, LB_TX, "fd00::1"},
	{"four extension headers, udp", {V6, .ext = "hrda", UDP}, LB_TX, "fd00::1"},
	{"six extension headers", {V6, .ext = "hdrdad", .payload = 7}, LB_TX, "fd00::1"},
	{"six long ones, tagged", {V6, .ext = "HDRDAD", .tag = {9, 9}}, LB_TX, "fd00::1"},
	{"extension headers, 6in4", {.dst = "2001:db8:f::2", .ext = "hA"}, LB_TX, "10.0.0.1"},
	{"any port", {.dst = "203.0.113.4", .dport = 442}, LB_TX, "10.0.0.4"},
	{"any port, 0", {.dst = "203.0.113.4", .dport = PKT_NONE}, LB_TX, "10.0.0.4"},
	{"exact before any", {.dst = "203.0.113.4", .dport = 443}, LB_TX, "10.0.0.5"},
	{"another protocol's exact",
	 {.dst = "203.0.113.4", .proto = IPPROTO_UDP, .dport = 443},
	 LB_TX,
	 "10.0.0.6"},
	{"ipv6 any port", {.dst = "2001:db8:f::4", .dport = 442}, LB_TX, "10.0.0.4"},
	{"ipv6 exact before any", {.dst = "2001:db8:f::4", .dport = 443}, LB_TX, "10.0.0.5"},
	{"4in4 of 1500", {V4, .payload = 1440}, LB_TX, "10.0.0.1"},
	{"4in6 of 1500", {.dst = "203.0.113.2", .payload = 1420}, LB_TX, "fd00::1"},
	{"6in6 of 1500", {V6, .payload = 1400}, LB_TX, "fd00::1"},
	{"6in4 of 1500", {.dst = "2001:db8:f::2", .payload = 1420}, LB_TX, "10.0.0.1"},
	{"4in4 of 1500, tagged", {V4, .payload = 1440, .tag = {1, 2}}, LB_TX, "10.0.0.1"},
	{"4in4 of 1500, padded", {V4, .payload = 1440, .pad = 50}, LB_TX, "10.0.0.1"},
	{"4in4 of 1400, route of 1400", {.dst = "203.0.113.8", .payload = 1340}, LB_TX, "10.4.0.1"},
	{"6in6 of 1400, route of 1400",
	 {.dst = "2001:db8:f::8", .payload = 1300},
	 LB_TX,
	 "fd00:4::1"},
};

static const struct row echo[] = {
	{"echo", {ECHO4, .sport = 1, .dport = 1, .payload = 56}, LB_TX_ECHO, NULL},
	{"echo, all zeros but the type", {ECHO4}, LB_TX_ECHO, NULL},
	{"echo, sum of all ones", {ECHO4, .sport = 0xffff}, LB_TX_ECHO, NULL},
	{"echo, all ones", {ECHO4, .sport = 0xffff, .dport = 0xffff}, LB_TX_ECHO, NULL},
	{"echo, odd length, padded", {PING4, .payload = 3, .pad = 7}, LB_TX_ECHO, NULL},
	{"echo, ttl 64", {PING4, .ttl = 64}, LB_TX_ECHO, NULL},
	{"echo, ttl 255, tos", {PING4, .ttl = 255, .tos = 0xff}, LB_TX_ECHO, NULL},
	{"echo, two tags", {PING4, .tag = {3, 4}, .tpid = {0x88a8}}, LB_TX_ECHO, NULL},
	{"echo with options", {PING4, .options = 3, .payload = 8}, LB_TX_ECHO, NULL},
	{"large echo", {PING4, .payload = 3000}, LB_TX_ECHO, NULL},
	{"echo to an any-port vip",
	 {.dst = "203.0.113.4", .proto = IPPROTO_ICMP, .flags = 8, .sport = 7},
	 LB_TX_ECHO,
	 NULL},
	{"echo, empty pool",
	 {.dst = "203.0.113.5", .proto = IPPROTO_ICMP, .flags = 8, .sport = 7},
	 LB_TX_ECHO,
	 NULL},
	{"ipv6 echo", {ECHO6, .sport = 1, .dport = 1, .payload = 56}, LB_TX_ECHO, NULL},
	{"ipv6 echo without data", {PING6, .ttl = 1}, LB_TX_ECHO, NULL},
	{"ipv6 echo, odd length, tagged",
	 {PING6, .payload = 1, .pad = 1, .tag = {5}},
	 LB_TX_ECHO,
	 NULL},
	{"ipv6 echo, class", {PING6, .tos = 0xff, .ttl = 255}, LB_TX_ECHO, NULL},
};

static struct world w;

static void setup(void)
{
	ptest_served(&w);
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_forward, .init = setup, .fini = teardown);

static void want_of(const struct row *row, const struct pkt *in, struct pkt *want)
{
	struct pkt_outer o = {0};

	if (row->why == LB_TX_ECHO) {
		pkt_echo(want, in);
		return;
	}
	world_outer(&o, row->why == LB_TX ? WORLD_IN : WORLD_OUT, row->real);
	pkt_tunnel(want, in, &o);
}

/* Padding may be carried over; what is there must be what came. */
static bool same(const struct pkt *got, const struct pkt *want, uint32_t pad)
{
	if (got->len != want->len && got->len != want->len + pad)
		return false;
	for (uint32_t i = want->len; i < got->len; i++)
		if (got->b[i] != 0xee)
			return false;
	return !memcmp(got->b, want->b, want->len);
}

static void run_rows(const struct row *row, size_t rows)
{
	struct pkt in, out, want;

	for (; rows; rows--, row++) {
		enum lb_why why;

		pkt_build(&in, &row->in);
		cr_assert(row->in.ext || row->in.options || pkt_l4_sum_ok(&in),
			  "%s: the test's sum", row->what);
		why = ptest_send(&w, &in, &out, row->what);
		cr_expect(why == row->why, "%s: %s, want %s; sent:%s", row->what,
			  world_why_name(why), world_why_name(row->why), pkt_dump(&in));
		if (why != row->why)
			continue;
		want_of(row, &in, &want);
		if (why == LB_TX_ECHO)
			pkt_one_zero(&out);
		else
			pkt_take_label(&out);
		cr_expect(same(&out, &want, row->in.pad), "%s: got:%s\nwant:%s", row->what,
			  pkt_dump(&out), pkt_dump(&want));
	}
}

Test(lb_forward, tunnels)
{
	run_rows(forward, sizeof(forward) / sizeof(*forward));
}

Test(lb_forward, echoes)
{
	run_rows(echo, sizeof(echo) / sizeof(*echo));
}

/* One's complement arithmetic goes wrong in a few values only. */
Test(lb_forward, echo_of_every_id)
{
	struct pkt_spec specs[] = {{ECHO4, .payload = 2}, {ECHO6, .payload = 2}};
	struct pkt in, out, want;

	for (uint32_t id = 0; id < 65536 * 2; id++) {
		struct pkt_spec *s = &specs[id & 1];

		s->sport = id >> 1;
		s->dport = id >> 9;
		s->ttl = 1 + id % 255;
		pkt_build(&in, s);
		cr_assert(eq(int, ptest_send(&w, &in, &out, "echo"), LB_TX_ECHO));
		pkt_echo(&want, &in);
		pkt_one_zero(&out);
		cr_assert(out.len == want.len && !memcmp(out.b, want.b, out.len),
			  "id %u: got:%s\nwant:%s", id >> 1, pkt_dump(&out), pkt_dump(&want));
		cr_assert(pkt_l4_sum_ok(&out), "id %u: checksum", id >> 1);
	}
}

/* RFC 6438: the label is the flow's, constant over it and different over many. */
Test(lb_forward, flow_label_follows_the_flow)
{
	uint32_t labels[256], distinct = 0;
	struct pkt in, out;

	for (uint32_t i = 0; i < 256; i++) {
		struct pkt_spec s = {V6, .sport = 1000 + i};

		pkt_build(&in, &s);
		cr_assert(eq(int, ptest_send(&w, &in, &out, "label"), LB_TX));
		labels[i] = pkt_take_label(&out);
		s.payload = i;
		s.ttl = 3;
		s.flags = 0x18;
		pkt_build(&in, &s);
		cr_assert(eq(int, ptest_send(&w, &in, &out, "label"), LB_TX));
		cr_assert(eq(u32, pkt_take_label(&out), labels[i]));
		for (uint32_t k = 0; k <= i; k++) {
			if (k == i)
				distinct++;
			else if (labels[k] == labels[i])
				break;
		}
	}
	cr_assert(gt(u32, distinct, 250));
}
