// SPDX-License-Identifier: GPL-2.0
/* The table bit by bit: against a plain implementation, known answers, edges, helpers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/unit/ring_ref.h"

/* FNV-1a over the slots, high byte first. */
static uint64_t digest(const uint16_t *slot, uint32_t slots)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (uint32_t i = 0; i < slots; i++) {
		h = (h ^ slot[i] >> 8) * 0x100000001b3ull;
		h = (h ^ (slot[i] & 255)) * 0x100000001b3ull;
	}
	return h;
}

static void same_as_reference(const struct lb_member *m, uint32_t n, uint32_t slots, uint64_t seed)
{
	uint16_t *got = ring_table(m, n, slots, seed), *want = calloc(slots, sizeof(*want));

	cr_assert(ne(ptr, want, NULL));
	ring_plain(m, n, slots, seed, want);
	cr_assert_eq(lb_ring_moved(got, want, slots), 0, "n %u slots %u weights %u %u ...", n,
		     slots, m[0].weight, n > 1 ? m[1].weight : 0);
	free(got);
	free(want);
}

/* How weights may look: equal, a few kinds, anything, anything with zeros, close to each other and large. */
static uint16_t some_weight(int kind)
{
	switch (kind) {
	case 0:
		return 7;
	case 1:
		return "\1\2\5"[random() % 3];
	case 2:
		return 1 + random() % 65535;
	case 3:
		return random() % 3 ? 0 : 6 + 6 * (random() % 20);
	default:
		return 65535 - random() % 3;
	}
}

Test(ring, same_as_plain_implementation)
{
	static const uint32_t sizes[] = {251, 1021, 4093};

	srandom(7);
	for (int round = 0; round < 300; round++) {
		uint32_t n = 1 + random() % (round % 10 ? 12 : 400);
		struct lb_member *m = ring_members(n, 0);

		for (uint32_t i = 0; i < n; i++) {
			m[i].addr.family = i < n / 2 ? 4 : 6;
			m[i].addr.b[12] = i < n / 2 ? 0 : random();
			m[i].weight = some_weight(round % 5);
		}
		m[random() % n].weight = 1 + random() % 65535;
		same_as_reference(m, n, sizes[round % 3], random());
		free(m);
	}
}

/* Many chunks, and more than one period of the turns. */
Test(ring, same_as_plain_implementation_large)
{
	struct lb_member *m = ring_members(3, 0);

	m[0].weight = 10007;
	m[1].weight = 1;
	m[2].weight = 3;
	same_as_reference(m, 3, 65537, RING_SEED);
	m[1].weight = 65521;
	same_as_reference(m, 3, 131071, RING_SEED);
	m[0].weight = m[1].weight = m[2].weight = 65535;
	same_as_reference(m, 3, 65537, RING_SEED);
	free(m);
}

/* Nodes of different versions share their tables: these values must never change. */
Test(ring, known_answers)
{
	struct lb_member *m = ring_members(100, 1);
	uint16_t *slot = ring_table(m, 100, LB_RING_DEFAULT, RING_SEED);

	cr_expect(eq(u64, digest(slot, LB_RING_DEFAULT), 0x0770c133e400e151ull));
	free(slot);

	for (int i = 0; i < 100; i++)
		m[i].weight = i * i;
	slot = ring_table(m, 100, 655373, 0);
	cr_expect(eq(u64, digest(slot, 655373), 0xaaf42e36ba051210ull));
	free(slot);

	for (int i = 50; i < 100; i++) {
		memcpy(m[i].addr.b, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0", 15);
		m[i].addr.b[15] = i;
		m[i].addr.family = 6;
	}
	slot = ring_table(m, 100, 251, ~0ull);
	cr_expect(eq(u64, digest(slot, 251), 0x9c2b55caa36fa9e3ull));
	free(slot);
	free(m);
}

Test(ring, more_members_than_slots)
{
	struct lb_member *m = ring_members(65535, 9);
	uint32_t *count = calloc(65535, sizeof(*count));
	uint16_t *slot = ring_table(m, 65535, LB_RING_MIN, RING_SEED);

	cr_assert(ne(ptr, count, NULL));
	lb_ring_count(slot, LB_RING_MIN, count, 65535);
	for (uint32_t i = 0; i < 65535; i++)
		cr_assert_eq(count[i], i < LB_RING_MIN, "member %u", i);
	free(slot);

	/* The heaviest come first. */
	for (uint32_t i = 0; i < 65535; i++)
		m[i].weight = i + 1;
	slot = ring_table(m, 65535, LB_RING_MIN, RING_SEED);
	lb_ring_count(slot, LB_RING_MIN, count, 65535);
	for (uint32_t i = 0; i < 65535; i++)
		cr_assert_eq(count[i], i >= 65535 - LB_RING_MIN, "member %u", i);
	free(slot);
	free(count);
	free(m);
}

Test(ring, one_member)
{
	struct lb_member *m = ring_members(2, 0);
	uint32_t count[2];

	for (uint32_t weight = 1; weight <= 65535; weight += 21845 - (weight == 1)) {
		uint16_t *slot;

		m[1].weight = weight;
		slot = ring_table(m, 2, LB_RING_DEFAULT, RING_SEED);
		lb_ring_count(slot, LB_RING_DEFAULT, count, 2);
		cr_expect(eq(u32, count[0], 0));
		cr_expect(eq(u32, count[1], LB_RING_DEFAULT));
		free(slot);
	}
	free(m);
}

Test(ring, nobody)
{
	struct lb_member *m = ring_members(5, 0);
	uint16_t *slot = ring_table(m, 5, LB_RING_MIN, RING_SEED),
		 *none = ring_table(NULL, 0, LB_RING_MIN, RING_SEED);

	for (uint32_t i = 0; i < LB_RING_MIN; i++) {
		cr_assert_eq(slot[i], LB_RING_NONE);
		cr_assert_eq(none[i], LB_RING_NONE);
	}
	free(slot);
	free(none);
	free(m);
}

Test(ring, bad_input)
{
	static const uint32_t bad[] = {0,	  1, 2, 241, 252, 65536, 65539 * 3, LB_RING_MAX + 2,
				       UINT32_MAX};
	struct lb_member *m = ring_members(65536, 1);
	uint16_t slot[LB_RING_MIN] = {12345};
	struct lb_err err;
	char word[16];

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		memset(&err, 0, sizeof(err));
		cr_expect(eq(int, lb_ring_build(m, 3, bad[i], RING_SEED, slot, &err), -1));
		cr_expect(eq(int, err.status, LB_USAGE));
		snprintf(word, sizeof(word), "\"%u\"", bad[i]);
		cr_expect(ne(ptr, strstr(err.msg, word), NULL), "%s in %s", word, err.msg);
	}
	cr_expect(eq(int, lb_ring_build(m, 65536, LB_RING_MIN, RING_SEED, slot, &err), -1));
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(int, slot[0], 12345));
	cr_expect(eq(int, slot[1], 0));
	free(m);
}

