// SPDX-License-Identifier: GPL-2.0
/*
 * test_lb_spread.c - outer sources of a prefix: every flow has one, many have nearly all, and the rest of the packet is as it
 * would be with the node's own.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/packet/ptest.h"

#define FLOWS 4000
#define UDP .proto = IPPROTO_UDP

static struct world w;
static struct lb_err err;

/* VIP .1 is reached by IPIP, .2 by GUE, .3 by IPIP by the client alone; reals of one family behind odd pools. */
static void pool(const char *name, enum lb_m_encap encap, const char *real)
{
	must(world_pool(&w, name, 251, &err));
	lb_model_pool(&w.model, name)->encap = encap;
	must(world_real(&w, name, real, 1, LB_M_UP, &err));
}

static void vip(int n, const char *pool4, const char *pool6)
{
	char text[48];

	for (int i = 0; i < 4; i++) {
		struct lb_service s;

		snprintf(text, sizeof(text),
			 i < 2 ? "203.0.113.%d:any/%s" : "[2001:db8:f::%d]:any/%s", n,
			 i & 1 ? "udp" : "tcp");
		must(world_vip(&w, text, i < 2 ? pool4 : pool6, false, &err));
		must(parse_service(text, &s, &err));
		lb_model_vip(&w.model, &s)->fragments = LB_M_FRAGMENTS_TRACK;
		if (n == 3)
			lb_model_vip(&w.model, &s)->hash = LB_M_HASH_SRC;
	}
}

static void spread(const char *prefix4, const char *prefix6)
{
	w.model.spread4 = w.model.spread6 = (struct lb_net){0};
	if (prefix4)
		must(parse_net(prefix4, &w.model.spread4, &err));
	if (prefix6)
		must(parse_net(prefix6, &w.model.spread6, &err));
	must(world_commit(&w, &err));
	usleep(WORLD_HOP_LIFE);
}

static void setup(void)
{
	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "spread", NULL, &err));
	pool("ipip4", LB_M_ENCAP_IPIP, "10.0.0.1");
	pool("ipip6", LB_M_ENCAP_IPIP, "fd00::1");
	pool("gue4", LB_M_ENCAP_GUE, "10.0.0.1");
	pool("gue6", LB_M_ENCAP_GUE, "fd00::1");
	vip(1, "ipip4", "ipip6");
	vip(2, "gue4", "gue6");
	vip(3, "ipip4", "ipip6");
	vip(4, "ipip6", "ipip4"); /* 4in6, 6in4 */
	must(world_commit(&w, &err));
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_spread, .init = setup, .fini = teardown, .timeout = 60);

/* The source of a packet, which is right in all else: for IPIP byte by byte, for GUE its IPv4 header's sum. */
static struct lb_addr sent(const struct pkt_spec *s)
{
	struct pkt in, out, want;
	struct pkt_outer o;
	struct lb_addr to;
	uint16_t type;
	uint32_t l3;

	pkt_build(&in, s);
	cr_assert(eq(int, ptest_send(&w, &in, &out, s->dst), LB_TX));
	l3 = pkt_l3(&out, &type);
	if (type == 0x0800)
		cr_assert(eq(u16, pkt_fold(pkt_sum(out.b + l3, 20)), 0), "%s", pkt_dump(&out));
	if (out.b[l3 + (type == 0x0800 ? 9 : 6)] == IPPROTO_UDP)
		return pkt_addr(&out, false);
	cr_assert(pkt_wrong(&out, &in, &to) == NULL, "%s", pkt_dump(&out));
	world_outer(&o, WORLD_IN, to.family == 4 ? "10.0.0.1" : "fd00::1");
	o.src = pkt_addr(&out, false);
	pkt_tunnel(&want, &in, &o);
	pkt_take_label(&out);
	cr_assert(out.len == want.len && !memcmp(out.b, want.b, out.len), "\ngot:%s\nnot:%s",
		  pkt_dump(&out), pkt_dump(&want));
	return pkt_addr(&out, false);
}

/* How many of 256 sources, told apart by the last byte, many flows to that VIP have. */
static unsigned int sources(const char *dst, const struct lb_net *net)
{
	struct pkt_spec s = {.dst = dst};
	bool seen[256] = {false};
	unsigned int n = 0;

	for (unsigned int i = 0; i < FLOWS; i++) {
		struct lb_addr a, again;

		s.sport = 1024 + i;
		s.proto = i & 1 ? IPPROTO_UDP : IPPROTO_TCP;
		s.flags = i & 2 ? 2 : 0;
		a = sent(&s);
		cr_assert(lb_net_has(net, &a), "flow %u", i);
		s.flags = 0;
		s.payload = i % 100;
		again = sent(&s);
		cr_assert(zero(int, lb_addr_cmp(&a, &again)), "flow %u has two sources", i);
		n += !seen[a.b[a.family == 4 ? 3 : 15]];
		seen[a.b[a.family == 4 ? 3 : 15]] = true;
	}
	return n;
}

Test(lb_spread, many_flows_have_all_sources)
{
	static const struct {
		const char *dst;
		bool v6; /* outside */
	} all[] = {{"203.0.113.1", false},  {"2001:db8:f::1", true}, {"203.0.113.2", false},
		   {"2001:db8:f::2", true}, {"203.0.113.4", true},   {"2001:db8:f::4", false}};

	spread("10.64.1.0/24", "fd64::100/120");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		cr_expect(ge(uint,
			     sources(all[i].dst, all[i].v6 ? &w.model.spread6 : &w.model.spread4),
			     200),
			  "%s", all[i].dst);
}

