/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A commit: the next configuration is written where no packet looks, then one store makes it the live one.
 * The order of the steps is the proof (see the top of bpf/lb_abi.h): grace period, ids, reals, tables, the other half of pools
 * and services, root.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/maps_commit.h"
#include "lib/ring.h"

/*
 * Returns when every packet that began before has ended: a program runs inside an RCU read section, and
 * this command waits for a grace period. It is refused on kernels with nohz_full CPUs: there a long sleep has to do.
 */
static void wait_for_packets(void)
{
	const struct timespec long_for_a_packet = {.tv_nsec = 200000000};

	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&long_for_a_packet, NULL);
}

/* The other half of all reals: what `to` has, and nothing in the rest. */
static int write_reals(struct commit *c)
{
	static const uint8_t state[] = {[LB_M_UP] = LB_STATE_UP,
					[LB_M_DRAIN] = LB_STATE_DRAIN,
					[LB_M_DOWN] = LB_STATE_DOWN};
	struct lb_real_half *half = calloc(c->maps->meta->reals, sizeof(*half));
	size_t i;

	if (!half)
		return lb_no_memory(c);
	for (i = 0; i < c->to->reals; i++) {
		const struct lb_m_real *r = &c->to->real[i];

		half[r->id].weight = r->weight;
		half[r->id].state = state[r->state];
	}
	for (i = 0; i < c->maps->meta->reals; i++)
		if (memcmp(&c->maps->real[i].half[c->next], &half[i], sizeof(*half)))
			c->maps->real[i].half[c->next] = half[i];
	free(half);
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static uint32_t line_up(uint32_t slots)
{
	return (slots + LB_SLOTS_PER_LINE - 1) & ~(LB_SLOTS_PER_LINE - 1);
}

/* The first gap between the ranges in use, which stay sorted. */
static int take_slots(struct commit *c, const struct lb_m_pool *pool, uint32_t *base)
{
	uint32_t need = line_up(pool->slots), at = 0;
	size_t i;

	for (i = 0; i < c->useds && c->used[i].first - at < need; i++)
		at = c->used[i].end;
	if (i == c->useds && c->maps->meta->slots - at < need)
		return lb_fail(c->err,
			       "no room for the table of pool \"%s\" (%u slots): change fewer "
			       "pools at once, or load the instance with a larger \"tables\"",
			       pool->name, pool->slots);
	memmove(&c->used[i + 1], &c->used[i], (c->useds - i) * sizeof(*c->used));
	c->used[i] = (struct range){at, at + need};
	c->useds++;
	*base = at;
	return 0;
}

static bool serves_same(const struct lb_m_real *a, const struct lb_m_real *b)
{
	return a->id == b->id && lb_real_serves(a) == lb_real_serves(b) &&
	       (!lb_real_serves(a) || a->weight == b->weight);
}

/* Would the pool's table come out as it is? */
static bool table_stays(struct commit *c, const struct lb_m_pool *pool)
{
	const struct lb_m_pool *was = lb_model_pool(c->from, pool->name);
	const struct lb_m_real *a, *b;
	size_t na, nb, i;

	if (!was || was->slots != pool->slots)
		return false;
	a = lb_model_pool_reals(c->from, pool->name, &na);
	b = lb_model_pool_reals(c->to, pool->name, &nb);
	for (i = 0; na == nb && i < na; i++)
		if (lb_addr_cmp(&a[i].addr, &b[i].addr) || !serves_same(&a[i], &b[i]))
			return false;
	return na == nb;
}

static int build_table(struct commit *c, const struct lb_m_pool *pool, uint64_t *table)
{
	uint16_t *index = malloc(pool->slots * sizeof(*index));
	struct lb_member *member = NULL;
	const struct lb_m_real *r;
	uint32_t base = 0, i;
	bool any = false;
	size_t n;
	int ret = -1;

	r = lb_model_pool_reals(c->to, pool->name, &n);
	member = calloc(n + 1, sizeof(*member));
	if (!index || !member) {
		lb_no_memory(c);
		goto out;
	}
	for (i = 0; i < n; i++) {
		member[i].addr = r[i].addr;
		member[i].weight = lb_real_serves(&r[i]) ? r[i].weight : 0;
		any |= member[i].weight > 0;
	}
	*table = 0;
	ret = 0;
	if (!any)
		goto out;
	ret = lb_ring_build(member, n, pool->slots, c->to->seed, index, c->err);
	if (!ret)
		ret = take_slots(c, pool, &base);
	if (ret)
		goto out;
	for (i = 0; i < pool->slots; i++) {
		uint16_t id = r[index[i]].id;

		c->maps->slot[base + i] = (struct lb_slot){.real = id, .prev = id};
	}
	*table = (uint64_t)base << 32 | pool->slots;
out:
	free(member);
	free(index);
	return ret;
}

static int write_tables(struct commit *c)
{
	uint32_t base, n;
	size_t i;

	c->table = calloc(c->to->pools + 1, sizeof(*c->table));
	c->used = calloc(c->from->pools + c->to->pools + 1, sizeof(*c->used));
	if (!c->table || !c->used)
		return lb_no_memory(c);
	for (i = 0; i < c->from->pools; i++) {
		n = lb_maps_table(c->maps, c->from->pool[i].id, &base);
		if (n)
			c->used[c->useds++] = (struct range){base, base + line_up(n)};
	}
	qsort(c->used, c->useds, sizeof(*c->used), by_first);
	for (i = 0; i < c->to->pools; i++) {
		const struct lb_m_pool *p = &c->to->pool[i];

		if (table_stays(c, p)) {
			n = lb_maps_table(c->maps, p->id, &base);
			c->table[i] = n ? (uint64_t)base << 32 | n : 0;
		} else if (build_table(c, p, &c->table[i])) {
			return -1;
		}
	}
	return 0;
}

static int write_pools(struct commit *c)
{
	uint32_t n = c->maps->meta->pools;
	struct lb_pool *half = calloc(n, sizeof(*half));
	size_t i;

	if (!half)
		return lb_no_memory(c);
	for (i = 0; i < c->to->pools; i++) {
		const struct lb_m_pool *p = &c->to->pool[i];

		half[p->id].table = c->table[i];
		half[p->id].slots = p->slots;
		half[p->id].encap = LB_ENCAP_IPIP;
		strcpy(half[p->id].name, p->name);
	}
	memcpy(&c->maps->pool[c->next * n], half, n * sizeof(*half));
	free(half);
	return 0;
}

static int write_services(struct commit *c)
{
	uint32_t n = c->maps->meta->buckets, i;
	struct lb_bucket4 *to4 = &c->maps->service4[c->next * n];
	struct lb_bucket6 *to6 = &c->maps->service6[c->next * n];
	struct lb_placed placed;

	if (lb_place(&placed, c->to, n, c->err))
		return -1;
	/* Lines that are right already are left alone: most are, and clean ones stay shared by the caches. */
	for (i = 0; i < n; i++) {
		if (memcmp(&to4[i], &placed.b4[i], sizeof(*to4)))
			to4[i] = placed.b4[i];
		if (memcmp(&to6[i], &placed.b6[i], sizeof(*to6)))
			to6[i] = placed.b6[i];
	}
	c->maps->meta->mul4[c->next] = placed.mul4;
	c->maps->meta->mul6[c->next] = placed.mul6;
	lb_placed_free(&placed);
	return 0;
}

int lb_maps_commit(struct lb_maps *maps, const struct lb_model *from, struct lb_model *to,
		   struct lb_err *err)
{
	uint32_t root = maps->meta->root;
	struct commit c = {
		.maps = maps,
		.from = from,
		.to = to,
		.live = root & 1,
		.next = (root + 1) & 1,
		.err = err,
	};
	int ret = -1;

	wait_for_packets();
	if (lb_commit_ids(&c) || write_reals(&c) || write_tables(&c) || write_pools(&c) ||
	    write_services(&c))
		goto out;
	__atomic_store_n(&maps->meta->root, root + 1, __ATOMIC_RELEASE);
	ret = 0;
out:
	free(c.table);
	free(c.used);
	return ret;
}
