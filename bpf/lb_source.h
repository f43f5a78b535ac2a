/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lb_source.h - the outer source of tunnels, spread over a prefix (`lbtool node source spread`). Part of lb_abi.h.
 *
 * Whoever spreads packets by addresses alone, a real's network card first of all, sees one pair of them from each node: all
 * its packets to a real come to one queue. With many sources they come to all. Of each family: the prefix, and which bits
 * behind it are the flow's hash; of IPv6 these are among the last 32, and what is between them and the prefix is zero.
 *
 * Peers get the node's own source: they know each other by it.
 */
#ifndef LB_SOURCE_H
#define LB_SOURCE_H

#include <linux/types.h>

struct lb_source {
	__be32 addr4, mask4; /* mask 0: the node's own address */
	__u8 addr6[16];
	__be32 mask6; /* of the last word */
	__u8 len4, len6; /* of the prefixes; for who shows them */
	__u8 pad[2];
};
_Static_assert(sizeof(struct lb_source) == 32, "lb_source is ABI");

#endif
