/* SPDX-License-Identifier: GPL-2.0 */
/* session.h - the session cache: a hint which real a flow had. Its entries: lb_abi.h. */
#ifndef LB_SESSION_H
#define LB_SESSION_H

#include "bpf/table.h"

#define LB_TCP_FIN 0x01
#define LB_TCP_SYN 0x02
#define LB_TCP_RST 0x04
#define LB_TCP_ACK 0x10

static __always_inline __u32 lb_tick(void)
{
	return (bpf_jiffies64() >> lb_cfg.tick_shift) & 0x7fff;
}

static __always_inline __u32 lb_age(__u64 entry, __u32 tick)
{
	return (tick - (__u32)(entry >> 1)) & 0x7fff;
}

static __always_inline __u64 lb_entry(const struct lb_pkt *p, __u32 id, __u32 tick, __u32 again)
{
	return p->hash << 32 | (__u64)id << 16 | tick << 1 | again;
}

/*
 * Ways of a line are compared without a branch: no CPU would foresee it (a miss is 5 ns), and the verifier would walk all of
 * what each leads to.
 */

/* The oldest of those that were quiet for long; NULL: none was. */
static __always_inline __u64 *lb_quiet(struct lb_session *s, __u32 tick)
{
	__s64 oldest = 0;

#pragma nounroll
	for (__u32 i = 0; i < LB_SESSION_WAYS; i++)
		oldest = lb_max(oldest, (__u64)lb_age(LB_READ_ONCE(s->way[i]), tick) << 3 | i);
	return oldest >> 3 > lb_cfg.tcp_idle ? &s->way[oldest & (LB_SESSION_WAYS - 1)] : NULL;
}

/*
 * Where a new flow goes, looked for behind that way which its hash says: an empty entry, else one whose flow came only once,
 * rather before this tick than in it. So a flood takes each way of a line in its turn, and who comes again soon finds his own.
 * Else the oldest of those that were quiet for long; with none of these the flow does without: the table serves it.
 */
static __always_inline void lb_insert(struct lb_session *s, __u64 entry, __u32 tick)
{
	__u32 from = entry >> 32;
	__s64 best = 0;
	__u64 *to;

#pragma unroll
	for (__u32 i = 0; i < LB_SESSION_WAYS; i++) {
		__u64 e = LB_READ_ONCE(*(__u32 *)&s->way[i]); /* a real's id is in it: not 0 */
		/* 3 or more: empty; 2: of an earlier tick; 1: of this one. What came again: 0. */
		__u64 rank = 2 - lb_none((e ^ tick << 1) & 0xfffe) + 2 * lb_none(e);

		rank = rank << 3 | ((from - i) & (LB_SESSION_WAYS - 1));
		best = lb_max(best, rank & ((e & 1) - 1));
	}
	to = best ? &s->way[(from - best) & (LB_SESSION_WAYS - 1)] : lb_quiet(s, tick);
	if (to)
		LB_WRITE_ONCE(*to, entry);
}

static __always_inline bool lb_begins(const struct lb_pkt *p)
{
	return (p->tcp_flags & (LB_TCP_SYN | LB_TCP_ACK)) == LB_TCP_SYN;
}

/*
 * Is the entry stale for this packet? A SYN begins a new connection on a flow's tuple. A client's entry is not one
 * connection's: what begins goes where the rest is, unless the client was silent for long.
 */
static __always_inline bool lb_stale(const struct lb_pkt *p, __u64 entry)
{
	__u32 idle = p->proto == IPPROTO_UDP ? lb_cfg.udp_idle : lb_cfg.tcp_idle;

	if (p->flags & LB_SVC_SRC)
		return (lb_begins(p) || p->proto == IPPROTO_UDP) &&
		       lb_age(entry, lb_tick()) > lb_cfg.tcp_idle;
	return lb_begins(p) || lb_age(entry, lb_tick()) > idle;
}

/*
 * May an entry that counts have another real than the table? See map `mixed`. Asked after the table: who has read a new one
 * reads its date, too, which was written before (loads and stores of x86 stay in order).
 */
