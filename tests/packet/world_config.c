// SPDX-License-Identifier: GPL-2.0
#include "tests/packet/world_config.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int world_pool(struct world *w, const char *name, uint32_t slots, struct lb_err *err)
{
	struct lb_m_pool pool = {
		.slots = slots,
		.encap = LB_M_ENCAP_IPIP,
		.drain = LB_DRAIN_DEFAULT,
		.gue_port = LB_GUE_PORT_DEFAULT,
		.min = 1,
		.check = lb_check_default,
		.id = LB_NO_ID,
	};

	snprintf(pool.name, sizeof(pool.name), "%s", name);
	return lb_model_put_pool(&w->model, &pool, err);
}

int world_real(struct world *w, const char *pool, const char *addr, uint16_t weight,
	       enum lb_m_state state, struct lb_err *err)
{
	struct lb_m_real real = {.weight = weight, .state = state, .id = LB_NO_ID};
	const struct lb_m_real *old;

	snprintf(real.pool, sizeof(real.pool), "%s", pool);
	if (parse_addr(addr, &real.addr, err))
		return -1;
	old = lb_model_real(&w->model, pool, &real.addr);
	if (old) {
		real.id = old->id;
		real.health = old->health;
	}
	return lb_model_put_real(&w->model, &real, err);
}

int world_vip(struct world *w, const char *svc, const char *pool, bool session, struct lb_err *err)
{
	struct lb_m_vip vip = {.session = session, .id = LB_NO_ID};

	snprintf(vip.pool, sizeof(vip.pool), "%s", pool);
	if (parse_service(svc, &vip.svc, err))
		return -1;
	return lb_model_put_vip(&w->model, &vip, err);
}

int world_serve(struct world *w, const char *svc, const char *real, struct lb_err *err)
{
	char name[LB_NAME_MAX + 1];

	snprintf(name, sizeof(name), "p%s", real);
	for (char *c = name; *c; c++)
		if (*c == '.' || *c == ':')
			*c = '-';
	if (!lb_model_pool(&w->model, name) &&
	    (world_pool(w, name, 251, err) || world_real(w, name, real, 1, LB_M_UP, err)))
		return -1;
	return world_vip(w, svc, name, true, err);
}

int world_commit(struct world *w, struct lb_err *err)
{
	struct lb_model live;
	int ret = -1;

	lb_model_init(&live);
	if (lb_maps_read(w->maps, &live, err) || lb_maps_commit(w->maps, &live, &w->model, err))
		goto out;
	lb_model_free(&w->model);
	ret = lb_maps_read(w->maps, &w->model, err);
out:
	lb_model_free(&live);
	return ret;
}

int world_health(struct world *w, const char *pool, const char *addr, enum lb_health health,
		 struct lb_err *err)
{
	struct lb_m_real *real;
	struct lb_addr a;

	if (parse_addr(addr, &a, err))
		return -1;
	real = lb_model_real(&w->model, pool, &a);
	if (!real || real->id == LB_NO_ID)
		return lb_fail(err, "real %s has no id", addr);
	real->health = health == LB_HEALTH_DOWN ? LB_M_SICK : LB_M_HEALTHY;
	lb_maps_health_put(w->maps, real->id, real->health, 0, "");
	return 0;
}

int world_sick(struct world *w, const char *pool, const char *addr, bool sick, struct lb_err *err)
{
	const struct lb_m_real *real;
	struct lb_real record;
	struct lb_addr a;
	int fd, ret;

	if (parse_addr(addr, &a, err))
		return -1;
	real = lb_model_real(&w->model, pool, &a);
	fd = real ? world_map(w, "real", err) : lb_fail(err, "no real %s", addr);
	if (fd < 0)
		return -1;
	ret = bpf_map_lookup_elem(fd, &real->id, &record);
	record.sick = sick;
	if (!ret)
		ret = bpf_map_update_elem(fd, &real->id, &record, BPF_ANY);
	close(fd);
	return ret ? lb_fail(err, "map real: %s", strerror(-ret)) : 0;
}

void world_outer(struct pkt_outer *o, int link, const char *real)
{
	const struct world_link *l = &world_link[link];
	struct lb_err err;

	memcpy(o->smac, l->mac, 6);
	memcpy(o->dmac, l->gw_mac, 6);
	if (parse_addr(real, &o->dst, &err))
		return;
	if (!strncmp(real, "10.7.", 5))
		parse_addr(world_src4, &o->src, &err);
	else if (!strncmp(real, "fd00:7:", 7))
		parse_addr(world_src6, &o->src, &err);
	else
		parse_addr(o->dst.family == 4 ? l->addr4 : l->addr6, &o->src, &err);
}
