/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rxmaps.h - the receiver's maps: which devices take packets out of tunnels, from whom.
 *
 * Beside lib/maps.h the only place in user space that knows bpf/lb_abi.h. A receiver stands alone: it needs no `prog load`.
 */
#ifndef LIB_RXMAPS_H
#define LIB_RXMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/maps.h"
#include "lib/parse.h"

struct lb_rx;

#define LB_MSS_LEAVE 0u
#define LB_MSS_AUTO 1u
#define LB_MSS_MIN 88u /* least that `mss N` takes */
#define LB_FROM_MAX 256u /* prefixes of one device */

/* L3DSR: packets to this host with that DSCP are the VIP's. */
struct lb_rx_dscp {
	uint8_t dscp; /* 1-63, once a family */
	struct lb_addr vip;
};
#define LB_RX_DSCP_MAX 126u /* all numbers of both families */

struct lb_receiver {
	uint32_t ifindex;
	uint32_t mtu; /* of the device */
	uint32_t mss; /* LB_MSS_LEAVE, LB_MSS_AUTO, or the bound */
	uint16_t gue_port; /* UDP port on which GUE is understood */
	bool made_clsact;
	struct lb_net from[LB_FROM_MAX]; /* sorted; 0.0.0.0/0 and ::/0 stand for everybody */
	size_t froms;
	struct lb_rx_dscp dscp[LB_RX_DSCP_MAX]; /* sorted by family, then number */
	size_t dscps;
};

/* Opens the pinned maps; fails with LB_FAILED when no receiver is loaded. */
int lb_rx_open(const char *instance, struct lb_rx **rx, struct lb_err *err);
void lb_rx_close(struct lb_rx *rx);

/* Adds or changes a device: prefixes are added before old ones go, so that a prefix in both lists never fails. */
int lb_rx_put(struct lb_rx *rx, const struct lb_receiver *recv, struct lb_err *err);
int lb_rx_del(struct lb_rx *rx, uint32_t ifindex, struct lb_err *err);
bool lb_rx_get(const struct lb_rx *rx, uint32_t ifindex, struct lb_receiver *recv);
/* The device after *ifindex (0: the first); false: no more. */
bool lb_rx_next(const struct lb_rx *rx, uint32_t *ifindex);

/* Makes exactly these the addresses at which tunnels may end. */
int lb_rx_locals(struct lb_rx *rx, const struct lb_addr *addr, size_t n, struct lb_err *err);
/* Is it one of these? */
bool lb_rx_ends(const struct lb_rx *rx, const struct lb_addr *addr);

/* A VIP for which connections have come through tunnels. When, nobody knows. */
struct lb_rx_came {
	struct lb_addr vip;
	uint32_t outer; /* bytes of the longest outer header that it came in */
};
/* Sorted; *came is the caller's to free(). */
int lb_rx_came(const struct lb_rx *rx, struct lb_rx_came **came, size_t *n, struct lb_err *err);
/* Forgets those that are not among lb_rx_locals(); the next connection to one brings it back. */
int lb_rx_forget(struct lb_rx *rx, struct lb_err *err);

/* Reasons of the receiver, 0..lb_rx_why_count()-1, and their counters. */
uint32_t lb_rx_why_count(void);
const char *lb_rx_why_name(uint32_t why);
const char *lb_rx_why_text(uint32_t why);
int lb_rx_count(const struct lb_rx *rx, uint32_t why, struct lb_counts *count, struct lb_err *err);

#endif
