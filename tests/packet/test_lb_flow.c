// SPDX-License-Identifier: GPL-2.0
/* test_lb_flow.c - which real a flow gets: always the same, on every node, by the weights. */
#include <stdio.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define PACKETS 10000u
#define REALS 20

static struct world a, b;
static struct lb_err err;

static void teardown(void)
{
	world_unload(&a);
	world_unload(&b);
}

static void setup(void)
{
	ptest_root();
	must(world_net(&err));
}

TestSuite(lb_flow, .init = setup, .fini = teardown, .timeout = 120);

static const struct lb_sizes sizes = {
	.reals = 64, .vips = 64, .pools = 8, .tables = 4, .sessions = 0, .seed = 7};

static void real_of(int i, char addr[40])
{
	snprintf(addr, 40, i & 1 ? "fd00::%d" : "10.0.0.%d", i + 1);
}

static void add_reals(struct world *w, const char *pool, int from, int to, int step)
{
	char addr[40];

	for (int i = from; i != to; i += step) {
		real_of(i, addr);
		must(world_real(w, pool, addr, 1 + i % 3, LB_M_UP, &err));
	}
}

static void add_vips(struct world *w)
{
	must(world_vip(w, "203.0.113.1:any/tcp", "flow", false, &err));
	must(world_vip(w, "203.0.113.1:any/udp", "flow", false, &err));
	must(world_vip(w, "[2001:db8:f::1]:any/tcp", "flow", false, &err));
	must(world_vip(w, "[2001:db8:f::1]:any/udp", "flow", false, &err));
}

/* In one commit. */
static void configure(struct world *w)
{
	must(world_pool(w, "flow", 65537, &err));
	add_reals(w, "flow", 0, REALS, 1);
	add_vips(w);
	must(world_commit(w, &err));
}

/* The same in the end, after many commits: backwards, with objects that come and go. */
static void configure_otherwise(struct world *w)
{
	struct lb_addr gone;

	must(world_pool(w, "zzz", 251, &err));
	must(world_real(w, "zzz", "10.0.0.200", 9, LB_M_UP, &err));
	must(world_pool(w, "flow", 65537, &err));
	add_vips(w);
	must(world_commit(w, &err));
	must(world_real(w, "flow", "10.0.0.77", 5, LB_M_UP, &err));
	for (int i = REALS - 1; i >= 0; i -= 5) {
		add_reals(w, "flow", i, i - 5, -1);
		must(world_commit(w, &err));
	}
	must(world_real(w, "flow", "10.0.0.1", 50, LB_M_DRAIN, &err));
	must(parse_addr("10.0.0.77", &gone, &err));
	lb_model_del_real(&w->model, lb_model_real(&w->model, "flow", &gone));
	must(world_commit(w, &err));
	must(world_real(w, "flow", "10.0.0.1", 1, LB_M_UP, &err));
	must(world_commit(w, &err));
}

static void random_packet(struct pkt *p, uint64_t *random)
{
	uint64_t r = pkt_random(random);
	char src[40];
	struct pkt_spec s = {
		.src = src,
		.dst = r & 1 ? "203.0.113.1" : "2001:db8:f::1",
		.proto = r & 2 ? IPPROTO_TCP : IPPROTO_UDP,
		.sport = r >> 16,
		.dport = r >> 32,
		.flags = r >> 8,
		.payload = r >> 48 & 63,
	};

	if (r & 1)
		snprintf(src, sizeof(src), "11.%u.%u.%u", (unsigned int)(r >> 40 & 255),
			 (unsigned int)(r >> 24 & 255), (unsigned int)(r >> 56));
	else
		snprintf(src, sizeof(src), "2001:db8:%x::%x", (unsigned int)(r >> 40 & 0xffff),
			 (unsigned int)(r >> 20 & 0xffff));
	pkt_build(p, &s);
}

