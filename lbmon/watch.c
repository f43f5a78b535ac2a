/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The maps are the database and know nothing of us: a look four times a second tells whether somebody committed. Health is kept
 * in the targets, and written to the maps, under the lock, as soon as nobody else holds it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lbmon/watch_internal.h"
#include "lib/prog.h"

#define LOOK 250u /* milliseconds between two looks at the maps */
#define LOOKS_ATTACHED 4u /* every so many of them also at pins and devices */
#define SAY_AGAIN 10000u /* milliseconds before another trouble is said: two may take turns */
#define VIAS 64u /* more next hops of devices are not looked after */

/* Trouble that lasts is said once. */
void watch_say(struct watch *w, const char *event, const char *what)
{
	uint64_t now = loop_now(w->loop);

	if (!strcmp(w->said, what) || (w->said[0] && now < w->said_at + SAY_AGAIN))
		return;
	w->said_at = now;
	snprintf(w->said, sizeof(w->said), "%s", what);
	log_event(event, "error", what, NULL);
}

uint32_t watch_commits(const struct watch *w)
{
	struct lb_info info;

	lb_maps_info(w->maps, &info);
	return info.commits;
}

static void log_health(const struct lb_m_real *r, enum lb_m_health was, const struct target *t)
{
	char addr[LB_ADDR_STRLEN];

	format_addr(&r->addr, addr);
	log_event("real", "pool", r->pool, "address", addr, "health", lb_health_names[r->health],
		  "was", lb_health_names[was], "why", t ? t->why : "not checked", NULL);
}

static void log_panics(struct watch *w)
{
	size_t i;

	for (i = 0; i < w->model.pools; i++) {
		const struct lb_m_pool *p = &w->model.pool[i];
		bool now = lb_pool_panics(&w->model, p);
		char healthy[24];

		if (now == w->pool[i].panics)
			continue;
		w->pool[i].panics = now;
		snprintf(healthy, sizeof(healthy), "%zu", lb_pool_healthy(&w->model, p));
		log_event("pool", "pool", p->name, "panic", now ? "on" : "off", "healthy", healthy,
			  NULL);
	}
}

/* From the targets into the model in memory. */
static void take_health(struct watch *w)
{
	static const char none[LB_WHY_LEN];
	size_t i;

	for (i = 0; i < w->model.reals; i++) {
		const struct target *t = targets_of(w->targets, i);
		struct lb_m_real *r = &w->model.real[i];
		enum lb_m_health was = r->health;

		/* Until it is known, what the maps say holds; but who asks once wants no old news. */
		if (t && t->health.state == LB_M_UNKNOWN && !w->opt.once)
			continue;
		r->health = t ? t->health.state : LB_M_UNKNOWN;
		memcpy(r->why, t ? t->why : none, sizeof(r->why));
		if (r->health != was)
			log_health(r, was, t);
	}
	lb_model_health(&w->model);
	log_panics(w);
}

static void tell(struct watch *w)
{
	if (!w->known && w->maps && targets_known(w->targets)) {
		take_health(w); /* what was learnt since the targets' last call */
		w->known = true;
	}
	if (w->known && !w->settled) {
		w->settled = true;
		if (w->opt.settled)
			w->opt.settled(w->opt.arg);
	}
	if (w->opt.changed)
		w->opt.changed(w->opt.arg);
}

static void health_changed(void *arg)
{
	struct watch *w = arg;

	take_health(w);
	if (!w->opt.dry_run && !w->opt.once)
		timer_set(w->write, 0);
	tell(w);
}

/* What the packets' way leads over: the next hops of reals and peers, and those of devices that have one of their own. */
static void keep_hops(struct watch *w)
{
	size_t n = w->model.reals, most = n + VIAS + LB_M_PEERS_MAX, i;
	struct lb_addr *addr = calloc(most, sizeof(*addr));
	struct lb_dev_conf dev;
	uint32_t ifindex = 0;

	if (!addr)
		return;
	for (i = 0; i < n; i++)
		addr[i] = w->model.real[i].addr;
	for (i = 0; i < w->model.peers; i++)
		addr[n++] = w->model.peer[i];
	while (w->maps && n < most && lb_maps_dev_next(w->maps, &ifindex))
		if (lb_maps_dev_get(w->maps, ifindex, &dev) && dev.via.family)
			addr[n++] = dev.via;
	keep_set(w->keep, addr, n);
}

