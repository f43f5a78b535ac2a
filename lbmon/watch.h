/* SPDX-License-Identifier: GPL-2.0 */
/*
 * watch.h - follows the configuration in the maps, has the reals asked, writes health and rebuilds tables; says which
 * addresses are to be announced.
 */
#ifndef LBMON_WATCH_H
#define LBMON_WATCH_H

#include <stdbool.h>

#include "lbmon/log.h"
#include "lbmon/loop.h"
#include "lib/err.h"
#include "lib/model.h"

struct watch_options {
	const char *instance;
	bool dry_run; /* writes neither health nor tables */
	bool once; /* each target is asked up to rise or fall times, then settled() is called */
	/* Called when the set of announceable addresses, the drained flag or readiness may have changed. */
	void (*changed)(void *arg);
	/* Every target has a known state for the first time (also with none at all). */
	void (*settled)(void *arg);
	void *arg;
};

struct watch;
struct watch *watch_new(struct loop *l, const struct watch_options *opt, struct lb_err *err);
void watch_free(struct watch *w);

/* May this node announce anything: the maps are there, the program is attached somewhere in this namespace, all targets are known. */
bool watch_ready(const struct watch *w);
/* Of these, is the program attached? */
bool watch_on_device(const struct watch *w);
/* Is it only that some targets are not known yet? What a predecessor announced had better stay so long. */
bool watch_pending(const struct watch *w);
bool watch_drained(const struct watch *w);
/* Addresses of VIPs that may be announced, health and `min` heeded, drain not; *addr is the caller's to free(). */
int watch_addrs(const struct watch *w, struct lb_addr **addr, size_t *n, struct lb_err *err);
/* The configuration as last read, health filled in; NULL while there is none. */
const struct lb_model *watch_model(const struct watch *w);
/* What keeps it from reading the maps, or from writing to them; "": nothing. */
const char *watch_cannot(const struct watch *w);
/* Something that is checked is down. */
bool watch_any_down(const struct watch *w);
/* A line of the log: targets, questions, how late they were. */
void watch_log_stats(const struct watch *w);

#endif
