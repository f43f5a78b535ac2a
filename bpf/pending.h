/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pending.h - flows that are yet to be written to the session cache.
 *
 * Where no entry of a pool may differ from its table (map `mixed`), a packet has nothing to ask of the cache: its flow's entry
 * need only be there when the table changes. With many flows its line comes from memory, and a CPU that waits for one line
 * does nothing else meanwhile. So what is to be written waits until there are LB_PENDING of it, whose lines come in the time of
 * one: a new flow costs 80 ns in place of 200 where memory is 120 ns away. Of 32 at a time each costs no less.
 *
 * The first of a jiffy does not wait, nor do those that waited before it: where few packets come, each is written at once.
 * What waits is written before this CPU asks the cache again. If the flow comes by another CPU after a change, or by another
 * program, it has no entry: the table serves it.
 */
#ifndef LB_PENDING_H
#define LB_PENDING_H

#include "bpf/recent.h"

#define LB_PENDING 16

struct lb_pending_flow {
	__u64 hash;
	__u32 entry; /* the low half of lb_entry(); for `again`: it ends, and gets no entry if it has none */
	__u32 vip;
};

struct lb_pending {
	__u64 since; /* jiffies when the last ones were written */
	__u64 n;
	struct lb_pending_flow flow[LB_PENDING];
};

LB_ARRAY(pending, BPF_MAP_TYPE_PERCPU_ARRAY, struct lb_pending, 0); /* each program has its own */

static __always_inline struct lb_session *lb_session_at(__u64 hash)
{
	__u32 at = lb_scale(hash >> 32, lb_cfg.sessions);

	return bpf_map_lookup_elem(&session, &at);
}

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

/* Its packet counts as one for which nobody asked until it is known; what is below 0 until then is right in the sum. */
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

/* As lb_session_put() would have written it when its packet came. Was it there? */
static __always_inline bool lb_write_flow(const struct lb_pending_flow *f)
{
	__u64 entry = f->hash << 32 | (f->entry & ~1u), e;
	struct lb_session *s = lb_session_at(f->hash);
	__u32 tick = f->entry >> 1 & 0x7fff;
	__u64 *way;

	if (!s)
		return false;
	way = lb_session_way(s, f->hash);
	if (!way) {
		if (!(f->entry & 1))
			lb_insert(s, entry, tick);
		return false;
	}
	e = LB_READ_ONCE(*way);
	if (e != (entry | 1))
		LB_WRITE_ONCE(*way, entry | 1);
	else
		lb_take_note(f->hash, f->entry >> 16, tick);
	return (e ^ entry) >> 16 == 0;
}

/* Global: off the way. */
int lb_write_pending(void);

__noinline int lb_write_pending(void)
{
	__u32 zero = 0;
	struct lb_pending *all = bpf_map_lookup_elem(&pending, &zero);
	__u64 n;

	if (!all)
		return 0;
	n = all->n;
	if (n == LB_PENDING)
		lb_come_near(all);
#pragma nounroll
	for (__u32 i = 0; i < LB_PENDING && i < n; i++)
		lb_count_known(all->flow[i].vip, lb_write_flow(&all->flow[i]));
	all->n = 0;
	return 0;
}

/* The flow has the table's real, and was not looked for. */
static __always_inline void lb_put_off(const struct lb_pkt *p)
{
	__u32 zero = 0, ends = p->tcp_flags & (LB_TCP_FIN | LB_TCP_RST);
	struct lb_pending *all = bpf_map_lookup_elem(&pending, &zero);
	__u64 now = bpf_jiffies64();
	struct lb_pending_flow *f;

	if (!all)
		return;
	f = &all->flow[all->n & (LB_PENDING - 1)];
	f->hash = p->hash;
	f->entry = lb_entry(p, p->real, lb_tick(), ends ? 1 : 0);
	f->vip = p->svc->vip;
	if (++all->n >= LB_PENDING || all->since != now) {
		all->since = now;
		lb_write_pending();
	}
}

/* Before the cache is asked. */
static __always_inline void lb_settle_pending(void)
{
	__u32 zero = 0;
	const struct lb_pending *all = bpf_map_lookup_elem(&pending, &zero);

	if (all && all->n)
		lb_write_pending();
}

#endif
