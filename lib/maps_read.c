/* SPDX-License-Identifier: GPL-2.0 */
/* The model, read from the live half of the maps. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/maps_internal.h"

#define READ_TRIES 1000

/* The model's encapsulations are the maps'. */
_Static_assert((int)LB_M_ENCAP_IPIP == LB_ENCAP_IPIP && (int)LB_M_ENCAP_GUE == LB_ENCAP_GUE &&
		       (int)LB_M_ENCAP_DSCP == LB_ENCAP_DSCP && (int)LB_M_ENCAP_L2 == LB_ENCAP_L2,
	       "enum lb_m_encap");

static int read_pools(const struct lb_maps *m, uint32_t half, struct lb_model *model,
		      struct lb_err *err)
{
	uint32_t i;

	for (i = 0; i < m->meta->pools; i++) {
		const struct lb_pool *p = &m->pool[half * m->meta->pools + i];
		struct lb_m_pool pool = {
			.slots = p->slots,
			.encap = (enum lb_m_encap)p->encap,
			.min = p->min,
			.panic = p->panic,
			.drain = p->drain,
			.gue_port = ntohs(p->gue_port),
			.id = i,
		};

		if (!p->name[0])
			continue;
		lb_check_get(&m->check[half * m->meta->pools + i], &pool.check);
		memcpy(pool.name, p->name, sizeof(pool.name) - 1);
		if (lb_model_put_pool(model, &pool, err))
			return -1;
	}
	return 0;
}

static int read_peers(const struct lb_maps *m, uint32_t half, struct lb_model *model,
		      struct lb_err *err)
{
	const struct lb_peers *p = &m->peers[half];
	uint32_t i;

	for (i = 0; i < p->n && i < LB_PEERS_MAX; i++) {
		struct lb_addr addr = {.family = p->peer[i].family};

		memcpy(addr.b, p->peer[i].addr, sizeof(addr.b));
		if (lb_model_put_peer(model, &addr, err))
			return -1;
	}
	return 0;
}

static bool real_at(const struct lb_maps *m, uint32_t half, uint32_t id, struct lb_m_real *out)
{
	const struct lb_real *r = &m->real[id];
	const struct lb_real_half *h = &r->half[half];
	const struct lb_pool *p = &m->pool[half * m->meta->pools + r->pool];

	if (h->state == LB_STATE_FREE || r->pool >= m->meta->pools)
		return false;
	*out = (struct lb_m_real){
		.weight = h->weight,
		.mptcp = ntohs(h->mptcp),
		.state = h->state == LB_STATE_DRAIN  ? LB_M_DRAIN
			 : h->state == LB_STATE_DOWN ? LB_M_DOWN
						     : LB_M_UP,
		.encap = r->own_encap ? (enum lb_m_encap)r->encap : LB_M_ENCAP_DEFAULT,
		.id = id,
	};
	lb_maps_health_get(m, out);
	memcpy(out->pool, p->name, sizeof(out->pool) - 1);
	out->addr.family = r->family;
	memcpy(out->addr.b, r->addr, sizeof(out->addr.b));
	return true;
}

static int read_reals(const struct lb_maps *m, uint32_t half, struct lb_model *model,
		      struct lb_err *err)
{
	struct lb_m_real *all = calloc(m->meta->reals, sizeof(*all));
	uint32_t id, n = 0;

	if (!all)
		return lb_fail(err, "reading the reals: %s", strerror(errno));
	for (id = 1; id < m->meta->reals; id++)
		n += real_at(m, half, id, &all[n]);
	lb_model_take_reals(model, all, n);
	return 0;
}