/* Takes over *m, which was read at that commit. */
static int adopt(struct watch *w, struct lb_model *m, uint32_t commits, struct lb_err *err)
{
	size_t was = w->model.pools;
	struct lb_err ignored;

	if (watch_pools(w, m, was, err))
		return -1;
	if (targets_sync(w->targets, m, err)) {
		/* The pools' states are those of *m by now: back to the old model's. */
		watch_pools(w, &w->model, m->pools, &ignored);
		return -1;
	}
	lb_model_free(&w->model);
	w->model = *m;
	lb_model_init(m);
	w->commits = commits;
	w->current = true;
	keep_hops(w);
	take_health(w);
	return 0;
}

int watch_reload(struct watch *w, struct lb_err *err)
{
	/* Taken before the reading: a commit in between is seen at the next look. */
	uint32_t commits = watch_commits(w);
	struct lb_model m;
	int ret;

	lb_model_init(&m);
	ret = lb_maps_read(w->maps, &m, err);
	if (!ret)
		ret = adopt(w, &m, commits, err);
	lb_model_free(&m);
	if (!ret && !w->opt.dry_run && !w->opt.once)
		timer_set(w->write, 0);
	return ret;
}

static void lose_maps(struct watch *w)
{
	struct lb_err err;

	log_event("maps", "instance", w->opt.instance, "state", "gone", NULL);
	targets_sync(w->targets, NULL, &err);
	lb_model_free(&w->model);
	lb_maps_close(w->maps);
	w->maps = NULL;
	w->current = w->moved = false;
	keep_hops(w);
	w->attached = w->known = false;
}

static int find_maps(struct watch *w, struct lb_err *err)
{
	if (lb_maps_open(w->opt.instance, &w->maps, err)) {
		w->maps = NULL;
		return -1;
	}
	w->said[0] = '\0';
	watch_hinder(w, "");
	log_event("maps", "instance", w->opt.instance, "state", "found", NULL);
	w->drained = lb_maps_drained(w->maps);
	w->attached = watch_attached(w);
	return watch_reload(w, err);
}

/* The slow part of a look. True when something changed that matters to others. */
static bool look_around(struct watch *w, struct lb_err *err)
{
	bool attached;

	if (w->maps && !lb_maps_current(w->maps, w->opt.instance) && !watch_moved(w)) {
		lose_maps(w);
		return true;
	}
	if (!w->maps) {
		if (!find_maps(w, err))
			return true;
		watch_say(w, "maps", err->msg);
		watch_hinder(w, err->msg);
		return false;
	}
	attached = watch_attached(w);
	/* A program that is just being swapped may be neither the old nor the new one. */
	if (!attached && w->attached)
		attached = watch_attached(w);
	if (attached == w->attached)
		return false;
	w->attached = attached;
	keep_hops(w);
	log_event("program", "instance", w->opt.instance, "attached", attached ? "yes" : "no",
		  NULL);
	return true;
}

static void look(void *arg)
{
	struct watch *w = arg;
	struct lb_err err;
	/* The first time whatever there is: a predecessor's announcements may be all too much. */
	bool changed = !w->looks || w->retell, drained;

	w->retell = false;
	if (w->looks++ % LOOKS_ATTACHED == 0)
		changed |= look_around(w, &err);
	if (w->maps && (!w->current || watch_commits(w) != w->commits)) {
		if (watch_reload(w, &err))
			watch_say(w, "read", err.msg);
		changed = true;
	}
	drained = w->maps ? lb_maps_drained(w->maps) : w->drained;
	if (drained != w->drained) {
		w->drained = drained;
		log_event("node", "state", drained ? "drained" : "ready", NULL);
		changed = true;
	}
	/* Also when there is nobody to wait for. */
	if (changed || (w->maps && !w->known))
		tell(w);
	timer_set(w->look, LOOK);
}

