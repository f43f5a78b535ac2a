// SPDX-License-Identifier: GPL-2.0
/*
 * features - what each feature costs a packet that uses it, and all of them one that does not: nanoseconds, without and
 * with it, in turns, beside the noise of that very line. README.md says how.
 *
 * usage: features [ -j ] [ -r ROUNDS ] [ FEATURE ... ]
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/ear.h"
#include "tests/bench/nodes.h"
#include "tests/bench/rig.h"
#include "tests/bench/sum.h"

#define SLICES 10
#define SLICE 10000u /* packets: no more fragments than a node takes at once */
#define ROUNDS_MAX 1001
#define WARM (1u << 17)
#define SAMPLE 1000
#define DATAGRAMS (LB_FRAGMENT_BUCKETS * LB_SESSION_WAYS)
#define MF 0x2000
#define OFFSET 0x1fff
#define M 1000000

#define TCP(addr) \
	{ \
		.dst = addr \
	}
#define UDP(addr, ...) \
	{ \
		.dst = addr, .proto = IPPROTO_UDP, .dport = 53, .payload = 64, ##__VA_ARGS__ \
	}

/* A program, of enum node or that one, and its packets. */
#define NO_MTU NODES
struct side {
	int prog;
	struct pkt_spec spec;
	enum lb_why why;
};

/*
 * In turns: the empty program, the packet without the feature, and with it, each by so many copies of the program. Where one
 * came to lie may cost it more than most features do.
 */
#define COPIES 3
enum { EMPTY, WITHOUT, WITH = WITHOUT + COPIES, TURNS = WITH + COPIES };

struct feature {
	const char *name, *what;
	uint32_t flows;
	struct side without, with;
};

struct line {
	const struct feature *of; /* NULL: not wanted */
	uint32_t at
		[2]; /* the next flow without and with it: no copy finds what another one just left in the caches */
	double ns[TURNS][ROUNDS_MAX * SLICES]; /* a packet, slice by slice */
	size_t n;
	double without, noise, with;
};

#define AT(prog, addr) \
	{ \
		prog, TCP(addr), LB_TX \
	}
#define BASE AT(NODE_PLAIN, NODE_BASE)
#define KEPT AT(NODE_FULL, NODE_SESSION)
#define WHOLE \
	{ \
		NODE_PLAIN, UDP(NODE_BASE), LB_TX \
	}
#define PASS(prog) \
	{ \
		prog, TCP("198.51.100.9"), LB_PASS_NO_VIP \
	}
#define FIRST(prog, addr) \
	{ \
		prog, UDP(addr, .frag = MF), LB_TX \
	}
#define LATER(prog, addr, why) \
	{ \
		prog, UDP(addr, .frag = 8), why \
	}

static const struct feature features[] = {
	{"unused", "all of these, for other services", 1, BASE, AT(NODE_FULL, NODE_BASE)},
	{"session-1", "session cache, 1 flow", 1, BASE, KEPT},
	{"session-64k", "the same, 65,536 flows", 65536, BASE, KEPT},
	{"session-1m", "the same, 1,000,000 flows", M, BASE, KEPT},
	{"gue", "gue, settled; beside ipip", 1, KEPT, AT(NODE_FULL, NODE_GUE)},
	{"gue-moved", "gue, changed; beside settled", 1, AT(NODE_FULL, NODE_GUE),
	 AT(NODE_FULL, NODE_MOVED)},
	{"dscp", "dscp; beside ipip", 1, BASE, AT(NODE_FULL, NODE_DSCP)},
	{"l2", "l2; beside ipip", 1, BASE, AT(NODE_FULL, NODE_L2)},
	{"spread", "source spread", 1, BASE, AT(NODE_SPREAD, NODE_BASE)},
	{"src", "hash src", 1, BASE, AT(NODE_FULL, NODE_SRC)},
	{"src-session", "the same, both with session cache", 1, KEPT,
	 AT(NODE_FULL, NODE_SRC_SESSION)},
	{"monitor", "monitor listens, 1 in 1,000", 1, BASE, AT(NODE_HEARD, NODE_BASE)},
	{"mtu", "does it fit the MTU?", 1, AT(NO_MTU, NODE_BASE), BASE},
	{"fragments", "fragments hash; beside a whole one", 1, WHOLE,
	 LATER(NODE_FULL, NODE_HASH, LB_TX)},
	{"track-first", "fragments track, first; beside hash", 1, FIRST(NODE_FULL, NODE_HASH),
	 FIRST(NODE_FULL, NODE_TRACK)},
	{"track-later", "the same, one that follows", 1, LATER(NODE_FULL, NODE_HASH, LB_TX),
	 LATER(NODE_FULL, NODE_TRACK, LB_TX)},
	{"track-away", "the same, passed on to its node", 1, LATER(NODE_FULL, NODE_HASH, LB_TX),
	 LATER(NODE_AWAY, NODE_TRACK, LB_TX_PEER)},
	{"peers", "peers, a packet for no VIP", 65536, PASS(NODE_PLAIN), PASS(NODE_FULL)},
};
#define FEATURES (sizeof(features) / sizeof(*features))

