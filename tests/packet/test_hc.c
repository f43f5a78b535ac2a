// SPDX-License-Identifier: GPL-2.0
/* test_hc.c - health checks through the tunnel, packet by packet: mark, in, verdict, out. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define V4 .src = "192.0.2.1", .dst = "203.0.113.1"
#define V6 .src = "2001:db8:1::1", .dst = "2001:db8:f::1"
#define SYN .flags = 2
#define UNTOUCHED (-1)
#define DROPPED TC_ACT_SHOT
#define SENT TC_ACT_REDIRECT

static struct world w;
static struct lb_err err;
static int prog = -1;

struct row {
	const char *what, *real; /* real: the one whose id the mark bears, NULL: mark as given */
	struct pkt_spec in;
	int verdict;
	int link; /* whose address is the source */
	uint32_t mark;
};

static const struct row rows[] = {
	{"4in4", "10.0.0.1", {V4, SYN}, .verdict = SENT},
	{"6in6", "fd00::1", {V6, SYN}, .verdict = SENT},
	{"4in6", "fd00::1", {V4, SYN}, .verdict = SENT},
	{"6in4", "10.0.0.1", {V6, SYN}, .verdict = SENT},
	{"4in4 by another link", "10.1.0.1", {V4, SYN}, .verdict = SENT, .link = WORLD_OUT},
	{"4in6 by another link", "fd00:1::1", {V4, SYN}, .verdict = SENT, .link = WORLD_OUT},
	{"the route's own source", "10.7.0.1", {V4}, .verdict = SENT, .link = WORLD_OUT},
	{"the route's own source, ipv6", "fd00:7::1", {V6}, .verdict = SENT, .link = WORLD_OUT},
	{"an ipv6 next hop", "10.6.0.1", {V4, .payload = 9}, .verdict = SENT},
	{"udp", "10.0.0.1", {V4, .proto = IPPROTO_UDP, .payload = 33}, .verdict = SENT},
	{"udp, 6in4", "10.0.0.1", {V6, .proto = IPPROTO_UDP, .payload = 33}, .verdict = SENT},
	{"tos", "10.0.0.1", {V4, .tos = 0xb9}, .verdict = SENT},
	{"tos, 4in6", "fd00::1", {V4, .tos = 0xb9}, .verdict = SENT},
	{"traffic class", "10.0.0.1", {V6, .tos = 0x4a}, .verdict = SENT},
	{"ipv4 options", "10.0.0.1", {V4, .options = 10, SYN}, .verdict = SENT},
	{"ipv4 options, 4in6", "fd00::1", {V4, .options = 3, .payload = 77}, .verdict = SENT},
	{"extension headers", "fd00::1", {V6, .ext = "hd"}, .verdict = SENT},
	{"a fragment", "10.0.0.1", {V4, .frag = 0x2000, .payload = 64}, .verdict = SENT},
	{"a next hop to resolve yet", "10.2.0.1", {V4, SYN}, .verdict = SENT},
	{"a next hop to resolve yet, ipv6", "fd00:2::1", {V6, SYN}, .verdict = SENT},
	{"as long as fits, 4in4", "10.0.0.1", {V4, .payload = 1500 - 60}, .verdict = SENT},
	{"as long as fits, 6in6", "fd00::1", {V6, .payload = 1500 - 100}, .verdict = SENT},
	{"a byte too long, 4in4", "10.0.0.1", {V4, .payload = 1500 - 59}, .verdict = DROPPED},
	{"a byte too long, 4in6", "fd00::1", {V4, .payload = 1500 - 79}, .verdict = DROPPED},
	{"as the route's mtu", "10.4.0.1", {V4, .payload = 1400 - 60}, .verdict = SENT},
	{"longer than the route's mtu", "10.4.0.1", {V4, .payload = 1400 - 59}, .verdict = DROPPED},
	{"no route", "10.3.0.1", {V4, SYN}, .verdict = DROPPED},
	{"no route, ipv6", "fd00:3::1", {V6, SYN}, .verdict = DROPPED},
	{"a blackhole", "10.5.0.1", {V4, SYN}, .verdict = DROPPED},
	{"a real that is ourselves", "192.0.2.1", {V4, SYN}, .verdict = DROPPED},
	{"a real that is down", "10.0.0.10", {V4, SYN}, .verdict = SENT},
	{"a real that drains", "10.0.0.11", {V4, SYN}, .verdict = SENT},
	{"no ip packet", "10.0.0.1", {V4, .ethertype = 0x0806}, .verdict = DROPPED},
	{"real 0", NULL, {V4, SYN}, .verdict = DROPPED, .mark = LB_HC_MARK},
	{"an id never given", NULL, {V4, SYN}, .verdict = DROPPED, .mark = LB_HC_MARK | 63},
	{"an id beyond the map", NULL, {V4, SYN}, .verdict = DROPPED, .mark = LB_HC_MARK | 0xffff},
	{"no mark", NULL, {V4, SYN}, .verdict = UNTOUCHED},
	{"another mark", NULL, {V4, SYN}, .verdict = UNTOUCHED, .mark = 1},
	{"nearly our mark", NULL, {V6}, .verdict = UNTOUCHED, .mark = (LB_HC_MARK ^ 1u << 16) | 1},
	{"nearly our mark, highest bit",
	 NULL,
	 {V6},
	 .verdict = UNTOUCHED,
	 .mark = LB_HC_MARK | 1u << 31 | 1},
};

