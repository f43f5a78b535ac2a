/* SPDX-License-Identifier: GPL-2.0 */
/* The ids that a commit gives, and the removal of what an id's former owner left behind. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/maps_commit.h"

int lb_no_memory(const struct commit *c)
{
	return lb_fail(c->err, "writing the configuration: %s", strerror(ENOMEM));
}

/* Zeroes one element of a per-CPU map. */
static int clear_percpu(struct commit *c, int map, uint32_t id, size_t size)
{
	void *zero = calloc(c->maps->cpus, (size + 7) & ~7ul);
	int ret = zero ? bpf_map_update_elem(map, &id, zero, BPF_ANY) : -ENOMEM;

	free(zero);
	return ret ? lb_fail(c->err, "clearing a counter: %s", strerror(-ret)) : 0;
}

static int pool_ids(struct commit *c)
{
	const struct lb_meta *meta = c->maps->meta;
	bool *taken = calloc(meta->pools, sizeof(*taken));
	uint32_t next = 0;
	size_t i;

	if (!taken)
		return lb_no_memory(c);
	for (i = 0; i < c->from->pools; i++)
		taken[c->from->pool[i].id] = true;
	for (i = 0; i < c->to->pools; i++) {
		struct lb_m_pool *p = &c->to->pool[i];
		const struct lb_m_pool *was = lb_model_pool(c->from, p->name);

		while (!was && next < meta->pools && taken[next])
			next++;
		if (!was && next == meta->pools) {
			free(taken);
			return lb_fail(c->err,
				       "pool \"%s\": all %u ids are taken: delete what is not "
				       "needed in a commit of its own",
				       p->name, meta->pools);
		}
		p->id = was ? was->id : next++;
	}
	free(taken);
	return 0;
}

static int vip_ids(struct commit *c)
{
	const struct lb_meta *meta = c->maps->meta;
	bool *taken = calloc(meta->vips, sizeof(*taken));
	uint32_t next = 0;
	int ret = 0;
	size_t i;

	if (!taken)
		return lb_no_memory(c);
	for (i = 0; i < c->from->vips; i++)
		taken[c->from->vip[i].id] = true;
	for (i = 0; i < c->to->vips && !ret; i++) {
		struct lb_m_vip *v = &c->to->vip[i];
		const struct lb_m_vip *was = lb_model_vip(c->from, &v->svc);

		if (was) {
			v->id = was->id;
			continue;
		}
		while (next < meta->vips && taken[next])
			next++;
		if (next == meta->vips) {
			ret = lb_fail(c->err,
				      "all %u ids of VIPs are taken: delete what is not needed "
				      "in a commit of its own",
				      meta->vips);
			break;
		}
		v->id = next++;
		ret = clear_percpu(c, c->maps->count_vip, v->id, sizeof(struct lb_count_vip));
	}
	free(taken);
	return ret;
}

/* A free id: one that never was used, else one whose traces can be removed; 0: none is left. */
struct id_source {
	bool *taken;
	uint32_t fresh, stale; /* below these there is nothing to find */
};

static uint32_t free_real(const struct commit *c, struct id_source *ids)
{
	const struct lb_real *real = c->maps->real;
	uint32_t n = c->maps->meta->reals, id;

	while (ids->fresh < n && (real[ids->fresh].used || ids->taken[ids->fresh]))
		ids->fresh++;
	while (ids->stale < n && ids->taken[ids->stale])
		ids->stale++;
	id = ids->fresh < n ? ids->fresh : ids->stale;
	if (id == n)
		return 0;
	ids->taken[id] = true;
	return id;
}

/* The session cache forgets ids that are about to mean another real. */
static int forget_sessions(struct commit *c, const bool *reused)
{
	struct lb_stretch cache;
	uint32_t i, w;

	if (lb_session_map(c->maps, &cache, c->err))
		return -1;
	lb_session_forget_pending(c->maps);
	for (i = 0; i < c->maps->meta->sessions; i++) {
		struct lb_session *s = (struct lb_session *)cache.at + i;

		for (w = 0; w < LB_SESSION_WAYS; w++) {
			uint64_t e = __atomic_load_n(&s->way[w], __ATOMIC_RELAXED);

			if (e && reused[LB_SESSION_REAL(e)])
				__atomic_store_n(&s->way[w], 0, __ATOMIC_RELAXED);
		}
	}
	lb_stretch_unmap(&cache);
	return 0;
}

static int new_real(struct commit *c, struct lb_m_real *r, bool was_used)
{
	struct lb_real *real = &c->maps->real[r->id];

	real->used = 1;
	memcpy(real->addr, r->addr.b, sizeof(real->addr));
	real->family = r->addr.family;
	real->pool = lb_model_pool(c->to, r->pool)->id;
	real->encap = (uint8_t)lb_real_encap(c->to, r);
	real->port = htons(lb_model_pool(c->to, r->pool)->gue_port);
	real->own_encap = r->encap != LB_M_ENCAP_DEFAULT;
	real->sick = 0;
	memset(&c->maps->health[r->id], 0, sizeof(*c->maps->health));
	if (!was_used)
		return 0;
	if (clear_percpu(c, c->maps->nexthop, r->id, sizeof(struct lb_nexthop)))
		return -1;
	return clear_percpu(c, c->maps->count_real, r->id, sizeof(struct lb_count));
}

static int give_real_id(struct commit *c, struct lb_m_real *r, struct id_source *ids, bool *reused)
{
	const struct lb_m_real *was = lb_model_real(c->from, r->pool, &r->addr);

	if (was && lb_real_keeps(c->from, was, c->to, r)) {
		r->id = was->id;
		return 0;
	}
	r->id = free_real(c, ids);
	if (!r->id)
		return lb_fail(c->err,
			       "all %u ids of reals are taken: delete what is not needed in a "
			       "commit of its own",
			       c->maps->meta->reals - 1);
	reused[r->id] = c->maps->real[r->id].used;
	if (new_real(c, r, reused[r->id]))
		return -1;
	/* Another encapsulation makes the real no healthier. */
	if (was) {
		c->maps->real[r->id].sick = c->maps->real[was->id].sick;
		c->maps->health[r->id] = c->maps->health[was->id];
	} else {
		r->health = LB_M_UNKNOWN;
	}
	return 0;
}

static int real_ids(struct commit *c)
{
	struct id_source ids = {.fresh = 1, .stale = 1};
	bool *reused = calloc(LB_REALS_MAX, sizeof(*reused));
	int ret = 0;
	size_t i;

	ids.taken = calloc(LB_REALS_MAX, sizeof(*ids.taken));
	if (!reused || !ids.taken) {
		ret = lb_no_memory(c);
		goto out;
	}
	for (i = 0; i < c->from->reals; i++)
		ids.taken[c->from->real[i].id] = true;
	for (i = 0; i < c->to->reals && !ret; i++)
		ret = give_real_id(c, &c->to->real[i], &ids, reused);
	if (!ret && memchr(reused, 1, LB_REALS_MAX))
		ret = forget_sessions(c, reused);
out:
	free(reused);
	free(ids.taken);
	return ret;
}

int lb_commit_ids(struct commit *c)
{
	return pool_ids(c) || vip_ids(c) || real_ids(c) ? -1 : 0;
}
