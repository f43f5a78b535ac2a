/* SPDX-License-Identifier: GPL-2.0 */
/*
 * devconf.h - what the program must be told of a device, from what the kernel says of all of them.
 * Pure: no I/O.
 */
#ifndef LIB_DEVCONF_H
#define LIB_DEVCONF_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/maps.h"
#include "lib/nl.h"

struct lb_devs {
	const struct lb_link *link;
	const bool *attached; /* the program is attached to link[i] */
	size_t n;
	const struct lb_nl_addr *addr;
	size_t addrs;
};

/* Index of a device, or n when it is not there. */
size_t lb_devs_index(const struct lb_devs *d, uint32_t ifindex);

/*
 * The entry of link[i], all but `via`: whether it is attached; for a VLAN device that stands on an
 * attached one, at most two levels up, that device and the tags; a global address of the device as
 * outer source, else of any other. False: the program needs no entry for it.
 */
bool lb_devconf(const struct lb_devs *d, size_t i, struct lb_dev_conf *conf);

#endif
