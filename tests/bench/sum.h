/* SPDX-License-Identifier: GPL-2.0 */
/* sum.h - what the measuring programs share: a clock, the middle of many, their options, a document. */
#ifndef TESTS_BENCH_SUM_H
#define TESTS_BENCH_SUM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* CLOCK_MONOTONIC, nanoseconds. */
double bench_wall_ns(void);

/* Sorts v, the least first. */
void bench_sort(double *v, size_t n);
/* n > 0; sorts v. */
double bench_median(double *v, size_t n);

/* -j, and -r ROUNDS of 1..most: the words that follow are argv + optind. *rounds is kept when not given. */
int bench_options(int argc, char **argv, const char *name, uint32_t most, bool *json,
		  uint32_t *rounds, struct lb_err *err);

/* Prints the document, numbers with five digits, and frees it. -1: not written. */
int bench_dump(json_t *all);

#endif
