/* SPDX-License-Identifier: GPL-2.0 */
/*
 * devs.h - the devices of the network namespace and what the program is told of them.
 *
 * An instance serves one network namespace: its map of devices is indexed by ifindex, which says
 * nothing in another one.
 */
#ifndef LBTOOL_DEVS_H
#define LBTOOL_DEVS_H

#include "lbtool/tool.h"

struct devs {
	struct lb_link *link;
	bool *ours; /* our program is attached to link[i] */
	size_t n;
	struct lb_nl_addr *addr;
	size_t addrs;
};

int devs_read(struct tool *t, struct devs *d);
void devs_free(struct devs *d);
/* NULL: none of that number; none has our program. */
const struct lb_link *devs_link(const struct devs *d, uint32_t ifindex);
const struct lb_link *devs_first(const struct devs *d);

/*
 * Makes the entries of all devices what they must be, when `ifindex` is attached or not and the
 * others are as *d found them: attached ones, VLAN devices that stand on those, no others.
 */
int devs_sync(struct tool *t, const struct devs *d, uint32_t ifindex, bool attached,
	      const struct lb_addr *via);

/*
 * The filter that puts health checks into the tunnel, on a device's clsact egress, which is made when
 * there is none and goes with it. put: adds it, or swaps its program; a failure is a remark, since the
 * balancer serves without. del: none of this instance there is no error.
 */
void devs_hc_put(struct tool *t, const struct lb_link *link, int fd);
int devs_hc_del(struct tool *t, const struct lb_link *link);
bool devs_hc(struct tool *t, const struct lb_link *link);
/* Is there one of this instance with another program than that? */
bool devs_hc_other(struct tool *t, const struct lb_link *link, uint32_t prog);

/* A failure that names the place when the instance is attached in another network namespace. */
int devs_not_elsewhere(struct tool *t);

/* The mode in which to detach or swap: of several at once the native one is meant. */
enum lb_xdp_mode devs_mode(const struct lb_link *link);

#endif
