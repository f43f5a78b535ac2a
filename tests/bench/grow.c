// SPDX-License-Identifier: GPL-2.0
/*
 * grow - what a packet costs when there is more of something: the figures behind `make bench-plots`.
 *
 * usage: grow [ -r ROUNDS ] vips|pools|reals|flows|tables
 *
 * A line a point, words between tabs: curve, how many, least and median nanoseconds above the empty program, and least of
 * adjust_head. Each point is an instance of its own.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/ring.h"
#include "tests/bench/cases.h"
#include "tests/bench/rig.h"
#include "tests/bench/sum.h"

#define SLICE 20000 /* packets */
#define SLICES 10 /* of a round */
#define ROUNDS_MAX 100
#define WARM (1u << 17)
#define VIPS "100.64.0.0" /* the first VIP, and the next ones behind it */
#define KEPT "100.127.0.1" /* one more, with the session cache */
#define M (1u << 20)

/* The number of VIPs, pools, reals, and the table's slots. */
struct amount {
	uint32_t vips, pools, reals, slots;
};

struct curve {
	const char *name;
	const char *dst; /* of the packets */
	uint32_t dsts; /* so many from that on, in turn; ALL: the point's number */
	uint32_t flows; /* ALL: the point's number */
	enum lb_why why; /* what becomes of them */
	bool soon; /* after a change of the table */
};
#define ALL (~0u)

struct axis {
	const char *name;
	uint32_t points[12];
	struct curve curves[4];
};

#define TENS 1, 10, 100, 1000, 10000
static const struct axis axes[] = {
	{"vips",
	 {TENS, 30000, 100000},
	 {{"one of them", VIPS, 0, 1, LB_TX, false},
	  {"all of them, in turn", VIPS, ALL, 1, LB_TX, false},
	  {"none of them, 65,536 addresses", "198.18.0.0", 65536, 1, LB_PASS_NO_VIP, false}}},
	{"pools", {TENS}, {{"a VIP and a real each, in turn", VIPS, ALL, 1, LB_TX, false}}},
	{"reals",
	 {TENS},
	 {{"65,536 flows, table only", VIPS, 0, 65536, LB_TX, false},
	  {"65,536 flows, session cache", KEPT, 0, 65536, LB_TX, false}}},
	{"flows",
	 {1, 16, 256, 1024, 4096, 16384, 65536, 262144, M, 4 * M, 16 * M},
	 {{"table only", VIPS, 0, ALL, LB_TX, false},
	  {"session cache", KEPT, 0, ALL, LB_TX, false},
	  {"session cache, soon after a change of the table", KEPT, 0, ALL, LB_TX, true}}},
	{"tables",
	 {251, 4099, 65537, 655373, 4194301},
	 {{"65,536 flows", VIPS, 0, 65536, LB_TX, false},
	  {"1,000,000 flows", VIPS, 0, 1000000, LB_TX, false}}},
};

static struct world w;
static struct rig rig;

/* VIPs in ascending order: the model keeps them sorted. */
static int add_vips(const struct amount *a, struct lb_err *err)
{
	char text[64], pool[24];

	for (uint32_t i = 0; i < a->vips; i++) {
		uint32_t addr = (100u << 24) + (64u << 16) + i;

		snprintf(text, sizeof(text), "%u.%u.%u.%u:80/tcp", addr >> 24, addr >> 16 & 255,
			 addr >> 8 & 255, addr & 255);
		snprintf(pool, sizeof(pool), "p%05u", i % a->pools);
		if (world_vip(&w, text, pool, false, err))
			return -1;
	}
	return world_vip(&w, KEPT ":80/tcp", "p00000", true, err);
}

static int configure(const struct amount *a, struct lb_err *err)
{
	struct lb_sizes sizes = lb_sizes_default;
	char text[64], pool[24];

	sizes.vips = a->vips > 4096 ? a->vips + 16 : 4096;
	sizes.pools = a->pools + 16;
	sizes.reals = a->pools * a->reals + 1024;
	sizes.tables = 2 * a->pools * a->slots / LB_RING_DEFAULT + 8;
	sizes.sessions = 2 * M;
	if (world_load(&w, "grow", &sizes, err))
		return -1;
	for (uint32_t p = 0; p < a->pools; p++) {
		snprintf(pool, sizeof(pool), "p%05u", p);
		if (world_pool(&w, pool, a->slots, err))
			return -1;
		for (uint32_t i = 0; i < a->reals; i++) {
			snprintf(text, sizeof(text), "10.0.%u.%u", i / 250, i % 250 + 1);
			if (world_real(&w, pool, text, 1, LB_M_UP, err))
				return -1;
		}
	}
	return add_vips(a, err) || world_commit(&w, err) ? -1 : 0;
}

struct sums {
	double empty, adjust, least; /* the last two: as empty, harness included */
	double above[ROUNDS_MAX * SLICES];
	size_t n;
};

static int slice(struct sums *s, uint32_t *at, struct lb_err *err)
{
	uint32_t from = *at, dst = rig.wrap->dst;
	double empty = rig_run(&rig, rig.empty, SLICE, &from, err);
	double adjust = empty < 0 ? -1 : rig_run(&rig, rig.adjust, SLICE, &from, err), ns;

	rig.wrap->dst = dst;
	ns = adjust < 0 ? -1 : rig_run(&rig, w.prog, SLICE, at, err);
	if (ns < 0)
		return -1;
	s->empty = !s->n || empty < s->empty ? empty : s->empty;
	s->adjust = !s->n || adjust < s->adjust ? adjust : s->adjust;
	s->least = !s->n || ns < s->least ? ns : s->least;
	s->above[s->n++] = ns - empty;
	return 0;
}

