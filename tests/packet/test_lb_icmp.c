// SPDX-License-Identifier: GPL-2.0
/* test_lb_icmp.c - ICMP errors to a VIP: forwarded to the real of the flow that they quote, or dropped, and why. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define TO4 .src = "198.18.0.1", .dst = "203.0.113.1", .proto = IPPROTO_ICMP
#define TO6 .src = "2001:db8:18::1", .dst = "2001:db8:f::1", .proto = IPPROTO_ICMPV6
#define NEED_FRAG TO4, .flags = 3, .code = 4
#define TOO_BIG TO6, .flags = 2
/* What a real sent. */
#define OF4 .src = "203.0.113.1", .dst = "192.0.2.10"
#define OF6 .src = "2001:db8:f::1", .dst = "2001:db8:c::10"
#define TCP4 OF4, .sport = 80
#define TCP6 OF6, .sport = 80
#define UDP4 OF4, .proto = IPPROTO_UDP, .sport = 53
#define UDP6 OF6, .proto = IPPROTO_UDP, .sport = 53
#define BAD LB_DROP_ICMP_QUOTE
#define MANY4 "203.0.113.20"
#define MANY6 "2001:db8:f::20"

struct row {
	const char *what;
	struct pkt_spec error, quote;
	uint16_t keep; /* bytes of the quoted packet; 0: all */
	enum lb_why why;
	const char *real;
};

