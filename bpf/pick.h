/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pick.h - which real gets the flow: the session cache where it knows better, else the table.
 */
#ifndef LB_PICK_H
#define LB_PICK_H

#include "bpf/session.h"

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
	if (way < LB_SESSION_WAYS) {
		barrier_var(
			way); /* clang has another copy of what is known to be small; 6.1 needs this one to be */
		k.way = &k.session->way[way & (LB_SESSION_WAYS - 1)];
	}
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
