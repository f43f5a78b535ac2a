/* SPDX-License-Identifier: GPL-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lbtool/cmd.h"
#include "lbtool/devs.h"
#include "lbtool/hops.h"
#include "lib/host.h"
#include "lib/parse.h"
#include "lib/prog.h"

enum { KEY_MODE, KEY_VIA };
static const struct lb_key keys[] = {
	[KEY_MODE] = {"mode", "MODE", false},
	[KEY_VIA] = {"via", "ADDRESS", false},
	{NULL, NULL, false},
};
static const char *const modes[] = {"native", "generic", "offload", NULL};

/* What `dev add` and `dev replace` are asked for. */
struct want {
	const char *dev;
	enum lb_xdp_mode mode; /* NONE: not named */
	bool via_given;
	struct lb_addr via; /* family 0: by the routes */
};

static int parse(struct tool *t, struct lb_args *a, struct want *w)
{
	int key, mode = 0, bad = 0;
	uint32_t seen = 0;
	const char *word;

	*w = (struct want){.mode = LB_XDP_NONE};
	if (lb_args_next(a, "DEV", &w->dev, &t->err))
		return -1;
	while ((key = lb_args_pair(a, keys, &seen, &word, &t->err)) >= 0) {
		if (key == KEY_MODE)
			bad = parse_choice(word, modes, &mode, &t->err);
		else if (strcmp(word, "none") != 0)
			bad = parse_addr(word, &w->via, &t->err);
		if (bad)
			return lb_args_label(&t->err, keys[key].word);
	}
	if (seen & 1u << KEY_MODE)
		w->mode = LB_XDP_NATIVE + mode;
	w->via_given = seen & 1u << KEY_VIA;
	return key == LB_ARGS_END ? 0 : -1;
}

static bool forwarding_off(const char *dev, const char *ip)
{
	long on;

	return lb_host_conf(ip, dev, "forwarding", &on) && !on;
}

/* bpf_fib_lookup() answers only while the device forwards the family of what it is asked for. */
static void note_forwarding(const struct tool *t, const char *dev, const struct lb_addr *via)
{
	bool off4 = via->family != 6 && forwarding_off(dev, "ipv4");
	bool off6 = via->family != 4 && forwarding_off(dev, "ipv6");

	if (off4 || off6)
		tool_note(t,
			  "nothing goes out by the routes until forwarding is on: sysctl "
			  "-w%s%s%s%s%s%s",
			  off4 ? " net/ipv4/conf/" : "", off4 ? dev : "",
			  off4 ? "/forwarding=1" : "", off6 ? " net/ipv6/conf/" : "",
			  off6 ? dev : "", off6 ? "/forwarding=1" : "");
}

static void remarks(struct tool *t, const struct lb_link *link, const struct lb_addr *via)
{
	if (!link->up)
		tool_note(t, "device \"%s\" is down", link->name);
	if (via->family && lb_nl_neigh_keep(t->nl, link->ifindex, via, &t->err))
		tool_note(t, "via: %s", t->err.msg);
	note_forwarding(t, link->name, via);
	hops_keep_all(t);
}

static void add_hc(struct tool *t, const struct lb_link *link)
{
	int fd = lb_prog_open(t->instance, "hc", &t->err);

	if (fd < 0) {
		tool_note(t, "health checks through the tunnel: %s", t->err.msg);
		return;
	}
	devs_hc_put(t, link, fd);
	close(fd);
}

/* The swap itself: old_fd is what is attached now, -1: nothing. */
static int attach(struct tool *t, const struct lb_link *link, enum lb_xdp_mode mode, int fd,
		  int old_fd)
{
	enum lb_xdp_mode now = devs_mode(link);
	struct lb_err ignored;

	if (old_fd < 0)
		return lb_nl_xdp_set(t->nl, link, mode, fd, -1, &t->err);
	if (now == mode)
		return lb_nl_xdp_set(t->nl, link, mode, fd, old_fd, &t->err);
	/* The kernel has native and generic exclude each other: there is a gap. */
	if (lb_nl_xdp_set(t->nl, link, now, -1, old_fd, &t->err))
		return -1;
	if (!lb_nl_xdp_set(t->nl, link, mode, fd, -1, &t->err))
		return 0;
	if (lb_nl_xdp_set(t->nl, link, now, old_fd, -1, &ignored))
		tool_note(t, "device \"%s\" has no program now: %s", link->name, ignored.msg);
	return -1;
}

static int fail_foreign(struct tool *t, const struct lb_link *link)
{
	return lb_fail(
		&t->err,
		"device \"%s\": a foreign XDP program with id %" PRIu32 " is attached in mode "
		"%s: \"bpftool prog show id %" PRIu32 "\" shows it",
		link->name, link->xdp_prog, lb_xdp_mode_names[link->xdp_mode], link->xdp_prog);
}

