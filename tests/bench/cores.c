// SPDX-License-Identifier: GPL-2.0
/*
 * cores - two CPUs that forward at once, against each of them alone: do they get into each other's way?
 *
 * usage: cores [ -j ] [ -r ROUNDS ] [ CASE ... ]
 *
 * Two pinned threads send different flows to the same service and the same reals. The empty program and adjust_head
 * are measured likewise: what they lose is the machine's. Of every phase those slices count that ran undisturbed.
 */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/cases.h"
#include "tests/bench/rig.h"
#include "tests/bench/sum.h"

#define WORKERS 2
#define SLICE 5000 /* packets */
#define PHASE 80 /* slices */
#define ROUNDS_MAX 200
#define WARM (1u << 17)
#define LINES_MAX 34
#define LEAST 1.9 /* that two cores must do of one's work */

struct slice {
	double start, end; /* of the clock */
	double ns; /* a packet; 0: something disturbed it */
};

struct worker {
	pthread_t thread;
	pthread_barrier_t *go;
	struct rig rig;
	int cpu, prog;
	uint32_t at, warm;
	struct slice s[PHASE];
	struct lb_err err;
	bool failed;
};

struct line {
	const char *name;
	const struct bench_case *of;
	int prog;
	double alone, both, ratio; /* ns a packet, medians */
};

static struct worker worker[WORKERS];
static struct world w;
static double found[2][WORKERS * PHASE]; /* of a round: alone, both */
static size_t found_n[2];

static void *work(void *arg)
{
	struct worker *me = arg;

	me->failed = rig_pin(me->cpu, &me->err) < 0 ||
		     (me->warm && rig_run(&me->rig, me->prog, me->warm, &me->at, &me->err) < 0);
	pthread_barrier_wait(me->go);
	for (int i = 0; i < PHASE && !me->failed; i++) {
		struct slice *s = &me->s[i];

		s->start = bench_wall_ns();
		s->ns = rig_run(&me->rig, me->prog, SLICE, &me->at, &me->err);
		s->end = bench_wall_ns();
		me->failed = s->ns < 0;
		/* Longer than it ran: others had the CPU, and the other thread ran alone meanwhile. */
		if (s->end - s->start > s->ns * SLICE * 1.05 + 20000)
			s->ns = 0;
	}
	return NULL;
}

/* Did the other one run, undisturbed, from this slice's beginning to its end? */
static bool together(const struct slice *s, const struct worker *other)
{
	for (int i = 0; i < PHASE; i++) {
		const struct slice *o = &other->s[i];

		if (o->end >= s->start && o->start <= s->end && o->ns == 0)
			return false;
	}
	return other->s[0].start <= s->start && other->s[PHASE - 1].end >= s->end;
}

/* A phase of one worker, or of both (which < 0). */
static int phase(struct line *l, int which, struct lb_err *err)
{
	pthread_barrier_t go;
	int both = which < 0;

	pthread_barrier_init(&go, NULL, both ? WORKERS : 1);
	for (int i = 0; i < WORKERS; i++) {
		worker[i].prog = l->prog;
		worker[i].go = &go;
		if (both || which == i)
			pthread_create(&worker[i].thread, NULL, work, &worker[i]);
	}
	for (int i = 0; i < WORKERS; i++)
		if (both || which == i)
			pthread_join(worker[i].thread, NULL);
	pthread_barrier_destroy(&go);
	for (int i = 0; i < WORKERS; i++) {
		if (!both && which != i)
			continue;
		if (worker[i].failed)
			return lb_fail(err, "%s", worker[i].err.msg);
		for (int k = 0; k < PHASE; k++)
			if (worker[i].s[k].ns > 0 &&
			    (!both || together(&worker[i].s[k], &worker[!i])))
				found[both][found_n[both]++] = worker[i].s[k].ns;
	}
	return 0;
}

static int prepare(const struct line *l, struct lb_err *err)
{
	uint32_t flows = l->of->flows;

	for (int i = 0; i < WORKERS; i++) {
		worker[i].at = 0;
		worker[i].warm = 2 * flows < WARM ? 2 * flows : WARM;
		if (rig_packet(&worker[i].rig, &l->of->spec, flows, err))
			return -1;
	}
	return 0;
}

