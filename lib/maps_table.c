/* SPDX-License-Identifier: GPL-2.0 */
/* Tables: which slots they take, when they need not be made anew, and the change of one without a commit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/maps_commit.h"
#include "lib/ring.h"

static int by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static uint32_t line_up(uint32_t slots)
{
	return (slots + LB_SLOTS_PER_LINE - 1) & ~(LB_SLOTS_PER_LINE - 1);
}

/* The first gap of `need` slots between the ranges; false: none. Ranges that a killed writer left may overlap. */
static bool find_gap(const struct commit *c, const struct ranges *r, uint32_t need, uint32_t *base)
{
	uint32_t at = 0;
	size_t i;

	for (i = 0; i < r->n && (r->r[i].first < at || r->r[i].first - at < need); i++)
		if (r->r[i].end > at)
			at = r->r[i].end;
	*base = at;
	return i < r->n || c->maps->meta->slots - at >= need;
}

static void add_range(struct ranges *r, uint32_t first, uint32_t end)
{
	size_t i = r->n++;

	for (; i && r->r[i - 1].first > first; i--)
		r->r[i] = r->r[i - 1];
	r->r[i] = (struct range){first, end};
}

/* Where the pool's table was before the live one: what stands there differs least from what is to come. */
static bool former_room(const struct commit *c, const struct lb_m_pool *pool, uint32_t *base)
{
	uint64_t table = c->maps->pool[c->next * c->maps->meta->pools + pool->id].table;
	uint32_t need = line_up(pool->slots);
	size_t i;

	*base = table >> 32;
	if ((uint32_t)table != pool->slots || *base % LB_SLOTS_PER_LINE ||
	    (uint64_t)*base + need > c->maps->meta->slots)
		return false;
	for (i = 0; i < c->used.n; i++)
		if (c->used.r[i].first < *base + need && *base < c->used.r[i].end)
			return false;
	return true;
}

/* The pool's former room, else room that no pool had, else any. It is taken from then on: `had` has all that `used` has. */
static int take_slots(struct commit *c, const struct lb_m_pool *pool, uint32_t *base)
{
	uint32_t need = line_up(pool->slots);

	if (!former_room(c, pool, base) && !find_gap(c, &c->had, need, base) &&
	    !find_gap(c, &c->used, need, base))
		return lb_fail(c->err,
			       "no room for the table of pool \"%s\" (%u slots): change fewer "
			       "pools at once, or load the instance with a larger \"tables\"",
			       pool->name, pool->slots);
	add_range(&c->had, *base, *base + need);
	add_range(&c->used, *base, *base + need);
	return 0;
}

/* 64-bit FNV-1a. */
static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	while (n--)
		h = (h ^ *b++) * 0x100000001b3ull;
	return h;
}

/* What a table is made of, and whom it may name: never 0. */
static uint64_t members_of(const struct lb_model *m, const struct lb_m_pool *pool)
{
	uint64_t h = mix(0xcbf29ce484222325ull, &pool->slots, sizeof(pool->slots));
	const struct lb_m_real *r;
	size_t n, i;

	r = lb_model_pool_reals(m, pool->name, &n);
	for (i = 0; i < n; i++) {
		bool serves = lb_real_serves(&r[i]);
		uint16_t weight = serves ? r[i].weight : 0;

		/* Who serves no more may still be named as the previous one. */
		if (!serves && !lb_real_may_be_prev(m, &r[i]))
			continue;
		h = mix(h, &r[i].id, sizeof(r[i].id));
		h = mix(h, &weight, sizeof(weight));
		h = mix(h, r[i].addr.b, sizeof(r[i].addr.b));
	}
	return h ? h : 1;
}

static void append_range(struct ranges *r, uint32_t base, uint32_t slots)
{
	r->r[r->n++] = (struct range){base, base + line_up(slots)};
}

int lb_table_ranges(struct commit *c, size_t more)
{
	const struct lb_meta *meta = c->maps->meta;
	uint32_t base, n;
	size_t i;

	c->used.r = calloc(c->from->pools + more + 1, sizeof(*c->used.r));
	c->had.r = calloc(c->from->pools + meta->pools + more + 1, sizeof(*c->had.r));
	if (!c->used.r || !c->had.r)
		return -1;
	for (i = 0; i < c->from->pools; i++) {
		n = lb_maps_table(c->maps, c->from->pool[i].id, &base);
		if (!n)
			continue;
		append_range(&c->used, base, n);
		append_range(&c->had, base, n);
	}
	for (i = 0; i < meta->pools; i++) {
		const struct lb_pool *p = &c->maps->pool[c->next * meta->pools + i];

		base = p->table >> 32;
		n = (uint32_t)p->table;
		/* Of an entry without a name, too: a pool that is not yet in that half has its former room there. */
		if (n && (uint64_t)base + n <= meta->slots)
			append_range(&c->had, base, n);
	}
	qsort(c->used.r, c->used.n, sizeof(*c->used.r), by_first);
	qsort(c->had.r, c->had.n, sizeof(*c->had.r), by_first);
	return 0;
}

