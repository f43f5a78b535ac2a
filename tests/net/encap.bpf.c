/* SPDX-License-Identifier: GPL-2.0 */
/*
 * encap.bpf.c - tc egress of a client: puts what goes to a VIP of tap.sh's pair into IPIP, as an
 * L4LB between the client and the receiver would, but with joined packets (GSO) and checksums still
 * to be made. Sections: to4, to6 by the family of the outer header; ce4, ce6 mark ECN-capable
 * packets as congested too.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct inner {
	__u32 len;
	__u8 proto, tos;
};

static __always_inline int is_vip(struct __sk_buff *skb, struct inner *in, __u8 congested)
{
	struct ipv6hdr ip6;
	struct iphdr ip4;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip4, sizeof(ip4)) ||
		    (ip4.daddr & bpf_htonl(0xffffff00)) != bpf_htonl(0xcb007100))
			return 0;
		in->proto = IPPROTO_IPIP;
		in->tos = ip4.tos;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6)) ||
		    ip6.daddr.in6_u.u6_addr32[0] != bpf_htonl(0x20010db8) ||
		    ip6.daddr.in6_u.u6_addr16[2] != bpf_htons(0x0113))
			return 0;
		in->proto = IPPROTO_IPV6;
		in->tos = ip6.priority << 4 | ip6.flow_lbl[0] >> 4;
	} else {
		return 0;
	}
	if (in->tos & 3)
		in->tos |= congested;
	in->len = skb->len - ETH_HLEN;
	return 1;
}

static __always_inline int put(struct __sk_buff *skb, void *outer, __u32 len, __be16 type,
			       __u64 flags)
{
	if (bpf_skb_adjust_room(skb, len, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO | flags) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, outer, len, 0) ||
	    bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto), &type, sizeof(type), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

static __always_inline int outer4(struct __sk_buff *skb, __u8 congested)
{
	union {
		struct iphdr ip;
		__u16 word[10];
	} h = {.ip = {.version = 4, .ihl = 5, .ttl = 64, .frag_off = bpf_htons(0x4000)}};
	struct inner in;
	__u32 sum = 0;

	if (!is_vip(skb, &in, congested))
		return TC_ACT_OK;
	h.ip.protocol = in.proto;
	h.ip.tos = in.tos;
	h.ip.tot_len = bpf_htons(in.len + sizeof(h));
	h.ip.saddr = bpf_htonl(0x0a090001);
	h.ip.daddr = bpf_htonl(0x0a090002);
	for (int i = 0; i < 10; i++)
		sum += h.word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	h.ip.check = ~(sum + (sum >> 16));
	return put(skb, &h, sizeof(h), bpf_htons(ETH_P_IP), BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);
}

static __always_inline int outer6(struct __sk_buff *skb, __u8 congested)
{
	struct ipv6hdr ip = {.version = 6, .hop_limit = 64};
	struct inner in;

	if (!is_vip(skb, &in, congested))
		return TC_ACT_OK;
	ip.nexthdr = in.proto;
	ip.priority = in.tos >> 4;
	ip.flow_lbl[0] = in.tos << 4;
	ip.payload_len = bpf_htons(in.len);
	ip.saddr.in6_u.u6_addr32[0] = ip.daddr.in6_u.u6_addr32[0] = bpf_htonl(0x20010db8);
	ip.saddr.in6_u.u6_addr32[1] = ip.daddr.in6_u.u6_addr32[1] = bpf_htonl(0x00090000);
	ip.saddr.in6_u.u6_addr32[3] = bpf_htonl(1);
	ip.daddr.in6_u.u6_addr32[3] = bpf_htonl(2);
	return put(skb, &ip, sizeof(ip), bpf_htons(ETH_P_IPV6), BPF_F_ADJ_ROOM_ENCAP_L3_IPV6);
}

SEC("to4") int encap_to4(struct __sk_buff *skb)
{
	return outer4(skb, 0);
}

SEC("to6") int encap_to6(struct __sk_buff *skb)
{
	return outer6(skb, 0);
}

SEC("ce4") int encap_ce4(struct __sk_buff *skb)
{
	return outer4(skb, 3);
}

SEC("ce6") int encap_ce6(struct __sk_buff *skb)
{
	return outer6(skb, 3);
}

char LICENSE[] SEC("license") = "GPL";
