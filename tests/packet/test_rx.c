// SPDX-License-Identifier: GPL-2.0
/* test_rx.c - the receiver, packet by packet: what, in, verdict and reason, out. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "tests/packet/ptest.h"
#include "tests/packet/rxrun.h"

/* Outer: from an L4LB to this host, both in rxrun.c. Inner: from a client to a VIP. */
#define O4 .dst = RX_LOCAL4
#define O6 .dst = RX_LOCAL6
#define V4 .dst = "203.0.113.1"
#define V6 .dst = "2001:db8:f::1"
#define SYN .flags = 2
#define CE 3
#define ECT0 2
#define ECT1 1

struct row {
	const char *what;
	struct pkt_spec outer, inner;
	enum lb_rx_why why;
	uint8_t tos; /* of what comes out, where it is not the inner one's own */
};

static const uint8_t another_mac[6] = {2, 0, 0, 0, 9, 9};
static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};

static const struct row decap[] = {
	{"4in4", {O4}, {V4, .payload = 100}, .why = LB_RX_OK_DECAP},
	{"6in6", {O6}, {V6, .payload = 100}, .why = LB_RX_OK_DECAP},
	{"4in6", {O6}, {V4, .payload = 100}, .why = LB_RX_OK_DECAP},
	{"6in4", {O4}, {V6, .payload = 100}, .why = LB_RX_OK_DECAP},
	{"4in4, SYN", {O4}, {V4, SYN}, .why = LB_RX_OK_DECAP},
	{"6in6, SYN", {O6}, {V6, SYN}, .why = LB_RX_OK_DECAP},
	{"4in6, SYN", {O6}, {V4, SYN}, .why = LB_RX_OK_DECAP},
	{"6in4, SYN", {O4}, {V6, SYN}, .why = LB_RX_OK_DECAP},
	{"4in4, 3000 bytes", {O4}, {V4, .payload = 3000}, .why = LB_RX_OK_DECAP},
	{"4in6, 3000 bytes", {O6}, {V4, .payload = 3000}, .why = LB_RX_OK_DECAP},
	{"6in4, 3000 bytes", {O4}, {V6, .payload = 3000}, .why = LB_RX_OK_DECAP},
	{"4in4, nothing but a header", {O4}, {V4, .proto = 59}, .why = LB_RX_OK_DECAP},
	{"4in6, nothing but a header", {O6}, {V4, .proto = 59}, .why = LB_RX_OK_DECAP},
	{"6in4, nothing but a header", {O4}, {V6, .proto = 59}, .why = LB_RX_OK_DECAP},
	{"6in6, nothing but a header", {O6}, {V6, .proto = 59}, .why = LB_RX_OK_DECAP},
	{"4in6, empty udp", {O6}, {V4, .proto = IPPROTO_UDP}, .why = LB_RX_OK_DECAP},
	{"6in4, udp", {O4}, {V6, .proto = IPPROTO_UDP, .payload = 9}, .why = LB_RX_OK_DECAP},
	{"icmp",
	 {O4},
	 {V4, .proto = IPPROTO_ICMP, .flags = 3, .payload = 30},
	 .why = LB_RX_OK_DECAP},
	{"icmpv6",
	 {O6},
	 {V6, .proto = IPPROTO_ICMPV6, .flags = 2, .payload = 50},
	 .why = LB_RX_OK_DECAP},
	{"another protocol", {O4}, {V4, .proto = 50, .payload = 33}, .why = LB_RX_OK_DECAP},
	{"inner fragment", {O4}, {V4, .frag = 0x2000, .payload = 64}, .why = LB_RX_OK_DECAP},
	{"inner later fragment",
	 {O4},
	 {V4, .frag = 0x0020, SYN, .payload = 64},
	 .why = LB_RX_OK_DECAP},
	{"inner ipv6 fragment", {O6}, {V6, .ext = "f", .payload = 64}, .why = LB_RX_OK_DECAP},
	{"inner options", {O4}, {V4, .options = 10, SYN}, .why = LB_RX_OK_DECAP},
	{"inner extension headers", {O4}, {V6, .ext = "hrd", SYN}, .why = LB_RX_OK_DECAP},
	{"a tunnel in a tunnel", {O4}, {V4, .proto = 4, .payload = 40}, .why = LB_RX_OK_DECAP},
	{"inner ttl 1", {O4}, {V4, .ttl = 1}, .why = LB_RX_OK_DECAP},
	{"outer ttl 1", {O4, .ttl = 1}, {V4}, .why = LB_RX_OK_DECAP},
	{"one word of outer options", {O4, .options = 1}, {V4}, .why = LB_RX_OK_DECAP},
	{"ten words of outer options",
	 {O4, .options = 10},
	 {V4, .payload = 5},
	 .why = LB_RX_OK_DECAP},
	{"6in4, ten words of outer options", {O4, .options = 10}, {V6}, .why = LB_RX_OK_DECAP},
	{"outer don't fragment", {O4, .frag = 0x4000}, {V4}, .why = LB_RX_OK_DECAP},
	{"destination options", {O6, .ext = "d"}, {V6}, .why = LB_RX_OK_DECAP},
	{"4in6, destination options", {O6, .ext = "d"}, {V4}, .why = LB_RX_OK_DECAP},
	{"destination options twice", {O6, .ext = "dD"}, {V6, .payload = 7}, .why = LB_RX_OK_DECAP},
	{"4in4, padded", {O4, .pad = 9}, {V4}, .why = LB_RX_OK_DECAP},
	{"4in6, padded", {O6, .pad = 46}, {V4, .proto = 59}, .why = LB_RX_OK_DECAP},
	{"6in4, padded", {O4, .pad = 1}, {V6, .payload = 3}, .why = LB_RX_OK_DECAP},
	{"inner packet shorter than the tunnel's", {O4}, {V4, .pad = 12}, .why = LB_RX_OK_DECAP},
	{"inner ipv6 shorter than the tunnel's", {O4}, {V6, .pad = 40}, .why = LB_RX_OK_DECAP},
	{"from an allowed prefix", {O4, .src = "10.9.255.255"}, {V4}, .why = LB_RX_OK_DECAP},
	{"from an allowed ipv6 prefix", {O6, .src = "fd00:9:ffff::1"}, {V4}, .why = LB_RX_OK_DECAP},
	{"to the second local address", {.dst = "10.0.0.3"}, {V4}, .why = LB_RX_OK_DECAP},
};

