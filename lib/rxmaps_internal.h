/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rxmaps_internal.h - for lib/rxmaps*.c alone.
 */
#ifndef LIB_RXMAPS_INTERNAL_H
#define LIB_RXMAPS_INTERNAL_H

#include <stddef.h>

#include "bpf/lb_abi.h"
#include "lib/err.h"
#include "lib/parse.h"

enum rx_map { RX_DEV, RX_LOCAL, RX_FROM, RX_DSCP, RX_VIP, RX_COUNT, RX_MAPS };

struct lb_rx {
	int fd[RX_MAPS];
	int cpus;
};

/* What the kernel said of a map, and what to do. Returns -1. */
int lb_rx_map_fail(struct lb_err *err, enum rx_map map, int error);

struct lb_rx_addr lb_rx_key(const struct lb_addr *addr);

/*
 * All keys of a map, an array that is the caller's to free(), in no order. A deletion during the
 * walk sends it back to the first key: so it ends at the map's size, and a key may come twice.
 */
int lb_rx_keys(const struct lb_rx *rx, enum rx_map map, void **keys, size_t *n, struct lb_err *err);

#endif
