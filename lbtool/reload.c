/* SPDX-License-Identifier: GPL-2.0 */
/* The programs of this lbtool in place of those that are loaded: on their maps, or with what is in them moved to new ones. */
#include "lbtool/reload.h"

#include <stdlib.h>
#include <unistd.h>

#include "lbtool/devs.h"
#include "lib/prog.h"

/* Programs that were attached where the new one is now, to bring them back. */
struct swap {
	const struct lb_link *link;
	int old_fd;
};

static int swap_all(struct tool *t, const struct devs *d, struct swap *swap, size_t *n, int new_fd)
{
	for (size_t i = 0; i < d->n; i++) {
		int old = d->ours[i] ? lb_prog_ours(t->instance, d->link[i].xdp_prog) : -1;

		if (old < 0)
			continue;
		if (lb_nl_xdp_set(t->nl, &d->link[i], devs_mode(&d->link[i]), new_fd, old,
				  &t->err)) {
			close(old);
			return -1;
		}
		swap[(*n)++] = (struct swap){&d->link[i], old};
	}
	return 0;
}

static void swap_back(struct tool *t, const struct swap *swap, size_t n, int new_fd)
{
	struct lb_err err;

	while (n--)
		if (lb_nl_xdp_set(t->nl, swap[n].link, devs_mode(swap[n].link), swap[n].old_fd,
				  new_fd, &err))
			tool_note(t, "device \"%s\" keeps the new program: %s", swap[n].link->name,
				  err.msg);
}

/* All devices get the new program, or all keep theirs; that of the health checks may be missing. */
static int swap_programs(struct tool *t, const struct devs *d, const struct lb_reload *new,
			 int (*done)(const char *instance, const struct lb_reload *new,
				     struct lb_err *err))
{
	struct swap *swap = calloc(d->n + 1, sizeof(*swap));
	size_t n = 0;
	int ret = -1;

	if (!swap)
		return lb_fail(&t->err, "out of memory");
	if (!swap_all(t, d, swap, &n, new->lb))
		ret = done ? done(t->instance, new, &t->err) : 0;
	if (ret)
		swap_back(t, swap, n, new->lb);
	for (size_t i = 0; !ret && i < n; i++)
		devs_hc_put(t, swap[i].link, new->hc);
	while (n)
		close(swap[--n].old_fd);
	free(swap);
	return ret;
}

static int reload(struct tool *t)
{
	struct lb_reload new;
	struct devs d = {0};
	int ret = -1;

	if (lb_prog_reload(t->instance, &new, &t->err))
		return -1;
	if (!devs_read(t, &d))
		ret = swap_programs(t, &d, &new, lb_prog_reload_done);
	if (ret)
		lb_prog_reload_undo(t->instance);
	else if (lb_prog_reload_clear(t->instance, &t->err))
		tool_note(t, "old maps stay: %s", t->err.msg);
	devs_free(&d);
	close(new.old);
	close(new.lb);
	close(new.hc);
	return ret;
}

/* Filters that still have the old program: nobody would know them when the old maps are gone. */
static void drop_filters(struct tool *t, const struct devs *d, int hc)
{
	struct lb_prog_info info;

	if (lb_prog_info(hc, &info, &t->err))
		return;
	for (size_t i = 0; i < d->n; i++)
		if (devs_hc_other(t, &d->link[i], info.id))
			devs_hc_del(t, &d->link[i]);
}

/* The pins change before the devices: killed in between, the next reload finds all that it needs. */
static int move(struct tool *t)
{
	struct lb_reload new = {.lb = -1, .hc = -1};
	struct devs d = {0};
	int ret = -1;

	if (lb_prog_move(t->instance, &t->err))
		return -1;
	new.lb = lb_prog_open(t->instance, "lb", &t->err);
	if (new.lb >= 0)
		new.hc = lb_prog_open(t->instance, "hc", &t->err);
	if (new.hc >= 0 && !devs_read(t, &d))
		ret = swap_programs(t, &d, &new, NULL);
	if (ret) {
		lb_prog_move_back(t->instance);
	} else {
		drop_filters(t, &d, new.hc);
		if (lb_prog_move_done(t->instance, &t->err))
			tool_note(t, "old maps stay: %s", t->err.msg);
	}
	devs_free(&d);
	if (new.lb >= 0)
		close(new.lb);
	if (new.hc >= 0)
		close(new.hc);
	return ret;
}

int reload_all(struct tool *t)
{
	if (tool_nl(t) || devs_not_elsewhere(t))
		return -1;
	if (lb_maps_movable(t->instance))
		return move(t);
	return tool_maps(t) ? -1 : reload(t);
}
