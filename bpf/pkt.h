/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pkt.h - what the stages know about a packet.
 *
 * Stages hand on values, never pointers into the packet: those do not survive bpf_xdp_adjust_head().
 * Pointers into maps are fine.
 */
#ifndef LB_PKT_H
#define LB_PKT_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/csum.h"
#include "bpf/lb_abi.h"

struct lb_pkt {
	/* parse.h. Offsets are 64 bits wide since the verifier forgets the bounds of smaller ones that
	 * are kept on the stack. */
	__u64 l3; /* offset of the IP header */
	__u32 l2; /* bytes of the Ethernet header and its tags; l3, unless a peer passed the packet on */
	__u32 hops; /* of a packet that a peer passed on: that it has left, + 1; else 0 */
	__u64 l4; /* offset of the transport header */
	__u64 v6; /* 0 or 1; as wide, lest the verifier take one family's bucket for the other's */
	__u32 frame; /* bytes, Ethernet header included */
	__u32 len; /* bytes of the IP packet, by its own header */
	__u32 tag[LB_VLAN_MAX]; /* VLAN tags as they lie in the packet, TPID and TCI */
	__u8 proto;
	__u8 tos;
	__u8 tcp_flags; /* byte 13 of the header; 0 for others */
	__u8 fragment; /* LB_SVC_FRAGMENT or 0 */
	__u8 quoted; /* 1: an ICMP error; source, ports and protocol are those of the flow that it is about */
	__u8 flags; /* lookup.h: of the service, enum lb_svc_flags */
	__u8 how; /* nexthop.h: flags of the next hop */
	__u8 cache; /* pick.h: enum lb_cache */
	__u64 src[2], dst[2]; /* IPv4: in the low 32 bits of [0], network order */
	__be16 sport, dport; /* of a fragment: 0 */

	/* lookup.h */
	__u32 root; /* of struct lb_meta, read once */
	const struct lb_svc *svc;

	/* pick.h, nexthop.h */
	__u64 hash;
	__u64 key; /* of a first fragment, to keep its real by; else 0 */
	struct lb_nexthop *nh;
	__u32 real;
	__u32 prev; /* who else may have the connection, to be named to the real's receiver; or LB_MARKED and hops; 0: neither */
	__u32 out; /* ifindex by which it leaves */
};

/* Which half of pools and reals is live for this packet, 0 or 1; of the services: lb_root_services(p->root). */
static __always_inline __u32 lb_half(const struct lb_pkt *p)
{
	return p->root & 1;
}

#define LB_MARKED 0x10000u /* in `prev`: a fragment on its way to a peer */

/* Loads and stores of words at any alignment; x86 does them, and the verifier lets it. Through memcpy()
 * clang would move byte by byte. */
#define LB_AT(type, p) (*(type *)(p))

#define LB_READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define LB_WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/* 1 for 0, else 0; and the larger one. A branch would be foreseen by no CPU, or all its ways be walked by the verifier. */
static __always_inline __u64 lb_none(__u64 x)
{
	x = (x - 1) & ~x;
	barrier_var(x);
	return x >> 63;
}

static __always_inline __s64 lb_max(__s64 a, __s64 b)
{
	__s64 less = a - b, mask = less >> 63;

	barrier_var(mask);
	return a - (less & mask);
}

static __always_inline void *lb_data(const struct xdp_md *ctx)
{
	return (void *)(long)ctx->data;
}

static __always_inline void *lb_data_end(const struct xdp_md *ctx)
{
	return (void *)(long)ctx->data_end;
}

#endif
