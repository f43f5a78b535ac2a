// SPDX-License-Identifier: GPL-2.0
/* test_lb_track.c - fragments that follow the first of their datagram, at this node or passed on to the one where they meet. */
#include <stdio.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define MF 0x2000u
#define REALS 6
#define HOPS 64
#define UDP .proto = IPPROTO_UDP, .dport = 53, .payload = 400
#define V4 .dst = "203.0.113.1", UDP
#define V6 .dst = "2001:db8:f::1", .ext = "f", UDP
#define SELF4 "192.0.2.1" /* of the link in */
#define PEER4 "10.0.9.9"

static struct world w;
static struct lb_err err;

static void vip(const char *svc, enum lb_m_fragments fragments)
{
	struct lb_service s;

	must(world_vip(&w, svc, "s", false, &err));
	must(parse_service(svc, &s, &err));
	lb_model_vip(&w.model, &s)->fragments = fragments;
}

static void setup(void)
{
	char addr[32];

	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "track", NULL, &err));
	must(world_pool(&w, "s", 251, &err));
	for (int i = 1; i <= REALS; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		must(world_real(&w, "s", addr, 1, LB_M_UP, &err));
	}
	vip("203.0.113.1:53/udp", LB_M_FRAGMENTS_TRACK);
	vip("203.0.113.1:54/udp", LB_M_FRAGMENTS_DROP);
	vip("203.0.113.1:80/tcp", LB_M_FRAGMENTS_TRACK);
	vip("[2001:db8:f::1]:53/udp", LB_M_FRAGMENTS_TRACK);
	must(world_commit(&w, &err));
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_track, .init = setup, .fini = teardown);

static void peer(const char *addr)
{
	struct lb_addr a;

	must(parse_addr(addr, &a, &err));
	must(lb_model_put_peer(&w.model, &a, &err));
	must(world_commit(&w, &err));
}

/* The at-th byte of the datagram's payload is the fragment's first; id tells the datagram. */
static void build(struct pkt *p, struct pkt_spec s, uint16_t id, uint16_t at, bool more)
{
	uint16_t frag = at / 8 | (more ? MF : 0);
	uint8_t *ip = p->b + 14;

	if (!strchr(s.dst, ':')) {
		s.frag = frag;
		pkt_build(p, &s);
		ip[4] = id >> 8;
		ip[5] = id;
		ip[10] = ip[11] = 0;
		frag = pkt_fold(pkt_sum(ip, 20));
		ip[10] = frag >> 8;
		ip[11] = frag;
		return;
	}
	pkt_build(p, &s);
	ip[42] = at >> 8;
	ip[43] = (at & 0xf8) | more;
	ip[46] = id >> 8;
	ip[47] = id;
}

static enum lb_why give(struct pkt_spec s, uint16_t id, uint16_t at, struct pkt *out)
{
	struct pkt in;

	build(&in, s, id, at, at == 0);
	return ptest_send(&w, &in, out, "fragment");
}

/* Where a forwarded packet went; family 0: it was not. */
static struct lb_addr to(struct pkt_spec s, uint16_t id, uint16_t at)
{
	struct lb_addr dst = {0};
	struct pkt in, out;
	const char *wrong;

	build(&in, s, id, at, at == 0);
	if (ptest_send(&w, &in, &out, "fragment") != LB_TX)
		return dst;
	wrong = pkt_wrong(&out, &in, &dst);
	cr_expect(wrong == NULL, "%s", wrong);
	return dst;
}

static struct lb_addr whole(struct pkt_spec s)
{
	struct pkt in;

	s.ext = NULL;
	pkt_build(&in, &s);
	return ptest_real(&w, &in, "whole");
}

static void follow(struct pkt_spec s)
{
	for (int i = 0; i < 40; i++) {
		struct lb_addr real, first, later;

		s.sport = 20000 + i;
		real = whole(s);
		first = to(s, i, 0);
		later = to(s, i, 400);
		cr_expect(lb_addr_cmp(&first, &real) == 0, "the first goes as its flow, %d", i);
		cr_expect(lb_addr_cmp(&later, &real) == 0, "another follows, %d", i);
	}
}

Test(lb_track, followers_go_with_the_flow)
{
	peer(SELF4);
	follow((struct pkt_spec){V4});
	follow((struct pkt_spec){V6});
	follow((struct pkt_spec){.dst = "203.0.113.1", .payload = 400});
}

