// SPDX-License-Identifier: GPL-2.0
/* test_rx_mss.c - the MSS of SYN-ACKs: whose, what in, what out. */
#include <string.h>

#include "tests/packet/ptest.h"
#include "tests/packet/rxrun.h"

#define VIP4 "203.0.113.1"
#define VIP6 "2001:db8:f::1"
#define CLIENT4 "192.0.2.10"
#define CLIENT6 "2001:db8:c::10"
#define SYNACK 0x12

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

TestSuite(rx_mss, .init = setup, .fini = teardown);

static void put16(uint8_t *b, uint32_t v)
{
	b[0] = v >> 8;
	b[1] = v;
}

/* Sums of an IPv4 header and of TCP, anew. */
static void mend(struct pkt *p)
{
	uint8_t *ip = p->b + ETH_HLEN, *tcp;
	bool v6 = ip[0] >> 4 == 6;
	uint32_t head = v6 ? 40 : (ip[0] & 15) * 4, len = p->len - ETH_HLEN - head;

	put16(v6 ? ip + 4 : ip + 2, v6 ? len : head + len);
	rx_mend_outer(p);
	tcp = ip + head;
	put16(tcp + 16, 0);
	put16(tcp + 16, pkt_fold(pkt_sum(tcp, len) + pkt_sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8) +
				 IPPROTO_TCP + len));
}

/* A TCP packet with n bytes of options, a multiple of 4, and whatever s asks for behind them. */
static void build(struct pkt *p, const struct pkt_spec *s, const uint8_t *opt, uint32_t n)
{
	struct pkt_spec t = *s;
	uint8_t *tcp, *ip = p->b + ETH_HLEN;

	t.dmac = rx_mac;
	t.payload = n + s->payload;
	t.flags = s->flags ? s->flags : SYNACK;
	t.version = t.ihl = 0;
	pkt_build(p, &t);
	tcp = p->b + p->len - t.payload - 20;
	tcp[12] = (5 + n / 4) << 4;
	memcpy(tcp + 20, opt, n);
	mend(p);
	if (s->version)
		*ip = (*ip & 15) | s->version << 4;
	if (s->ihl)
		*ip = (*ip & 0xf0) | s->ihl;
}

#define FROM4 .src = VIP4, .dst = CLIENT4
#define FROM6 .src = VIP6, .dst = CLIENT6

