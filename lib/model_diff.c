// SPDX-License-Identifier: GPL-2.0
/* model_diff.c - the difference of two models as commands. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model.h"
#include "lib/model_internal.h"
#include "lib/quote.h"

#define LINE_LEN 1024 /* above the longest: a pool with a check, all its texts full */

struct diff {
	const struct lb_model *from, *to;
	void (*line)(void *arg, const char *text);
	void *arg;
	bool *left; /* by pool of `from`: a VIP leaves it by a replace. NULL: not known, so perhaps any */
};

typedef void (*pair_fn)(const struct diff *d, const void *from, const void *to);

__attribute__((format(printf, 2, 3))) static void emit(const struct diff *d, const char *fmt, ...)
{
	char text[LINE_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->line(d->arg, text);
}

/* Walks both sorted arrays at once: fn() gets each key's value in the one and the other, or NULL. */
static void walk(const struct diff *d, const void *from, size_t from_n, const void *to, size_t to_n,
		 size_t size, int (*cmp)(const void *a, const void *b), pair_fn fn)
{
	const char *a = from, *b = to;

	while (from_n || to_n) {
		int c = !from_n ? 1 : !to_n ? -1 : cmp(a, b);

		fn(d, c <= 0 ? a : NULL, c >= 0 ? b : NULL);
		if (c <= 0) {
			a += size;
			from_n--;
		}
		if (c >= 0) {
			b += size;
			to_n--;
		}
	}
}

static void walk_pools(const struct diff *d, pair_fn fn)
{
	walk(d, d->from->pool, d->from->pools, d->to->pool, d->to->pools, sizeof(*d->to->pool),
	     lb_model_pool_cmp, fn);
}

static void walk_reals(const struct diff *d, pair_fn fn)
{
	walk(d, d->from->real, d->from->reals, d->to->real, d->to->reals, sizeof(*d->to->real),
	     lb_model_real_cmp, fn);
}

static void walk_vips(const struct diff *d, pair_fn fn)
{
	walk(d, d->from->vip, d->from->vips, d->to->vip, d->to->vips, sizeof(*d->to->vip),
	     lb_model_vip_cmp, fn);
}

static bool waits(const struct diff *d, const struct lb_m_pool *pool)
{
	return !d->left || d->left[pool - d->from->pool];
}

static void pool_del(const struct diff *d, const void *from, const void *to)
{
	const struct lb_m_pool *old = from;

	if (old && !to && !waits(d, old))
		emit(d, "pool del %s", old->name);
}

static void pool_del_last(const struct diff *d, const void *from, const void *to)
{
	const struct lb_m_pool *old = from;

	if (old && !to && waits(d, old))
		emit(d, "pool del %s", old->name);
}

struct words {
	char *text;
	size_t len;
};

/* Appends to LINE_LEN bytes. */
__attribute__((format(printf, 2, 3))) static void add(struct words *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->text + w->len, LINE_LEN - w->len, fmt, ap);
	va_end(ap);
	w->len += n < 0 ? 0 : (size_t)n;
	if (w->len >= LINE_LEN)
		w->len = LINE_LEN - 1;
}

/* Named when it is not as usual, or was not. */
static void add_text(struct words *w, const char *key, const char *is, const char *was,
		     const char *usual)
{
	char quoted[sizeof(lb_check_default.host) + 2];

	if (strcmp(is, usual) != 0 || strcmp(was, usual) != 0)
		add(w, " %s %s", key, lb_quote(is, quoted, sizeof(quoted)));
}

static void add_port(struct words *w, const struct lb_m_check *is, const struct lb_m_check *was)
{
	if (is->port)
		add(w, " port %u", is->port);
	else if (was->port)
		add(w, " port vip");
}

static void add_status(struct words *w, const struct lb_m_check *is, const struct lb_m_check *was)
{
	const struct lb_m_check *usual = &lb_check_default;

	if (is->status_min == usual->status_min && is->status_max == usual->status_max &&
	    was->status_min == usual->status_min && was->status_max == usual->status_max)
		return;
	add(w, " status %u", is->status_min);
	if (is->status_max != is->status_min)
		add(w, "-%u", is->status_max);
}