static const struct row ecn[] = {
	{"not-ECT, ECT(0) outside", {O4, .tos = ECT0}, {V4}, .why = LB_RX_OK_DECAP},
	{"not-ECT, ECT(1) outside", {O4, .tos = ECT1}, {V6}, .why = LB_RX_OK_DECAP},
	{"not-ECT, CE outside", {O4, .tos = CE}, {V4}, .why = LB_RX_DROP_ECN},
	{"not-ECT in ipv6, CE outside", {O6, .tos = CE}, {V6, .tos = 0xfc}, .why = LB_RX_DROP_ECN},
	{"ECT(0), not-ECT outside", {O4}, {V4, .tos = ECT0}, .why = LB_RX_OK_DECAP},
	{"ECT(0), ECT(0) outside", {O4, .tos = ECT0}, {V4, .tos = ECT0}, .why = LB_RX_OK_DECAP},
	{"ECT(0), ECT(1) outside",
	 {O4, .tos = ECT1},
	 {V4, .tos = ECT0},
	 .why = LB_RX_OK_DECAP,
	 .tos = ECT1},
	{"6in6 ECT(0), ECT(1)",
	 {O6, .tos = ECT1},
	 {V6, .tos = ECT0},
	 .why = LB_RX_OK_DECAP,
	 .tos = ECT1},
	{"ECT(0), CE outside",
	 {O4, .tos = CE},
	 {V4, .tos = ECT0},
	 .why = LB_RX_OK_DECAP,
	 .tos = CE},
	{"ECT(1), ECT(0) outside", {O4, .tos = ECT0}, {V4, .tos = ECT1}, .why = LB_RX_OK_DECAP},
	{"ECT(1), CE outside",
	 {O6, .tos = CE},
	 {V4, .tos = ECT1},
	 .why = LB_RX_OK_DECAP,
	 .tos = CE},
	{"CE, not-ECT outside", {O4}, {V4, .tos = CE}, .why = LB_RX_OK_DECAP},
	{"CE, ECT(1) outside", {O6, .tos = ECT1}, {V6, .tos = CE}, .why = LB_RX_OK_DECAP},
	{"CE, CE outside", {O6, .tos = CE}, {V6, .tos = CE}, .why = LB_RX_OK_DECAP},
	{"DSCP stays, 4in4",
	 {O4, .tos = 0x23},
	 {V4, .tos = 0xba},
	 .why = LB_RX_OK_DECAP,
	 .tos = 0xbb},
	{"DSCP stays, 6in6",
	 {O6, .tos = 0x23},
	 {V6, .tos = 0xba},
	 .why = LB_RX_OK_DECAP,
	 .tos = 0xbb},
	{"DSCP stays, 6in4",
	 {O4, .tos = 0xff},
	 {V6, .tos = 0x51},
	 .why = LB_RX_OK_DECAP,
	 .tos = 0x53},
	{"options, CE",
	 {O4, .tos = CE, .options = 3},
	 {V4, .tos = 2, .options = 4, .payload = 11},
	 .why = LB_RX_OK_DECAP,
	 .tos = CE},
};

