// SPDX-License-Identifier: GPL-2.0
/*
 * bench - nanoseconds a packet: the balancer, beside the empty program and the one that does nothing
 * but make room for the tunnel (bpf_xdp_adjust_head), in interleaved rounds of one process on one CPU.
 *
 * usage: bench [ -j ] [ -r ROUNDS ] [ -n PACKETS ] [ -s SESSIONS ] [ -c CPU ] [ CASE ... ]
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <libgen.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/ring.h"
#include "tests/bench/report.h"
#include "tests/bench/wrap.h"
#include "tests/packet/packet.h"
#include "tests/packet/world.h"
#include "tests/packet/world_config.h"

#define REALS 100
#define M (1u << 20)

#define ON4 .dst = "203.0.113.1" /* session on */
#define OFF4 .dst = "203.0.113.2" /* session off */

static const struct bench {
	const char *name, *what;
	struct pkt_spec spec;
	uint32_t flows;
	enum lb_why why;
} benches[] = {
	{"tcp4-1", "IPv4 TCP, established, session cache, 1 flow", {ON4}, 1, LB_TX},
	{"tcp4-4k", "the same, 4,096 flows", {ON4}, 4096, LB_TX},
	{"tcp4-64k", "the same, 65,536 flows", {ON4}, 65536, LB_TX},
	{"tcp4-1m", "the same, 1,000,000 flows", {ON4}, 1000000, LB_TX},
	{"table4-1", "IPv4 TCP, table only, 1 flow", {OFF4}, 1, LB_TX},
	{"table4-4k", "the same, 4,096 flows", {OFF4}, 4096, LB_TX},
	{"table4-64k", "the same, 65,536 flows", {OFF4}, 65536, LB_TX},
	{"table4-1m", "the same, 1,000,000 flows", {OFF4}, 1000000, LB_TX},
	{"syn", "SYN flood, 16 M sources", {ON4, .flags = 0x02}, 16 * M, LB_TX},
	{"udp-new",
	 "UDP, new flows, 16 M of them",
	 {ON4, .proto = IPPROTO_UDP, .dport = 53, .payload = 22},
	 16 * M,
	 LB_TX},
	{"tcp6-1", "IPv6 TCP into IPv6, established, 1 flow", {.dst = "2001:db8:f::1"}, 1, LB_TX},
	{"tcp6-64k", "the same, 65,536 flows", {.dst = "2001:db8:f::1"}, 65536, LB_TX},
	{"tcp4in6-1", "IPv4 TCP into IPv6, established, 1 flow", {.dst = "203.0.113.6"}, 1, LB_TX},
	{"wrong-port", "to a VIP, no such service", {ON4, .dport = 81}, 1, LB_DROP_NO_SERVICE},
	{"pass4", "not for a VIP, IPv4", {.dst = "198.51.100.9"}, 65536, LB_PASS_NO_VIP},
	{"pass6", "not for a VIP, IPv6", {.dst = "2001:db8:ffff::9"}, 65536, LB_PASS_NO_VIP},
};
#define BENCHES (sizeof(benches) / sizeof(*benches))

static struct report results[BENCHES];

static struct {
	bool json;
	int rounds, cpu;
	uint32_t packets, sessions;
} opt = {.rounds = 21, .cpu = -1, .packets = 1000000, .sessions = 2 * M};

static struct world w;
static struct bpf_object *obj;
static struct wrap *wrap;
static int fd[REPORT_PROGS], wrap_fd, target_fd;

static int setup_balancer(struct lb_err *err)
{
	struct lb_sizes sizes = lb_sizes_default;
	char addr[40];

	sizes.sessions = opt.sessions;
	if (world_net(err) || world_load(&w, "bench", &sizes, err) ||
	    world_pool(&w, "four", LB_RING_DEFAULT, err) ||
	    world_pool(&w, "six", LB_RING_DEFAULT, err))
		return -1;
	for (int i = 1; i <= REALS; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		if (world_real(&w, "four", addr, 1, LB_M_UP, err))
			return -1;
		snprintf(addr, sizeof(addr), "fd00::%x", i);
		if (world_real(&w, "six", addr, 1, LB_M_UP, err))
			return -1;
	}
	if (world_vip(&w, "203.0.113.1:80/tcp", "four", true, err) ||
	    world_vip(&w, "203.0.113.1:53/udp", "four", true, err) ||
	    world_vip(&w, "203.0.113.2:80/tcp", "four", false, err) ||
	    world_vip(&w, "203.0.113.6:80/tcp", "six", true, err) ||
	    world_vip(&w, "[2001:db8:f::1]:80/tcp", "six", true, err))
		return -1;
	return world_commit(&w, err);
}

