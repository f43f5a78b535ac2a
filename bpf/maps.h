/* SPDX-License-Identifier: GPL-2.0 */
/*
 * maps.h - the maps of lb.bpf.c. What they hold is in lb_abi.h; sizes of 1 are set by the loader.
 */
#ifndef LB_MAPS_H
#define LB_MAPS_H

#include "bpf/pkt.h"

/* What the loader knows and the packet path need not ask a map for. */
const volatile struct {
	__u64 key[4]; /* odd, made from the seed */
	__u32 buckets, sessions, pools;
	__u32 tick_shift;
	__u32 udp_idle; /* ticks after which a UDP flow is a new one */
	__u32 tcp_idle; /* ticks after which a TCP flow's entry counts no more, and one seen again may be pushed out */
	__u32 mixed_life; /* jiffies after which no entry differs from its pool's table, see map `mixed` */
	__u32 nexthop_life; /* jiffies */
	__u32 trace; /* 1: loaded to be asked, see trace.h: it writes to nothing that packets read */
} lb_cfg = {};

/* A data section of its own is an array of one element, read without a lookup. */
struct lb_meta lb_meta SEC(".data.meta") = {};

#define LB_ARRAY(map, type_, value_, flags_) \
	struct { \
		__uint(type, type_); \
		__uint(max_entries, 1); \
		__uint(map_flags, flags_); \
		__type(key, __u32); \
		__type(value, value_); \
	} map SEC(".maps")

LB_ARRAY(service4, BPF_MAP_TYPE_ARRAY, struct lb_bucket4, BPF_F_MMAPABLE);
LB_ARRAY(service6, BPF_MAP_TYPE_ARRAY, struct lb_bucket6, BPF_F_MMAPABLE);
LB_ARRAY(pool, BPF_MAP_TYPE_ARRAY, struct lb_pool, BPF_F_MMAPABLE);
LB_ARRAY(check, BPF_MAP_TYPE_ARRAY, struct lb_check_conf, BPF_F_MMAPABLE);
LB_ARRAY(table, BPF_MAP_TYPE_ARRAY, struct lb_slots, BPF_F_MMAPABLE);
LB_ARRAY(real, BPF_MAP_TYPE_ARRAY, struct lb_real, BPF_F_MMAPABLE);
LB_ARRAY(health, BPF_MAP_TYPE_ARRAY, struct lb_real_health, BPF_F_MMAPABLE);
LB_ARRAY(session, BPF_MAP_TYPE_ARRAY, struct lb_session, BPF_F_MMAPABLE);
LB_ARRAY(recent, BPF_MAP_TYPE_ARRAY, __u64, 0); /* each program has its own */
LB_ARRAY(mixed, BPF_MAP_TYPE_ARRAY, __u64, BPF_F_MMAPABLE);
LB_ARRAY(nexthop, BPF_MAP_TYPE_PERCPU_ARRAY, struct lb_nexthop, 0);
LB_ARRAY(count_vip, BPF_MAP_TYPE_PERCPU_ARRAY, struct lb_count_vip, 0);
LB_ARRAY(count_real, BPF_MAP_TYPE_PERCPU_ARRAY, struct lb_count, 0);
LB_ARRAY(count_why, BPF_MAP_TYPE_PERCPU_ARRAY, struct lb_count, 0);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LB_DEVS_MAX);
	__type(key, __u32);
	__type(value, struct lb_dev);
} dev SEC(".maps");

static __always_inline void lb_count_at(void *map, const __u32 *id, __u32 bytes)
{
	struct lb_count *c = bpf_map_lookup_elem(map, id);

	if (c) {
		c->packets++;
		c->bytes += bytes;
	}
}

static __always_inline void lb_count(void *map, __u32 id, __u32 bytes)
{
	lb_count_at(map, &id, bytes);
}

static __always_inline void lb_count_vip(const struct lb_pkt *p)
{
	struct lb_count_vip *c = bpf_map_lookup_elem(&count_vip, &p->svc->vip);

	if (!c || p->cache >= LB_CACHE_MAX)
		return;
	c->packets[p->cache]++;
	c->bytes += p->frame;
}

#endif
