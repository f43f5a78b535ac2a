/* SPDX-License-Identifier: GPL-2.0 */
/* Which targets a configuration has, and who of those that there are goes on. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lbmon/target_internal.h"
#include "lib/maps.h"

#define FIRST_SPREAD 1000u /* milliseconds over which the first questions are spread */

static int by_key(const void *va, const void *vb)
{
	const struct entry *a = *(struct entry *const *)va, *b = *(struct entry *const *)vb;
	int d = lb_addr_cmp(&a->ask.real, &b->ask.real);

	if (!d)
		d = lb_addr_cmp(&a->ask.addr, &b->ask.addr);
	if (!d)
		d = (int)a->ask.port - (int)b->ask.port;
	if (!d)
		d = (int)a->encap - (int)b->encap;
	return d ? d : lb_m_check_cmp(&a->ask.check, &b->ask.check);
}

/* The pool's first VIP that speaks the check's protocol; the first of all when the check has its own port. */
static const struct lb_m_vip *vip_of(const struct lb_model *m, const struct lb_m_pool *p)
{
	uint8_t proto = p->check.kind == LB_M_CHECK_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	const struct lb_m_vip *any = NULL;
	size_t i;

	for (i = 0; i < m->vips; i++) {
		const struct lb_m_vip *v = &m->vip[i];

		if (strcmp(v->pool, p->name) != 0)
			continue;
		if (v->svc.proto == proto && (v->svc.port || p->check.port))
			return v;
		if (!any)
			any = v;
	}
	return p->check.port || p->check.kind == LB_M_CHECK_EXEC ? any : NULL;
}

/* How a pool's reals are asked: the part that is the same for all of them. False: they are not. */
static bool how(const struct lb_model *m, const struct lb_m_pool *p, struct entry *e)
{
	const struct lb_m_vip *vip;
	bool direct = p->check.direct || p->check.kind == LB_M_CHECK_EXEC;

	if (p->check.kind == LB_M_CHECK_NONE)
		return false;
	vip = vip_of(m, p);
	if (!vip && (!direct || (!p->check.port && p->check.kind != LB_M_CHECK_EXEC)))
		return false;
	*e = (struct entry){.ask.check = p->check};
	e->ask.port = p->check.port ? p->check.port : vip ? vip->svc.port : 0;
	if (vip && !direct)
		e->ask.addr = vip->svc.addr;
	return true;
}

static struct entry *candidate(const struct entry *like, const struct lb_m_real *r,
			       const struct lb_m_pool *p)
{
	struct entry *e = malloc(sizeof(*e));

	if (!e)
		return NULL;
	*e = *like;
	e->ask.real = r->addr;
	if (e->ask.addr.family) {
		e->encap = r->encap == LB_M_ENCAP_DEFAULT ? p->encap : r->encap;
		e->ask.mark = lb_maps_mark(r->id);
	} else {
		e->ask.addr = r->addr;
	}
	e->t.health.state = r->health;
	e->t.since = r->since;
	memcpy(e->t.why, r->why, sizeof(e->t.why));
	return e;
}

/* One candidate for each real that is checked, in of[]; unsorted in list[], their number in *n. */
static int candidates(const struct lb_model *m, struct entry **of, struct entry **list, size_t *n)
{
	size_t p, i, reals;

	for (p = 0; p < m->pools; p++) {
		const struct lb_m_real *r = lb_model_pool_reals(m, m->pool[p].name, &reals);
		struct entry like;

		if (!reals || !how(m, &m->pool[p], &like))
			continue;
		for (i = 0; i < reals; i++) {
			struct entry *e = candidate(&like, &r[i], &m->pool[p]);

			if (!e)
				return -1;
			of[r - m->real + i] = list[(*n)++] = e;
		}
	}
	qsort(list, *n, sizeof(struct entry *), by_key);
	return 0;
}

static int start(struct targets *t, struct entry *e, struct lb_err *err)
{
	uint32_t spread = e->ask.check.interval < FIRST_SPREAD ? e->ask.check.interval
							       : FIRST_SPREAD;
	uint64_t key = e->ask.port, i;

	if (t->once)
		e->t = (struct target){0};
	for (i = 0; i < sizeof(e->ask.real.b); i++)
		key = key * 31 + e->ask.real.b[i];
	spread = health_spread(key, spread);
	return target_begin(t, e, spread, err);
}

/* Each candidate learns who is asked for it: the first of its key, or the old entry of that key. */
static int merge(struct targets *t, struct entry **list, size_t n, struct lb_err *err)
{
	size_t i, old = 0;

	for (i = 0; i < n; i++) {
		struct entry *e = list[i];

		if (i && !by_key(&list[i - 1], &list[i])) {
			e->same = list[i - 1]->same;
			continue;
		}
		while (old < t->n && by_key(&t->entry[old], &list[i]) < 0)
			old++;
		if (old < t->n && !by_key(&t->entry[old], &list[i])) {
			e->same = t->entry[old++];
			continue;
		}
		e->same = e;
		if (start(t, e, err))
			return -1;
	}
	return 0;
}

/* Nothing fails from here on. */
static void adopt(struct targets *t, struct entry **of, size_t reals, struct entry **list, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < t->n; i++)
		t->entry[i]->same = NULL;
	for (i = 0; i < reals; i++) {
		if (!of[i])
			continue;
		of[i]->same->ask.mark = of[i]->ask.mark;
		of[i] = of[i]->same;
	}
	/* What is asked from now on marks itself; the rest goes. */
	for (i = 0; i < reals; i++)
		if (of[i])
			of[i]->same = of[i];
	for (i = 0; i < t->n; i++)
		if (!t->entry[i]->same)
			target_free(t->entry[i]);
	for (i = 0; i < n; i++) {
		struct entry *e = list[i];
		struct entry *who = e->same;

		if (!kept || list[kept - 1] != who)
			list[kept++] = who;
		if (who != e)
			free(e);
	}
	free(t->entry);
	free(t->of);
	t->entry = list;
	t->n = kept;
	t->of = of;
	t->reals = reals;
}

int targets_sync(struct targets *t, const struct lb_model *m, struct lb_err *err)
{
	static const struct lb_model none;
	struct entry **of, **list;
	size_t n = 0, i;

	if (!m)
		m = &none;
	of = calloc(m->reals + 1, sizeof(struct entry *));
	list = calloc(m->reals + 1, sizeof(struct entry *));
	if (!of || !list || candidates(m, of, list, &n))
		lb_fail(err, "%s", strerror(ENOMEM));
	else if (!merge(t, list, n, err)) {
		adopt(t, of, m->reals, list, n);
		return 0;
	}
	for (i = 0; i < n; i++)
		target_free(list[i]);
	free(of);
	free(list);
	return -1;
}
