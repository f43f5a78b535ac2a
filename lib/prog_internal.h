/* SPDX-License-Identifier: GPL-2.0 */
/*
 * prog_internal.h - pins, for lib/prog*.c and lib/maps*.c alone.
 */
#ifndef LIB_PROG_INTERNAL_H
#define LIB_PROG_INTERNAL_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

#define LB_PIN_LEN 128

/* /sys/fs/bpf/lb/INSTANCE/DIR/NAME; dir and name may be "". */
void lb_pin_path(char path[LB_PIN_LEN], const char *instance, const char *dir, const char *name);

/* 0 when bpffs is mounted at its place, else -1 with what to do. */
int lb_pin_bpffs(struct lb_err *err);

/* Opens a pin; -1 with *err, which tells missing privileges from a missing pin: `what` is the sentence for the latter. */
int lb_pin_open(const char *instance, const char *dir, const char *name, struct lb_err *err,
		const char *what);

/* Makes the directories of an instance. */
int lb_pin_mkdirs(const char *instance, struct lb_err *err);

/* Removes pins of an instance's maps, those of the receiver or those of the balancer, and directories that are
 * empty then. What is not there is no error. */
int lb_pin_clear(const char *instance, bool rx, struct lb_err *err);

/* Does the pin bear a name of the receiver's? */
bool lb_pin_is_rx(const char *name);

/*
 * Where the maps of another ABI version stand while an instance's change places (lib/prog_move.c): a directory like an
 * instance's. clear: with all that is in it; none there is no error.
 */
#define LB_ASIDE_LEN 40
void lb_pin_aside(char aside[LB_ASIDE_LEN], const char *instance);
int lb_pin_clear_aside(const char *instance, struct lb_err *err);

/* Slots for that many tables: every table begins at a cache line. */
#define LB_TABLE_ROOM(tables) ((tables) * ((LB_RING_DEFAULT | (LB_SLOTS_PER_LINE - 1)) + 1))

/* Pins all maps of a loaded object; the programs are the caller's, the last pin being the sign that all is there. */
int lb_pin_maps(struct bpf_object *obj, const char *instance, struct lb_err *err);
int lb_pin_prog(int fd, const char *instance, const char *name, struct lb_err *err);

/* Pins it as NAME_new, open to whom NAME is; lb_pin_swap: then puts that in the place of NAME. */
int lb_pin_new(int fd, const char *instance, const char *name, struct lb_err *err);
int lb_pin_swap(int fd, const char *instance, const char *name, struct lb_err *err);

/* Has an opened, not yet loaded object use the pinned maps of the instance: those whose names are in `only`, which ends
 * with NULL, or all. */
int lb_pin_reuse(struct bpf_object *obj, const char *instance, const char *const *only,
		 struct lb_err *err);

/*
 * A balancer to be asked (bpf/trace.h), which reads the maps of the instance and writes none of them. Its descriptor and, in
 * *event, that of its map `event`, an array of one, mmapable; -1 with *err.
 */
int lb_prog_trace_load(const char *instance, int *event, struct lb_err *err);

/* A descriptor of a new program for health checks, on the pinned maps of the instance; -1 with *err. */
int lb_prog_hc_load(const char *instance, struct lb_err *err);

/* Are these the maps that this tool understands? 0, or -1 with what to do. */
struct lb_meta;
int lb_meta_check(const struct lb_meta *meta, const char *instance, struct lb_err *err);

/* Jiffies a second; a tick of the session cache is 2^*tick_shift of them. */
uint32_t lb_kernel_hz(uint32_t *tick_shift);

/* Keeps libbpf quiet and remembers its last warning; lb_pin_fail() puts it behind the message. */
void lb_libbpf_quiet(void);
int lb_pin_fail(struct lb_err *err, int error, const char *what);

#endif
