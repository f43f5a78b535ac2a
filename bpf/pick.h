/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pick.h - which real gets the flow: the session cache where it knows better, else the table.
 */
#ifndef LB_PICK_H
#define LB_PICK_H

#include "bpf/pending.h"

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
	__u8 state = r ? r->half[lb_half(p)].state : LB_STATE_FREE;

	if (state != LB_STATE_UP && state != LB_STATE_DRAIN)
		return LB_DROP_NO_REAL;
	p->real = id;
	return LB_NEXT;
}

/* What the session cache had: the id of the flow's real << 8, or 0, and the bits below. */
enum {
	LB_HAD_WAY = 15, /* where the flow's entry is, counted from 1; 0: it has none */
	LB_HAD_GUE = 16, /* that real is reached by GUE */
	LB_HAD_ALL = 32, /* there is nothing to write */
	LB_HAD_LATER = 64, /* to be written, unasked: lb_put_off() */
};

/*
 * Global functions stand between what follows and the session cache: the verifier would walk all of it once for each way of
 * a line, and where it is short it would lose its registers.
 *
 * where: pool | the live half << 16. kind: protocol | TCP's flags << 8 | the service's flags << 16. note: take one if the
 * flow's real is this one; 0: take none.
 */
__u32 lb_recall(__u64 hash, __u32 where, __u32 kind, __u32 note);

__noinline __u32 lb_recall(__u64 hash, __u32 where, __u32 kind, __u32 note)
{
	const struct lb_svc svc = {.pool = where & 0xffff};
	const struct lb_pkt p = {
		.svc = &svc,
		.hash = hash,
		.root = where >> 16,
		.proto = kind,
		.tcp_flags = kind >> 8,
		.flags = kind >> 16,
	};
	struct lb_kept k = {};
	const struct lb_real *had;
	__u32 id = 0, way;

	had = lb_session_find(&p, &k, &id);
	if (!k.session) {
		way = LB_HAD_ALL;
		if (had && id == note)
			lb_take_note(hash, id, lb_tick());
	} else {
		way = k.way ? k.way - k.session->way + 1 : 0;
	}
	return had ? id << 8 | (had->encap == LB_ENCAP_GUE ? LB_HAD_GUE : 0) | way : way;
}

/* What waits may be this flow's entry. */
static __always_inline __u32 lb_ask(const struct lb_pkt *p, __u32 note)
{
	lb_settle_pending(true);
	return lb_recall(p->hash, p->svc->pool | lb_half(p) << 16,
			 p->proto | p->tcp_flags << 8 | p->flags << 16, note);
}

/* had: lb_recall()'s answer. kind: 1 quoted | 2 another real is named | 4 the live half | TCP's flags << 8 | pool << 16. */
int lb_remember(__u64 hash, __u32 id, __u32 had, __u32 kind);

__noinline int lb_remember(__u64 hash, __u32 id, __u32 had, __u32 kind)
{
	const struct lb_svc svc = {.pool = kind >> 16};
	const struct lb_pkt p = {
		.svc = &svc,
		.hash = hash,
		.real = id,
		.cache = had >> 8 ? LB_CACHE_HIT : LB_CACHE_MISS,
		.tcp_flags = kind >> 8,
		.quoted = kind & 1,
		.prev = kind & 2,
		.root = kind >> 2 & 1,
	};
	__u32 way = (had & LB_HAD_WAY) - 1;
	struct lb_kept k = {.session = lb_session_at(hash)};

	if (!k.session || lb_cfg.trace)
		return 0;
	if (way < LB_SESSION_WAYS) {
		barrier_var(
			way); /* clang has another copy of what is known to be small; 6.1 needs this one to be */
		k.way = &k.session->way[way & (LB_SESSION_WAYS - 1)];
	}
	lb_session_put(&p, &k);
	return 0;
}

static __always_inline void lb_keep(const struct lb_pkt *p, __u32 had)
{
	lb_remember(p->hash, p->real, had,
		    p->quoted | (p->prev ? 2 : 0) | lb_half(p) << 2 | p->tcp_flags << 8 |
			    p->svc->pool << 16);
}

/* The real that the session cache had, if it had any, and whom else to name: only a receiver of GUE has a choice. */
static __always_inline __u32 lb_pick_kept(struct lb_pkt *p, __u32 had)
{
	__u32 id = had >> 8;

	if (!id)
		return 0;
	p->cache = LB_CACHE_HIT;
	p->real = id;
	if (!(had & LB_HAD_GUE) || p->proto != IPPROTO_TCP)
		return 0;
	return lb_other(id, p->svc->pool, lb_half(p), p->hash >> 32);
}

/*
 * Of a service that is neither placed by the client's address nor one real's alone. *had is for lb_keep(). False: there is no real, or
 * the slot has not settled, or another real is to be named, which is the long way's.
 */
static __always_inline bool lb_pick(struct lb_pkt *p, __u32 *had)
{
	*had = LB_HAD_ALL;
	p->hash = lb_flow_hash(p);
	p->real = lb_table(p);
	if (p->prev)
		return false;
	if (p->flags & LB_SVC_SESSION && lb_cfg.sessions) {
		if (!lb_begins(p) && lb_noted(p->hash, p->real)) {
			p->cache = LB_CACHE_HIT;
			lb_settle_pending(false);
			return true;
		}
		if (lb_mixed(p->svc->pool)) {
			p->cache = LB_CACHE_MISS;
			*had = lb_ask(p, p->real);
			if (lb_pick_kept(p, *had))
				return false;
		} else if (lb_begins(p)) {
			p->cache = LB_CACHE_MISS;
		} else {
			*had = LB_HAD_LATER;
		}
	}
	return p->real;
}

static __always_inline int lb_pick_any(struct lb_pkt *p)
{
	bool session = lb_cfg.sessions && p->flags & LB_SVC_SESSION;
	__u32 had = LB_HAD_ALL;

	p->hash = p->flags & LB_SVC_SRC ? lb_client_hash(p) : lb_flow_hash(p);
	if (p->flags & LB_SVC_REAL)
		return lb_pick_only(p);
	if (session)
		p->cache = LB_CACHE_MISS;
	if (session && (!lb_begins(p) || p->flags & LB_SVC_SRC || lb_mixed(p->svc->pool)))
		had = lb_ask(p, 0);
	p->prev = lb_pick_kept(p, had);
	if (!(had >> 8))
		p->real = lb_table(p);
	if (!p->real)
		return LB_DROP_NO_REAL;
	if (!(had & LB_HAD_ALL))
		lb_keep(p, had);
	return LB_NEXT;
}

#endif