static void setup(void)
{
	static const char *const more[] = {"10.2.0.1", "fd00:2::1", "192.0.2.1"};
	char svc[32];

	ptest_served(&w);
	for (int i = 0; i < 3; i++) {
		snprintf(svc, sizeof(svc), "203.0.113.%d:80/tcp", 90 + i);
		must(world_serve(&w, svc, more[i], &err));
	}
	must(world_commit(&w, &err));
	prog = lb_prog_open(w.instance, "hc", &err);
	cr_assert(ge(int, prog, 0), "%s", err.msg);
}

static void teardown(void)
{
	close(prog);
	world_unload(&w);
}

TestSuite(hc, .init = setup, .fini = teardown, .timeout = 60);

static uint32_t mark_of(const char *real)
{
	struct lb_addr a;

	must(parse_addr(real, &a, &err));
	for (size_t i = 0; i < w.model.reals; i++)
		if (!lb_addr_cmp(&w.model.real[i].addr, &a))
			return LB_HC_MARK | w.model.real[i].id;
	cr_fatal("no real %s", real);
}

/* The verdict; *mark is what became of it. */
static int leave(const struct pkt *in, struct pkt *out, uint32_t *mark)
{
	struct __sk_buff ctx = {.mark = *mark, .ifindex = w.in};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in->b, .data_size_in = in->len,
		    .data_out = out->b, .data_size_out = sizeof(out->b), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .ctx_out = &ctx, .ctx_size_out = sizeof(ctx),
		    .repeat = 1);

	cr_assert(zero(int, bpf_prog_test_run_opts(prog, &run)));
	out->len = run.data_size_out;
	*mark = ctx.mark;
	return (int)run.retval;
}

static void expect_tunnel(const char *what, const struct pkt *in, struct pkt *out,
			  const struct pkt_outer *o)
{
	struct pkt want;

	pkt_tunnel(&want, in, o);
	pkt_take_label(out);
	cr_expect(want.len == out->len && !memcmp(want.b, out->b, want.len),
		  "%s: wanted:%s\ngot:%s", what, pkt_dump(&want), pkt_dump(out));
}

static void check(const struct row *r)
{
	uint32_t was = r->real ? mark_of(r->real) : r->mark, mark = was;
	struct pkt_outer o = {0};
	struct pkt in, out;
	int verdict;

	pkt_build(&in, &r->in);
	verdict = leave(&in, &out, &mark);
	cr_expect(eq(int, verdict, r->verdict), "%s", r->what);
	if (verdict == UNTOUCHED) {
		cr_expect(in.len == out.len && !memcmp(in.b, out.b, in.len), "%s", r->what);
		cr_expect(eq(u32, mark, was), "%s", r->what);
	}
	if (verdict != SENT || r->verdict != SENT)
		return;
	/* The kernel writes the MAC addresses, behind us. */
	world_outer(&o, r->link, r->real);
	memcpy(o.dmac, in.b, 6);
	memcpy(o.smac, in.b + 6, 6);
	expect_tunnel(r->what, &in, &out, &o);
	cr_expect(zero(u32, mark), "%s: the mark stays", r->what);
}

