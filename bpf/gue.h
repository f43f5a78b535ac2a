/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gue.h - what goes over the wire between balancer and receiver with `encap gue`: Generic UDP Encapsulation, variant 0
 * (draft-ietf-intarea-gue-09), no flags, and in its private data, when there is some, one of the records below. Whoever
 * knows none of them, say Linux's fou, passes them over by the header's length.
 *
 * The UDP checksum is zero, over IPv6 too (RFC 6935 and 6936): what is in the tunnel has its own.
 */
#ifndef LB_GUE_H
#define LB_GUE_H

#include <linux/types.h>
#include <linux/udp.h>

struct lb_gue {
	__u8 hlen; /* variant and control bit, all zero; then the words of private data */
	__u8 proto; /* of the inner packet: IPPROTO_IPIP or IPPROTO_IPV6 */
	__be16 flags;
};
_Static_assert(sizeof(struct lb_gue) == 4, "lb_gue goes over the wire");

/* The private data: */
enum lb_gue_type {
	/* Another real that may have the connection, behind the header, 4 bytes or 16, of the outer packet's family: who had
	 * the flow's slot before, or, where the session cache chose, whom the table names (lb_other() in table.h). */
	LB_GUE_PREV = 0x4c01,
	/* One node's fragment to the node at which they meet (fragment.h); nothing behind the header. */
	LB_GUE_FRAGMENT = 0x4c02,
};

struct lb_gue_private {
	__be16 type; /* enum lb_gue_type */
	__u8 hops; /* how many times it may still be sent on: to the previous real 1 or 0 */
	__u8 pad;
};
_Static_assert(sizeof(struct lb_gue_private) == 4, "lb_gue_private goes over the wire");

#define LB_UDP_GUE_LEN (sizeof(struct udphdr) + sizeof(struct lb_gue))
#define LB_GUE_PREV4_LEN (sizeof(struct lb_gue_private) + 4)
#define LB_GUE_PREV6_LEN (sizeof(struct lb_gue_private) + 16)

/* What a packet must leave room for in a tunnel: with GUE also for the name, so that a change of the table moves no path MTU. */
static inline __attribute__((always_inline)) __u32 lb_tunnel_room(int v6, int gue)
{
	__u32 ip = v6 ? 40 : 20, prev = v6 ? LB_GUE_PREV6_LEN : LB_GUE_PREV4_LEN;

	return gue ? ip + LB_UDP_GUE_LEN + prev : ip;
}

#define LB_GUE_PORT 6080 /* IANA's, the default */
/* Outer source ports are those of IANA's dynamic range, chosen by the flow's hash. */
#define LB_GUE_SPORT 0xc000
#define LB_GUE_SPORT_MASK 0x3fff

#endif