static const struct row rows[] = {
	{"fragmentation needed", {NEED_FRAG}, {TCP4, .payload = 500}, 0, LB_TX, "10.0.0.1"},
	{"8 bytes of tcp", {NEED_FRAG}, {TCP4, .payload = 500}, 28, LB_TX, "10.0.0.1"},
	{"port unreachable", {TO4, .flags = 3, .code = 3}, {UDP4}, 0, LB_TX, "10.0.0.1"},
	{"time exceeded", {TO4, .flags = 11}, {TCP4}, 28, LB_TX, "10.0.0.1"},
	{"parameter problem", {TO4, .flags = 12}, {TCP4}, 28, LB_TX, "10.0.0.1"},
	{"padded frame", {NEED_FRAG, .pad = 7}, {TCP4, .payload = 9}, 0, LB_TX, "10.0.0.1"},
	{"two tags", {NEED_FRAG, .tag = {3, 4}}, {TCP4}, 28, LB_TX, "10.0.0.1"},
	{"quoted options", {NEED_FRAG}, {TCP4, .options = 10}, 68, LB_TX, "10.0.0.1"},
	{"quoted first fragment",
	 {NEED_FRAG},
	 {UDP4, .frag = 0x2000, .payload = 99},
	 28,
	 LB_TX,
	 "10.0.0.1"},
	{"quoted syn-ack", {NEED_FRAG}, {TCP4, .flags = 0x12}, 0, LB_TX, "10.0.0.1"},
	{"to a real by ipv6",
	 {.src = "198.18.0.1", .dst = "203.0.113.2", .proto = IPPROTO_ICMP, .flags = 3},
	 {.src = "203.0.113.2", .dst = "192.0.2.10", .sport = 80, .dport = 9},
	 28,
	 LB_TX,
	 "fd00::1"},
	{"by another link",
	 {.src = "198.18.0.1", .dst = "203.0.113.3", .proto = IPPROTO_ICMP, .flags = 3},
	 {.src = "203.0.113.3", .dst = "192.0.2.10", .sport = 80, .dport = 9},
	 28,
	 LB_TX_REDIRECT,
	 "10.1.0.1"},
	{"any port",
	 {.src = "198.18.0.1", .dst = "203.0.113.4", .proto = IPPROTO_ICMP, .flags = 3},
	 {.src = "203.0.113.4", .dst = "192.0.2.10", .sport = 442, .dport = 9},
	 28,
	 LB_TX,
	 "10.0.0.4"},
	{"exact before any",
	 {.src = "198.18.0.1", .dst = "203.0.113.4", .proto = IPPROTO_ICMP, .flags = 3},
	 {.src = "203.0.113.4", .dst = "192.0.2.10", .sport = 443, .dport = 9},
	 28,
	 LB_TX,
	 "10.0.0.5"},
	{"empty pool",
	 {.src = "198.18.0.1", .dst = "203.0.113.5", .proto = IPPROTO_ICMP, .flags = 3},
	 {.src = "203.0.113.5", .dst = "192.0.2.10", .sport = 80, .dport = 9},
	 28,
	 LB_DROP_NO_REAL,
	 NULL},
	{"packet too big", {TOO_BIG}, {TCP6, .payload = 1100}, 0, LB_TX, "fd00::1"},
	{"8 bytes of tcp, ipv6", {TOO_BIG}, {TCP6}, 48, LB_TX, "fd00::1"},
	{"ipv6 unreachable", {TO6, .flags = 1, .code = 4}, {UDP6}, 0, LB_TX, "fd00::1"},
	{"ipv6 time exceeded", {TO6, .flags = 3}, {TCP6}, 0, LB_TX, "fd00::1"},
	{"ipv6 parameter problem", {TO6, .flags = 4}, {TCP6}, 0, LB_TX, "fd00::1"},
	{"outer extension headers", {TOO_BIG, .ext = "hd"}, {TCP6}, 0, LB_TX, "fd00::1"},
	{"quoted extension headers", {TOO_BIG}, {TCP6, .ext = "hrdaHD"}, 0, LB_TX, "fd00::1"},
	{"quoted atomic fragment", {TOO_BIG}, {UDP6, .ext = "f"}, 0, LB_TX, "fd00::1"},
	{"no such service", {NEED_FRAG}, {OF4, .sport = 81}, 0, LB_DROP_NO_SERVICE, NULL},
	{"no such service, udp",
	 {TOO_BIG},
	 {OF6, .proto = IPPROTO_UDP, .sport = 80},
	 0,
	 LB_DROP_NO_SERVICE,
	 NULL},
	{"quotes another source",
	 {NEED_FRAG},
	 {.src = "203.0.113.2", .dst = "192.0.2.10", .sport = 80},
	 0,
	 BAD,
	 NULL},
	{"quotes the client's packet",
	 {NEED_FRAG},
	 {.src = "192.0.2.10", .dst = "203.0.113.1"},
	 0,
	 BAD,
	 NULL},
	{"another source, low half",
	 {TOO_BIG},
	 {.src = "2001:db8:f::2", .dst = "2001:db8:c::10", .sport = 80},
	 0,
	 BAD,
	 NULL},
	{"another source, high half",
	 {TOO_BIG},
	 {.src = "2001:db8:e::1", .dst = "2001:db8:c::10", .sport = 80},
	 0,
	 BAD,
	 NULL},
	{"7 bytes of tcp", {NEED_FRAG}, {TCP4}, 27, BAD, NULL},
	{"7 bytes of tcp, padded", {NEED_FRAG, .pad = 20}, {TCP4}, 27, BAD, NULL},
	{"7 bytes of tcp, options", {NEED_FRAG}, {TCP4, .options = 10}, 67, BAD, NULL},
	{"7 bytes of tcp, ipv6", {TOO_BIG, .pad = 20}, {TCP6}, 47, BAD, NULL},
	{"half an address", {NEED_FRAG}, {TCP4}, 18, BAD, NULL},
	{"half an address, ipv6", {TOO_BIG}, {TCP6}, 33, BAD, NULL},
	{"quoted fragment", {NEED_FRAG}, {TCP4, .frag = 1}, 0, BAD, NULL},
	{"quoted version 6", {NEED_FRAG}, {TCP4, .version = 6}, 0, BAD, NULL},
	{"quoted version 4", {TOO_BIG}, {TCP6, .version = 4}, 0, BAD, NULL},
	{"quoted ihl 4", {NEED_FRAG}, {TCP4, .ihl = 4}, 0, BAD, NULL},
	{"quoted ihl 0", {NEED_FRAG}, {TCP4, .ihl = PKT_ZERO}, 0, BAD, NULL},
	{"quoted ihl beyond", {NEED_FRAG}, {TCP4, .ihl = 15}, 0, BAD, NULL},
	{"quoted length below tcp's", {NEED_FRAG}, {TCP4, .longer = -1}, 0, BAD, NULL},
	{"quoted length below udp's", {NEED_FRAG}, {UDP4, .longer = -1}, 0, BAD, NULL},
	{"quoted length 0", {NEED_FRAG}, {TCP4, .longer = -40}, 0, BAD, NULL},
	{"quoted length below tcp's, ipv6", {TOO_BIG}, {TCP6, .longer = -1}, 0, BAD, NULL},
	{"quoted length 0, ipv6", {TOO_BIG}, {TCP6, .longer = -20}, 0, BAD, NULL},
	{"quoted length of headers alone",
	 {TOO_BIG},
	 {TCP6, .ext = "h", .longer = -20},
	 0,
	 BAD,
	 NULL},
	{"quoted echo", {NEED_FRAG}, {OF4, .proto = IPPROTO_ICMP, .flags = 0}, 0, BAD, NULL},
	{"quoted echo, ipv6",
	 {TOO_BIG},
	 {OF6, .proto = IPPROTO_ICMPV6, .flags = 129},
	 0,
	 BAD,
	 NULL},
	{"quoted error", {NEED_FRAG}, {OF4, .proto = IPPROTO_ICMP, .flags = 3}, 0, BAD, NULL},
	{"quoted tunnel", {NEED_FRAG}, {OF4, .proto = 4, .payload = 40}, 0, BAD, NULL},
	{"quoted protocol 0", {TOO_BIG}, {OF6, .proto = 59, .payload = 20}, 0, BAD, NULL},
	{"seven quoted headers", {TOO_BIG}, {TCP6, .ext = "hrdahrd"}, 0, BAD, NULL},
	{"quoted header cut", {TOO_BIG}, {TCP6, .ext = "H"}, 60, BAD, NULL},
	{"ports behind the quote", {TOO_BIG, .pad = 60}, {TCP6, .ext = "H"}, 88, BAD, NULL},
	{"fragment of an error", {NEED_FRAG, .frag = 0x2000}, {TCP4}, 0, LB_DROP_FRAGMENT, NULL},
	{"echo reply with a quote", {TO4}, {TCP4}, 0, LB_DROP_ICMP, NULL},
	{"redirect", {TO4, .flags = 5}, {TCP4}, 0, LB_DROP_ICMP, NULL},
	{"too big for the tunnel", {NEED_FRAG}, {TCP4, .payload = 1413}, 0, LB_DROP_TOO_BIG, NULL},
};

