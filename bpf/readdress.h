/* SPDX-License-Identifier: GPL-2.0 */
/*
 * readdress.h - L3DSR, as Yahoo described it: the destination of a packet to a VIP becomes the real's address, and
 * the DSCP says which VIP it was; at the real it becomes the VIP again, and the DSCP 0. What ECN says stays, checksums
 * are mended.
 */
#ifndef LB_READDRESS_H
#define LB_READDRESS_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/csum.h"

/* Both return what a transport checksum over the addresses must be mended by. */
static __always_inline __u64 lb_readdress4(struct iphdr *ip, __be32 to, __u8 dscp)
{
	__u64 more = (__u64)(__u32)~ip->daddr + to;
	__u8 tos = dscp << 2 | (ip->tos & 3);

	ip->check = lb_csum_mend(ip->check, more + (__u16)~bpf_htons(ip->tos) + bpf_htons(tos));
	ip->tos = tos;
	ip->daddr = to;
	return more;
}

static __always_inline __u64 lb_readdress6(struct ipv6hdr *ip, const void *to, __u8 dscp)
{
	__u32 *was = ip->daddr.s6_addr32;
	const __u32 *is = to;
	__be16 *class = (void *)ip;
	__u64 more = 0;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		more += (__u64)(__u32)~was[i] + is[i];
		was[i] = is[i];
	}
	*class = (*class & bpf_htons(0xf03f)) | bpf_htons(dscp << 6);
	return more;
}

/* Where a transport header has its checksum over the addresses; 0: it has none. */
static __always_inline __u32 lb_csum_at(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check);
	case IPPROTO_UDP:
		return offsetof(struct udphdr, check);
	case IPPROTO_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

/*
 * In buffers (tc). A checksum that the device has yet to complete is one over the addresses so far, and is mended as
 * such; one of UDP that is not there stays so, and one that comes out as 0 is not (RFC 768).
 */
static __always_inline int skb_mend(struct __sk_buff *skb, __u32 l4, __u8 proto, __u64 more)
{
	__u32 at = lb_csum_at(proto);
	__u64 flags = BPF_F_PSEUDO_HDR;

	if (proto == IPPROTO_UDP)
		flags |= BPF_F_MARK_MANGLED_0;
	return at ? bpf_l4_csum_replace(skb, l4 + at, 0, lb_csum_32(more), flags) : 0;
}

/* Of IPv4 fragments only the first has a transport header. 0, or an error of the kernel's. */
static __always_inline int skb_readdress4(struct __sk_buff *skb, __be32 to, __u8 dscp)
{
	struct iphdr ip;
	__u64 more;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return -1;
	more = lb_readdress4(&ip, to, dscp);
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0))
		return -1;
	if (ip.frag_off & bpf_htons(0x1fff))
		return 0;
	return skb_mend(skb, ETH_HLEN + ip.ihl * 4u, ip.protocol, more);
}

/*
 * proto: of the transport header at offset l4; 0: there is none. The sum that a device made over the whole packet
 * (CHECKSUM_COMPLETE) does not change: as no header checksum makes up for the address, it must hear of it.
 */
static __always_inline int skb_readdress6(struct __sk_buff *skb, const void *to, __u8 dscp,
					  __u32 l4, __u8 proto)
{
	struct ipv6hdr ip;
	__u64 more;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return -1;
	more = lb_readdress6(&ip, to, dscp);
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM))
		return -1;
	return skb_mend(skb, l4, proto, more);
}

#endif