static void add_check(struct words *w, const struct lb_m_check *is, const struct lb_m_check *was)
{
	const struct lb_m_check *usual = &lb_check_default;
	char interval[LB_TIME_STRLEN], timeout[LB_TIME_STRLEN];

	if (is->kind == LB_M_CHECK_NONE && was->kind == LB_M_CHECK_NONE)
		return;
	add(w, " check %s", lb_check_names[is->kind]);
	if (is->kind == LB_M_CHECK_NONE)
		return;
	if (is->direct || was->direct)
		add(w, " direct %s", is->direct ? "on" : "off");
	add_port(w, is, was);
	format_time(is->interval, interval);
	format_time(is->timeout, timeout);
	add(w, " interval %s timeout %s rise %u fall %u", interval, timeout, is->rise, is->fall);
	/* What belongs to one kind goes with it. */
	if (is->kind != was->kind)
		was = usual;
	add_status(w, is, was);
	add_text(w, "host", is->host, was->host, usual->host);
	add_text(w, "path", is->path, was->path, usual->path);
	add_text(w, "send", is->send, was->send, usual->send);
	add_text(w, "expect", is->expect, was->expect, usual->expect);
	add_text(w, "command", is->command, was->command, usual->command);
}

/* What stands behind the pool's name; `was` is the pool itself when there was none. */
static void pool_words(const struct lb_m_pool *is, const struct lb_m_pool *was, char text[LINE_LEN])
{
	struct words w = {.text = text};
	char drain[LB_TIME_STRLEN];

	add(&w, " table %u encap %s", is->slots, lb_encap_names[is->encap]);
	if (is->min != 1 || was->min != 1)
		add(&w, " min %u", is->min);
	if (is->panic || was->panic)
		add(&w, " panic %u", is->panic);
	if (is->drain != LB_DRAIN_DEFAULT || was->drain != LB_DRAIN_DEFAULT) {
		format_time(is->drain * 1000, drain);
		add(&w, " drain %s", drain);
	}
	if (is->gue_port != LB_GUE_PORT_DEFAULT || was->gue_port != LB_GUE_PORT_DEFAULT)
		add(&w, " gue-port %u", is->gue_port);
	add_check(&w, &is->check, &was->check);
}

static void pool_put(const struct diff *d, const void *from, const void *to)
{
	const struct lb_m_pool *old = from, *new = to;
	char is[LINE_LEN], was[LINE_LEN];

	if (!new)
		return;
	pool_words(new, new, is);
	if (old)
		pool_words(old, old, was);
	if (old && !strcmp(is, was))
		return;
	/* A replace keeps what is not named. */
	pool_words(new, old ? old : new, is);
	emit(d, "pool %s %s%s", old ? "replace" : "add", new->name, is);
}

static void real_del(const struct diff *d, const void *from, const void *to)
{
	const struct lb_m_real *old = from;
	char addr[LB_ADDR_STRLEN];

	if (!old || to)
		return;
	format_addr(&old->addr, addr);
	emit(d, "real del %s pool %s", addr, old->pool);
}

/* What stands behind the address; `was` is the real itself when there was none. */
static void real_words(const struct lb_m_real *is, const struct lb_m_real *was, char text[LINE_LEN])
{
	struct words w = {.text = text};

	add(&w, " pool %s weight %u state %s", is->pool, is->weight, lb_state_names[is->state]);
	if (is->encap != LB_M_ENCAP_DEFAULT || was->encap != LB_M_ENCAP_DEFAULT)
		add(&w, " encap %s", lb_encap_names[is->encap]);
	if (is->mptcp)
		add(&w, " mptcp %u", is->mptcp);
	else if (was->mptcp)
		add(&w, " mptcp none");
}

static void real_put(const struct diff *d, const void *from, const void *to)
{
	const struct lb_m_real *old = from, *new = to;
	char addr[LB_ADDR_STRLEN], is[LINE_LEN], was[LINE_LEN];

	if (!new)
		return;
	real_words(new, new, is);
	if (old)
		real_words(old, old, was);
	if (old && !strcmp(is, was))
		return;
	/* A replace keeps what is not named. */
	real_words(new, old ? old : new, is);
	format_addr(&new->addr, addr);
	emit(d, "real %s %s%s", old ? "replace" : "add", addr, is);
}

