// SPDX-License-Identifier: GPL-2.0
/*
 * ring_stats - how even the tables are, what a change of the members moves, and what a table costs.
 *
 * "Beyond its own": slots that change hands though their member stayed, as a share of all slots.
 * Every figure is over SEEDS seeds; CPU times are medians over RUNS tables of different seeds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/ring.h"
#include "tests/bench/sum.h"

#define SEEDS 8
#define CHOICES 12 /* which members leave, for each seed */
#define RUNS 41
#define MEMBERS_MAX 1000u
#define SLOTS LB_RING_DEFAULT

static uint16_t before[SLOTS], after[SLOTS];
static uint32_t count[MEMBERS_MAX];

static uint64_t seed_of(int i)
{
	return (i + 1) * 0x9e3779b97f4a7c15ull;
}

static void build(const struct lb_member *m, uint32_t n, uint32_t slots, uint64_t seed,
		  uint16_t *slot)
{
	struct lb_err err;

	if (lb_ring_build(m, n, slots, seed, slot, &err)) {
		fprintf(stderr, "ring_stats: %s\n", err.msg);
		exit(err.status);
	}
}

/* 10.0.0.1, 10.0.0.2, ...: neighbours, as reals are in practice. */
static void members(struct lb_member *m, uint32_t n, uint16_t weight)
{
	memset(m, 0, n * sizeof(*m));
	for (uint32_t i = 0; i < n; i++) {
		m[i].addr.family = 4;
		m[i].addr.b[0] = 10;
		m[i].addr.b[2] = (i + 1) >> 8;
		m[i].addr.b[3] = (i + 1) & 255;
		m[i].weight = weight;
	}
}

static void spread(uint32_t n)
{
	struct lb_member m[MEMBERS_MAX];
	uint32_t least = SLOTS, most = 0;
	double worst = 0;

	members(m, n, 1);
	for (int s = 0; s < SEEDS; s++) {
		uint32_t lo = SLOTS, hi = 0;

		build(m, n, SLOTS, seed_of(s), before);
		lb_ring_count(before, SLOTS, count, n);
		for (uint32_t i = 0; i < n; i++) {
			lo = count[i] < lo ? count[i] : lo;
			hi = count[i] > hi ? count[i] : hi;
		}
		worst = (double)hi / lo > worst ? (double)hi / lo : worst;
		least = lo < least ? lo : least;
		most = hi > most ? hi : most;
	}
	printf("spread reals %u slots %u emptiest %u fullest %u ratio %.4f\n", n, SLOTS, least,
	       most, worst);
}

/* Shares of weights that take turns among n reals, against what the weights say. */
static void weights(const uint16_t *weight, uint32_t classes, uint32_t n)
{
	struct lb_member m[MEMBERS_MAX];
	double low = 1e9, high = 0;
	uint32_t sum = 0;

	members(m, n, 1);
	for (uint32_t i = 0; i < n; i++)
		sum += m[i].weight = weight[i % classes];
	for (uint32_t c = 0; c < classes; c++) {
		uint64_t got = 0, want = 0;

		for (int s = 0; s < SEEDS; s++) {
			build(m, n, SLOTS, seed_of(s), before);
			lb_ring_count(before, SLOTS, count, n);
			for (uint32_t i = c; i < n; i += classes) {
				double ratio = (double)count[i] * sum / ((double)SLOTS * weight[c]);

				got += count[i];
				want += weight[c];
				low = ratio < low ? ratio : low;
				high = ratio > high ? ratio : high;
			}
		}
		printf("weights reals %u weight %u share %.4f%% expected %.4f%%\n", n, weight[c],
		       100.0 * got / SEEDS / SLOTS, 100.0 * want / SEEDS / sum);
	}
	printf("weights reals %u single real to its expected share lowest %.4f highest %.4f\n", n,
	       low, high);
}

/* Slots of members that stay (weight > 0 in both) and yet have another member now. */
static uint32_t beyond(const struct lb_member *now)
{
	uint32_t moved = 0;

	for (uint32_t i = 0; i < SLOTS; i++)
		moved += before[i] != after[i] && now[before[i]].weight;
	return moved;
}

static void leave(uint32_t n, uint32_t leaving)
{
	struct lb_member m[MEMBERS_MAX];
	double sum = 0, worst = 0;
	bool same = true;

	srandom(1);
	for (int s = 0; s < SEEDS; s++) {
		members(m, n, 1);
		build(m, n, SLOTS, seed_of(s), before);
		for (int c = 0; c < CHOICES; c++) {
			double part;

			members(m, n, 1);
			for (uint32_t gone = 0; gone < leaving;) {
				uint16_t *w = &m[random() % n].weight;

				gone += *w;
				*w = 0;
			}
			build(m, n, SLOTS, seed_of(s), after);
			part = 100.0 * beyond(m) / SLOTS;
			sum += part;
			worst = part > worst ? part : worst;
			members(m, n, 1);
			build(m, n, SLOTS, seed_of(s), after);
			same = same && !memcmp(before, after, sizeof(before));
		}
	}
	printf("leave %u of %u beyond_own %.3f%% worst %.3f%% back_again %s\n", leaving, n,
	       sum / SEEDS / CHOICES, worst, same ? "same bytes" : "DIFFERENT");
}

