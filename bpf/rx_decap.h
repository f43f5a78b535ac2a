/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rx_decap.h - the outer header goes; what it said of congestion goes on.
 */
#ifndef RX_DECAP_H
#define RX_DECAP_H

#include "bpf/rx_parse.h"

enum { RX_NOT_ECT, RX_ECT1, RX_ECT0, RX_CE };

static __always_inline int rx_set_ecn(struct __sk_buff *skb, struct rx_tunnel *t, __u8 ecn)
{
	__u32 off = ETH_HLEN + t->outer_len;
	__be16 old, new;

	if (bpf_skb_load_bytes(skb, off, &old, sizeof(old)))
		return LB_RX_DROP_FAILED;
	if (t->inner == 4) {
		new = (old & bpf_htons(0xfffc)) | bpf_htons(ecn);
		if (bpf_l3_csum_replace(skb, off + offsetof(struct iphdr, check), old, new, 2) ||
		    bpf_skb_store_bytes(skb, off, &new, sizeof(new), 0))
			return LB_RX_DROP_FAILED;
	} else {
		new = (old & bpf_htons(0xffcf)) | bpf_htons(ecn << 4);
		if (bpf_skb_store_bytes(skb, off, &new, sizeof(new), BPF_F_RECOMPUTE_CSUM))
			return LB_RX_DROP_FAILED;
	}
	t->inner_ecn = ecn;
	return RX_NEXT;
}

/* RFC 6040, section 4.2: of the two marks the more severe one goes on. */
static __always_inline int rx_ecn(struct __sk_buff *skb, struct rx_tunnel *t)
{
	if (t->inner_ecn == RX_NOT_ECT)
		return t->ecn == RX_CE ? LB_RX_DROP_ECN : RX_NEXT;
	if ((t->ecn == RX_CE && t->inner_ecn != RX_CE) ||
	    (t->ecn == RX_ECT1 && t->inner_ecn == RX_ECT0))
		return rx_set_ecn(skb, t, t->ecn);
	return RX_NEXT;
}

/*
 * bpf_skb_adjust_room() believes skb->protocol: it keeps a header of that family, and before 6.3
 * it cannot be told that another one is coming. So where the families differ
 * bpf_skb_change_proto() goes first, which sets skb->protocol and puts in or takes out 20 bytes.
 *
 * Nothing outside has a checksum over the inner packet: what the device verified is the inner one,
 * and stays verified (NO_CSUM_RESET), as in the kernel's own ipip. The hash of the outer addresses
 * goes.
 */
static __always_inline int rx_decap(struct __sk_buff *skb, struct rx_tunnel *t)
{
	const int wider = sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	__be16 proto = t->inner == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	int cut = t->outer_len;

	if (skb->protocol != proto) {
		if (bpf_skb_change_proto(skb, proto, 0))
			return LB_RX_DROP_FAILED;
		cut += t->inner == 4 ? -wider : wider;
		if (bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto), &proto,
					sizeof(proto), 0))
			return LB_RX_DROP_FAILED;
	}
	if (bpf_skb_adjust_room(skb, -cut, BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET))
		return LB_RX_DROP_FAILED;
	bpf_set_hash_invalid(skb);
	return LB_RX_OK_DECAP;
}

/* Remembers whose SYN-ACKs need a smaller MSS. A known address costs no update, only a look. */
static __always_inline void rx_remember(const struct rx_tunnel *t)
{
	struct lb_rx_vip *old, new = {.outer_len = t->outer_len};

	/* Room for the previous real's name, which not all packets carry. */
	if (t->udp)
		new.outer_len = t->udp + RX_UDP_GUE_LEN +
				(t->to.family == 4 ? LB_GUE_PREV4_LEN : LB_GUE_PREV6_LEN);

	old = bpf_map_lookup_elem(&rx_vip, &t->vip);
	if (!old || old->outer_len < new.outer_len)
		bpf_map_update_elem(&rx_vip, &t->vip, &new, BPF_ANY);
}

#endif
