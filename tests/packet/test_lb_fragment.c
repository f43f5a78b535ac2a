// SPDX-License-Identifier: GPL-2.0
/* test_lb_fragment.c - fragments: all of a datagram reach one real, on any node; or none does. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define MF 0x2000u
#define REALS 8
#define UDP .proto = IPPROTO_UDP, .dport = 53

static struct world w, other;
static struct lb_err err;

static void vip(struct world *at, const char *svc, const char *pool, bool session,
		enum lb_m_hash hash, enum lb_m_fragments fragments)
{
	struct lb_service s;

	must(world_vip(at, svc, pool, session, &err));
	must(parse_service(svc, &s, &err));
	lb_model_vip(&at->model, &s)->hash = hash;
	lb_model_vip(&at->model, &s)->fragments = fragments;
}

static void takes(struct world *at, const char *svc, const char *pool)
{
	vip(at, svc, pool, true, LB_M_HASH_5TUPLE, LB_M_FRAGMENTS_HASH);
}

/* A pool of one real, 10.0.1.N. */
static void one(struct world *at, const char *name, int n)
{
	char addr[32];

	snprintf(addr, sizeof(addr), "10.0.1.%d", n);
	must(world_pool(at, name, 251, &err));
	must(world_real(at, name, addr, 1, LB_M_UP, &err));
}

/* .1 takes fragments of UDP and TCP, .2 of UDP alone, .3 none; .4 is far: it has many ports; .5 goes by source. */
static void configure(struct world *at)
{
	char text[48];

	must(world_pool(at, "s", 1021, &err));
	for (int i = 1; i <= REALS; i++) {
		snprintf(text, sizeof(text), i & 1 ? "10.0.0.%d" : "fd00::%d", i);
		must(world_real(at, "s", text, 1, LB_M_UP, &err));
	}
	one(at, "drop", 1);
	takes(at, "203.0.113.1:53/udp", "s");
	takes(at, "203.0.113.1:80/tcp", "s");
	takes(at, "203.0.113.2:53/udp", "s");
	must(world_vip(at, "203.0.113.2:80/tcp", "s", true, &err));
	must(world_vip(at, "203.0.113.3:53/udp", "s", true, &err));
	must(world_vip(at, "203.0.113.3:80/tcp", "s", true, &err));
	takes(at, "[2001:db8:f::1]:53/udp", "s");
	takes(at, "[2001:db8:f::1]:80/tcp", "s");
	must(world_vip(at, "[2001:db8:f::3]:53/udp", "s", true, &err));
	for (int port = 1; port <= 40; port++) {
		snprintf(text, sizeof(text), "203.0.113.4:%d/udp", port);
		must(world_vip(at, text, "drop", true, &err));
		snprintf(text, sizeof(text), "[2001:db8:f::4]:%d/udp", port);
		must(world_vip(at, text, "drop", true, &err));
	}
	takes(at, "203.0.113.4:53/udp", "s");
	takes(at, "[2001:db8:f::4]:any/udp", "s");
	vip(at, "203.0.113.5:53/udp", "s", true, LB_M_HASH_SRC, LB_M_FRAGMENTS_HASH);
	vip(at, "[2001:db8:f::5]:53/udp", "s", false, LB_M_HASH_SRC, LB_M_FRAGMENTS_HASH);
	must(world_commit(at, &err));
}

/* Two nodes of one seed, which have come to their configuration by other ways: their ids differ. */
static void setup(void)
{
	const struct lb_sizes sizes = {
		.reals = 64, .vips = 256, .pools = 16, .tables = 4, .sessions = 4096, .seed = 42};

	ptest_root();
	must(world_net(&err));
	must(world_load(&w, "one", &sizes, &err));
	must(world_load(&other, "two", &sizes, &err));
	one(&other, "a", 99);
	takes(&other, "203.0.113.99:1/udp", "a");
	must(world_commit(&other, &err));
	configure(&w);
	configure(&other);
}

static void teardown(void)
{
	world_unload(&w);
	world_unload(&other);
}

TestSuite(lb_fragment, .init = setup, .fini = teardown, .timeout = 60);

