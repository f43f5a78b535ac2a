/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pick.h - which real gets the flow: the session cache where it knows better, else the table.
 */
#ifndef LB_PICK_H
#define LB_PICK_H

#include "bpf/maps.h"

#define LB_TCP_FIN 0x01
#define LB_TCP_SYN 0x02
#define LB_TCP_RST 0x04
#define LB_TCP_ACK 0x10

/* Two 32-bit halves, each with its own key, multiplied: NH of UMAC (RFC 4418, section 5.2). */
static __always_inline __u64 lb_nh(__u64 word, __u64 key)
{
	return (__u64)((__u32)word + (__u32)key) * ((__u32)(word >> 32) + (__u32)(key >> 32));
}

/*
 * Hash of the 5-tuple. The addresses are hashed as words with keys made from the seed, so that nobody
 * who does not know the seed can choose colliding ones: IPv4's source by a multiplication with an odd
 * key, which maps no two to one, IPv6's by NH. Then the ports are mixed in. The high half picks slot and
 * bucket, the low half is the session's tag.
 */
static __always_inline __u64 lb_flow_hash(const struct lb_pkt *p)
{
	__u64 ports = (__u64)p->proto << 32 | (__u32)p->sport << 16 | p->dport, h;

	if (p->v6) {
		h = lb_nh(p->src[0], lb_cfg.key[0]) + lb_nh(p->src[1], lb_cfg.key[1]) +
		    lb_nh(p->dst[0], lb_cfg.key[2]) + lb_nh(p->dst[1], lb_cfg.key[3]);
	} else {
		h = (p->src[0] << 32 | p->dst[0]) * lb_cfg.key[0] + lb_cfg.key[2];
	}
	h ^= h >> 32;
	h = (h + ports) * lb_cfg.key[1];
	h ^= h >> 29;
	h *= lb_cfg.key[3];
	return h ^ h >> 32;
}

/*
 * The client's address alone, so that all it asks of a pool goes to one real. The tag in the low half is the
 * pool's own: with the session cache a client has one entry a pool.
 */
static __always_inline __u64 lb_client_hash(const struct lb_pkt *p)
{
	__u64 h = p->v6 ? lb_nh(p->src[0], lb_cfg.key[0]) + lb_nh(p->src[1], lb_cfg.key[1])
			: p->src[0] * lb_cfg.key[0] + lb_cfg.key[2];

	h ^= h >> 32;
	h *= lb_cfg.key[1];
	h ^= h >> 29;
	h *= lb_cfg.key[3];
	h ^= h >> 32;
	return h ^ (__u32)(p->svc->pool * 0x9e3779b1u);
}

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
 * Where a new flow goes: an empty entry, else one whose flow came only once, the oldest, else the oldest of
 * those that were quiet for long. With none of these the flow does without: the table serves it.
 */
int lb_insert(struct lb_session *s, __u64 entry, __u32 tick);

__noinline int lb_insert(struct lb_session *s, __u64 entry, __u32 tick)
{
	__s64 best = 0; /* how gladly it is given up, and above that, which: of equals the first */

	if (!s)
		return 0;
#pragma unroll
	for (__u32 i = 0; i < LB_SESSION_WAYS; i++) {
		__u64 e = s->way[i], again = -(e & 1);
		__s64 age = 0x8000 + lb_age(e, tick) - (again & (0x8000 + lb_cfg.tcp_idle));

		age = lb_max(age, 0) | lb_none(e) << 16;
		best = lb_max(best, age << 3 | (LB_SESSION_WAYS - 1 - i));
	}
	if (best >> 3)
		LB_WRITE_ONCE(s->way[LB_SESSION_WAYS - 1 - (best & 7)], entry);
	return 0;
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

/* May an entry that counts have another real than the table? See map `mixed`. */
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
	struct lb_slot s;

	lb_slot(pool, half, hash, &s);
	if (at && s.real != id && (now - LB_READ_ONCE(*at)) >> lb_cfg.tick_shift)
		LB_WRITE_ONCE(*at, now);
	return 0;
}

