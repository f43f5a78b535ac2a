/* SPDX-License-Identifier: GPL-2.0 */
/* rxmaps_dscp.h - for lib/rxmaps*.c alone. */
#ifndef LIB_RXMAPS_DSCP_H
#define LIB_RXMAPS_DSCP_H

#include "lib/rxmaps.h"
#include "lib/rxmaps_internal.h"

/* Makes the numbers of a device those of *recv; NULL: none. 0, or -1 with *err. */
int lb_rx_dscp_put(struct lb_rx *rx, uint32_t ifindex, const struct lb_receiver *recv,
		   struct lb_err *err);
/* Reads them, sorted by family and number, for recv->ifindex. */
void lb_rx_dscp_get(const struct lb_rx *rx, struct lb_receiver *recv);

#endif
