/* SPDX-License-Identifier: GPL-2.0 */
/* watch_internal.h - what watch.c and watch_write.c share. */
#ifndef LBMON_WATCH_INTERNAL_H
#define LBMON_WATCH_INTERNAL_H

#include "lbmon/keep.h"
#include "lbmon/target.h"
#include "lbmon/watch.h"
#include "lib/maps.h"
#include "lib/nl.h"

struct pool_state {
	char name[LB_NAME_MAX + 1];
	uint64_t next; /* not rebuilt before */
	bool panics;
};

struct watch {
	struct loop *loop;
	struct watch_options opt;
	struct lb_nl *nl;
	struct timer *look, *write;
	struct targets *targets;
	struct keep *keep;
	struct lb_maps *maps; /* NULL: nothing is loaded */
	struct lb_model model; /* as of `commits`, health from the targets */
	uint32_t commits;
	struct pool_state *pool; /* of each pool of the model */
	uint32_t looks;
	bool attached, drained, known; /* known: all targets were, once */
	bool settled; /* opt.settled() was called */
	uint32_t locked_out; /* times in a row that the lock was another's */
	bool retell; /* something changed that nobody was told of yet */
	bool current; /* the model is that of `commits` */
	bool moved; /* the pinned maps are another version's */
	uint64_t said_at;
	char said[LB_ERR_LEN]; /* the last trouble, said once */
	char cannot[LB_ERR_LEN]; /* why there are no maps, or no lock */
};

/* Trouble that lasts is said once. */
void watch_say(struct watch *w, const char *event, const char *what);

/* What keeps it from its work; "": nothing any more. */
void watch_hinder(struct watch *w, const char *why);

/* Commits so far: another number, another configuration. */
uint32_t watch_commits(const struct watch *w);

/* Reads the live configuration and takes it over. 0, or -1 with *err, and all is as before. */
int watch_reload(struct watch *w, struct lb_err *err);

/* w->pool for the pools of *m; those that were there keep their state, `was` of them. 0, or -1 with *err. */
int watch_pools(struct watch *w, const struct lb_model *m, size_t was, struct lb_err *err);

/* The timer's call: writes health and at most one table, and sets the timer when there is more to do. arg: struct watch. */
void watch_write(void *arg);

/* Is a program of ours on some device that is up? When the kernel does not say, it is as it was. */
bool watch_attached(struct watch *w);

/* The maps are pinned no more: because those of another ABI version took their place? */
bool watch_moved(struct watch *w);

#endif