/* What the session cache knows of a flow. */
struct lb_kept {
	struct lb_session *session; /* where its entry may be; NULL: its service has none */
	__u64 *way; /* where it is, or NULL */
};

/* The real of the flow's entry, and its id; NULL: it has none that counts. */
static __always_inline const struct lb_real *lb_session_find(const struct lb_pkt *p,
							     struct lb_kept *k, __u32 *id)
{
	__u32 tag = p->hash, at = lb_scale(p->hash >> 32, lb_cfg.sessions);
	const struct lb_real *r;
	__u64 e;

	k->session = bpf_map_lookup_elem(&session, &at);
	if (!k->session)
		return NULL;
#pragma unroll
	for (__u32 i = 0; i < LB_SESSION_WAYS; i++) {
		if (LB_READ_ONCE(LB_AT(__u32, (void *)&k->session->way[i] + 4)) == tag) {
			k->way = &k->session->way[i];
			break;
		}
	}
	if (!k->way)
		return NULL;
	e = LB_READ_ONCE(*k->way);
	if (!e || (__u32)(e >> 32) != tag) { /* empty, or another flow's by now */
		k->way = NULL;
		return NULL;
	}
	*id = LB_SESSION_REAL(e);
	r = lb_holds(LB_SESSION_REAL(e), p->svc->pool, p->half);
	return !r || lb_stale(p, e) ? NULL : r;
}

/* What lb_pick() found is to be found again. */
static __always_inline void lb_keep(const struct lb_pkt *p, const struct lb_kept *k)
{
	__u32 tick = lb_tick();
	__u64 entry = lb_entry(p, p->real, tick, !!k->way);

	if (!k->session || lb_cfg.trace)
		return;
	if (k->way) {
		if (LB_READ_ONCE(*k->way) != entry && !p->quoted) {
			LB_WRITE_ONCE(*k->way, entry);
			if (p->cache == LB_CACHE_HIT)
				lb_kept_at(p->real, p->svc->pool, p->half, p->hash >> 32);
		}
	} else if (!(p->tcp_flags & (LB_TCP_SYN | LB_TCP_FIN | LB_TCP_RST)) && !p->prev) {
		/* With a previous real nobody knows yet whose flow it is: the table says both until it has settled. */
		lb_insert(k->session, entry, tick);
	}
}

/*
 * One real's own port: nobody else could answer there, so it gets what comes while it is up or drains, whatever its
 * checks say. A sick host's answer, if only a reset, is better than none.
 */
static __always_inline int lb_pick_only(struct lb_pkt *p)
{
	__u32 id = p->svc->real;
	const struct lb_real *r = bpf_map_lookup_elem(&real, &id);
	__u8 state = r ? r->half[p->half & 1].state : LB_STATE_FREE;

	if (state != LB_STATE_UP && state != LB_STATE_DRAIN)
		return LB_DROP_NO_REAL;
	p->real = id;
	return LB_NEXT;
}

/* id: whom the session cache has, or 0. gue: that real is reached by GUE. */
static __always_inline int lb_pick_by(struct lb_pkt *p, __u32 id, bool gue)
{
	p->real = id ? id : lb_table(p);
	if (id && gue && p->proto == IPPROTO_TCP)
		p->prev = lb_other(id, p->svc->pool, p->half, p->hash >> 32);
	return p->real ? LB_NEXT : LB_DROP_NO_REAL;
}

/* Of a service that is neither placed by the client's address nor one real's alone. */
static __always_inline int lb_pick(struct lb_pkt *p, struct lb_kept *k)
{
	const struct lb_real *had = NULL;
	__u32 id = 0;

	p->hash = lb_flow_hash(p);
	if (lb_cfg.sessions && p->flags & LB_SVC_SESSION) {
		if (!lb_begins(p) || lb_mixed(p->svc->pool))
			had = lb_session_find(p, k, &id);
		p->cache = had ? LB_CACHE_HIT : LB_CACHE_MISS;
	}
	return lb_pick_by(p, had ? id : 0, had && had->encap == LB_ENCAP_GUE);
}

