/* SPDX-License-Identifier: GPL-2.0 */
/*
 * keep.h - keeps the next hops of given addresses resolved while links, routes and neighbours come and go.
 */
#ifndef LBMON_KEEP_H
#define LBMON_KEEP_H

#include "lbmon/loop.h"
#include "lib/err.h"
#include "lib/nl.h"

struct keep;

/* nl is borrowed, also from within the loop. passive: asks the routes and says what is wrong, but has nothing resolved. NULL with *err. */
struct keep *keep_new(struct loop *l, struct lb_nl *nl, bool passive, struct lb_err *err);
void keep_free(struct keep *k);

/* From now on these n addresses, in any order; *addr is freed here. */
void keep_set(struct keep *k, struct lb_addr *addr, size_t n);

#endif
