// SPDX-License-Identifier: GPL-2.0
/* model_own.c - ports of one real alone, on each address that its pool serves. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model_own.h"

/* What is known of a pool. */
struct owners {
	size_t n; /* of its reals have a port of their own */
	const struct lb_addr *done; /* the address of VIPs for which they are written down */
};

static size_t count_owners(const struct lb_model *m, struct owners *of)
{
	const struct lb_m_pool *pool = NULL;
	size_t n = 0;

	for (size_t i = 0; i < m->reals; i++) {
		const struct lb_m_real *r = &m->real[i];

		if (!r->mptcp)
			continue;
		if (!pool || strcmp(pool->name, r->pool) != 0)
			pool = lb_model_pool(m, r->pool);
		if (!pool)
			continue;
		of[pool - m->pool].n++;
		n++;
	}
	return n;
}

static void put_pool(const struct lb_model *m, const struct lb_m_vip *vip, struct lb_own *own)
{
	size_t n;
	const struct lb_m_real *r = lb_model_pool_reals(m, vip->pool, &n);

	for (size_t i = 0; i < n; i++) {
		if (!r[i].mptcp)
			continue;
		*own++ = (struct lb_own){
			.svc = {.addr = vip->svc.addr, .port = r[i].mptcp, .proto = IPPROTO_TCP},
			.vip = vip,
			.real = &r[i],
		};
	}
}

/* Returns how many there are, and writes them to own[], unless it is NULL. */
static size_t put_all(const struct lb_model *m, struct owners *of, struct lb_own *own)
{
	size_t n = 0;

	for (size_t i = 0; i < m->pools; i++)
		of[i].done = NULL;
	for (size_t i = 0; i < m->vips; i++) {
		const struct lb_m_vip *vip = &m->vip[i];
		const struct lb_m_pool *pool = lb_model_pool(m, vip->pool);
		struct owners *o = pool ? &of[pool - m->pool] : NULL;

		if (!o || !o->n || vip->svc.proto != IPPROTO_TCP)
			continue;
		/* Services of an address stand together. */
		if (o->done && !lb_addr_cmp(o->done, &vip->svc.addr))
			continue;
		o->done = &vip->svc.addr;
		if (own)
			put_pool(m, vip, own + n);
		n += o->n;
	}
	return n;
}

static int by_service(const void *a, const void *b)
{
	const struct lb_own *x = a, *y = b;
	int d = lb_service_cmp(&x->svc, &y->svc);

	return d ? d : lb_service_cmp(&x->vip->svc, &y->vip->svc);
}

/* Of those next to each other that lead to one host, the first stays. */
static size_t unite(struct lb_own *own, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		const struct lb_own *last = left ? &own[left - 1] : NULL;

		if (!last || lb_service_cmp(&last->svc, &own[i].svc) != 0 ||
		    lb_addr_cmp(&last->real->addr, &own[i].real->addr) != 0)
			own[left++] = own[i];
	}
	return left;
}

int lb_model_own(const struct lb_model *m, size_t most, struct lb_own **own, size_t *n,
		 struct lb_err *err)
{
	struct owners *of = calloc(m->pools + 1, sizeof(*of));
	int ret = -1;

	*own = NULL;
	*n = 0;
	if (!of)
		return lb_fail(err, "%s", strerror(ENOMEM));
	if (count_owners(m, of))
		*n = put_all(m, of, NULL);
	if (*n > most) {
		lb_fail(err,
			"%zu ports of reals (mptcp) on addresses of VIPs: there is room for %zu "
			"more services: load the instance with a larger \"vips\"",
			*n, most);
		goto out;
	}
	*own = calloc(*n + 1, sizeof(**own));
	if (!*own) {
		lb_fail(err, "%s", strerror(ENOMEM));
		goto out;
	}
	if (*n)
		put_all(m, of, *own);
	qsort(*own, *n, sizeof(**own), by_service);
	*n = unite(*own, *n);
	ret = 0;
out:
	free(of);
	return ret;
}
