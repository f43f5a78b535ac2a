/* SPDX-License-Identifier: GPL-2.0 */
/* push_l2.h - room in front of the packet, and the Ethernet header by which it leaves. */
#ifndef LB_PUSH_L2_H
#define LB_PUSH_L2_H

#include "bpf/maps.h"

/*
 * Makes room for `outer` bytes and writes the Ethernet header; the outer IP header's offset, or 0. The packet had its IP
 * header at l3; what its Ethernet header and these tags had, `had` bytes, was at its beginning.
 */
static __always_inline __u32 lb_push_l2(struct xdp_md *ctx, const struct lb_nexthop *nh, __u8 how,
					__u32 had, __u64 l3, const __u32 *tag, __u32 outer)
{
	__u32 l2 = how & LB_NH_OWN_TAGS ? nh->l2_len : had;
	void *data;

	/* The packet's tags mean something on the device it came on alone. */
	if (l2 != ETH_HLEN && !(how & LB_NH_OWN_TAGS) && nh->out != ctx->ingress_ifindex)
		l2 = ETH_HLEN;

	if (outer + l2 != l3 && bpf_xdp_adjust_head(ctx, (int)l3 - (int)l2 - (int)outer))
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
	if (how & LB_NH_OWN_TAGS) {
		LB_AT(__u64, data + 12) = LB_AT(__u64, nh->l2 + 12);
		LB_AT(__u16, data + 20) = LB_AT(__u16, nh->l2 + 20);
		return l2 == ETH_HLEN + 4 ? ETH_HLEN + 4 : ETH_HLEN + 8;
	}
	LB_AT(__u32, data + 12) = tag[0];
	if (l2 == ETH_HLEN + 4) {
		LB_AT(__u16, data + 16) = LB_AT(__u16, nh->l2 + 12);
		return ETH_HLEN + 4;
	}
	LB_AT(__u32, data + 16) = tag[1];
	LB_AT(__u16, data + 20) = LB_AT(__u16, nh->l2 + 12);
	return ETH_HLEN + 8;
}

#endif
