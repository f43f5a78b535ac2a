// SPDX-License-Identifier: GPL-2.0
/* test_lb_get.c - what the program says that it would do, against what it does. */
#include <bpf/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/trace.h"
#include "tests/packet/ptest.h"

#define FLOWS 10000
#define REALS 6

static struct world w;
static struct lb_trace *trace;
static struct lb_err err;

/* Where packets go: services, ports of one real alone, and what nobody serves. */
static const struct {
	const char *dst;
	uint16_t dport;
	uint8_t proto;
} to[2][10] = {
	{{"203.0.113.1", 80, IPPROTO_TCP},
	 {"203.0.113.1", 53, IPPROTO_UDP},
	 {"203.0.113.2", 443, IPPROTO_TCP},
	 {"203.0.113.2", 80, IPPROTO_TCP},
	 {"203.0.113.3", 80, IPPROTO_TCP},
	 {"203.0.113.4", 80, IPPROTO_TCP},
	 {"203.0.113.1", 7002, IPPROTO_TCP},
	 {"203.0.113.1", 7003, IPPROTO_TCP},
	 {"203.0.113.1", 81, IPPROTO_TCP},
	 {"203.0.113.9", 80, IPPROTO_TCP}},
	{{"2001:db8:f::1", 80, IPPROTO_TCP},
	 {"2001:db8:f::1", 53, IPPROTO_UDP},
	 {"2001:db8:f::2", 443, IPPROTO_TCP},
	 {"2001:db8:f::2", 80, IPPROTO_TCP},
	 {"2001:db8:f::3", 80, IPPROTO_TCP},
	 {"2001:db8:f::4", 80, IPPROTO_TCP},
	 {"2001:db8:f::1", 7102, IPPROTO_TCP},
	 {"2001:db8:f::1", 7103, IPPROTO_TCP},
	 {"2001:db8:f::1", 81, IPPROTO_TCP},
	 {"2001:db8:f::9", 80, IPPROTO_TCP}},
};

static void pool_of(const char *name, enum lb_m_encap encap)
{
	struct lb_m_pool *p;

	must(world_pool(&w, name, 251, &err));
	p = lb_model_pool(&w.model, name);
	p->encap = encap;
	p->drain = 300;
	p->gue_port = 6080;
}

static void vip_of(const char *svc, const char *pool, bool session)
{
	struct lb_m_vip *v;
	struct lb_service s;

	must(world_vip(&w, svc, pool, session, &err));
	must(parse_service(svc, &s, &err));
	v = lb_model_vip(&w.model, &s);
	v->fragments = LB_M_FRAGMENTS_HASH;
	v->hash = strstr(svc, "3:80") || strstr(svc, "3]:80") ? LB_M_HASH_SRC : LB_M_HASH_5TUPLE;
}

static void real_of(const char *pool, const char *word, uint16_t weight, uint16_t own)
{
	struct lb_addr addr;

	must(world_real(&w, pool, word, weight, LB_M_UP, &err));
	must(parse_addr(word, &addr, &err));
	lb_model_real(&w.model, pool, &addr)->mptcp = own;
}

/* Pools by both links and of both families; and one whose reals are all out of reach, each for a reason of its own. */
static void reals_of(void)
{
	static const char *const lost[] = {"10.2.0.1", "10.3.0.1",  "10.4.0.1", "fd00:2::1",
					   "10.5.0.1", "fd00:4::1", "10.6.0.1"};
	char addr[32];

	for (int i = 1; i <= REALS; i++) {
		snprintf(addr, sizeof(addr), "10.%d.0.%d", i % 2, i);
		real_of("four", addr, i, 7000 + i);
		snprintf(addr, sizeof(addr), "fd00:%d::%d", i % 2, i);
		real_of("six", addr, i, 7100 + i);
	}
	for (size_t i = 0; i < sizeof(lost) / sizeof(*lost); i++)
		must(world_real(&w, "lost", lost[i], 1, LB_M_UP, &err));
}

static void serve(enum lb_m_encap encap)
{
	bool same;

	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "get", NULL, &err));
	pool_of("four", encap);
	pool_of("six", encap);
	pool_of("lost", encap);
	reals_of();
	vip_of("203.0.113.1:80/tcp", "four", true);
	vip_of("203.0.113.1:53/udp", "four", true);
	vip_of("203.0.113.2:443/tcp", "four", false);
	vip_of("203.0.113.2:any/tcp", "six", true);
	vip_of("203.0.113.3:80/tcp", "six", true);
	vip_of("203.0.113.4:80/tcp", "lost", false);
	vip_of("[2001:db8:f::1]:80/tcp", "six", true);
	vip_of("[2001:db8:f::1]:53/udp", "six", true);
	vip_of("[2001:db8:f::2]:443/tcp", "six", false);
	vip_of("[2001:db8:f::2]:any/tcp", "four", true);
	vip_of("[2001:db8:f::3]:80/tcp", "four", true);
	vip_of("[2001:db8:f::4]:80/tcp", "lost", false);
	must(world_commit(&w, &err));
	must(lb_trace_open(w.instance, &trace, &same, &err));
	cr_assert(same, "another program than the one that is loaded");
}

