/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hc.h - the stages of a health check's packet: whose it is, what it is, which way, into the tunnel,
 * out. The outer header is made by the very code that makes it for clients' packets (encap.h), its
 * addresses are chosen by the same (nexthop.h).
 */
#ifndef LB_HC_H
#define LB_HC_H

#include "bpf/encap.h"
#include "bpf/lookup.h"
#include "bpf/maps.h"
#include "bpf/nexthop.h"

struct hc_way {
	struct lb_nexthop nh; /* flags and the outer addresses; the rest is not used */
	struct bpf_fib_lookup fib;
	int answer; /* LB_NEXT, or LB_DROP_NO_NEIGH: the MAC addresses are not known yet */
	bool v6; /* what leaves is IPv6 */
};

/* The real that the mark names, as long as the live configuration has it. */
static __always_inline const struct lb_real *hc_real(const struct __sk_buff *skb)
{
	__u32 id = skb->mark & ~LB_HC_MARK_MASK, live = LB_READ_ONCE(lb_meta.root) & 1;
	const struct lb_real *r = id ? bpf_map_lookup_elem(&real, &id) : NULL;

	if (!r || !r->used || r->half[live].state == LB_STATE_FREE)
		return NULL;
	return r->family == 4 || r->family == 6 ? r : NULL;
}

/* What the outer header takes from the inner one. The IP packet is as long as the rest of the buffer. */
static __always_inline int hc_inner(struct __sk_buff *skb, struct lb_pkt *p)
{
	__be32 word;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &word, sizeof(word)))
		return LB_DROP_SHORT;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		p->tos = bpf_ntohl(word) >> 16;
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		p->tos = bpf_ntohl(word) >> 20;
	else
		return LB_PASS_NOT_IP;
	p->v6 = skb->protocol == bpf_htons(ETH_P_IPV6);
	if (bpf_skb_load_bytes(skb, ETH_HLEN + (p->v6 ? 24 : 16), p->dst, p->v6 ? 16 : 4))
		return LB_DROP_SHORT;
	p->len = skb->len - ETH_HLEN;
	p->hash = bpf_get_hash_recalc(skb);
	return LB_NEXT;
}

/* The way of a client's packet that came by this device. */
static __always_inline int hc_route(struct __sk_buff *skb, const struct lb_real *r,
				    struct hc_way *w)
{
	struct lb_ask ask = {.in = skb->ifindex};
	const struct lb_dev *in = bpf_map_lookup_elem(&dev, &ask.in), *out;
	__u32 ifindex;

	w->answer = lb_way((void *)skb, &w->fib, &ask, r, in);
	if (w->answer != LB_NEXT && w->answer != LB_DROP_NO_NEIGH)
		return w->answer;
	w->nh.flags = lb_encap_flags(r);
	w->nh.port = r->port;
	ifindex = w->fib.ifindex;
	out = bpf_map_lookup_elem(&dev, &ifindex);
	return lb_ends(&w->nh, &w->fib, ask.family == r->family, out, in, r);
}

/*
 * One packet must fit, as a client's must. Joined segments (GSO) are made shorter by the outer header,
 * and have but to have a length that it can say. The kernel tells the MTU only with the neighbour.
 */
static __always_inline bool hc_fits(const struct __sk_buff *skb, const struct lb_pkt *p,
				    const struct hc_way *w, __u32 outer)
{
	__u32 most = skb->gso_size || w->answer != LB_NEXT ? 0xffff : w->fib.mtu_result;

	return p->len + outer <= most;
}

/* Writes the outer header; how many bytes it has. */
static __always_inline __u32 hc_head(void *head, const struct lb_pkt *p)
{
	__u32 outer = lb_outer_len(p->how), ip;

	if (p->how & LB_NH_V6) {
		ip = sizeof(struct ipv6hdr);
		lb_outer6(head, p, p->nh, outer);
	} else {
		ip = sizeof(struct iphdr);
		lb_outer4(head, p, p->nh, outer);
	}
	if (p->how & LB_NH_GUE)
		lb_udp_gue(head + ip, p, p->nh->port, p->len + outer - ip, 0);
	return outer;
}

