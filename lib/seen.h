/* SPDX-License-Identifier: GPL-2.0 */
/*
 * seen.h - a packet and what the program made of it: the answer of lib/trace.h, the news of lib/listen.h.
 */
#ifndef LIB_SEEN_H
#define LIB_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/parse.h"

/* Who chose the real: the table, the session cache, the port, which is that real's own, or a fragment's first one. */
enum lb_by { LB_BY_TABLE, LB_BY_SESSION, LB_BY_PORT, LB_BY_FIRST };
extern const char *const lb_by_names[]; /* "table", "session", "port", "first" */

/* What is not known has family 0, "" or 0; ifindexes are those of the network namespace that the packet was in. */
struct lb_seen {
	uint64_t time; /* nanoseconds, CLOCK_MONOTONIC */
	uint32_t why; /* lb_why_name() of lib/maps.h */
	uint32_t in; /* ifindex by which it came */
	uint32_t frame, len; /* bytes of the frame, and of the IP packet in it */

	/* The flow: of an ICMP error (quoted) that of the packet it is about. */
	struct lb_addr src, dst;
	uint16_t sport, dport; /* of a fragment: 0 */
	uint8_t proto, tcp_flags;
	bool quoted, fragment;

	/* The service, and where the table has the flow. */
	struct lb_service vip;
	char pool[LB_NAME_MAX + 1];
	uint64_t hash;
	uint32_t slot, slots; /* slots 0: the pool has no table, or it was not asked */
	struct lb_addr table; /* whom the slot names */

	/* Who gets it. */
	struct lb_addr real;
	enum lb_by by;
	struct lb_addr prev; /* who else may have the connection, named in the packet */
	const char *encap; /* "" or as lb_encap_names[] has it */
	struct lb_addr outer_src, outer_dst; /* dscp: only a destination; l2: neither */
	uint8_t dscp; /* in the place of the packet's own, with encap dscp; else 0 */
	uint16_t port; /* of UDP, destination of the outer packet; 0: none */

	/* The way there. */
	struct lb_addr via; /* the next hop's address: of lib/trace.h alone */
	uint32_t via_out; /* the device it is on */
	bool hop; /* the rest is known */
	uint8_t lladdr[6];
	uint32_t out; /* ifindex by which packets leave: of a VLAN device the one below */
	uint16_t mtu; /* of outer packets */
};

/* Did the packet go to a real, or on to a peer? */
bool lb_seen_sent(const struct lb_seen *s);

#endif
