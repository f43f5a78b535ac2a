// SPDX-License-Identifier: GPL-2.0
/* plan.c - two tables laid over each other. */
#include "lib/plan.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ring.h"

/* A pool before or after, and its table. */
struct side {
	const struct lb_model *m;
	const struct lb_m_pool *pool;
	const struct lb_m_real *real;
	size_t n;
	uint16_t *slot; /* indexes of real[] or LB_RING_NONE */
	uint32_t slots; /* of it: 1 when nobody serves */
};

/* What becomes of the flows of a real that were there before. */
struct fate {
	uint16_t now; /* index of the same real afterwards, LB_RING_NONE: it is gone */
	bool keeps; /* flows that the session cache knows stay */
	bool prev; /* packets may name it as the previous one */
};

/* Shares, as products of both tables' slots. */
struct sums {
	uint64_t moved, least;
	uint64_t covered[2][2]; /* of moved: by the session cache, by the second hop */
};

static uint16_t weight_of(const struct lb_m_real *r)
{
	return lb_real_serves(r) ? r->weight : 0;
}

static void side_open(struct side *s, const struct lb_model *m, const char *pool)
{
	*s = (struct side){.m = m, .pool = lb_model_pool(m, pool)};
	s->real = lb_model_pool_reals(m, pool, &s->n);
}

/* The next real that serves from i on, or n. */
static size_t next_member(const struct side *s, size_t i)
{
	while (i < s->n && !weight_of(&s->real[i]))
		i++;
	return i;
}

static bool same_members(const struct side *a, const struct side *b)
{
	size_t i = next_member(a, 0), k = next_member(b, 0);

	while (i < a->n && k < b->n) {
		if (lb_addr_cmp(&a->real[i].addr, &b->real[k].addr) != 0 ||
		    a->real[i].weight != b->real[k].weight)
			return false;
		i = next_member(a, i + 1);
		k = next_member(b, k + 1);
	}
	return i == a->n && k == b->n && a->pool->slots == b->pool->slots;
}

static int side_build(struct side *s, struct lb_err *err)
{
	struct lb_member *member = calloc(s->n + 1, sizeof(*member));
	int ret = -1;
	size_t i;

	s->slots = next_member(s, 0) < s->n ? s->pool->slots : 1;
	s->slot = malloc(s->slots * sizeof(*s->slot));
	if (!member || !s->slot) {
		lb_fail(err, "a table of %u slots: %s", s->slots, strerror(ENOMEM));
		goto out;
	}
	for (i = 0; i < s->n; i++)
		member[i] = (struct lb_member){s->real[i].addr, weight_of(&s->real[i])};
	s->slot[0] = LB_RING_NONE;
	ret = s->slots == 1 ? 0 : lb_ring_build(member, s->n, s->slots, s->m->seed, s->slot, err);
out:
	free(member);
	return ret;
}

static bool holds(const struct lb_m_real *r)
{
	return r->state != LB_M_DOWN && r->health != LB_M_SICK;
}

static void find_fates(const struct side *was, const struct side *is, struct fate *fate)
{
	bool one_pool = !strcmp(was->pool->name, is->pool->name);

	for (size_t i = 0; i < was->n; i++) {
		const struct lb_m_real *old = &was->real[i];
		const struct lb_m_real *r = lb_model_real(is->m, is->pool->name, &old->addr);

		fate[i] = (struct fate){.now = r ? (uint16_t)(r - is->real) : LB_RING_NONE};
		if (!r || !one_pool || !holds(r) || !lb_real_keeps(was->m, old, is->m, r))
			continue;
		fate[i].keeps = true;
		fate[i].prev = is->pool->drain && was->slots == is->slots &&
			       lb_real_may_be_prev(is->m, r);
	}
}

/* One share that `old` had and `now` gets. */
static void add_share(const struct side *was, const struct side *is, const struct fate *fate,
		      uint16_t old, uint16_t now, uint64_t share, struct sums *sum)
{
	bool hop;

	if (old == LB_RING_NONE || (now != LB_RING_NONE && fate[old].now == now))
		return;
	hop = fate[old].prev && now != LB_RING_NONE && lb_real_may_be_prev(is->m, &is->real[now]) &&
	      was->real[old].addr.family == is->real[now].addr.family;
	sum->moved += share;
	sum->covered[fate[old].keeps][hop] += share;
}