static const struct row drop[] = {
	{"another source", {O4, .src = "10.0.9.1"}, {V4}, .why = LB_RX_DROP_FROM},
	{"another ipv6 source", {O6, .src = "fd00:8::1"}, {V6}, .why = LB_RX_DROP_FROM},
	{"one past the prefix", {O4, .src = "10.10.0.0"}, {V4}, .why = LB_RX_DROP_FROM},
	{"allowed on another device", {O4, .src = "10.77.0.1"}, {V4}, .why = LB_RX_DROP_FROM},
	{"ipv4 bytes in ipv6", {O6, .src = "a00:1::"}, {V4}, .why = LB_RX_DROP_FROM},
	{"another source, fragment",
	 {O4, .src = "10.0.9.1", .frag = 0x2000},
	 {V4},
	 .why = LB_RX_DROP_FROM},
	{"first fragment", {O4, .frag = 0x2000}, {V4}, .why = LB_RX_DROP_FRAGMENT},
	{"later fragment", {O4, .frag = 0x0003}, {V4}, .why = LB_RX_DROP_FRAGMENT},
	{"don't fragment, more", {O4, .frag = 0x6000}, {V6}, .why = LB_RX_DROP_FRAGMENT},
	{"last fragment", {O4, .frag = 0x1fff}, {V6}, .why = LB_RX_DROP_FRAGMENT},
	{"ipv6 fragment", {O6, .ext = "f"}, {V6}, .why = LB_RX_DROP_FRAGMENT},
	{"options, then fragment", {O6, .ext = "df"}, {V4}, .why = LB_RX_DROP_FRAGMENT},
	{"two options, then fragment", {O6, .ext = "Ddf"}, {V4}, .why = LB_RX_DROP_FRAGMENT},
	{"ipv6 where ipv4 should be", {O4, .proto = 4}, {V6}, .why = LB_RX_DROP_SHORT},
	{"ipv4 where ipv6 should be",
	 {O6, .proto = 41},
	 {V4, .payload = 40},
	 .why = LB_RX_DROP_SHORT},
	{"to loopback", {O4}, {.dst = "127.0.0.1"}, .why = LB_RX_DROP_INNER},
	{"to multicast", {O6}, {.dst = "224.0.0.1"}, .why = LB_RX_DROP_INNER},
	{"to broadcast", {O4}, {.dst = "255.255.255.255"}, .why = LB_RX_DROP_INNER},
	{"from loopback", {O4}, {V4, .src = "127.1.2.3"}, .why = LB_RX_DROP_INNER},
	{"to ipv6 loopback", {O6}, {.dst = "::1"}, .why = LB_RX_DROP_INNER},
	{"to ipv6 multicast", {O4}, {.dst = "ff02::1"}, .why = LB_RX_DROP_INNER},
	{"from ipv6 loopback", {O6}, {V6, .src = "::1"}, .why = LB_RX_DROP_INNER},
	{"from a mapped address", {O6}, {V6, .src = "::ffff:10.0.0.1"}, .why = LB_RX_DROP_INNER},
	{"inner version 0", {O4}, {V4, .version = PKT_ZERO}, .why = LB_RX_DROP_SHORT},
	{"inner version 5", {O6}, {V6, .version = 5}, .why = LB_RX_DROP_SHORT},
	{"inner ihl 0", {O4}, {V4, .ihl = PKT_ZERO}, .why = LB_RX_DROP_SHORT},
	{"inner ihl 4", {O6}, {V4, .ihl = 4}, .why = LB_RX_DROP_SHORT},
	{"inner ihl beyond the packet", {O4}, {V4, .ihl = 15}, .why = LB_RX_DROP_SHORT},
	{"inner length one too many", {O4}, {V4, .longer = 1}, .why = LB_RX_DROP_SHORT},
	{"inner length into the padding",
	 {O4, .pad = 20},
	 {V4, .longer = 1},
	 .why = LB_RX_DROP_SHORT},
	{"inner ipv6 length into the padding",
	 {O4, .pad = 20},
	 {V6, .longer = 1},
	 .why = LB_RX_DROP_SHORT},
	{"inner length below its header", {O4}, {V4, .longer = -21}, .why = LB_RX_DROP_SHORT},
	{"inner ipv6 length one too many", {O6}, {V6, .longer = 1}, .why = LB_RX_DROP_SHORT},
	{"inner length 0", {O4}, {V4, .longer = -40}, .why = LB_RX_DROP_SHORT},
	{"nothing inside", {O4, .keep = PKT_NONE}, {V4}, .why = LB_RX_DROP_SHORT},
	{"nothing inside but padding",
	 {O4, .keep = PKT_NONE, .pad = 26},
	 {V4},
	 .why = LB_RX_DROP_SHORT},
	{"nothing inside ipv6", {O6, .keep = PKT_NONE}, {V6}, .why = LB_RX_DROP_SHORT},
	{"19 bytes inside", {O4, .keep = 19, .pad = 21}, {V4}, .why = LB_RX_DROP_SHORT},
	{"39 bytes of ipv6 inside", {O4, .keep = 39, .pad = 21}, {V6}, .why = LB_RX_DROP_SHORT},
};

