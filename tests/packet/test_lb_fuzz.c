// SPDX-License-Identifier: GPL-2.0
/* test_lb_fuzz.c - cut, bent and random packets: always one reason, never a wrong packet out. */
#include <stdio.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define V4 .dst = "203.0.113.1"
#define V6 .dst = "2001:db8:f::1"
#define UDP .proto = IPPROTO_UDP, .dport = 53
#define PACKETS 100000u

static const struct pkt_spec kinds[] = {
	{V4},
	{V4, UDP, .payload = 33},
	{V4, .options = 10, .payload = 5},
	{V4, .tag = {1, 2}, .payload = 11},
	{V4, .proto = IPPROTO_ICMP, .flags = 8, .payload = 24},
	{.dst = "203.0.113.2", .payload = 20},
	{.dst = "203.0.113.3", .tag = {3}},
	{V6},
	{V6, UDP, .payload = 40},
	{V6, .ext = "hrda", .payload = 9},
	{V6, .ext = "HA", UDP, .tag = {4, 5}},
	{V6, .proto = IPPROTO_ICMPV6, .flags = 128, .payload = 16},
	{.dst = "2001:db8:f::2", .payload = 3},
	{.dst = "2001:db8:f::13", .ext = "d"},
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static struct world w;

static void setup(void)
{
	ptest_served(&w);
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_fuzz, .init = setup, .fini = teardown, .timeout = 300);

static bool is_mac(const uint8_t *b, const uint8_t *dst, const uint8_t *src)
{
	return !memcmp(b, dst, 6) && !memcmp(b + 6, src, 6);
}

/* Lengths, and by the checksum all the rest; test_lb_mtu.c knows each byte. */
static const char *answer_wrong(const struct pkt *in, const struct pkt *out)
{
	uint16_t type;
	uint32_t l3 = pkt_l3(in, &type), len = type == 0x0800 ? 576 : 1280;

	if (out->len != l3 + len || pkt_ip_len(out) != len || !is_mac(out->b, in->b + 6, in->b))
		return "answer: length or MACs";
	return pkt_l4_sum_ok(out) ? NULL : "answer: checksum";
}

static const char *echo_wrong(const struct pkt *in, const struct pkt *out)
{
	if (out->len != in->len || !is_mac(out->b, in->b + 6, in->b))
		return "echo: frame length or MACs";
	return pkt_l4_sum_ok(in) == pkt_l4_sum_ok(out) ? NULL : "echo: checksum";
}

/* What must hold of whatever left. */
static const char *out_wrong(enum lb_why why, const struct pkt *in, struct pkt *out)
{
	const struct world_link *l = &world_link[why == LB_TX ? WORLD_IN : WORLD_OUT];
	struct pkt as_in = *in;
	const char *wrong;
	struct lb_addr to;
	uint16_t type;

	if (why == LB_TX_ECHO)
		return echo_wrong(in, out);
	if (why == LB_TX_TOO_BIG)
		return answer_wrong(in, out);
	if (why != LB_TX && why != LB_TX_REDIRECT)
		return NULL;
	if (why == LB_TX_REDIRECT) { /* the tags of one link mean nothing on the other */
		uint32_t l3 = pkt_l3(in, &type);

		memmove(as_in.b + 12, in->b + l3 - 2, in->len - l3 + 2);
		as_in.len -= l3 - 14;
	}
	wrong = pkt_wrong(out, &as_in, &to);
	if (wrong)
		return wrong;
	if (to.family == 4 ? to.b[0] != 10 : to.b[0] != 0xfd)
		return "to an address that is no real";
	return is_mac(out->b, l->gw_mac, l->mac) ? NULL : "MACs of the way out";
}

static enum lb_why check(const struct pkt *in, const char *what)
{
	struct pkt out;
	enum lb_why why = ptest_send(&w, in, &out, what);
	const char *wrong = out_wrong(why, in, &out);

	cr_assert(why != LB_NEXT);
	cr_assert(wrong == NULL, "%s: %s: %s; sent:%s\ngot:%s", what, world_why_name(why), wrong,
		  pkt_dump(in), pkt_dump(&out));
	return why;
}

/* The frame ends early, its headers do not know. 14 bytes are the least that a test run takes. */
Test(lb_fuzz, cut_at_every_byte)
{
	for (uint32_t k = 0; k < KINDS; k++) {
		struct pkt in;
		uint16_t type;
		uint32_t l3, full, addresses;
		enum lb_why whole;

		pkt_build(&in, &kinds[k]);
		full = in.len;
		l3 = pkt_l3(&in, &type);
		addresses = l3 + (type == 0x0800 ? 20 : 40);
		whole = check(&in, "whole");
		cr_assert(whole < LB_WHY_PASS);
		for (in.len = 14; in.len <= full; in.len++) {
			enum lb_why want = in.len < addresses ? LB_PASS_NOT_IP
					   : in.len < full    ? LB_DROP_BAD_LENGTH
							      : whole;

			cr_assert(eq(int, check(&in, "cut"), want), "kind %u, %u of %u bytes", k,
				  in.len, full);
		}
	}
}

/* The packet is short and says so, with and without padding behind it. */
Test(lb_fuzz, short_at_every_byte)
{
	for (uint32_t k = 0; k < KINDS; k++) {
		struct pkt_spec s = kinds[k];
		uint32_t need = !s.proto ? 20 : 8;
		struct pkt in;
		enum lb_why whole;

		pkt_build(&in, &s);
		whole = check(&in, "whole");
		for (uint32_t keep = 0; keep <= need + s.payload; keep++) {
			s.keep = keep ? keep : PKT_NONE;
			for (s.pad = 0; s.pad <= 46; s.pad += 46) {
				pkt_build(&in, &s);
				cr_assert(eq(int, check(&in, "short"),
					     keep < need ? LB_DROP_SHORT : whole),
					  "kind %u, %u of the transport header", k, keep);
			}
		}
	}
}

/* Every size that fits, and beyond what fits. */
Test(lb_fuzz, every_size)
{
	static const struct pkt_spec to[] = {
		{V4}, {.dst = "203.0.113.2"}, {V6}, {.dst = "2001:db8:f::2"}};
	static const uint32_t head[] = {60, 80, 100, 80};
	struct pkt in;

	for (uint32_t k = 0; k < 4; k++) {
		struct pkt_spec s = to[k];

		for (s.payload = 0; s.payload < 1600; s.payload++) {
			enum lb_why why;

			pkt_build(&in, &s);
			why = check(&in, "size");
			if (s.payload + head[k] <= 1500)
				cr_assert(eq(int, why, LB_TX));
			else
				cr_assert(why == LB_TX_TOO_BIG || why == LB_DROP_TOO_BIG_RATE);
		}
	}
}

static uint64_t seed(void)
{
	const char *word = getenv("LB_TEST_SEED");

	return word ? strtoull(word, NULL, 0) : 1;
}

/* Valid packets of which one to eight bits are changed; half of them in the headers behind Ethernet. */
Test(lb_fuzz, flipped_bits)
{
	uint64_t random = seed(), seen[LB_WHY_MAX] = {0};
	struct pkt in;

	for (uint32_t i = 0; i < PACKETS; i++) {
		uint32_t flips = 1 + pkt_random(&random) % 8;

		pkt_build(&in, &kinds[pkt_random(&random) % KINDS]);
		while (flips--) {
			uint64_t r = pkt_random(&random);
			uint32_t from = r & 1 << 20 ? 12 : 0, to = r & 1 << 21 ? in.len : 60;

			in.b[from + (r >> 32) % ((to < in.len ? to : in.len) - from)] ^= 1
											 << (r & 7);
		}
		if (pkt_random(&random) % 4 == 0)
			in.len = 14 + pkt_random(&random) % (in.len - 13);
		seen[check(&in, "flipped")]++;
	}
	cr_assert(seen[LB_TX] > 1000 && seen[LB_TX_ECHO] > 1000 &&
		  seen[LB_DROP_BAD_LENGTH] > 1000 && seen[LB_DROP_FRAGMENT] > 10 &&
		  seen[LB_PASS_NO_VIP] > 1000);
}

/* Random bytes: behind the MACs; behind the version, but for the destination; behind the IP header. */
Test(lb_fuzz, random_bytes)
{
	uint64_t random = seed() + 1, seen[LB_WHY_MAX] = {0};
	struct pkt in, valid;
	uint16_t type;

	for (uint32_t i = 0; i < PACKETS; i++) {
		uint32_t l3, head, dst;

		pkt_build(&valid, &kinds[pkt_random(&random) % KINDS]);
		in = valid;
		in.len = 14 + pkt_random(&random) % 300;
		l3 = pkt_l3(&in, &type);
		head = type == 0x0800 ? 20 : 40;
		dst = type == 0x0800 ? 4 : 16;
		for (uint32_t at = (uint32_t[]){12, l3 + 1, l3 + head}[i % 3]; at < in.len; at++)
			in.b[at] = pkt_random(&random);
		if (i % 3 == 1)
			memcpy(in.b + l3 + head - dst, valid.b + l3 + head - dst, dst);
		seen[check(&in, "random")]++;
	}
	cr_assert(seen[LB_PASS_NOT_IP] > 1000 && seen[LB_DROP_BAD_LENGTH] > 1000 &&
		  seen[LB_DROP_NO_SERVICE] > 1000);
}
