/* SPDX-License-Identifier: GPL-2.0 */
/*
 * plan.h - what a change of the configuration will do to the flows of a pool, before it is made. Pure.
 */
#ifndef LIB_PLAN_H
#define LIB_PLAN_H

#include "lib/model.h"

/*
 * In slots of the table that the pool will have, each an equal share of all flows. Of a table of another size than
 * before: so much of them, rounded.
 */
struct lb_plan {
	uint32_t slots;
	uint32_t moved; /* get another real than they had, or none */
	uint32_t least; /* what the changed shares alone demand: the sum of what each real loses */
	/* Of those that move: */
	uint32_t session; /* the real they had keeps the flows that the session cache knows */
	uint32_t second_hop; /* a packet of TCP will name that real, too */
	uint32_t lost; /* neither of it holds for all VIPs of the pool */
};

/*
 * The pool `was` of `from` compared with the pool `is` of `to`, both of which exist. `sick` of the reals must be set. Other names
 * are those of a VIP that moves from one pool to another: nothing covers it. sessions: there is a session cache.
 * 1: *plan is filled; 0: the tables have the same size and the same members; -1 with *err: no memory.
 */
int lb_plan(const struct lb_model *from, const char *was, const struct lb_model *to, const char *is,
	    bool sessions, struct lb_plan *plan, struct lb_err *err);

#endif
