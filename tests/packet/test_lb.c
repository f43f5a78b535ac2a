// SPDX-License-Identifier: GPL-2.0
/* test_lb.c - the balancer, packet by packet: what is not forwarded, and why. */
#include "tests/packet/ptest.h"

#define V4 .dst = "203.0.113.1"
#define V6 .dst = "2001:db8:f::1"
#define UDP .proto = IPPROTO_UDP, .dport = 53

struct row {
	const char *what;
	struct pkt_spec in;
	enum lb_why why;
};

static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
static const uint8_t multicast[6] = {0x33, 0x33, 0, 0, 0, 1};

/* Untouched, all of them: world_send() sees to it. */
static const struct row pass[] = {
	{"arp", {V4, .ethertype = 0x0806}, LB_PASS_NOT_IP},
	{"lldp", {V4, .ethertype = 0x88cc}, LB_PASS_NOT_IP},
	{"arp, broadcast", {V4, .ethertype = 0x0806, .dmac = broadcast}, LB_PASS_L2_GROUP},
	{"vip, broadcast", {V4, .dmac = broadcast}, LB_PASS_L2_GROUP},
	{"vip, multicast", {V6, .dmac = multicast}, LB_PASS_L2_GROUP},
	{"neighbour solicitation, multicast",
	 {.dst = "ff02::1:ff00:1", .proto = IPPROTO_ICMPV6, .flags = 135, .dmac = multicast},
	 LB_PASS_L2_GROUP},
	{"neighbour solicitation, unicast",
	 {.dst = "2001:db8:1::1", .proto = IPPROTO_ICMPV6, .flags = 135, .ttl = 255},
	 LB_PASS_NO_VIP},
	{"ipv4 type, version 6", {V4, .version = 6}, LB_PASS_NOT_IP},
	{"ipv4 type, version 0", {V4, .version = PKT_ZERO}, LB_PASS_NOT_IP},
	{"ipv6 type, version 4", {V6, .version = 4}, LB_PASS_NOT_IP},
	{"ipv6 packet, ipv4 type", {V6, .ethertype = 0x0800}, LB_PASS_NOT_IP},
	{"three tags", {V4, .tag = {1, 2, 3}}, LB_PASS_NOT_IP},
	{"bgp to the node", {.dst = "192.0.2.1", .dport = 179}, LB_PASS_NO_VIP},
	{"ssh to the node", {.dst = "2001:db8:1::1", .dport = 22}, LB_PASS_NO_VIP},
	{"echo to the node",
	 {.dst = "192.0.2.1", .proto = IPPROTO_ICMP, .flags = 8},
	 LB_PASS_NO_VIP},
	{"echo to all nodes",
	 {.dst = "ff02::1", .proto = IPPROTO_ICMPV6, .flags = 128},
	 LB_PASS_NO_VIP},
	{"one address past the vip", {.dst = "203.0.113.0"}, LB_PASS_NO_VIP},
	{"one bit off the vip", {.dst = "2001:db8:f:8000::1"}, LB_PASS_NO_VIP},
	{"one bit off the vip, low half", {.dst = "2001:db8:f::8000:0:1"}, LB_PASS_NO_VIP},
	{"address 0", {.dst = "0.0.0.0"}, LB_PASS_NO_VIP},
	{"address ::", {.dst = "::"}, LB_PASS_NO_VIP},
	{"the vip's bytes in ipv6", {.dst = "cb00:7101::"}, LB_PASS_NO_VIP},
	{"tagged, not for a vip", {.dst = "192.0.2.1", .tag = {7, 8}}, LB_PASS_NO_VIP},
	{"fragment, not for a vip", {.dst = "192.0.2.1", .frag = 0x2000}, LB_PASS_NO_VIP},
	{"ipv6 fragment, not for a vip", {.dst = "2001:db8:1::1", .ext = "f"}, LB_PASS_NO_VIP},
	{"options, not for a vip", {.dst = "192.0.2.1", .options = 10}, LB_PASS_NO_VIP},
	{"bad ihl, not for a vip", {.dst = "192.0.2.1", .ihl = 4}, LB_PASS_NO_VIP},
	{"bad length, not for a vip", {.dst = "192.0.2.1", .longer = 9}, LB_PASS_NO_VIP},
	{"many headers, not for a vip",
	 {.dst = "2001:db8:1::1", .ext = "hhhhhhhhh"},
	 LB_PASS_NO_VIP},
	{"short, not for a vip", {.dst = "192.0.2.1", .keep = PKT_NONE}, LB_PASS_NO_VIP},
};