static struct world w;
static struct lb_err err;

static void setup(void)
{
	ptest_served(&w);
	must(world_pool(&w, "many", 1009, &err));
	for (int i = 1; i <= 8; i++) {
		char addr[32];

		snprintf(addr, sizeof(addr), "10.0.1.%d", i);
		must(world_real(&w, "many", addr, 1, LB_M_UP, &err));
	}
	must(world_vip(&w, MANY4 ":80/tcp", "many", true, &err));
	must(world_vip(&w, MANY4 ":53/udp", "many", true, &err));
	must(world_vip(&w, "[" MANY6 "]:80/tcp", "many", true, &err));
	must(world_commit(&w, &err));
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_icmp, .init = setup, .fini = teardown, .timeout = 120);

/* An error that ends with the first `keep` bytes of the quoted packet. */
static void make(struct pkt *in, struct pkt_spec error, const struct pkt_spec *quote, uint16_t keep)
{
	uint16_t type;
	struct pkt q;
	uint32_t len;

	pkt_build(&q, quote);
	len = keep && keep < q.len - 14 ? keep : q.len - 14;
	error.payload = len;
	pkt_build(in, &error);
	memcpy(in->b + pkt_l3(in, &type) + pkt_ip_len(in) - len, q.b + 14, len);
}

Test(lb_icmp, errors)
{
	struct pkt in, out, want;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct pkt_outer o = {0};
		enum lb_why why;

		make(&in, row->error, &row->quote, row->keep);
		why = ptest_send(&w, &in, &out, row->what);
		cr_expect(why == row->why, "%s: %s, want %s; sent:%s", row->what,
			  world_why_name(why), world_why_name(row->why), pkt_dump(&in));
		if (why != row->why || !row->real)
			continue;
		world_outer(&o, why == LB_TX ? WORLD_IN : WORLD_OUT, row->real);
		pkt_tunnel(&want, &in, &o);
		pkt_take_label(&out);
		cr_expect(out.len >= want.len && !memcmp(out.b, want.b, want.len),
			  "%s: got:%s\nwant:%s", row->what, pkt_dump(&out), pkt_dump(&want));
	}
}

/* Whatever is missing at the end: never anything but forwarded or dropped for its quote. */
Test(lb_icmp, cut_quotes)
{
	struct pkt in, out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		bool done = false;
		struct pkt q;

		if (row->why != LB_TX)
			continue;
		pkt_build(&q, &row->quote);
		for (uint16_t keep = 1; keep <= q.len - 14 && keep < 300; keep++) {
			enum lb_why why;

			make(&in, row->error, &row->quote, keep);
			why = ptest_send(&w, &in, &out, row->what);
			cr_assert(why == LB_TX || (why == BAD && !done), "%s: %u bytes: %s",
				  row->what, keep, world_why_name(why));
			done = why == LB_TX;
		}
		cr_expect(done, "%s", row->what);
	}
}

/* Bits of good errors turned: one reason, and what is forwarded is right and goes to a real. */
Test(lb_icmp, bent_errors)
{
	uint64_t random = 7, seen[LB_WHY_MAX] = {0};
	struct pkt in, out, as_in;

	for (int i = 0; i < 60000; i++) {
		const struct row *row = &rows[pkt_random(&random) % 23];
		uint32_t flips = 1 + pkt_random(&random) % 4;
		struct lb_addr to;
		enum lb_why why;

		if (row->why != LB_TX)
			continue;
		make(&in, row->error, &row->quote, row->keep);
		while (flips--)
			in.b[14 + pkt_random(&random) % (in.len - 14)] ^= 1 << pkt_random(&random) %
										       8;
		as_in = in;
		why = ptest_send(&w, &in, &out, "bent");
		seen[why]++;
		if (why == LB_TX)
			cr_assert(pkt_wrong(&out, &as_in, &to) == NULL, "%s", pkt_dump(&in));
	}
	cr_assert(seen[LB_TX] > 1000 && seen[BAD] > 1000 && seen[LB_DROP_NO_SERVICE] > 100);
}

