// SPDX-License-Identifier: GPL-2.0
#include "tests/bench/report.h"
#include "tests/bench/sum.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

/*
 * The least of n. On a virtual machine the clock of a thread may stand still for a slice, when time that was called stolen is given
 * back: what took less than a quarter of the middle was not measured.
 */
static double least_of(const float *ns, int n)
{
	static double sorted[REPORT_ROUNDS_MAX * REPORT_SLICES];
	double middle;
	int i;

	for (i = 0; i < n; i++)
		sorted[i] = ns[i];
	middle = bench_median(sorted, n);
	for (i = 0; sorted[i] < middle / 4;)
		i++;
	return sorted[i];
}

void report_sum(struct report *r, const struct report_head *head)
{
	static double above[REPORT_ROUNDS_MAX * REPORT_SLICES];
	int n = head->rounds * REPORT_SLICES;

	for (int p = 0; p < head->progs; p++) {
		r->least[p] = least_of(r->ns[p], n);
		for (int i = 0; i < n; i++)
			above[i] = r->ns[p][i] - r->ns[REPORT_EMPTY][i];
		r->median[p] = bench_median(above, n);
		if (p != REPORT_EMPTY)
			r->least[p] -= r->least[REPORT_EMPTY];
	}
}

static double ratio(const struct report *r)
{
	return r->least[REPORT_LB] / r->least[REPORT_ADJUST];
}

/*
 * What is judged: nanoseconds as they would be at the clock at which adjust takes BENCH_ADJUST. Where it takes less, the
 * CPU's calls cost little ("safe RET" is not in force), which says nothing of the clock: there the empty program tells.
 */
static double cost(const struct report *r)
{
	double adjust = r->least[REPORT_ADJUST], empty = r->least[REPORT_EMPTY];

	if (adjust > BENCH_ADJUST)
		return r->least[REPORT_LB] * BENCH_ADJUST / adjust;
	return r->least[REPORT_LB] * (empty > BENCH_EMPTY ? BENCH_EMPTY / empty : 1);
}

static bool over(const struct report *r)
{
	return cost(r) > r->of->most;
}

static void line(const struct report_head *head, const struct report *r)
{
	const struct bench_case *c = r->of;

	printf("%-11s %-44s %6.1f %6.1f %8.1f %6.1f %6.2f", c->name, c->what,
	       r->least[REPORT_EMPTY], r->least[REPORT_ADJUST], r->least[REPORT_LB],
	       r->median[REPORT_LB], ratio(r));
	for (int p = REPORT_LB + 1; p < head->progs; p++)
		printf(" %9.1f", r->least[p]);
	if (c->most > 0)
		printf(" %7.1f %7.0f %5.0f %6.0f%s", cost(r), c->most, c->aim, c->katran,
		       over(r) ? "  over" : "");
	putchar('\n');
}

static void head_text(const struct report_head *head)
{
	struct utsname u;

	uname(&u);
	printf("kernel %s, CPU %d, %d rounds of %u packets, interleaved; nanoseconds a packet\n",
	       u.release, head->cpu, head->rounds, head->packets);
	printf("program: %u bytes of machine code (at most 8192, aim 4096); maps: %.1f MB; ",
	       head->jited, head->map_bytes / 1e6);
	if (head->sessions)
		printf("session cache: %u flows of %.1f bytes (at most 8), memory %.0f ns\n\n",
		       head->sessions, (double)head->session_bytes / head->sessions, head->memory);
	else
		printf("no session cache\n\n");
}

void report_text(const struct report_head *head, const struct report *r, size_t n)
{
	head_text(head);
	printf("%-11s %-44s %6s %6s %8s %6s %6s", "case", "", "empty", "adjust", "balancer",
	       "median", "ratio");
	for (int p = REPORT_LB + 1; p < head->progs; p++)
		printf(" %9.9s", head->names[p]);
	printf(" %7s %7s %5s %6s\n", "cost", "at most", "aim", "katran");
	for (; n; n--, r++)
		if (r->of)
			line(head, r);
	printf("\nempty: `return XDP_TX` with the harness, least of the rounds. adjust, balancer: "
	       "least above that, of a\n"
	       "program that makes room for a tunnel and writes the Ethernet header, and of the "
	       "balancer. median: of\n"
	       "the balancer above empty, round by round. ratio: balancer by adjust. cost: "
	       "balancer at a clock at\n"
	       "which adjust takes %d ns, or less and empty %d: comparable with what is allowed, "
	       "what is aimed "
	       "at, and what\n"
	       "Katran takes in the same harness. memory: a load from where the session cache "
	       "would be, each after the other.\n",
	       BENCH_ADJUST, BENCH_EMPTY);
}

static json_t *case_json(const struct report *r)
{
	json_t *c = json_pack("{ss ss si sf sf sf sf sf sf}", "case", r->of->name, "what",
			      r->of->what, "flows", (int)r->of->flows, "empty_ns",
			      r->least[REPORT_EMPTY], "adjust_ns", r->least[REPORT_ADJUST],
			      "balancer_ns", r->least[REPORT_LB], "balancer_median_ns",
			      r->median[REPORT_LB], "ratio", ratio(r), "cost_ns", cost(r));

	if (c && r->of->most > 0) {
		json_object_set_new(c, "at_most", json_real(r->of->most));
		json_object_set_new(c, "aim", json_real(r->of->aim));
		json_object_set_new(c, "katran", json_real(r->of->katran));
		json_object_set_new(c, "over", json_boolean(over(r)));
	}
	return c;
}

int report_json(const struct report_head *head, const struct report *r, size_t n)
{
	json_t *cases = json_array(), *top;
	struct utsname u;

	uname(&u);
	for (; n; n--, r++)
		if (r->of)
			json_array_append_new(cases, case_json(r));
	top = json_pack("{ss si si si si sI si sI sf so}", "kernel", u.release, "cpu", head->cpu,
			"rounds", head->rounds, "packets", (int)head->packets, "jited_bytes",
			(int)head->jited, "map_bytes", (json_int_t)head->map_bytes,
			"session_entries", (int)head->sessions, "session_bytes",
			(json_int_t)head->session_bytes, "memory_ns", head->memory, "cases", cases);
	return top ? bench_dump(top) : -1;
}
