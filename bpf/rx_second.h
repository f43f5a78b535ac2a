/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rx_second.h - the second hop. While a slot of the balancer's table has not settled, its packets name the real that
 * had the slot before, and where session cache and table disagree, both (gue.h). What belongs to no connection here and
 * opens none is sent on to the one that is named, once. So a connection outlives a change of the table on a balancer that
 * never saw it, or knows another one of the same ports.
 *
 * Mine is a SYN, or what this host has a socket for: established, half open or closing; or, where only a listener
 * would take it, an ACK whose SYN cookie the kernel finds valid. An ICMP error is its connection's. The sockets are
 * those of the device's network namespace: for services in namespaces of their own the receiver is attached there.
 *
 * The outer destination becomes the previous real, the outer source this host, the TTL one less.
 */
#ifndef RX_SECOND_H
#define RX_SECOND_H

#include "bpf/rx_parse.h"

#define RX_TCP_LISTEN 10 /* BPF_TCP_LISTEN */
#define RX_ICMP_ERROR_LEN 8 /* before what it quotes */

/* The inner packet's transport header, or that of the packet which an ICMP error quotes. */
struct rx_flow {
	struct bpf_sock_tuple tuple; /* as the connection's client sends */
	__u32 len; /* of the tuple: that of its family */
	__u32 ip, l4; /* offsets of the inner headers */
	__u8 quoted;
};

static __always_inline int rx_quoted4(struct __sk_buff *skb, struct rx_flow *f, __u32 off)
{
	struct iphdr ip;
	__be16 port[2];

	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5 ||
	    ip.protocol != IPPROTO_TCP || ip.frag_off & bpf_htons(RX_IP_OFFSET) ||
	    bpf_skb_load_bytes(skb, off + ip.ihl * 4u, port, sizeof(port)))
		return -1;
	f->quoted = 1;
	f->tuple.ipv4.saddr = ip.daddr;
	f->tuple.ipv4.daddr = ip.saddr;
	f->tuple.ipv4.sport = port[1];
	f->tuple.ipv4.dport = port[0];
	return 0;
}

static __always_inline int rx_quoted6(struct __sk_buff *skb, struct rx_flow *f, __u32 off)
{
	struct ipv6hdr ip;
	__be16 port[2];

	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)) || ip.version != 6 ||
	    ip.nexthdr != IPPROTO_TCP ||
	    bpf_skb_load_bytes(skb, off + sizeof(ip), port, sizeof(port)))
		return -1;
	f->quoted = 1;
	__builtin_memcpy(f->tuple.ipv6.saddr, &ip.daddr, 16);
	__builtin_memcpy(f->tuple.ipv6.daddr, &ip.saddr, 16);
	f->tuple.ipv6.sport = port[1];
	f->tuple.ipv6.dport = port[0];
	return 0;
}

/* Fragments and what is behind extension headers count as ours: the balancer names nobody for the former. */
static __always_inline int rx_flow4(struct __sk_buff *skb, const struct rx_tunnel *t,
				    struct rx_flow *f)
{
	struct iphdr ip;
	__be16 port[2];

	f->ip = ETH_HLEN + t->outer_len;
	f->len = sizeof(f->tuple.ipv4);
	if (bpf_skb_load_bytes(skb, f->ip, &ip, sizeof(ip)) ||
	    ip.frag_off & bpf_htons(RX_IP_MF_OFFSET))
		return -1;
	f->l4 = f->ip + ip.ihl * 4u;
	if (ip.protocol == IPPROTO_ICMP)
		return rx_quoted4(skb, f, f->l4 + RX_ICMP_ERROR_LEN);
	if (ip.protocol != IPPROTO_TCP || bpf_skb_load_bytes(skb, f->l4, port, sizeof(port)))
		return -1;
	f->tuple.ipv4.saddr = ip.saddr;
	f->tuple.ipv4.daddr = ip.daddr;
	f->tuple.ipv4.sport = port[0];
	f->tuple.ipv4.dport = port[1];
	return 0;
}

static __always_inline int rx_flow6(struct __sk_buff *skb, const struct rx_tunnel *t,
				    struct rx_flow *f)
{
	struct ipv6hdr ip;
	__be16 port[2];

