// SPDX-License-Identifier: GPL-2.0
#include "tests/bench/sum.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/parse.h"

double bench_wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void bench_sort(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
}

double bench_median(double *v, size_t n)
{
	bench_sort(v, n);
	return v[n / 2];
}

int bench_options(int argc, char **argv, const char *name, uint32_t most, bool *json,
		  uint32_t *rounds, struct lb_err *err)
{
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "jr:")) != -1) {
		if (c == 'j')
			*json = true;
		else if (c != 'r')
			return lb_usage(err, "usage: %s [ -j ] [ -r ROUNDS ] [ CASE ... ]", name);
		else if (parse_u32(optarg, 1, most, rounds, err))
			return lb_prefix(err, "-r");
	}
	return 0;
}

int bench_dump(json_t *all)
{
	int ret = json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(5)) ||
		  putchar('\n') == EOF;

	json_decref(all);
	return ret ? -1 : 0;
}