static const struct row drop[] = {
	{"ihl 4", {V4, .ihl = 4}, LB_DROP_BAD_LENGTH},
	{"ihl 0", {V4, .ihl = PKT_ZERO}, LB_DROP_BAD_LENGTH},
	{"ihl beyond the packet", {V4, .ihl = 15}, LB_DROP_BAD_LENGTH},
	{"total length below the header", {V4, .longer = -21}, LB_DROP_BAD_LENGTH},
	{"total length 0", {V4, .longer = -40}, LB_DROP_BAD_LENGTH},
	{"total length below the options", {V4, .options = 2, .longer = -21}, LB_DROP_BAD_LENGTH},
	{"total length beyond the frame", {V4, .longer = 1}, LB_DROP_BAD_LENGTH},
	{"total length beyond the padding", {V4, .pad = 6, .longer = 7}, LB_DROP_BAD_LENGTH},
	{"total length beyond a tagged frame", {V4, .tag = {5}, .longer = 1}, LB_DROP_BAD_LENGTH},
	{"payload length beyond the frame", {V6, .longer = 1}, LB_DROP_BAD_LENGTH},
	{"payload length 32k", {V6, .longer = 32000}, LB_DROP_BAD_LENGTH},
	{"first fragment", {V4, .frag = 0x2000}, LB_DROP_FRAGMENT},
	{"last fragment", {V4, .frag = 0x0001}, LB_DROP_FRAGMENT},
	{"fragment at 65528", {V4, .frag = 0x1fff}, LB_DROP_FRAGMENT},
	{"fragment with options", {V4, .options = 1, .frag = 0x2010}, LB_DROP_FRAGMENT},
	{"fragment of an echo",
	 {V4, .proto = IPPROTO_ICMP, .flags = 8, .frag = 0x2000},
	 LB_DROP_FRAGMENT},
	{"atomic fragment", {V6, .ext = "f"}, LB_DROP_FRAGMENT},
	{"fragment behind others", {V6, .ext = "hrdf"}, LB_DROP_FRAGMENT},
	{"tcp without header", {V4, .keep = PKT_NONE}, LB_DROP_SHORT},
	{"tcp of 19 bytes", {V4, .keep = 19}, LB_DROP_SHORT},
	{"tcp of 19 bytes, padded", {V4, .keep = 19, .pad = 40}, LB_DROP_SHORT},
	{"tcp of 19 bytes, options", {V4, .options = 10, .keep = 19}, LB_DROP_SHORT},
	{"udp of 7 bytes", {V4, UDP, .keep = 7}, LB_DROP_SHORT},
	{"icmp of 7 bytes",
	 {V4, .proto = IPPROTO_ICMP, .flags = 8, .keep = 7, .pad = 9},
	 LB_DROP_SHORT},
	{"ipv6 tcp of 19 bytes", {V6, .keep = 19, .pad = 9}, LB_DROP_SHORT},
	{"ipv6 udp of 7 bytes", {V6, UDP, .keep = 7, .pad = 9}, LB_DROP_SHORT},
	{"icmpv6 of 7 bytes",
	 {V6, .proto = IPPROTO_ICMPV6, .flags = 128, .keep = 7, .pad = 9},
	 LB_DROP_SHORT},
	{"extension header cut", {V6, .ext = "H", .keep = PKT_NONE, .longer = -8}, LB_DROP_SHORT},
	{"extension header beyond",
	 {V6, .ext = "dH", .keep = PKT_NONE, .longer = -48, .pad = 8},
	 LB_DROP_SHORT},
	{"no room for an extension header", {V6, .proto = 60, .payload = 4}, LB_DROP_SHORT},
	{"seven extension headers", {V6, .ext = "hrdahrd"}, LB_DROP_EXT_HEADERS},
	{"seven, then a fragment", {V6, .ext = "dddddddf"}, LB_DROP_EXT_HEADERS},
	{"unreachable without quote", {V4, .proto = IPPROTO_ICMP, .flags = 3}, LB_DROP_ICMP_QUOTE},
	{"redirect", {V4, .proto = IPPROTO_ICMP, .flags = 5, .payload = 60}, LB_DROP_ICMP},
	{"source quench", {V4, .proto = IPPROTO_ICMP, .flags = 4, .payload = 60}, LB_DROP_ICMP},
	{"echo reply", {V4, .proto = IPPROTO_ICMP}, LB_DROP_ICMP},
	{"timestamp request", {V4, .proto = IPPROTO_ICMP, .flags = 13}, LB_DROP_ICMP},
	{"too big without quote", {V6, .proto = IPPROTO_ICMPV6, .flags = 2}, LB_DROP_ICMP_QUOTE},
	{"icmpv6 type 0", {V6, .proto = IPPROTO_ICMPV6, .payload = 80}, LB_DROP_ICMP},
	{"icmpv6 type 5", {V6, .proto = IPPROTO_ICMPV6, .flags = 5, .payload = 80}, LB_DROP_ICMP},
	{"ipv6 echo reply", {V6, .proto = IPPROTO_ICMPV6, .flags = 129}, LB_DROP_ICMP},
	{"solicitation of a vip", {V6, .proto = IPPROTO_ICMPV6, .flags = 135}, LB_DROP_ICMP},
	{"icmpv6 in ipv4", {V4, .proto = IPPROTO_ICMPV6, .flags = 128}, LB_DROP_NO_SERVICE},
	{"icmp in ipv6", {V6, .proto = IPPROTO_ICMP, .flags = 8}, LB_DROP_NO_SERVICE},
	{"wrong port", {V4, .dport = 81}, LB_DROP_NO_SERVICE},
	{"port in the wrong byte order", {V4, .dport = 0x5000}, LB_DROP_NO_SERVICE},
	{"port 0", {V4, .dport = PKT_NONE}, LB_DROP_NO_SERVICE},
	{"udp to a tcp port", {V4, .proto = IPPROTO_UDP, .dport = 80}, LB_DROP_NO_SERVICE},
	{"tcp to a udp port", {V6, .dport = 53}, LB_DROP_NO_SERVICE},
	{"udp to a tcp any",
	 {.dst = "203.0.113.4", .proto = IPPROTO_UDP, .dport = 444},
	 LB_DROP_NO_SERVICE},
	{"another protocol", {V4, .proto = 47, .payload = 40}, LB_DROP_NO_SERVICE},
	{"a tunnel to a vip", {V4, .proto = 4, .payload = 40}, LB_DROP_NO_SERVICE},
	{"esp to a vip", {V6, .proto = 50, .payload = 40}, LB_DROP_NO_SERVICE},
	{"no next header", {V6, .proto = 59}, LB_DROP_NO_SERVICE},
	{"source 0.0.0.0", {V4, .src = "0.0.0.0"}, LB_DROP_BAD_SOURCE},
	{"source loopback", {V4, .src = "127.0.0.1"}, LB_DROP_BAD_SOURCE},
	{"source multicast", {V4, .src = "224.0.0.1"}, LB_DROP_BAD_SOURCE},
	{"source broadcast", {V4, .src = "255.255.255.255"}, LB_DROP_BAD_SOURCE},
	{"source the vip itself", {V4, .src = "203.0.113.1"}, LB_DROP_BAD_SOURCE},
	{"source ::", {V6, .src = "::"}, LB_DROP_BAD_SOURCE},
	{"source ::1", {V6, .src = "::1"}, LB_DROP_BAD_SOURCE},
	{"source mapped", {V6, .src = "::ffff:192.0.2.1"}, LB_DROP_BAD_SOURCE},
	{"source ff02::1", {V6, .src = "ff02::1"}, LB_DROP_BAD_SOURCE},
	{"source the ipv6 vip itself", {V6, .src = "2001:db8:f::1"}, LB_DROP_BAD_SOURCE},
	{"empty pool", {.dst = "203.0.113.5"}, LB_DROP_NO_REAL},
	{"all down, drained or of weight 0", {.dst = "203.0.113.5", .dport = 81}, LB_DROP_NO_REAL},
	{"ipv6, empty pool, no session", {.dst = "2001:db8:f::5"}, LB_DROP_NO_REAL},
	{"gateway not resolved", {.dst = "203.0.113.6"}, LB_DROP_NO_NEIGH},
	{"ipv6 gateway not resolved", {.dst = "2001:db8:f::6"}, LB_DROP_NO_NEIGH},
	{"no route", {.dst = "203.0.113.7"}, LB_DROP_NO_ROUTE},
	{"no ipv6 route", {.dst = "2001:db8:f::7"}, LB_DROP_NO_ROUTE},
	{"blackhole", {.dst = "203.0.113.10"}, LB_DROP_NO_ROUTE},
	{"ipv6 blackhole", {.dst = "2001:db8:f::10"}, LB_DROP_NO_ROUTE},
	{"real is this host", {.dst = "203.0.113.12"}, LB_DROP_NO_ROUTE},
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

TestSuite(lb, .init = setup, .fini = teardown);

static void run_rows(const struct row *row, size_t rows)
{
	struct pkt in, out;

	for (; rows; rows--, row++) {
		enum lb_why why;

		pkt_build(&in, &row->in);
		why = ptest_send(&w, &in, &out, row->what);
		cr_expect(why == row->why, "%s: %s, want %s; sent:%s", row->what,
			  world_why_name(why), world_why_name(row->why), pkt_dump(&in));
	}
}

Test(lb, passes)
{
	run_rows(pass, sizeof(pass) / sizeof(*pass));
}

Test(lb, drops)
{
	run_rows(drop, sizeof(drop) / sizeof(*drop));
}
