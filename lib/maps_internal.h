/* SPDX-License-Identifier: GPL-2.0 */
/*
 * maps_internal.h - the maps in this process's memory, for lib/maps*.c alone.
 */
#ifndef LIB_MAPS_INTERNAL_H
#define LIB_MAPS_INTERNAL_H

#include "bpf/lb_abi.h"
#include "lib/maps.h"

struct lb_maps {
	struct lb_meta *meta;
	struct lb_bucket4 *service4;
	struct lb_bucket6 *service6;
	struct lb_pool *pool;
	struct lb_check_conf *check;
	uint64_t *mixed;
	struct lb_slot *slot; /* NULL until lb_maps_slots() */
	struct lb_real *real;
	struct lb_real_health *health;
	struct lb_session *session;
	struct lb_peers *peers;
	int nexthop, count_vip, count_real, count_why, dev, table; /* descriptors */
	uint32_t meta_id; /* the kernel's id of map `meta` */
	int cpus; /* possible ones: values of per-CPU maps */
};

/* Maps the tables, which are large, and which few have need of. 0, or -1 with *err. */
int lb_maps_slots(struct lb_maps *maps, struct lb_err *err);

/* The kernel's id of the pinned map `meta`. 0, or -1 with *err. */
int lb_meta_id(const char *instance, uint32_t *id, struct lb_err *err);

/* A pool's check in the map and in the model. What is out of range is read as the default. */
void lb_check_put(struct lb_check_conf *to, const struct lb_m_check *check);
void lb_check_get(const struct lb_check_conf *from, struct lb_m_check *check);

/* Outer sources, in the map and in a model that has none yet. */
void lb_source_put(struct lb_source *to, const struct lb_model *m);
void lb_source_get(const struct lb_source *from, struct lb_model *m);

/* Live table of a pool: *base and the number of slots, 0 when there is none or it is out of range. */
uint32_t lb_maps_table(const struct lb_maps *maps, uint32_t pool_id, uint32_t *base);

/* What packets read of the reals' health, made again from map `health`, where they differ. Under the lock. */
void lb_maps_health_again(struct lb_maps *maps);

#endif