static struct line lines[FEATURES];
static struct world node[NODES];
static int prog[NODES + 1][COPIES];
static struct rig rig;
static uint32_t rounds = 10;

static struct world *node_of(const struct side *s)
{
	return &node[s->prog == NO_MTU ? NODE_PLAIN : s->prog];
}

/* What a flood of them used up of the node's share for fragments is given back. */
static int refill(struct world *w, struct lb_err *err)
{
	uint64_t none[256] = {0};
	uint32_t zero = 0;
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/fragment_rate", w->instance);
	fd = bpf_obj_get(path);
	ret = w->cpus > 256 ? -1 : bpf_map_update_elem(fd, &zero, none, BPF_ANY);
	close(fd);
	return ret ? lb_fail(err, "%s: %s", path, strerror(errno)) : 0;
}

static int prepare(const struct side *s, uint32_t flows, struct lb_err *err)
{
	struct pkt_spec first = s->spec;
	uint32_t at = 0;

	if (s->spec.frag && refill(node_of(s), err))
		return -1;
	first.frag = MF;
	if (s->spec.frag & OFFSET && (rig_packet(&rig, &first, flows, err) ||
				      rig_run(&rig, prog[s->prog][0], flows, &at, err) < 0))
		return -1;
	return rig_packet(&rig, &s->spec, flows, err);
}

/* n packets of a turn, all of which must go the way that the table says. */
static double run_turn(struct line *l, int turn, uint32_t n, struct lb_err *err)
{
	const struct side *s = turn >= WITH ? &l->of->with : &l->of->without;
	int run = turn == EMPTY ? rig.empty : prog[s->prog][(turn - WITHOUT) % COPIES];
	struct lb_counts before, after;
	double ns;

	if (prepare(s, l->of->flows, err) ||
	    lb_maps_count(node_of(s)->maps, LB_COUNT_WHY, s->why, &before, err))
		return -1;
	ns = rig_run(&rig, run, n, &l->at[turn >= WITH], err);
	if (ns < 0 || turn == EMPTY)
		return ns;
	if (lb_maps_count(node_of(s)->maps, LB_COUNT_WHY, s->why, &after, err))
		return -1;
	if (after.packets - before.packets == n)
		return ns;
	return lb_fail(err, "%s: %llu of %u packets %s it were %s", l->of->name,
		       (unsigned long long)(after.packets - before.packets), n,
		       turn >= WITH ? "with" : "without", lb_why_name(s->why));
}

/* All turns, another one first each time. */
static int slice(struct line *l, int first, struct lb_err *err)
{
	for (int i = 0; i < TURNS; i++) {
		int turn = (first + i) % TURNS;
		double ns;

		if (ear_empty(err))
			return -1;
		ns = run_turn(l, turn, SLICE, err);
		if (ns < 0)
			return -1;
		l->ns[turn][l->n] = ns;
	}
	l->n++;
	return 0;
}

/* Before the first round every flow twice, then as many as bring back what other features pushed out of the CPU's caches. */
static int one_round(struct line *l, int round, struct lb_err *err)
{
	uint32_t n = round < 0 ? 2 * l->of->flows + 1000 : l->of->flows;

	if (round >= 0 && n > WARM)
		n = WARM;
	for (int turn = WITHOUT; turn < TURNS; turn += COPIES)
		if (run_turn(l, turn, n, err) < 0)
			return -1;
	for (int i = 0; i < SLICES && round >= 0; i++)
		if (slice(l, round + i, err))
			return -1;
	return 0;
}

static int measure(struct lb_err *err)
{
	for (int round = -1; round < (int)rounds; round++)
		for (size_t i = 0; i < FEATURES; i++)
			if (lines[i].of && one_round(&lines[i], round, err))
				return -1;
	return 0;
}

/* A slot that has not settled names another real, which makes the packet longer. */
static int check_moved(struct lb_err *err)
{
	static const struct pkt_spec gue = TCP(NODE_GUE), moved = TCP(NODE_MOVED);
	struct pkt in, out[2];

	pkt_build(&in, &gue);
	world_send(&node[NODE_FULL], &in, &out[0]);
	pkt_build(&in, &moved);
	world_send(&node[NODE_FULL], &in, &out[1]);
	return out[1].len > out[0].len ? 0 : lb_fail(err, "the table has settled");
}

/* FILE below the directory of this program. */
static int variant(const char *self, const char *file, enum node which, struct lb_err *err)
{
	char path[4200], dir[4096];

	snprintf(dir, sizeof(dir), "%s", self);
	snprintf(path, sizeof(path), "%s/%s", dirname(dir), file);
	return rig_variant(&node[which], path, err);
}

static int copies(const char *self, int of, struct lb_err *err)
{
	const char *file = of == NO_MTU ? "nomtu.bpf.o" : "../../bpf/lb.bpf.o";

	for (int k = 0; k < COPIES && !prog[of][k]; k++) {
		prog[of][k] = variant(self, file, of == NO_MTU ? NODE_PLAIN : of, err);
		if (prog[of][k] < 0)
			return -1;
	}
	return 0;
}

