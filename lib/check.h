/* SPDX-License-Identifier: GPL-2.0 */
/*
 * check.h - is this configuration whole? Looks across objects, which no single command can.
 */
#ifndef LIB_CHECK_H
#define LIB_CHECK_H

#include "lib/err.h"
#include "lib/model.h"

/* What `prog load` made room for. */
struct lb_limits {
	uint32_t pools, reals, vips; /* most of each */
	uint32_t slots; /* in all tables together */
};

/*
 * 0 when all holds, else -1 and the first thing that does not: every VIP's and real's pool exists;
 * VIPs and reals have addresses that routers forward (no loopback, link-local or reserved ones); no real's address is
 * a VIP's (its packets would come back to us); no prefix of outer sources holds a VIP's or a real's; VIPs of a pool with reals that are reached by dscp have a number, of which
 * each such real can tell the address, and their family; counts and slots are within the limits; a real's own port
 * (lib/model_own.h) is no other's and no service's on the addresses where it stands, and counts as a VIP.
 * Each message names the object and what to do.
 */
int lb_check(const struct lb_model *m, const struct lb_limits *limits, struct lb_err *err);

/* For `pool del`: 0 when no VIP and no real of the model refers to the pool, else -1 and who does. O(n). */
int lb_check_pool_unused(const struct lb_model *m, const char *name, struct lb_err *err);

#endif