void lb_table_ranges_free(struct commit *c)
{
	free(c->used.r);
	free(c->had.r);
}

/* What a new table follows upon. */
struct before {
	const struct lb_slot *slot; /* of the live table when it is as long, else NULL */
	struct lb_stretch table;
	bool settled; /* its slots' `prev` counts no more */
	uint8_t *family; /* by id: of those that may be named as the previous one, else 0 */
};

/* Who may have connections of slot i, which `id` gets now: see struct lb_slot. */
static uint16_t prev_of(const struct before *b, uint32_t i, uint16_t id)
{
	uint8_t family = b->family[id];
	struct lb_slot was;

	if (!b->slot || !family)
		return id;
	was = b->slot[i];
	if (!b->settled && was.prev != id && b->family[was.prev] == family)
		return was.prev;
	return b->family[was.real] == family ? was.real : id;
}

static int look_back(const struct commit *c, const struct lb_m_pool *pool, struct before *b)
{
	const struct lb_m_pool *was = lb_model_pool(c->from, pool->name);
	const struct lb_m_real *r;
	uint32_t base;
	size_t n, i;

	*b = (struct before){.family = calloc(LB_REALS_MAX, 1)};
	if (!b->family)
		return lb_no_memory(c);
	if (!was || !pool->drain || lb_maps_table(c->maps, was->id, &base) != pool->slots)
		return 0;
	if (lb_slots_map(c->maps, base, pool->slots, &b->table, c->err))
		return -1;
	b->slot = b->table.at;
	b->settled = (int32_t)(c->maps->pool[c->live * c->maps->meta->pools + was->id].settled -
			       c->now) <= 0;
	r = lb_model_pool_reals(c->to, pool->name, &n);
	for (i = 0; i < n; i++)
		if (lb_real_may_be_prev(c->to, &r[i]))
			b->family[r[i].id] = r[i].addr.family;
	return 0;
}

/* Writes those slots that differ. Returns whether one has another real than before. */
static bool fill_slots(struct lb_slot *slot, const struct lb_m_pool *pool,
		       const struct lb_m_real *r, const uint16_t *index, const struct before *b)
{
	bool changed = false;
	uint32_t i;

	for (i = 0; i < pool->slots; i++) {
		uint16_t id = r[index[i]].id;
		struct lb_slot next = {.real = id, .prev = prev_of(b, i, id)};

		if (slot[i].real != next.real || slot[i].prev != next.prev)
			slot[i] = next;
		changed |= b->slot && b->slot[i].real != id;
	}
	return changed;
}

/* For each slot an index into the pool's reals. *any false: none of them serves, index[] is left alone. */
static int place(const struct lb_model *m, const struct lb_m_pool *pool, uint16_t *index, bool *any,
		 struct lb_err *err)
{
	const struct lb_m_real *r;
	struct lb_member *member;
	size_t n, i;
	int ret = 0;

	*any = false;
	r = lb_model_pool_reals(m, pool->name, &n);
	member = calloc(n + 1, sizeof(*member));
	if (!member)
		return lb_fail(err, "%s", strerror(ENOMEM));
	for (i = 0; i < n; i++) {
		member[i].addr = r[i].addr;
		member[i].weight = lb_real_serves(&r[i]) ? r[i].weight : 0;
		*any |= member[i].weight > 0;
	}
	if (*any)
		ret = lb_ring_build(member, n, pool->slots, m->seed, index, err);
	free(member);
	return ret;
}

static int build_table(struct commit *c, const struct lb_m_pool *pool, struct table *table)
{
	uint16_t *index = malloc(pool->slots * sizeof(*index));
	struct before before = {0};
	struct lb_stretch slots = {0};
	uint32_t base = 0;
	size_t n;
	bool any;
	int ret;

	if (!index)
		return lb_no_memory(c);
	table->at = 0;
	ret = place(c->to, pool, index, &any, c->err);
	if (ret || !any)
		goto out;
	ret = look_back(c, pool, &before);
	if (!ret)
		ret = take_slots(c, pool, &base);
	if (!ret)
		ret = lb_slots_map(c->maps, base, pool->slots, &slots, c->err);
	if (ret)
		goto out;
	if (fill_slots(slots.at, pool, lb_model_pool_reals(c->to, pool->name, &n), index, &before))
		table->settled = c->now + pool->drain;
	table->at = (uint64_t)base << 32 | pool->slots;
out:
	lb_stretch_unmap(&slots);
	lb_stretch_unmap(&before.table);
	free(before.family);
	free(index);
	return ret;
}