static int setup_wrapper(const char *self, struct lb_err *err)
{
	static const char *const names[] = {"empty", "adjust"};
	char dir[4096], path[4200];
	struct bpf_map *state;

	snprintf(dir, sizeof(dir), "%s", self);
	snprintf(path, sizeof(path), "%s/wrap.bpf.o", dirname(dir));
	obj = bpf_object__open_file(path, NULL);
	if (!obj || bpf_object__load(obj))
		return lb_fail(err, "%s: %s", path, strerror(errno));
	wrap_fd = bpf_program__fd(bpf_object__find_program_by_name(obj, "wrap"));
	for (int i = 0; i < 2; i++)
		fd[i] = bpf_program__fd(bpf_object__find_program_by_name(obj, names[i]));
	fd[REPORT_LB] = w.prog;
	target_fd = bpf_object__find_map_fd_by_name(obj, "target");
	state = bpf_object__find_map_by_name(obj, ".data.wrap");
	wrap = mmap(NULL, sizeof(*wrap), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(state), 0);
	return wrap == MAP_FAILED ? lb_fail(err, ".data.wrap: %s", strerror(errno)) : 0;
}

/* One CPU, by default the last; what else runs is more often on the first. */
static int pin(struct lb_err *err)
{
	cpu_set_t set;

	if (opt.cpu < 0)
		opt.cpu = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	CPU_ZERO(&set);
	CPU_SET(opt.cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set)
		       ? lb_fail(err, "CPU %d: %s", opt.cpu, strerror(errno))
		       : 0;
}

/* What would make all figures wrong is refused. */
static int fair(struct report_head *head, struct lb_err *err)
{
	struct lb_prog_info info;
	FILE *f = fopen("/proc/sys/kernel/bpf_stats_enabled", "re");
	int stats = f ? getc(f) : '0';

	if (f)
		fclose(f);
	if (stats == '1')
		return lb_fail(
			err, "kernel.bpf_stats_enabled is 1: reading the clock costs more than the "
			     "programs do. Set it to 0");
	if (lb_prog_info(w.prog, &info, err))
		return -1;
	head->jited = info.jited;
	if (!info.jited)
		return lb_fail(
			err, "the program is not compiled: figures of the interpreter say nothing. "
			     "Set net.core.bpf_jit_enable to 1");
	return 0;
}

/* Time of this thread's own, so that neither other processes nor the end of a slice count. */
static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Runs n packets through program `which`, from flow *at on; nanoseconds a packet, or -1. */
static double run(int which, uint32_t n, uint32_t *at, struct lb_err *err)
{
	uint32_t slot = 0;
	struct xdp_md md = {.data_end = wrap->len, .ingress_ifindex = w.in};
	static uint8_t frame[256];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = wrap->len,
		    .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = n);
	double start;

	if (bpf_map_update_elem(target_fd, &slot, &fd[which], BPF_ANY))
		return lb_fail(err, "prog array: %s", strerror(errno));
	memcpy(frame, wrap->frame, WRAP_BYTES);
	wrap->next = *at;
	start = cpu_ns();
	if (bpf_prog_test_run_opts(wrap_fd, &o))
		return lb_fail(err, "test run: %s", strerror(errno));
	start = cpu_ns() - start;
	*at = wrap->next;
	if (which != REPORT_LB && o.retval != XDP_TX)
		return lb_fail(err, "the wrapper failed");
	return start / n;
}

static int set_packet(const struct bench *b, struct lb_err *err)
{
	struct pkt_spec s = b->spec;
	struct pkt p;

	s.src = strchr(s.dst, ':') ? "2001:db8:c::1000:0" : "16.0.0.0";
	pkt_build(&p, &s);
	if (p.len < WRAP_BYTES) { /* room for what the wrapper writes */
		s.payload += WRAP_BYTES - p.len;
		pkt_build(&p, &s);
	}
	memcpy(wrap->frame, p.b, WRAP_BYTES);
	wrap->len = p.len;
	wrap->v6 = strchr(s.dst, ':') != NULL;
	wrap->base = 0x10000000;
	wrap->flows = b->flows;
	return p.len > 200 ? lb_fail(err, "frame too long") : 0;
}

/* Did the balancer do to all packets what the case is named for? */
static int expect(const struct bench *b, uint64_t before, uint64_t packets, struct lb_err *err)
{
	struct lb_counts c;

	if (lb_maps_count(w.maps, LB_COUNT_WHY, b->why, &c, err))
		return -1;
	if (c.packets - before == packets)
		return 0;
	return lb_fail(err, "%s: %llu of %llu packets were %s", b->name,
		       (unsigned long long)(c.packets - before), (unsigned long long)packets,
		       lb_why_name(b->why));
}

