// SPDX-License-Identifier: GPL-2.0
/* test_lb_mtu.c - what does not fit the tunnel's path: who is answered, with what, byte for byte, and how often. */
#include <string.h>
#include <unistd.h>

#include "tests/packet/ptest.h"

#define V4 .dst = "203.0.113.1"
#define V6 .dst = "2001:db8:f::1"
#define DF .frag = 0x4000
#define UDP .proto = IPPROTO_UDP, .dport = 53
#define AT_ONCE 100

static const struct row {
	const char *what;
	struct pkt_spec in;
	enum lb_why why;
	uint16_t mtu; /* that the answer says */
} rows[] = {
	{"4in4 of 1500", {V4, DF, .payload = 1440}, LB_TX, 0},
	{"4in4 of 1501", {V4, DF, .payload = 1441}, LB_TX_TOO_BIG, 1480},
	{"4in4 of 1520", {V4, DF, .payload = 1460}, LB_TX_TOO_BIG, 1480},
	{"4in4, 3000 bytes", {V4, DF, .payload = 2960}, LB_TX_TOO_BIG, 1480},
	{"4in4 of 1501, udp", {V4, UDP, DF, .payload = 1453}, LB_TX_TOO_BIG, 1480},
	{"4in4 of 1501, fragments allowed", {V4, .payload = 1441}, LB_TX_TOO_BIG, 1480},
	{"4in4 of 1501, options", {V4, DF, .options = 3, .payload = 1429}, LB_TX_TOO_BIG, 1480},
	{"4in4 of 1501, padded", {V4, DF, .payload = 1441, .pad = 9}, LB_TX_TOO_BIG, 1480},
	{"4in4 of 1501, tos", {V4, DF, .tos = 0xff, .payload = 1441}, LB_TX_TOO_BIG, 1480},
	{"4in4 of 1501, tag", {V4, DF, .payload = 1441, .tag = {7}}, LB_TX_TOO_BIG, 1480},
	{"4in4 of 1501, two tags",
	 {V4, DF, .payload = 1441, .tag = {0xe007, 9}, .tpid = {0x88a8}},
	 LB_TX_TOO_BIG,
	 1480},
	{"4in6 of 1500", {.dst = "203.0.113.2", DF, .payload = 1420}, LB_TX, 0},
	{"4in6 of 1501", {.dst = "203.0.113.2", DF, .payload = 1421}, LB_TX_TOO_BIG, 1460},
	{"4in4, another link", {.dst = "203.0.113.3", DF, .payload = 1441}, LB_TX_TOO_BIG, 1480},
	{"4in4, route of 1400", {.dst = "203.0.113.8", DF, .payload = 1341}, LB_TX_TOO_BIG, 1380},
	{"6in6 of 1500", {V6, .payload = 1400}, LB_TX, 0},
	{"6in6 of 1501", {V6, .payload = 1401}, LB_TX_TOO_BIG, 1460},
	{"6in6 of 1501, udp", {V6, UDP, .payload = 1413}, LB_TX_TOO_BIG, 1460},
	{"6in6, 3000 bytes", {V6, .payload = 2940}, LB_TX_TOO_BIG, 1460},
	{"6in6 of 1501, headers", {V6, .ext = "hd", .payload = 1385}, LB_TX_TOO_BIG, 1460},
	{"6in6 of 1501, two tags", {V6, .payload = 1401, .tag = {1, 2}}, LB_TX_TOO_BIG, 1460},
	{"6in6 of 1501, class", {V6, .tos = 0xff, .payload = 1401}, LB_TX_TOO_BIG, 1460},
	{"6in4 of 1501", {.dst = "2001:db8:f::2", .payload = 1421}, LB_TX_TOO_BIG, 1480},
	{"6in6, route of 1400", {.dst = "2001:db8:f::8", .payload = 1301}, LB_TX_TOO_BIG, 1360},
	{"large echo", {V4, .proto = IPPROTO_ICMP, .flags = 8, .payload = 2900}, LB_TX_ECHO, 0},
	{"large echo, ipv6",
	 {V6, .proto = IPPROTO_ICMPV6, .flags = 128, .payload = 2900},
	 LB_TX_ECHO,
	 0},
};

static struct world w;
static struct lb_err err;

static void setup(void)
{
	ptest_served(&w);
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_mtu, .init = setup, .fini = teardown);

static void put16(uint8_t *b, uint32_t v)
{
	b[0] = v >> 8;
	b[1] = v;
}

static void want4(uint8_t *b, const uint8_t *ip, uint16_t mtu)
{
	static const uint8_t head[] = {0x45, 0xc0, 2, 64, 0, 0, 0x40, 0, 64, 1};

	memset(b, 0, 28);
	memcpy(b, head, sizeof(head));
	memcpy(b + 12, ip + 16, 4);
	memcpy(b + 16, ip + 12, 4);
	put16(b + 10, pkt_fold(pkt_sum(b, 20)));
	b[20] = 3;
	b[21] = 4;
	put16(b + 26, mtu);
	memcpy(b + 28, ip, 548);
	put16(b + 22, pkt_fold(pkt_sum(b + 20, 556)));
}