Test(lb_flow, two_nodes_choose_alike)
{
	uint64_t random = 3;
	struct pkt in;

	must(world_load(&a, "a", &sizes, &err));
	must(world_load(&b, "b", &sizes, &err));
	configure(&a);
	configure_otherwise(&b);
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct lb_addr x, y, again;

		random_packet(&in, &random);
		x = ptest_real(&a, &in, "a");
		y = ptest_real(&b, &in, "b");
		again = ptest_real(&a, &in, "again");
		cr_assert(x.family != 0 && !lb_addr_cmp(&x, &y), "packet %u:%s", i, pkt_dump(&in));
		cr_assert(lb_addr_cmp(&x, &again) == 0, "packet %u:%s", i, pkt_dump(&in));
	}
}

/* What is no part of the flow does not matter, and each part of it does. */
Test(lb_flow, the_five_tuple_and_nothing_else)
{
	struct pkt_spec base = {
		.dst = "203.0.113.1", .src = "11.0.0.1", .sport = 5000, .dport = 99};
	struct pkt_spec vary[9];
	uint32_t moved[9] = {0};

	must(world_load(&a, "a", &sizes, &err));
	configure(&a);
	for (int i = 0; i < 200; i++) {
		struct lb_addr to[9];

		base.sport++;
		for (int k = 0; k < 9; k++)
			vary[k] = base;
		vary[1].ttl = 9;
		vary[2].tos = 0xb8;
		vary[3].flags = 0x02;
		vary[4].payload = 99;
		vary[4].options = 2;
		vary[5].src = "11.0.0.2";
		vary[6].sport += 1000;
		vary[7].dport++;
		vary[8].proto = IPPROTO_UDP;
		for (int k = 0; k < 9; k++) {
			struct pkt in;

			pkt_build(&in, &vary[k]);
			to[k] = ptest_real(&a, &in, "tuple");
			moved[k] += lb_addr_cmp(&to[0], &to[k]) != 0;
		}
	}
	for (int k = 1; k < 9; k++)
		cr_assert(k <= 4 ? moved[k] == 0 : moved[k] > 150, "variant %d moved %u of 200", k,
			  moved[k]);
}

/* Another seed is another table and another hash. */
Test(lb_flow, the_seed_matters)
{
	struct lb_sizes other = sizes;
	uint32_t moved = 0;
	uint64_t random = 5;
	struct pkt in;

	other.seed = 8;
	must(world_load(&a, "a", &sizes, &err));
	must(world_load(&b, "b", &other, &err));
	configure(&a);
	configure(&b);
	for (uint32_t i = 0; i < 1000; i++) {
		struct lb_addr x, y;

		random_packet(&in, &random);
		x = ptest_real(&a, &in, "a");
		y = ptest_real(&b, &in, "b");
		moved += lb_addr_cmp(&x, &y) != 0;
	}
	cr_assert(gt(u32, moved, 850));
}

/* Chi-square of 20,000 flows over 20 reals of weights 1 to 3: 19 degrees of freedom, 43.8 at 0.1 %. */
Test(lb_flow, shares_follow_the_weights)
{
	uint32_t got[REALS] = {0}, weights = 0;
	double chi = 0;
	struct pkt in;

	must(world_load(&a, "a", &sizes, &err));
	configure(&a);
	for (int i = 0; i < REALS; i++)
		weights += 1 + i % 3;
	for (uint32_t i = 0; i < 20000;
	     i++) { /* clients as they are: near addresses, counting ports */
		char src[32];
		struct pkt_spec s = {.src = src, .dst = "203.0.113.1", .sport = 32768 + i % 100};
		struct lb_addr to;

		snprintf(src, sizeof(src), "11.0.%u.%u", i / 100 >> 4, i / 100 & 15);
		pkt_build(&in, &s);
		to = ptest_real(&a, &in, "share");
		got[(to.family == 4 ? to.b[3] : (to.b[15] >> 4) * 10 + (to.b[15] & 15)) - 1]++;
	}
	for (int i = 0; i < REALS; i++) {
		double want = 20000.0 * (1 + i % 3) / weights;

		chi += (got[i] - want) * (got[i] - want) / want;
	}
	cr_assert(lt(dbl, chi, 43.8));
}