Test(lb_track, without_peers_by_addresses)
{
	struct lb_addr one = to((struct pkt_spec){V4}, 1, 400);

	for (int i = 0; i < 20; i++) {
		struct lb_addr a = to((struct pkt_spec){V4, .sport = 20000 + i}, i, 0);

		cr_expect(lb_addr_cmp(&a, &one) == 0);
	}
}

Test(lb_track, early_alone)
{
	struct pkt out;

	peer(SELF4);
	cr_expect(eq(int, give((struct pkt_spec){V4}, 7, 400, &out), LB_DROP_FRAGMENT_EARLY));
	cr_expect(eq(int, give((struct pkt_spec){V4}, 7, 0, &out), LB_TX));
	cr_expect(eq(int, give((struct pkt_spec){V4}, 7, 400, &out), LB_TX));
	cr_expect(eq(int, give((struct pkt_spec){V4}, 8, 400, &out), LB_DROP_FRAGMENT_EARLY),
		  "another datagram");
	cr_expect(eq(int, give((struct pkt_spec){V4, .src = "192.0.2.11"}, 7, 400, &out),
		     LB_DROP_FRAGMENT_EARLY),
		  "another client");
}

Test(lb_track, a_port_that_takes_none)
{
	struct pkt out;

	peer(SELF4);
	cr_expect(
		eq(int,
		   give((struct pkt_spec){.dst = "203.0.113.1", .proto = IPPROTO_UDP, .dport = 54},
			7, 0, &out),
		   LB_DROP_FRAGMENT));
	cr_expect(
		eq(int,
		   give((struct pkt_spec){.dst = "203.0.113.1", .proto = IPPROTO_UDP, .dport = 55},
			8, 0, &out),
		   LB_DROP_NO_SERVICE));
	cr_expect(eq(int, give((struct pkt_spec){V4, .keep = 4}, 9, 0, &out), LB_DROP_SHORT));
}

Test(lb_track, a_real_that_is_gone)
{
	struct lb_addr first;
	char text[LB_ADDR_STRLEN];
	struct pkt out;

	peer(SELF4);
	first = to((struct pkt_spec){V4}, 7, 0);
	format_addr(&first, text);
	must(world_real(&w, "s", text, 1, LB_M_DRAIN, &err));
	must(world_commit(&w, &err));
	cr_expect(eq(int, give((struct pkt_spec){V4}, 7, 400, &out), LB_TX), "draining");
	must(world_real(&w, "s", text, 1, LB_M_DOWN, &err));
	must(world_commit(&w, &err));
	cr_expect(eq(int, give((struct pkt_spec){V4}, 7, 400, &out), LB_DROP_NO_REAL), "down");
}

/* GUE to the peer with a mark that has so many hops left, around the packet as it came. */
static void expect_passed_on(const struct pkt *out, const struct pkt *in, uint8_t hops)
{
	uint16_t type;
	uint32_t l3 = pkt_l3(in, &type), len = pkt_ip_len(in);
	const uint8_t *udp = out->b + 34;
	const uint8_t proto = type == 0x0800 ? 4 : 41, mark[] = {1, proto, 0, 0, 0x4c, 2, hops, 0};
	struct lb_addr dst;

	must(parse_addr(PEER4, &dst, &err));
	cr_assert(eq(u32, out->len, 34 + 16 + len));
	cr_expect(memcmp(out->b + 30, dst.b, 4) == 0);
	cr_expect(out->b[23] == 17 && (udp[2] << 8 | udp[3]) == 6080 && !udp[6] && !udp[7]);
	cr_expect(memcmp(udp + 8, mark, sizeof(mark)) == 0);
	cr_expect(memcmp(udp + 16, in->b + l3, len) == 0);
}

