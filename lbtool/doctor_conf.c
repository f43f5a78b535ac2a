/* SPDX-License-Identifier: GPL-2.0 */
/* What the configuration amounts to: services without anybody behind them, VIPs in the wrong place, tables. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lbtool/doctor.h"

/* lbmon rebuilds a table at most once a second: what is wrong for longer stays wrong. */
static const struct timespec rebuilding = {1, 500000000};

static const struct lb_m_vip *vip_of(const struct doctor *d, const struct lb_m_pool *p)
{
	for (size_t i = 0; i < d->model.vips; i++)
		if (!strcmp(d->model.vip[i].pool, p->name))
			return &d->model.vip[i];
	return NULL;
}

static void one_vip(struct doctor *d, const struct lb_m_vip *v, const char *text)
{
	const struct lb_m_pool *p = lb_model_pool(&d->model, v->pool);
	const struct lb_addr *addr = &v->svc.addr;
	const struct lb_nl_addr *a = d->devs.addr;
	struct lb_route route;
	size_t i = 0;

	while (i < d->devs.addrs && lb_addr_cmp(&a[i].addr, addr) != 0)
		i++;
	if (i < d->devs.addrs) {
		const struct lb_link *link = devs_link(&d->devs, a[i].ifindex);
		const char *dev = link ? link->name : "DEV";

		doctor_remedy(d, "%s address del %s/%d dev %s", d->ip, text,
			      addr->family == 4 ? 32 : 128, dev);
		doctor_find(
			d, DOCTOR_FAULT, text,
			"this balancer has the VIP on %s itself: checks through the tunnel, and "
			"all that the kernel sends there, stay here",
			dev);
	} else if (lb_nl_route(d->t->nl, addr, &route, &d->t->err)) {
		if (!p || !doctor_tunnelled(p))
			return;
		doctor_remedy(d, "%s route add %s via ROUTER", d->ip, text);
		doctor_find(d, DOCTOR_FAULT, text, "checks through the tunnel cannot be sent: %s",
			    d->t->err.msg);
	} else if (route.local) {
		doctor_remedy(d, "%s route show table local match %s", d->ip, text);
		doctor_find(d, DOCTOR_FAULT, text,
			    "a local route makes the VIP this balancer's own: checks through the "
			    "tunnel, and all that the kernel sends there, stay here");
	}
}

static void vips(struct doctor *d)
{
	const struct lb_m_vip *v = d->model.vip;
	char text[LB_ADDR_STRLEN];

	if (!d->model.vips) {
		doctor_remedy(d, "%s vip add ADDRESS:PORT/PROTO pool NAME", d->lbtool);
		doctor_find(d, DOCTOR_WARNING, NULL, "there is none: no packet is balanced");
	}
	for (size_t i = 0; i < d->model.vips; i++) {
		if (i && !lb_addr_cmp(&v[i].svc.addr, &v[i - 1].svc.addr))
			continue;
		format_addr(&v[i].svc.addr, text);
		one_vip(d, &v[i], text);
	}
}

/* Why does nobody serve? Of the first one that does not. */
static void nobody_serves(struct doctor *d, const struct lb_m_pool *p, const struct lb_m_real *r,
			  enum doctor_status status, const char *whose)
{
	char addr[LB_ADDR_STRLEN];

	format_addr(&r->addr, addr);
	if (r->state != LB_M_UP) {
		doctor_remedy(d, "%s real replace %s pool %s state up", d->lbtool, addr, p->name);
		doctor_find(d, status, p->name, "none of its reals takes flows, %s is %s%s", addr,
			    lb_state_names[r->state], whose);
	} else if (!r->weight) {
		doctor_remedy(d, "%s real replace %s pool %s weight 1", d->lbtool, addr, p->name);
		doctor_find(d, status, p->name, "none of its reals takes flows, %s has weight 0%s",
			    addr, whose);
	} else {
		doctor_remedy(d, "%s -d real show pool %s", d->lbtool, p->name);
		doctor_find(d, status, p->name, "none of its reals is healthy%s", whose);
	}
}

