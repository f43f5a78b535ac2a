// SPDX-License-Identifier: GPL-2.0
/*
 * wire - packets a second through a veth pair, with the balancer on the other end, against a program that only turns the
 * packet round. One CPU does all: it makes the frames, receives them, and takes them back.
 *
 * usage: wire [ -j ] [ -r ROUNDS ] [ CASE ... ]
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <jansson.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/cases.h"
#include "tests/bench/rig.h"
#include "tests/bench/sum.h"

#define SLICE 5000 /* packets */
#define SLICES 40 /* of a round */
#define BATCH 64
#define WARM (1u << 17)
#define CASES_MAX 16

enum { TURN, BALANCE, WAYS };

struct line {
	const struct bench_case *of;
	double pps[WAYS]; /* of the best slice */
	int64_t lost[WAYS]; /* of all */
};

static struct rig rig;
static struct world w;
static int sender, receiver; /* ifindexes */
static int send_fd, turn_fd;

static uint64_t came_back(void)
{
	return __atomic_load_n(&rig.wrap->sunk, __ATOMIC_RELAXED);
}

/* Frames that really leave by the sender. */
static int emit(uint32_t n, struct lb_err *err)
{
	struct xdp_md md = {.data_end = rig.wrap->len, .ingress_ifindex = sender};
	uint8_t frame[RIG_FRAME] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = rig.wrap->len,
		    .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = n,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	memcpy(frame, rig.wrap->frame, WRAP_BYTES);
	return bpf_prog_test_run_opts(send_fd, &o)
		       ? lb_fail(err, "live frames: %s", strerror(errno))
		       : 0;
}

static int slice(struct line *l, int way, struct lb_err *err)
{
	uint64_t before = came_back();
	double start = bench_wall_ns(), pps;

	if (emit(SLICE, err))
		return -1;
	pps = (came_back() - before) / (bench_wall_ns() - start) * 1e9;
	l->lost[way] += (int64_t)(before + SLICE - came_back());
	if (pps > l->pps[way])
		l->pps[way] = pps;
	return 0;
}

static int one_round(struct line *l, struct lb_err *err)
{
	int fds[WAYS] = {turn_fd, w.prog};
	uint32_t warm = 2 * l->of->flows < WARM ? 2 * l->of->flows + BATCH : WARM;

	if (rig_packet(&rig, &l->of->spec, l->of->flows, err))
		return -1;
	for (int way = 0; way < WAYS; way++) {
		if (bpf_xdp_attach(receiver, fds[way], XDP_FLAGS_DRV_MODE, NULL))
			return lb_fail(err, "attach: %s", strerror(errno));
		if (emit(way == BALANCE ? warm : BATCH, err))
			return -1;
		for (int i = 0; i < SLICES; i++)
			if (slice(l, way, err))
				return -1;
	}
	return 0;
}

static int program(const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(rig.obj, name));
}

/* The pair "in", "in-peer" of the world; the peer sends, and takes back. */
static int set_up(const char *self, struct lb_err *err)
{
	if (rig_pin(-1, err) < 0 || bench_config(&w, 2 << 20, err) || rig_fair(&w, err) < 0 ||
	    rig_open(&rig, self, &w, err))
		return -1;
	send_fd = program("send");
	turn_fd = program("turn");
	receiver = w.in;
	sender = if_nametoindex("in-peer");
	if (bpf_xdp_detach(receiver, XDP_FLAGS_SKB_MODE, NULL) ||
	    bpf_xdp_detach(sender, XDP_FLAGS_SKB_MODE, NULL) ||
	    bpf_xdp_attach(sender, program("sink"), XDP_FLAGS_DRV_MODE, NULL) ||
	    /* Somewhere, so that each run does not wait for the kernel's XDP dispatcher: see rig.c. */
	    bpf_xdp_attach(if_nametoindex("out-peer"), send_fd, XDP_FLAGS_SKB_MODE, NULL))
		return lb_fail(err, "in-peer: %s", strerror(errno));
	return 0;
}

/* What the kernel itself says on the link comes back, too. */
static long long lost(const struct line *l, int way)
{
	return l->lost[way] > 0 ? l->lost[way] : 0;
}

static double ns(const struct line *l, int way)
{
	return 1e9 / l->pps[way];
}

static void text(const struct line *l, int n)
{
	printf("packets a second through a veth pair and back, all on one core, best of short "
	       "slices\n\n"
	       "%-11s %10s %10s %6s %12s %10s\n",
	       "case", "turn", "balancer", "share", "ns a packet", "lost");
	for (int i = 0; i < n; i++, l++)
		printf("%-11s %10.0f %10.0f %5.1f%% %+12.1f %4lld %5lld\n", l->of->name,
		       l->pps[TURN], l->pps[BALANCE], 100 * l->pps[BALANCE] / l->pps[TURN],
		       ns(l, BALANCE) - ns(l, TURN), lost(l, TURN), lost(l, BALANCE));
	printf("\nturn: a program that swaps the MAC addresses and sends the packet back. ns a "
	       "packet: what "
	       "the balancer takes\nbeyond that. lost: of all frames, with the one and the "
	       "other\n");
}

static int json(const struct line *l, int n)
{
	json_t *all = json_array();

	for (int i = 0; i < n; i++, l++)
		json_array_append_new(all, json_pack("{ss sf sf sf sI sI}", "case", l->of->name,
						     "turn_pps", l->pps[TURN], "balancer_pps",
						     l->pps[BALANCE], "beyond_ns",
						     ns(l, BALANCE) - ns(l, TURN), "turn_lost",
						     (json_int_t)lost(l, TURN), "balancer_lost",
						     (json_int_t)lost(l, BALANCE)));
	return bench_dump(all);
}

static int choose(char **words, struct line *lines, int *n, struct lb_err *err)
{
	static char *usual[] = {"table4-64k", "tcp4-1", "tcp4-64k", "udp-new",
				"syn",	      "tcp6-1", NULL};

	for (char **word = *words ? words : usual; *word; word++) {
		const struct bench_case *of = bench_case_of(*word, err);

		if (!of)
			return -1;
		if (of->why != LB_TX)
			return lb_usage(err, "case \"%s\": its packets are not sent on", *word);
		if (*n == CASES_MAX)
			return lb_usage(err, "at most %d cases", CASES_MAX);
		lines[(*n)++].of = of;
	}
	return 0;
}

static int run(int argc, char **argv, struct lb_err *err)
{
	struct line lines[CASES_MAX] = {0};
	bool as_json = false;
	uint32_t rounds = 10;
	int n = 0;

	if (bench_options(argc, argv, "wire", 1000, &as_json, &rounds, err) ||
	    choose(argv + optind, lines, &n, err) || set_up(argv[0], err))
		return -1;
	for (uint32_t round = 0; round < rounds; round++)
		for (int i = 0; i < n; i++)
			if (one_round(&lines[i], err))
				return -1;
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
		fprintf(stderr, "wire: %s\n", err.msg);
	rig_close(&rig);
	world_unload(&w);
	return ret ? (err.status ? err.status : LB_FAILED) : LB_DONE;
}