static uint32_t vip_at(const struct lb_maps *m, uint32_t half, const struct lb_svc *s,
		       uint8_t family, const void *addr, struct lb_m_vip *out)
{
	if (s->flags & (LB_SVC_FAR | LB_SVC_REAL) || s->proto & LB_SVC_FRAGMENT ||
	    s->pool >= m->meta->pools)
		return 0;
	*out = (struct lb_m_vip){
		.svc = {.addr.family = family, .port = ntohs(s->port), .proto = s->proto},
		.session = s->flags & LB_SVC_SESSION,
		.always = s->flags & LB_SVC_ALWAYS,
		.hash = s->flags & LB_SVC_SRC ? LB_M_HASH_SRC : LB_M_HASH_5TUPLE,
		.fragments = s->flags & LB_SVC_TRACK	   ? LB_M_FRAGMENTS_TRACK
			     : s->flags & LB_SVC_FRAGMENTS ? LB_M_FRAGMENTS_HASH
							   : LB_M_FRAGMENTS_DROP,
		.dscp = s->dscp,
		.id = s->vip,
	};
	memcpy(out->svc.addr.b, addr, family == 4 ? 4 : 16);
	memcpy(out->pool, m->pool[half * m->meta->pools + s->pool].name, sizeof(out->pool) - 1);
	return 1;
}

struct vips {
	uint32_t half; /* of the pools */
	struct lb_m_vip *all;
	uint32_t n, max;
};

/* Entries of a bucket are filled from the first one on. */
static void vips4(const struct lb_maps *m, const struct lb_bucket4 *b, uint32_t n, struct vips *v)
{
	for (uint32_t k; n-- && v->n <= v->max; b++)
		for (k = 0; k < LB_BUCKET_ENTRIES && b->svc[k].flags & LB_SVC_USED; k++)
			v->n += vip_at(m, v->half, &b->svc[k], 4, &b->addr[k], &v->all[v->n]);
}

static void vips6(const struct lb_maps *m, const struct lb_bucket6 *b, uint32_t n, struct vips *v)
{
	for (uint32_t k; n-- && v->n <= v->max; b++)
		for (k = 0; k < LB_BUCKET_ENTRIES && b->svc[k].flags & LB_SVC_USED; k++)
			v->n += vip_at(m, v->half, &b->svc[k], 6, b->addr[k], &v->all[v->n]);
}

static int read_family(const struct lb_maps *m, uint32_t root, uint8_t family, struct vips *v,
		       struct lb_err *err)
{
	uint32_t services = lb_root_services(root);
	struct lb_stretch buckets;

	/* A family without VIPs has no multiplier, and is not even mapped. */
	if (!(family == 4 ? m->meta->mul4 : m->meta->mul6)[services])
		return 0;
	if (lb_services_map(m, family, services, &buckets, err))
		return -1;
	if (family == 4)
		vips4(m, buckets.at, m->meta->buckets, v);
	else
		vips6(m, buckets.at, m->meta->buckets, v);
	lb_stretch_unmap(&buckets);
	return 0;
}

static int read_vips(const struct lb_maps *m, uint32_t root, struct lb_model *model,
		     struct lb_err *err)
{
	struct vips v = {.half = root & 1, .max = m->meta->vips};

	/* A torn read, which the caller throws away, may see more entries than there can be. */
	v.all = calloc(v.max + 2 * LB_BUCKET_ENTRIES, sizeof(*v.all));
	if (!v.all)
		return lb_fail(err, "reading the VIPs: %s", strerror(errno));
	if (read_family(m, root, 4, &v, err) || read_family(m, root, 6, &v, err)) {
		free(v.all);
		return -1;
	}
	lb_model_take_vips(model, v.all, v.n);
	return 0;
}

int lb_maps_read(const struct lb_maps *m, struct lb_model *model, struct lb_err *err)
{
	uint32_t root, tries;

	for (tries = 0; tries < READ_TRIES; tries++) {
		root = __atomic_load_n(&m->meta->root, __ATOMIC_ACQUIRE);
		lb_model_free(model);
		model->seed = m->meta->seed;
		lb_source_get(&m->meta->source[root & 1], model);
		if (read_pools(m, root & 1, model, err) || read_reals(m, root & 1, model, err) ||
		    read_vips(m, root, model, err) || read_peers(m, root & 1, model, err))
			return -1;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&m->meta->root, __ATOMIC_ACQUIRE) == root) {
			lb_model_health(model);
			return 0;
		}
	}
	return lb_fail(err, "the configuration changes faster than it can be read: try again");
}
