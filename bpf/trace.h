/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h - the program that is loaded to be asked (lb_cfg.trace, `lbtool get`), and the record it leaves.
 *
 * It is the same program: what it may not do, write to the session cache, and what it must do anew each time, ask for the next hop, are
 * branches on a constant, of which the verifier leaves nothing in the live one.
 */
#ifndef LB_TRACE_H
#define LB_TRACE_H

#include "bpf/lb_event.h"
#include "bpf/maps.h"

LB_ARRAY(event, BPF_MAP_TYPE_PERCPU_ARRAY, struct lb_event, 0);

static __always_inline struct lb_event *lb_event(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&event, &zero);
}

/* What bpf_fib_lookup() says of the neighbour, which struct lb_nexthop has no room for. */
static __always_inline void lb_trace_hop(const struct bpf_fib_lookup *fib, int why)
{
	struct lb_event *ev;

	if (!lb_cfg.trace || (why != LB_NEXT && why != LB_DROP_NO_NEIGH))
		return;
	ev = lb_event();
	if (!ev)
		return;
	ev->via_family = fib->family == 2 ? 4 : 6;
	ev->via_out = fib->ifindex;
	__builtin_memcpy(ev->via, fib->ipv6_dst, sizeof(ev->via));
}

#endif
