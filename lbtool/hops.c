/* SPDX-License-Identifier: GPL-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/hops.h"
#include "lib/hops.h"
#include "lib/model.h"
#include "lib/parse.h"

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

static void trouble_add(void *arg, enum lb_hop_trouble kind, const struct lb_addr *addr,
			const char *what)
{
	struct trouble *tr = (struct trouble *)arg + kind;

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

void hops_keep(struct tool *t, const char *what, const struct lb_addr *addr, size_t n)
{
	struct trouble trouble[LB_HOP_TROUBLES] = {
		[LB_HOP_LOST].kind = what,
		[LB_HOP_OWN].kind = what,
		[LB_HOP_REFUSED].kind = "next hop",
	};

	if (tool_nl(t)) {
		tool_note(t, "next hops are not resolved: %s", t->err.msg);
		return;
	}
	if (!routes_matter(t))
		return;
	lb_hops_keep(t->nl, addr, n, trouble_add, trouble);
	/* One of the peers is this host. */
	if (!strcmp(what, "peer"))
		trouble[LB_HOP_OWN].n = 0;
	for (size_t i = 0; i < LB_HOP_TROUBLES; i++)
		trouble_tell(t, &trouble[i]);
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
		hops_keep(t, "real", addr, m.reals);
	if (m.peers)
		hops_keep(t, "peer", m.peer, m.peers);
out:
	free(addr);
	lb_model_free(&m);
}