static const struct {
	const char *vip, *client, *router;
	uint8_t proto, icmp, type;
	uint16_t port;
} flows[] = {{MANY4, "192.0.2.10", "198.18.0.1", IPPROTO_TCP, IPPROTO_ICMP, 3, 80},
	     {MANY4, "192.0.2.10", "198.18.0.1", IPPROTO_UDP, IPPROTO_ICMP, 11, 53},
	     {MANY6, "2001:db8:c::10", "2001:db8:18::1", IPPROTO_TCP, IPPROTO_ICMPV6, 2, 80}};

static struct lb_addr of_client(int f, uint16_t port)
{
	struct pkt_spec s = {.src = flows[f].client,
			     .dst = flows[f].vip,
			     .proto = flows[f].proto,
			     .sport = port,
			     .dport = flows[f].port};
	struct pkt in;

	pkt_build(&in, &s);
	return ptest_real(&w, &in, "client");
}

static struct lb_addr of_error(int f, uint16_t port)
{
	struct pkt_spec q = {.src = flows[f].vip,
			     .dst = flows[f].client,
			     .proto = flows[f].proto,
			     .sport = flows[f].port,
			     .dport = port};
	struct pkt_spec e = {.src = flows[f].router,
			     .dst = flows[f].vip,
			     .proto = flows[f].icmp,
			     .flags = flows[f].type};
	struct pkt in;

	make(&in, e, &q, 0);
	return ptest_real(&w, &in, "error");
}

/* The whole session cache. */
static void sessions(struct lb_session *s)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/session", w.instance);
	fd = bpf_obj_get(path);
	cr_assert(fd >= 0);
	for (uint32_t i = 0; i < 512; i++)
		cr_assert(zero(int, bpf_map_lookup_elem(fd, &i, &s[i])));
	close(fd);
}

Test(lb_icmp, same_real_as_the_flow)
{
	for (int f = 0; f < 3; f++) {
		uint32_t others = 0;
		struct lb_addr first = of_client(f, 1000);

		for (uint16_t port = 1000; port < 1300; port++) {
			struct lb_addr before = of_error(f, port), real = of_client(f, port);
			struct lb_addr after = of_error(f, port);

			cr_assert(lb_addr_cmp(&real, &before) == 0 &&
					  lb_addr_cmp(&real, &after) == 0,
				  "flow %d, port %u", f, port);
			others += lb_addr_cmp(&first, &real) != 0;
		}
		cr_assert(others > 100);
	}
}

/* Flows that the cache keeps on reals that drain. */
Test(lb_icmp, follows_the_session_cache)
{
	struct lb_addr was[3][100];
	uint32_t moved = 0;

	for (int f = 0; f < 3; f++)
		for (int i = 0; i < 100; i++)
			was[f][i] = of_client(f, 2000 + i);
	for (int i = 1; i <= 4; i++) {
		char addr[32];

		snprintf(addr, sizeof(addr), "10.0.1.%d", i);
		must(world_real(&w, "many", addr, 1, LB_M_DRAIN, &err));
	}
	must(world_commit(&w, &err));
	for (int f = 0; f < 3; f++) {
		for (int i = 0; i < 100; i++) {
			struct lb_addr got = of_error(f, 2000 + i);

			cr_assert(lb_addr_cmp(&got, &was[f][i]) == 0, "flow %d, %d", f, i);
			moved += was[f][i].b[3] <= 4;
		}
	}
	cr_assert(moved > 50);
}

/* Neither new entries, nor a newer time in old ones. */
Test(lb_icmp, leaves_the_session_cache_alone)
{
	static struct lb_session before[512], after[512];
	char path[128];
	int fd;

	of_client(0, 3000);
	of_client(1, 3000);
	sessions(before);
	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/session", w.instance);
	fd = bpf_obj_get(path);
	for (uint32_t i = 0; i < 512; i++) {
		for (uint32_t k = 0; k < LB_SESSION_WAYS; k++)
			if (before[i].way[k]) /* two ticks ago, seen once */
				before[i].way[k] = (before[i].way[k] & ~1ull) - 4;
		cr_assert(zero(int, bpf_map_update_elem(fd, &i, &before[i], BPF_ANY)));
	}
	close(fd);
	for (int f = 0; f < 3; f++)
		for (uint16_t port = 2990; port < 3010; port++)
			of_error(f, port);
	sessions(after);
	cr_assert(zero(int, memcmp(before, after, sizeof(before))));
	of_client(0, 3000);
	sessions(after);
	cr_assert(memcmp(before, after, sizeof(before)) != 0);
}