/* Where the length is a constant, every verifier knows it. */
static __always_inline int hc_store(struct __sk_buff *skb, const void *head, __u32 outer)
{
	switch (outer) {
	case sizeof(struct iphdr):
		return bpf_skb_store_bytes(skb, ETH_HLEN, head, sizeof(struct iphdr), 0);
	case sizeof(struct ipv6hdr):
		return bpf_skb_store_bytes(skb, ETH_HLEN, head, sizeof(struct ipv6hdr), 0);
	case sizeof(struct iphdr) + LB_UDP_GUE_LEN:
		return bpf_skb_store_bytes(skb, ETH_HLEN, head,
					   sizeof(struct iphdr) + LB_UDP_GUE_LEN, 0);
	default:
		return bpf_skb_store_bytes(skb, ETH_HLEN, head,
					   sizeof(struct ipv6hdr) + LB_UDP_GUE_LEN, 0);
	}
}

static __always_inline int hc_encap(struct __sk_buff *skb, struct lb_pkt *p, struct hc_way *w)
{
	bool v6 = w->v6 = w->nh.flags & LB_NH_V6;
	__u64 flags = v6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
	__be16 type = v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	__u64 head[7] = {};
	__u32 outer;

	if (w->nh.flags & LB_NH_GUE)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	p->nh = &w->nh;
	p->how = w->nh.flags;
	outer = hc_head(head, p);
	if (bpf_skb_adjust_room(skb, outer, BPF_ADJ_ROOM_MAC, flags) ||
	    hc_store(skb, head, outer) ||
	    bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto), &type, sizeof(type), 0))
		return LB_DROP_NO_ROOM;
	return LB_NEXT;
}

/* The number of the VIP that it goes to, whatever the port: a check's need not be a service's. */
static __always_inline __u8 hc_dscp(struct lb_pkt *p)
{
	const struct lb_svc *svc;
	struct lb_home home;
	__u8 dscp = 0;

	if (lb_vip(p, &home) != LB_NEXT)
		return 0;
	svc = p->v6 ? home.six->svc : home.four->svc;
	for (__u32 i = 0; i < LB_BUCKET_ENTRIES; i++)
		if (lb_addr_at(p, &home, i) && svc[i].dscp)
			dscp = svc[i].dscp;
	return dscp;
}

/* As bare.h, but for the TTL: the way begins here. */
static __always_inline int hc_bare(struct __sk_buff *skb, struct lb_pkt *p, struct hc_way *w)
{
	bool real6 = w->nh.flags & LB_NH_V6;
	__u8 dscp, proto;
	int bad;

	w->v6 = p->v6;
	if (w->nh.flags & LB_NH_L2)
		return LB_NEXT;
	dscp = hc_dscp(p);
	if (!dscp || w->v6 != real6)
		return LB_DROP_NO_REAL;
	if (!w->v6) {
		bad = skb_readdress4(skb, w->nh.daddr4, dscp);
	} else {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr), &proto,
				       sizeof(proto)))
			return LB_DROP_SHORT;
		bad = skb_readdress6(skb, w->nh.daddr6, dscp, ETH_HLEN + sizeof(struct ipv6hdr),
				     proto);
	}
	return bad ? LB_DROP_NO_ROOM : LB_NEXT;
}

static __always_inline int hc_send(struct __sk_buff *skb, struct lb_pkt *p, struct hc_way *w)
{
	if (!hc_fits(skb, p, w, lb_outer_room(w->nh.flags)))
		return LB_DROP_TOO_BIG;
	/* A tag that a VLAN device above put on: the routes choose the way now. */
	if (skb->vlan_present && bpf_skb_vlan_pop(skb))
		return LB_DROP_NO_ROOM;
	return w->nh.flags & LB_NH_BARE ? hc_bare(skb, p, w) : hc_encap(skb, p, w);
}

/*
 * The kernel resolves the next hop and writes its addresses; only IPv6 by an IPv4 next hop (`via`)
 * it cannot, and there the answer of the look-up must do.
 */
static __always_inline int hc_forward(struct __sk_buff *skb, const struct hc_way *w)
{
	struct bpf_redir_neigh hop = {.nh_family = w->fib.family};

	if (w->fib.family == LB_AF_INET && w->v6) {
		if (w->answer != LB_NEXT || bpf_skb_store_bytes(skb, 0, w->fib.dmac, ETH_ALEN, 0) ||
		    bpf_skb_store_bytes(skb, ETH_ALEN, w->fib.smac, ETH_ALEN, 0))
			return TC_ACT_SHOT;
		return bpf_redirect(w->fib.ifindex, 0);
	}
	if (hop.nh_family == LB_AF_INET)
		hop.ipv4_nh = w->fib.ipv4_dst;
	else
		__builtin_memcpy(hop.ipv6_nh, w->fib.ipv6_dst, sizeof(hop.ipv6_nh));
	return bpf_redirect_neigh(w->fib.ifindex, &hop, sizeof(hop), 0);
}

#endif
