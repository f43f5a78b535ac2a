// SPDX-License-Identifier: GPL-2.0
/*
 * check_dscp.c - reals that are reached by dscp: the number in a packet must tell them which VIP was meant.
 *
 * A number is an address's, whatever the port, and it is so for each real by itself: VIPs that share no real may share it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/check_internal.h"

/* What is known of a pool. */
struct numbered {
	const struct lb_m_real *real[2]; /* the first that is reached by dscp, IPv4 and IPv6 */
	const struct lb_m_vip *vip[LB_DSCP_MAX + 1]; /* by number */
};

/* A real that is reached by dscp. */
struct reached {
	const struct lb_m_real *real;
	const struct numbered *of;
};

static bool same_addr(const struct lb_m_vip *a, const struct lb_m_vip *b)
{
	return lb_addr_cmp(&a->svc.addr, &b->svc.addr) == 0;
}

/* Services of an address stand together. */
static int check_addresses(const struct lb_model *m, struct lb_err *err)
{
	char svc[LB_SERVICE_STRLEN], other[LB_SERVICE_STRLEN];
	const struct lb_m_vip *last = NULL;

	for (size_t i = 0; i < m->vips; i++) {
		const struct lb_m_vip *vip = &m->vip[i];

		if (!vip->dscp)
			continue;
		if (last && same_addr(vip, last) && vip->dscp != last->dscp) {
			format_service(&vip->svc, svc);
			format_service(&last->svc, other);
			return lb_fail(err,
				       "vip \"%s\" has dscp %u, vip \"%s\" dscp %u: services of "
				       "one address have one number",
				       svc, vip->dscp, other, last->dscp);
		}
		last = vip;
	}
	return 0;
}

/* Reals and pools are in one order: one walk. Returns how many were put into all[]. */
static size_t find_reached(const struct lb_model *m, struct numbered *of, struct reached *all)
{
	size_t n = 0, p = 0;

	for (size_t i = 0; i < m->reals; i++) {
		const struct lb_m_real *real = &m->real[i], **first;
		enum lb_m_encap encap;

		while (strcmp(m->pool[p].name, real->pool) != 0)
			p++;
		encap = real->encap == LB_M_ENCAP_DEFAULT ? m->pool[p].encap : real->encap;
		if (encap != LB_M_ENCAP_DSCP)
			continue;
		first = &of[p].real[real->addr.family == 6];
		if (!*first)
			*first = real;
		all[n++] = (struct reached){real, &of[p]};
	}
	return n;
}

static int fail_twice(const struct lb_m_vip *vip, const struct lb_m_vip *other,
		      const struct lb_m_real *real, struct lb_err *err)
{
	char svc[LB_SERVICE_STRLEN], has[LB_SERVICE_STRLEN], addr[LB_ADDR_STRLEN];

	format_service(&vip->svc, svc);
	format_service(&other->svc, has);
	format_addr(&real->addr, addr);
	return lb_fail(err,
		       "vip \"%s\": dscp %u is that of vip \"%s\", and real \"%s\" of pool \"%s\" "
		       "gets packets of both: use another number",
		       svc, vip->dscp, has, addr, real->pool);
}

/* One VIP of a pool with such reals. */
static int check_vip(const struct lb_m_vip *vip, struct numbered *of, struct lb_err *err)
{
	bool v6 = vip->svc.addr.family == 6;
	const struct lb_m_real *other = of->real[!v6], *real = other ? other : of->real[v6];
	char svc[LB_SERVICE_STRLEN], addr[LB_ADDR_STRLEN];

	if (!real)
		return 0;
	format_service(&vip->svc, svc);
	format_addr(&real->addr, addr);
	if (other)
		return lb_fail(err,
			       "vip \"%s\": real \"%s\" of pool \"%s\" is reached by dscp, which "
			       "leads from IPv%d to IPv%d only: use another encap, or a pool for "
			       "each family",
			       svc, addr, vip->pool, real->addr.family, real->addr.family);
	if (!vip->dscp)
		return lb_fail(err,
			       "vip \"%s\": real \"%s\" of pool \"%s\" is reached by dscp, and "
			       "the vip has no number: give it one, \"dscp N\"",
			       svc, addr, vip->pool);
	if (of->vip[vip->dscp] && !same_addr(vip, of->vip[vip->dscp]))
		return fail_twice(vip, of->vip[vip->dscp], real, err);
	of->vip[vip->dscp] = vip;
	return 0;
}

static int by_addr(const void *a, const void *b)
{
	const struct reached *x = a, *y = b;

	return lb_addr_cmp(&x->real->addr, &y->real->addr);
}

/* A host that stands in several pools gets the packets of them all. */
static int check_hosts(struct reached *all, size_t n, struct lb_err *err)
{
	const struct lb_m_vip *vip[LB_DSCP_MAX + 1];

	qsort(all, n, sizeof(*all), by_addr);
	for (size_t i = 0; i < n; i++) {
		if (!i || by_addr(&all[i - 1], &all[i]) != 0)
			memset(vip, 0, sizeof(vip));
		for (size_t k = 1; k <= LB_DSCP_MAX; k++) {
			const struct lb_m_vip *its = all[i].of->vip[k];

			if (its && vip[k] && !same_addr(its, vip[k]))
				return fail_twice(its, vip[k], all[i].real, err);
			if (its)
				vip[k] = its;
		}
	}
	return 0;
}

int lb_check_dscp(const struct lb_model *m, struct lb_err *err)
{
	struct numbered *of = calloc(m->pools + 1, sizeof(*of));
	struct reached *all = calloc(m->reals + 1, sizeof(*all));
	int ret = -1;
	size_t n;

	if (!of || !all) {
		lb_fail(err, "%s", strerror(ENOMEM));
		goto out;
	}
	ret = check_addresses(m, err);
	n = ret ? 0 : find_reached(m, of, all);
	for (size_t i = 0; n && !ret && i < m->vips; i++)
		ret = check_vip(&m->vip[i], &of[lb_model_pool(m, m->vip[i].pool) - m->pool], err);
	if (!ret)
		ret = check_hosts(all, n, err);
out:
	free(all);
	free(of);
	return ret;
}
