// SPDX-License-Identifier: GPL-2.0
#include "tests/bench/rig.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LINE 64u /* bytes */

static int prog_of(const struct bpf_object *obj, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(obj, name));
}

/*
 * A test run of a program that no device has puts it into the kernel's XDP dispatcher and takes it out again, which waits
 * for all CPUs, 10 ms each time. So each rig's wrapper is attached to a link of its own, which stays down: by another the
 * kernel's own packets would come, be made the rig's, sent back, and so on for ever.
 */
static void hold(const struct rig *r)
{
	static int rigs;
	char link[16], add[48];
	struct lb_err none;

	snprintf(link, sizeof(link), "rig%d", rigs++);
	snprintf(add, sizeof(add), "link add %s type veth\n", link);
	if (!world_ip(add, &none))
		bpf_xdp_attach((int)if_nametoindex(link), r->wrap_fd, XDP_FLAGS_SKB_MODE, NULL);
}

int rig_open(struct rig *r, const char *self, const struct world *w, struct lb_err *err)
{
	char dir[4096], path[4200];
	struct bpf_map *state;

	snprintf(dir, sizeof(dir), "%s", self);
	snprintf(path, sizeof(path), "%s/wrap.bpf.o", dirname(dir));
	r->obj = bpf_object__open_file(path, NULL);
	if (!r->obj || bpf_object__load(r->obj))
		return lb_fail(err, "%s: %s", path, strerror(errno));
	r->wrap_fd = prog_of(r->obj, "wrap");
	r->empty = prog_of(r->obj, "empty");
	r->adjust = prog_of(r->obj, "adjust");
	r->target_fd = bpf_object__find_map_fd_by_name(r->obj, "target");
	r->in = w->in;
	r->target = -1;
	hold(r);
	state = bpf_object__find_map_by_name(r->obj, ".data.wrap");
	r->wrap = mmap(NULL, sizeof(*r->wrap), PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(state), 0);
	if (r->wrap == MAP_FAILED) {
		r->wrap = NULL;
		return lb_fail(err, ".data.wrap: %s", strerror(errno));
	}
	return 0;
}

void rig_close(struct rig *r)
{
	if (r->wrap)
		munmap(r->wrap, sizeof(*r->wrap));
	bpf_object__close(r->obj);
	memset(r, 0, sizeof(*r));
}

int rig_packet(struct rig *r, const struct pkt_spec *spec, uint32_t flows, struct lb_err *err)
{
	struct pkt_spec s = *spec;
	struct pkt p;

	r->wrap->v6 = strchr(s.dst, ':') != NULL;
	s.src = r->wrap->v6 ? "2001:db8:c::1000:0" : "16.0.0.0";
	pkt_build(&p, &s);
	if (p.len < WRAP_BYTES) {
		s.payload += WRAP_BYTES - p.len;
		pkt_build(&p, &s);
	}
	memcpy(r->wrap->frame, p.b, WRAP_BYTES);
	r->wrap->len = p.len;
	r->wrap->base = 0x10000000 + r->first;
	r->wrap->flows = flows;
	r->wrap->dsts = r->dsts;
	r->wrap->dst = 0;
	return p.len > RIG_FRAME ? lb_fail(err, "frame too long") : 0;
}

/* Time of this thread's own, so that neither other processes nor the end of a slice count. */
static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

double rig_run(struct rig *r, int prog, uint32_t n, uint32_t *at, struct lb_err *err)
{
	struct xdp_md md = {.data_end = r->wrap->len, .ingress_ifindex = r->in};
	uint8_t frame[RIG_FRAME] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = r->wrap->len,
		    .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = n);
	uint32_t slot = 0;
	double start;

	/* The kernel writes the jump's code anew for it, and interrupts the other CPUs. */
	if (r->target != prog && bpf_map_update_elem(r->target_fd, &slot, &prog, BPF_ANY))
		return lb_fail(err, "prog array: %s", strerror(errno));
	r->target = prog;
	memcpy(frame, r->wrap->frame, WRAP_BYTES);
	r->wrap->next = *at;
	start = cpu_ns();
	if (bpf_prog_test_run_opts(r->wrap_fd, &o))
		return lb_fail(err, "test run: %s", strerror(errno));
	start = cpu_ns() - start;
	*at = r->wrap->next;
	if (o.retval == XDP_ABORTED)
		return lb_fail(err, "the wrapper failed");
	return start / n;
}

int rig_pin(int cpu, struct lb_err *err)
{
	cpu_set_t set;

	if (cpu < 0)
		cpu = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return lb_fail(err, "CPU %d: %s", cpu, strerror(errno));
	setpriority(PRIO_PROCESS, 0, -10); /* if it may */
	return cpu;
}

int rig_fair(const struct world *w, struct lb_err *err)
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
	if (lb_prog_info(w->prog, &info, err))
		return -1;
	if (!info.jited)
		return lb_fail(
			err, "the program is not compiled: figures of the interpreter say nothing. "
			     "Set net.core.bpf_jit_enable to 1");
	return info.jited;
}

/* Lines in a ring whose order nothing foresees: Sattolo, Information Processing Letters 22 (1986). */
static uint32_t *ring_of_lines(uint32_t n)
{
	uint32_t *line = calloc(n, LINE), i, j, t;
	uint64_t x = 1;

	for (i = 0; line && i < n; i++)
		line[i * LINE / 4] = i;
	for (i = n - 1; line && i; i--) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		j = (x >> 33) % i;
		t = line[i * LINE / 4];
		line[i * LINE / 4] = line[j * LINE / 4];
		line[j * LINE / 4] = t;
	}
	return line;
}

double rig_memory(size_t bytes, struct lb_err *err)
{
	const volatile uint32_t *line;
	uint32_t at = 0, n = bytes / LINE + 1;
	double least = 0;

	line = ring_of_lines(n);
	if (!line)
		return lb_fail(err, "%s", strerror(ENOMEM));
	for (int round = 0; round < 20; round++) {
		double start = cpu_ns();

		for (int i = 0; i < 50000; i++)
			at = line[at * LINE / 4];
		start = (cpu_ns() - start) / 50000;
		if (!round || start < least)
			least = start;
	}
	free((void *)line);
	return least;
}

uint64_t rig_map_bytes(const char *instance, const char *map)
{
	unsigned long long bytes = 0;
	char path[512], line[128];
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/%s", instance, map);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	if (f)
		fclose(f);
	close(fd);
	return bytes;
}

uint64_t rig_maps_bytes(const char *instance)
{
	const struct dirent *e;
	uint64_t sum = 0;
	char path[512];
	DIR *d;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map", instance);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			sum += rig_map_bytes(instance, e->d_name);
	if (d)
		closedir(d);
	return sum;
}