/* Offset and flag into the fragment header, which is the last one of s->ext. */
static void build(struct pkt *in, const struct pkt_spec *s, uint16_t frag)
{
	struct pkt_spec v4 = *s;

	if (!strchr(s->dst, ':')) {
		v4.frag = frag;
		pkt_build(in, &v4);
		return;
	}
	pkt_build(in, s);
	frag = (frag & 0x1fff) << 3 | (frag & MF ? 1 : 0);
	in->b[14 + 40 + 8 * (strlen(s->ext) - 1) + 2] = frag >> 8;
	in->b[14 + 40 + 8 * (strlen(s->ext) - 1) + 3] = frag;
}

static enum lb_why drop(struct pkt_spec s, uint16_t frag)
{
	struct pkt in, out;

	build(&in, &s, frag);
	return ptest_send(&w, &in, &out, s.dst);
}

static struct lb_addr lead(struct world *at, struct pkt_spec s, uint16_t frag)
{
	struct pkt in;

	build(&in, &s, frag);
	return ptest_real(at, &in, s.dst);
}

static const struct {
	const char *what;
	struct pkt_spec s;
} rows[] = {
	{"udp", {.dst = "203.0.113.1", UDP}},
	{"tcp", {.dst = "203.0.113.1"}},
	{"udp, tcp takes none", {.dst = "203.0.113.2", UDP}},
	{"udp, options", {.dst = "203.0.113.1", UDP, .options = 3}},
	{"udp, far", {.dst = "203.0.113.4", UDP}},
	{"udp, by source", {.dst = "203.0.113.5", UDP}},
	{"ipv6 udp", {.dst = "2001:db8:f::1", UDP, .ext = "f"}},
	{"ipv6 tcp", {.dst = "2001:db8:f::1", .ext = "f"}},
	{"ipv6 udp, headers before", {.dst = "2001:db8:f::1", UDP, .ext = "hrf"}},
	{"ipv6 udp, far", {.dst = "2001:db8:f::4", UDP, .ext = "f"}},
	{"ipv6 udp, by source", {.dst = "2001:db8:f::5", UDP, .ext = "f"}},
};

/* Of each client several datagrams: first fragments have its ports, later ones anything there. */
static void one_client(const char *what, struct pkt_spec s, uint64_t *random, struct lb_addr *to)
{
	static const uint16_t frags[] = {MF, MF | 185, 370, 1, 0x1fff};
	struct lb_addr got;
	uint16_t port;

	*to = lead(&w, s, MF);
	for (int d = 0; d < 4; d++) {
		port = s.dport;
		s.sport = 1 + pkt_random(random) % 65534;
		for (size_t i = 0; i < sizeof(frags) / sizeof(*frags); i++) {
			s.payload = 8 + pkt_random(random) % 100 * 8;
			s.dport = frags[i] & 0x1fff ? 1 + pkt_random(random) % 65534 : port;
			got = lead(d & 1 ? &other : &w, s, frags[i]);
			cr_assert(zero(int, lb_addr_cmp(&got, to)), "%s: fragment %#x", what,
				  frags[i]);
		}
		s.dport = port;
	}
}

Test(lb_fragment, all_reach_one_real)
{
	uint64_t random = 7;
	struct lb_addr to;
	char src[48];

	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		struct pkt_spec s = rows[r].s;
		uint32_t seen[REALS + 1] = {0};
		bool v6 = strchr(s.dst, ':');

		s.src = src;
		for (uint32_t i = 1; i <= 96; i++) {
			snprintf(src, sizeof(src), v6 ? "2001:db8:c::%u" : "192.0.2.%u", i);
			one_client(rows[r].what, s, &random, &to);
			seen[to.b[to.family == 4 ? 3 : 15]]++;
		}
		for (int i = 1; i <= REALS; i++)
			cr_assert(gt(u32, seen[i], 1), "%s: real %d", rows[r].what, i);
	}
}

/* By source alone, whole packets and fragments meet as well. */
Test(lb_fragment, by_source_with_the_whole_ones)
{
	char src[48];

	for (uint32_t i = 1; i <= 96; i++) {
		struct pkt_spec s = {.dst = "203.0.113.5", .src = src, UDP};
		struct lb_addr part, whole;

		snprintf(src, sizeof(src), "192.0.2.%u", i);
		part = lead(&w, s, MF);
		whole = lead(&w, s, 0);
		cr_assert(zero(int, lb_addr_cmp(&part, &whole)));
	}
}

