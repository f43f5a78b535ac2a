/* SPDX-License-Identifier: GPL-2.0 */
/* test_rate.c - two readings make rates: of the same counters, of new ones, of those that began anew. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "lbtool/reading.h"

static struct lb_err err;

static void ok(int bad)
{
	cr_assert(eq(int, bad, 0), "%s", err.msg);
}

static struct lb_m_vip vip(const char *name, uint32_t id)
{
	struct lb_m_vip v = {.pool = "web", .id = id};

	ok(parse_service(name, &v.svc, &err));
	return v;
}

static struct lb_m_real real(const char *addr, const char *pool, uint32_t id)
{
	struct lb_m_real r = {.id = id};

	ok(parse_addr(addr, &r.addr, &err));
	strcpy(r.pool, pool);
	return r;
}

Test(rate, differences_a_second)
{
	struct lb_counts was = {100, 5000, 60, 40}, is = {300, 25000, 250, 50};
	struct rate r = rate_of(&was, &is, 2);

	cr_assert(all(eq(dbl, r.packets, 100), eq(dbl, r.bytes, 10000), eq(dbl, r.hits, 95),
		      eq(dbl, r.misses, 5)));
}

Test(rate, what_was_not_there_counts_from_zero)
{
	struct lb_counts is = {300, 25000, 0, 0};
	struct rate r = rate_of(NULL, &is, 0.5);

	cr_assert(all(eq(dbl, r.packets, 600), eq(dbl, r.bytes, 50000)));
}

Test(rate, a_counter_that_went_back_began_anew)
{
	struct lb_counts was = {1000, 100, 900, 100}, is = {10, 200, 4, 6};
	struct rate r = rate_of(&was, &is, 1);

	cr_assert(all(eq(dbl, r.packets, 10), eq(dbl, r.bytes, 200), eq(dbl, r.hits, 4),
		      eq(dbl, r.misses, 6)));
}

Test(rate, no_time_no_rate)
{
	struct lb_counts is = {300, 25000, 0, 0};

	cr_assert(eq(dbl, rate_of(NULL, &is, 0).packets, 0));
}

Test(rate, seconds_between_readings)
{
	struct reading a = {.at = 1500000000}, b = {.at = 4000000000};

	cr_assert(eq(dbl, reading_seconds(&a, &b), 2.5));
}

Test(rate, the_same_object_has_the_same_key_and_id)
{
	struct lb_m_vip v1 = vip("192.0.2.1:80/tcp", 3), v2 = vip("192.0.2.1:81/tcp", 4), v;
	struct lb_m_real r1 = real("10.0.0.1", "a", 1), r2 = real("10.0.0.1", "b", 2), r;
	struct lb_counts vips[2] = {0}, reals[2] = {0};
	struct reading before = {.vip = vips, .real = reals};

	lb_model_init(&before.model);
	ok(lb_model_put_vip(&before.model, &v1, &err) ||
	   lb_model_put_vip(&before.model, &v2, &err));
	ok(lb_model_put_real(&before.model, &r1, &err) ||
	   lb_model_put_real(&before.model, &r2, &err));

	cr_assert(eq(ptr, (void *)reading_vip(&before, &v2), &vips[1]));
	cr_assert(eq(ptr, (void *)reading_real(&before, &r2), &reals[1]));
	v = vip("192.0.2.1:80/tcp", 4);
	cr_assert(eq(ptr, (void *)reading_vip(&before, &v), NULL), "another id");
	v = vip("192.0.2.1:82/tcp", 4);
	cr_assert(eq(ptr, (void *)reading_vip(&before, &v), NULL), "another key");
	r = real("10.0.0.1", "a", 2);
	cr_assert(eq(ptr, (void *)reading_real(&before, &r), NULL), "another id");
	r = real("10.0.0.1", "c", 2);
	cr_assert(eq(ptr, (void *)reading_real(&before, &r), NULL), "another key");
	lb_model_free(&before.model);
}
