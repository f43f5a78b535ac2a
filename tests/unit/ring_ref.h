/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring_ref.h - a second implementation of lib/ring.h, plain and slow: the reference for the tests.
 */
#ifndef TESTS_UNIT_RING_REF_H
#define TESTS_UNIT_RING_REF_H

#include <stdint.h>

#include "lib/ring.h"

#define RING_SEED 0x0123456789abcdefull

/* 10.0.0.1 and on, sorted. The caller frees. */
struct lb_member *ring_members(uint32_t n, uint16_t weight);

/* lb_ring_build(), which has to succeed. The caller frees. */
uint16_t *ring_table(const struct lb_member *m, uint32_t n, uint32_t slots, uint64_t seed);

/* What lb_ring_build() should make: times are compared as fractions, steps are taken one by one. */
void ring_plain(const struct lb_member *m, uint32_t n, uint32_t slots, uint64_t seed,
		uint16_t *slot);

#endif
