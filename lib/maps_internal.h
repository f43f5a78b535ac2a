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
	struct lb_pool *pool;
	struct lb_check_conf *check;
	uint64_t *mixed;
	struct lb_real *real;
	struct lb_real_health *health;
	struct lb_peers *peers;
	int nexthop, count_vip, count_real, count_why, dev; /* descriptors */
	int service4, service6, table, session; /* mapped by the stretch: struct lb_stretch */
	uint32_t meta_id; /* the kernel's id of map `meta` */
	int cpus; /* possible ones: values of per-CPU maps */
};

/*
 * A stretch of a large array in memory, n elements of `size` bytes from `first` on: to map such an array takes longer than to read
 * what is wanted of it. n may be 0. 0, or -1 with *err, where nothing is mapped; it is ended by lb_stretch_unmap(), which a zeroed
 * one bears.
 */
struct lb_stretch {
	void *at; /* the first element, NULL: none */
	void *pages;
	size_t len;
};
int lb_stretch_map(int fd, const char *name, uint32_t first, uint32_t n, size_t size,
		   struct lb_stretch *s, struct lb_err *err);
void lb_stretch_unmap(struct lb_stretch *s);

/* Returns when every packet that began before has ended. */
void lb_wait_for_packets(void);

/* After it no packet writes an entry to the session cache for a flow that came before (bpf/pending.h). Entries are removed after it. */
void lb_session_forget_pending(struct lb_maps *maps);

/* A half of the buckets of a family (4, 6). */
int lb_services_map(const struct lb_maps *maps, uint8_t family, uint32_t half, struct lb_stretch *s,
		    struct lb_err *err);
/* Of map `table`. */
int lb_slots_map(const struct lb_maps *maps, uint32_t base, uint32_t n, struct lb_stretch *s,
		 struct lb_err *err);
/* The whole session cache, which may have no entries. */
int lb_session_map(const struct lb_maps *maps, struct lb_stretch *s, struct lb_err *err);

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