extern void __asan_init(void) __attribute__((weak));

Test(ring, memory_short)
{
	struct lb_member *m = ring_members(60000, 1);
	uint16_t slot[LB_RING_MIN] = {12345};
	struct rlimit old, none;
	struct lb_err err;
	int ret;

	if (__asan_init)
		cr_skip_test("the address sanitizer ends the process when memory is short");
	cr_assert_eq(getrlimit(RLIMIT_AS, &old), 0);
	none = old;
	none.rlim_cur = 1;
	cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
	ret = lb_ring_build(m, 60000, LB_RING_MIN, RING_SEED, slot, &err);
	cr_assert_eq(setrlimit(RLIMIT_AS, &old), 0);

	cr_expect(eq(int, ret, -1));
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(ne(ptr, strstr(err.msg, "memory"), NULL));
	cr_expect(eq(int, slot[0], 12345));
	free(m);
}

Test(ring, primes_against_sieve)
{
	char *composite = calloc(LB_RING_MAX + 100, 1);

	cr_assert(ne(ptr, composite, NULL));
	for (uint32_t i = 2; i * i < LB_RING_MAX + 100; i++)
		for (uint32_t j = i * i; !composite[i] && j < LB_RING_MAX + 100; j += i)
			composite[j] = 1;
	for (uint32_t i = 0; i < LB_RING_MAX + 100; i++)
		cr_assert_eq(lb_ring_prime(i),
			     !composite[i] && i >= LB_RING_MIN && i <= LB_RING_MAX, "%u", i);
	free(composite);
}

Test(ring, sizes)
{
	bool standard = false, large = false;
	uint32_t last = 0, n = 0;

	for (const uint32_t *s = lb_ring_sizes; *s; s++, n++) {
		cr_expect(lb_ring_prime(*s), "%u", *s);
		cr_expect(gt(u32, *s, last));
		standard |= *s == LB_RING_DEFAULT;
		large |= *s == 655373;
		last = *s;
	}
	cr_expect(standard);
	cr_expect(large);
	cr_expect(ge(u32, n, 5));
	cr_expect(eq(u32, lb_ring_sizes[0], LB_RING_MIN));
	cr_expect(eq(u32, last, LB_RING_MAX));
}

Test(ring, moved)
{
	uint16_t a[] = {0, 1, 2, LB_RING_NONE}, b[] = {0, 2, 1, LB_RING_NONE};

	cr_expect(eq(u32, lb_ring_moved(a, b, 4), 2));
	cr_expect(eq(u32, lb_ring_moved(a, b, 1), 0));
	cr_expect(eq(u32, lb_ring_moved(a, b, 0), 0));
	b[3] = 0;
	cr_expect(eq(u32, lb_ring_moved(a, b, 4), 3));
}

Test(ring, count)
{
	uint16_t slot[] = {2, 0, 2, LB_RING_NONE, 2, 3};
	uint32_t count[] = {7, 7, 7, 7};

	lb_ring_count(slot, 6, count, 3);
	cr_expect(eq(u32, count[0], 1));
	cr_expect(eq(u32, count[1], 0));
	cr_expect(eq(u32, count[2], 3));
	cr_expect(eq(u32, count[3], 7));
}
