/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tell.h - tells those who asked what became of a packet. When nobody did, it costs one look at a line of lb_meta that the
 * path has read anyway.
 */
#ifndef LB_TELL_H
#define LB_TELL_H

#include "bpf/trace.h"

struct lb_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LB_LISTEN_RING);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_LISTENERS);
	__type(key, __u32);
	__array(values, struct lb_ring);
} events SEC(".maps");

LB_ARRAY(listener, BPF_MAP_TYPE_ARRAY, struct lb_listener, BPF_F_MMAPABLE);
LB_ARRAY(lost, BPF_MAP_TYPE_PERCPU_ARRAY, __u64,
	 0); /* events of a listener: too many, or its ring full */

static __always_inline void lb_event_real(struct lb_event_real *to, __u32 id)
{
	const struct lb_real *r = id ? bpf_map_lookup_elem(&real, &id) : 0;

	__builtin_memset(to, 0, sizeof(*to));
	if (!r)
		return;
	__builtin_memcpy(to->addr, r->addr, sizeof(to->addr));
	to->family = r->family;
	to->encap = r->encap;
	to->id = id;
}

/* A port of one real alone is a service of that real's pool. */
static __always_inline void lb_event_own(struct lb_event *ev)
{
	__u32 id = ev->pool;
	const struct lb_real *r = bpf_map_lookup_elem(&real, &id);

	ev->pool = r ? r->pool : 0;
}

/* The pool's name, and the slot that the flow has with whom that names. */
static __always_inline void lb_event_slot(struct lb_event *ev)
{
	__u32 i = (ev->half & 1) * lb_cfg.pools + ev->pool, id = 0, at;
	const struct lb_pool *pl = bpf_map_lookup_elem(&pool, &i);
	const struct lb_slots *line;
	__u64 where;

	if (!pl)
		return;
	__builtin_memcpy(ev->pool_name, pl->name, sizeof(ev->pool_name));
	if (ev->flags & (LB_EV_OWN | LB_EV_TRACKED))
		return;
	where = LB_READ_ONCE(pl->table);
	ev->slots = where;
	ev->slot = lb_scale(ev->hash >> 32, where);
	at = (where >> 32) + ev->slot;
	i = at / LB_SLOTS_PER_LINE;
	line = bpf_map_lookup_elem(&table, &i);
	if (line && ev->slots)
		id = line->slot[at % LB_SLOTS_PER_LINE].real;
	lb_event_real(&ev->table, id);
}

/* What can be looked up again is, and only for those whom somebody waits for. Global: lb_tell() has two places for it. */
int lb_event_fill(struct xdp_md *ctx, struct lb_event *ev, const struct lb_nexthop *nh);

__noinline int lb_event_fill(struct xdp_md *ctx, struct lb_event *ev, const struct lb_nexthop *nh)
{
	if (!ev)
		return 0;
	ev->time = bpf_ktime_get_ns();
	ev->in = ctx->ingress_ifindex;
	ev->slots = 0;
	ev->table.family = 0;
	if (ev->flags & LB_EV_OWN)
		lb_event_own(ev);
	if (ev->flags & LB_EV_SERVICE)
		lb_event_slot(ev);
	lb_event_real(&ev->real, ev->real.id);
	lb_event_real(&ev->prev, ev->prev.id);
	if (nh)
		ev->hop = *nh;
	else
		ev->hop.out = 0;
	return 0;
}

/* Drops are wanted all, and of the rest, of which one in `watch` came here, one in `sample`. */
static __always_inline bool lb_wanted(const struct lb_listener *l, const struct lb_event *ev,
				      __u32 watch)
{
	__u8 family = ev->flags & LB_EV_V6 ? 6 : 4;

	if (!(l->whys >> (ev->why & 63) & 1))
		return false;
	if (l->family && l->family != family)
		return false;
	if ((ev->src[0] & l->src_mask[0]) != l->src[0] ||
	    (ev->src[1] & l->src_mask[1]) != l->src[1])
		return false;
	if (l->flags & LB_LISTEN_DST && (ev->dst[0] != l->dst[0] || ev->dst[1] != l->dst[1]))
		return false;
	if ((l->flags & LB_LISTEN_PORT && ev->dport != l->port) ||
	    (l->flags & LB_LISTEN_PROTO && ev->proto != l->proto))
		return false;
	return ev->why >= LB_WHY_DROP || l->sample <= watch ||
	       lb_scale(bpf_get_prandom_u32(), l->sample) < watch;
}

