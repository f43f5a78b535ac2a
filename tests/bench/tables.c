// SPDX-License-Identifier: GPL-2.0
/*
 * tables - milliseconds of this process to build a hash table. Maglev's paper (NSDI 2016) has 1.8 ms for 65,537 slots and
 * 22.9 ms for 655,373, of 1,000 reals.
 *
 * usage: tables [ -j ]
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/ring.h"
#include "tests/bench/sum.h"

#define RUNS 41
#define REALS_MAX 1000

static const struct {
	uint32_t slots;
	double most; /* ms */
} sizes[] = {{65537, 2}, {655373, 25}};
static const uint32_t reals[] = {10, 100, REALS_MAX};

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* 10.0.0.1, 10.0.0.2, ...: neighbours, as reals are in practice. */
static int build(uint32_t n, uint32_t slots, double ms[RUNS], struct lb_err *err)
{
	static struct lb_member m[REALS_MAX];
	uint16_t *slot = malloc(slots * sizeof(*slot));
	int ret = slot ? 0 : lb_fail(err, "out of memory");

	memset(m, 0, sizeof(m));
	for (uint32_t i = 0; i < n; i++) {
		m[i].addr.family = 4;
		m[i].addr.b[0] = 10;
		m[i].addr.b[2] = (i + 1) >> 8;
		m[i].addr.b[3] = (i + 1) & 255;
		m[i].weight = 1;
	}
	for (int run = 0; run < RUNS && !ret; run++) {
		ms[run] = cpu_ms();
		ret = lb_ring_build(m, n, slots, 0x9e3779b97f4a7c15ull * (run + 1), slot, err);
		ms[run] = cpu_ms() - ms[run];
	}
	bench_sort(ms, RUNS);
	free(slot);
	return ret;
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "-j");
	json_t *all = json_array();
	struct lb_err err = {0};
	double ms[RUNS];

	if (argc > 1 + json) {
		fprintf(stderr, "tables: usage: tables [ -j ]\n");
		return LB_USAGE;
	}
	if (!json)
		printf("table build, milliseconds of CPU, %d runs\n\n%8s %6s %8s %8s %8s\n", RUNS,
		       "slots", "reals", "least", "median", "at most");
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		for (size_t r = 0; r < sizeof(reals) / sizeof(*reals); r++) {
			if (build(reals[r], sizes[s].slots, ms, &err)) {
				fprintf(stderr, "tables: %s\n", err.msg);
				return err.status;
			}
			if (!json)
				printf("%8u %6u %8.2f %8.2f %8.0f%s\n", sizes[s].slots, reals[r],
				       ms[0], ms[RUNS / 2], sizes[s].most,
				       ms[0] > sizes[s].most ? "  over" : "");
			json_array_append_new(all,
					      json_pack("{si si sf sf sf}", "slots",
							(int)sizes[s].slots, "reals", (int)reals[r],
							"least_ms", ms[0], "median_ms",
							ms[RUNS / 2], "at_most_ms", sizes[s].most));
		}
	}
	if (json)
		return bench_dump(all) ? LB_FAILED : LB_DONE;
	json_decref(all);
	return LB_DONE;
}