static const struct {
	const char *what;
	struct pkt_spec s;
	uint16_t frag;
	enum lb_why why;
} drops[] = {
	{"first, none taken", {.dst = "203.0.113.3", UDP}, MF, LB_DROP_FRAGMENT},
	{"later, none taken", {.dst = "203.0.113.3", UDP}, 185, LB_DROP_FRAGMENT},
	{"tcp, none taken", {.dst = "203.0.113.3"}, MF, LB_DROP_FRAGMENT},
	{"tcp, only udp taken", {.dst = "203.0.113.2"}, MF, LB_DROP_FRAGMENT},
	{"tcp, only udp taken, far", {.dst = "203.0.113.4"}, 7, LB_DROP_FRAGMENT},
	{"ipv6, none taken", {.dst = "2001:db8:f::3", UDP, .ext = "f"}, MF, LB_DROP_FRAGMENT},
	{"an echo request",
	 {.dst = "203.0.113.1", .proto = IPPROTO_ICMP, .flags = 8, .payload = 64},
	 MF,
	 LB_DROP_FRAGMENT},
	{"an ipv6 echo request",
	 {.dst = "2001:db8:f::1", .proto = IPPROTO_ICMPV6, .flags = 128, .ext = "f"},
	 MF,
	 LB_DROP_FRAGMENT},
	{"gre", {.dst = "203.0.113.1", .proto = 47, .payload = 64}, MF, LB_DROP_FRAGMENT},
	{"destination options in the first fragment",
	 {.dst = "2001:db8:f::1", .proto = 60, .payload = 64, .ext = "f"},
	 MF,
	 LB_DROP_FRAGMENT},
	/* What the entry for fragments is called inside is no protocol of the wire. */
	{"protocol 81", {.dst = "203.0.113.1", .proto = 81, .payload = 64}, 0, LB_DROP_NO_SERVICE},
	{"protocol 70", {.dst = "203.0.113.1", .proto = 70, .payload = 64}, 0, LB_DROP_NO_SERVICE},
	{"longer than the frame", {.dst = "203.0.113.1", UDP, .longer = 1}, MF, LB_DROP_BAD_LENGTH},
	{"from the vip", {.dst = "203.0.113.1", .src = "203.0.113.1", UDP}, MF, LB_DROP_BAD_SOURCE},
};

Test(lb_fragment, dropped)
{
	for (size_t i = 0; i < sizeof(drops) / sizeof(*drops); i++)
		cr_expect(eq(int, drop(drops[i].s, drops[i].frag), drops[i].why), "%s",
			  drops[i].what);
}

/* What does not fit the tunnel is not sent, whoever is told of it. */
Test(lb_fragment, too_big)
{
	struct pkt_spec s = {.dst = "203.0.113.1", UDP, .payload = 1480};
	static const uint16_t frags[] = {MF, MF | 185, 370};

	for (size_t i = 0; i < sizeof(frags) / sizeof(*frags); i++)
		cr_assert(ne(int, drop(s, frags[i]), LB_TX), "%#x", frags[i]);
}

Test(lb_fragment, ipv6_header_cut)
{
	struct pkt_spec s = {.dst = "2001:db8:f::1", UDP, .ext = "f"};
	struct pkt in, out;

	pkt_build(&in, &s);
	in.b[14 + 4] = 0;
	for (uint8_t len = 0; len < 8; len++) {
		in.b[14 + 5] = len;
		in.len = 14 + 40 + len;
		cr_assert(eq(int, ptest_send(&w, &in, &out, "cut"), LB_DROP_SHORT), "%u", len);
	}
}

static void expect(const char *dst, uint8_t proto, const char *real, const char *what)
{
	struct pkt_spec s = {.dst = dst, .proto = proto, .dport = 53, .ext = "f"};
	struct lb_addr first = lead(&w, s, MF), last = lead(&w, s, 99);

	cr_assert(ptest_is(&first, real) && ptest_is(&last, real), "%s", what);
}

static uint64_t packets(const char *name)
{
	struct lb_service svc;
	struct lb_counts c;

	must(parse_service(name, &svc, &err));
	must(lb_maps_count(w.maps, LB_COUNT_VIP, lb_model_vip(&w.model, &svc)->id, &c, &err));
	return c.packets;
}

