// SPDX-License-Identifier: GPL-2.0
#include "tests/bench/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/utsname.h>

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void report_sum(struct report *r, int rounds)
{
	double least[REPORT_PROGS], above[REPORT_ROUNDS_MAX] = {0};

	for (int i = 0; i < rounds; i++)
		above[i] = r->ns[REPORT_LB][i] - r->ns[REPORT_EMPTY][i];
	qsort(above, rounds, sizeof(*above), by_value);
	r->median = above[rounds / 2];
	for (int p = 0; p < REPORT_PROGS; p++) {
		least[p] = r->ns[p][0];
		for (int i = 1; i < rounds; i++)
			if (r->ns[p][i] < least[p])
				least[p] = r->ns[p][i];
	}
	r->empty = least[REPORT_EMPTY];
	r->adjust = least[REPORT_ADJUST] - least[REPORT_EMPTY];
	r->lb = least[REPORT_LB] - least[REPORT_EMPTY];
}

void report_text(const struct report_head *head, const struct report *r, size_t n)
{
	struct utsname u;

	uname(&u);
	printf("kernel %s, CPU %d, %d rounds of %u packets, interleaved; nanoseconds a packet\n",
	       u.release, head->cpu, head->rounds, head->packets);
	printf("program: %u bytes of machine code; maps: %.1f MB; ", head->jited,
	       head->map_bytes / 1e6);
	if (head->sessions)
		printf("session cache: %u entries of %.1f bytes\n\n", head->sessions,
		       (double)head->session_bytes / head->sessions);
	else
		printf("no session cache\n\n");
	printf("%-11s %-44s %7s %7s %9s %7s %6s\n", "case", "", "empty", "adjust", "balancer",
	       "median", "ratio");
	for (; n; n--, r++)
		if (r->name)
			printf("%-11s %-44s %7.1f %7.1f %9.1f %7.1f %6.2f\n", r->name, r->what,
			       r->empty, r->adjust, r->lb, r->median, r->lb / r->adjust);
	printf("\nempty: `return XDP_TX` with the harness, least of the rounds. adjust, balancer: "
	       "least above that,\n"
	       "of bpf_xdp_adjust_head(-20) alone and of the balancer. median: of the balancer "
	       "above empty,\n"
	       "round by round. ratio: balancer by adjust.\n");
}

int report_json(const struct report_head *head, const struct report *r, size_t n)
{
	json_t *cases = json_array(), *top;
	struct utsname u;
	int ret;

	uname(&u);
	for (; n; n--, r++)
		if (r->name)
			json_array_append_new(
				cases, json_pack("{ss ss si sf sf sf sf sf}", "case", r->name,
						 "what", r->what, "flows", (int)r->flows,
						 "empty_ns", r->empty, "adjust_ns", r->adjust,
						 "balancer_ns", r->lb, "balancer_median_ns",
						 r->median, "ratio", r->lb / r->adjust));
	top = json_pack("{ss si si si si sI si sI so}", "kernel", u.release, "cpu", head->cpu,
			"rounds", head->rounds, "packets", (int)head->packets, "jited_bytes",
			(int)head->jited, "map_bytes", (json_int_t)head->map_bytes,
			"session_entries", (int)head->sessions, "session_bytes",
			(json_int_t)head->session_bytes, "cases", cases);
	ret = !top || json_dumpf(top, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(5)) ||
	      putchar('\n') == EOF;
	json_decref(top);
	return ret ? -1 : 0;
}
