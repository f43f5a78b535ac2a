// SPDX-License-Identifier: GPL-2.0
/*
 * hc.bpf.c - health checks through the tunnel: on clsact egress of the L4LB, a packet whose mark
 * says LB_HC_MARK and a real's id (SO_MARK of the check's socket) is put into the tunnel to that real,
 * with the header that a client's packet would get; or it gets the addresses that such a packet would get. The real answers from the VIP, straight to us.
 * All other packets go on to the next filter (TC_ACT_UNSPEC).
 *
 * So the route to the VIPs, the default route as a rule, must lead out by a device that has this
 * program; where the tunnel's packet then leaves is for the routes to the real, or `via`, to say. A
 * mark without such a real, no route, no source, too big: dropped, so that the check times out
 * rather than reaching another real.
 *
 * Checksums. The local stack leaves the transport checksum to the device (CHECKSUM_PARTIAL), which
 * stays right here, as with the kernel's own ipip: bpf_skb_adjust_room() makes the buffer a tunnel's,
 * and on the way out the kernel (validate_xmit_skb) computes what the device does not for tunnelled
 * packets. So does it cut joined segments. veth offers everything, therefore the far end of a veth
 * sees them unmade, and its own kernel knows that they are; only XDP there, which sees bare bytes,
 * must not send them on.
 *
 * Sizes. What we send is bounded by the MSS in the real's SYN-ACK: `receiver ... mss auto` over there
 * leaves room for the outer header, for our packets as for the clients'. Joined segments get
 * shorter by the outer header. Else a packet that does not fit is dropped, as a client's would be;
 * lowering the MSS of our SYN would only shorten the answers, which are in no tunnel.
 */
#include <linux/pkt_cls.h>

#include "bpf/hc.h"

SEC("tc")
int lb_hc(struct __sk_buff *skb)
{
	const struct lb_real *r;
	struct hc_way w = {};
	struct lb_pkt p = {};

	if ((skb->mark & LB_HC_MARK_MASK) != LB_HC_MARK)
		return TC_ACT_UNSPEC;
	r = hc_real(skb);
	if (!r || hc_inner(skb, &p) != LB_NEXT || hc_route(skb, r, &w) != LB_NEXT ||
	    hc_send(skb, &p, &w) != LB_NEXT)
		return TC_ACT_SHOT;
	skb->mark = 0; /* it passes by here again */
	return hc_forward(skb, &w);
}

char LICENSE[] SEC("license") = "GPL";