/* Device: mtu 1500. Both VIPs are known, behind outer headers of 20 (IPv4) and 40 bytes. */
static const struct {
	const char *what;
	uint32_t mss; /* of the device */
	struct pkt_spec spec;
	const char *opt;
	uint32_t opts;
	int at, want; /* where the MSS stands, and what it is to become; -1: nothing changes */
} row[] = {
#define OPT(bytes) bytes, sizeof(bytes) - 1
#define M1460 "\2\4\x05\xb4"
#define LINUX \
	M1460 "\4\2\x08\x0a" \
	      "12345678" \
	      "\1\3\3\7"
	{"bound", 1400, {FROM4}, OPT(M1460), 0, 1400},
	{"ipv6, bound", 1400, {FROM6}, OPT(M1460), 0, 1400},
	{"auto", LB_RX_MSS_AUTO, {FROM4}, OPT(M1460), 0, 1440},
	{"ipv6, auto", LB_RX_MSS_AUTO, {FROM6}, OPT(M1460), 0, 1400},
	{"what Linux sends", LB_RX_MSS_AUTO, {FROM4}, OPT(LINUX), 0, 1440},
	{"what Linux sends, ipv6", 1220, {FROM6}, OPT(LINUX), 0, 1220},
	{"ip options", LB_RX_MSS_AUTO, {FROM4, .options = 10}, OPT(LINUX), 0, 1440},
	{"one less", 1459, {FROM4}, OPT(M1460), 0, 1459},
	{"equal", 1460, {FROM4}, OPT(M1460), -1, 0},
	{"never raised", 1461, {FROM4}, OPT(M1460), -1, 0},
	{"never raised, 65535", 65535, {FROM6}, OPT(M1460), -1, 0},
	{"65535 lowered", 88, {FROM4}, OPT("\2\4\xff\xff"), 0, 88},
	{"an mss of 0", 1400, {FROM4}, OPT("\2\4\0\0"), -1, 0},
	{"left alone", 0, {FROM4}, OPT(M1460), -1, 0},
	{"second", 1400, {FROM4}, OPT("\4\2\2\4\x05\xb4\1\1"), 2, 1400},
	{"at an odd place", 1400, {FROM4}, OPT("\1\2\4\x05\xb4\1\1\1"), 1, 1400},
	{"at an odd place, ipv6", 1399, {FROM6}, OPT("\3\3\7\2\4\x05\xb4\1"), 3, 1399},
	{"at an odd place, odd value", 257, {FROM4}, OPT("\3\3\7\2\4\xff\x00\1"), 3, 257},
	{"last of forty",
	 1400,
	 {FROM4},
	 OPT("\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1" M1460),
	 36,
	 1400},
	{"last of forty, odd",
	 1400,
	 {FROM4},
	 OPT("\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1" M1460 "\0"),
	 35,
	 1400},
	{"behind a long one",
	 1400,
	 {FROM4},
	 OPT("\xfe\x0a"
	     "abcdefgh" M1460 "\0\0"),
	 10,
	 1400},
	{"behind twenty of two",
	 1400,
	 {FROM4},
	 OPT("\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2\4\2" M1460),
	 36,
	 1400},
	{"the first of two", 1400, {FROM4}, OPT(M1460 M1460), 0, 1400},
	{"none", 1400, {FROM4}, OPT("\4\2\1\1\3\3\7\1"), -1, 0},
	{"no options", 1400, {FROM4}, OPT(""), -1, 0},
	{"no options, ipv6", 1400, {FROM6}, OPT(""), -1, 0},
	{"behind the end", 1400, {FROM4}, OPT("\0\2" M1460 "\0\0"), -1, 0},
	{"within another", 1400, {FROM4}, OPT("\xfe\x08\1\1" M1460), -1, 0},
	{"another runs over the end", 1400, {FROM4}, OPT("\x08\x0a" M1460 "\0\0"), -1, 0},
	{"another of length 0", 1400, {FROM4}, OPT("\x08\0" M1460 "\0\0"), -1, 0},
	{"another of length 1", 1400, {FROM4}, OPT("\x08\1" M1460 "\0\0"), -1, 0},
	{"another of length 255", 1400, {FROM4}, OPT("\x08\xff" M1460 "\0\0"), -1, 0},
	{"length 3", 1400, {FROM4}, OPT("\2\3\x05\xb4"), -1, 0},
	{"length 6", 1400, {FROM4}, OPT("\2\6\x05\xb4\0\0\0\0"), -1, 0},
	{"cut", 1400, {FROM4}, OPT("\1\2\4\x05"), -1, 0},
	{"cut, data behind", 1000, {FROM4, .payload = 8}, OPT("\1\2\4\x05"), -1, 0},
	{"syn", 1400, {FROM4, .flags = 2}, OPT(M1460), -1, 0},
	{"ack", 1400, {FROM4, .flags = 0x10}, OPT(M1460), -1, 0},
	{"syn-ack with ecn", 1400, {FROM4, .flags = 0x52}, OPT(M1460), 0, 1400},
	{"another source", 1400, {.src = "203.0.113.2", .dst = CLIENT4}, OPT(M1460), -1, 0},
	{"another ipv6 source", 1400, {.src = "2001:db8:f::2", .dst = CLIENT6}, OPT(M1460), -1, 0},
	{"ipv4 bytes in ipv6", 1400, {.src = "cb00:7101::", .dst = CLIENT6}, OPT(M1460), -1, 0},
	{"fragment", 1400, {FROM4, .frag = 0x2000}, OPT(M1460), -1, 0},
	{"later fragment", 1400, {FROM4, .frag = 3}, OPT(M1460), -1, 0},
	{"extension headers", 1400, {FROM6, .ext = "d"}, OPT(M1460), -1, 0},
	{"arp", 1400, {FROM4, .ethertype = 0x0806}, OPT(M1460), -1, 0},
	{"version", 1400, {FROM4, .version = 6}, OPT(M1460), -1, 0},
	{"ipv6 version", 1400, {FROM6, .version = 4}, OPT(M1460), -1, 0},
};