/* Entries first, so that the program finds them; they go back when it cannot be attached. */
static int put(struct tool *t, const struct want *w, const struct devs *d,
	       const struct lb_link *link, int fd, int old_fd)
{
	struct lb_dev_conf old = {0};
	enum lb_xdp_mode mode = w->mode;
	struct lb_err why;
	struct lb_addr via;

	if (old_fd >= 0)
		lb_maps_dev_get(t->maps, link->ifindex, &old);
	via = w->via_given ? w->via : old.via;
	if (mode == LB_XDP_NONE)
		mode = old_fd >= 0 ? devs_mode(link) : LB_XDP_NATIVE;
	if (!devs_sync(t, d, link->ifindex, true, &via) && !attach(t, link, mode, fd, old_fd)) {
		add_hc(t, link);
		remarks(t, link, &via);
		return 0;
	}
	why = t->err;
	devs_sync(t, d, link->ifindex, old_fd >= 0, &old.via);
	t->err = why;
	return -1;
}

static int open_all(struct tool *t)
{
	return tool_no_dry_run(t) || tool_nl(t) || tool_maps(t) || tool_lock(t);
}

static int add_or_replace(struct tool *t, struct lb_args *a, bool replace)
{
	int fd = -1, old_fd = -1, ret = -1;
	struct devs d = {0};
	struct lb_link link;
	struct want w;

	if (parse(t, a, &w) || open_all(t))
		return -1;
	if (tool_ether(t, w.dev, &link) || devs_not_elsewhere(t))
		return -1;
	fd = lb_prog_open(t->instance, "lb", &t->err);
	if (fd < 0 || devs_read(t, &d))
		goto out;
	if (link.xdp_prog)
		old_fd = lb_prog_ours(t->instance, link.xdp_prog);
	if (link.xdp_prog && old_fd < 0)
		fail_foreign(t, &link);
	else if (old_fd >= 0 && !replace)
		lb_fail(&t->err, "\"%s\" exists: use \"dev replace\"", link.name);
	else
		ret = put(t, &w, &d, &link, fd, old_fd);
out:
	devs_free(&d);
	if (fd >= 0)
		close(fd);
	if (old_fd >= 0)
		close(old_fd);
	return ret;
}

static int dev_add(struct tool *t, struct lb_args *a)
{
	return add_or_replace(t, a, false);
}

static int dev_replace(struct tool *t, struct lb_args *a)
{
	return add_or_replace(t, a, true);
}

/* A device that was moved here leaves the entries alone of those that stayed in the other namespace. */
static int forget(struct tool *t, const struct devs *d, uint32_t ifindex)
{
	if (devs_not_elsewhere(t))
		return lb_maps_dev_del(t->maps, ifindex, &t->err);
	return devs_sync(t, d, ifindex, false, NULL);
}

/* Off the device; its entries go too, as far as this tool knows the maps. */
static int detach(struct tool *t, const struct lb_link *link, int fd, bool maps)
{
	struct devs d;
	int ret;

	if (devs_read(t, &d))
		return -1;
	ret = lb_nl_xdp_set(t->nl, link, devs_mode(link), -1, fd, &t->err);
	if (!ret && devs_hc_del(t, link))
		tool_note(t, "the filter for health checks stays: %s", t->err.msg);
	if (!ret && maps)
		ret = forget(t, &d, link->ifindex);
	devs_free(&d);
	return ret;
}

/* Maps of another ABI version are no hindrance: who is to unload them must get here. */
static int dev_del(struct tool *t, struct lb_args *a)
{
	struct lb_link link;
	struct want w;
	int fd, ret;
	bool maps;

	if (parse(t, a, &w) || tool_no_dry_run(t) || tool_nl(t) || tool_lock(t))
		return -1;
	maps = !tool_maps(t);
	fd = lb_prog_open(t->instance, "lb", &t->err);
	if (fd < 0)
		return -1;
	close(fd);
	if (lb_nl_link(t->nl, w.dev, &link, &t->err))
		return -1;
	if (!link.xdp_prog)
		return lb_fail(&t->err, "\"%s\" has no XDP program", link.name);
	if (w.mode != LB_XDP_NONE && w.mode != devs_mode(&link))
		return lb_fail(&t->err, "\"%s\" has mode %s: nothing is detached", link.name,
			       lb_xdp_mode_names[devs_mode(&link)]);
	fd = lb_prog_ours(t->instance, link.xdp_prog);
	if (fd < 0)
		return fail_foreign(t, &link);
	ret = detach(t, &link, fd, maps);
	close(fd);
	return ret;
}

