/* SPDX-License-Identifier: GPL-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/cmd.h"
#include "lbtool/edit.h"
#include "lbtool/pool_check.h"
#include "lbtool/show.h"
#include "lib/check.h"
#include "lib/parse.h"
#include "lib/ring.h"

static bool given(const struct edit *e, enum pool_key key)
{
	return e->given & 1u << key;
}

/* The prime that may be a table's size nearest to n; the greater of two as near. */
static uint32_t nearest_prime(uint32_t n)
{
	for (uint32_t d = 1; d < LB_RING_MAX; d++) {
		if (lb_ring_prime(n + d))
			return n + d;
		if (n > d && lb_ring_prime(n - d))
			return n - d;
	}
	return LB_RING_DEFAULT;
}

static int parse_table(const char *word, uint32_t *slots, struct lb_err *err)
{
	char sizes[256] = "";
	size_t len = 0;
	uint32_t n;

	if (parse_u32(word, LB_RING_MIN, LB_RING_MAX, &n, err))
		return -1;
	if (lb_ring_prime(n)) {
		*slots = n;
		return 0;
	}
	for (int i = 0; lb_ring_sizes[i] && len < sizeof(sizes); i++)
		len += snprintf(sizes + len, sizeof(sizes) - len, "%s%" PRIu32, i ? ", " : "",
				lb_ring_sizes[i]);
	return lb_bad_word(err, word,
			   "must be a prime: the nearest is %" PRIu32 ", good ones are %s",
			   nearest_prime(n), sizes);
}

int parse_encap(const char *word, enum lb_m_encap first, enum lb_m_encap *encap, struct lb_err *err)
{
	int which;

	if (parse_choice(word, lb_encap_names + first, &which, err))
		return -1;
	*encap = (enum lb_m_encap)(which + (int)first);
	return 0;
}

static int parse_value(struct lb_m_pool *p, enum pool_key key, const char *word, struct lb_err *err)
{
	uint32_t n = 0;
	int bad;

	switch (key) {
	case KEY_TABLE:
		return parse_table(word, &p->slots, err);
	case KEY_ENCAP:
		return parse_encap(word, LB_M_ENCAP_IPIP, &p->encap, err);
	case KEY_MIN:
		bad = parse_u32(word, 1, UINT16_MAX, &n, err);
		p->min = (uint16_t)n;
		return bad;
	case KEY_PANIC:
		bad = parse_u32(word, 0, 100, &n, err);
		p->panic = (uint8_t)n;
		return bad;
	case KEY_DRAIN: /* 0s: never name the previous real */
		bad = parse_seconds(word, 0, LB_DRAIN_MAX, &n, err);
		p->drain = (uint16_t)n;
		return bad;
	case KEY_GUE_PORT:
		bad = parse_u32(word, 1, UINT16_MAX, &n, err);
		p->gue_port = (uint16_t)n;
		return bad;
	default:
		return pool_check_parse(&p->check, key, word, err);
	}
}

/* What the words alone say, whatever pool is there. */
static int check_words(const struct edit *e, struct lb_err *err)
{
	const struct lb_m_check *c = &e->pool.check;

	if (e->verb == EDIT_DEL)
		return 0;
	if ((e->verb == EDIT_ADD || given(e, KEY_CHECK)) &&
	    pool_check_suits(c->kind, e->given, err))
		return -1;
	return e->verb == EDIT_ADD ? pool_check_whole(c, err) : 0;
}

static int parse(struct edit *e, struct lb_args *a, struct lb_err *err)
{
	struct lb_m_pool *p = &e->pool;
	const char *word;
	int key;

	*p = (struct lb_m_pool){.slots = LB_RING_DEFAULT,
				.encap = LB_M_ENCAP_IPIP,
				.min = 1,
				.drain = LB_DRAIN_DEFAULT,
				.gue_port = LB_GUE_PORT_DEFAULT,
				.check = lb_check_default,
				.id = LB_NO_ID};
	if (lb_args_next(a, "NAME", &word, err) || parse_name(word, err))
		return -1;
	memcpy(p->name, word, strlen(word) + 1);
	while ((key = lb_args_pair(a, pool_keys, &e->given, &word, err)) >= 0)
		if (parse_value(p, key, word, err))
			return lb_args_label(err, pool_keys[key].word);
	return key == LB_ARGS_END ? check_words(e, err) : -1;
}

static int apply_del(const struct edit *e, struct lb_model *m, struct lb_m_pool *old,
		     struct lb_err *err)
{
	const char *key = pool_check_differs(&old->check, &e->pool.check, e->given);

	if (given(e, KEY_TABLE) && old->slots != e->pool.slots)
		key = "table";
	if (given(e, KEY_ENCAP) && old->encap != e->pool.encap)
		key = "encap";
	if (given(e, KEY_MIN) && old->min != e->pool.min)
		key = "min";
	if (given(e, KEY_PANIC) && old->panic != e->pool.panic)
		key = "panic";
	if (given(e, KEY_DRAIN) && old->drain != e->pool.drain)
		key = "drain";
	if (given(e, KEY_GUE_PORT) && old->gue_port != e->pool.gue_port)
		key = "gue-port";
	if (key)
		return edit_differs(old->name, key, err);
	if (lb_check_pool_unused(m, old->name, err))
		return -1;
	lb_model_del_pool(m, old);
	return 0;
}

