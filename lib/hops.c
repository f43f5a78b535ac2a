/* SPDX-License-Identifier: GPL-2.0 */
#include "lib/hops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hop_cmp(const void *va, const void *vb)
{
	const struct lb_hop *a = va, *b = vb;

	if (a->ifindex != b->ifindex)
		return a->ifindex < b->ifindex ? -1 : 1;
	return lb_addr_cmp(&a->via, &b->via);
}

static int to_cmp(const void *a, const void *b)
{
	return lb_addr_cmp(&((const struct lb_hop *)a)->to, &((const struct lb_hop *)b)->to);
}

size_t lb_hops_find(struct lb_nl *nl, const struct lb_addr *addr, size_t n, struct lb_hop *hop,
		    void (*trouble)(void *arg, enum lb_hop_trouble kind, const struct lb_addr *addr,
				    const char *what),
		    void *arg)
{
	struct lb_addr last = {0};
	struct lb_route route;
	struct lb_err err;
	size_t hops = 0;

	for (size_t i = 0; i < n; i++)
		hop[i].to = addr[i];
	qsort(hop, n, sizeof(*hop), to_cmp);
	for (size_t i = 0; i < n; i++) {
		struct lb_addr to = hop[i].to;

		if (!lb_addr_cmp(&to, &last))
			continue;
		last = to;
		if (lb_nl_route(nl, &to, &route, &err))
			trouble(arg, LB_HOP_LOST, &to, err.msg);
		else if (route.local)
			trouble(arg, LB_HOP_OWN, &to, "is this host's own address");
		else
			hop[hops++] = (struct lb_hop){to, route.via, route.ifindex};
	}
	return hops;
}

void lb_hops_keep(struct lb_nl *nl, const struct lb_addr *addr, size_t n,
		  void (*trouble)(void *arg, enum lb_hop_trouble kind, const struct lb_addr *addr,
				  const char *what),
		  void *arg)
{
	struct lb_hop *hop = calloc(n + 1, sizeof(*hop));
	struct lb_err err;

	if (!hop) {
		if (n)
			trouble(arg, LB_HOP_LOST, addr, strerror(ENOMEM));
		return;
	}
	n = lb_hops_find(nl, addr, n, hop, trouble, arg);
	qsort(hop, n, sizeof(*hop), hop_cmp);
	for (size_t i = 0; i < n; i++)
		if ((!i || hop_cmp(&hop[i], &hop[i - 1])) &&
		    lb_nl_neigh_keep(nl, hop[i].ifindex, &hop[i].via, &err))
			trouble(arg, LB_HOP_REFUSED, &hop[i].via, err.msg);
	free(hop);
}
