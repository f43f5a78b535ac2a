/* SPDX-License-Identifier: GPL-2.0 */
/* cases.h - the packets that are measured, and the configuration that they meet. */
#ifndef TESTS_BENCH_CASES_H
#define TESTS_BENCH_CASES_H

#include "tests/packet/packet.h"
#include "tests/packet/world.h"

struct bench_case {
	const char *name, *what;
	struct pkt_spec spec;
	uint32_t flows;
	enum lb_why why; /* what must become of all packets */
	/*
	 * Nanoseconds above the empty program, on a machine where adjust is BENCH_ADJUST above it; 0: not set. What is
	 * allowed, what is aimed at, and Katran's minimum of 21 rounds with the same harness.
	 */
	float most, aim, katran;
};
#define BENCH_ADJUST 15
#define BENCH_EMPTY 8 /* nanoseconds of the empty program at such a clock, where calls are cheap */

extern const struct bench_case bench_cases[];
extern const size_t bench_cases_n;

/* NULL: no such case, with the names of those there are. */
const struct bench_case *bench_case_of(const char *name, struct lb_err *err);

/* When the table of a pool changed, of all pools with NULL: longer ago than any flow was silent, or just now. */
int bench_date(const struct world *w, const char *pool, bool long_ago, struct lb_err *err);

/* 100 reals of each family, and by GUE, behind six services. */
int bench_config(struct world *w, uint32_t sessions, struct lb_err *err);

#endif