int lb_table_make(struct commit *c, const struct lb_m_pool *pool, struct table *table)
{
	const struct lb_m_pool *was = lb_model_pool(c->from, pool->name);
	const struct lb_maps *m = c->maps;
	uint32_t base, n;

	table->built = members_of(c->to, pool);
	table->settled = 0;
	if (was && pool->drain)
		table->settled = m->pool[c->live * m->meta->pools + was->id].settled;
	if (was && m->pool[c->live * m->meta->pools + was->id].built == table->built) {
		n = lb_maps_table(m, was->id, &base);
		table->at = n ? (uint64_t)base << 32 | n : 0;
		return 0;
	}
	return build_table(c, pool, table) ? -1 : 1;
}

int lb_maps_rebuild(struct lb_maps *maps, const struct lb_model *m, const char *pool,
		    struct lb_err *err)
{
	const struct lb_m_pool *p = lb_model_pool(m, pool);
	struct lb_model to = *m; /* only looked at */
	struct commit c = {
		.maps = maps,
		.from = m,
		.to = &to,
		.live = maps->meta->root & 1,
		.next = !(maps->meta->root & 1),
		.now = lb_seconds(),
		.err = err,
	};
	struct lb_pool *live, *other;
	struct table table;
	int ret;

	if (!p)
		return lb_fail(err, "pool \"%s\" does not exist", pool);
	live = &maps->pool[c.live * maps->meta->pools + p->id];
	if (live->built == members_of(m, p))
		return 0;
	ret = lb_table_ranges(&c, 1) ? lb_no_memory(&c) : 0;
	if (!ret) {
		/* Before the grace period: no packet that reads the new table has read an older date. */
		__atomic_store_n(&maps->mixed[p->id], 0, __ATOMIC_RELEASE);
		lb_wait_for_packets();
		ret = lb_table_make(&c, p, &table);
	}
	lb_table_ranges_free(&c);
	if (ret < 0)
		return -1;
	/* Where the next table of this pool goes: see former_room(). */
	other = &maps->pool[c.next * maps->meta->pools + p->id];
	__atomic_store_n(&other->table, live->table, __ATOMIC_RELAXED);
	/* Killed in between, the table counts as not known, and the next writer makes it anew. */
	__atomic_store_n(&live->built, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&live->settled, table.settled, __ATOMIC_RELEASE);
	__atomic_store_n(&live->table, table.at, __ATOMIC_RELEASE);
	__atomic_store_n(&maps->mixed[p->id], 0, __ATOMIC_RELEASE);
	__atomic_store_n(&live->built, table.built, __ATOMIC_RELEASE);
	return 1;
}

int lb_maps_remake(struct lb_maps *maps, const struct lb_model *m, const char *pool,
		   struct lb_err *err)
{
	const struct lb_m_pool *p = lb_model_pool(m, pool);

	if (p)
		__atomic_store_n(
			&maps->pool[(maps->meta->root & 1) * maps->meta->pools + p->id].built, 0,
			__ATOMIC_RELEASE);
	return lb_maps_rebuild(maps, m, pool, err) < 0 ? -1 : 0;
}

int lb_maps_stray(struct lb_maps *m, const struct lb_model *model, const char *pool,
		  uint32_t *stray, struct lb_err *err)
{
	const struct lb_m_pool *p = lb_model_pool(model, pool);
	uint16_t *index = p ? malloc(p->slots * sizeof(*index)) : NULL;
	const struct lb_m_real *r;
	uint32_t base, slots, i;
	struct lb_stretch table;
	const struct lb_slot *slot;
	bool any;
	size_t n;
	int ret;

	if (!index)
		return p ? lb_fail(err, "%s", strerror(ENOMEM))
			 : lb_fail(err, "pool \"%s\" does not exist", pool);
	slots = lb_maps_table(m, p->id, &base);
	ret = lb_slots_map(m, base, slots, &table, err) || place(model, p, index, &any, err) ? -1
											     : 0;
	slot = table.at;
	r = lb_model_pool_reals(model, pool, &n);
	*stray = 0;
	if (!ret && slots != (any ? p->slots : 0))
		*stray = slots > p->slots ? slots : p->slots;
	else if (!ret)
		for (i = 0; i < slots; i++)
			*stray += slot[i].real != r[index[i]].id;
	lb_stretch_unmap(&table);
	free(index);
	return ret;
}