static int apply(const struct edit *e, struct lb_model *m, struct lb_err *err)
{
	struct lb_m_pool *old = lb_model_pool(m, e->pool.name);
	struct lb_m_pool new = e->pool;

	if (old && e->verb == EDIT_ADD)
		return edit_exists(e, e->pool.name, err);
	if (e->verb == EDIT_DEL)
		return old ? apply_del(e, m, old, err) : edit_missing(e->pool.name, err);
	if (old) {
		new = *old;
		if (given(e, KEY_TABLE))
			new.slots = e->pool.slots;
		if (given(e, KEY_ENCAP))
			new.encap = e->pool.encap;
		if (given(e, KEY_MIN))
			new.min = e->pool.min;
		if (given(e, KEY_PANIC))
			new.panic = e->pool.panic;
		if (given(e, KEY_DRAIN))
			new.drain = e->pool.drain;
		if (given(e, KEY_GUE_PORT))
			new.gue_port = e->pool.gue_port;
		pool_check_merge(&new.check, &e->pool.check, e->given);
	}
	if (pool_check_suits(new.check.kind, e->given, err) || pool_check_whole(&new.check, err)) {
		err->status = LB_FAILED; /* the words are good, for another pool */
		return -1;
	}
	return lb_model_put_pool(m, &new, err);
}

const struct edit_kind pool_edit = {"pool", parse, apply};

static int pool_add(struct tool *t, struct lb_args *a)
{
	return edit_run(t, a, &pool_edit, EDIT_ADD);
}

static int pool_replace(struct tool *t, struct lb_args *a)
{
	return edit_run(t, a, &pool_edit, EDIT_REPLACE);
}

static int pool_del(struct tool *t, struct lb_args *a)
{
	return edit_run(t, a, &pool_edit, EDIT_DEL);
}

/* What follows from the configuration: who serves, how full the table is, what it says. */
static int show_details(struct tool *t, const struct lb_model *m, const struct lb_m_pool *p)
{
	uint32_t *count = NULL, used = 0, serving = 0;
	uint64_t digest;
	char hex[17];
	size_t n;

	if (show_shares(t, m, p->name, &count, &n))
		return -1;
	for (size_t i = 0; i < n; i++) {
		used += count[i];
		serving += count[i] != 0;
	}
	free(count);
	if (lb_maps_digest(t->maps, m, p->name, &digest, &t->err))
		return -1;
	snprintf(hex, sizeof(hex), "%016" PRIx64, digest);
	lb_out_more(t->out);
	lb_out_u64(t->out, "id", p->id);
	lb_out_u64(t->out, "reals", n);
	lb_out_u64(t->out, "serving", serving);
	lb_out_u64(t->out, "healthy", lb_pool_healthy(m, p));
	if (lb_pool_panics(m, p))
		lb_out_bool(t->out, "panicking", true);
	lb_out_u64(t->out, "used", used);
	lb_out_str(t->out, "digest", hex, LB_PLAIN);
	return 0;
}

/* A pool has no counters of its own: the sum of its reals'. */
static int show_stats(struct tool *t, const struct lb_model *m, const struct lb_m_pool *p)
{
	struct lb_counts sum = {0}, one;
	size_t n;
	const struct lb_m_real *r = lb_model_pool_reals(m, p->name, &n);

	for (size_t i = 0; i < n; i++) {
		if (lb_maps_count(t->maps, LB_COUNT_REAL, r[i].id, &one, &t->err))
			return -1;
		sum.packets += one.packets;
		sum.bytes += one.bytes;
	}
	lb_out_more(t->out);
	show_counts(t, &sum);
	return 0;
}

static void show_gue(struct tool *t, const struct lb_m_pool *p)
{
	char drain[LB_TIME_STRLEN];

	format_time(p->drain * 1000, drain);
	if (t->look.json)
		lb_out_u64(t->out, "drain_ms", p->drain * 1000);
	else if (p->drain != LB_DRAIN_DEFAULT)
		lb_out_str(t->out, "drain", drain, LB_PLAIN);
	if (t->look.json)
		lb_out_u64(t->out, "gue_port", p->gue_port);
	else if (p->gue_port != LB_GUE_PORT_DEFAULT)
		lb_out_u64(t->out, "gue-port", p->gue_port);
}

void pool_words(struct tool *t, const struct lb_m_pool *p)
{
	lb_out_name(t->out, "pool", p->name, LB_NAME);
	lb_out_u64(t->out, "table", p->slots);
	lb_out_str(t->out, "encap", lb_encap_names[p->encap], LB_PLAIN);
	if (t->look.json || p->min != 1)
		lb_out_u64(t->out, "min", p->min);
	if (t->look.json || p->panic)
		lb_out_u64(t->out, "panic", p->panic);
	show_gue(t, p);
	pool_check_show(t, &p->check);
}

