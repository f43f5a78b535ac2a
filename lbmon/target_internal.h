/* SPDX-License-Identifier: GPL-2.0 */
/* target_internal.h - what target.c and target_sync.c share. */
#ifndef LBMON_TARGET_INTERNAL_H
#define LBMON_TARGET_INTERNAL_H

#include "lbmon/probe.h"
#include "lbmon/target.h"

struct entry {
	struct target t; /* first: targets_of() gives it out */
	struct probe_target ask; /* the key but for the mark; `real` comes first in the order */
	enum lb_m_encap encap; /* key: of the tunnel */
	struct targets *all;
	struct timer *timer;
	struct probe *probe;
	uint64_t due;
	bool answered, doubted;
	uint8_t unasked; /* times that it could not be asked */
	bool given_up; /* too often to wait for it */
	struct entry *same; /* while syncing: who is asked in its stead */
};

struct targets {
	struct loop *loop;
	struct probes *probes;
	bool once;
	void (*changed)(void *arg);
	void *arg;
	struct timer *tell;
	bool telling;
	size_t doubts; /* targets whose answers speak against their health */
	struct entry **entry; /* sorted by key */
	size_t n;
	struct entry **of; /* of each real of the model, or NULL */
	size_t reals;
	uint64_t asked, late_max, late_sum;
	uint64_t said; /* when it was said last that one could not be asked; 0: never */
};

/* Asks for the first time after `ms` milliseconds. 0, or -1 with *err. */
int target_begin(struct targets *all, struct entry *e, uint32_t ms, struct lb_err *err);
/* NULL is nothing. */
void target_free(struct entry *e);

#endif
