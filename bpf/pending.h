/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pending.h - flows that are yet to be written to the session cache.
 *
 * Where no entry of a pool may differ from its table (map `mixed`), a packet has nothing to ask of the cache: its flow's entry
 * need only be there when the table changes. With many flows its line comes from memory, and a CPU that waits for one line
 * does nothing else meanwhile. So what is to be written waits until there are LB_PENDING of it, whose lines come in the time of
 * one: a new flow costs 80 ns in place of 200 where memory is 120 ns away. Of 32 at a time each costs no less.
 *
 * It waits until the next packet of a later jiffy comes to this CPU for a service with a session cache, unless that begins a
 * connection; and it is written before this CPU asks the cache of anything. So where few packets come, each is written at
 * once. A CPU to which none come any more keeps what it has until it is too late (lb_too_late()). A flow that comes by another
 * CPU meanwhile, or whose ICMP errors do, is not known there; and with a program goes what waits for it.
 */
#ifndef LB_PENDING_H
#define LB_PENDING_H

#include "bpf/recent.h"

#define LB_PENDING 16

struct lb_pending_flow {
	__u64 hash;
	__u32 entry; /* lower half of lb_entry(). Bit 0 is not `again`: the packet makes no entry where there is none */
	__u32 vip; /* | LB_PENDING_UDP */
};
#define LB_PENDING_UDP 0x80000000u

struct lb_pending {
	__u64 since; /* jiffies when those came that wait */
	__u32 n;
	__u32 forgets; /* of struct lb_meta, when they came */
	struct lb_pending_flow flow[LB_PENDING];
};

LB_ARRAY(pending, BPF_MAP_TYPE_PERCPU_ARRAY, struct lb_pending, 0); /* each program has its own */

/* Their lines, all asked for before the first is waited for. */
static __always_inline void lb_come_near(const struct lb_pending *all)
{
#pragma nounroll
	for (__u32 i = 0; i < LB_PENDING; i++) {
		const struct lb_session *s = lb_session_at(all->flow[i].hash);

		if (s)
			LB_READ_ONCE(s->way[0]);
	}
}

/*
 * Its packet counts as one for which nobody asked until it is known; what is below 0 until then is right in the sum. Where the VIP is
 * gone meanwhile, and its id is another one's, so many hits and misses are.
 */
static __always_inline void lb_count_known(__u32 vip, bool hit)
{
	struct lb_count_vip *c = bpf_map_lookup_elem(&count_vip, &vip);

	if (!c)
		return;
	c->packets[LB_CACHE_UNASKED]--;
	if (hit)
		c->packets[LB_CACHE_HIT]++;
	else
		c->packets[LB_CACHE_MISS]++;
}

/*
 * Writes what lb_session_put() would, unless somebody did meanwhile. Did the cache know the flow? Global, or the verifier walks
 * all its ways for each that waits: loading the program took twice as long.
 */
int lb_write_flow(const struct lb_pending_flow *f);

__noinline int lb_write_flow(const struct lb_pending_flow *f)
{
	__u32 idle, now;
	__u64 entry, e = 0, *way;
	struct lb_session *s;
	__s32 silent; /* ticks before its packet came */

	if (!f)
		return false;
	idle = f->vip & LB_PENDING_UDP ? lb_cfg.udp_idle : lb_cfg.tcp_idle;
	entry = f->hash << 32 | f->entry | 1;
	s = lb_session_at(f->hash);
	if (!s)
		return false;
	way = lb_session_way(s, f->hash);
	if (way)
		e = LB_READ_ONCE(*way);
	now = lb_tick(); /* after it: another CPU may be a tick ahead */
	if (!way || !e || (e ^ entry) >> 32) {
		if (!(f->entry & 1))
			lb_insert(s, entry ^ 1, now);
		return false;
	}
	silent = lb_age(e, now) - lb_age(entry, now);
	if (e == entry)
		lb_take_note(f->hash, f->entry >> 16, f->entry >> 1 & 0x7fff);
	else if (silent > 0 || (silent == 0 && (e ^ entry) >> 16 == 0))
		LB_WRITE_ONCE(*way, entry);
	return (e ^ entry) >> 16 == 0 && silent <= (__s32)idle;
}

/* None is written whose real's id may mean another one by now, or that would not count: their flows have no entry then. */
static __always_inline bool lb_too_late(const struct lb_pending *all)
{
	return all->forgets != LB_READ_ONCE(lb_meta.forgets) ||
	       bpf_jiffies64() - all->since > lb_cfg.mixed_life;
}

/* Global: off the way. */
int lb_write_pending(void);

__noinline int lb_write_pending(void)
{
	__u32 zero = 0, n;
	struct lb_pending *all = bpf_map_lookup_elem(&pending, &zero);

	if (!all)
		return 0;
	n = lb_too_late(all) ? 0 : all->n;
	if (n >= LB_PENDING)
		lb_come_near(all);
#pragma nounroll
	for (__u32 i = 0; i < LB_PENDING && i < n; i++) {
		const struct lb_pending_flow *f = &all->flow[i];

		lb_count_known(f->vip & ~LB_PENDING_UDP, lb_write_flow(f));
	}
	all->n = 0;
	return 0;
}

/* What waits is written; all_of_it: also what came in this jiffy. */
static __always_inline void lb_settle_pending(bool all_of_it)
{
	__u32 zero = 0;
	const struct lb_pending *all = bpf_map_lookup_elem(&pending, &zero);

	if (all && all->n && (all_of_it || all->since != bpf_jiffies64()))
		lb_write_pending();
}

/* The flow has the table's real, and was not looked for. It is no SYN that begins a connection. */
static __always_inline void lb_put_off(const struct lb_pkt *p)
{
	__u32 zero = 0, ends = p->tcp_flags & (LB_TCP_SYN | LB_TCP_FIN | LB_TCP_RST);
	struct lb_pending *all = bpf_map_lookup_elem(&pending, &zero);
	__u64 now = bpf_jiffies64();
	struct lb_pending_flow *f;

	if (!all)
		return;
	if (all->n && (all->since != now || all->forgets != LB_READ_ONCE(lb_meta.forgets)))
		lb_write_pending();
	f = &all->flow[all->n & (LB_PENDING - 1)];
	f->hash = p->hash;
	f->entry = lb_entry(p, p->real, lb_tick(), ends ? 1 : 0);
	f->vip = p->svc->vip | (p->proto == IPPROTO_UDP ? LB_PENDING_UDP : 0);
	if (!all->n)
		all->forgets = LB_READ_ONCE(lb_meta.forgets);
	if (++all->n >= LB_PENDING || all->since != now) {
		all->since = now;
		lb_write_pending();
	}
}

#endif
