/* SPDX-License-Identifier: GPL-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/hops.h"
#include "lib/model.h"
#include "lib/parse.h"

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

/* Does some attached device ask the routes; are there attached ones in this namespace at all? */
static bool routes_matter(struct tool *t)
{
	struct lb_dev_conf dev;
	struct lb_link *links;
	bool yes = false;
	size_t n;

	if (lb_nl_links(t->nl, &links, &n, &t->err))
		return false;
	for (size_t i = 0; i < n && !yes; i++)
		yes = links[i].xdp_prog && lb_maps_dev_get(t->maps, links[i].ifindex, &dev) &&
		      dev.attached && !dev.via.family;
	free(links);
	return yes;
}

/* Of many failures of one kind the first is told, the others are counted. */
struct trouble {
	const char *kind; /* of the address */
	size_t n;
	char addr[LB_ADDR_STRLEN];
	char what[LB_ERR_LEN];
};

static void trouble_add(struct trouble *tr, const struct lb_addr *addr, const char *what)
{
	if (tr->n++)
		return;
	format_addr(addr, tr->addr);
	snprintf(tr->what, sizeof(tr->what), "%s", what);
}

static void trouble_tell(const struct tool *t, const struct trouble *tr)
{
	if (tr->n > 1)
		tool_note(t, "%s %s: %s (and %zu more likewise)", tr->kind, tr->addr, tr->what,
			  tr->n - 1);
	else if (tr->n)
		tool_note(t, "%s %s: %s", tr->kind, tr->addr, tr->what);
}

/* hop[] gets the way to each address: distinct ones, *hops of them. */
static void find_hops(struct tool *t, struct lb_addr *addr, size_t n, struct hop *hop, size_t *hops)
{
	struct trouble lost = {.kind = "real"}, own = {.kind = "real"};
	struct lb_route route;
	size_t found = 0;

	qsort(addr, n, sizeof(*addr), addr_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i && !lb_addr_cmp(&addr[i], &addr[i - 1]))
			continue;
		if (lb_nl_route(t->nl, &addr[i], &route, &t->err))
			trouble_add(&lost, &addr[i], t->err.msg);
		else if (route.local)
			trouble_add(&own, &addr[i], "is this host's own address");
		else
			hop[found++] = (struct hop){route.ifindex, route.via};
	}
	trouble_tell(t, &lost);
	trouble_tell(t, &own);
	*hops = 0;
	qsort(hop, found, sizeof(*hop), hop_cmp);
	for (size_t i = 0; i < found; i++)
		if (!i || hop_cmp(&hop[i], &hop[i - 1]))
			hop[(*hops)++] = hop[i];
}

void hops_keep(struct tool *t, const struct lb_addr *real, size_t n)
{
	struct lb_addr *addr = calloc(n, sizeof(*addr));
	struct hop *hop = calloc(n, sizeof(*hop));
	struct trouble refused = {.kind = "next hop"};
	size_t hops;

	if (!addr || !hop)
		goto out;
	if (tool_nl(t)) {
		tool_note(t, "next hops are not resolved: %s", t->err.msg);
		goto out;
	}
	if (!routes_matter(t))
		goto out;
	memcpy(addr, real, n * sizeof(*addr));
	find_hops(t, addr, n, hop, &hops);
	for (size_t i = 0; i < hops; i++)
		if (lb_nl_neigh_keep(t->nl, hop[i].ifindex, &hop[i].addr, &t->err))
			trouble_add(&refused, &hop[i].addr, t->err.msg);
	trouble_tell(t, &refused);
out:
	free(addr);
	free(hop);
}

void hops_keep_all(struct tool *t)
{
	struct lb_addr *addr = NULL;
	struct lb_model m;

	lb_model_init(&m);
	if (lb_maps_read(t->maps, &m, &t->err)) {
		tool_note(t, "next hops are not resolved: %s", t->err.msg);
		goto out;
	}
	addr = calloc(m.reals + 1, sizeof(*addr));
	for (size_t i = 0; addr && i < m.reals; i++)
		addr[i] = m.real[i].addr;
	if (addr && m.reals)
		hops_keep(t, addr, m.reals);
out:
	free(addr);
	lb_model_free(&m);
}