/* Round by round, since the clock drifts. */
static int measure(struct line *l, int rounds, struct lb_err *err)
{
	static double alone[ROUNDS_MAX], both[ROUNDS_MAX], ratio[ROUNDS_MAX];
	int n = 0;

	if (prepare(l, err))
		return -1;
	for (int round = 0; round < rounds; round++) {
		found_n[0] = found_n[1] = 0;
		if (phase(l, 0, err) || phase(l, -1, err) || phase(l, 1, err))
			return -1;
		if (found_n[0] < PHASE / 4 || found_n[1] < PHASE / 4)
			continue;
		alone[n] = bench_median(found[0], found_n[0]);
		both[n] = bench_median(found[1], found_n[1]);
		ratio[n] = WORKERS * alone[n] / both[n];
		n++;
	}
	if (!n)
		return lb_fail(err, "%s: never undisturbed: the machine is too busy", l->name);
	l->alone = bench_median(alone, n);
	l->both = bench_median(both, n);
	l->ratio = bench_median(ratio, n);
	return 0;
}

static int set_up(const char *self, struct lb_err *err)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < WORKERS)
		return lb_fail(err, "needs two CPUs");
	if (bench_config(&w, 2 << 20, err) || rig_fair(&w, err) < 0)
		return -1;
	for (int i = 0; i < WORKERS; i++) {
		worker[i].cpu = i;
		worker[i].rig.first = i << 28;
		if (rig_open(&worker[i].rig, self, &w, err))
			return -1;
	}
	return 0;
}

/* The two that are compared with come first; their programs are not there yet. */
static int choose(char **words, struct line *lines, int *n, struct lb_err *err)
{
	static char *usual[] = {"table4-64k", "tcp4-1", "tcp4-64k", "udp-new", "syn", NULL};

	if (!*words)
		words = usual;
	lines[0] = (struct line){"empty", &bench_cases[0], 0, 0, 0, 0};
	lines[1] = (struct line){"adjust", &bench_cases[0], 0, 0, 0, 0};
	for (*n = 2; *words; words++) {
		const struct bench_case *of = bench_case_of(*words, err);

		if (!of)
			return -1;
		if (*n == LINES_MAX)
			return lb_usage(err, "at most %d cases", LINES_MAX - 2);
		lines[(*n)++] = (struct line){*words, of, 0, 0, 0, 0};
	}
	return 0;
}

static void text(const struct line *l, int n)
{
	printf("two cores, other flows of the same services and reals; nanoseconds a packet with "
	       "the harness, medians "
	       "of undisturbed slices\n\n%-11s %8s %8s %12s\n",
	       "case", "alone", "both", "throughput");
	for (int i = 0; i < n; i++, l++)
		printf("%-11s %8.1f %8.1f %12.2f%s\n", l->name, l->alone, l->both, l->ratio,
		       l->prog == w.prog && l->ratio < LEAST ? "  under" : "");
	printf("\nthroughput: of two cores against one, median of the rounds; the balancer's at "
	       "least %.1f\n",
	       LEAST);
}

static int json(const struct line *l, int n)
{
	json_t *all = json_array();

	for (int i = 0; i < n; i++, l++)
		json_array_append_new(all, json_pack("{ss sf sf sf sf}", "case", l->name,
						     "alone_ns", l->alone, "both_ns", l->both,
						     "throughput", l->ratio, "at_least", LEAST));
	return bench_dump(all);
}

static int run(int argc, char **argv, struct lb_err *err)
{
	struct line lines[LINES_MAX];
	bool as_json = false;
	uint32_t rounds = 6;
	int n = 0;

	if (bench_options(argc, argv, "cores", ROUNDS_MAX, &as_json, &rounds, err) ||
	    choose(argv + optind, lines, &n, err) || set_up(argv[0], err))
		return -1;
	for (int i = 0; i < n; i++) {
		lines[i].prog = i == 0	 ? worker[0].rig.empty
				: i == 1 ? worker[0].rig.adjust
					 : w.prog;
		if (measure(&lines[i], rounds, err))
			return -1;
	}
	if (!as_json)
		text(lines, n);
	else if (json(lines, n))
		return lb_fail(err, "writing: %s", strerror(errno));
	return 0;
}

int main(int argc, char **argv)
{
	struct lb_err err = {0};
	int ret = run(argc, argv, &err);

	if (ret)
		fprintf(stderr, "cores: %s\n", err.msg);
	for (int i = 0; i < WORKERS; i++)
		rig_close(&worker[i].rig);
	world_unload(&w);
	return ret ? (err.status ? err.status : LB_FAILED) : LB_DONE;
}
