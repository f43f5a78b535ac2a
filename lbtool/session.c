/* SPDX-License-Identifier: GPL-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/cmd.h"
#include "lbtool/show.h"
#include "lib/parse.h"

enum { KEY_POOL, KEY_REAL, KEY_VIP };
static const struct lb_key keys[] = {
	[KEY_POOL] = {"pool", "NAME", false},
	[KEY_REAL] = {"real", "ADDRESS", false},
	[KEY_VIP] = {"vip", "ADDRESS:PORT/PROTO", false},
	{NULL, NULL, false},
};

static int parse(struct select *s, struct lb_args *a, struct lb_err *err)
{
	uint32_t seen = 0;
	const char *word;
	int key, bad;

	memset(s, 0, sizeof(*s));
	while ((key = lb_args_pair(a, keys, &seen, &word, err)) >= 0) {
		if (key == KEY_POOL)
			bad = parse_pool(word, s->pool, err);
		else if (key == KEY_REAL)
			bad = parse_addr(word, &s->addr, err);
		else
			bad = parse_service(word, &s->svc, err);
		if (bad)
			return lb_args_label(err, keys[key].word);
	}
	s->by_pool = seen & 1u << KEY_POOL;
	s->by_addr = seen & 1u << KEY_REAL;
	s->by_service = seen & 1u << KEY_VIP;
	return key == LB_ARGS_END ? 0 : -1;
}

/* A VIP means its pool. What is asked for by name must be there: a slip of the pen flushes nothing. */
static int narrow(struct select *s, const struct lb_model *m, struct lb_err *err)
{
	const struct lb_m_vip *v = s->by_service ? lb_model_vip(m, &s->svc) : NULL;
	size_t i = 0;

	if (s->by_service && !v)
		return select_none(s, m, err);
	if (v && s->by_pool && strcmp(s->pool, v->pool) != 0)
		return lb_fail(err, "pool \"%s\": the VIP's pool is \"%s\"", s->pool, v->pool);
	if (v)
		memcpy(s->pool, v->pool, sizeof(s->pool));
	s->by_pool |= s->by_service;
	s->by_service = false;
	while (i < m->reals && !select_real(s, &m->real[i]))
		i++;
	return i < m->reals ? 0 : select_none(s, m, err);
}

/* Maps, model and filter. *m is the caller's to free, whatever is returned. */
static int session_open(struct tool *t, struct select *s, struct lb_model *m)
{
	struct lb_info info;

	if (show_open(t, m))
		return -1;
	lb_maps_info(t->maps, &info);
	if (!info.sessions)
		return lb_fail(&t->err, "there is no session cache: loaded with \"sessions 0\"");
	return narrow(s, m, &t->err);
}

static void show_idle(struct tool *t, const struct lb_session_use *u)
{
	char key[24];

	lb_out_more(t->out);
	for (int i = 0; i < LB_IDLE_CLASSES; i++) {
		snprintf(key, sizeof(key), "idle_%u", lb_idle_from[i]);
		lb_out_u64(t->out, key, u->idle[i]);
	}
}

static void show_one(struct tool *t, const struct lb_m_real *r, const struct lb_session_use *u)
{
	char addr[LB_ADDR_STRLEN];

	format_addr(&r->addr, addr);
	lb_out_begin(t->out);
	lb_out_str(t->out, "real", addr, LB_ADDRESS);
	lb_out_str(t->out, "pool", r->pool, LB_NAME);
	lb_out_u64(t->out, "entries", u->entries);
	lb_out_u64(t->out, "again", u->again);
	if (u->entries) {
		lb_out_u64(t->out, "youngest", u->youngest);
		lb_out_u64(t->out, "oldest", u->oldest);
	}
	if (t->details)
		show_idle(t, u);
	lb_out_end(t->out);
}

static int session_show(struct tool *t, struct lb_args *a)
{
	struct lb_sessions *s = NULL;
	struct select sel;
	struct lb_model m;
	int ret = -1;

	if (parse(&sel, a, &t->err))
		return -1;
	if (session_open(t, &sel, &m) || lb_maps_sessions(t->maps, &s, &t->err))
		goto out;
	for (size_t i = 0; i < m.reals; i++)
		if (select_real(&sel, &m.real[i]))
			show_one(t, &m.real[i], &s->real[m.real[i].id]);
	ret = 0;
out:
	free(s);
	lb_model_free(&m);
	return ret;
}

