/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hops.h - has the kernel keep the neighbours resolved that packets for given addresses go to: XDP's
 * packets make it resolve none.
 */
#ifndef LIB_HOPS_H
#define LIB_HOPS_H

#include <stddef.h>

#include "lib/nl.h"

enum lb_hop_trouble {
	LB_HOP_LOST, /* no way to an address; what: why */
	LB_HOP_OWN, /* an address is this host's own */
	LB_HOP_REFUSED, /* a neighbour is not kept; what: why */
	LB_HOP_TROUBLES,
};

struct lb_hop {
	struct lb_addr to, via; /* via: the neighbour to resolve on the way to that address */
	uint32_t ifindex;
};

/*
 * Asks the routes for each of the n addresses, in any order, once. The ways that there are go to hop[], which has room for n, sorted by
 * address; returns how many. The others are told.
 */
size_t lb_hops_find(struct lb_nl *nl, const struct lb_addr *addr, size_t n, struct lb_hop *hop,
		    void (*trouble)(void *arg, enum lb_hop_trouble kind, const struct lb_addr *addr,
				    const char *what),
		    void *arg);

/*
 * The same, and keeps each next hop, once (lb_nl_neigh_keep()). What does not work is told, the rest is done. Some microseconds an
 * address; blocks.
 */
void lb_hops_keep(struct lb_nl *nl, const struct lb_addr *addr, size_t n,
		  void (*trouble)(void *arg, enum lb_hop_trouble kind, const struct lb_addr *addr,
				  const char *what),
		  void *arg);

#endif