static int show_one(struct tool *t, const struct lb_model *m, const struct lb_m_pool *p)
{
	lb_out_begin(t->out);
	pool_words(t, p);
	if ((t->details && show_details(t, m, p)) || (t->stats && show_stats(t, m, p)))
		return -1;
	lb_out_end(t->out);
	return 0;
}

static int pool_show(struct tool *t, struct lb_args *a)
{
	const char *name = NULL;
	struct lb_model m;
	int ret = -1;

	if (lb_args_peek(a) &&
	    (lb_args_next(a, "NAME", &name, &t->err) || parse_name(name, &t->err)))
		return -1;
	if (lb_args_end(a, &t->err))
		return -1;
	if (show_open(t, &m))
		goto out;
	if (name && !lb_model_pool(&m, name)) {
		edit_missing(name, &t->err);
		goto out;
	}
	for (size_t i = 0; i < m.pools; i++)
		if ((!name || !strcmp(name, m.pool[i].name)) && show_one(t, &m, &m.pool[i]))
			goto out;
	ret = 0;
out:
	lb_model_free(&m);
	return ret;
}

static int pool_rebuild(struct tool *t, struct lb_args *a)
{
	const char *name;
	struct lb_model m;
	int ret = -1;

	if (lb_args_next(a, "NAME", &name, &t->err) || parse_name(name, &t->err) ||
	    lb_args_end(a, &t->err) || tool_no_dry_run(t) || tool_maps(t) || tool_lock(t))
		return -1;
	lb_model_init(&m);
	if (!lb_maps_read(t->maps, &m, &t->err)) {
		if (lb_model_pool(&m, name))
			ret = lb_maps_remake(t->maps, &m, name, &t->err);
		else
			edit_missing(name, &t->err);
	}
	lb_model_free(&m);
	return ret;
}

#define SETTINGS \
	"NAME [ table SIZE ] [ encap ipip|gue|dscp|l2 ] [ min N ] [ panic PERCENT ]\n" \
	"                           [ drain TIME ] [ gue-port N ]\n" \
	"                           [ check none|tcp|http|https|udp|exec ] [ direct on|off ]\n" \
	"                           [ port N|vip ] [ interval TIME ] [ timeout TIME ]\n" \
	"                           [ rise N ] [ fall N ] [ status RANGE ] [ host HOST ]\n" \
	"                           [ path PATH ] [ send TEXT ] [ expect TEXT ] [ command PATH ]"

static const struct cmd pool_cmds[] = {
	{"add", pool_add, "add " SETTINGS},   {"replace", pool_replace, "replace " SETTINGS},
	{"del", pool_del, "del NAME"},	      {"rebuild", pool_rebuild, "rebuild NAME"},
	{"show", pool_show, "show [ NAME ]"}, {NULL, NULL, NULL},
};

const struct object pool_object = {
	"pool",
	"sets of reals with one hash table",
	pool_cmds,
	"NAME := letters, digits, - and _, at most 31, the first a letter or digit\n"
	"SIZE := a prime from 251 to 4194301, at least 100 times the reals (default 65537)\n"
	"min N := 1-65535 healthy reals that the announcement of a VIP needs (default 1)\n"
	"PERCENT := 0-100: when fewer of the reals are up, all count as up (default 0: never)\n"
	"encap := how packets get to the reals: ipip, IP in IP (default); gue, with UDP between,\n"
	"         which lets a connection outlive a change of both pool and nodes\n"
	"drain TIME := 0s-65535s, whole seconds: with gue, for how long after a change a packet\n"
	"              also names the real that had its flow before (default 5m)\n"
	"gue-port N := 1-65535, of UDP (default 6080)\n"
	"check := how the reals are asked whether they serve (default none)\n"
	"         http, https: status, host, path, expect; udp: send, expect; exec: command\n"
	"direct on: asks the real's own address, not the VIP through the tunnel (default off)\n"
	"port N := 1-65535, or vip: that of the pool's first VIP (default vip)\n"
	"TIME := like 500ms, 2s, 1m; interval 100ms-1h (default 2s),\n"
	"        timeout 50ms-1m, no longer than the interval (default 1s)\n"
	"rise N, fall N := 1-100 answers alike change the health (default 2 and 3)\n"
	"RANGE := one HTTP status or A-B, 100-599 (default 200-399)\n"
	"HOST := a name or an address, for Host and SNI; '' for none: what is asked (default)\n"
	"PATH := begins with /, no blanks, at most 127; of HTTP (default /), or a command's\n"
	"TEXT := at most 63 printable characters, '' for none; udp: send is the datagram;\n"
	"        expect: what the answer must contain\n"
	"replace keeps what is not named; a new pool gets the defaults\n"
	"rebuild: makes the table anew from reals and health, should it be another (doctor)\n"
	"replace with another check keeps direct, port, times, rise and fall; check none nothing\n",
};
