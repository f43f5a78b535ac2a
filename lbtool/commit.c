/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One transaction: lock, read, edit in memory, check the whole, write the difference once, unlock.
 */
#include <stdlib.h>
#include <string.h>

#include "lbtool/edit.h"
#include "lbtool/hops.h"
#include "lbtool/show.h"
#include "lib/check.h"
#include "lib/model.h"

static int apply(struct tool *t, const struct edits *list, const struct edit *e, struct lb_model *m)
{
	if (!e->kind->apply(e, m, &t->err))
		return 0;
	if (!e->line)
		return -1;
	lb_prefix(&t->err, "%s %s", e->kind->object, edit_verb_names[e->verb]);
	return lb_prefix(&t->err, "%s:%u", list->file, e->line);
}

static int apply_all(struct tool *t, const struct edits *list, const struct lb_model *from,
		     struct lb_model *m)
{
	struct lb_info info;

	if (!list->whole && lb_model_copy(m, from, &t->err))
		return -1;
	for (size_t i = 0; i < list->n; i++)
		if (apply(t, list, &list->edit[i], m))
			return -1;
	lb_model_inherit(m, from);
	lb_maps_info(t->maps, &info);
	if (!lb_check(m, &info.limits, &t->err))
		return 0;
	return list->file ? lb_prefix(&t->err, "%s", list->file) : -1;
}

static void print_line(void *arg, const char *text)
{
	struct lb_out *out = arg;

	lb_out_begin(out);
	lb_out_name(out, "change", text, LB_PLAIN);
	lb_out_end(out);
}

static void count_line(void *arg, const char *text)
{
	(void)text;
	++*(size_t *)arg;
}

/* Asks the kernel for the next hops of reals and peers that were not there before. A failure is a remark. */
static void keep_new(struct tool *t, const struct lb_model *from, const struct lb_model *to)
{
	struct lb_addr *addr = NULL;
	size_t n = 0;

	for (size_t i = 0; i < to->reals; i++) {
		const struct lb_m_real *r = &to->real[i];

		if (lb_model_real(from, r->pool, &r->addr))
			continue;
		if (!addr)
			addr = calloc(to->reals, sizeof(*addr));
		if (!addr)
			return;
		addr[n++] = r->addr;
	}
	if (n)
		hops_keep(t, "real", addr, n);
	free(addr);
	if (to->peers &&
	    (to->peers != from->peers || memcmp(to->peer, from->peer, sizeof(to->peer))))
		hops_keep(t, "peer", to->peer, to->peers);
}

static bool is_own(const struct lb_nl_addr *own, size_t n, const struct lb_addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (!lb_addr_cmp(&own[i].addr, addr))
			return true;
	return false;
}

/* Whoever makes the address that he is logged in to a VIP should hear of it. */
static void note_own(struct tool *t, const struct lb_model *from, const struct lb_model *to)
{
	const struct lb_addr *first = NULL, *last = NULL;
	struct lb_nl_addr *own = NULL;
	char text[LB_ADDR_STRLEN];
	size_t n = 0;

	for (size_t i = 0; i < to->vips && !first; i++) {
		const struct lb_service *svc = &to->vip[i].svc;

		/* Sorted by address: each once. */
		if ((last && !lb_addr_cmp(last, &svc->addr)) || lb_model_vip(from, svc))
			continue;
		if (!last && (tool_nl(t) || lb_nl_addrs(t->nl, 0, &own, &n, &t->err)))
			return;
		last = &svc->addr;
		if (is_own(own, n, last))
			first = last;
	}
	free(own);
	if (!first)
		return;
	format_addr(first, text);
	tool_note(t,
		  "vip %s: is this host's own address: on attached devices all that comes for "
		  "it is balanced or dropped, ssh and BGP too",
		  text);
}

/* A replace that changes nothing commits nothing. */
static int write_changes(struct tool *t, const struct lb_model *from, struct lb_model *to)
{
	size_t changes = 0;

	lb_model_diff(from, to, count_line, &changes);
	if (!changes)
		return 0;
	if (lb_maps_commit(t->maps, from, to, &t->err))
		return -1;
	note_own(t, from, to);
	keep_new(t, from, to);
	return 0;
}

int edit_commit(struct tool *t, const struct edits *list)
{
	struct lb_model from, to;
	int ret = -1;

	lb_model_init(&from);
	lb_model_init(&to);
	if (tool_enter(t) || tool_maps(t) || (!t->dry_run && tool_lock(t)))
		goto out;
	if (lb_maps_read(t->maps, &from, &t->err) || apply_all(t, list, &from, &to))
		goto out;
	if (!t->dry_run) {
		ret = write_changes(t, &from, &to);
	} else if (!tool_out(t)) {
		lb_model_diff(&from, &to, print_line, t->out);
		ret = show_plans(t, &from, &to);
	}
out:
	lb_model_free(&from);
	lb_model_free(&to);
	return ret;
}