static void teardown(void)
{
	lb_trace_close(trace);
	trace = NULL;
	world_unload(&w);
}

TestSuite(lb_get, .fini = teardown, .timeout = 120);

/* A packet for the live program, and the same in the words of who asks. */
struct both {
	char src[48];
	struct pkt_spec spec;
	struct lb_flow flow;
};

static void fragment(struct both *b, bool v6, bool later)
{
	b->flow.fragment = later ? LB_FLOW_LATER : LB_FLOW_FIRST;
	b->spec.frag = later ? 185 : 0x2000;
	b->spec.ext = v6 ? "f" : NULL;
}

/* Few clients, so that some flows and many clients come again. */
static void any_packet(struct both *b, bool v6, uint64_t *seed)
{
	static const uint8_t flags[] = {0x10, 0x18, 0x02, 0x11, 0x14};
	uint64_t r = pkt_random(seed), s = pkt_random(seed);
	int which = r % 10;

	memset(b, 0, sizeof(*b));
	snprintf(b->src, sizeof(b->src), v6 ? "2001:db8:c::%x:%x" : "%u.0.2.%u",
		 192 + (uint32_t)(s >> 8) % 16, 1 + (uint32_t)(s >> 16) % 250);
	if (!(s % 50))
		strcpy(b->src, v6 ? "::1" : "127.0.0.1");
	b->spec = (struct pkt_spec){
		.src = b->src,
		.dst = to[v6][which].dst,
		.sport = 1024 + (r >> 8) % 50000,
		.dport = to[v6][which].dport,
		.proto = to[v6][which].proto,
		.flags = flags[(r >> 32) % sizeof(flags)],
		.payload = (r >> 40) % 100 ? (r >> 40) % 1300 : 1450,
	};
	if (b->spec.proto == IPPROTO_UDP)
		b->spec.flags = 0;
	must(parse_addr(b->spec.dst, &b->flow.dst.addr, &err));
	b->flow.src.family = b->flow.dst.addr.family;
	if (parse_addr(b->src, &b->flow.src, &err))
		cr_fatal("%s", err.msg);
	b->flow.sport = b->spec.sport;
	b->flow.dst.port = b->spec.dport;
	b->flow.dst.proto = b->spec.proto;
	b->flow.tcp_flags = b->spec.flags;
	if (!((r >> 56) % 16))
		fragment(b, v6, r >> 63);
	b->flow.len = lb_flow_least(&b->flow) + b->spec.payload;
}

/* Where a packet in a tunnel goes. */
static struct lb_addr outer_dst(const struct pkt *p)
{
	struct lb_addr a = {0};
	uint16_t type;
	uint32_t l3 = pkt_l3(p, &type);

	a.family = type == 0x0800 ? 4 : 6;
	memcpy(a.b, p->b + l3 + (a.family == 4 ? 16 : 24), a.family == 4 ? 4 : 16);
	return a;
}

static bool same_why(uint32_t said, enum lb_why why)
{
	/* The live one has told enough senders, which who asks does not count among. */
	return said == why || (said == LB_TX_TOO_BIG && why == LB_DROP_TOO_BIG_RATE);
}

static void expect_same(const struct both *b, const struct lb_seen *said, enum lb_why why,
			const struct pkt *out)
{
	struct lb_addr dst;

	cr_assert(same_why(said->why, why), "%s %u > %s %u: get says %s, it was %s", b->src,
		  b->spec.sport, b->spec.dst, b->spec.dport, lb_why_name(said->why),
		  world_why_name(why));
	if (why != LB_TX && why != LB_TX_REDIRECT)
		return;
	dst = outer_dst(out);
	cr_assert(lb_addr_cmp(&said->outer_dst, &dst) == 0, "another outer destination");
	cr_assert(lb_addr_cmp(&said->real, &dst) == 0, "another real");
	cr_assert(memcmp(said->lladdr, out->b, 6) == 0, "another MAC");
	cr_assert(eq(int, said->out == w.in, why == LB_TX));
}

/* What became of how many: a test in which all are dropped shows nothing. */
struct sum {
	uint32_t sent, kept, own, reasons, prev;
	bool why[LB_WHY_MAX];
};

static void count(struct sum *s, const struct lb_seen *said)
{
	s->sent += lb_seen_sent(said);
	s->kept += said->by == LB_BY_SESSION;
	s->own += said->by == LB_BY_PORT;
	s->prev += said->prev.family != 0;
	s->reasons += !s->why[said->why];
	s->why[said->why] = true;
}

static struct sum agree(bool v6, uint64_t seed)
{
	struct sum sum = {0};
	struct lb_seen said;
	struct pkt in, out;
	struct both b;
	enum lb_why why;

