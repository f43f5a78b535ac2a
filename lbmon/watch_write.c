/* SPDX-License-Identifier: GPL-2.0 */
/* What lbmon writes: health, and the tables that follow from it, under the lock. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lbmon/watch_internal.h"
#include "lib/lock.h"

#define REBUILD 1000u /* milliseconds at least between two tables of a pool */
#define LOCK_AGAIN 50u
#define LOCK_PATIENCE 40u /* tries */

static const struct pool_state *old_state(const struct pool_state *old, size_t n, const char *name)
{
	while (n--)
		if (!strcmp(old[n].name, name))
			return &old[n];
	return NULL;
}

void watch_hinder(struct watch *w, const char *why)
{
	w->retell |= strcmp(w->cannot, why) != 0;
	snprintf(w->cannot, sizeof(w->cannot), "%s", why);
}

int watch_pools(struct watch *w, const struct lb_model *m, size_t was, struct lb_err *err)
{
	struct pool_state *p = calloc(m->pools + 1, sizeof(*p));
	size_t i;

	if (!p)
		return lb_fail(err, "%s", strerror(ENOMEM));
	for (i = 0; i < m->pools; i++) {
		/* Mostly it stands where it stood. */
		const struct pool_state *old = i < was && !strcmp(w->pool[i].name, m->pool[i].name)
						       ? &w->pool[i]
						       : old_state(w->pool, was, m->pool[i].name);

		if (old)
			p[i] = *old;
		else
			memcpy(p[i].name, m->pool[i].name, sizeof(p[i].name));
	}
	free(w->pool);
	w->pool = p;
	return 0;
}

/* What the targets know and the maps do not. Under the lock, and the model is the live one. */
static void write_health(struct watch *w, const struct lb_model *live)
{
	size_t i;

	for (i = 0; i < live->reals; i++) {
		const struct target *t = targets_of(w->targets, i);
		const struct lb_m_real *r = &live->real[i];

		if (!t &&
		    (r->health != LB_M_UNKNOWN || !lb_maps_health_is(w->maps, r->id, LB_M_UNKNOWN)))
			lb_maps_health_put(w->maps, r->id, LB_M_UNKNOWN, 0, "");
		else if (t && t->health.state != LB_M_UNKNOWN &&
			 (r->health != t->health.state || strcmp(r->why, t->why) != 0 ||
			  !lb_maps_health_is(w->maps, r->id, t->health.state)))
			lb_maps_health_put(w->maps, r->id, t->health.state, t->since, t->why);
	}
}

/* One table at most; when to come again, in milliseconds, 0: no need. */
static uint64_t rebuild_one(struct watch *w, struct lb_err *err)
{
	uint64_t now = loop_now(w->loop), again = 0;
	size_t i;

	for (i = 0; i < w->model.pools; i++) {
		struct pool_state *p = &w->pool[i];
		int ret;

		if (p->next > now) {
			if (!again || p->next - now < again)
				again = p->next - now;
			continue;
		}
		ret = lb_maps_rebuild(w->maps, &w->model, p->name, err);
		if (ret < 0) {
			watch_say(w, "rebuild", err->msg);
			p->next = now + REBUILD;
			again = again && again < REBUILD ? again : REBUILD;
			continue;
		}
		if (ret) {
			p->next = now + REBUILD;
			log_event("table", "pool", p->name, "state", "rebuilt", NULL);
			return 1;
		}
	}
	return again;
}

static void write_locked(struct watch *w)
{
	struct lb_model live;
	struct lb_err err;
	uint64_t again = REBUILD;
	int ret = 0;

	lb_model_init(&live);
	if (!w->current || watch_commits(w) != w->commits) {
		ret = watch_reload(w, &err);
		/* Our caller is a timer: who waits for news has them from the next look. */
		w->retell = true;
		timer_set(w->look, 0);
	}
	if (ret || lb_maps_read(w->maps, &live, &err)) {
		watch_say(w, "write", err.msg);
	} else {
		write_health(w, &live);
		again = rebuild_one(w, &err);
	}
	if (again)
		timer_set(w->write, again);
	lb_model_free(&live);
}

void watch_write(void *arg)
{
	struct watch *w = arg;
	struct lb_err err;
	int lock;

	if (!w->maps || w->opt.dry_run || w->opt.once || !lb_maps_current(w->maps, w->opt.instance))
		return;
	lock = lb_lock(w->opt.instance, 0, &err);
	if (lock < 0) {
		if (++w->locked_out == LOCK_PATIENCE) {
			watch_say(w, "lock", err.msg);
			watch_hinder(w, err.msg);
		}
		timer_set(w->write, LOCK_AGAIN);
		return;
	}
	w->locked_out = 0;
	watch_hinder(w, "");
	write_locked(w);
	close(lock);
}
