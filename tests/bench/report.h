/* SPDX-License-Identifier: GPL-2.0 */
/* report.h - what the bench measured, summed up and printed. */
#ifndef TESTS_BENCH_REPORT_H
#define TESTS_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/cases.h"

#define REPORT_ROUNDS_MAX 1001
#define REPORT_SLICES 10 /* of a round, each measured */
/* The empty program, adjust_head, the balancer, and variants of it. */
enum { REPORT_EMPTY, REPORT_ADJUST, REPORT_LB, REPORT_PROGS_MAX = 8 };

struct report {
	const struct bench_case *of; /* NULL: was not measured */
	uint32_t at; /* flow of the next packet */
	float ns[REPORT_PROGS_MAX]
		[REPORT_ROUNDS_MAX * REPORT_SLICES]; /* a packet, harness included */
	double least
		[REPORT_PROGS_MAX]; /* of the rounds; but for the empty program, above its least */
	double median[REPORT_PROGS_MAX]; /* of what each was above empty, round by round */
};

struct report_head {
	int cpu, rounds, progs;
	uint32_t packets; /* a round */
	uint32_t jited; /* bytes of machine code */
	uint32_t sessions; /* entries */
	double memory; /* ns of a load from so many bytes as the session cache has */
	uint64_t map_bytes, session_bytes; /* of the kernel's memory */
	const char *names[REPORT_PROGS_MAX]; /* of the variants */
};

void report_sum(struct report *r, const struct report_head *head);
void report_text(const struct report_head *head, const struct report *r, size_t n);
/* One document; 0, or -1 when it could not be written. */
int report_json(const struct report_head *head, const struct report *r, size_t n);

#endif
