/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rate.h - so many a second on each CPU, and as many at once: a token bucket, kept as the time up to which all is paid for, in
 * LB_RATE_UNITs of a jiffy (Turner's leaky bucket as virtual scheduling, ITU-T I.371).
 */
#ifndef LB_RATE_H
#define LB_RATE_H

#include "bpf/maps.h"

#define LB_RATE_UNIT 65536

/* map: a per-CPU array of one __u64. */
static __always_inline bool lb_may(void *map, __u32 per_second)
{
	/* A tenth of a second is nexthop_life jiffies. */
	__u64 cost = (__u64)lb_cfg.nexthop_life * LB_NEXTHOP_HZ * LB_RATE_UNIT / per_second;
	__u64 now = bpf_jiffies64() * LB_RATE_UNIT, *paid;
	__u32 zero = 0;

	if (lb_cfg.trace)
		return true;
	paid = bpf_map_lookup_elem(map, &zero);
	if (!paid)
		return false;
	if (now - *paid > per_second * cost)
		*paid = now - per_second * cost;
	if (now - *paid < cost)
		return false;
	*paid += cost;
	return true;
}

#endif
