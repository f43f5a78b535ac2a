/* SPDX-License-Identifier: GPL-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lbtool/devs.h"
#include "lib/devconf.h"
#include "lib/prog.h"

/* Behind the receiver's filter, which goes on to the next one. */
#define HC_PREF 49153
/* The name says whether the clsact that it sits on came with it. */
static const char *const hc_names[] = {"lb_hc", "lb_hc_clsact"};

static bool is_our_prog(const struct tool *t, uint32_t id)
{
	int fd = id ? lb_prog_ours(t->instance, id) : -1;

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool is_ours(const struct tool *t, const struct lb_link *link)
{
	return is_our_prog(t, link->xdp_prog);
}

int devs_read(struct tool *t, struct devs *d)
{
	*d = (struct devs){0};
	if (lb_nl_links(t->nl, &d->link, &d->n, &t->err) ||
	    lb_nl_addrs(t->nl, 0, &d->addr, &d->addrs, &t->err))
		goto failed;
	d->ours = calloc(d->n + 1, sizeof(*d->ours));
	if (!d->ours) {
		lb_fail(&t->err, "out of memory");
		goto failed;
	}
	for (size_t i = 0; i < d->n; i++)
		d->ours[i] = is_ours(t, &d->link[i]);
	return 0;
failed:
	devs_free(d);
	return -1;
}

void devs_free(struct devs *d)
{
	free(d->link);
	free(d->ours);
	free(d->addr);
	*d = (struct devs){0};
}

const struct lb_link *devs_link(const struct devs *d, uint32_t ifindex)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->link[i].ifindex == ifindex)
			return &d->link[i];
	return NULL;
}

const struct lb_link *devs_first(const struct devs *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->ours[i])
			return &d->link[i];
	return NULL;
}

enum lb_xdp_mode devs_mode(const struct lb_link *link)
{
	return link->xdp_mode == LB_XDP_MULTI ? LB_XDP_NATIVE : link->xdp_mode;
}

static int sync_one(struct tool *t, const struct lb_devs *want, size_t i, const struct lb_addr *via)
{
	struct lb_dev_conf conf, old;
	bool there = lb_maps_dev_get(t->maps, want->link[i].ifindex, &old);

	if (!lb_devconf(want, i, &conf))
		return there ? lb_maps_dev_del(t->maps, conf.ifindex, &t->err) : 0;
	if (via)
		conf.via = *via;
	else if (there && conf.attached)
		conf.via = old.via;
	return lb_maps_dev_put(t->maps, &conf, &t->err);
}

/* Entries of devices that are gone. Deleting spoils the order of the walk: it starts again. */
static int drop_gone(struct tool *t, const struct lb_devs *want)
{
	uint32_t ifindex = 0;

	while (lb_maps_dev_next(t->maps, &ifindex)) {
		if (lb_devs_index(want, ifindex) < want->n)
			continue;
		if (lb_maps_dev_del(t->maps, ifindex, &t->err))
			return -1;
		ifindex = 0;
	}
	return 0;
}

int devs_sync(struct tool *t, const struct devs *d, uint32_t ifindex, bool attached,
	      const struct lb_addr *via)
{
	bool *all = calloc(d->n + 1, sizeof(*all));
	struct lb_devs want = {d->link, all, d->n, d->addr, d->addrs};
	int ret = all ? 0 : lb_fail(&t->err, "out of memory");

	for (size_t i = 0; all && i < d->n; i++)
		all[i] = d->link[i].ifindex == ifindex ? attached : d->ours[i];
	for (size_t i = 0; !ret && i < d->n; i++)
		ret = sync_one(t, &want, i, attached && d->link[i].ifindex == ifindex ? via : NULL);
	if (!ret)
		ret = drop_gone(t, &want);
	free(all);
	return ret;
}

/* The filter that is there: its program's id, 0: none; *made: clsact came with it. */
static int hc_get(struct tool *t, const struct lb_link *link, uint32_t *prog, bool *made)
{
	*prog = 0;
	for (int i = 0; i < 2 && !*prog; i++) {
		*made = i;
		if (lb_nl_tc_get(t->nl, link->ifindex, true, HC_PREF, hc_names[i], prog, &t->err))
			return -1;
	}
	return 0;
}

static int hc_put(struct tool *t, const struct lb_link *link, int fd)
{
	struct lb_err ignored;
	bool made, new = false, empty = false;
	uint32_t prog;

	if (hc_get(t, link, &prog, &made))
		return -1;
	if (prog && !is_our_prog(t, prog))
		return lb_fail(&t->err,
			       "another instance's filter is there: \"tc filter show dev %s "
			       "egress\" shows it",
			       link->name);
	if (!prog) {
		if (lb_nl_clsact_add(t->nl, link->ifindex, &new, &t->err))
			return -1;
		made = new;
	}
	if (!lb_nl_tc_set(t->nl, link->ifindex, true, HC_PREF, hc_names[made], fd, &t->err))
		return 0;
	if (new && !lb_nl_tc_empty(t->nl, link->ifindex, &empty, &ignored) && empty)
		lb_nl_clsact_del(t->nl, link->ifindex, &ignored);
	return -1;
}

void devs_hc_put(struct tool *t, const struct lb_link *link, int fd)
{
	if (hc_put(t, link, fd))
		tool_note(t, "health checks through the tunnel will not leave by \"%s\": %s",
			  link->name, t->err.msg);
}

int devs_hc_del(struct tool *t, const struct lb_link *link)
{
	bool made, empty = false;
	uint32_t prog;

	if (hc_get(t, link, &prog, &made))
		return -1;
	if (!is_our_prog(t, prog))
		return 0;
	if (lb_nl_tc_del(t->nl, link->ifindex, true, HC_PREF, hc_names[made], &t->err))
		return -1;
	if (!made)
		return 0;
	if (lb_nl_tc_empty(t->nl, link->ifindex, &empty, &t->err))
		return -1;
	return empty ? lb_nl_clsact_del(t->nl, link->ifindex, &t->err) : 0;
}

bool devs_hc_other(struct tool *t, const struct lb_link *link, uint32_t prog)
{
	uint32_t is;
	bool made;

	return !hc_get(t, link, &is, &made) && is && is != prog && is_our_prog(t, is);
}

bool devs_hc(struct tool *t, const struct lb_link *link)
{
	uint32_t prog;
	bool made;

	return !hc_get(t, link, &prog, &made) && is_our_prog(t, prog);
}

static int look(void *arg, struct lb_nl *nl, const char *name)
{
	struct tool *t = arg;
	struct lb_err ignored;
	struct lb_link *link;
	int found = 0;
	size_t n;

	if (lb_nl_links(nl, &link, &n, &ignored))
		return 0;
	for (size_t i = 0; i < n && !found; i++) {
		if (!is_ours(t, &link[i]))
			continue;
		found = 1;
		if (name)
			lb_fail(&t->err,
				"instance \"%s\" is attached to \"%s\" of network namespace "
				"\"%s\": use -n %s, or another instance (-i)",
				t->instance, link[i].name, name, name);
		else
			lb_fail(&t->err,
				"instance \"%s\" is attached to \"%s\" of the network namespace "
				"that lbtool was started in: leave out -n, or use another instance "
				"(-i)",
				t->instance, link[i].name);
	}
	free(link);
	return found;
}

int devs_not_elsewhere(struct tool *t)
{
	return tool_elsewhere(t, look, t) ? -1 : 0;
}
