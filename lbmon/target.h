/* SPDX-License-Identifier: GPL-2.0 */
/*
 * target.h - what is asked: each real once for each distinct check, however many pools have it.
 */
#ifndef LBMON_TARGET_H
#define LBMON_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lbmon/health.h"
#include "lbmon/loop.h"
#include "lib/err.h"
#include "lib/model.h"

struct target {
	struct health health;
	uint64_t since; /* of that health, seconds, CLOCK_REALTIME */
	char why[LB_WHY_LEN]; /* what the last answer said that changed it, or that keeps it down */
};

struct targets;

/*
 * once: a target is asked until its health is known, and not any more. changed() comes, not from within a call of these
 * functions, when a health changed, a reason of a sick one did, or a target was answered for the first time.
 */
struct targets *targets_new(struct loop *l, bool once, void (*changed)(void *arg), void *arg,
			    struct lb_err *err);
void targets_free(struct targets *t);

/* Makes the targets those of the model; what is asked already keeps its state, a new one begins with the health that the model has (once: with
 * none). NULL: none. 0, or -1 with *err, and all is as before. */
int targets_sync(struct targets *t, const struct lb_model *m, struct lb_err *err);

/* What is known of the i-th real of the model that was last given; NULL when it is not checked. Holds until the next sync. */
const struct target *targets_of(const struct targets *t, size_t real);

/* Has each been answered and has a known health? */
bool targets_known(const struct targets *t);

struct target_stats {
	size_t targets, sick;
	uint64_t asked; /* questions so far */
	uint64_t late_max, late_sum; /* milliseconds after their time that they began */
};
struct target_stats targets_stats(const struct targets *t);

#endif