/* All that is behind the prefix is used: each bit is sometimes set and sometimes not, and before it none changes. */
static void expect_bits(const char *dst, const char *prefix, unsigned int from)
{
	struct lb_addr all = {0}, some = {0}, a;
	struct pkt_spec s = {.dst = dst};
	unsigned int bits;

	spread(strchr(prefix, ':') ? NULL : prefix, strchr(prefix, ':') ? prefix : NULL);
	memset(all.b, 0xff, sizeof(all.b));
	for (unsigned int i = 0; i < 400; i++) {
		s.sport = 1024 + i;
		a = sent(&s);
		for (int k = 0; k < 16; k++) {
			all.b[k] &= a.b[k];
			some.b[k] |= a.b[k];
		}
	}
	bits = a.family == 4 ? 32 : 128;
	for (unsigned int i = 0; i < bits; i++)
		cr_expect(eq(int, (all.b[i / 8] ^ some.b[i / 8]) >> (7 - i % 8) & 1, i >= from),
			  "%s: bit %u", prefix, i);
}

Test(lb_spread, every_length)
{
	expect_bits("203.0.113.1", "11.0.0.0/8", 8);
	expect_bits("203.0.113.1", "10.64.0.0/13", 13);
	expect_bits("203.0.113.1", "10.64.1.2/31", 31);
	expect_bits("2001:db8:f::1", "fd64:1::/32", 96);
	expect_bits("2001:db8:f::1", "fd64::/64", 96);
	expect_bits("2001:db8:f::1", "fd64::/97", 97);
	expect_bits("2001:db8:f::1", "fd64::2/127", 127);
}

static void expect_source(const char *dst, const char *src)
{
	struct lb_addr a = sent(&(struct pkt_spec){.dst = dst, .sport = 4711});

	cr_expect(ptest_is(&a, src), "%s", dst);
}

/* One family alone; and back again, within a next hop's life. */
Test(lb_spread, the_rest_has_the_nodes)
{
	expect_source("203.0.113.1", world_link[WORLD_IN].addr4);
	expect_source("2001:db8:f::1", world_link[WORLD_IN].addr6);
	spread("10.64.1.0/24", NULL);
	expect_source("2001:db8:f::1", world_link[WORLD_IN].addr6);
	expect_source("203.0.113.4", world_link[WORLD_IN].addr6);
	spread(NULL, "fd64::/120");
	expect_source("203.0.113.1", world_link[WORLD_IN].addr4);
	expect_source("203.0.113.2", world_link[WORLD_IN].addr4);
	spread(NULL, NULL);
	expect_source("2001:db8:f::1", world_link[WORLD_IN].addr6);
	expect_source("2001:db8:f::2", world_link[WORLD_IN].addr6);
}

/* Where the kernel has none that it could give. */
Test(lb_spread, needs_no_address)
{
	struct pkt in, out;

	must(world_ip("addr del 192.0.2.1/24 dev in\naddr del 198.51.100.1/24 dev out\n"
		      "addr del 198.51.100.77/32 dev out\n"
		      "route replace 10.0.0.0/16 via inet6 2001:db8:1::fe dev in\n",
		      &err));
	usleep(WORLD_HOP_LIFE);
	pkt_build(&in, &(struct pkt_spec){.dst = "203.0.113.1"});
	cr_expect(eq(int, ptest_send(&w, &in, &out, "none"), LB_DROP_NO_SOURCE));
	spread("10.64.1.0/24", NULL);
	cr_expect(eq(int, ptest_send(&w, &in, &out, "spread"), LB_TX));
}

Test(lb_spread, by_the_client_alone)
{
	struct lb_addr first, a;

	spread("10.64.0.0/16", NULL);
	first = sent(&(struct pkt_spec){.dst = "203.0.113.3", .sport = 1});
	for (uint16_t port = 2; port < 100; port++) {
		a = sent(&(struct pkt_spec){.dst = "203.0.113.3", .sport = port});
		cr_assert(zero(int, lb_addr_cmp(&a, &first)));
	}
	a = sent(&(struct pkt_spec){.dst = "203.0.113.3", .src = "192.0.2.11"});
	cr_expect(ne(int, lb_addr_cmp(&a, &first), 0));
}

/* Peers know each other by the node's own address. */
Test(lb_spread, not_to_peers)
{
	struct pkt in, out;
	struct lb_addr a;

	must(parse_addr("10.0.9.9", &a, &err));
	must(lb_model_put_peer(&w.model, &a, &err));
	spread("10.64.1.0/24", "fd64::/120");
	pkt_build(&in,
		  &(struct pkt_spec){.dst = "203.0.113.1", UDP, .payload = 64, .frag = 0x2000});
	cr_assert(eq(int, ptest_send(&w, &in, &out, "fragment"), LB_TX_PEER));
	a = pkt_addr(&out, false);
	cr_expect(ptest_is(&a, world_link[WORLD_IN].addr4));
	expect_bits("203.0.113.1", "10.64.1.0/24", 24);
}
