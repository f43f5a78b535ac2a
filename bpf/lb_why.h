/* SPDX-License-Identifier: GPL-2.0 */
/* lb_why.h - why a packet left the path, and what became of it at the receiver. Part of lb_abi.h. */
#ifndef LB_WHY_H
#define LB_WHY_H

/*
 * Why a packet left the path: index of count_why, and of lb_why_name[] in the tools. The name of
 * each begins with what became of the packet: tx (left by us), pass (given to the kernel), drop.
 */
#define LB_WHYS(X) \
	X(TX, "tx", "forwarded, by the device it came on") \
	X(TX_REDIRECT, "tx_redirect", "forwarded, by another device") \
	X(TX_PEER, "tx_peer", "a fragment, passed on to the node at which its datagram's meet") \
	X(TX_ECHO, "tx_echo", "echo request to a VIP, answered") \
	X(TX_TOO_BIG, "tx_too_big", \
	  "does not fit the path to the real once encapsulated, answered with what would") \
	X(PASS_NOT_IP, "pass_not_ip", "not IPv4 or IPv6, or too short to tell") \
	X(PASS_L2_GROUP, "pass_l2_group", "Ethernet broadcast or multicast") \
	X(PASS_NO_VIP, "pass_no_vip", "the destination is no VIP") \
	X(DROP_NO_SERVICE, "drop_no_service", "a VIP, but no service on that port and protocol") \
	X(DROP_FRAGMENT, "drop_fragment", "a fragment to a VIP whose services take none") \
	X(DROP_FRAGMENT_EARLY, "drop_fragment_early", \
	  "a fragment whose datagram's first one did not come in time") \
	X(DROP_FRAGMENT_RATE, "drop_fragment_rate", "a fragment, enough were tracked") \
	X(DROP_SHORT, "drop_short", "to a VIP, ends before its transport header does") \
	X(DROP_BAD_LENGTH, "drop_bad_length", \
	  "to a VIP, header lengths that contradict each other or the frame") \
	X(DROP_BAD_SOURCE, "drop_bad_source", "to a VIP, from an address that no host may have") \
	X(DROP_EXT_HEADERS, "drop_ext_headers", \
	  "to a VIP, more IPv6 extension headers than are followed") \
	X(DROP_ICMP, "drop_icmp", "ICMP to a VIP, neither an echo request nor an error") \
	X(DROP_ICMP_QUOTE, "drop_icmp_quote", \
	  "ICMP error to a VIP, quotes no TCP or UDP packet from it") \
	X(DROP_NO_REAL, "drop_no_real", "the pool has no real to send to") \
	X(DROP_NO_ROUTE, "drop_no_route", "no route to the real") \
	X(DROP_NO_NEIGH, "drop_no_neigh", "the next hop to the real is not resolved") \
	X(DROP_NO_FORWARD, "drop_no_forward", "forwarding is off for the device") \
	X(DROP_GATEWAY, "drop_gateway", "the real is reached by l2, and is on no segment of ours") \
	X(DROP_NO_SOURCE, "drop_no_source", "no address to send the tunnel's packets from") \
	X(DROP_TOO_BIG, "drop_too_big", \
	  "does not fit the path to the real, and no answer would help or is allowed") \
	X(DROP_TOO_BIG_RATE, "drop_too_big_rate", \
	  "does not fit the path to the real, enough were answered") \
	X(DROP_TTL, "drop_ttl", "the real is reached by dscp, and TTL or hop limit is used up") \
	X(DROP_NO_ROOM, "drop_no_room", "the driver leaves no room for the outer header")

enum lb_why {
	LB_NEXT, /* not an end: the next stage goes on */
#define X(id, name, text) LB_##id,
	LB_WHYS(X)
#undef X
	/* clang-format off */
	LB_WHY_MAX,
	/* clang-format on */
};
/* Where the reasons of one kind begin: the XDP action follows from it. */
#define LB_WHY_ANSWER LB_TX_ECHO /* before it: to a real or a peer */
#define LB_WHY_PASS LB_PASS_NOT_IP
#define LB_WHY_DROP LB_DROP_NO_SERVICE

/* The receiver's: index of count_rx. */
#define LB_RX_WHYS(X) \
	X(PASS_OTHER, "pass_other", \
	  "not a tunnel's packet, or one that the kernel itself refuses") \
	X(PASS_NOT_LOCAL, "pass_not_local", "a tunnel that ends at another host") \
	X(OK_DECAP, "decap", "taken out of the tunnel") \
	X(OK_DSCP, "dscp", "of a VIP that its DSCP named, which it has again") \
	X(OK_SENT_ON, "sent_on", \
	  "of no connection here, sent on to the real that had its flow before") \
	X(DROP_FROM, "drop_from", "a tunnel from a source that is not allowed") \
	X(DROP_SHORT, "drop_short", \
	  "inner packet truncated, of another family than the tunnel says, or with lengths that " \
	  "contradict each other") \
	X(DROP_INNER, "drop_inner", "inner packet from or to loopback, multicast or broadcast") \
	X(DROP_FRAGMENT, "drop_fragment", "a fragment of a tunnel's packet") \
	X(DROP_ECN, "drop_ecn", \
	  "congestion marked outside, inner packet not ECN-capable (RFC 6040)") \
	X(DROP_TTL, "drop_ttl", "to be sent on, outer TTL used up") \
	X(DROP_FAILED, "drop_failed", "the kernel refused to shorten the packet") \
	X(OK_MSS, "mss", "SYN-ACK whose MSS was lowered")

enum lb_rx_why {
#define X(id, name, text) LB_RX_##id,
	LB_RX_WHYS(X)
#undef X
	/* clang-format off */
	LB_RX_WHY_MAX,
	/* clang-format on */
};

#endif
