// SPDX-License-Identifier: GPL-2.0
#include "lib/ring.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mix.h"

/*
 * The k-th turn of a member of weight w is at the time (2k - 1) / 2w. Every pattern of turns repeats
 * after one unit of time, and after 1/g when g divides all weights. A moment of that period is
 * written as a number of KEY_BITS bits: two different moments lie at least 1/(2 * 65535^2) apart,
 * which is more than a unit, so rounding down neither joins nor swaps any. Order is exact.
 */
#define KEY_BITS 33
#define INDEX_BITS 16
#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)
#define PASSES 3
_Static_assert(KEY_BITS <= PASSES * DIGIT_BITS, "the sort covers the key");

/* Turns are made and sorted in chunks of about this many (or twice the members): stays in cache. */
#define CHUNK 8192u

/* One member on its way through its permutation. */
struct walk {
	uint32_t pos;
	uint32_t skip;
};

struct ring {
	uint32_t slots, n;
	uint32_t left; /* slots still free */
	uint16_t *slot;
	uint64_t *taken; /* bitmap */
	struct walk *walk;

	const struct lb_member *member;
	uint32_t gcd; /* of all weights */
	int key_shift; /* a chunk spans 2^key_shift of the keys */
	uint32_t *turns; /* a member's turns made so far in this period */
	uint64_t *event, *spare; /* key << INDEX_BITS | member */
};

const uint32_t lb_ring_sizes[] = {
	251, 1021, 4093, 16381, 65537, 131071, 262139, 655373, 1048573, 4194301, 0,
};

/* Independent of the machine's byte order, as all nodes must agree. */
static uint64_t word(const uint8_t *b)
{
	uint64_t w = 0;

	for (int i = 0; i < 8; i++)
		w = w << 8 | b[i];
	return w;
}

static uint32_t scale(uint64_t hash, uint32_t n)
{
	return (hash >> 32) * n >> 32;
}

static struct walk walk_start(const struct lb_addr *addr, uint64_t seed, uint32_t slots)
{
	uint64_t h = lb_mix64(seed + 0x9e3779b97f4a7c15ull);

	h = lb_mix64(h ^ word(addr->b)) + addr->family;
	h = lb_mix64(h ^ word(addr->b + 8));
	return (struct walk){
		.pos = scale(h, slots),
		.skip = 1 + scale(lb_mix64(h + 0x9e3779b97f4a7c15ull), slots - 1),
	};
}

static uint32_t step(uint32_t pos, uint32_t skip, uint32_t slots)
{
	pos += skip;
	return pos < slots ? pos : pos - slots;
}

static void take_turn(struct ring *r, uint16_t m)
{
	struct walk *w = &r->walk[m];
	uint32_t pos = w->pos, skip = w->skip, slots = r->slots;

	while (r->taken[pos / 64] >> pos % 64 & 1)
		pos = step(pos, skip, slots);
	r->taken[pos / 64] |= 1ull << pos % 64;
	r->slot[pos] = m;
	w->pos = step(pos, skip, slots);
}

static void sort_events(struct ring *r, size_t n)
{
	uint32_t start[PASSES][DIGITS] = {0};

	for (size_t i = 0; i < n; i++)
		for (int p = 0; p < PASSES; p++)
			start[p][r->event[i] >> (INDEX_BITS + p * DIGIT_BITS) & (DIGITS - 1)]++;

	for (int p = 0; p < PASSES; p++) {
		uint32_t sum = 0;
		uint64_t *to = r->spare;

		for (uint32_t d = 0; d < DIGITS; d++) {
			uint32_t count = start[p][d];

			start[p][d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++) {
			uint64_t e = r->event[i];

			to[start[p][e >> (INDEX_BITS + p * DIGIT_BITS) & (DIGITS - 1)]++] = e;
		}
		r->spare = r->event;
		r->event = to;
	}
}

/* All turns of the chunk-th part of the period, in their order. Returns their number. */
static size_t make_chunk(struct ring *r, uint64_t chunk)
{
	uint64_t end = (chunk + 1) << r->key_shift;
	size_t n = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t w = r->member[i].weight / r->gcd, k = r->turns[i];

		for (; k < w; k++) {
			uint64_t key = ((2ull * k + 1) << (KEY_BITS - 1)) / w;

			if (key >= end)
				break;
			r->event[n++] = key << INDEX_BITS | i;
		}
		r->turns[i] = k;
	}
	sort_events(r, n);
	return n;
}

