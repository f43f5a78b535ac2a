/* SPDX-License-Identifier: GPL-2.0 */
/*
 * prog.h - the programs: load, pin, swap, unpin. The only place that knows the skeletons.
 *
 * Pins of an instance: /sys/fs/bpf/lb/INSTANCE/prog/{lb,hc,rx,rx_mss} and .../map/NAME. Directories are mode 0700.
 * Attaching to devices is lib/nl.h's affair: the functions here hand out descriptors.
 */
#ifndef LIB_PROG_H
#define LIB_PROG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

#define LB_BPFFS "/sys/fs/bpf"
#define LB_PIN_ROOT LB_BPFFS "/lb"

struct lb_sizes {
	uint32_t reals, vips, pools; /* most of each */
	uint32_t
		tables; /* room for that many tables of 65537 slots; a changed table needs room beside the old one */
	uint32_t sessions; /* entries of the session cache; 0: none */
	/* Seconds of silence after which an entry may be pushed out, and a UDP flow counts as a new one; 0: the default. */
	uint32_t idle_tcp, idle_udp;
	uint64_t seed;
};
extern const struct lb_sizes lb_sizes_default;
/* Ranges, for messages and man pages; fields tables.. as above. */
extern const struct lb_sizes lb_sizes_min, lb_sizes_max;

/* Makes the maps and the programs of an instance, lb and hc, and pins them: all, or nothing is left
 * behind. Fails when it is loaded already. */
int lb_prog_load(const char *instance, const struct lb_sizes *sizes, struct lb_err *err);

/*
 * New programs on the pinned maps; the balancer's is pinned as "lb_new" until it is done, so that others know it on a device. The descriptors are the caller's: it swaps them on the devices, then
 * calls lb_prog_reload_done(), which puts the new ones in the pins' place.
 */
struct lb_reload {
	int old, lb, hc; /* old: the balancer's so far; the others are the new ones */
};
int lb_prog_reload(const char *instance, struct lb_reload *r, struct lb_err *err);
int lb_prog_reload_done(const char *instance, const struct lb_reload *r, struct lb_err *err);
/* Did a killed lb_prog_move() leave something? clear: removes it; no device has anything of it any more. */
bool lb_prog_half_moved(const char *instance);
int lb_prog_reload_clear(const char *instance, struct lb_err *err);
/* Instead: the old ones stay. */
void lb_prog_reload_undo(const char *instance);

/*
 * For maps of another ABI version (lib/maps.h), in place of the above: new maps and programs take the place of the pinned ones,
 * and have all that was in them; who might open those may open these. The caller then swaps the programs on the devices for the
 * pinned ones. It calls done(), which also moves what packets wrote meanwhile, or, when the old ones shall stay, back().
 */
int lb_prog_move(const char *instance, struct lb_err *err);
int lb_prog_move_done(const char *instance, struct lb_err *err);
void lb_prog_move_back(const char *instance);

/* Removes the pins of the balancer (not the receiver's). The caller has detached it everywhere. */
int lb_prog_unload(const char *instance, struct lb_err *err);

/* A descriptor of a pinned program, "lb", "hc", "rx" or "rx_mss"; -1 with *err when there is none. */
int lb_prog_open(const char *instance, const char *name, struct lb_err *err);

/* Is there such a pin? False also when this process may not see. */
bool lb_prog_pinned(const char *instance, const char *name);

/*
 * A descriptor of the program with that id when it works on this instance's maps, or on those that a killed reload left beside
 * them: the pinned program, or one that such a reload left on a device. -1: it is foreign.
 */
int lb_prog_ours(const char *instance, uint32_t id);

struct lb_prog_info {
	uint32_t id;
	char tag[17]; /* the kernel's hash of its instructions, hex */
	uint32_t jited; /* bytes of machine code, 0: not compiled */
	uint64_t loaded_at; /* nanoseconds, CLOCK_BOOTTIME */
};
int lb_prog_info(int fd, struct lb_prog_info *info, struct lb_err *err);
/* The kernel's id of the program that the instance has pinned under that name; 0: none, or it cannot be asked. */
uint32_t lb_prog_pinned_id(const char *instance, const char *name);

/* SHA-256 of the objects built into this tool, 64 hex digits: what lbtool prints and the tests ran. */
extern const char lb_object_sha256[], lb_rx_object_sha256[];

/* Loads and pins the receiver's two programs and their maps when they are not there yet; *made tells. */
int lb_prog_rx_load(const char *instance, bool *made, struct lb_err *err);
int lb_prog_rx_unload(const char *instance, struct lb_err *err);

/* Is the instance there at all? Names of the instances that have pins, for messages: at most `max` into names[][32]. */
int lb_prog_instances(char (*names)[32], int max);

#endif