Test(hc, rows)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(&rows[i]);
}

/* Every length: none is lost or padded. */
Test(hc, lengths)
{
	static const char *const reals[] = {"10.0.0.1", "fd00::1"};

	for (uint16_t n = 0; n < 1400; n += 7)
		for (int i = 0; i < 4; i++) {
			struct row r = {
				"length", reals[i & 1], {V4, .payload = n}, .verdict = SENT};

			if (i & 2)
				r.in = (struct pkt_spec){V6, .payload = n};
			check(&r);
		}
}

/* A removed real is nobody's: its id may be another's soon. */
Test(hc, removed_real)
{
	struct lb_addr a;
	struct row r = {
		"removed", NULL, {V4, SYN}, .verdict = DROPPED, .mark = mark_of("10.0.0.10")};

	must(parse_addr("10.0.0.10", &a, &err));
	lb_model_del_real(&w.model, lb_model_real(&w.model, "resting", &a));
	must(world_commit(&w, &err));
	check(&r);
}

/* `via`: whatever the routes say; IPv6 by an IPv4 hop needs its address written. */
Test(hc, via)
{
	static const char *const hops[] = {"198.51.100.254", "2001:db8:2::fe"};
	static const char *const reals[] = {"10.3.0.1", "fd00:3::1"}; /* without a route */
	struct lb_dev_conf conf = {.ifindex = w.in, .attached = true};

	must(world_ip("route add 2001:db8:2::fe/128 dev out src 2001:db8:2::1\n", &err));
	must(parse_addr(world_link[WORLD_IN].addr4, &conf.src4, &err));
	must(parse_addr(world_link[WORLD_IN].addr6, &conf.src6, &err));
	for (int i = 0; i < 4; i++) {
		struct pkt_spec s = {V4, SYN};
		uint32_t mark = mark_of(reals[i & 1]);
		struct pkt_outer o;
		struct pkt in, out;

		must(parse_addr(hops[i >> 1], &conf.via, &err));
		must(lb_maps_dev_put(w.maps, &conf, &err));
		pkt_build(&in, &s);
		cr_assert(eq(int, leave(&in, &out, &mark), SENT), "%s by %s", reals[i & 1],
			  hops[i >> 1]);
		/* A source of the hop's route where the families agree. */
		world_outer(&o, (i & 1) == i >> 1 ? WORLD_OUT : WORLD_IN, reals[i & 1]);
		memcpy(o.smac, i == 1 ? world_link[WORLD_OUT].mac : in.b + 6, 6);
		memcpy(o.dmac, i == 1 ? world_link[WORLD_OUT].gw_mac : in.b, 6);
		expect_tunnel(reals[i & 1], &in, &out, &o);
	}
}

/* A receiver that does not take the clients' packets by their source must not take the checks'. */
Test(hc, spread_source)
{
	static const char *const reals[] = {"10.0.0.1", "fd00::1"};

	must(parse_net("10.64.0.0/24", &w.model.spread4, &err));
	must(parse_net("fd64::/120", &w.model.spread6, &err));
	must(world_commit(&w, &err));
	for (int i = 0; i < 2; i++) {
		uint32_t mark = mark_of(reals[i]);
		struct pkt_spec s = {V4, SYN};
		struct pkt_outer o;
		struct pkt in, out;

		pkt_build(&in, &s);
		cr_assert(eq(int, leave(&in, &out, &mark), SENT));
		world_outer(&o, WORLD_IN, reals[i]);
		memcpy(o.dmac, in.b, 6);
		memcpy(o.smac, in.b + 6, 6);
		memcpy(o.src.b, out.b + 14 + (i ? 8 : 12), i ? 16 : 4);
		cr_expect(lb_net_has(i ? &w.model.spread6 : &w.model.spread4, &o.src));
		expect_tunnel(reals[i], &in, &out, &o);
	}
}

/* Without forwarding a client's packet does not leave either. */
Test(hc, forwarding_off)
{
	struct row r = {"forwarding off", "10.0.0.1", {V4, SYN}, .verdict = DROPPED};

	must(world_sysctl("ipv4/conf/in/forwarding", "0", &err));
	check(&r);
}