static uint64_t count(const struct lb_sessions *s, const struct lb_model *m,
		      const struct select *sel)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->reals; i++)
		if (select_real(sel, &m->real[i]))
			n += s->real[m->real[i].id].entries;
	return n;
}

static int session_stats(struct tool *t, struct lb_args *a)
{
	struct lb_sessions *s = NULL;
	struct select all = {0};
	struct lb_model m;
	int ret = -1;

	if (lb_args_end(a, &t->err))
		return -1;
	if (session_open(t, &all, &m) || lb_maps_sessions(t->maps, &s, &t->err))
		goto out;
	lb_out_begin(t->out);
	lb_out_u64(t->out, "entries", s->entries);
	lb_out_u64(t->out, "used", s->used);
	lb_out_u64(t->out, "again", s->again);
	lb_out_u64(t->out, "gone", s->used - count(s, &m, &all));
	lb_out_real(t->out, "share", 100.0 * (double)s->used / (double)s->entries, 3);
	lb_out_u64(t->out, "buckets", s->buckets);
	lb_out_u64(t->out, "full", s->full);
	lb_out_u64(t->out, "bytes", s->bytes);
	lb_out_u64(t->out, "bytes_entry", s->bytes / s->entries);
	lb_out_end(t->out);
	ret = 0;
out:
	free(s);
	lb_model_free(&m);
	return ret;
}

static bool everything(const struct select *sel)
{
	return !sel->by_pool && !sel->by_addr;
}

static int flush(struct tool *t, const struct lb_model *m, const struct select *sel, uint64_t *n)
{
	struct lb_info info;
	bool *of;
	int ret;

	lb_maps_info(t->maps, &info);
	of = calloc(info.limits.reals + 1, sizeof(*of));
	if (!of)
		return lb_fail(&t->err, "out of memory");
	for (size_t i = 0; i < m->reals; i++)
		of[m->real[i].id] = select_real(sel, &m->real[i]);
	ret = lb_maps_session_flush(t->maps, everything(sel) ? NULL : of, n, &t->err);
	free(of);
	return ret;
}

static int would_flush(struct tool *t, const struct lb_model *m, const struct select *sel,
		       uint64_t *n)
{
	struct lb_sessions *s;

	if (lb_maps_sessions(t->maps, &s, &t->err))
		return -1;
	*n = everything(sel) ? s->used : count(s, m, sel);
	free(s);
	return 0;
}

static int session_flush(struct tool *t, struct lb_args *a)
{
	struct select sel;
	struct lb_model m;
	uint64_t n = 0;
	int ret = -1;

	if (parse(&sel, a, &t->err) || tool_maps(t) || (!t->dry_run && tool_lock(t)))
		return -1;
	if (session_open(t, &sel, &m))
		goto out;
	if (t->dry_run ? would_flush(t, &m, &sel, &n) : flush(t, &m, &sel, &n))
		goto out;
	lb_out_begin(t->out);
	lb_out_u64(t->out, t->dry_run ? "entries" : "removed", n);
	lb_out_end(t->out);
	ret = 0;
out:
	lb_model_free(&m);
	return ret;
}

#define FILTER "[ pool NAME ] [ real ADDRESS ] [ vip ADDRESS:PORT/PROTO ]"

static const struct cmd session_cmds[] = {
	{"show", session_show, "show " FILTER},
	{"flush", session_flush, "flush " FILTER},
	{"stats", session_stats, "stats"},
	{NULL, NULL, NULL},
};

const struct object session_object = {
	"session",
	"the cache that keeps flows at their reals",
	session_cmds,
	"show: a line for each real; again: entries of flows that came a second time;\n"
	"      youngest, oldest: seconds since the last packet, in steps of 16\n"
	"flush: removes entries; the next packets of these flows go by the table\n"
	"vip: the reals of its pool; an entry does not know its VIP\n",
};
