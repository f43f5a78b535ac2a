/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring.h - the consistent hash table of a pool: Maglev hashing with weights. Pure: no I/O, no clock.
 *
 * Source: D. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer",
 * NSDI 2016, section 3.4. Weights: member i takes its k-th turn at the time (k - 1/2) / weight(i), so
 * when one takes turns depends on its own weight alone; turns at one time go in the members' order. So each
 * gets its exact share of the slots rounded to the nearest (Webster's method), and members of one weight
 * fare as in the paper.
 */
#ifndef LIB_RING_H
#define LIB_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/parse.h"

#define LB_RING_DEFAULT 65537u /* slots */
#define LB_RING_MIN 251u
#define LB_RING_MAX 4194301u
#define LB_RING_NONE 0xffffu

struct lb_member {
	struct lb_addr addr;
	uint16_t weight; /* 0: takes no slot */
};

/*
 * Fills slot[0..slots) with indexes into member[]. The members must be sorted by lb_addr_cmp() and distinct;
 * then slot[] depends on nothing but addresses, weights, `slots` and `seed`, and two machines
 * with the same ones get the same bytes. `slots` must be prime (lb_ring_prime()).
 * n <= 65535. Without a member of weight > 0 every slot is LB_RING_NONE. A member of weight 0 changes nothing
 * for the others: as if it were not there, but for their indexes.
 * Returns 0, or -1 with *err when memory is short, or `slots` or n is not as above; slot[] is as it was then.
 */
int lb_ring_build(const struct lb_member *member, uint32_t n, uint32_t slots, uint64_t seed,
		  uint16_t *slot, struct lb_err *err);

/* Is n a prime that a table may have: LB_RING_MIN..LB_RING_MAX? */
bool lb_ring_prime(uint32_t n);

/* Sizes that serve well, ascending, ending with 0: for messages and man pages. */
extern const uint32_t lb_ring_sizes[];

/* How many of the slots differ. */
uint32_t lb_ring_moved(const uint16_t *a, const uint16_t *b, uint32_t slots);

/*
 * Shares of the slots: count[i] of member i (n entries, zeroed here). LB_RING_NONE is not counted.
 */
void lb_ring_count(const uint16_t *slot, uint32_t slots, uint32_t *count, uint32_t n);

#endif
