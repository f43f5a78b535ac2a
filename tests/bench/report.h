/* SPDX-License-Identifier: GPL-2.0 */
/* report.h - what the bench measured, summed up and printed. */
#ifndef TESTS_BENCH_REPORT_H
#define TESTS_BENCH_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define REPORT_ROUNDS_MAX 1001

enum { REPORT_EMPTY, REPORT_ADJUST, REPORT_LB, REPORT_PROGS };

struct report {
	const char *name, *what; /* name NULL: was not measured */
	uint32_t flows;
	uint32_t at; /* flow of the next packet */
	double ns[REPORT_PROGS][REPORT_ROUNDS_MAX]; /* a packet, harness included */
	double empty; /* least of the rounds */
	double adjust, lb; /* least of the rounds above the least of the empty program */
	double median; /* of what the balancer was above empty, round by round */
};

struct report_head {
	int cpu, rounds;
	uint32_t packets; /* a round */
	uint32_t jited; /* bytes of machine code */
	uint32_t sessions; /* entries */
	uint64_t map_bytes, session_bytes; /* of the kernel's memory */
};

void report_sum(struct report *r, int rounds);
void report_text(const struct report_head *head, const struct report *r, size_t n);
/* One document; 0, or -1 when it could not be written. */
int report_json(const struct report_head *head, const struct report *r, size_t n);

#endif