static void known(uint32_t outer4, uint32_t outer6)
{
	struct lb_err err;

	must(rxrun_set_vip(&r, VIP4, outer4, &err));
	must(rxrun_set_vip(&r, VIP6, outer6, &err));
}

/* By the sums as they come out, not only by comparison with what mend() makes. */
static void check(const char *what, const struct pkt *in, int at, int want, uint32_t opts)
{
	static struct pkt out, same;
	int done = rxrun_leave(&r, in, &out);

	same = *in;
	if (at < 0) {
		cr_expect(done == 0, "%s: %d %s", what, done, r.wrong);
		return;
	}
	put16(same.b + same.len - opts + at + 2, want);
	mend(&same);
	cr_expect(done == 1, "%s: %d %s", what, done, r.wrong);
	cr_expect(pkt_l4_sum_ok(&out), "%s: checksum", what);
	cr_expect(out.len == same.len && memcmp(out.b, same.b, same.len) == 0,
		  "%s: came out:%s; want:%s", what, pkt_dump(&out), pkt_dump(&same));
}

Test(rx_mss, rows)
{
	struct lb_err err;
	static struct pkt in;

	known(20, 40);
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		must(rxrun_dev(&r, row[i].mss, 1500, &err));
		build(&in, &row[i].spec, (const uint8_t *)row[i].opt, row[i].opts);
		check(row[i].what, &in, row[i].at, row[i].want, row[i].opts);
	}
}

/* auto = MTU - outer headers - inner IP header - 20, and at least 88. */
Test(rx_mss, automatic)
{
	static const struct {
		uint32_t mtu, outer, want4, want6;
	} sum[] = {
		{1500, 20, 1440, 1420},	   {1500, 40, 1420, 1400}, {1500, 48, 1412, 1392},
		{9000, 40, 8920, 8900},	   {1280, 40, 1200, 1180}, {576, 20, 516, 496},
		{168, 20, 108, 88},	   {100, 40, 88, 88},	   {0, 40, 88, 88},
		{65535, 20, 65475, 65455},
	};
	static const uint8_t most[] = {2, 4, 0xff, 0xff};
	struct lb_err err;
	static struct pkt in;

	for (size_t i = 0; i < sizeof(sum) / sizeof(*sum); i++) {
		must(rxrun_dev(&r, LB_RX_MSS_AUTO, sum[i].mtu, &err));
		known(sum[i].outer, sum[i].outer);
		build(&in, &(struct pkt_spec){FROM4}, most, sizeof(most));
		check("ipv4", &in, 0, sum[i].want4, sizeof(most));
		build(&in, &(struct pkt_spec){FROM6}, most, sizeof(most));
		check("ipv6", &in, 0, sum[i].want6, sizeof(most));
	}
}

/* Every MSS at every place: the checksum mended is the checksum made anew. */
Test(rx_mss, sums)
{
	uint8_t opt[8] = {1, 1, 1, 1, 1, 1, 1, 1};
	struct lb_err err;
	static struct pkt in;

	known(20, 40);
	must(rxrun_dev(&r, 536, 1500, &err));
	for (uint32_t mss = 537; mss < 65536; mss += 37) {
		uint32_t at = mss % 5;

		memset(opt, 1, sizeof(opt));
		memcpy(opt + at, (uint8_t[]){2, 4, mss >> 8, mss}, 4);
		build(&in, &(struct pkt_spec){FROM4, .sport = mss}, opt, sizeof(opt));
		check("sum", &in, at, 536, sizeof(opt));
	}
}

/* A header length below 20 that leads to what looks like a SYN-ACK is not believed. */
Test(rx_mss, header_length)
{
	struct lb_err err;
	static struct pkt in;

	known(20, 40);
	must(rxrun_dev(&r, 1000, 1500, &err));
	build(&in, &(struct pkt_spec){FROM4, .ihl = 4}, (const uint8_t *)M1460 M1460, 8);
	memcpy(in.b + ETH_HLEN + 16 + 12, (uint8_t[]){6 << 4, SYNACK}, 2);
	memcpy(in.b + ETH_HLEN + 16 + 20, M1460, 4);
	check("ihl 4", &in, -1, 0, 8);
	in.b[ETH_HLEN] = 0x45;
	memcpy(in.b + ETH_HLEN + 20 + 12, (uint8_t[]){7 << 4, SYNACK}, 2);
	mend(&in);
	check("ihl 5", &in, 0, 1000, 8);
}

