// SPDX-License-Identifier: GPL-2.0
/* What users care for: fair shares, and how little a change moves. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ring_ref.h"

Test(ring, equal_weights_differ_by_one_slot)
{
	static const uint32_t ns[] = {1, 2, 3, 10, 99, 100, 1000, 5000};

	for (unsigned int t = 0; t < sizeof(ns) / sizeof(*ns); t++) {
		uint32_t n = ns[t], count[5000], lo = UINT32_MAX, hi = 0;
		struct lb_member *m = ring_members(n, 100);
		uint16_t *slot = ring_table(m, n, LB_RING_DEFAULT, RING_SEED);

		lb_ring_count(slot, LB_RING_DEFAULT, count, n);
		for (uint32_t i = 0; i < n; i++) {
			lo = count[i] < lo ? count[i] : lo;
			hi = count[i] > hi ? count[i] : hi;
		}
		cr_expect(le(u32, hi - lo, 1), "n %u: %u to %u", n, lo, hi);
		free(slot);
		free(m);
	}
}

Test(ring, shares_follow_weights)
{
	uint32_t count[1000], sum = 0;
	struct lb_member *m = ring_members(1000, 0);
	uint16_t *slot;

	srandom(3);
	for (int i = 0; i < 1000; i++)
		sum += m[i].weight = "\1\2\5\0"[random() % 4] * 10 + i % 3;
	slot = ring_table(m, 1000, LB_RING_DEFAULT, RING_SEED);
	lb_ring_count(slot, LB_RING_DEFAULT, count, 1000);
	for (int i = 0; i < 1000; i++) {
		double exact = (double)LB_RING_DEFAULT * m[i].weight / sum;

		cr_expect(lt(dbl, count[i], exact + 1), "%d of weight %u", i, m[i].weight);
		cr_expect(gt(dbl, count[i], exact - 1), "%d of weight %u", i, m[i].weight);
	}
	free(slot);
	free(m);
}

Test(ring, heaviest_beside_lightest)
{
	uint32_t count[1000];
	struct lb_member *m = ring_members(1000, 1);
	uint16_t *slot;

	m[500].weight = 65535;
	slot = ring_table(m, 1000, LB_RING_DEFAULT, RING_SEED);
	lb_ring_count(slot, LB_RING_DEFAULT, count, 1000);
	for (int i = 0; i < 1000; i++)
		cr_expect(eq(u32, count[i], i == 500 ? LB_RING_DEFAULT - 999 : 1));
	free(slot);
	free(m);
}

Test(ring, weight_zero_is_absence)
{
	struct lb_member *m = ring_members(60, 0), *some = ring_members(60, 0);
	uint16_t *all, *less;
	uint32_t n = 0, index[60];

	for (int i = 0; i < 60; i++) {
		m[i].weight = i % 3 * 4;
		index[n] = i;
		if (m[i].weight)
			some[n++] = m[i];
	}
	all = ring_table(m, 60, 4093, RING_SEED);
	less = ring_table(some, n, 4093, RING_SEED);
	for (int i = 0; i < 4093; i++)
		cr_assert_eq(all[i], index[less[i]], "slot %d", i);
	free(all);
	free(less);
	free(m);
	free(some);
}

Test(ring, only_proportions_count)
{
	struct lb_member *m = ring_members(200, 0);
	uint16_t *a, *b;

	for (int i = 0; i < 200; i++)
		m[i].weight = i;
	a = ring_table(m, 200, LB_RING_DEFAULT, RING_SEED);
	for (int i = 0; i < 200; i++)
		m[i].weight = i * 329;
	b = ring_table(m, 200, LB_RING_DEFAULT, RING_SEED);
	cr_expect(eq(u32, lb_ring_moved(a, b, LB_RING_DEFAULT), 0));
	free(a);
	free(b);
	free(m);
}

/* The table of m[] beside one of another seed, family or address: nothing alike but by chance. */
static uint32_t alike(const struct lb_member *m, const struct lb_member *m2, uint64_t seed2)
{
	uint16_t *a = ring_table(m, 100, LB_RING_DEFAULT, RING_SEED);
	uint16_t *b = ring_table(m2, 100, LB_RING_DEFAULT, seed2);
	uint32_t same = LB_RING_DEFAULT - lb_ring_moved(a, b, LB_RING_DEFAULT);

	free(a);
	free(b);
	return same;
}

Test(ring, seed_address_and_family_count)
{
	struct lb_member *m = ring_members(100, 1), *other = ring_members(100, 1);

	cr_expect(eq(u32, alike(m, other, RING_SEED), LB_RING_DEFAULT));
	cr_expect(lt(u32, alike(m, other, RING_SEED + 1), 1000));
	for (int i = 0; i < 100; i++)
		other[i].addr.family = 6;
	cr_expect(lt(u32, alike(m, other, RING_SEED), 1000));
	for (int i = 0; i < 100; i++)
		other[i].addr.b[15] = 1;
	for (int i = 0; i < 100; i++)
		m[i].addr.family = 6;
	cr_expect(lt(u32, alike(m, other, RING_SEED), 1000));
	free(m);
	free(other);
}

/* Slots that changed hands between a and b though the member they had stays, in percent. */
static double beyond_own(const uint16_t *a, const uint16_t *b, const struct lb_member *now)
{
	uint32_t moved = 0;

	for (uint32_t i = 0; i < LB_RING_DEFAULT; i++) {
		cr_assert(now[b[i]].weight != 0, "slot %u belongs to one who left", i);
		moved += a[i] != b[i] && now[a[i]].weight;
	}
	return 100.0 * moved / LB_RING_DEFAULT;
}

/* Mean of beyond_own() when `leaving` of m[100] leave, over seeds; once they are back all is as before. */
static double disruption(const struct lb_member *m, uint32_t leaving)
{
	struct lb_member now[100];
	double sum = 0;

	for (uint32_t seed = 0; seed < 10; seed++) {
		uint16_t *a = ring_table(m, 100, LB_RING_DEFAULT, seed), *b, *back;

		memcpy(now, m, sizeof(now));
		for (uint32_t i = 0; i < leaving; i++)
			now[(seed * 7 + i * 9) % 100].weight = 0;
		b = ring_table(now, 100, LB_RING_DEFAULT, seed);
		sum += beyond_own(a, b, now);
		back = ring_table(m, 100, LB_RING_DEFAULT, seed);
		cr_assert_eq(lb_ring_moved(a, back, LB_RING_DEFAULT), 0);
		free(a);
		free(b);
		free(back);
	}
	return sum / 10;
}

Test(ring, little_moves)
{
	struct lb_member *m = ring_members(100, 3);

	cr_expect(lt(dbl, disruption(m, 1), 0.65));
	cr_expect(lt(dbl, disruption(m, 10), 1.15));
	m[0].weight = 150; /* seed 0 takes away the heaviest of all */
	cr_expect(lt(dbl, disruption(m, 1), 0.75));
	free(m);
}

Test(ring, a_weight_moves_little)
{
	struct lb_member *m = ring_members(1000, 10);
	uint16_t *a = ring_table(m, 1000, LB_RING_DEFAULT, RING_SEED), *b;

	m[321].weight = 11;
	b = ring_table(m, 1000, LB_RING_DEFAULT, RING_SEED);
	cr_expect(gt(u32, lb_ring_moved(a, b, LB_RING_DEFAULT), 0));
	cr_expect(lt(u32, lb_ring_moved(a, b, LB_RING_DEFAULT), 200));
	free(a);
	free(b);
	free(m);
}
