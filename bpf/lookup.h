/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lookup.h - is the destination a VIP, and which service is meant?
 *
 * lb_vip() reads one bucket; most packets that are not ours end there. lb_find() goes on in the
 * same bucket, and only for an address with many services in up to two more.
 */
#ifndef LB_LOOKUP_H
#define LB_LOOKUP_H

#include "bpf/maps.h"

/* A bucket of the destination, its home or a far one: of its family, the other is NULL. */
struct lb_home {
	const struct lb_bucket4 *four;
	const struct lb_bucket6 *six;
};

static __always_inline __u32 lb_home_at(const struct lb_pkt *p)
{
	__u32 half = lb_root_services(p->root), n = lb_cfg.buckets;

	return half * n + (p->v6 ? lb_home6(p->dst, lb_meta.mul6[half], n)
				 : lb_home4(p->dst[0], lb_meta.mul4[half], n));
}

/*
 * The bucket `at` of the destination's family, if there is one. Where p->v6 is no constant, ask which is NULL by family, not the
 * answer: clang makes one comparison of both, by which the verifier does not know which of them it was.
 */
static __always_inline bool lb_bucket(const struct lb_pkt *p, struct lb_home *home, __u32 at)
{
	home->four = NULL;
	home->six = NULL;
	if (!p->v6) {
		home->four = bpf_map_lookup_elem(&service4, &at);
		return home->four;
	}
	home->six = bpf_map_lookup_elem(&service6, &at);
	return home->six;
}

static __always_inline bool lb_addr_at(const struct lb_pkt *p, const struct lb_home *home, __u32 i)
{
	if (!p->v6)
		return home->four->addr[i] == (__be32)p->dst[0];
	return home->six->addr[i][0] == p->dst[0] && home->six->addr[i][1] == p->dst[1];
}

static __always_inline int lb_vip(struct lb_pkt *p, struct lb_home *home)
{
	p->root = LB_READ_ONCE(lb_meta.root);
	lb_bucket(p, home, lb_home_at(p));
	if (p->v6 ? !home->six || !(p->dst[0] | p->dst[1]) : !home->four || !p->dst[0])
		return LB_PASS_NO_VIP;
#pragma unroll
	for (__u32 i = 0; i < LB_BUCKET_ENTRIES; i++)
		if (lb_addr_at(p, home, i))
			return LB_NEXT;
	return LB_PASS_NO_VIP;
}

static __always_inline const struct lb_svc *lb_svc_at(const struct lb_pkt *p,
						      const struct lb_home *home, __u32 i)
{
	return p->v6 ? &home->six->svc[i] : &home->four->svc[i];
}

static __always_inline bool lb_svc_is(const struct lb_svc *s, __u8 proto, __be16 port)
{
	return s->proto == proto && s->port == port;
}

/* ADDRESS:PORT/PROTO, else ADDRESS:any/PROTO, in the far buckets. Answers as lb_find(). */
static __always_inline __u32 lb_find_far(const struct lb_pkt *p)
{
	__u32 half = lb_root_services(p->root), n = lb_cfg.buckets, at;
	__be16 port = p->dport;
	struct lb_home home;

#pragma nounroll
	for (__u32 i = 0; i < 2; i++, port = 0) {
		at = half * n + (p->v6 ? lb_far6(p->dst, port, p->proto, lb_meta.mul6[half], n)
				       : lb_far4(p->dst[0], port, p->proto, lb_meta.mul4[half], n));
		if (!lb_bucket(p, &home, at))
			return 0;
#pragma nounroll
		for (__u32 k = 0; k < LB_BUCKET_ENTRIES; k++)
			if (lb_addr_at(p, &home, k) &&
			    lb_svc_is(lb_svc_at(p, &home, k), p->proto, port))
				return at * LB_BUCKET_ENTRIES + k + 1;
	}
	return 0;
}

/* v6: a constant, lest the verifier take one family's bucket for the other's. */
static __always_inline __u32 lb_find_in(const struct lb_pkt *whole, bool v6)
{
	const struct lb_pkt p = {
		.v6 = v6,
		.dst = {whole->dst[0], whole->dst[1]},
		.root = whole->root,
		.proto = whole->proto,
		.dport = whole->dport,
	};
	__u32 any = 0, at = lb_home_at(&p);
	struct lb_home home;

	if (!lb_bucket(&p, &home, at))
		return 0;
	at *= LB_BUCKET_ENTRIES;
#pragma nounroll
	for (__u32 i = 0; i < LB_BUCKET_ENTRIES; i++) {
		const struct lb_svc *svc = lb_svc_at(&p, &home, i);

		if (!lb_addr_at(&p, &home, i))
			continue;
		if (lb_svc_is(svc, p.proto, p.dport))
			return at + i + 1;
		if (lb_svc_is(svc, p.proto, 0))
			any = at + i + 1;
		if (svc->flags & LB_SVC_FAR)
			return lb_find_far(&p);
	}
	return any;
}

/*
 * Where the service's entry is, counted over all buckets from 1 on; 0: there is none. Global: the verifier looks at it once,
 * and to the verifier it may have changed all of *p, so what follows is looked at once, too.
 */
__u32 lb_find(const struct lb_pkt *p);

__noinline __u32 lb_find(const struct lb_pkt *p)
{
	if (!p)
		return 0;
	return p->v6 ? lb_find_in(p, true) : lb_find_in(p, false);
}

/* ADDRESS:PORT/PROTO, else ADDRESS:any/PROTO, else nothing. Fragments have an entry of their own, or none. */
static __always_inline int lb_service(struct lb_pkt *p)
{
	struct lb_home home; /* looked up again: a global function answers no pointer */
	__u32 at;

	p->proto |= p->fragment;
	at = lb_find(p);
	p->svc = NULL;
	p->nh = NULL;
	if (!at)
		return p->fragment ? LB_DROP_FRAGMENT : LB_DROP_NO_SERVICE;
	at--;
	lb_bucket(p, &home, at / LB_BUCKET_ENTRIES);
	if (p->v6 ? !home.six : !home.four)
		return LB_DROP_NO_SERVICE;
	p->svc = lb_svc_at(p, &home, at % LB_BUCKET_ENTRIES);
	return LB_NEXT;
}

#endif
