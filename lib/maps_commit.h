/* SPDX-License-Identifier: GPL-2.0 */
/*
 * maps_commit.h - what a commit knows, for lib/maps_commit.c and lib/maps_ids.c alone.
 */
#ifndef LIB_MAPS_COMMIT_H
#define LIB_MAPS_COMMIT_H

#include "lib/maps_internal.h"

struct range {
	uint32_t first, end; /* slots */
};

struct commit {
	struct lb_maps *maps;
	const struct lb_model *from;
	struct lb_model *to;
	uint32_t live, next; /* halves */
	uint64_t *table; /* of each pool of `to`: base << 32 | slots */
	struct range *used; /* slots that live or new tables hold, sorted */
	size_t useds;
	struct lb_err *err;
};

/*
 * Gives every object of `to` its id: that of the same object in `from`, else a free one, whose
 * old traces (counters, next hops, health, sessions) are removed. An id that `from` uses is never
 * given to something else in the same commit.
 */
int lb_commit_ids(struct commit *c);

int lb_no_memory(struct commit *c);

#endif
