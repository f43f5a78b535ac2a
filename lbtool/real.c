/* SPDX-License-Identifier: GPL-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lbtool/cmd.h"
#include "lbtool/edit.h"
#include "lbtool/show.h"
#include "lib/parse.h"

enum { KEY_POOL, KEY_WEIGHT, KEY_STATE, KEY_ENCAP, KEY_MPTCP };
static const struct lb_key keys[] = {
	[KEY_POOL] = {"pool", "NAME", false},
	[KEY_WEIGHT] = {"weight", "N", false},
	[KEY_STATE] = {"state", "STATE", false},
	[KEY_ENCAP] = {"encap", "default|ipip|gue|dscp|l2", false},
	[KEY_MPTCP] = {"mptcp", "PORT|none", false},
	{NULL, NULL, false},
};

#define REAL_STRLEN (LB_ADDR_STRLEN + LB_NAME_MAX + 7)

static const char *real_name(const struct lb_m_real *r, char buf[REAL_STRLEN])
{
	char addr[LB_ADDR_STRLEN];

	format_addr(&r->addr, addr);
	snprintf(buf, REAL_STRLEN, "%s pool %s", addr, r->pool);
	return buf;
}

static bool given(const struct edit *e, int key)
{
	return e->given & 1u << key;
}

static int parse_own_port(const char *word, uint16_t *port, struct lb_err *err)
{
	struct lb_err ignored;
	uint32_t n = 0;

	if (strcmp(word, "none") != 0 && parse_u32(word, 1, UINT16_MAX, &n, &ignored))
		return lb_bad_word(err, word, "must be 1-65535 or none");
	*port = (uint16_t)n;
	return 0;
}

static int parse_value(struct lb_m_real *r, int key, const char *word, struct lb_err *err)
{
	uint32_t n;

	switch (key) {
	case KEY_POOL:
		return parse_pool(word, r->pool, err);
	case KEY_WEIGHT:
		if (parse_u32(word, 0, LB_WEIGHT_MAX, &n, err))
			return -1;
		r->weight = n;
		return 0;
	case KEY_STATE:
		return parse_state(word, &r->state, err);
	case KEY_MPTCP:
		return parse_own_port(word, &r->mptcp, err);
	default:
		return parse_encap(word, LB_M_ENCAP_DEFAULT, &r->encap, err);
	}
}

static int parse(struct edit *e, struct lb_args *a, struct lb_err *err)
{
	struct lb_m_real *r = &e->real;
	const char *word;
	int key;

	*r = (struct lb_m_real){.weight = 1, .id = LB_NO_ID};
	if (lb_args_next(a, "ADDRESS", &word, err) || parse_addr(word, &r->addr, err))
		return -1;
	while ((key = lb_args_pair(a, keys, &e->given, &word, err)) >= 0)
		if (parse_value(r, key, word, err))
			return lb_args_label(err, keys[key].word);
	if (key != LB_ARGS_END)
		return -1;
	return given(e, KEY_POOL) ? 0 : lb_usage(err, "pool NAME is missing");
}

static int apply_del(const struct edit *e, struct lb_model *m, struct lb_m_real *old,
		     const char *name, struct lb_err *err)
{
	if (given(e, KEY_WEIGHT) && old->weight != e->real.weight)
		return edit_differs(name, "weight", err);
	if (given(e, KEY_STATE) && old->state != e->real.state)
		return edit_differs(name, "state", err);
	if (given(e, KEY_ENCAP) && old->encap != e->real.encap)
		return edit_differs(name, "encap", err);
	if (given(e, KEY_MPTCP) && old->mptcp != e->real.mptcp)
		return edit_differs(name, "mptcp port", err);
	lb_model_del_real(m, old);
	return 0;
}

static int apply(const struct edit *e, struct lb_model *m, struct lb_err *err)
{
	struct lb_m_real *old = lb_model_real(m, e->real.pool, &e->real.addr);
	struct lb_m_real new = e->real;
	char name[REAL_STRLEN];

	real_name(&e->real, name);
	if (old && e->verb == EDIT_ADD)
		return edit_exists(e, name, err);
	if (e->verb == EDIT_DEL)
		return old ? apply_del(e, m, old, name, err) : edit_missing(name, err);
	if (!lb_model_pool(m, new.pool))
		return edit_no_pool(new.pool, err);
	if (old) {
		new = *old;
		if (given(e, KEY_WEIGHT))
			new.weight = e->real.weight;
		if (given(e, KEY_STATE))
			new.state = e->real.state;
		if (given(e, KEY_ENCAP))
			new.encap = e->real.encap;
		if (given(e, KEY_MPTCP))
			new.mptcp = e->real.mptcp;
	}
	return lb_model_put_real(m, &new, err);
}

const struct edit_kind real_edit = {"real", parse, apply};

static int real_add(struct tool *t, struct lb_args *a)
{
	return edit_run(t, a, &real_edit, EDIT_ADD);
}

static int real_replace(struct tool *t, struct lb_args *a)
{
	return edit_run(t, a, &real_edit, EDIT_REPLACE);
}

static int real_del(struct tool *t, struct lb_args *a)
{
	return edit_run(t, a, &real_edit, EDIT_DEL);
}

/* What the table gives each real of one pool, and what the weights ask for. */
struct shares {
	uint32_t *count;
	uint64_t slots, weights;
};

static int shares_of(struct tool *t, const struct lb_model *m, const struct lb_m_real *r, size_t n,
		     struct shares *s)
{
	*s = (struct shares){0};
	if (!t->details)
		return 0;
	if (show_shares(t, m, r->pool, &s->count, &n))
		return -1;
	for (size_t i = 0; i < n; i++) {
		s->slots += s->count[i];
		s->weights += lb_real_serves(&r[i]) ? r[i].weight : 0;
	}
	return 0;
}

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static const enum lb_color health_colors[] = {LB_PLAIN, LB_GOOD, LB_BAD};

