/* SPDX-License-Identifier: GPL-2.0 */
/* lbmon: does somebody check, and what has ExaBGP been told of each VIP? Beyond that only a router knows. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lbtool/doctor.h"
#include "lib/lock.h"
#include "lib/prog.h"

#define START "systemctl restart exabgp"

/* lbmon tells each second; a route that ExaBGP is being told needs no more. */
static const struct timespec telling = {1, 500000000};

static const struct lb_mon_vip *told(const struct doctor *d, const struct lb_addr *addr)
{
	for (size_t i = 0; i < d->mon.vips; i++)
		if (!lb_addr_cmp(&d->mon.vip[i].addr, addr))
			return &d->mon.vip[i];
	return NULL;
}

/* Is nothing under way that is over in a moment? */
static bool settled(const struct doctor *d)
{
	if (d->mon.node != LB_MON_READY && d->mon.node != LB_MON_DRAINED)
		return false;
	for (size_t i = 0; i < d->model.vips && !d->mon.alone; i++) {
		const struct lb_mon_vip *v = told(d, &d->model.vip[i].svc.addr);

		if (!v || v->route == LB_MON_SAID || v->route == LB_MON_HELD)
			return false;
	}
	return true;
}

static void read_mon(struct doctor *d)
{
	lb_mon_free(&d->mon);
	d->monitored = lb_mon_read(LB_LOCK_DIR, d->t->instance, &d->mon);
	d->watched = d->monitored && d->mon.age <= LB_MON_LATE;
}

static size_t checked_pools(const struct doctor *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->model.pools; i++)
		n += d->model.pool[i].check.kind != LB_M_CHECK_NONE;
	return n;
}

static void nobody(struct doctor *d)
{
	size_t n = checked_pools(d);

	if (!n && (!d->monitored || d->mon.alone)) {
		doctor_sound(d, "does not run, and no pool asks for checks");
		return;
	}
	doctor_remedy(d, START);
	if (d->monitored)
		doctor_find(d, DOCTOR_WARNING, NULL,
			    "process %d has said nothing for %" PRIu32
			    " s: it hangs, or was killed; nobody checks reals and routes",
			    d->mon.pid, d->mon.age);
	else
		doctor_find(
			d, DOCTOR_WARNING, NULL,
			"does not run: nobody checks the reals of %zu pool%s; ExaBGP starts it, "
			"without BGP do: %s -alone",
			n, n > 1 ? "s" : "", d->lbmon);
}

/* Nothing to see for lbmon either: other checks say why. */
static bool nowhere(const struct doctor *d)
{
	for (size_t i = 0; i < d->devs.n; i++)
		if (d->devs.ours[i] && d->devs.link[i].up)
			return false;
	return true;
}

static void lbmon(struct doctor *d)
{
	read_mon(d);
	if (d->watched && !settled(d)) {
		nanosleep(&telling, NULL);
		read_mon(d);
	}
	if (!d->watched) {
		nobody(d);
		return;
	}
	if (d->mon.cannot[0]) {
		doctor_remedy(d, "chgrp -R exabgp " LB_PIN_ROOT " " LB_LOCK_DIR
				 " && chmod -R g+rwX " LB_PIN_ROOT " " LB_LOCK_DIR);
		doctor_find(d, DOCTOR_WARNING, NULL, "process %d is hindered: %s", d->mon.pid,
			    d->mon.cannot);
	} else if (d->mon.node == LB_MON_UNLOADED ||
		   (d->mon.node == LB_MON_DETACHED && !nowhere(d))) {
		doctor_remedy(d, START);
		doctor_find(d, DOCTOR_WARNING, NULL,
			    "process %d sees %s: does it run in another network namespace?",
			    d->mon.pid,
			    d->mon.node == LB_MON_UNLOADED ? "no instance"
							   : "the program on no device that is up");
	}
	doctor_sound(d, d->mon.alone ? "runs, without BGP" : "runs, and speaks to ExaBGP");
}

static const struct {
	const char *text,
		*remedy; /* the remedy's first word is lbtool's when it begins with a blank */
} routes[] = {
	[LB_MON_SAID] = {"ExaBGP has not answered to its announcement", START},
	[LB_MON_REFUSED] = {"ExaBGP refused its announcement", "journalctl -u exabgp"},
	[LB_MON_HELD] = {"is held back until delay or damping is over", "man lbmon"},
	[LB_MON_UNSERVED] = {"is withdrawn: fewer reals serve than its pool's min",
			     " -d real show"},
	[LB_MON_HOPLESS] = {"is not announced: lbmon has no next-hop of its family",
			    "grep lbmon /etc/exabgp/exabgp.conf"},
	[LB_MON_WITHDRAWN] = {"is withdrawn", " node show"},
};

static void one_route(struct doctor *d, const struct lb_addr *addr)
{
	const struct lb_mon_vip *v = told(d, addr);
	char text[LB_ADDR_STRLEN];
	const char *remedy;

	if (v && v->route == LB_MON_ANNOUNCED)
		return;
	format_addr(addr, text);
	remedy = v ? routes[v->route].remedy : START;
	doctor_remedy(d, "%s%s", *remedy == ' ' ? d->lbtool : "", remedy);
	doctor_find(d, DOCTOR_WARNING, text, "%s",
		    v ? routes[v->route].text : "lbmon does not know the VIP");
}

static void no_routes(struct doctor *d)
{
	size_t still = 0;

	for (size_t i = 0; i < d->mon.vips; i++)
		still += d->mon.vip[i].route == LB_MON_ANNOUNCED;
	if (d->mon.node == LB_MON_DRAINED) {
		doctor_remedy(d, "%s node ready", d->lbtool);
		doctor_find(d, DOCTOR_WARNING, NULL, "the node is drained: %s",
			    still ? "VIPs are announced as those of one that leaves"
				  : "nothing is announced");
	} else if (d->mon.node == LB_MON_ASKING) {
		doctor_remedy(d, "%s -d real show", d->lbtool);
		doctor_find(d, DOCTOR_WARNING, NULL,
			    "not all reals have been asked since lbmon began: what one before it "
			    "announced stays, and nothing else is announced");
	} else {
		doctor_sound(d, "none: lbmon sees no program on a device");
	}
}

static void announced(struct doctor *d)
{
	const struct lb_m_vip *v = d->model.vip;
	size_t n = 0;

	if (!d->watched || d->mon.alone) {
		doctor_sound(d, "none is lbmon's");
		return;
	}
	if (d->mon.node != LB_MON_READY) {
		no_routes(d);
		return;
	}
	for (size_t i = 0; i < d->model.vips; i++) {
		if (i && !lb_addr_cmp(&v[i].svc.addr, &v[i - 1].svc.addr))
			continue;
		one_route(d, &v[i].svc.addr);
		n++;
	}
	doctor_sound(d, "ExaBGP took %zu VIP%s; whether routers did, they know", n,
		     n == 1 ? "" : "s");
}

const struct doctor_check doctor_mon[] = {
	{"lbmon", HAVE_LB, lbmon, "runs", NULL, NULL},
	{"route", HAVE_LB, announced, "announced", NULL, NULL},
	{NULL, 0, NULL, NULL, NULL, NULL},
};
