/* SPDX-License-Identifier: GPL-2.0 */
/*
 * announce.h - which addresses are announced now: the node's state and the health of its pools, with the delays that keep
 * routers from flapping. Pure: no I/O, no clock; times are milliseconds of the loop's clock.
 */
#ifndef LBMON_ANNOUNCE_H
#define LBMON_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/parse.h"

struct announce_delays {
	uint32_t first; /* from the node being ready to the first announcement */
	uint32_t
		damping; /* how long an address that was withdrawn must be well before it is announced again */
	uint32_t
		drain; /* how long a drained node goes on announcing, as one that is about to leave */
};

struct announce;
struct announce *announce_new(const struct announce_delays *delays, struct lb_err *err);
void announce_free(struct announce *a);

struct announce_state {
	bool ready, drained;
	const struct lb_addr *addr; /* those that may be announced, sorted, distinct */
	size_t n;
};

/* What is to be announced. */
struct announce_result {
	const struct lb_addr *addr; /* holds until the next call */
	size_t n;
	bool shut; /* with GRACEFUL_SHUTDOWN */
	uint64_t
		again; /* at this time there may be something else, though the state stays; 0: not */
};

/*
 * A node that is not ready, or whose drain time is over, announces nothing at once; an address that is not among addr[] is withdrawn at
 * once. changed(): each address that was announced or withdrawn since the last call; may be NULL. 0, or -1 with *err: nothing changed.
 */
int announce_update(struct announce *a, uint64_t now, const struct announce_state *state,
		    struct announce_result *result,
		    void (*changed)(void *arg, const struct lb_addr *addr, bool on), void *arg,
		    struct lb_err *err);

#endif
