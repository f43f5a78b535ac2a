/* SPDX-License-Identifier: GPL-2.0 */
/*
 * loop.h - the event loop: one epoll, one timerfd for all timers, signals by signalfd, children by SIGCHLD.
 *
 * Times are milliseconds of CLOCK_MONOTONIC: a clock that is set does not matter. Callbacks may add and
 * remove anything, themselves too. Functions that allocate return NULL or -1 with *err filled.
 */
#ifndef LBMON_LOOP_H
#define LBMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

struct loop;
struct timer;

struct loop *loop_new(struct lb_err *err);
void loop_free(struct loop *l);
uint64_t loop_now(const struct loop *l); /* as of the present round */
int loop_run(struct loop *l, struct lb_err *err); /* until loop_stop() */
void loop_stop(struct loop *l);

/* events: EPOLLIN, EPOLLOUT; 0 takes the descriptor out. A call for a known descriptor changes it. */
int loop_fd(struct loop *l, int fd, uint32_t events, void (*ready)(void *arg, uint32_t events),
	    void *arg, struct lb_err *err);

/* A timer, not yet set. timer_set: once, `ms` from now (0: in the next round), instead of what was set. */
struct timer *timer_new(struct loop *l, void (*fire)(void *arg), void *arg, struct lb_err *err);
void timer_set(struct timer *t, uint64_t ms);
void timer_stop(struct timer *t);
void timer_free(struct timer *t); /* NULL is nothing */

/* SIGTERM, SIGINT, SIGHUP and so on come as calls; the signal is blocked from then on. */
int loop_signal(struct loop *l, int signo, void (*got)(void *arg), void *arg, struct lb_err *err);
/* Calls once with waitpid(2)'s status when the child has ended. loop_child_forget: no call any more, it is still reaped. */
int loop_child(struct loop *l, pid_t pid, void (*ended)(void *arg, int status), void *arg,
	       struct lb_err *err);
void loop_child_forget(struct loop *l, pid_t pid);

#endif
