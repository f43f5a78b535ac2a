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

/* The home bucket of the destination: of its family, the other is NULL. */
struct lb_home {
	const struct lb_bucket4 *four;
	const struct lb_bucket6 *six;
};

static __always_inline void lb_home(const struct lb_pkt *p, struct lb_home *home)
{
	__u32 half = lb_root_services(p->root), n = lb_cfg.buckets, i;

	home->four = NULL;
	home->six = NULL;
	if (!p->v6) {
		i = half * n + lb_home4(p->dst[0], lb_meta.mul4[half], n);
		home->four = bpf_map_lookup_elem(&service4, &i);
	} else {
		i = half * n + lb_home6(p->dst, lb_meta.mul6[half], n);
		home->six = bpf_map_lookup_elem(&service6, &i);
	}
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
	lb_home(p, home);
	if (p->v6 ? !home->six || !(p->dst[0] | p->dst[1]) : !home->four || !p->dst[0])
		return LB_PASS_NO_VIP;
#pragma unroll
	for (__u32 i = 0; i < LB_BUCKET_ENTRIES; i++)
		if (lb_addr_at(p, home, i))
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
	__u32 n = lb_cfg.buckets, half = lb_root_services(p->root), i;

	if (!p->v6) {
		__be32 a = p->dst[0];
		const struct lb_bucket4 *b;

		i = half * n + lb_far4(a, port, p->proto, lb_meta.mul4[half], n);
		b = bpf_map_lookup_elem(&service4, &i);
		for (i = 0; b && i < LB_BUCKET_ENTRIES; i++)
			if (b->addr[i] == a && lb_svc_is(&b->svc[i], p->proto, port))
				return &b->svc[i];
	} else {
		const struct lb_bucket6 *b;

		i = half * n + lb_far6(p->dst, port, p->proto, lb_meta.mul6[half], n);
		b = bpf_map_lookup_elem(&service6, &i);
		for (i = 0; b && i < LB_BUCKET_ENTRIES; i++)
			if (b->addr[i][0] == p->dst[0] && b->addr[i][1] == p->dst[1] &&
			    lb_svc_is(&b->svc[i], p->proto, port))
				return &b->svc[i];
	}
	return 0;
}

/* ADDRESS:PORT/PROTO, else ADDRESS:any/PROTO, else nothing. Fragments have an entry of their own, or none. */
static __always_inline int lb_service(struct lb_pkt *p)
{
	const struct lb_svc *svc, *any = 0;
	struct lb_home
		home; /* looked up again: what is kept on the way from lb_vip() costs the stack */

	lb_home(p, &home);
	if (p->v6 ? !home.six : !home.four)
		return LB_DROP_NO_SERVICE;
	svc = p->v6 ? home.six->svc : home.four->svc;
	p->proto |= p->fragment;
#pragma unroll
	for (__u32 i = 0; i < LB_BUCKET_ENTRIES; i++, svc++) {
		if (!lb_addr_at(p, &home, i))
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