static int one_round(const struct bench *b, struct report *r, int round, struct lb_err *err)
{
	struct lb_counts before;

	if (set_packet(b, err) || lb_maps_count(w.maps, LB_COUNT_WHY, b->why, &before, err))
		return -1;
	for (int i = 0; i < REPORT_PROGS; i++) {
		int which = (i + round) % REPORT_PROGS;
		uint32_t from = r->at;

		r->ns[which][round] = run(which, opt.packets, which == REPORT_LB ? &r->at : &from,
					  err);
		if (r->ns[which][round] < 0)
			return -1;
	}
	return expect(b, before.packets, opt.packets, err);
}

/* Every flow twice, so that the cache knows it as one that comes again; of the floods enough to fill it. */
static int warm_up(const struct bench *b, struct report *r, struct lb_err *err)
{
	uint32_t n = b->flows > 1000000 ? 4 * M : 2 * b->flows + 1000;

	return set_packet(b, err) || run(REPORT_LB, n, &r->at, err) < 0 ? -1 : 0;
}

/* The cases that were asked for; without a word all of them. */
static int choose(char **words, struct lb_err *err)
{
	for (size_t i = 0; i < BENCHES && !*words; i++)
		results[i].name = benches[i].name;
	for (; *words; words++) {
		size_t i = 0;

		while (i < BENCHES && strcmp(benches[i].name, *words))
			i++;
		if (i == BENCHES)
			return lb_usage(err, "\"%s\": no such case", *words);
		results[i].name = benches[i].name;
	}
	for (size_t i = 0; i < BENCHES; i++) {
		results[i].what = benches[i].what;
		results[i].flows = benches[i].flows;
	}
	return 0;
}

/* Round by round through all cases, so that a change of the clock hits all alike. */
static int measure(struct lb_err *err)
{
	for (int round = -1; round < opt.rounds; round++) {
		for (size_t i = 0; i < BENCHES; i++) {
			int ret;

			if (!results[i].name)
				continue;
			ret = round < 0 ? warm_up(&benches[i], &results[i], err)
					: one_round(&benches[i], &results[i], round, err);
			if (ret)
				return -1;
		}
	}
	return 0;
}

/* Bytes of kernel memory that a pinned map of the instance takes. */
static uint64_t map_bytes(const char *name)
{
	unsigned long long bytes = 0;
	char path[128], line[128];
	FILE *f;
	int map;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/%s", w.instance, name);
	map = bpf_obj_get(path);
	if (map < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	if (f)
		fclose(f);
	close(map);
	return bytes;
}

static void fill_head(struct report_head *head)
{
	static const char *const maps[] = {"service4",	"service6",   "pool",	   "table",
					   "real",	"health",     "session",   "nexthop",
					   "count_vip", "count_real", "count_why", "dev"};

	head->cpu = opt.cpu;
	head->rounds = opt.rounds;
	head->packets = opt.packets;
	head->sessions = opt.sessions;
	head->session_bytes = map_bytes("session");
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		head->map_bytes += map_bytes(maps[i]);
}

static int options(int argc, char **argv, struct lb_err *err)
{
	uint32_t n;
	int c;

	while ((c = getopt(argc, argv, "jr:n:s:c:")) != -1) {
		if (c == 'j')
			opt.json = true;
		else if (c == 'r' && !parse_u32(optarg, 1, REPORT_ROUNDS_MAX, &n, err))
			opt.rounds = n;
		else if (c == 'n' && !parse_u32(optarg, 1000, 100000000, &n, err))
			opt.packets = n;
		else if (c == 's' && !parse_u32(optarg, 0, lb_sizes_max.sessions, &n, err))
			opt.sessions = n;
		else if (c == 'c' && !parse_u32(optarg, 0, CPU_SETSIZE - 1, &n, err))
			opt.cpu = n;
		else
			return lb_usage(err, "usage: bench [ -j ] [ -r ROUNDS ] [ -n PACKETS ] "
					     "[ -s SESSIONS ] [ -c CPU ] [ CASE ... ]");
	}
	return choose(argv + optind, err);
}

int main(int argc, char **argv)
{
	struct report_head head = {0};
	struct lb_err err = {0};
	int ret;

	ret = options(argc, argv, &err) || pin(&err) || setup_balancer(&err) || fair(&head, &err) ||
	      setup_wrapper(argv[0], &err) || measure(&err);
	for (size_t i = 0; !ret && i < BENCHES; i++)
		if (results[i].name)
			report_sum(&results[i], opt.rounds);
	if (!ret) {
		fill_head(&head);
		if (!opt.json)
			report_text(&head, results, BENCHES);
		else if (report_json(&head, results, BENCHES))
			ret = lb_fail(&err, "writing: %s", strerror(errno));
	}
	if (ret)
		fprintf(stderr, "bench: %s\n", err.msg);
	bpf_object__close(obj);
	world_unload(&w);
	return ret ? (err.status ? err.status : LB_FAILED) : LB_DONE;
}
