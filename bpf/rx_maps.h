/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rx_maps.h - the receiver's maps. Keys and values: bpf/lb_abi.h. They are pinned by these names.
 *
 * Those that only the tools write allocate an entry when it is made: room for many costs nothing.
 */
#ifndef RX_MAPS_H
#define RX_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/lb_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LB_DEVS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct lb_rx_dev);
} rx_dev SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LB_RX_LOCALS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lb_rx_addr);
	__type(value, __u8);
} rx_local SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, LB_RX_FROMS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lb_rx_from);
	__type(value, __u8);
} rx_from SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LB_RX_DSCPS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lb_rx_number);
	__type(value, struct lb_rx_addr);
} rx_dscp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LB_RX_VIPS_MAX);
	__type(key, struct lb_rx_addr);
	__type(value, struct lb_rx_vip);
} rx_vip SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_RX_WHY_MAX);
	__type(key, __u32);
	__type(value, struct lb_count);
} count_rx SEC(".maps");

#endif