/* Warms up; the number of packets that bring the CPU's caches back later. */
static int prepare(const struct curve *c, uint32_t n, uint32_t *at, uint32_t *again,
		   struct lb_err *err)
{
	uint32_t flows = c->flows == ALL ? n : c->flows, most;
	const struct pkt_spec spec = {.dst = c->dst};

	rig.dsts = c->dsts == ALL ? n : c->dsts;
	rig.target = -1; /* this program may have the descriptor of one that is gone */
	most = rig.dsts > flows ? rig.dsts : flows;
	*again = most < WARM ? most : WARM;
	if (bench_date(&w, NULL, !c->soon, err) || rig_packet(&rig, &spec, flows, err) ||
	    rig_run(&rig, w.prog, most < 4 * M ? 2 * most + 1000 : 8 * M, at, err) < 0)
		return -1;
	return 0;
}

/* Each VIP got packets, if that is what the curve is about. */
static int all_reached(const struct curve *c, uint32_t n, struct lb_err *err)
{
	struct lb_counts count;
	uint32_t reached = 0;

	if (c->dsts != ALL)
		return 0;
	for (uint32_t id = 0; id <= n; id++) {
		if (lb_maps_count(w.maps, LB_COUNT_VIP, id, &count, err))
			return -1;
		reached += count.packets > 0;
	}
	return reached >= n ? 0 : lb_fail(err, "%s: packets reached %u of %u", c->name, reached, n);
}

static int measure(const struct curve *c, uint32_t n, uint32_t rounds, struct lb_err *err)
{
	struct lb_counts before, after;
	uint32_t at = 0, again;
	static struct sums s;

	s.n = 0;
	if (prepare(c, n, &at, &again, err) ||
	    lb_maps_count(w.maps, LB_COUNT_WHY, c->why, &before, err))
		return -1;
	for (uint32_t round = 0; round < rounds; round++) {
		if (rig_run(&rig, w.prog, again, &at, err) < 0)
			return -1;
		for (int i = 0; i < SLICES; i++)
			if (slice(&s, &at, err))
				return -1;
	}
	if (lb_maps_count(w.maps, LB_COUNT_WHY, c->why, &after, err))
		return -1;
	if (after.packets - before.packets != (uint64_t)rounds * (again + SLICES * SLICE))
		return lb_fail(err, "%s, %u: not all packets were %s", c->name, n,
			       lb_why_name(c->why));
	if (all_reached(c, n, err))
		return -1;
	bench_sort(s.above, s.n);
	printf("%s\t%u\t%.1f\t%.1f\t%.1f\n", c->name, n, s.least - s.empty, s.above[s.n / 2],
	       s.adjust - s.empty);
	return fflush(stdout);
}

static struct amount amount_of(const struct axis *x, uint32_t n)
{
	struct amount a = {1, 1, 100, LB_RING_DEFAULT};

	if (!strcmp(x->name, "vips"))
		a.vips = n;
	else if (!strcmp(x->name, "pools"))
		a = (struct amount){n, n, 1, LB_RING_MIN};
	else if (!strcmp(x->name, "reals"))
		a = (struct amount){1, 1, n, 655373};
	else if (!strcmp(x->name, "tables"))
		a.slots = n;
	return a;
}

static int points(const struct axis *x, uint32_t rounds, struct lb_err *err)
{
	for (const uint32_t *n = x->points; *n; n++) {
		struct amount a = amount_of(x, *n);
		int ret = configure(&a, err);

		for (const struct curve *c = x->curves; c->name && !ret; c++)
			ret = measure(c, *n, rounds, err);
		world_unload(&w);
		if (ret)
			return -1;
	}
	return 0;
}

static int run(int argc, char **argv, struct lb_err *err)
{
	const struct axis *x = axes, *end = axes + sizeof(axes) / sizeof(*axes);
	uint32_t rounds = 10;
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "r:")) != -1)
		if (c != 'r' || parse_u32(optarg, 1, ROUNDS_MAX, &rounds, err))
			return c == 'r' ? lb_prefix(err, "-r") : lb_usage(err, "no such option");
	if (argc - optind != 1)
		return lb_usage(err, "usage: grow [ -r ROUNDS ] vips|pools|reals|flows|tables");
	while (x < end && strcmp(x->name, argv[optind]))
		x++;
	if (x == end)
		return lb_usage(err, "\"%s\": must be vips, pools, reals, flows or tables",
				argv[optind]);
	if (rig_pin(-1, err) < 0 || world_net(err))
		return -1;
	w.in = if_nametoindex(world_link[WORLD_IN].name);
	return rig_open(&rig, argv[0], &w, err) || points(x, rounds, err) ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct lb_err err = {0};
	int ret = run(argc, argv, &err);

	if (ret)
		fprintf(stderr, "grow: %s\n", err.msg);
	rig_close(&rig);
	return ret ? (err.status ? err.status : LB_FAILED) : LB_DONE;
}
