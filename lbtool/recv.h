/* SPDX-License-Identifier: GPL-2.0 */
/*
 * recv.h - what a receiving device consists of: program, map entry, clsact, filters, in and out
 * again.
 */
#ifndef LBTOOL_RECV_H
#define LBTOOL_RECV_H

#include "lbtool/tool.h"
#include "lib/rxmaps.h"

/* Preference of the filters: behind everybody else's, since what they drop needs no decapsulation. */
#define RECV_PREF 49152

struct recv_want {
	const char *dev;
	bool from_given, mss_given, gue_port_given, dscp_given;
	struct lb_receiver recv; /* mss, gue_port, from and dscp as far as given */
};

int recv_put(struct tool *t, struct recv_want *w, bool replace);
int recv_del(struct tool *t, const char *dev);

/* A failure that names the place when the instance receives in another network namespace. */
int recv_not_elsewhere(struct tool *t, const struct lb_rx *rx);

/* Of the loopback network: no VIP, and no end of a tunnel. */
bool recv_loops(const struct lb_addr *addr);

/* Ids of the programs of our filters, 0: none. */
int recv_filters(struct tool *t, uint32_t ifindex, uint32_t *in, uint32_t *out);

#endif
