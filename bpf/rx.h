/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rx.h - what the two programs of the receiver share.
 */
#ifndef RX_H
#define RX_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/lb_abi.h"
#include "bpf/rx_maps.h"

#define RX_NEXT LB_RX_WHY_MAX /* not an end: the next stage goes on */

#define RX_IP_MF_OFFSET 0x3fff /* more fragments, and the offset */
#define RX_IP_OFFSET 0x1fff
#define RX_UDP_GUE_LEN 12u
#define RX_TCP_FLAGS 13 /* offset in the header */
#define RX_TCP_SYN 0x02
#define RX_TCP_ACK 0x10

static __always_inline void rx_addr4(struct lb_rx_addr *a, __be32 addr)
{
	a->family = 4;
	__builtin_memcpy(a->addr, &addr, sizeof(addr));
}

static __always_inline void rx_addr6(struct lb_rx_addr *a, const struct in6_addr *addr)
{
	a->family = 6;
	__builtin_memcpy(a->addr, addr, sizeof(a->addr));
}

static __always_inline void rx_count(__u32 why, __u32 packets, __u32 bytes)
{
	struct lb_count *c = bpf_map_lookup_elem(&count_rx, &why);

	if (c) {
		c->packets += packets;
		c->bytes += bytes;
	}
}

#endif