static void vip_del(const struct diff *d, const void *from, const void *to)
{
	const struct lb_m_vip *old = from;
	char svc[LB_SERVICE_STRLEN];

	if (!old || to)
		return;
	format_service(&old->svc, svc);
	emit(d, "vip del %s", svc);
}

/* What stands behind the service; `was` is the VIP itself when there was none. */
static void vip_words(const struct lb_m_vip *is, const struct lb_m_vip *was, char text[LINE_LEN])
{
	struct words w = {.text = text};

	add(&w, " pool %s session %s", is->pool, is->session ? "on" : "off");
	if (is->hash || was->hash)
		add(&w, " hash %s", lb_hash_names[is->hash]);
	if (is->fragments || was->fragments)
		add(&w, " fragments %s", lb_fragments_names[is->fragments]);
	if (is->dscp)
		add(&w, " dscp %u", is->dscp);
	else if (was->dscp)
		add(&w, " dscp none");
	if (is->always || was->always)
		add(&w, " announce %s", is->always ? "always" : "auto");
}

static void vip_put(const struct diff *d, const void *from, const void *to)
{
	const struct lb_m_vip *old = from, *new = to;
	char svc[LB_SERVICE_STRLEN], is[LINE_LEN], was[LINE_LEN];

	if (!new)
		return;
	vip_words(new, new, is);
	if (old)
		vip_words(old, old, was);
	if (old && !strcmp(is, was))
		return;
	/* A replace keeps what is not named. */
	vip_words(new, old ? old : new, is);
	format_service(&new->svc, svc);
	emit(d, "vip %s %s%s", old ? "replace" : "add", svc, is);
}

static void peer_del(const struct diff *d, const void *from, const void *to)
{
	char addr[LB_ADDR_STRLEN];

	if (!from || to)
		return;
	format_addr(from, addr);
	emit(d, "node peer del %s", addr);
}

static void peer_put(const struct diff *d, const void *from, const void *to)
{
	char addr[LB_ADDR_STRLEN];

	if (from || !to)
		return;
	format_addr(to, addr);
	emit(d, "node peer add %s", addr);
}

static int peer_cmp(const void *a, const void *b)
{
	return lb_addr_cmp(a, b);
}

static void walk_peers(const struct diff *d, pair_fn fn)
{
	walk(d, d->from->peer, d->from->peers, d->to->peer, d->to->peers, sizeof(*d->to->peer),
	     peer_cmp, fn);
}

/* One line says all of it. */
static void source_put(const struct diff *d)
{
	const struct lb_net *const net[] = {&d->to->spread4, &d->to->spread6};
	char text[LINE_LEN] = "", prefix[LB_ADDR_STRLEN + 4];
	struct words w = {.text = text};

	if (lb_net_same(&d->from->spread4, net[0]) && lb_net_same(&d->from->spread6, net[1]))
		return;
	for (int i = 0; i < 2; i++) {
		if (!net[i]->addr.family)
			continue;
		format_net(net[i], prefix);
		add(&w, " spread %s", prefix);
	}
	emit(d, "node source%s", *text ? text : " node");
}

static void mark_left(const struct diff *d, const void *from, const void *to)
{
	const struct lb_m_vip *old = from;
	const struct lb_m_pool *pool;

	pool = old && to ? lb_model_pool(d->from, old->pool) : NULL;
	if (pool)
		d->left[pool - d->from->pool] = true;
}

void lb_model_diff(const struct lb_model *from, const struct lb_model *to,
		   void (*line)(void *arg, const char *text), void *arg)
{
	struct diff d = {.from = from, .to = to, .line = line, .arg = arg};

	d.left = calloc(from->pools + 1, sizeof(*d.left));
	if (d.left)
		walk_vips(&d, mark_left);
	source_put(&d);
	walk_peers(&d, peer_del);
	walk_peers(&d, peer_put);
	walk_vips(&d, vip_del);
	walk_reals(&d, real_del);
	walk_pools(&d, pool_del);
	walk_pools(&d, pool_put);
	walk_reals(&d, real_put);
	walk_vips(&d, vip_put);
	walk_pools(&d, pool_del_last);
	free(d.left);
}