static const struct row pass[] = {
	{"ssh to this host", {O4, .proto = IPPROTO_TCP, .dport = 22}, {0}, .why = LB_RX_PASS_OTHER},
	{"udp to this host", {O6, .proto = IPPROTO_UDP}, {0}, .why = LB_RX_PASS_OTHER},
	{"gre to this host", {O4, .proto = 47, .payload = 30}, {0}, .why = LB_RX_PASS_OTHER},
	{"tcp fragment", {O4, .proto = IPPROTO_TCP, .frag = 0x2000}, {0}, .why = LB_RX_PASS_OTHER},
	{"tcp in an ipv6 fragment",
	 {O6, .proto = IPPROTO_TCP, .ext = "f"},
	 {0},
	 .why = LB_RX_PASS_OTHER},
	{"straight to a vip", {V4, .proto = IPPROTO_TCP, SYN}, {0}, .why = LB_RX_PASS_OTHER},
	{"arp", {O4, .ethertype = 0x0806}, {V4}, .why = LB_RX_PASS_OTHER},
	{"a tag within a tag", {O4, .tag = {5, 6}}, {V4}, .why = LB_RX_PASS_OTHER},
	{"frame for another host", {O4, .dmac = another_mac}, {V4}, .why = LB_RX_PASS_OTHER},
	{"broadcast frame", {O4, .dmac = broadcast}, {V4}, .why = LB_RX_PASS_OTHER},
	{"bad outer checksum", {O4, .code = 1}, {V4}, .why = LB_RX_PASS_OTHER},
	{"bad outer checksum, options",
	 {O4, .options = 10, .code = 1},
	 {V4},
	 .why = LB_RX_PASS_OTHER},
	{"outer version", {O4, .version = 6}, {V4}, .why = LB_RX_PASS_OTHER},
	{"outer ipv6 version", {O6, .version = 4}, {V4}, .why = LB_RX_PASS_OTHER},
	{"outer ihl", {O4, .ihl = 4}, {V4}, .why = LB_RX_PASS_OTHER},
	{"outer length one too many", {O4, .longer = 1}, {V4}, .why = LB_RX_PASS_OTHER},
	{"outer length below its header", {O4, .longer = -41}, {V4}, .why = LB_RX_PASS_OTHER},
	{"outer ipv6 length one too many", {O6, .longer = 1}, {V4}, .why = LB_RX_PASS_OTHER},
	{"outer ipv6 length within its options",
	 {O6, .ext = "d", .longer = -41},
	 {V4},
	 .why = LB_RX_PASS_OTHER},
	{"three destination options", {O6, .ext = "ddd"}, {V6}, .why = LB_RX_PASS_OTHER},
	{"hop-by-hop options", {O6, .ext = "h"}, {V6}, .why = LB_RX_PASS_OTHER},
	{"routing header", {O6, .ext = "r"}, {V6}, .why = LB_RX_PASS_OTHER},
	{"to another host", {.dst = "10.0.0.9"}, {V4}, .why = LB_RX_PASS_NOT_LOCAL},
	{"to another ipv6 host", {.dst = "fd00::9"}, {V6}, .why = LB_RX_PASS_NOT_LOCAL},
	{"to another host, not allowed",
	 {.dst = "10.0.0.9", .src = "10.0.9.1"},
	 {V4},
	 .why = LB_RX_PASS_NOT_LOCAL},
	{"to another host, fragment",
	 {.dst = "10.0.0.9", .frag = 1},
	 {V4},
	 .why = LB_RX_PASS_NOT_LOCAL},
	{"to the ipv4 address in ipv6", {.dst = "a00:2::"}, {V4}, .why = LB_RX_PASS_NOT_LOCAL},
};