static void want6(uint8_t *b, const uint8_t *ip, uint16_t mtu)
{
	memset(b, 0, 48);
	b[0] = 0x60;
	put16(b + 4, 1240);
	b[6] = 58;
	b[7] = 64;
	memcpy(b + 8, ip + 24, 16);
	memcpy(b + 24, ip + 8, 16);
	b[40] = 2;
	put16(b + 46, mtu);
	memcpy(b + 48, ip, 1232);
	put16(b + 42, pkt_fold(pkt_sum(b + 8, 32 + 1240) + 1240 + 58));
}

/* The answer to `in`, written a second time. */
static void want_of(struct pkt *out, const struct pkt *in, uint16_t mtu)
{
	uint16_t type;
	uint32_t l3 = pkt_l3(in, &type);

	memcpy(out->b, in->b + 6, 6);
	memcpy(out->b + 6, in->b, 6);
	memcpy(out->b + 12, in->b + 12, l3 - 12);
	(type == 0x0800 ? want4 : want6)(out->b + l3, in->b + l3, mtu);
	out->len = l3 + (type == 0x0800 ? 576 : 1280);
}

Test(lb_mtu, answers)
{
	struct pkt in, out, want;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		enum lb_why why;

		pkt_build(&in, &row->in);
		why = ptest_send(&w, &in, &out, row->what);
		cr_expect(why == row->why, "%s: %s, want %s", row->what, world_why_name(why),
			  world_why_name(row->why));
		if (why != LB_TX_TOO_BIG)
			continue;
		want_of(&want, &in, row->mtu);
		cr_expect(out.len == want.len && !memcmp(out.b, want.b, want.len),
			  "%s: got:%s\nwant:%s", row->what, pkt_dump(&out), pkt_dump(&want));
		cr_expect(pkt_l4_sum_ok(&out), "%s: checksum", row->what);
	}
}

/* As many at once as there are in a second, then one in ten milliseconds; what is not answered is dropped, and what fits
 * goes on. */
Test(lb_mtu, not_too_often)
{
	struct pkt_spec big = {V4, DF, .payload = 1460}, fits = {V4};
	uint32_t answered = 0;
	struct pkt in, out;

	pkt_build(&in, &big);
	for (int i = 0; i < 2000; i++) {
		enum lb_why why = ptest_send(&w, &in, &out, "big");

		cr_assert(why == LB_TX_TOO_BIG || (i >= AT_ONCE && why == LB_DROP_TOO_BIG_RATE),
			  "%d: %s", i, world_why_name(why));
		answered += why == LB_TX_TOO_BIG;
	}
	cr_assert(answered >= AT_ONCE && answered < 1000, "%u answers", answered);
	pkt_build(&in, &fits);
	cr_assert(eq(int, ptest_send(&w, &in, &out, "fits"), LB_TX));
	pkt_build(&in, &big);
	usleep(50000); /* some have become free */
	cr_assert(eq(int, ptest_send(&w, &in, &out, "later"), LB_TX_TOO_BIG));
}

/* Paths below what each host may send without asking: told that much, and below it nothing. */
Test(lb_mtu, narrow_paths)
{
	static const struct {
		struct pkt_spec in;
		enum lb_why why;
		uint16_t mtu;
	} narrow[] = {
		{{V4, DF, .payload = 537}, LB_TX_TOO_BIG, 576},
		{{V4, DF, .payload = 536}, LB_DROP_TOO_BIG, 0},
		{{V4, DF, .payload = 440}, LB_TX, 0},
		{{V6, .payload = 1221}, LB_TX_TOO_BIG, 1280},
		{{V6, .payload = 1220}, LB_DROP_TOO_BIG, 0},
		{{V6, .payload = 1180}, LB_TX, 0},
	};
	struct pkt in, out, want;

	must(world_ip("route replace 10.0.0.0/16 via 192.0.2.254 dev in mtu lock 500\n"
		      "route replace fd00:0::/32 via 2001:db8:1::fe dev in src 2001:db8:1::1 "
		      "mtu lock 1280\n",
		      &err));
	for (size_t i = 0; i < sizeof(narrow) / sizeof(*narrow); i++) {
		enum lb_why why;

		pkt_build(&in, &narrow[i].in);
		why = ptest_send(&w, &in, &out, "narrow");
		cr_expect(why == narrow[i].why, "row %zu: %s", i, world_why_name(why));
		if (why != LB_TX_TOO_BIG)
			continue;
		want_of(&want, &in, narrow[i].mtu);
		cr_expect(out.len == want.len && !memcmp(out.b, want.b, want.len));
	}
}
