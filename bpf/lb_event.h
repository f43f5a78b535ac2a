/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lb_event.h - what became of one packet, and who wants to know. Part of lb_abi.h.
 *
 * `lbtool get` loads the program a second time, to be asked (trace.h): it reads the live maps, writes to maps of its own
 * alone, and leaves the record of a packet in map `event`. In the live program that map is per CPU, a place to
 * write to before the record goes to the listeners (`lbtool monitor`).
 *
 * A listener takes one of LB_LISTENERS places: a struct lb_listener in map `listener`, which says what it wants, and a ring
 * buffer of its own in map `events`. Its place is leased: after `until` it counts as free, whatever became of its owner.
 * While any place is leased lb_meta.watch is not 0. Listeners set it, every now and then again, to the least of their
 * samples; the program that finds no lease clears it.
 */
#ifndef LB_EVENT_H
#define LB_EVENT_H

#include "bpf/lb_abi.h"

enum lb_event_flags {
	LB_EV_V6 = 1,
	LB_EV_SERVICE =
		2, /* vip, pool, svc_port are known; then slot, slots and table, unless slots is 0 */
	LB_EV_ANY = 4, /* by the service of any port */
	LB_EV_KEPT = 8, /* the session cache knew the real */
	LB_EV_QUOTED =
		16, /* an ICMP error; addresses, ports and protocol are those of the flow that it is about */
	LB_EV_FRAGMENT = 32, /* ports count as 0 */
	LB_EV_OWN = 64, /* by the port of one real alone (LB_SVC_REAL): there is no slot */
	LB_EV_TRACKED = 128, /* a fragment that follows its datagram's first: no slot either */
};

struct lb_event_real {
	__u8 addr[16]; /* as in struct lb_real */
	__u8 family; /* 0: none */
	__u8 encap;
	__u16 id;
};

struct lb_event {
	__u64 time; /* nanoseconds, CLOCK_MONOTONIC */
	__u64 hash; /* of the flow */
	__u64 src[2], dst[2]; /* IPv4: the first four bytes; all zero: no IP packet */
	__u32 why; /* enum lb_why */
	__u32 frame, len; /* bytes of the frame and, once it is known, of the IP packet in it */
	__u32 in; /* ifindex by which it came */
	__u32 vip;
	__u32 slot, slots; /* of the pool's table, counted from its first */
	__be16 sport, dport;
	__u16 pool;
	__u8 proto, tcp_flags;
	__u8 flags; /* enum lb_event_flags */
	__u8 half; /* of pool */
	__u8 via_family; /* 4 or 6, of `via`; 0 in the live program, which asks once in a while only */
	__u8 dscp; /* the service's number */
	__u32 via_out; /* ifindex of the device that the next hop is on */
	__u8 via[16]; /* the next hop's address */
	char pool_name[LB_POOL_NAME_LEN];
	/* Who gets it, who had the slot before, if the packet says so, and whom the table names. */
	struct lb_event_real real, prev, table;
	struct lb_nexthop hop; /* `out` 0: it did not come so far */
};
_Static_assert(sizeof(struct lb_event) == 280, "lb_event is ABI");
_Static_assert(LB_WHY_MAX <= 64, "struct lb_listener has a bit for each reason");

#define LB_LISTENERS 8u
#define LB_LISTEN_RING 262144u /* bytes of a listener's ring buffer */
#define LB_LISTEN_BURST 125000000u /* nanoseconds whose events may come at once */
/* Of lb_meta.watch, so that the end of the last lease is noticed before long. */
#define LB_WATCH_MAX 65536u

enum lb_listen_flags { LB_LISTEN_DST = 1, LB_LISTEN_PORT = 2, LB_LISTEN_PROTO = 4 };

struct lb_listener {
	/* Nanoseconds, CLOCK_MONOTONIC; in the past: the place is free. Taken and renewed by compare-and-swap: who finds
	 * another value than its own has lost the place. */
	__u64 until;
	__u64 whys; /* reasons that are wanted, bit 1 << enum lb_why */
	__u64 cost; /* nanoseconds that must pass for each event */
	__u64 paid; /* time up to which they are paid for: written by the program */
	__u64 src[2], src_mask[2]; /* source addresses that are wanted, all: zero */
	__u64 dst[2];
	__u32 sample; /* of packets that were not dropped one in so many is wanted */
	__be16 port;
	__u8 proto;
	__u8 flags; /* enum lb_listen_flags */
	__u8 family; /* 4 or 6 with an address, 0: both */
	__u8 pad[7];
};
_Static_assert(sizeof(struct lb_listener) == 96, "lb_listener is ABI");

#endif