static struct rxrun r;

static void setup(void)
{
	struct lb_err err;

	ptest_root();
	must(rxrun_load(&r, &err));
}

static void teardown(void)
{
	rxrun_unload(&r);
}

TestSuite(rx, .init = setup, .fini = teardown);

/* What comes out of the tunnel, built anew. */
static void expect(struct pkt *p, const struct row *row)
{
	struct pkt_spec s = row->inner;

	if (row->tos)
		s.tos = row->tos;
	s.dmac = row->outer.dmac ? row->outer.dmac : rx_mac;
	s.pad += row->outer.pad;
	pkt_build(p, &s);
}

static void run_rows(const struct row *row, size_t rows)
{
	static struct pkt in, out, want;

	for (; rows; rows--, row++) {
		rx_build(&in, &row->outer, row->inner.dst ? &row->inner : NULL);
		cr_expect(eq(str, (char *)rxrun_why(rxrun_send(&r, &in, &out, NULL)),
			     (char *)rxrun_why(row->why)),
			  "%s: %s; sent:%s", row->what, r.wrong, pkt_dump(&in));
		if (row->why != LB_RX_OK_DECAP)
			continue;
		expect(&want, row);
		cr_expect(out.len == want.len && memcmp(out.b, want.b, want.len) == 0,
			  "%s: came out:%s; want:%s", row->what, pkt_dump(&out), pkt_dump(&want));
	}
}

#define ROWS(name) \
	Test(rx, name) \
	{ \
		run_rows(name, sizeof(name) / sizeof(*name)); \
	}

ROWS(decap)
ROWS(ecn)
ROWS(drop)
ROWS(pass)

/*
 * Every length of a valid frame: it is never taken out, never changed. Frames too short for an IP
 * header BPF_PROG_TEST_RUN does not take.
 */
