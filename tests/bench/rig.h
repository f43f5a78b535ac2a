/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rig.h - what the programs of this directory share: a balancer with its configuration, the wrapper that makes each
 * packet anew, and the clock.
 */
#ifndef TESTS_BENCH_RIG_H
#define TESTS_BENCH_RIG_H

#include "tests/bench/wrap.h"
#include "tests/packet/packet.h"
#include "tests/packet/world.h"
#include "tests/packet/world_config.h"

/* A wrapper of its own for each thread: it holds the packet. */
struct rig {
	struct bpf_object *obj;
	struct wrap *wrap;
	int wrap_fd, target_fd;
	int empty, adjust; /* the two that everything is compared with */
	int target; /* the program under test */
	uint32_t in; /* ifindex that packets come by */
	uint32_t dsts; /* so many destinations, in turn; 0: that of the packet. IPv4 */
	uint32_t first; /* added to the sources' addresses: threads have flows of their own */
};

/* self: argv[0], beside which wrap.bpf.o lies. */
int rig_open(struct rig *r, const char *self, const struct world *w, struct lb_err *err);
void rig_close(struct rig *r);

/*
 * The packets of the next runs: as spec says, from so many sources in turn, 16.0.0.0 or 2001:db8:c::1000:0 on; what is
 * too short for the wrapper gets more payload.
 */
int rig_packet(struct rig *r, const struct pkt_spec *spec, uint32_t flows, struct lb_err *err);

/* Runs n packets through a program, from flow *at on; nanoseconds of this thread a packet, or -1. */
double rig_run(struct rig *r, int prog, uint32_t n, uint32_t *at, struct lb_err *err);

/* Pins the thread to the CPU; below 0: to the last one, what else runs is more often on the first. Returns it, or -1. */
int rig_pin(int cpu, struct lb_err *err);

/* Would the figures say anything? Machine code's bytes of the program, or -1: not compiled, or statistics are on. */
int rig_fair(const struct world *w, struct lb_err *err);

/* Bytes of kernel memory that a pinned map of the instance takes, 0: no such map; of all its maps. */
uint64_t rig_map_bytes(const char *instance, const char *map);
uint64_t rig_maps_bytes(const char *instance);

/* Nanoseconds of a load from anywhere in so many bytes, each told where by the one before; -1: no memory. */
double rig_memory(size_t bytes, struct lb_err *err);

/*
 * Loads another object of the balancer on the maps and with the constants of the one in w: a variant, to be compared in the same
 * run. Its descriptor, or -1.
 */
int rig_variant(const struct world *w, const char *path, struct lb_err *err);

#endif