/* Those that are wanted: each takes the verifier a third of a second. */
static int programs(const char *self, struct lb_err *err)
{
	for (const struct line *l = lines; l < lines + FEATURES; l++)
		if (l->of &&
		    (copies(self, l->of->without.prog, err) || copies(self, l->of->with.prog, err)))
			return -1;
	return 0;
}

static int set_up(const char *self, struct lb_err *err)
{
	if (rig_pin(-1, err) < 0 || nodes_open(node, err) || rig_fair(&node[NODE_PLAIN], err) < 0 ||
	    check_moved(err) || rig_open(&rig, self, &node[NODE_PLAIN], err) || programs(self, err))
		return -1;
	return ear_open(&node[NODE_HEARD], SAMPLE, err);
}

/* What a tenth of the slices came below: others on the machine add to most, and a clock that was raised takes from few. */
static double tenth(struct line *l, int turn)
{
	bench_sort(l->ns[turn], l->n);
	return l->ns[turn][l->n / 10];
}

/* Of the copies the best, and by how much the second one misses it. */
static double sum(struct line *l, int turn, double *noise)
{
	double copy[COPIES];

	for (int k = 0; k < COPIES; k++)
		copy[k] = tenth(l, turn + k);
	bench_sort(copy, COPIES);
	*noise = copy[1] - copy[0];
	return copy[0] - tenth(l, EMPTY);
}

static void sum_up(struct line *l)
{
	double without, with;

	l->without = sum(l, WITHOUT, &without);
	l->with = sum(l, WITH, &with);
	l->noise = without > with ? without : with;
}

/* Bytes that a flow's place takes in a map of the full node with so many of them. */
static double bytes(const char *map, uint32_t places)
{
	return (double)rig_map_bytes(node[NODE_FULL].instance, map) / places;
}

static void text(void)
{
	double most = 0;

	printf("ns a packet above the empty program; lowest tenth of %u rounds\n\n", rounds);
	printf("%-12s %-36s %8s %8s %8s %6s\n", "feature", "", "without", "with", "cost", "noise");
	for (const struct line *l = lines; l < lines + FEATURES; l++) {
		if (!l->of)
			continue;
		printf("%-12s %-36s %8.1f %8.1f %8.1f %6.1f\n", l->of->name, l->of->what,
		       l->without, l->with, l->with - l->without, l->noise);
		most = l->noise > most ? l->noise : most;
	}
	printf("\nnoise: of %d copies of a program, what the second best differs by from the best, "
	       "at "
	       "most %.1f\n"
	       "memory: session cache %.1f bytes a flow, fragments track %.1f a datagram, the "
	       "rest 0\n",
	       COPIES, most, bytes("session", NODE_SESSIONS), bytes("fragment", DATAGRAMS));
}

static int document(void)
{
	json_t *all = json_array();

	for (const struct line *l = lines; l < lines + FEATURES; l++)
		if (l->of)
			json_array_append_new(
				all,
				json_pack("{ss ss si sf sf sf sf}", "feature", l->of->name, "what",
					  l->of->what, "flows", (int)l->of->flows, "without_ns",
					  l->without, "with_ns", l->with, "cost_ns",
					  l->with - l->without, "noise_ns", l->noise));
	return bench_dump(json_pack("{si sf sf so}", "rounds", (int)rounds, "flow_bytes",
				    bytes("session", NODE_SESSIONS), "datagram_bytes",
				    bytes("fragment", DATAGRAMS), "features", all));
}

static int choose(char **words, struct lb_err *err)
{
	char names[512] = "";
	size_t at = 0, i;

	for (i = 0; i < FEATURES; i++) {
		if (!*words)
			lines[i].of = &features[i];
		at += snprintf(names + at, sizeof(names) - at, "%s %s", i ? "," : "",
			       features[i].name);
	}
	for (; *words; words++) {
		for (i = 0; i < FEATURES && strcmp(features[i].name, *words) != 0; i++)
			;
		if (i == FEATURES)
			return lb_usage(err, "feature \"%s\": must be one of%s", *words, names);
		lines[i].of = &features[i];
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct lb_err err = {0};
	bool json = false;
	int ret;

	ret = bench_options(argc, argv, "features", ROUNDS_MAX, &json, &rounds, &err) ||
	      choose(argv + optind, &err) || set_up(argv[0], &err) || measure(&err);
	for (size_t i = 0; !ret && i < FEATURES; i++)
		if (lines[i].of)
			sum_up(&lines[i]);
	if (!ret && !json)
		text();
	else if (!ret && document())
		ret = lb_fail(&err, "writing: %s", strerror(errno));
	if (ret)
		fprintf(stderr, "features: %s\n", err.msg);
	ear_close();
	rig_close(&rig);
	for (int i = 0; i < NODES; i++)
		world_unload(&node[i]);
	return ret ? (err.status ? err.status : LB_FAILED) : LB_DONE;
}
