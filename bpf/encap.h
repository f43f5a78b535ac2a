/* SPDX-License-Identifier: GPL-2.0 */
/*
 * encap.h - puts the packet, untouched, into a tunnel: 4in4 (RFC 2003), 6in6 and 4in6 (RFC 2473),
 * 6in4 (RFC 4213). TOS and ECN are copied (RFC 6040, normal mode), TTL is 64, DF is set, the id is 0,
 * since a packet that is never fragmented needs none (RFC 6864).
 */
#ifndef LB_ENCAP_H
#define LB_ENCAP_H

#include "bpf/maps.h"

#define LB_TTL 64

static __always_inline __u32 lb_outer_len(const struct lb_nexthop *nh)
{
	return nh->flags & LB_NH_V6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

static __always_inline void lb_outer4(void *l3, const struct lb_pkt *p)
{
	const struct lb_nexthop *nh = p->nh;
	__u8 proto = p->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	__be16 len = bpf_htons(p->len + sizeof(struct iphdr));
	__u16 csum = ~lb_csum_fold(nh->csum + (p->tos << 8) + len + (proto << 8));

	LB_AT(__u32, l3) = 0x45 | p->tos << 8 | (__u32)len << 16;
	LB_AT(__u32, l3 + 4) = (__u32)bpf_htons(0x4000) << 16;
	LB_AT(__u32, l3 + 8) = LB_TTL | proto << 8 | (__u32)csum << 16;
	LB_AT(__u32, l3 + 12) = nh->saddr4;
	LB_AT(__u32, l3 + 16) = nh->daddr4;
}

/* The flow label comes from the flow's hash (RFC 6438): routers behind us spread tunnels by it. */
static __always_inline void lb_outer6(void *l3, const struct lb_pkt *p)
{
	const struct lb_nexthop *nh = p->nh;
	__u32 label = p->hash & 0xfffff;

	LB_AT(__u32, l3) = bpf_htonl(6u << 28 | (__u32)p->tos << 20 | label);
	LB_AT(__u16, l3 + 4) = bpf_htons(p->len);
	LB_AT(__u16, l3 + 6) = (p->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP) | LB_TTL << 8;
	LB_AT(__u64, l3 + 8) = LB_AT(__u64, nh->saddr6);
	LB_AT(__u64, l3 + 16) = LB_AT(__u64, nh->saddr6 + 8);
	LB_AT(__u64, l3 + 24) = LB_AT(__u64, nh->daddr6);
	LB_AT(__u64, l3 + 32) = LB_AT(__u64, nh->daddr6 + 8);
}

/* Makes room for `outer` bytes and writes the Ethernet header; the outer IP header's offset, or 0. */
static __always_inline __u32 lb_push_l2(struct xdp_md *ctx, const struct lb_pkt *p, __u32 outer)
{
	const struct lb_nexthop *nh = p->nh;
	__u32 l2 = nh->flags & LB_NH_OWN_TAGS ? nh->l2_len : p->l3;
	void *data;

	/* The packet's tags mean something on the device it came on alone. */
	if (l2 != ETH_HLEN && !(nh->flags & LB_NH_OWN_TAGS) && nh->out != ctx->ingress_ifindex)
		l2 = ETH_HLEN;

	if (bpf_xdp_adjust_head(ctx, (int)p->l3 - (int)l2 - (int)outer))
		return 0;
	data = lb_data(ctx);
	if (data + LB_L2_MAX > lb_data_end(ctx))
		return 0;
	LB_AT(__u64, data) = LB_AT(__u64, nh->l2);
	LB_AT(__u32, data + 8) = LB_AT(__u32, nh->l2 + 8);
	if (l2 == ETH_HLEN) {
		LB_AT(__u16, data + 12) = LB_AT(__u16, nh->l2 + 12);
		return ETH_HLEN;
	}
	if (nh->flags & LB_NH_OWN_TAGS) {
		LB_AT(__u64, data + 12) = LB_AT(__u64, nh->l2 + 12);
		LB_AT(__u16, data + 20) = LB_AT(__u16, nh->l2 + 20);
		return l2 == ETH_HLEN + 4 ? ETH_HLEN + 4 : ETH_HLEN + 8;
	}
	LB_AT(__u32, data + 12) = p->tag[0];
	if (l2 == ETH_HLEN + 4) {
		LB_AT(__u16, data + 16) = LB_AT(__u16, nh->l2 + 12);
		return ETH_HLEN + 4;
	}
	LB_AT(__u32, data + 16) = p->tag[1];
	LB_AT(__u16, data + 20) = LB_AT(__u16, nh->l2 + 12);
	return ETH_HLEN + 8;
}

static __always_inline int lb_encap(struct xdp_md *ctx, struct lb_pkt *p)
{
	bool v6 = p->nh->flags & LB_NH_V6;
	__u32 outer = lb_outer_len(p->nh), l3;
	void *data;

	l3 = lb_push_l2(ctx, p, outer);
	if (!l3)
		return LB_DROP_NO_ROOM;
	data = lb_data(ctx) + l3;
	/* Each with a bound of its own: 6.1 forgets that length and family belong together. */
	if (v6) {
		if (data + sizeof(struct ipv6hdr) > lb_data_end(ctx))
			return LB_DROP_NO_ROOM;
		lb_outer6(data, p);
	} else {
		if (data + sizeof(struct iphdr) > lb_data_end(ctx))
			return LB_DROP_NO_ROOM;
		lb_outer4(data, p);
	}
	return LB_NEXT;
}

#endif