/* The packet as the peer would pass it on to us. */
static void pass_on(struct pkt *p, const char *from, uint8_t hops)
{
	uint16_t type;
	uint32_t l3 = pkt_l3(p, &type), len = pkt_ip_len(p), total = 36 + len, sum;
	uint8_t *ip = p->b + l3, *udp = ip + 20;
	struct lb_addr src, dst;

	memmove(ip + 36, ip, len);
	memset(ip, 0, 36);
	ip[0] = 0x45;
	ip[2] = total >> 8;
	ip[3] = total;
	ip[8] = 64;
	ip[9] = 17;
	must(parse_addr(from, &src, &err));
	must(parse_addr(SELF4, &dst, &err));
	memcpy(ip + 12, src.b, 4);
	memcpy(ip + 16, dst.b, 4);
	sum = pkt_fold(pkt_sum(ip, 20));
	ip[10] = sum >> 8;
	ip[11] = sum;
	memcpy(udp, (uint8_t[]){0xc0, 1, 6080 >> 8, 6080 & 0xff, (total - 20) >> 8, total - 20}, 6);
	memcpy(udp + 8, (uint8_t[]){1, type == 0x0800 ? 4 : 41, 0, 0, 0x4c, 2, hops, 0}, 8);
	p->b[l3 - 2] = 8;
	p->b[l3 - 1] = 0;
	p->len = l3 + total;
}

/* A client whose fragments meet at this node, or at the peer. */
static const char *client(bool here, char text[LB_ADDR_STRLEN])
{
	struct pkt out;

	for (int i = 1; i < 250; i++) {
		snprintf(text, LB_ADDR_STRLEN, "192.0.2.%d", i + 3);
		if ((give((struct pkt_spec){V4, .src = text}, 1, 0, &out) == LB_TX) == here)
			return text;
	}
	cr_fatal("all clients alike");
}

Test(lb_track, passed_on_to_where_they_meet)
{
	char src[LB_ADDR_STRLEN];
	struct pkt in, out;
	int here = 0, there = 0;

	peer(SELF4);
	peer(PEER4);
	for (int i = 0; i < 100; i++) {
		enum lb_why why;

		snprintf(src, sizeof(src), "192.0.2.%d", 100 + i);
		build(&in, (struct pkt_spec){V4, .src = src}, i, 0, true);
		why = ptest_send(&w, &in, &out, src);
		here += why == LB_TX;
		there += why == LB_TX_PEER;
		if (why == LB_TX_PEER)
			expect_passed_on(&out, &in, HOPS - 1);
	}
	cr_expect(here + there == 100 && here > 20 && there > 20, "%d here, %d there", here, there);
	client(false, src);
	build(&in, (struct pkt_spec){V4, .src = src}, 9, 400, false);
	cr_expect(eq(int, ptest_send(&w, &in, &out, "later"), LB_TX_PEER));
	expect_passed_on(&out, &in, HOPS - 1);
}

Test(lb_track, what_a_peer_passed_on)
{
	char src[LB_ADDR_STRLEN];
	struct pkt in, inner, out;
	struct lb_addr dst, flow;
	const char *wrong;

	peer(SELF4);
	peer(PEER4);
	client(true, src);
	flow = whole((struct pkt_spec){V4, .src = src});
	build(&inner, (struct pkt_spec){V4, .src = src}, 3, 0, true);
	in = inner;
	pass_on(&in, PEER4, 5);
	cr_expect(eq(int, ptest_send(&w, &in, &out, "the first"), LB_TX));
	wrong = pkt_wrong(&out, &inner, &dst);
	cr_expect(wrong == NULL, "%s", wrong);
	cr_expect(lb_addr_cmp(&dst, &flow) == 0);

	build(&inner, (struct pkt_spec){V4, .src = src}, 3, 400, false);
	in = inner;
	pass_on(&in, PEER4, 0);
	cr_expect(eq(int, ptest_send(&w, &in, &out, "a later one"), LB_TX));
	wrong = pkt_wrong(&out, &inner, &dst);
	cr_expect(wrong == NULL, "%s", wrong);
	cr_expect(lb_addr_cmp(&dst, &flow) == 0);

	build(&inner, (struct pkt_spec){V4, .src = src}, 4, 400, false);
	in = inner;
	pass_on(&in, PEER4, 5);
	cr_expect(eq(int, ptest_send(&w, &in, &out, "early: waits on the way"), LB_TX_PEER));
	expect_passed_on(&out, &inner, 4);
	in = inner;
	pass_on(&in, PEER4, 0);
	cr_expect(eq(int, ptest_send(&w, &in, &out, "too early"), LB_DROP_FRAGMENT_EARLY));

	in = inner;
	pass_on(&in, "10.0.9.8", 5);
	cr_expect(eq(int, ptest_send(&w, &in, &out, "a stranger's"), LB_PASS_NO_VIP));
	in = inner;
	pass_on(&in, PEER4, HOPS);
	cr_expect(eq(int, ptest_send(&w, &in, &out, "more hops than there are"), LB_PASS_NO_VIP));
}