Test(rx_mss, device_not_listed)
{
	static struct pkt in;

	known(20, 40);
	build(&in, &(struct pkt_spec){FROM4}, (const uint8_t *)"\2\4\5\xb4", 4);
	check("no device", &in, -1, 0, 4);
}

/* Every length of a valid frame: left as it is, once its options are no longer whole. */
Test(rx_mss, truncated)
{
	struct lb_err err;
	static struct pkt in;

	known(20, 40);
	must(rxrun_dev(&r, 1000, 1500, &err));
	for (int v6 = 0; v6 < 2; v6++) {
		build(&in, v6 ? &(struct pkt_spec){FROM6} : &(struct pkt_spec){FROM4},
		      (const uint8_t *)LINUX, sizeof(LINUX) - 1);
		check("whole", &in, 0, 1000, sizeof(LINUX) - 1);
		while (--in.len >= ETH_HLEN + (v6 ? 40 : 20))
			check("cut", &in, -1, 0, 0);
	}
}

/* Which packets taken out of a tunnel make their destination known, and how. */
Test(rx_mss, learned)
{
	static const struct {
		const char *what;
		struct pkt_spec outer, inner;
		uint32_t outer_len; /* 0: not learned */
	} seen[] = {
		{"syn-ack", {.dst = RX_LOCAL4}, {.dst = VIP4, .flags = SYNACK}, 0},
		{"ack", {.dst = RX_LOCAL4}, {.dst = VIP4}, 0},
		{"udp", {.dst = RX_LOCAL4}, {.dst = VIP4, .proto = IPPROTO_UDP, .payload = 20}, 0},
		{"later fragment", {.dst = RX_LOCAL4}, {.dst = VIP4, .flags = 2, .frag = 2}, 0},
		{"no flags",
		 {.dst = RX_LOCAL4},
		 {.dst = VIP4, .flags = 2, .keep = 13, .pad = 9},
		 0},
		{"not allowed",
		 {.dst = RX_LOCAL4, .src = "10.0.9.1"},
		 {.dst = VIP4, .flags = 2},
		 0},
		{"not local", {.dst = "10.0.0.9"}, {.dst = VIP4, .flags = 2}, 0},
		{"congested", {.dst = RX_LOCAL4, .tos = 3}, {.dst = VIP4, .flags = 2}, 0},
		{"extension headers", {.dst = RX_LOCAL4}, {.dst = VIP6, .flags = 2, .ext = "d"}, 0},
		{"4in4", {.dst = RX_LOCAL4}, {.dst = VIP4, .flags = 2}, 20},
		{"6in4", {.dst = RX_LOCAL4}, {.dst = VIP6, .flags = 2}, 20},
		{"syn with ecn", {.dst = RX_LOCAL4}, {.dst = VIP4, .flags = 0xc2}, 20},
		{"options within",
		 {.dst = RX_LOCAL4},
		 {.dst = VIP4, .flags = 2, .options = 10},
		 20},
		{"4in6", {.dst = RX_LOCAL6}, {.dst = VIP4, .flags = 2}, 40},
		{"6in6", {.dst = RX_LOCAL6}, {.dst = VIP6, .flags = 2}, 40},
		{"the most stays", {.dst = RX_LOCAL4}, {.dst = VIP4, .flags = 2}, 40},
		{"outer options", {.dst = RX_LOCAL6, .ext = "d"}, {.dst = VIP4, .flags = 2}, 48},
	};
	static struct pkt in, out;

	for (size_t i = 0; i < sizeof(seen) / sizeof(*seen); i++) {
		rx_build(&in, &seen[i].outer, &seen[i].inner);
		rxrun_send(&r, &in, &out, NULL);
		cr_expect(r.wrong[0] == 0, "%s: %s", seen[i].what, r.wrong);
		cr_expect(eq(u32, rxrun_vip(&r, seen[i].inner.dst), seen[i].outer_len), "%s",
			  seen[i].what);
	}
}
