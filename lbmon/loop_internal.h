/* SPDX-License-Identifier: GPL-2.0 */
/* loop_internal.h - what loop.c and loop_timer.c share. */
#ifndef LBMON_LOOP_INTERNAL_H
#define LBMON_LOOP_INTERNAL_H

#include <signal.h>
#include <stddef.h>

#include "lbmon/loop.h"

struct watcher {
	void (*ready)(void *arg, uint32_t events); /* NULL: not watched */
	void *arg;
	uint32_t events;
	uint32_t age; /* counts changes: an event reported before the last one is nobody's */
	bool plain; /* epoll refuses it (a file): always ready */
};

struct child {
	pid_t pid;
	void (*ended)(void *arg, int status); /* NULL: forgotten */
	void *arg;
};

struct loop {
	int epoll, timerfd, signalfd;
	struct watcher *fds; /* by descriptor */
	size_t n_fds, n_plain;
	struct timer **heap; /* from 1 */
	size_t n_heap, n_timers, heap_room;
	uint64_t seq, now, armed; /* armed: what the timerfd is set to; 0: nothing */
	struct child *children;
	size_t n_children, children_room;
	bool reap, stop;
	sigset_t signals, before;
	struct {
		void (*got)(void *arg);
		void *arg;
	} signal[NSIG];
};

/* An array with room for `n` entries of `size`, new ones zero; NULL: no memory, the old one stays. */
void *loop_grown(void *p, size_t n, size_t *room, size_t size);

/* Calls the timers that are due, a bounded number of them. */
void loop_timers_fire(struct loop *l);
/* Sets the timerfd for the next one. */
void loop_timers_arm(struct loop *l);

#endif