/*
 * lb_pick() and lb_keep() for any service. Global functions stand between them and the session cache: the verifier would
 * walk all that follows once for each way of a line.
 *
 * lb_recall: the real's id << 8, or 0; | 16 when it is reached by GUE; | the way of the flow's entry, counted from 1, or 0.
 * kind: protocol | TCP's flags << 8 | the service's flags << 16.
 */
__u32 lb_recall(__u64 hash, __u32 pool, __u32 half, __u32 kind);

__noinline __u32 lb_recall(__u64 hash, __u32 pool, __u32 half, __u32 kind)
{
	const struct lb_svc svc = {.pool = pool};
	const struct lb_pkt p = {
		.svc = &svc,
		.hash = hash,
		.half = half,
		.proto = kind,
		.tcp_flags = kind >> 8,
		.flags = kind >> 16,
	};
	struct lb_kept k = {};
	const struct lb_real *had;
	__u32 id = 0, way;

	had = lb_session_find(&p, &k, &id);
	way = k.way ? k.way - k.session->way + 1 : 0;
	return had ? id << 8 | (had->encap == LB_ENCAP_GUE) << 4 | way : way;
}

/* recalled: lb_recall()'s answer. kind: 1 quoted | 2 another real is named | 4 the live half | TCP's flags << 8 | pool << 16. */
int lb_remember(__u64 hash, __u32 id, __u32 recalled, __u32 kind);

__noinline int lb_remember(__u64 hash, __u32 id, __u32 recalled, __u32 kind)
{
	const struct lb_svc svc = {.pool = kind >> 16};
	const struct lb_pkt p = {
		.svc = &svc,
		.hash = hash,
		.real = id,
		.cache = recalled >> 8 ? LB_CACHE_HIT : LB_CACHE_MISS,
		.tcp_flags = kind >> 8,
		.quoted = kind & 1,
		.prev = kind & 2,
		.half = kind >> 2 & 1,
	};
	__u32 at = lb_scale(hash >> 32, lb_cfg.sessions), way = (recalled & 15) - 1;
	struct lb_kept k = {.session = bpf_map_lookup_elem(&session, &at)};

	if (!k.session)
		return 0;
	barrier_var(way); /* lest clang add it to the line before it is known that there is one */
	if (way < LB_SESSION_WAYS)
		k.way = &k.session->way[way];
	lb_keep(&p, &k);
	return 0;
}

static __always_inline int lb_pick_any(struct lb_pkt *p)
{
	bool session = lb_cfg.sessions && p->flags & LB_SVC_SESSION;
	__u32 had = 0;
	int why;

	p->hash = p->flags & LB_SVC_SRC ? lb_client_hash(p) : lb_flow_hash(p);
	if (p->flags & LB_SVC_REAL)
		return lb_pick_only(p);
	if (session && lb_begins(p) && !(p->flags & LB_SVC_SRC) && !lb_mixed(p->svc->pool)) {
		p->cache = LB_CACHE_MISS;
		session = false;
	}
	if (session) {
		had = lb_recall(p->hash, p->svc->pool, p->half,
				p->proto | p->tcp_flags << 8 | p->flags << 16);
		p->cache = had >> 8 ? LB_CACHE_HIT : LB_CACHE_MISS;
	}
	why = lb_pick_by(p, had >> 8 & 0xffff, had & 16);
	if (why == LB_NEXT && session)
		lb_remember(p->hash, p->real, had,
			    p->quoted | (p->prev ? 2 : 0) | p->half << 2 | p->tcp_flags << 8 |
				    p->svc->pool << 16);
	return why;
}

#endif