/* Whose they are: the "any" entry's that takes them, else the lowest port's that does. */
static void whose(const char *addr, const char *host)
{
	char svc[64], text[4][64];
	static const char *const ports[] = {"900/udp", "80/udp", "70/udp", "any/udp"};

	for (int i = 0; i < 4; i++)
		snprintf(text[i], sizeof(text[i]), "%s:%s", addr, ports[i]);
	must(world_vip(&w, text[3], "p4", true, &err));
	takes(&w, text[0], "p1");
	must(world_vip(&w, text[2], "p3", true, &err));
	snprintf(svc, sizeof(svc), "%s:1/tcp", addr);
	takes(&w, svc, "drop");
	must(world_commit(&w, &err));
	expect(host, IPPROTO_UDP, "10.0.1.11", "the only one that takes them");
	takes(&w, text[1], "p2");
	must(world_commit(&w, &err));
	expect(host, IPPROTO_UDP, "10.0.1.12", "the lowest port");
	takes(&w, text[3], "p4");
	must(world_commit(&w, &err));
	expect(host, IPPROTO_UDP, "10.0.1.14", "any");
	expect(host, IPPROTO_TCP, "10.0.1.1", "the other protocol");
	for (int i = 0; i < 4; i++)
		cr_assert(eq(u64, packets(text[i]), i == 2 ? 0 : 2), "%s", text[i]);
	must(world_vip(&w, text[3], "p4", true, &err));
	must(world_vip(&w, text[1], "p2", true, &err));
	must(world_vip(&w, text[0], "p1", true, &err));
	must(world_commit(&w, &err));
	cr_assert(eq(int, drop((struct pkt_spec){.dst = host, UDP, .ext = "f"}, MF),
		     LB_DROP_FRAGMENT));
}

Test(lb_fragment, whose_they_are)
{
	char name[8];

	for (int i = 1; i <= 4; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		one(&w, name, 10 + i);
	}
	whose("203.0.113.6", "203.0.113.6");
	whose("[2001:db8:f::6]", "2001:db8:f::6");
	for (int i = 100; i < 110; i++) {
		char svc[64];

		snprintf(svc, sizeof(svc), "203.0.113.7:%d/udp", i);
		must(world_vip(&w, svc, "drop", true, &err));
	}
	whose("203.0.113.7", "203.0.113.7");
}

/* Sessions in the cache of w. */
static uint32_t sessions(void)
{
	struct lb_session line;
	uint32_t n = 0;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/session", w.instance);
	fd = bpf_obj_get(path);
	cr_assert(ge(int, fd, 0));
	for (uint32_t i = 0; !bpf_map_lookup_elem(fd, &i, &line); i++)
		for (uint32_t k = 0; k < LB_SESSION_WAYS; k++)
			n += line.way[k] != 0;
	close(fd);
	return n;
}

Test(lb_fragment, no_session)
{
	struct pkt_spec s = {.dst = "203.0.113.1", UDP}, src = {.dst = "203.0.113.5", UDP};
	struct lb_addr whole, got, part;
	char addr[LB_ADDR_STRLEN];

	for (s.sport = 1000; s.sport < 1020; s.sport++) {
		lead(&w, s, MF);
		lead(&w, s, 100);
		lead(&w, src, MF);
	}
	cr_assert(eq(u32, sessions(), 0), "a fragment made an entry");
	whole = lead(&w, src, 0);
	cr_assert(eq(u32, sessions(), 1));
	format_addr(&whole, addr);
	must(world_real(&w, "s", addr, 1, LB_M_DRAIN, &err));
	must(world_commit(&w, &err));
	got = lead(&w, src, 0);
	part = lead(&w, src, MF);
	cr_assert(ptest_is(&got, addr), "the whole packet's session holds");
	cr_assert(not(ptest_is(&part, addr)), "a fragment went by it");
}

/* The entries for fragments are nobody's service: what is read back is what was written. */
Test(lb_fragment, read_back)
{
	struct lb_service svc;
	size_t n = w.model.vips;

	cr_assert(eq(sz, n, 93));
	must(world_commit(&w, &err));
	cr_assert(eq(sz, w.model.vips, n));
	must(parse_service("203.0.113.5:53/udp", &svc, &err));
	cr_assert(eq(int, lb_model_vip(&w.model, &svc)->hash, LB_M_HASH_SRC));
	cr_assert(eq(int, lb_model_vip(&w.model, &svc)->fragments, LB_M_FRAGMENTS_HASH));
	must(parse_service("203.0.113.4:52/udp", &svc, &err));
	cr_assert(zero(ptr, (void *)lb_model_vip(&w.model, &svc)));
	must(parse_service("203.0.113.4:40/udp", &svc, &err));
	cr_assert(eq(int, lb_model_vip(&w.model, &svc)->fragments, LB_M_FRAGMENTS_DROP));
}
