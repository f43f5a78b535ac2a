// SPDX-License-Identifier: GPL-2.0
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ring_ref.h"

/* 10.0.0.1 and on, sorted. */
struct lb_member *ring_members(uint32_t n, uint16_t weight)
{
	struct lb_member *m = calloc(n, sizeof(*m));

	cr_assert(ne(ptr, m, NULL));
	for (uint32_t i = 0; i < n; i++) {
		m[i].addr.family = 4;
		m[i].addr.b[0] = 10;
		m[i].addr.b[1] = (i + 1) >> 16;
		m[i].addr.b[2] = (i + 1) >> 8 & 255;
		m[i].addr.b[3] = (i + 1) & 255;
		m[i].weight = weight;
	}
	return m;
}

uint16_t *ring_table(const struct lb_member *m, uint32_t n, uint32_t slots, uint64_t seed)
{
	struct lb_err err;
	uint16_t *slot = calloc(slots, sizeof(*slot));

	cr_assert(ne(ptr, slot, NULL));
	cr_assert_eq(lb_ring_build(m, n, slots, seed, slot, &err), 0, "%s", err.msg);
	return slot;
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	x ^= x >> 31;
	return x;
}

static uint64_t hash(const struct lb_addr *a, uint64_t seed)
{
	uint64_t hi = 0, lo = 0;

	for (int i = 0; i < 8; i++) {
		hi = hi * 256 + a->b[i];
		lo = lo * 256 + a->b[8 + i];
	}
	return mix((mix(mix(seed + 0x9e3779b97f4a7c15ull) ^ hi) + a->family) ^ lo);
}

/* Whose turn is next when member i has had turn[i]: the least (2 turn + 1) / weight, then the first. */
static uint32_t next_turn(const struct lb_member *m, uint32_t n, const uint64_t *turn)
{
	uint32_t best = n;

	for (uint32_t i = 0; i < n; i++)
		if (m[i].weight && (best == n || (2 * turn[i] + 1) * m[best].weight <
							 (2 * turn[best] + 1) * m[i].weight))
			best = i;
	return best;
}

void ring_plain(const struct lb_member *m, uint32_t n, uint32_t slots, uint64_t seed,
		uint16_t *slot)
{
	uint64_t *turn = calloc(n, sizeof(*turn)), *place = calloc(n, sizeof(*place));

	cr_assert(turn && place);
	memset(slot, 0xff, slots * sizeof(*slot));
	for (uint32_t filled = 0; filled < slots; filled++) {
		uint32_t i = next_turn(m, n, turn);
		uint64_t h = hash(&m[i].addr, seed), at;
		uint64_t offset = (h >> 32) * slots >> 32;
		uint64_t h2 = mix(h + 0x9e3779b97f4a7c15ull);
		uint64_t skip = ((h2 >> 32) * (slots - 1) >> 32) + 1;

		do
			at = (offset + place[i]++ * skip) % slots;
		while (slot[at] != LB_RING_NONE);
		slot[at] = i;
		turn[i]++;
	}
	free(turn);
	free(place);
}