/* VLAN devices by which packets may leave, as the program was told. */
static void show_vlans(struct tool *t, const struct devs *d, uint32_t ifindex)
{
	struct lb_dev_conf conf;

	for (size_t i = 0; i < d->n; i++)
		if (lb_maps_dev_get(t->maps, d->link[i].ifindex, &conf) && conf.lower == ifindex)
			lb_out_item(t->out, "vlan", d->link[i].name, LB_NAME);
}

static void show_source(struct tool *t, const struct lb_addr *addr)
{
	char buf[LB_ADDR_STRLEN];

	if (!addr->family)
		return;
	format_addr(addr, buf);
	lb_out_item(t->out, "src", buf, LB_ADDRESS);
}

static int show_details(struct tool *t, const struct devs *d, const struct lb_link *link,
			const struct lb_dev_conf *conf)
{
	int fd = lb_prog_ours(t->instance, link->xdp_prog);
	struct lb_prog_info info;
	int bad;

	if (fd < 0)
		return lb_fail(&t->err, "device \"%s\" changed meanwhile", link->name);
	bad = lb_prog_info(fd, &info, &t->err);
	close(fd);
	if (bad)
		return -1;
	lb_out_more(t->out);
	lb_out_u64(t->out, "prog", info.id);
	lb_out_str(t->out, "tag", info.tag, LB_PLAIN);
	lb_out_u64(t->out, "mtu", link->mtu);
	lb_out_bool(t->out, "hc", devs_hc(t, link));
	show_source(t, &conf->src4);
	show_source(t, &conf->src6);
	show_vlans(t, d, link->ifindex);
	return 0;
}

static int show_one(struct tool *t, const struct devs *d, const struct lb_link *link, uint32_t prog)
{
	struct lb_dev_conf conf = {0};
	char via[LB_ADDR_STRLEN];

	lb_maps_dev_get(t->maps, link->ifindex, &conf);
	lb_out_begin(t->out);
	lb_out_name(t->out, "dev", link->name, LB_NAME);
	lb_out_str(t->out, "mode", lb_xdp_mode_names[devs_mode(link)], LB_PLAIN);
	if (conf.via.family) {
		format_addr(&conf.via, via);
		lb_out_str(t->out, "via", via, LB_ADDRESS);
	}
	/* Left by a reload that was killed: "dev replace" or another reload mends it. */
	if (link->xdp_prog != prog)
		lb_out_bool(t->out, "outdated", true);
	if (t->details && show_details(t, d, link, &conf))
		return -1;
	lb_out_end(t->out);
	return 0;
}

static int dev_show(struct tool *t, struct lb_args *a)
{
	const char *dev = lb_args_peek(a);
	struct lb_prog_info info;
	struct lb_link only = {0};
	struct devs d = {0};
	int ret = -1, fd;

	a->at += !!dev;
	if (lb_args_end(a, &t->err) || tool_nl(t) || tool_maps(t) || tool_out(t) ||
	    (dev && lb_nl_link(t->nl, dev, &only, &t->err)))
		return -1;
	fd = lb_prog_open(t->instance, "lb", &t->err);
	if (fd < 0)
		return -1;
	if (lb_prog_info(fd, &info, &t->err) || devs_read(t, &d))
		goto out;
	ret = 0;
	for (size_t i = 0; i < d.n && !ret; i++) {
		if (dev && d.link[i].ifindex != only.ifindex)
			continue;
		if (d.ours[i])
			ret = show_one(t, &d, &d.link[i], info.id);
		else if (dev && only.xdp_prog)
			ret = fail_foreign(t, &only);
		else if (dev)
			ret = lb_fail(&t->err, "\"%s\" has no XDP program", dev);
	}
out:
	devs_free(&d);
	close(fd);
	return ret;
}

static const struct cmd dev_cmds[] = {
	{"add", dev_add, "add DEV [ mode native|generic|offload ] [ via ADDRESS ]"},
	{"replace", dev_replace,
	 "replace DEV [ mode native|generic|offload ] [ via ADDRESS|none ]"},
	{"del", dev_del, "del DEV"},
	{"show", dev_show, "show [ DEV ]"},
	{NULL, NULL, NULL},
};

const struct object dev_object = {
	"dev",
	"devices that the program is attached to",
	dev_cmds,
	"mode native: in the driver (default); generic: before the kernel's stack, on any device\n"
	"via: all packets go to this next hop; without it the routes decide\n"
	"replace keeps what is not named, and attaches the program that is loaded now\n"
	"A foreign XDP program is never replaced.\n",
};
