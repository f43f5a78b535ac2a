/* SPDX-License-Identifier: GPL-2.0 */
#include "lib/hops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct hop {
	uint32_t ifindex;
	struct lb_addr addr;
};

static int hop_cmp(const void *va, const void *vb)
{
	const struct hop *a = va, *b = vb;

	if (a->ifindex != b->ifindex)
		return a->ifindex < b->ifindex ? -1 : 1;
	return lb_addr_cmp(&a->addr, &b->addr);
}

static int addr_cmp(const void *a, const void *b)
{
	return lb_addr_cmp(a, b);
}

void lb_hops_keep(struct lb_nl *nl, const struct lb_addr *addr, size_t n,
		  void (*trouble)(void *arg, enum lb_hop_trouble kind, const struct lb_addr *addr,
				  const char *what),
		  void *arg)
{
	struct lb_addr *to = calloc(n + 1, sizeof(*to));
	struct hop *hop = calloc(n + 1, sizeof(*hop));
	struct lb_route route;
	struct lb_err err;
	size_t hops = 0;

	if (!to || !hop) {
		if (n)
			trouble(arg, LB_HOP_LOST, addr, strerror(ENOMEM));
		goto out;
	}
	memcpy(to, addr, n * sizeof(*to));
	qsort(to, n, sizeof(*to), addr_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i && !lb_addr_cmp(&to[i], &to[i - 1]))
			continue;
		if (lb_nl_route(nl, &to[i], &route, &err))
			trouble(arg, LB_HOP_LOST, &to[i], err.msg);
		else if (route.local)
			trouble(arg, LB_HOP_OWN, &to[i], "is this host's own address");
		else
			hop[hops++] = (struct hop){route.ifindex, route.via};
	}
	qsort(hop, hops, sizeof(*hop), hop_cmp);
	for (size_t i = 0; i < hops; i++)
		if ((!i || hop_cmp(&hop[i], &hop[i - 1])) &&
		    lb_nl_neigh_keep(nl, hop[i].ifindex, &hop[i].addr, &err))
			trouble(arg, LB_HOP_REFUSED, &hop[i].addr, err.msg);
out:
	free(to);
	free(hop);
}