	for (int i = 0; i < FLOWS; i++) {
		any_packet(&b, v6, &seed);
		pkt_build(&in, &b.spec);
		must(lb_trace_ask(trace, &b.flow, w.in, &said, &err));
		why = ptest_send(&w, &in, &out, "live");
		expect_same(&b, &said, why, &out);
		count(&sum, &said);
	}
	return sum;
}

static void drain(const char *pool, const char *word)
{
	struct lb_addr addr;

	must(parse_addr(word, &addr, &err));
	lb_model_real(&w.model, pool, &addr)->state = LB_M_DRAIN;
}

/* The same packets again, after a change of the table: then the session cache has its say, and GUE names who was before. */
static void agree_twice(enum lb_m_encap encap, bool v6)
{
	struct sum first, again;

	serve(encap);
	first = agree(v6, 1);
	cr_expect(gt(u32, first.sent, FLOWS / 2));
	cr_expect(ge(u32, first.reasons, 8));
	drain("four", "10.1.0.3");
	drain("six", "fd00:1::3");
	must(world_commit(&w, &err));
	again = agree(v6, 1);
	cr_expect(gt(u32, again.kept, FLOWS / 5));
	cr_expect(gt(u32, again.own, FLOWS / 10));
	cr_expect(eq(int, again.prev > FLOWS / 100, encap == LB_M_ENCAP_GUE));
}

Test(lb_get, ipip_of_ipv4)
{
	agree_twice(LB_M_ENCAP_IPIP, false);
}

Test(lb_get, ipip_of_ipv6)
{
	agree_twice(LB_M_ENCAP_IPIP, true);
}

Test(lb_get, gue_of_ipv4)
{
	agree_twice(LB_M_ENCAP_GUE, false);
}

Test(lb_get, gue_of_ipv6)
{
	agree_twice(LB_M_ENCAP_GUE, true);
}

/* All counters and the whole session cache, as one number. */
static uint64_t state(void)
{
	static const char *const maps[] = {"count_vip", "count_real", "count_why",
					   "session",	"nexthop",    "answers"};
	static uint8_t value[128 * 256];
	uint64_t h = 0xcbf29ce484222325ull;
	char path[128];

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		int fd;

		snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/%s", w.instance, maps[i]);
		fd = bpf_obj_get(path);
		cr_assert(ge(int, fd, 0), "%s", maps[i]);
		for (uint32_t k = 0; !bpf_map_lookup_elem(fd, &k, value); k++)
			for (size_t n = 0; n < sizeof(value); n++)
				h = (h ^ value[n]) * 0x100000001b3ull;
		close(fd);
	}
	return h;
}

Test(lb_get, writes_nothing)
{
	uint64_t before, seed = 7;
	struct lb_seen said;
	struct both b;

	serve(LB_M_ENCAP_IPIP);
	agree(false, 1);
	before = state();
	for (int i = 0; i < 1000; i++) {
		any_packet(&b, i % 2, &seed);
		must(lb_trace_ask(trace, &b.flow, w.in, &said, &err));
	}
	cr_expect(eq(u64, state(), before));
	agree(false, 2);
	cr_expect(ne(u64, state(), before), "this test sees nothing");
}

/* A table made of answers is the table: each slot has one real, and each real as many as it should. */
Test(lb_get, slots_are_the_table)
{
	struct lb_addr slot[251] = {{0}};
	uint32_t count_of[REALS], got[REALS] = {0};
	const struct lb_m_real *r;
	uint64_t seed = 3;
	struct lb_seen said;
	struct both b;
	size_t n;

	serve(LB_M_ENCAP_IPIP);
	for (int i = 0; i < FLOWS; i++) {
		any_packet(&b, false, &seed);
		b.flow.dst.port = 443; /* pool "four", no session cache */
		must(parse_addr("203.0.113.2", &b.flow.dst.addr, &err));
		b.flow.dst.proto = IPPROTO_TCP;
		b.flow.fragment = LB_FLOW_WHOLE;
		b.flow.len = 0;
		must(lb_trace_ask(trace, &b.flow, w.in, &said, &err));
		if (!lb_seen_sent(&said))
			continue;
		cr_assert(lt(u32, said.slot, 251));
		cr_assert(slot[said.slot].family == 0 ||
			  lb_addr_cmp(&slot[said.slot], &said.real) == 0);
		slot[said.slot] = said.real;
	}
	r = lb_model_pool_reals(&w.model, "four", &n);
	cr_assert(eq(sz, n, REALS));
	for (int i = 0; i < 251; i++)
		for (size_t k = 0; k < n; k++)
			got[k] += !lb_addr_cmp(&slot[i], &r[k].addr);
	must(lb_maps_shares(w.maps, &w.model, "four", count_of, n, &err));
	cr_expect(zero(int, memcmp(got, count_of, sizeof(got))));
}