static void fill(struct ring *r)
{
	uint64_t chunks = 1ull << (KEY_BITS - r->key_shift);
	size_t n = 0;

	for (uint64_t chunk = 0; r->left; chunk = (chunk + 1) % chunks) {
		if (chunk == 0 && chunks > 1)
			memset(r->turns, 0, r->n * sizeof(*r->turns));
		if (!n || chunks > 1)
			n = make_chunk(r, chunk);
		for (size_t i = 0; i < n && r->left; i++, r->left--)
			take_turn(r, r->event[i]);
	}
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Sizes the chunks and allocates; `sum` is that of the weights. */
static int setup(struct ring *r, uint64_t sum)
{
	uint64_t most = 2ull * r->n > CHUNK ? 2ull * r->n : CHUNK, room;
	uint64_t period = sum / r->gcd;

	r->key_shift = KEY_BITS;
	while (period >> (KEY_BITS - r->key_shift) > most)
		r->key_shift--;
	/* A member has at most one turn more in a chunk than its share of it. */
	room = most + 1 + r->n;

	r->taken = calloc((r->slots + 63) / 64, sizeof(*r->taken));
	r->walk = calloc(r->n, sizeof(*r->walk));
	r->turns = calloc(r->n, sizeof(*r->turns));
	r->event = calloc(room, sizeof(*r->event));
	r->spare = calloc(room, sizeof(*r->spare));
	return r->taken && r->walk && r->turns && r->event && r->spare ? 0 : -1;
}

int lb_ring_build(const struct lb_member *member, uint32_t n, uint32_t slots, uint64_t seed,
		  uint16_t *slot, struct lb_err *err)
{
	struct ring r = {.slots = slots, .left = slots, .n = n, .slot = slot, .member = member};
	uint64_t sum = 0;
	int ret = -1;

	if (!lb_ring_prime(slots))
		return lb_usage(err, "\"%u\": must be a prime of %u-%u", slots, LB_RING_MIN,
				LB_RING_MAX);
	if (n > LB_RING_NONE)
		return lb_fail(err, "\"%u\" members: a table takes at most %u", n, LB_RING_NONE);
	for (uint32_t i = 0; i < n; i++) {
		sum += member[i].weight;
		r.gcd = gcd(r.gcd, member[i].weight);
	}
	if (!sum) {
		memset(slot, 0xff, slots * sizeof(*slot));
		return 0;
	}
	if (setup(&r, sum)) {
		lb_fail(err, "no memory for a table of %u slots", slots);
		goto out;
	}
	for (uint32_t i = 0; i < n; i++)
		r.walk[i] = walk_start(&member[i].addr, seed, slots);
	fill(&r);
	ret = 0;
out:
	free(r.taken);
	free(r.walk);
	free(r.turns);
	free(r.event);
	free(r.spare);
	return ret;
}

bool lb_ring_prime(uint32_t n)
{
	if (n < LB_RING_MIN || n > LB_RING_MAX || n % 2 == 0)
		return false;
	for (uint32_t d = 3; d * d <= n; d += 2)
		if (n % d == 0)
			return false;
	return true;
}

uint32_t lb_ring_moved(const uint16_t *a, const uint16_t *b, uint32_t slots)
{
	uint32_t moved = 0;

	for (uint32_t i = 0; i < slots; i++)
		moved += a[i] != b[i];
	return moved;
}

void lb_ring_count(const uint16_t *slot, uint32_t slots, uint32_t *count, uint32_t n)
{
	memset(count, 0, n * sizeof(*count));
	for (uint32_t i = 0; i < slots; i++)
		if (slot[i] < n)
			count[slot[i]]++;
}
