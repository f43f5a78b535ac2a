/* SPDX-License-Identifier: GPL-2.0 */
/* table.h - whom the pool's table has for a flow, and whom it had before. */
#ifndef LB_TABLE_H
#define LB_TABLE_H

#include "bpf/maps.h"

/* The real, if a flow that had it may keep it: still in the pool, up or draining, and not sick. */
static __always_inline const struct lb_real *lb_holds(__u32 id, __u32 pool, __u32 half)
{
	const struct lb_real *r = bpf_map_lookup_elem(&real, &id);
	__u8 state;

	if (!r || r->pool != pool || r->sick)
		return NULL;
	state = r->half[half & 1].state;
	if (state != LB_STATE_UP && state != LB_STATE_DRAIN)
		return NULL;
	return r;
}

/*
 * The slot's real changed not long ago: the one before, if a packet may still be sent on to it; else 0. Global, so that
 * settled slots, nearly all, do not pay for it.
 */
__u32 lb_prev(__u32 prev, __u32 pool, __u32 half, __u32 settled);

__noinline __u32 lb_prev(__u32 prev, __u32 pool, __u32 half, __u32 settled)
{
	__u32 now = bpf_ktime_get_coarse_ns() / 1000000000;

	return (__s32)(settled - now) > 0 && lb_holds(prev, pool, half) ? prev : 0;
}

static __always_inline const struct lb_pool *lb_pool(__u32 id, __u32 half)
{
	__u32 i = half * lb_cfg.pools + id;

	return bpf_map_lookup_elem(&pool, &i);
}

/* The flow's slot, in one load: real | prev << 16; 0: the pool has no table. */
static __always_inline __u32 lb_slot(const struct lb_pool *pl, __u32 hash)
{
	__u64 where = LB_READ_ONCE(pl->table);
	const struct lb_slots *line;
	__u32 slot, i;

	if (!(__u32)where)
		return 0;
	slot = (where >> 32) + lb_scale(hash, where);
	i = slot / LB_SLOTS_PER_LINE;
	line = bpf_map_lookup_elem(&table, &i);
	return line ? LB_AT(__u32, &line->slot[slot % LB_SLOTS_PER_LINE]) : 0;
}

/* Only a receiver that can look for the connection has a choice: fragments but the first show no ports. */
static __always_inline __u32 lb_table(struct lb_pkt *p)
{
	const struct lb_pool *pl = lb_pool(p->svc->pool, lb_half(p));
	__u32 slot;

	if (!pl)
		return 0;
	slot = lb_slot(pl, p->hash >> 32);
	if (slot >> 16 != (slot & 0xffff) && p->proto == IPPROTO_TCP)
		p->prev = lb_prev(slot >> 16, p->svc->pool, lb_half(p), pl->settled);
	return slot & 0xffff;
}

/*
 * Whom else to name beside the real that the session cache has, which may be an older connection's of the same ports,
 * when this one began by way of another node: the real before, while the slot has not settled, else the table's.
 * Whoever is named must take it from that real's receiver. Global: only pools with GUE pay for it.
 */
__u32 lb_other(__u32 had, __u32 pool, __u32 half, __u32 hash);

__noinline __u32 lb_other(__u32 had, __u32 pool, __u32 half, __u32 hash)
{
	const struct lb_pool *pl = lb_pool(pool, half);
	__u32 slot = pl ? lb_slot(pl, hash) : 0, prev = slot >> 16, other = slot & 0xffff;
	const struct lb_real *r, *o;

	if (!pl || (prev == other && other == had) || !pl->drain)
		return 0;
	if (prev != other && prev != had && lb_prev(prev, pool, half, pl->settled))
		other = prev;
	r = bpf_map_lookup_elem(&real, &had);
	o = lb_holds(other, pool, half);
	/* clang would ask for its state in place of it, which the verifier does not follow. */
	barrier_var(o);
	if (!r || !o || other == had || o->encap != LB_ENCAP_GUE || o->family != r->family)
		return 0;
	return other;
}

#endif
