/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rx_mss.h - a client that sends segments of the size that a SYN-ACK asks for must leave room for
 * the outer header on the way from the L4LB.
 */
#ifndef RX_MSS_H
#define RX_MSS_H

#include "bpf/rx.h"

#define RX_TCP_OPTS 40 /* most bytes of TCP options */
#define RX_OPT_EOL 0
#define RX_OPT_NOP 1
#define RX_OPT_MSS 2

/* A SYN-ACK on its way out. */
struct rx_synack {
	struct lb_rx_addr from;
	__u32 ip_len; /* of its IP header without options: 20 or 40 */
	__u32 tcp; /* offset of the TCP header in the frame */
	__u32 opts; /* bytes of TCP options */
};

/* Is it one? IPv6 with extension headers is left alone. */
static __always_inline int rx_is_synack(struct __sk_buff *skb, struct rx_synack *s)
{
	union {
		struct iphdr v4;
		struct ipv6hdr v6;
	} ip;
	__u8 tcp[2]; /* data offset, flags */

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip.v4, sizeof(ip.v4)) ||
		    ip.v4.protocol != IPPROTO_TCP || ip.v4.version != 4 || ip.v4.ihl < 5 ||
		    (ip.v4.frag_off & bpf_htons(RX_IP_MF_OFFSET)))
			return 0;
		s->ip_len = sizeof(ip.v4);
		s->tcp = ETH_HLEN + ip.v4.ihl * 4;
		rx_addr4(&s->from, ip.v4.saddr);
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip.v6, sizeof(ip.v6)) ||
		    ip.v6.nexthdr != IPPROTO_TCP || ip.v6.version != 6)
			return 0;
		s->ip_len = sizeof(ip.v6);
		s->tcp = ETH_HLEN + sizeof(ip.v6);
		rx_addr6(&s->from, &ip.v6.saddr);
	} else {
		return 0;
	}
	if (bpf_skb_load_bytes(skb, s->tcp + RX_TCP_FLAGS - 1, tcp, sizeof(tcp)) ||
	    (tcp[1] & (RX_TCP_SYN | RX_TCP_ACK)) != (RX_TCP_SYN | RX_TCP_ACK))
		return 0;
	s->opts = (tcp[0] >> 4) * 4;
	if (s->opts <= sizeof(struct tcphdr))
		return 0;
	s->opts -= sizeof(struct tcphdr);
	return 1;
}

/* The most that it may say, 0: anything. */
static __always_inline __u32 rx_mss_bound(struct __sk_buff *skb, const struct rx_synack *s)
{
	__u32 ifindex = skb->ifindex, headers;
	struct lb_rx_dev *dev = bpf_map_lookup_elem(&rx_dev, &ifindex);
	struct lb_rx_vip *vip;

	if (!dev || !dev->mss)
		return 0;
	vip = bpf_map_lookup_elem(&rx_vip, &s->from);
	if (!vip)
		return 0;
	if (dev->mss != LB_RX_MSS_AUTO)
		return dev->mss;
	headers = vip->outer_len + s->ip_len + sizeof(struct tcphdr);
	return dev->mtu > headers + LB_RX_MSS_LEAST ? dev->mtu - headers : LB_RX_MSS_LEAST;
}

struct rx_opts {
	__u32 len; /* valid bytes of b */
	__u32 at; /* where the walk begins: 0 */
	__u8 b[RX_TCP_OPTS];
};

/*
 * Where among the options the MSS stands, -1: nowhere. A global function is verified once, and not
 * for each way that leads to it; a beginning that the verifier does not know and a sum that it
 * forgets make all ways through a turn of the loop one: 3,000 instructions to verify, not 160,000.
 */
__attribute__((noinline)) int rx_mss_option(const struct rx_opts *o)
{
	__u64 i = o ? o->at : RX_TCP_OPTS;

	for (int n = 0; n < RX_TCP_OPTS; n++) {
		if (!o || i > RX_TCP_OPTS - 4 || i + 4 > o->len || o->b[i] == RX_OPT_EOL)
			return -1;
		if (o->b[i] == RX_OPT_MSS)
			return o->b[i + 1] == 4 ? (int)i : -1;
		if (o->b[i] == RX_OPT_NOP) {
			i++;
		} else {
			if (o->b[i + 1] < 2)
				return -1;
			i += o->b[i + 1];
		}
		asm volatile("%0 &= 0x1ff" : "+r"(i));
	}
	return -1;
}

/* True when the MSS was greater and is now `most`. */
static __always_inline int rx_lower_mss(struct __sk_buff *skb, const struct rx_synack *s,
					__u32 most)
{
	__u32 off = s->tcp + sizeof(struct tcphdr), len = s->opts;
	struct rx_opts o = {0};
	__be16 old, new = bpf_htons(most);
	int at;

	/* Two comparisons, which clang would join: the verifier of 6.1 learns a bound from each. */
	barrier_var(len);
	if (len < 4)
		return 0;
	barrier_var(len);
	if (len > sizeof(o.b) || bpf_skb_load_bytes(skb, off, o.b, len))
		return 0;
	o.len = len;
	at = rx_mss_option(&o);
	if (at < 0 || bpf_skb_load_bytes(skb, off + at + 2, &old, sizeof(old)) ||
	    bpf_ntohs(old) <= most || bpf_skb_store_bytes(skb, off + at + 2, &new, sizeof(new), 0))
		return 0;
	if (at & 1) { /* across two words of the checksum: RFC 1071, section 2 (B) */
		old = __builtin_bswap16(old);
		new = __builtin_bswap16(new);
	}
	/* A checksum that the device has yet to complete is left alone by this. */
	return !bpf_l4_csum_replace(skb, s->tcp + offsetof(struct tcphdr, check), old, new, 2);
}

#endif
