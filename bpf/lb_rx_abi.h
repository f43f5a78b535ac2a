/* SPDX-License-Identifier: GPL-2.0 */
/* lb_rx_abi.h - the receiver's maps. Part of lb_abi.h. */
#ifndef LB_RX_ABI_H
#define LB_RX_ABI_H

#include <linux/types.h>

/* Like LB_ABI_VERSION, for what is in this file: a receiver outlives the balancer's versions. */
#define LB_RX_ABI_VERSION 4

/*
 * The receiver (rx.bpf.c). Its maps stand beside those of the balancer and need none of them.
 *
 * rx_dev: ifindex -> settings of one receiving device.
 * rx_local: the host's own addresses (value 1); a tunnel that ends elsewhere is not ours.
 * rx_from: longest-prefix match over ifindex, family and outer source address (value 1).
 * rx_vip: inner destinations seen in SYNs, so the addresses whose SYN-ACKs need a smaller MSS.
 * count_rx: enum lb_rx_why -> struct lb_count. Segments that the kernel joined count one by one;
 *	their headers, all but the first, are missing from the bytes.
 */
#define LB_RX_LOCALS_MAX 65536u
#define LB_RX_FROMS_MAX 65536u
#define LB_RX_VIPS_MAX 16384u
/* Destination options followed before a tunnel's header (RFC 2473 has one). */
#define LB_RX_EXT_MAX 2u

struct lb_rx_dev {
	__u32 mss; /* 0: leave it; 1: auto; else the most that a SYN-ACK may say */
	__u32 mtu; /* of the device, when the receiver was added */
	__u8 made_clsact; /* 1: lbtool made the clsact qdisc, and removes it */
	__u8 pad;
	__be16 gue_port; /* of UDP */
	__u32 version; /* LB_RX_ABI_VERSION of who wrote it */
};
_Static_assert(sizeof(struct lb_rx_dev) == 16, "lb_rx_dev is ABI");
#define LB_RX_MSS_AUTO 1u
#define LB_RX_MSS_LEAST 88u /* auto goes no lower, whatever the MTU; what Linux takes from a peer */

struct lb_rx_addr {
	__u32 family; /* 4 or 6 */
	__u8 addr[16]; /* IPv4: the first four bytes, the rest zero */
};
_Static_assert(sizeof(struct lb_rx_addr) == 20, "lb_rx_addr is ABI");

struct lb_rx_from {
	__u32 prefixlen; /* bits after this word: 64 + the prefix's length */
	__be32 ifindex; /* network order, since the trie compares bits from the first byte on */
	__be32 family;
	__u8 addr[16];
};
_Static_assert(sizeof(struct lb_rx_from) == 28, "lb_rx_from is ABI");

/* A number of a device (rx_dscp.h): the value of rx_dscp is the VIP, a struct lb_rx_addr. */
#define LB_RX_DSCPS_MAX 4096u
struct lb_rx_number {
	__u32 ifindex;
	__u8 family; /* 4 or 6 */
	__u8 dscp; /* 1-63 */
	__u8 pad[2];
};
_Static_assert(sizeof(struct lb_rx_number) == 8, "lb_rx_number is ABI");

struct lb_rx_vip {
	__u32 outer_len; /* bytes of outer headers, the most seen: 20 or 40, and their options */
	__u32 pad;
};
_Static_assert(sizeof(struct lb_rx_vip) == 8, "lb_rx_vip is ABI");

#endif