Test(rx, truncated)
{
	static const struct {
		struct pkt_spec outer, inner;
	} whole[] = {
		{{O4}, {V4, SYN, .payload = 9}},
		{{O6}, {V6, SYN, .payload = 9}},
		{{O6}, {V4, SYN, .payload = 9}},
		{{O4}, {V6, SYN, .payload = 9}},
		{{O4, .options = 10}, {V4, .options = 10, .payload = 9}},
		{{O6, .ext = "dD"}, {V4, .payload = 9}},
	};
	static struct pkt in, out;

	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
		rx_build(&in, &whole[i].outer, &whole[i].inner);
		cr_expect(rxrun_send(&r, &in, &out, NULL) == LB_RX_OK_DECAP, "row %zu", i);
		while (--in.len >= ETH_HLEN + (in.b[12] == 8 ? 20 : 40))
			cr_expect(rxrun_send(&r, &in, &out, NULL) == LB_RX_PASS_OTHER,
				  "row %zu cut to %u: %s", i, in.len, r.wrong);
	}
}

/* What the inner length hides, whatever the outer says: no length but the right ones comes out. */
Test(rx, inner_cut)
{
	static struct pkt in, out;

	for (int v6 = 0; v6 < 2; v6++) {
		struct pkt_spec outer = {O4, .pad = 60}, inner = {V4, .payload = 20};
		uint16_t all = 60;

		if (v6)
			inner.dst = "2001:db8:f::1", all = 80;
		for (uint16_t keep = 1; keep < all; keep++) {
			outer.keep = keep;
			rx_build(&in, &outer, &inner);
			cr_expect(rxrun_send(&r, &in, &out, NULL) == LB_RX_DROP_SHORT,
				  "%u bytes: %s", keep, r.wrong);
		}
	}
}

/* Joined packets of a kind that the kernel cannot shorten are dropped, not passed half done. */
Test(rx, refused)
{
	struct __sk_buff ctx = {.gso_segs = 3, .gso_size = 20};
	static struct pkt in, out;

	for (int v6 = 0; v6 < 2; v6++) {
		struct pkt_spec outer = {O4}, inner = {V4, .payload = 60};

		if (v6)
			inner.dst = "2001:db8:f::1";
		rx_build(&in, &outer, &inner);
		cr_expect(rxrun_send(&r, &in, &out, &ctx) == LB_RX_DROP_FAILED, "%s", r.wrong);
	}
}

/* Bytes changed at random: a frame is left as it was, or comes out as the end of what it was. */
Test(rx, noise)
{
	static const struct {
		struct pkt_spec outer, inner;
	} base[] = {
		{{O4}, {V4, SYN, .tos = 2}},
		{{O6}, {V6, SYN, .tos = 2}},
		{{O6, .ext = "d"}, {V4, .tos = 1}},
		{{O4, .options = 2}, {V6, .ext = "h"}},
	};
	uint64_t seed = 42;
	uint32_t decaps = 0;
	static struct pkt in, out;

	for (int i = 0; i < 20000; i++) {
		uint64_t x = pkt_random(&seed);
		uint32_t cut, same;

		rx_build(&in, &base[i % 4].outer, &base[i % 4].inner);
		for (x |= 1; x & 1; x >>= 13)
			in.b[12 + (x >> 1) % (in.len - 12) * (x >> 1 & 1)] ^= x >> 7 & 0x3f;
		rx_mend_outer(&in);
		if (rxrun_send(&r, &in, &out, NULL) != LB_RX_OK_DECAP) {
			cr_assert(r.wrong[0] == 0, "%s; sent:%s", r.wrong, pkt_dump(&in));
			continue;
		}
		decaps++;
		cut = in.len - out.len;
		cr_assert(out.len < in.len && cut >= 20);
		same = out.b[12] == 8 ? 12 : 2; /* before it are ECN and checksum */
		cr_assert(out.b[14] == in.b[14 + cut]);
		cr_assert(memcmp(out.b + 14 + same, in.b + 14 + cut + same, out.len - 14 - same) ==
				  0,
			  "sent:%s; came out:%s", pkt_dump(&in), pkt_dump(&out));
	}
	cr_expect(decaps > 2000 && decaps < 18000, "%u taken out", decaps);
}