static __always_inline bool lb_mixed(__u32 pool)
{
	__u64 *at = bpf_map_lookup_elem(&mixed, &pool), then, now;

	if (!at)
		return true;
	then = LB_READ_ONCE(*at);
	now = bpf_jiffies64(); /* after it: another CPU may be a tick ahead */
	if (!then && !lb_cfg.trace)
		LB_WRITE_ONCE(*at, now);
	return !then || (__s64)(now - then) <= (__s64)lb_cfg.mixed_life;
}

/*
 * A flow is kept at real `id`: takes down that the table has another. Once a tick at most, and once a tick and flow it is
 * asked. Global: off the way.
 */
int lb_kept_at(__u32 id, __u32 pool, __u32 half, __u32 hash);

__noinline int lb_kept_at(__u32 id, __u32 pool, __u32 half, __u32 hash)
{
	__u64 *at = bpf_map_lookup_elem(&mixed, &pool), now = bpf_jiffies64();
	const struct lb_pool *pl = lb_pool(pool, half);

	if (at && pl && (lb_slot(pl, hash) & 0xffff) != id &&
	    (now - LB_READ_ONCE(*at)) >> lb_cfg.tick_shift)
		LB_WRITE_ONCE(*at, now);
	return 0;
}

/* The flow's line. NULL: there is no cache. */
static __always_inline struct lb_session *lb_session_at(__u64 hash)
{
	__u32 at = lb_scale(hash >> 32, lb_cfg.sessions);

	return bpf_map_lookup_elem(&session, &at);
}

/* Where the line has an entry with that tag; NULL: nowhere. */
static __always_inline __u64 *lb_session_way(struct lb_session *s, __u32 tag)
{
	__u64 at = 0;

#pragma unroll
	for (__u32 i = 0; i < LB_SESSION_WAYS; i++) {
		__u64 is = -lb_none(LB_READ_ONCE(LB_AT(__u32, (void *)&s->way[i] + 4)) ^ tag);

		at = (at & ~is) | ((i + 1) & is);
	}
	return at ? &s->way[(at - 1) & (LB_SESSION_WAYS - 1)] : NULL;
}

/* What the session cache knows of a flow. */
struct lb_kept {
	struct lb_session *session; /* where its entry may be; NULL: there is nothing to write */
	__u64 *way; /* where it is, or NULL */
};

/* The real of the flow's entry, with its id; NULL: it has none that counts. */
static __always_inline const struct lb_real *lb_session_find(const struct lb_pkt *p,
							     struct lb_kept *k, __u32 *id)
{
	__u32 tag = p->hash;
	const struct lb_real *r;
	__u64 e;

	k->session = lb_session_at(p->hash);
	if (!k->session)
		return NULL;
	k->way = lb_session_way(k->session, tag);
	if (!k->way)
		return NULL;
	e = LB_READ_ONCE(*k->way);
	if (!e || (__u32)(e >> 32) != tag) { /* empty, or another flow's by now */
		k->way = NULL;
		return NULL;
	}
	*id = LB_SESSION_REAL(e);
	r = lb_holds(LB_SESSION_REAL(e), p->svc->pool, lb_half(p));
	if (!r)
		return NULL;
	/* Written in this tick, as nearly always: neither stale nor to be written anew. */
	if ((__u16)e == (lb_tick() << 1 | 1) && !lb_begins(p)) {
		k->session = NULL;
		return r;
	}
	return lb_stale(p, e) ? NULL : r;
}

/* What was found is to be found again. k->session is not NULL. */
static __always_inline void lb_session_put(const struct lb_pkt *p, const struct lb_kept *k)
{
	__u32 tick = lb_tick();
	__u64 entry = lb_entry(p, p->real, tick, !!k->way);

	if (k->way) {
		if (LB_READ_ONCE(*k->way) != entry && !p->quoted) {
			LB_WRITE_ONCE(*k->way, entry);
			if (p->cache == LB_CACHE_HIT)
				lb_kept_at(p->real, p->svc->pool, lb_half(p), p->hash >> 32);
		}
	} else if (!(p->tcp_flags & (LB_TCP_SYN | LB_TCP_FIN | LB_TCP_RST)) && !p->prev) {
		/* With a previous real nobody knows yet whose flow it is: the table says both until it has settled. */
		lb_insert(k->session, entry, tick);
	}
}

#endif
