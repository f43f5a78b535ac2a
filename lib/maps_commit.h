/* SPDX-License-Identifier: GPL-2.0 */
/*
 * maps_commit.h - what a commit knows, for lib/maps_commit.c, maps_ids.c and maps_table.c alone.
 */
#ifndef LIB_MAPS_COMMIT_H
#define LIB_MAPS_COMMIT_H

#include "lib/maps_internal.h"

struct range {
	uint32_t first, end; /* slots */
};

/* Sorted by `first`. */
struct ranges {
	struct range *r;
	size_t n;
};

struct table {
	uint64_t at; /* base << 32 | slots, as in struct lb_pool */
	uint64_t built; /* hash of its members */
	uint32_t settled; /* as in struct lb_pool */
	bool made; /* anew, not the live one */
};

struct commit {
	struct lb_maps *maps;
	const struct lb_model *from;
	struct lb_model *to;
	uint32_t live, next; /* halves */
	uint32_t services; /* half of their buckets: the live one, or that where they were placed */
	uint32_t now; /* seconds, CLOCK_MONOTONIC */
	struct table *table; /* of each pool of `to` */
	struct ranges used; /* slots that live or new tables hold */
	struct ranges had; /* these, and those of the configuration before the live one */
	struct lb_err *err;
};

/*
 * Gives every object of `to` its id: that of the same object in `from`, else a free one, whose
 * old traces (counters, next hops, health, sessions) are removed. An id that `from` uses is never
 * given to something else in the same commit.
 */
int lb_commit_ids(struct commit *c);

int lb_no_memory(const struct commit *c);

/* Seconds of CLOCK_MONOTONIC, by which slots settle. */
uint32_t lb_seconds(void);

/*
 * The services of c->to into buckets: none is looked at where a half has them already, the live one mostly, else they are placed
 * anew in the other one. Ids of VIPs and pools must be set, and c->services the live half. 0, or -1 with *c->err.
 */
int lb_commit_services(struct commit *c);

/* Fills c->used and c->had, with room for `more` new tables. 0, or -1 without a message: no memory. */
int lb_table_ranges(struct commit *c, size_t more);
void lb_table_ranges_free(struct commit *c);
/*
 * The table of a pool of c->to: the live one where that has the same members, else a new one in slots
 * that no live table holds. 1: new, 0: the live one, -1: *c->err.
 */
int lb_table_make(struct commit *c, const struct lb_m_pool *pool, struct table *table);

#endif
