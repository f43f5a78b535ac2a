// SPDX-License-Identifier: GPL-2.0
/*
 * bench - nanoseconds a packet: the balancer, beside the empty program and the one that does no more than everybody
 * who encapsulates must, in interleaved rounds of one process on one CPU.
 *
 * usage: bench [ -j ] [ -a ] [ -r ROUNDS ] [ -n PACKETS ] [ -s SESSIONS ] [ -c CPU ] [ -l N ] [ -x OBJECT ]... [ CASE ... ]
 *
 * Without CASE those of the table of targets; -a: all. -x: another build of lb.bpf.o, a column more.
 * -l: somebody listens (lib/listen.h) to drops and to one in N of the other packets.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/cases.h"
#include "tests/bench/ear.h"
#include "tests/bench/report.h"
#include "tests/bench/rig.h"

#define CASES_MAX 32
#define AGAIN_MAX (1u << 17)

static struct report results[CASES_MAX];
static struct report_head head = {
	.rounds = 21, .progs = REPORT_LB + 1, .packets = 200000, .sessions = 2 << 20, .cpu = -1};
static struct world w;
static struct rig rig;
static int prog[REPORT_PROGS_MAX];
static bool json, all;
static uint32_t sample; /* 0: nobody listens */

/* A run of the balancer in force, which must do to all packets what the case is named for. */
static double run_balancer(struct report *r, struct lb_err *err)
{
	const struct bench_case *b = r->of;
	uint32_t n = head.packets / REPORT_SLICES;
	struct lb_counts before, after;
	double ns;

	if (lb_maps_count(w.maps, LB_COUNT_WHY, b->why, &before, err))
		return -1;
	ns = rig_run(&rig, prog[REPORT_LB], n, &r->at, err);
	if (ns < 0 || lb_maps_count(w.maps, LB_COUNT_WHY, b->why, &after, err))
		return -1;
	if (after.packets - before.packets == n)
		return ns;
	return lb_fail(err, "%s: %llu of %u packets were %s", b->name,
		       (unsigned long long)(after.packets - before.packets), n,
		       lb_why_name(b->why));
}

/* All programs in turn, another one first each time. */
static int slice(struct report *r, int at, struct lb_err *err)
{
	for (int i = 0; i < head.progs; i++) {
		int which = (i + at) % head.progs;
		uint32_t from = r->at;
		double ns;

		if (ear_empty(err))
			return -1;
		ns = which == REPORT_LB ? run_balancer(r, err)
					: rig_run(&rig, prog[which], head.packets / REPORT_SLICES,
						  which > REPORT_LB ? &r->at : &from, err);
		if (ns < 0)
			return -1;
		r->ns[which][at] = ns;
	}
	return 0;
}

/*
 * What the other cases pushed out of the CPU's caches comes back first. In short slices: one that nothing disturbed is
 * then among them on a busy machine, too.
 */
static int one_round(struct report *r, int round, struct lb_err *err)
{
	uint32_t again = r->of->flows < AGAIN_MAX ? r->of->flows : AGAIN_MAX;

	if (rig_packet(&rig, &r->of->spec, r->of->flows, err) ||
	    rig_run(&rig, prog[REPORT_LB], again, &r->at, err) < 0)
		return -1;
	for (int i = 0; i < REPORT_SLICES; i++)
		if (slice(r, round * REPORT_SLICES + i, err))
			return -1;
	return 0;
}

/* Every flow twice, so that the cache knows it as one that comes again; of the floods enough to fill it. */
static int warm_up(struct report *r, struct lb_err *err)
{
	uint32_t n = r->of->flows > 1000000 ? 4 << 20 : 2 * r->of->flows + 1000;

	if (rig_packet(&rig, &r->of->spec, r->of->flows, err))
		return -1;
	return rig_run(&rig, prog[REPORT_LB], n, &r->at, err) < 0 ? -1 : 0;
}

static int choose(char **words, struct lb_err *err)
{
	for (size_t i = 0; i < bench_cases_n && !*words; i++)
		if (all || bench_cases[i].most > 0)
			results[i].of = &bench_cases[i];
	for (; *words; words++) {
		const struct bench_case *of = bench_case_of(*words, err);

		if (!of)
			return -1;
		results[of - bench_cases].of = of;
	}
	return 0;
}