static void one_pool(struct doctor *d, const struct lb_m_pool *p)
{
	const struct lb_m_vip *v = vip_of(d, p);
	enum doctor_status status = v ? DOCTOR_FAULT : DOCTOR_WARNING;
	char whose[LB_SERVICE_STRLEN + 32] = "", name[LB_SERVICE_STRLEN];
	const struct lb_m_real *r;
	size_t n, serving = 0;

	if (v) {
		format_service(&v->svc, name);
		snprintf(whose, sizeof(whose), ": %s serves nobody", name);
	}
	r = lb_model_pool_reals(&d->model, p->name, &n);
	for (size_t i = 0; i < n; i++)
		serving += lb_real_serves(&r[i]);
	if (!n) {
		doctor_remedy(d, "%s real add ADDRESS pool %s", d->lbtool, p->name);
		doctor_find(d, status, p->name, "has no reals%s", whose);
	} else if (!serving) {
		nobody_serves(d, p, r, status, whose);
	} else if (lb_pool_panics(&d->model, p)) {
		doctor_remedy(d, "%s -d real show pool %s", d->lbtool, p->name);
		doctor_find(d, DOCTOR_WARNING, p->name,
			    "so few of its reals are healthy that health is not heeded (panic %u)",
			    p->panic);
	} else if (v && serving < p->min) {
		doctor_remedy(d, "%s -d real show pool %s", d->lbtool, p->name);
		doctor_find(d, DOCTOR_WARNING, p->name,
			    "%zu reals serve, its VIPs are announced with %u (min)", serving,
			    p->min);
	}
}

static void pools(struct doctor *d)
{
	for (size_t i = 0; i < d->model.pools; i++)
		one_pool(d, &d->model.pool[i]);
}

static void one_health(struct doctor *d, const struct lb_m_pool *p, const struct lb_m_real *r)
{
	char addr[LB_ADDR_STRLEN];

	format_addr(&r->addr, addr);
	if (r->health == LB_M_SICK) {
		doctor_remedy(d, "%s -once", d->lbmon);
		doctor_find(d, DOCTOR_WARNING, addr, "of pool %s is down: %s", p->name, r->why);
	} else if (r->health == LB_M_UNKNOWN && d->watched) {
		doctor_remedy(d, "%s -once", d->lbmon);
		doctor_find(d, DOCTOR_WARNING, addr,
			    "of pool %s has not been checked, or cannot be asked: lbmon's log says "
			    "why",
			    p->name);
	}
}

/* What lbmon found, through the tunnel unless the check is direct. */
static void health(struct doctor *d)
{
	size_t unchecked = 0, n;

	for (size_t i = 0; i < d->model.pools; i++) {
		const struct lb_m_pool *p = &d->model.pool[i];
		const struct lb_m_real *r = lb_model_pool_reals(&d->model, p->name, &n);

		if (p->check.kind == LB_M_CHECK_NONE) {
			unchecked++;
			continue;
		}
		for (size_t k = 0; k < n; k++)
			if (r[k].state == LB_M_UP)
				one_health(d, p, &r[k]);
	}
	if (unchecked)
		doctor_sound(d, "all reals that are checked answer; %zu pool%s no check", unchecked,
			     unchecked > 1 ? "s have" : " has");
}

/* How many tables have stray slots; `say` so. */
static size_t stray_tables(struct doctor *d, bool say)
{
	size_t n = 0;

	for (size_t i = 0; i < d->model.pools; i++) {
		const char *pool = d->model.pool[i].name;
		uint32_t stray = 0;

		if (lb_maps_stray(d->t->maps, &d->model, pool, &stray, &d->t->err) || !stray)
			continue;
		n++;
		if (!say)
			continue;
		doctor_remedy(d, "%s pool rebuild %s", d->lbtool, pool);
		doctor_find(d, DOCTOR_FAULT, pool,
			    "%" PRIu32 " slots of its table are not those of its reals and their "
			    "health: other nodes choose otherwise",
			    stray);
	}
	return n;
}

static void tables(struct doctor *d)
{
	if (!stray_tables(d, false))
		return;
	nanosleep(&rebuilding, NULL);
	if (!lb_maps_read(d->t->maps, &d->model, &d->t->err))
		stray_tables(d, true);
}

const struct doctor_check doctor_conf[] = {
	{"vip", HAVE_LB, vips, "none is this host's own", NULL, NULL},
	{"pool", HAVE_LB, pools, "each has reals that take flows", NULL, NULL},
	{"health", HAVE_LB, health, "all reals that are checked answer", NULL, NULL},
	{"table", HAVE_LB, tables, "each is what reals and health ask for", NULL, NULL},
	{NULL, 0, NULL, NULL, NULL, NULL},
};