/* RFC 3339 for people, seconds for scripts. */
static void show_since(struct tool *t, uint64_t since)
{
	time_t when = (time_t)since;
	char text[64];
	struct tm tm;

	if (t->look.json)
		lb_out_u64(t->out, "since", since);
	else if (gmtime_r(&when, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		lb_out_str(t->out, "since", text, LB_PLAIN);
}

static void show_details(struct tool *t, const struct lb_m_real *r, const struct shares *s,
			 size_t i)
{
	lb_out_more(t->out);
	lb_out_u64(t->out, "id", r->id);
	lb_out_u64(t->out, "slots", s->count[i]);
	lb_out_real(t->out, "share", percent(s->count[i], s->slots), 3);
	lb_out_real(t->out, "expected", percent(lb_real_serves(r) ? r->weight : 0, s->weights), 3);
	lb_out_str(t->out, "health", lb_health_names[r->health], health_colors[r->health]);
	if (r->since)
		show_since(t, r->since);
	if (r->why[0])
		lb_out_str(t->out, "why", r->why, LB_PLAIN);
}

/* Without -details. To a batch and to a shell the remark is a comment: the line can be typed back. */
static void show_health(struct tool *t, const struct lb_m_real *r)
{
	if (t->look.json && r->health != LB_M_UNKNOWN)
		lb_out_str(t->out, "health", lb_health_names[r->health], LB_PLAIN);
	if (r->health == LB_M_SICK)
		lb_out_note(t->out, r->sick ? "# health down" : "# health down, not heeded",
			    LB_BAD);
}

void real_words(struct tool *t, const struct lb_m_real *r)
{
	static const enum lb_color colors[] = {LB_GOOD, LB_WARN, LB_BAD};
	char addr[LB_ADDR_STRLEN];

	format_addr(&r->addr, addr);
	lb_out_name(t->out, "real", addr, LB_ADDRESS);
	lb_out_str(t->out, "pool", r->pool, LB_NAME);
	lb_out_u64(t->out, "weight", r->weight);
	lb_out_str(t->out, "state", lb_state_names[r->state], colors[r->state]);
	if (r->encap != LB_M_ENCAP_DEFAULT)
		lb_out_str(t->out, "encap", lb_encap_names[r->encap], LB_PLAIN);
	if (r->mptcp)
		lb_out_u64(t->out, "mptcp", r->mptcp);
}

static int show_one(struct tool *t, const struct lb_m_real *r, const struct shares *s, size_t i)
{
	struct lb_counts count;

	lb_out_begin(t->out);
	real_words(t, r);
	if (t->details)
		show_details(t, r, s, i);
	else
		show_health(t, r);
	if (t->stats) {
		if (lb_maps_count(t->maps, LB_COUNT_REAL, r->id, &count, &t->err))
			return -1;
		lb_out_more(t->out);
		show_counts(t, &count);
	}
	lb_out_end(t->out);
	return 0;
}

/* Those of the pool that are selected; *found counts them. */
static int show_pool(struct tool *t, const struct lb_model *m, const struct select *sel,
		     const struct lb_m_real *r, size_t n, size_t *found)
{
	struct shares s;
	int ret = -1;

	if (shares_of(t, m, r, n, &s))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!select_real(sel, &r[i]))
			continue;
		if (show_one(t, &r[i], &s, i))
			goto out;
		++*found;
	}
	ret = 0;
out:
	free(s.count);
	return ret;
}

static int real_show(struct tool *t, struct lb_args *a)
{
	struct select sel;
	struct lb_model m;
	size_t n, found = 0;
	int ret = -1;

	if (select_real_parse(&sel, a, &t->err))
		return -1;
	if (show_open(t, &m))
		goto out;
	for (size_t i = 0; i < m.reals; i += n) {
		lb_model_pool_reals(&m, m.real[i].pool, &n);
		if (sel.by_pool && strcmp(sel.pool, m.real[i].pool) != 0)
			continue;
		if (show_pool(t, &m, &sel, &m.real[i], n, &found))
			goto out;
	}
	ret = found ? 0 : select_none(&sel, &m, &t->err);
out:
	lb_model_free(&m);
	return ret;
}

#define SETTINGS \
	"ADDRESS pool NAME [ weight N ] [ state STATE ]\n" \
	"                           [ encap default|ipip|gue|dscp|l2 ] [ mptcp PORT|none ]"

static const struct cmd real_cmds[] = {
	{"add", real_add, "add " SETTINGS},
	{"replace", real_replace, "replace " SETTINGS},
	{"del", real_del, "del ADDRESS pool NAME"},
	{"show", real_show, "show [ ADDRESS ] [ pool NAME ] [ state STATE ]"},
	{NULL, NULL, NULL},
};

const struct object real_object = {
	"real",
	"servers behind the balancer, in pools",
	real_cmds,
	"ADDRESS := IPv4 or IPv6, unicast\n"
	"N := 0-65535, its share of new flows beside the others' weights (default 1); 0: none\n"
	"STATE := { up | drain | down } (default up); drain: keeps its flows, gets no new ones\n"
	"encap default: as its pool says (default)\n"
	"mptcp PORT := 1-65535: on the VIPs of its pool that serve TCP, this port is this real's\n"
	"              alone, so that further subflows reach the host of the first (default none)\n"
	"replace keeps what is not named; a new real gets the defaults\n",
};
