/* SPDX-License-Identifier: GPL-2.0 */
/* table.h - whom the pool's table has for a flow, and whom it had before. */
#ifndef LB_TABLE_H
#define LB_TABLE_H

#include "bpf/maps.h"

/* The real, if a flow that had it may keep it: still in the pool, up or draining, and not sick. */
static __always_inline const struct lb_real *lb_holds(__u32 id, __u32 pool, __u32 half)
{
	const struct lb_real *r = bpf_map_lookup_elem(&real, &id);
	const struct lb_real_health *h = bpf_map_lookup_elem(&health, &id);
	__u8 state;

	if (!r || !h || r->pool != pool)
		return NULL;
	state = r->half[half & 1].state;
	if ((state != LB_STATE_UP && state != LB_STATE_DRAIN) || h->state == LB_HEALTH_DOWN)
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

/* The flow's slot, and the pool; all zero and NULL when there is none. */
static __always_inline const struct lb_pool *lb_slot(__u32 id, __u32 half, __u32 hash,
						     struct lb_slot *s)
{
	__u32 i = half * lb_cfg.pools + id, slot;
	const struct lb_pool *pl = bpf_map_lookup_elem(&pool, &i);
	const struct lb_slots *line;
	__u64 where;

	*s = (struct lb_slot){};
	if (!pl)
		return NULL;
	where = LB_READ_ONCE(pl->table);
	if (!(__u32)where)
		return NULL;
	slot = (where >> 32) + lb_scale(hash, where);
	i = slot / LB_SLOTS_PER_LINE;
	line = bpf_map_lookup_elem(&table, &i);
	if (!line)
		return NULL;
	*s = line->slot[slot % LB_SLOTS_PER_LINE];
	return pl;
}

/* Only a receiver that can look for the connection has a choice: fragments but the first show no ports. */
static __always_inline __u32 lb_table(struct lb_pkt *p)
{
	struct lb_slot s;
	const struct lb_pool *pl = lb_slot(p->svc->pool, p->half, p->hash >> 32, &s);

	if (pl && s.prev != s.real && p->proto == IPPROTO_TCP)
		p->prev = lb_prev(s.prev, p->svc->pool, p->half, pl->settled);
	return s.real;
}

/*
 * Whom else to name beside the real that the session cache has, which may be an older connection's of the same ports,
 * when this one began by way of another node: the real before, while the slot has not settled, else the table's.
 * Whoever is named must take it from that real's receiver. Global: only pools with GUE pay for it.
 */
__u32 lb_other(__u32 had, __u32 pool, __u32 half, __u32 hash);

__noinline __u32 lb_other(__u32 had, __u32 pool, __u32 half, __u32 hash)
{
	struct lb_slot s;
	const struct lb_pool *pl = lb_slot(pool, half, hash, &s);
	const struct lb_real *r, *o;
	__u32 other = s.real;

	if (!pl || (s.prev == s.real && s.real == had) || !pl->drain)
		return 0;
	if (s.prev != s.real && s.prev != had && lb_prev(s.prev, pool, half, pl->settled))
		other = s.prev;
	r = bpf_map_lookup_elem(&real, &had);
	o = lb_holds(other, pool, half);
	if (!r || !o || other == had || o->encap != LB_ENCAP_GUE || o->family != r->family)
		return 0;
	return other;
}

#endif
