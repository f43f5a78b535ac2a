/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lookup.h - is the destination a VIP, and which service is meant?
 *
 * lb_vip() reads one bucket; most packets that are not ours end there. lb_service() goes on in the
 * same bucket, and only for an address with many services in up to two more.
 */
#ifndef LB_LOOKUP_H
#define LB_LOOKUP_H

#include "bpf/maps.h"

static __always_inline int lb_vip(struct lb_pkt *p)
{
	__u32 half = LB_READ_ONCE(lb_meta.root) & 1, i;

	p->half = half;
	p->base = half * lb_cfg.buckets;
	if (!p->v6) {
		__be32 a = p->dst[0];

		p->mul = lb_meta.mul4[half];
		i = p->base + lb_home4(a, p->mul, lb_cfg.buckets);
		p->home4 = bpf_map_lookup_elem(&service4, &i);
		if (!p->home4 || !a)
			return LB_PASS_NO_VIP;
		if (p->home4->addr[0] == a || p->home4->addr[1] == a || p->home4->addr[2] == a ||
		    p->home4->addr[3] == a)
			return LB_NEXT;
		return LB_PASS_NO_VIP;
	}
	p->mul = lb_meta.mul6[half];
	i = p->base + lb_home6(p->dst, p->mul, lb_cfg.buckets);
	p->home6 = bpf_map_lookup_elem(&service6, &i);
	if (!p->home6 || !(p->dst[0] | p->dst[1]))
		return LB_PASS_NO_VIP;
#pragma unroll
	for (i = 0; i < LB_BUCKET_ENTRIES; i++)
		if (p->home6->addr[i][0] == p->dst[0] && p->home6->addr[i][1] == p->dst[1])
			return LB_NEXT;
	return LB_PASS_NO_VIP;
}

static __always_inline bool lb_svc_is(const struct lb_svc *s, __u8 proto, __be16 port)
{
	return s->proto == proto && s->port == port;
}

/* The entry of port and protocol in a far bucket. */
static __always_inline const struct lb_svc *lb_far(const struct lb_pkt *p, __be16 port)
{
	__u32 n = lb_cfg.buckets, i;

	if (!p->v6) {
		__be32 a = p->dst[0];
		const struct lb_bucket4 *b;

		i = p->base + lb_far4(a, port, p->proto, p->mul, n);
		b = bpf_map_lookup_elem(&service4, &i);
		for (i = 0; b && i < LB_BUCKET_ENTRIES; i++)
			if (b->addr[i] == a && lb_svc_is(&b->svc[i], p->proto, port))
				return &b->svc[i];
	} else {
		const struct lb_bucket6 *b;

		i = p->base + lb_far6(p->dst, port, p->proto, p->mul, n);
		b = bpf_map_lookup_elem(&service6, &i);
		for (i = 0; b && i < LB_BUCKET_ENTRIES; i++)
			if (b->addr[i][0] == p->dst[0] && b->addr[i][1] == p->dst[1] &&
			    lb_svc_is(&b->svc[i], p->proto, port))
				return &b->svc[i];
	}
	return 0;
}

static __always_inline bool lb_addr_at(const struct lb_pkt *p, __u32 i)
{
	if (!p->v6)
		return p->home4->addr[i] == (__be32)p->dst[0];
	return p->home6->addr[i][0] == p->dst[0] && p->home6->addr[i][1] == p->dst[1];
}

/* ADDRESS:PORT/PROTO, else ADDRESS:any/PROTO, else nothing. Fragments have an entry of their own, or none. */
static __always_inline int lb_service(struct lb_pkt *p)
{
	const struct lb_svc *svc = p->v6 ? p->home6->svc : p->home4->svc, *any = 0;

	p->proto |= p->fragment;
#pragma unroll
	for (__u32 i = 0; i < LB_BUCKET_ENTRIES; i++, svc++) {
		if (!lb_addr_at(p, i))
			continue;
		if (lb_svc_is(svc, p->proto, p->dport)) {
			p->svc = svc;
			return LB_NEXT;
		}
		if (lb_svc_is(svc, p->proto, 0))
			any = svc;
		if (svc->flags & LB_SVC_FAR) {
			any = lb_far(p, p->dport);
			if (!any)
				any = lb_far(p, 0);
			break;
		}
	}
	p->svc = any;
	if (any)
		return LB_NEXT;
	return p->fragment ? LB_DROP_FRAGMENT : LB_DROP_NO_SERVICE;
}

#endif