	f->ip = ETH_HLEN + t->outer_len;
	f->len = sizeof(f->tuple.ipv6);
	if (bpf_skb_load_bytes(skb, f->ip, &ip, sizeof(ip)))
		return -1;
	f->l4 = f->ip + sizeof(ip);
	if (ip.nexthdr == IPPROTO_ICMPV6)
		return rx_quoted6(skb, f, f->l4 + RX_ICMP_ERROR_LEN);
	if (ip.nexthdr != IPPROTO_TCP || bpf_skb_load_bytes(skb, f->l4, port, sizeof(port)))
		return -1;
	__builtin_memcpy(f->tuple.ipv6.saddr, &ip.saddr, 16);
	__builtin_memcpy(f->tuple.ipv6.daddr, &ip.daddr, 16);
	f->tuple.ipv6.sport = port[0];
	f->tuple.ipv6.dport = port[1];
	return 0;
}

/* The ACK that ends a handshake of which only the cookie remembers. */
static __always_inline bool rx_cookie(struct __sk_buff *skb, const struct rx_tunnel *t,
				      const struct rx_flow *f, struct bpf_sock *sk)
{
	struct ipv6hdr ip = {}; /* room for either */
	struct tcphdr tcp;
	__u32 len = t->inner == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (f->quoted || bpf_skb_load_bytes(skb, f->l4, &tcp, sizeof(tcp)) ||
	    (t->inner == 4 ? bpf_skb_load_bytes(skb, f->ip, &ip, sizeof(struct iphdr))
			   : bpf_skb_load_bytes(skb, f->ip, &ip, sizeof(struct ipv6hdr))))
		return false;
	return bpf_tcp_check_syncookie(sk, &ip, len, &tcp, sizeof(tcp)) == 0;
}

static __always_inline bool rx_mine(struct __sk_buff *skb, const struct rx_tunnel *t)
{
	struct rx_flow f = {};
	struct bpf_sock *sk;
	bool mine = true;

	if (t->syn || (t->inner == 4 ? rx_flow4(skb, t, &f) : rx_flow6(skb, t, &f)))
		return true;
	sk = t->inner == 4 ? bpf_skc_lookup_tcp(skb, &f.tuple, sizeof(f.tuple.ipv4),
						BPF_F_CURRENT_NETNS, 0)
			   : bpf_skc_lookup_tcp(skb, &f.tuple, sizeof(f.tuple.ipv6),
						BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return false;
	if (sk->state == RX_TCP_LISTEN)
		mine = rx_cookie(skb, t, &f, sk);
	bpf_sk_release(sk);
	return mine;
}

static __always_inline __u16 rx_csum(const struct iphdr *ip)
{
	const __u16 *half = (const void *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += half[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* The outer header for its second way. */
static __always_inline int rx_readdress4(struct __sk_buff *skb, const struct rx_tunnel *t)
{
	struct iphdr ip;
	__be32 to;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return LB_RX_DROP_FAILED;
	if (ip.ttl <= 1)
		return LB_RX_DROP_TTL;
	if (ip.ihl != 5) /* the balancer sends none with options */
		return LB_RX_DROP_FAILED;
	__builtin_memcpy(&to, t->prev.addr, sizeof(to));
	ip.saddr = ip.daddr;
	ip.daddr = to;
	ip.ttl--;
	ip.check = 0;
	ip.check = rx_csum(&ip);
	return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0) ? LB_RX_DROP_FAILED : RX_NEXT;
}

static __always_inline int rx_readdress6(struct __sk_buff *skb, const struct rx_tunnel *t)
{
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return LB_RX_DROP_FAILED;
	if (ip.hop_limit <= 1)
		return LB_RX_DROP_TTL;
	ip.saddr = ip.daddr;
	__builtin_memcpy(&ip.daddr, t->prev.addr, 16);
	ip.hop_limit--;
	return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0) ? LB_RX_DROP_FAILED : RX_NEXT;
}

/* RX_NEXT: mine. Otherwise it is on its way, or lost. */
static __always_inline int rx_second(struct __sk_buff *skb, const struct rx_tunnel *t)
{
	__u32 hops = ETH_HLEN + t->udp + RX_UDP_GUE_LEN + offsetof(struct lb_gue_private, hops);
	const __be16 no_sum = 0;
	const __u8 none = 0;
	int why;

	if (!t->prev.family || rx_mine(skb, t))
		return RX_NEXT;
	why = t->prev.family == 4 ? rx_readdress4(skb, t) : rx_readdress6(skb, t);
	if (why != RX_NEXT)
		return why;
	if (bpf_skb_store_bytes(skb, hops, &none, sizeof(none), 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + t->udp + offsetof(struct udphdr, check), &no_sum,
				sizeof(no_sum), 0))
		return LB_RX_DROP_FAILED;
	return LB_RX_OK_SENT_ON;
}

#endif
