// SPDX-License-Identifier: GPL-2.0
/*
 * test_lb_bare.c - to the real without an outer header. What is to leave is built anew, as if it had been sent so: the checksums
 * are made from nothing, while the program mends them.
 */
#include <string.h>

#include "tests/packet/ptest.h"

#define V4 .dst = "203.0.113.1"
#define V6 .dst = "2001:db8:f::1"
#define NO4 5
#define NO6 63
#define REAL4 "10.0.0.1"
#define REAL6 "fd00::1"
#define NEAR4 "192.0.2.254" /* the gateway: a neighbour */
#define NEAR6 "2001:db8:1::fe"

static struct world w;
static struct lb_err err;

static void vip(const char *svc, const char *pool, uint8_t dscp)
{
	struct lb_service s;

	must(world_vip(&w, svc, pool, true, &err));
	must(parse_service(svc, &s, &err));
	lb_model_vip(&w.model, &s)->dscp = dscp;
	lb_model_vip(&w.model, &s)->fragments = LB_M_FRAGMENTS_HASH;
}

static void pool(const char *name, enum lb_m_encap encap, const char *real)
{
	must(world_pool(&w, name, 251, &err));
	lb_model_pool(&w.model, name)->encap = encap;
	must(world_real(&w, name, real, 1, LB_M_UP, &err));
}

static void setup(void)
{
	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "bare", NULL, &err));
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_bare, .init = setup, .fini = teardown);

static void serve(enum lb_m_encap encap, const char *real4, const char *real6)
{
	bool dscp = encap == LB_M_ENCAP_DSCP;

	pool("four", encap, real4);
	pool("six", encap, real6);
	vip("203.0.113.1:80/tcp", "four", dscp ? NO4 : 0);
	vip("203.0.113.1:53/udp", "four", dscp ? NO4 : 0);
	vip("[2001:db8:f::1]:80/tcp", "six", dscp ? NO6 : 0);
	vip("[2001:db8:f::1]:53/udp", "six", dscp ? NO6 : 0);
	must(world_commit(&w, &err));
}

static void set_macs(struct pkt *p)
{
	memcpy(p->b, world_link[WORLD_IN].gw_mac, 6);
	memcpy(p->b + 6, world_link[WORLD_IN].mac, 6);
}

static uint8_t *udp_sum(struct pkt *p, bool v6)
{
	return p->b + 14 + (v6 ? 40 : 20) + 6;
}

static const struct pkt_spec specs[] = {
	{V4},
	{V4, .payload = 1, .tos = 0xff, .ttl = 2},
	{V4, .payload = 1440, .frag = 0x4000},
	{V4, .options = 4, .payload = 33, .tos = 1},
	{V4, .proto = IPPROTO_UDP, .dport = 53, .payload = 9},
	{V4, .pad = 6},
	{V4, .tag = {7}},
	{V4, .tag = {7, 9}, .tpid = {0x88a8}},
	{V4, .src = "10.255.255.255"},
	{V6, .payload = 3, .tos = 0xfe},
	{V6, .ext = "hd", .payload = 100},
	{V6, .proto = IPPROTO_UDP, .dport = 53, .payload = 1400, .tos = 2},
	{V6, .tag = {7}},
};

/* What arrives at the real of L3DSR: sent to it in the first place, with the VIP's number. */
static struct pkt_spec readdressed(const struct pkt_spec *in)
{
	bool v6 = strchr(in->dst, ':');
	struct pkt_spec s = *in;

	s.dst = v6 ? REAL6 : REAL4;
	s.tos = (v6 ? NO6 : NO4) << 2 | (in->tos & 3);
	s.ttl = (in->ttl ? in->ttl : 61) - 1;
	return s;
}

static void expect_same(const struct pkt *out, const struct pkt *want, size_t row)
{
	cr_expect(out->len == want->len && !memcmp(out->b, want->b, out->len),
		  "row %zu\ngot:%s\nnot:%s", row, pkt_dump(out), pkt_dump(want));
}

Test(lb_bare, dscp_byte_for_byte)
{
	struct pkt in, out, want;

	serve(LB_M_ENCAP_DSCP, REAL4, REAL6);
	for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
		struct pkt_spec s = readdressed(&specs[i]);

		pkt_build(&in, &specs[i]);
		cr_assert(eq(int, ptest_send(&w, &in, &out, "dscp"), LB_TX), "row %zu", i);
		pkt_build(&want, &s);
		set_macs(&want);
		expect_same(&out, &want, i);
	}
}

/* Sums of all values: 0xffff and 0 are the odd ones. */
Test(lb_bare, dscp_every_checksum)
{
	struct pkt in, out, want;

	serve(LB_M_ENCAP_DSCP, REAL4, REAL6);
	for (unsigned int i = 0; i < 4096; i++) {
		struct pkt_spec a = {V4, .proto = IPPROTO_UDP, .dport = 53, .sport = 1 + i * 15};
		struct pkt_spec b = readdressed(&a);

		pkt_build(&in, &a);
		cr_assert(eq(int, ptest_send(&w, &in, &out, "sum"), LB_TX));
		cr_assert(pkt_l4_sum_ok(&out), "source port %u", a.sport);
		pkt_build(&want, &b);
		set_macs(&want);
		expect_same(&out, &want, i);
	}
}