/* Round by round through all cases, so that a change of the clock hits all alike. */
static int measure(struct lb_err *err)
{
	for (int round = -1; round < head.rounds; round++)
		for (size_t i = 0; i < bench_cases_n; i++)
			if (results[i].of && (round < 0 ? warm_up(&results[i], err)
							: one_round(&results[i], round, err)))
				return -1;
	return 0;
}

static int set_up(const char *self, struct lb_err *err)
{
	int jited;

	head.cpu = rig_pin(head.cpu, err);
	if (head.cpu < 0 || bench_config(&w, head.sessions, err))
		return -1;
	jited = rig_fair(&w, err);
	if (jited < 0 || rig_open(&rig, self, &w, err))
		return -1;
	head.jited = jited;
	head.session_bytes = rig_map_bytes(w.instance, "session");
	head.map_bytes = rig_maps_bytes(w.instance);
	head.memory = rig_memory(head.session_bytes, err);
	if (head.memory < 0)
		return -1;
	prog[REPORT_EMPTY] = rig.empty;
	prog[REPORT_ADJUST] = rig.adjust;
	prog[REPORT_LB] = w.prog;
	for (int p = REPORT_LB + 1; p < head.progs; p++) {
		prog[p] = rig_variant(&w, head.names[p], err);
		if (prog[p] < 0)
			return -1;
		head.names[p] = basename((char *)head.names[p]);
	}
	return 0;
}

static int number(uint32_t min, uint32_t max, int *to, struct lb_err *err)
{
	uint32_t n;

	if (parse_u32(optarg, min, max, &n, err))
		return -1;
	*to = n;
	return 0;
}

static int option(int c, struct lb_err *err)
{
	switch (c) {
	case 'j':
		json = true;
		return 0;
	case 'a':
		all = true;
		return 0;
	case 'r':
		return number(1, REPORT_ROUNDS_MAX, &head.rounds, err);
	case 'n':
		return parse_u32(optarg, 1000, 100000000, &head.packets, err);
	case 's':
		return parse_u32(optarg, 0, lb_sizes_max.sessions, &head.sessions, err);
	case 'c':
		return number(0, 1023, &head.cpu, err);
	case 'l':
		return parse_u32(optarg, 1, 1000000, &sample, err);
	case 'x':
		if (head.progs == REPORT_PROGS_MAX)
			return lb_usage(err, "-x \"%s\": at most %d of them", optarg,
					REPORT_PROGS_MAX - REPORT_LB - 1);
		head.names[head.progs++] = optarg;
		return 0;
	}
	return lb_usage(err, "usage: bench [ -j ] [ -a ] [ -r ROUNDS ] [ -n PACKETS ] "
			     "[ -s SESSIONS ] [ -c CPU ] [ -l N ] [ -x OBJECT ]... [ CASE ... ]");
}

static int options(int argc, char **argv, struct lb_err *err)
{
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "jar:n:s:c:l:x:")) != -1)
		if (option(c, err))
			return c == '?' ? -1 : lb_prefix(err, "-%c", c);
	return choose(argv + optind, err);
}

int main(int argc, char **argv)
{
	struct lb_err err = {0};
	int ret;

	ret = options(argc, argv, &err) || set_up(argv[0], &err) || ear_open(&w, sample, &err) ||
	      measure(&err);
	for (size_t i = 0; !ret && i < bench_cases_n; i++)
		if (results[i].of)
			report_sum(&results[i], &head);
	if (!ret && !json)
		report_text(&head, results, bench_cases_n);
	else if (!ret && report_json(&head, results, bench_cases_n))
		ret = lb_fail(&err, "writing: %s", strerror(errno));
	if (ret)
		fprintf(stderr, "bench: %s\n", err.msg);
	ear_close();
	rig_close(&rig);
	world_unload(&w);
	return ret ? (err.status ? err.status : LB_FAILED) : LB_DONE;
}
