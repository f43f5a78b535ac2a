/* SPDX-License-Identifier: GPL-2.0 */
#include <stdlib.h>

#include "lbmon/watch_internal.h"
#include "lib/prog.h"

/* "lb_new" is that of a reload that is under way, or was killed: its maps, by which lbtool would know it, are not told without
 * CAP_SYS_ADMIN. */
bool watch_attached(struct watch *w)
{
	uint32_t lb = lb_prog_pinned_id(w->opt.instance, "lb"),
		 new = lb_prog_pinned_id(w->opt.instance, "lb_new");
	struct lb_dev_conf dev;
	struct lb_link *link;
	struct lb_err err;
	bool yes = false;
	size_t n, i;

	if (!lb)
		return w->attached;
	if (lb_nl_links(w->nl, &link, &n, &err)) {
		watch_say(w, "devices", err.msg);
		return w->attached;
	}
	for (i = 0; i < n && !yes; i++) {
		const struct lb_link *l = &link[i];

		yes = l->xdp_prog && l->up && lb_maps_dev_get(w->maps, l->ifindex, &dev) &&
		      dev.attached && (l->xdp_prog == lb || l->xdp_prog == new);
	}
	free(link);
	return yes;
}

/*
 * Another version's lbtool moved the configuration into maps that we cannot read: what it was then holds until somebody starts an
 * lbmon of that version. Reals have the ids that they had, so their checks go on, and routes follow; nothing is written.
 */
bool watch_moved(struct watch *w)
{
	if (!lb_maps_moved(w->maps, w->opt.instance))
		return false;
	if (!w->moved)
		log_event("maps", "instance", w->opt.instance, "state", "moved", "error",
			  "another version of lbtool has them: start lbmon anew", NULL);
	w->moved = true;
	return true;
}