static void compare(const struct side *was, const struct side *is, const struct fate *fate,
		    struct sums *sum)
{
	uint64_t at = 0, end = (uint64_t)was->slots * is->slots, next;
	uint32_t i = 0, k = 0;

	while (at < end) {
		uint64_t old_end = (uint64_t)(i + 1) * is->slots;
		uint64_t new_end = (uint64_t)(k + 1) * was->slots;

		next = old_end < new_end ? old_end : new_end;
		add_share(was, is, fate, was->slot[i], is->slot[k], next - at, sum);
		i += next == old_end;
		k += next == new_end;
		at = next;
	}
}

/* What each real loses: its share before, less its share afterwards. */
static int sum_losses(const struct side *was, const struct side *is, const struct fate *fate,
		      struct sums *sum, struct lb_err *err)
{
	uint32_t *old = calloc(was->n + 1, sizeof(*old)), *now = calloc(is->n + 1, sizeof(*now));
	size_t i;

	if (!old || !now) {
		free(old);
		free(now);
		return lb_fail(err, "counting slots: %s", strerror(ENOMEM));
	}
	lb_ring_count(was->slot, was->slots, old, (uint32_t)was->n);
	lb_ring_count(is->slot, is->slots, now, (uint32_t)is->n);
	for (i = 0; i < was->n; i++) {
		uint64_t had = (uint64_t)old[i] * is->slots, has = 0;

		if (fate[i].now != LB_RING_NONE)
			has = (uint64_t)now[fate[i].now] * was->slots;
		sum->least += had > has ? had - has : 0;
	}
	free(old);
	free(now);
	return 0;
}

/* Of what moves, so much that some VIP of the pool does without either cover. */
static uint64_t lost(const struct side *is, bool one_pool, bool sessions, const struct sums *sum)
{
	bool open[2][2] = {{false}}; /* with [kept][hop] there is a VIP that loses it */
	uint64_t n = 0;
	int k, h;

	if (!one_pool)
		return sum->moved;
	for (size_t i = 0; i < is->m->vips; i++) {
		const struct lb_m_vip *v = &is->m->vip[i];

		if (strcmp(v->pool, is->pool->name) != 0)
			continue;
		for (k = 0; k < 2; k++)
			for (h = 0; h < 2; h++)
				open[k][h] |= !(k && sessions && v->session) &&
					      !(h && v->svc.proto == IPPROTO_TCP);
	}
	for (k = 0; k < 2; k++)
		for (h = 0; h < 2; h++)
			n += open[k][h] ? sum->covered[k][h] : 0;
	return n;
}

/* From products of both tables' slots to slots of the pool's table. */
static uint32_t slots_of(const struct side *was, const struct side *is, uint64_t share)
{
	share *= is->pool->slots / is->slots;
	return (uint32_t)((share + was->slots / 2) / was->slots);
}

static void fill(const struct side *was, const struct side *is, bool sessions,
		 const struct sums *sum, struct lb_plan *plan)
{
	bool one_pool = !strcmp(was->pool->name, is->pool->name);
	const uint64_t(*c)[2] = sum->covered;

	*plan = (struct lb_plan){
		.slots = is->pool->slots,
		.moved = slots_of(was, is, sum->moved),
		.least = slots_of(was, is, sum->least),
		.session = sessions ? slots_of(was, is, c[1][0] + c[1][1]) : 0,
		.second_hop = slots_of(was, is, c[0][1] + c[1][1]),
		.lost = slots_of(was, is, lost(is, one_pool, sessions, sum)),
	};
}

int lb_plan(const struct lb_model *from, const char *was_pool, const struct lb_model *to,
	    const char *is_pool, bool sessions, struct lb_plan *plan, struct lb_err *err)
{
	struct sums sum = {0};
	struct fate *fate = NULL;
	struct side was, is;
	int ret = -1;

	side_open(&was, from, was_pool);
	side_open(&is, to, is_pool);
	if (same_members(&was, &is))
		return 0;
	if (side_build(&was, err) || side_build(&is, err))
		goto out;
	fate = calloc(was.n + 1, sizeof(*fate));
	if (!fate) {
		lb_fail(err, "comparing tables: %s", strerror(ENOMEM));
		goto out;
	}
	find_fates(&was, &is, fate);
	compare(&was, &is, fate, &sum);
	if (sum_losses(&was, &is, fate, &sum, err))
		goto out;
	fill(&was, &is, sessions, &sum, plan);
	ret = 1;
out:
	free(fate);
	free(was.slot);
	free(is.slot);
	return ret;
}