/* As lb_may() in rate.h. CPUs that come at once may both go through: a few more are told. */
static __always_inline bool lb_may_tell(struct lb_listener *l, __u64 now)
{
	__u64 paid = LB_READ_ONCE(l->paid), cost = l->cost,
	      burst = cost > LB_LISTEN_BURST ? cost : LB_LISTEN_BURST;

	if (now - paid > burst)
		paid = now - burst;
	if (now - paid < cost)
		return false;
	LB_WRITE_ONCE(l->paid, paid + cost);
	return true;
}

static __always_inline void lb_lose(__u32 i)
{
	__u64 *n = bpf_map_lookup_elem(&lost, &i);

	if (n)
		++*n;
}

/* Global: verified once, and out of the way of packets that nobody asks for. */
int lb_tell(struct xdp_md *ctx, struct lb_event *ev, const struct lb_nexthop *nh);

__noinline int lb_tell(struct xdp_md *ctx, struct lb_event *ev, const struct lb_nexthop *nh)
{
	__u32 watch = LB_READ_ONCE(lb_meta.watch);
	bool leased = false, filled = false;
	__u64 now;

	if (!ev)
		return 0;
	if (lb_cfg.trace) {
		lb_event_fill(ctx, ev, nh);
		return 0;
	}
	now = bpf_ktime_get_coarse_ns();
	for (__u32 i = 0; i < LB_LISTENERS; i++) {
		__u32 key = i;
		struct lb_listener *l = bpf_map_lookup_elem(&listener, &key);
		void *ring;

		if (!l || (__s64)(LB_READ_ONCE(l->until) - now) <= 0)
			continue;
		leased = true;
		if (!lb_wanted(l, ev, watch))
			continue;
		ring = bpf_map_lookup_elem(&events, &key);
		if (!ring || !lb_may_tell(l, now)) {
			lb_lose(key);
			continue;
		}
		if (!filled)
			lb_event_fill(ctx, ev, nh);
		filled = true;
		if (bpf_ringbuf_output(ring, ev, sizeof(*ev), 0))
			lb_lose(key);
	}
	if (!leased)
		LB_WRITE_ONCE(lb_meta.watch, 0);
	return 0;
}

static __always_inline bool lb_watched(int why)
{
	__u32 watch = LB_READ_ONCE(lb_meta.watch);

	if (lb_cfg.trace)
		return true;
	if (__builtin_expect(!watch, 1))
		return false;
	return why >= LB_WHY_DROP || !lb_scale(bpf_get_prandom_u32(), watch);
}

/* What only the path knows, and it at its end alone. */
static __always_inline void lb_trace(struct xdp_md *ctx, const struct lb_pkt *p, int why)
{
	struct lb_event *ev;
	__u8 flags;

	if (!lb_watched(why))
		return;
	ev = lb_event();
	if (!ev)
		return;
	flags = p->v6 * LB_EV_V6 | lb_none(p->cache ^ LB_CACHE_HIT) * LB_EV_KEPT |
		p->quoted * LB_EV_QUOTED | !lb_none(p->fragment | p->key) * LB_EV_FRAGMENT;
	if (p->svc) {
		flags |= LB_EV_SERVICE | lb_none(p->svc->port) * LB_EV_ANY |
			 !lb_none(p->svc->flags & LB_SVC_REAL) * LB_EV_OWN;
		if (p->fragment && p->svc->flags & LB_SVC_TRACK && lb_meta.peers[lb_half(p)])
			flags |= LB_EV_TRACKED;
		ev->vip = p->svc->vip;
		ev->pool = p->svc->pool;
		ev->dscp = p->svc->dscp;
	}
	ev->flags = flags;
	ev->why = why;
	ev->hash = p->hash;
	ev->src[0] = p->src[0];
	ev->src[1] = p->src[1];
	ev->dst[0] = p->dst[0];
	ev->dst[1] = p->dst[1];
	ev->sport = p->sport;
	ev->dport = p->dport;
	ev->proto = p->proto & ~p->fragment;
	ev->tcp_flags = p->tcp_flags;
	ev->frame = p->frame;
	ev->len = p->len;
	ev->half = lb_half(p);
	ev->real.id = p->real;
	ev->prev.id = p->prev & LB_MARKED ? 0 : p->prev;
	lb_tell(ctx, ev, p->nh);
}

#endif