Test(lb_bare, dscp_keeps_no_checksum)
{
	struct pkt_spec a = {V4, .proto = IPPROTO_UDP, .dport = 53, .payload = 5};
	struct pkt in, out;

	serve(LB_M_ENCAP_DSCP, REAL4, REAL6);
	pkt_build(&in, &a);
	memset(udp_sum(&in, false), 0, 2);
	cr_assert(eq(int, ptest_send(&w, &in, &out, "none"), LB_TX));
	cr_expect(udp_sum(&out, false)[0] == 0 && udp_sum(&out, false)[1] == 0);
}

Test(lb_bare, dscp_later_fragments_keep_their_bytes)
{
	struct pkt_spec a = {V4, .proto = IPPROTO_UDP, .dport = 53, .payload = 64, .frag = 100};
	struct pkt in, out;

	serve(LB_M_ENCAP_DSCP, REAL4, REAL6);
	pkt_build(&in, &a);
	cr_assert(eq(int, ptest_send(&w, &in, &out, "later"), LB_TX));
	cr_expect(memcmp(out.b + 34, in.b + 34, in.len - 34) == 0);
	cr_expect(eq(u16, pkt_fold(pkt_sum(out.b + 14, 20)), 0));
}

Test(lb_bare, dscp_ends_circles)
{
	struct pkt in, out;

	serve(LB_M_ENCAP_DSCP, REAL4, REAL6);
	pkt_build(&in, &(struct pkt_spec){V4, .ttl = 1});
	cr_expect(eq(int, ptest_send(&w, &in, &out, "ttl"), LB_DROP_TTL));
	pkt_build(&in, &(struct pkt_spec){V6, .ttl = 1});
	cr_expect(eq(int, ptest_send(&w, &in, &out, "hop limit"), LB_DROP_TTL));
}

Test(lb_bare, l2_byte_for_byte)
{
	struct pkt in, out, want;

	serve(LB_M_ENCAP_L2, NEAR4, NEAR6);
	for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
		pkt_build(&in, &specs[i]);
		cr_assert(eq(int, ptest_send(&w, &in, &out, "l2"), LB_TX), "row %zu", i);
		want = in;
		set_macs(&want);
		expect_same(&out, &want, i);
	}
}

Test(lb_bare, l2_of_another_family)
{
	struct pkt in, out, want;

	pool("six", LB_M_ENCAP_L2, NEAR6);
	vip("203.0.113.1:80/tcp", "six", 0);
	must(world_commit(&w, &err));
	pkt_build(&in, &(struct pkt_spec){V4, .payload = 7});
	cr_assert(eq(int, ptest_send(&w, &in, &out, "l2"), LB_TX));
	want = in;
	set_macs(&want);
	expect_same(&out, &want, 0);
}

Test(lb_bare, l2_needs_a_neighbour)
{
	struct pkt in, out;

	serve(LB_M_ENCAP_L2, REAL4, REAL6);
	pkt_build(&in, &(struct pkt_spec){V4});
	cr_expect(eq(int, ptest_send(&w, &in, &out, "by a gateway"), LB_DROP_GATEWAY));
	pkt_build(&in, &(struct pkt_spec){V6});
	cr_expect(eq(int, ptest_send(&w, &in, &out, "by a gateway"), LB_DROP_GATEWAY));
}

/* Nothing is put in front: what came by a path of 1500 bytes goes on. */
Test(lb_bare, whole_mtu)
{
	struct pkt in, out;

	serve(LB_M_ENCAP_DSCP, REAL4, REAL6);
	pkt_build(&in, &(struct pkt_spec){V4, .payload = 1460});
	cr_expect(eq(int, ptest_send(&w, &in, &out, "1500"), LB_TX));
	pkt_build(&in, &(struct pkt_spec){V4, .payload = 1461});
	cr_expect(eq(int, ptest_send(&w, &in, &out, "1501"), LB_TX_TOO_BIG));
}

/* One pool, four ways: each real as its own encapsulation says. */
Test(lb_bare, mixed_pool)
{
	static const struct {
		const char *addr;
		enum lb_m_encap encap;
	} reals[] = {{"10.0.0.1", LB_M_ENCAP_IPIP},
		     {"10.0.0.2", LB_M_ENCAP_GUE},
		     {"10.0.0.3", LB_M_ENCAP_DSCP},
		     {NEAR4, LB_M_ENCAP_L2}};
	unsigned int seen[4] = {0};
	struct lb_addr a;

	pool("mix", LB_M_ENCAP_IPIP, reals[0].addr);
	for (int i = 1; i < 4; i++) {
		must(world_real(&w, "mix", reals[i].addr, 1, LB_M_UP, &err));
		must(parse_addr(reals[i].addr, &a, &err));
		lb_model_real(&w.model, "mix", &a)->encap = reals[i].encap;
	}
	vip("203.0.113.1:80/tcp", "mix", NO4);
	must(world_commit(&w, &err));
	for (int i = 0; i < 400; i++) {
		struct pkt in, out;

		pkt_build(&in, &(struct pkt_spec){V4, .sport = 1000 + i});
		cr_assert(eq(int, ptest_send(&w, &in, &out, "mixed"), LB_TX));
		if (out.len == in.len)
			seen[out.b[15] >> 2 == NO4 ? 2 : 3]++;
		else
			seen[out.b[23] == 4 ? 0 : 1]++;
	}
	for (int i = 0; i < 4; i++)
		cr_expect(gt(uint, seen[i], 50), "%s: %u", reals[i].addr, seen[i]);
}