struct watch *watch_new(struct loop *l, const struct watch_options *opt, struct lb_err *err)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w) {
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	w->loop = l;
	w->opt = *opt;
	lb_model_init(&w->model);
	w->nl = lb_nl_open(err);
	w->look = w->nl ? timer_new(l, look, w, err) : NULL;
	w->write = w->look ? timer_new(l, watch_write, w, err) : NULL;
	w->targets = w->write ? targets_new(l, opt->once, health_changed, w, err) : NULL;
	w->keep = w->targets ? keep_new(l, w->nl, opt->dry_run || opt->once, err) : NULL;
	if (!w->keep || (opt->once && find_maps(w, err))) {
		watch_free(w);
		return NULL;
	}
	/* The first look from within the loop, so that nobody is called back before he has what we return. */
	w->looks = opt->once;
	timer_set(w->look, 0);
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	targets_free(w->targets);
	keep_free(w->keep);
	timer_free(w->look);
	timer_free(w->write);
	lb_model_free(&w->model);
	lb_maps_close(w->maps);
	lb_nl_close(w->nl);
	free(w->pool);
	free(w);
}

bool watch_ready(const struct watch *w)
{
	return w->maps && w->attached && w->known;
}

bool watch_on_device(const struct watch *w)
{
	return w->attached;
}

bool watch_pending(const struct watch *w)
{
	return w->maps && w->attached && !w->known;
}

bool watch_drained(const struct watch *w)
{
	return w->drained;
}

/* A pool without a real to send to serves nobody, whatever its minimum. */
static bool pool_serves(const struct lb_model *m, const struct lb_m_pool *p)
{
	size_t n, i, serving = 0;
	const struct lb_m_real *r = lb_model_pool_reals(m, p->name, &n);

	for (i = 0; i < n; i++)
		serving += lb_real_serves(&r[i]);
	return serving && serving >= p->min;
}

int watch_addrs(const struct watch *w, struct lb_addr **addr, size_t *n, struct lb_err *err)
{
	const struct lb_model *m = &w->model;
	struct lb_addr *a = calloc(m->vips + 1, sizeof(*a));
	bool *serves = calloc(m->pools + 1, sizeof(*serves));
	size_t i;

	*n = 0;
	if (!a || !serves) {
		free(a);
		free(serves);
		return lb_fail(err, "%s", strerror(ENOMEM));
	}
	for (i = 0; i < m->pools; i++)
		serves[i] = pool_serves(m, &m->pool[i]);
	for (i = 0; i < m->vips; i++) {
		const struct lb_m_vip *v = &m->vip[i];
		const struct lb_m_pool *p;

		if (*n && !lb_addr_cmp(&a[*n - 1], &v->svc.addr))
			continue;
		p = lb_model_pool(m, v->pool);
		if (v->always || (p && serves[p - m->pool]))
			a[(*n)++] = v->svc.addr;
	}
	free(serves);
	*addr = a;
	return 0;
}

const struct lb_model *watch_model(const struct watch *w)
{
	return w->maps ? &w->model : NULL;
}

const char *watch_cannot(const struct watch *w)
{
	return w->cannot;
}

bool watch_any_down(const struct watch *w)
{
	size_t i;

	for (i = 0; i < w->model.reals; i++) {
		const struct target *t = targets_of(w->targets, i);

		/* Who asked once must not take silence for health. */
		if (t && (t->health.state == LB_M_SICK ||
			  (w->opt.once && t->health.state == LB_M_UNKNOWN)))
			return true;
	}
	return false;
}

void watch_log_stats(const struct watch *w)
{
	struct target_stats s = targets_stats(w->targets);
	char targets[24], asked[24], most[24], mean[24];

	snprintf(targets, sizeof(targets), "%zu", s.targets);
	snprintf(asked, sizeof(asked), "%llu", (unsigned long long)s.asked);
	snprintf(most, sizeof(most), "%llums", (unsigned long long)s.late_max);
	snprintf(mean, sizeof(mean), "%llums",
		 (unsigned long long)(s.asked ? s.late_sum / s.asked : 0));
	log_event("checks", "targets", targets, "asked", asked, "late-most", most, "late-mean",
		  mean, NULL);
}