/* One real's weight changes; least possible: what it gains, or loses. */
static void reweigh(uint32_t n, uint16_t from, uint16_t to)
{
	struct lb_member m[MEMBERS_MAX];
	uint64_t moved = 0, least = 0;

	members(m, n, from);
	srandom(1);
	for (int s = 0; s < SEEDS; s++) {
		build(m, n, SLOTS, seed_of(s), before);
		for (int c = 0; c < CHOICES; c++) {
			uint32_t i = random() % n, had;

			m[i].weight = to;
			build(m, n, SLOTS, seed_of(s), after);
			m[i].weight = from;
			moved += lb_ring_moved(before, after, SLOTS);
			lb_ring_count(before, SLOTS, count, n);
			had = count[i];
			lb_ring_count(after, SLOTS, count, n);
			least += abs((int)count[i] - (int)had);
		}
	}
	printf("reweigh 1 of %u weight %u to %u moved %.1f slots (%.3f%%) least_possible %.1f\n", n,
	       from, to, (double)moved / SEEDS / CHOICES, 100.0 * moved / SEEDS / CHOICES / SLOTS,
	       (double)least / SEEDS / CHOICES);
}

/* One real of `heavy` among reals of weight 1 leaves. */
static void heaviest(uint32_t n, uint16_t heavy)
{
	struct lb_member m[MEMBERS_MAX];
	uint64_t moved = 0, own = 0;

	members(m, n, 1);
	for (int s = 0; s < SEEDS; s++) {
		m[n / 2].weight = heavy;
		build(m, n, SLOTS, seed_of(s), before);
		lb_ring_count(before, SLOTS, count, n);
		own += count[n / 2];
		m[n / 2].weight = 0;
		build(m, n, SLOTS, seed_of(s), after);
		moved += beyond(m);
	}
	printf("heaviest_leaves reals %u weight %u among 1 own %.2f%% beyond_own %.3f%%\n", n,
	       heavy, 100.0 * own / SEEDS / SLOTS, 100.0 * moved / SEEDS / SLOTS);
}

/* Of this process: what else runs on the machine should not show. */
static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* Weights from 1 to `top`, drawn at random; one real of weight `heavy`, or 0: none such. */
static void cost(uint32_t n, uint32_t slots, uint16_t top, uint16_t heavy)
{
	struct lb_member m[MEMBERS_MAX];
	uint16_t *slot = malloc(slots * sizeof(*slot));
	double ms[RUNS];

	if (!slot)
		exit(LB_FAILED);
	members(m, n, 1);
	srandom(1);
	for (uint32_t i = 0; i < n; i++)
		m[i].weight = 1 + random() % top;
	if (heavy)
		m[n / 2].weight = heavy;
	for (int run = 0; run < RUNS; run++) {
		ms[run] = cpu_ms();
		build(m, n, slots, seed_of(run), slot);
		ms[run] = cpu_ms() - ms[run];
	}
	bench_sort(ms, RUNS);
	printf("cpu_time reals %u slots %u weights 1-%u one_of %u median %.2f ms lowest %.2f ms "
	       "highest %.2f ms\n",
	       n, slots, top, heavy, ms[RUNS / 2], ms[0], ms[RUNS - 1]);
	free(slot);
}

int main(void)
{
	spread(100);
	spread(1000);
	weights((uint16_t[]){1, 2, 5}, 3, 100);
	weights((uint16_t[]){1, 10}, 2, 1000);
	weights((uint16_t[]){100, 65535}, 2, 1000);
	leave(100, 1);
	leave(100, 10);
	leave(1000, 1);
	reweigh(1000, 10, 11);
	reweigh(1000, 10, 9);
	reweigh(100, 1, 2);
	heaviest(100, 5);
	heaviest(100, 50);
	cost(10, SLOTS, 1, 0);
	cost(100, SLOTS, 1, 0);
	cost(1000, SLOTS, 1, 0);
	cost(1000, SLOTS, 100, 0);
	cost(1000, SLOTS, 65535, 0);
	cost(1000, SLOTS, 1, 65535);
	cost(1000, 655373, 1, 0);
	cost(1000, 655373, 65535, 0);
	cost(1000, LB_RING_MAX, 1, 0);
	return 0;
}
