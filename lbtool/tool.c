/* SPDX-License-Identifier: GPL-2.0 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lbtool/reload.h"
#include "lbtool/tool.h"
#include "lib/heap.h"
#include "lib/lock.h"
#include "lib/prog.h"

#define LOCK_WAIT_MS 5000
#define LARGE_MODEL 512 /* reals: two models of so many take more than a huge page costs */

void tool_init(struct tool *t)
{
	memset(t, 0, sizeof(*t));
	t->lock = t->home = -1;
}

void tool_close(struct tool *t)
{
	lb_out_free(t->out);
	if (t->maps)
		lb_maps_close(t->maps);
	if (t->nl)
		lb_nl_close(t->nl);
	if (t->lock >= 0)
		close(t->lock);
	if (t->home >= 0)
		close(t->home);
	tool_init(t);
}

int tool_out(struct tool *t)
{
	if (!t->out)
		t->out = lb_out_new(&t->look);
	return t->out ? 0 : lb_fail(&t->err, "out of memory");
}

int tool_maps(struct tool *t)
{
	if (t->maps)
		return 0;
	if (lb_maps_open(t->instance, &t->maps, &t->err))
		return -1;
	if (lb_maps_reals(t->maps) >= LARGE_MODEL)
		lb_heap_large();
	return 0;
}

int tool_enter(struct tool *t)
{
	if (!t->netns || t->entered)
		return 0;
	t->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (lb_netns_enter(t->netns, &t->err))
		return -1;
	t->entered = true;
	return 0;
}

int tool_nl(struct tool *t)
{
	if (t->nl)
		return 0;
	if (tool_enter(t))
		return -1;
	t->nl = lb_nl_open(&t->err);
	return t->nl ? 0 : -1;
}

int tool_lock(struct tool *t)
{
	if (t->lock >= 0)
		return 0;
	t->lock = lb_lock(t->instance, LOCK_WAIT_MS, &t->err);
	if (t->lock < 0)
		return -1;
	if (!t->maps)
		return 0;
	/* While we waited the instance may have been loaded anew: those maps are nobody's then. */
	if (!lb_maps_current(t->maps, t->instance)) {
		lb_maps_close(t->maps);
		t->maps = NULL;
		if (tool_maps(t))
			return -1;
	}
	/* What is written now would not be read by devices that a killed reload left with the old maps. */
	if (!lb_prog_half_moved(t->instance))
		return 0;
	tool_note(t, "a reload that was killed is ended first");
	return reload_all(t);
}

int tool_ether(struct tool *t, const char *dev, struct lb_link *link)
{
	if (lb_nl_link(t->nl, dev, link, &t->err))
		return -1;
	if (link->ether)
		return 0;
	return lb_fail(&t->err, "device \"%s\": has no Ethernet header, which the programs need",
		       link->name);
}

int tool_no_dry_run(struct tool *t)
{
	if (!t->dry_run)
		return 0;
	return lb_usage(&t->err,
			"\"--dry-run\": only for pool, real, vip, node, session flush, restore and "
			"-batch");
}

void tool_note(const struct tool *t, const char *fmt, ...)
{
	va_list ap;

	fputs("lbtool: ", stderr);
	if (t->object)
		fputs(t->object, stderr);
	if (t->verb)
		fprintf(stderr, " %s", t->verb);
	fputs(t->object ? ": note: " : "note: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}
