// SPDX-License-Identifier: GPL-2.0
/*
 * rx.bpf.c - the receiver on the L7LB: takes packets out of IPIP and GUE, for lb_rx on clsact ingress, and
 * lowers the MSS of the SYN-ACKs that answer them, lb_rx_mss on clsact egress.
 *
 * Ethernet devices; a VLAN tag is where the kernel keeps it, beside the packet. Outer and inner
 * header may be of either family: 4in4, 6in6, 4in6, 6in4. What ends here is dropped with a reason;
 * all else goes on to the next filter (TC_ACT_UNSPEC), whether it was taken out of a tunnel or is
 * none of our business. What the kernel would refuse as an IP packet (header checksum, lengths, a
 * frame for another host) is left to the kernel to refuse and to count.
 *
 * Both programs see packets that the kernel has joined (GRO, GSO): the lengths and checksums in
 * their headers are those of the joined packet.
 */
#include <linux/pkt_cls.h>

#include "bpf/rx.h"
#include "bpf/rx_decap.h"
#include "bpf/rx_dscp.h"
#include "bpf/rx_mss.h"
#include "bpf/rx_parse.h"
#include "bpf/rx_second.h"

SEC("tc")
int lb_rx(struct __sk_buff *skb)
{
	__u32 bytes = skb->len, packets = skb->gso_segs ? skb->gso_segs : 1;
	struct rx_tunnel t = {};
	int why;

	if ((why = rx_outer(skb, &t)) == RX_NEXT && (why = rx_allow(skb, &t)) == RX_NEXT &&
	    (why = t.inner == 4 ? rx_inner4(skb, &t) : rx_inner6(skb, &t)) == RX_NEXT &&
	    (why = rx_second(skb, &t)) == RX_NEXT && (why = rx_ecn(skb, &t)) == RX_NEXT)
		why = rx_decap(skb, &t);
	if (why == LB_RX_PASS_OTHER)
		why = rx_readdress(skb);
	if (why == LB_RX_OK_DECAP && t.syn)
		rx_remember(&t);
	rx_count(why, packets, bytes);
	/* By the device it came on, resolved by the kernel; bpf_fib_lookup() would ask for forwarding. */
	if (why == LB_RX_OK_SENT_ON)
		return bpf_redirect_neigh(skb->ifindex, 0, 0, 0);
	return why == LB_RX_OK_DECAP || why == LB_RX_OK_DSCP || why == LB_RX_PASS_OTHER ||
			       why == LB_RX_PASS_NOT_LOCAL
		       ? TC_ACT_UNSPEC
		       : TC_ACT_SHOT;
}

SEC("tc")
int lb_rx_mss(struct __sk_buff *skb)
{
	struct rx_synack s = {};
	__u32 most;

	if (rx_is_synack(skb, &s) && (most = rx_mss_bound(skb, &s)) && rx_lower_mss(skb, &s, most))
		rx_count(LB_RX_OK_MSS, 1, skb->len);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
