/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rx_dscp.h - L3DSR at the real: a packet to this host's own address whose DSCP is a number of the device's becomes one to
 * the VIP of that number again, and its DSCP 0 (readdress.h).
 *
 * It has no tunnel and comes from the client, so nothing tells who sent it: whoever can reach the host can set a DSCP.
 * That opens no more than the VIP does, which takes packets from everybody.
 */
#ifndef RX_DSCP_H
#define RX_DSCP_H

#include "bpf/readdress.h"
#include "bpf/rx.h"

#define RX_DSCP_EXT_MAX 6u

static __always_inline const struct lb_rx_addr *rx_numbered(struct __sk_buff *skb, __u8 family,
							    __u8 dscp)
{
	struct lb_rx_number key = {.ifindex = skb->ifindex, .family = family, .dscp = dscp};

	return dscp ? bpf_map_lookup_elem(&rx_dscp, &key) : 0;
}

/*
 * Over extension headers to the transport header: its offset, with its protocol in *proto. A later fragment has none, and no
 * checksum: *proto is IPPROTO_FRAGMENT then.
 */
static __always_inline __u32 rx_over_headers(struct __sk_buff *skb, __u32 off, __u8 *proto)
{
	__u8 ext[4];

	for (__u32 i = 0; i < RX_DSCP_EXT_MAX; i++) {
		if (*proto != IPPROTO_HOPOPTS && *proto != IPPROTO_ROUTING &&
		    *proto != IPPROTO_DSTOPTS && *proto != IPPROTO_FRAGMENT)
			break;
		if (bpf_skb_load_bytes(skb, off, ext, sizeof(ext)))
			break;
		if (*proto == IPPROTO_FRAGMENT && (ext[2] || ext[3] & 0xf8))
			break;
		off += *proto == IPPROTO_FRAGMENT ? 8 : (ext[1] + 1) * 8;
		*proto = ext[0];
	}
	return off;
}

static __always_inline int rx_dscp4(struct __sk_buff *skb)
{
	const struct lb_rx_addr *vip;
	struct lb_rx_addr to = {};
	struct iphdr ip;
	__be32 addr;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5)
		return LB_RX_PASS_OTHER;
	vip = rx_numbered(skb, 4, ip.tos >> 2);
	rx_addr4(&to, ip.daddr);
	if (!vip || !bpf_map_lookup_elem(&rx_local, &to))
		return LB_RX_PASS_OTHER;
	__builtin_memcpy(&addr, vip->addr, sizeof(addr));
	return skb_readdress4(skb, addr, 0) ? LB_RX_DROP_FAILED : LB_RX_OK_DSCP;
}

static __always_inline int rx_dscp6(struct __sk_buff *skb)
{
	const struct lb_rx_addr *vip;
	struct lb_rx_addr to = {};
	struct ipv6hdr ip;
	__u8 proto;
	__u32 l4;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.version != 6)
		return LB_RX_PASS_OTHER;
	vip = rx_numbered(skb, 6, (ip.priority << 4 | ip.flow_lbl[0] >> 4) >> 2);
	rx_addr6(&to, &ip.daddr);
	if (!vip || !bpf_map_lookup_elem(&rx_local, &to))
		return LB_RX_PASS_OTHER;
	proto = ip.nexthdr;
	l4 = rx_over_headers(skb, ETH_HLEN + sizeof(ip), &proto);
	return skb_readdress6(skb, vip->addr, 0, l4, proto) ? LB_RX_DROP_FAILED : LB_RX_OK_DSCP;
}

static __always_inline int rx_readdress(struct __sk_buff *skb)
{
	if (skb->pkt_type != PACKET_HOST)
		return LB_RX_PASS_OTHER;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return rx_dscp4(skb);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return rx_dscp6(skb);
	return LB_RX_PASS_OTHER;
}

#endif
