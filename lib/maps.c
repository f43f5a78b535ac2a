/* SPDX-License-Identifier: GPL-2.0 */
/* The pinned maps, mapped into memory, and what a look at them tells. */
#include "lib/maps.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/gue.h"
#include "lib/maps_internal.h"
#include "lib/prog_internal.h"

#define MAPPINGS 9

static const char not_loaded[] = "nothing is loaded: \"lbtool prog load\" comes first";

/* Length of the mapping of an array: elements are multiples of 8 bytes, the whole one of pages. */
static size_t map_len(size_t entries, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (entries * size + page - 1) / page * page;
}

struct mapping {
	const char *name;
	void **at;
	size_t entries, size;
};

static void mappings(struct lb_maps *m, struct mapping out[MAPPINGS + 1])
{
	const struct lb_meta *meta = m->meta;
	const struct mapping all[MAPPINGS + 1] = {
		{"service4", (void **)&m->service4, meta ? 2 * meta->buckets : 0,
		 sizeof(*m->service4)},
		{"service6", (void **)&m->service6, meta ? 2 * meta->buckets : 0,
		 sizeof(*m->service6)},
		{"pool", (void **)&m->pool, meta ? 2 * meta->pools : 0, sizeof(*m->pool)},
		{"check", (void **)&m->check, meta ? 2 * meta->pools : 0, sizeof(*m->check)},
		{"mixed", (void **)&m->mixed, meta ? meta->pools : 0, sizeof(*m->mixed)},
		{"real", (void **)&m->real, meta ? meta->reals : 0, sizeof(*m->real)},
		{"health", (void **)&m->health, meta ? meta->reals : 0, sizeof(*m->health)},
		{"session", (void **)&m->session, meta && meta->sessions ? meta->sessions : 1,
		 sizeof(*m->session)},
		{"peers", (void **)&m->peers, 2, sizeof(*m->peers)},
	};

	memcpy(out, all, sizeof(all));
}

static int map_fd(int fd, const char *name, void **at, size_t len, struct lb_err *err)
{
	*at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*at != MAP_FAILED)
		return 0;
	*at = NULL;
	lb_pin_fail(err, errno, name);
	return -1; /* said here, where an analyser sees it */
}

static int map_one(const char *instance, const char *name, void **at, size_t len,
		   struct lb_err *err)
{
	int fd = lb_pin_open(instance, "map", name, err, not_loaded), ret;

	if (fd < 0)
		return -1;
	ret = map_fd(fd, name, at, len, err);
	close(fd);
	return ret;
}

/* Of the pinned maps, whatever else they hold: 0: there are none. */
static uint32_t pinned_version(const char *instance)
{
	struct lb_meta *meta = NULL;
	struct lb_err ignored;
	uint32_t version;

	/* No version's record is longer than a page. */
	if (map_one(instance, "meta", (void **)&meta, map_len(1, sizeof(*meta)), &ignored))
		return 0;
	version = meta->magic == LB_META_MAGIC ? meta->version : 0;
	munmap(meta, map_len(1, sizeof(*meta)));
	return version;
}

bool lb_maps_movable(const char *instance)
{
	uint32_t version = pinned_version(instance);

	return version >= LB_ABI_OLDEST && version < LB_ABI_VERSION;
}

bool lb_maps_moved(const struct lb_maps *maps, const char *instance)
{
	uint32_t version = pinned_version(instance);

	return version && version != maps->meta->version;
}

static size_t slots_len(const struct lb_maps *m)
{
	return map_len(m->meta->slots, sizeof(*m->slot));
}

int lb_maps_slots(struct lb_maps *m, struct lb_err *err)
{
	return m->slot ? 0 : map_fd(m->table, "table", (void **)&m->slot, slots_len(m), err);
}

static int open_fds(struct lb_maps *m, const char *instance, struct lb_err *err)
{
	const struct {
		const char *name;
		int *fd;
	} fds[] = {
		{"nexthop", &m->nexthop},
		{"count_vip", &m->count_vip},
		{"count_real", &m->count_real},
		{"count_why", &m->count_why},
		{"dev", &m->dev},
		{"table", &m->table},
	};
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		*fds[i].fd = lb_pin_open(instance, "map", fds[i].name, err, not_loaded);
		if (*fds[i].fd < 0)
			return -1;
	}
	return 0;
}

/* The program's pin comes last at load and goes first at unload. */
static int is_loaded(const char *instance, struct lb_err *err)
{
	char what[128];
	int fd;

	snprintf(what, sizeof(what),
		 "nothing is loaded as instance \"%s\": \"lbtool prog load\" comes first",
		 instance);
	fd = lb_pin_open(instance, "prog", "lb", err, what);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int lb_maps_open(const char *instance, struct lb_maps **maps, struct lb_err *err)
{
	struct mapping all[MAPPINGS + 1] = {0};
	struct lb_maps *m;
	size_t i;

	if (is_loaded(instance, err))
		return -1;
	m = calloc(1, sizeof(*m));
	if (!m)
		return lb_fail(err, "opening the maps: %s", strerror(errno));
	m->nexthop = m->count_vip = m->count_real = m->count_why = m->dev = m->table = -1;
	m->cpus = libbpf_num_possible_cpus();
	if (map_one(instance, "meta", (void **)&m->meta, map_len(1, sizeof(*m->meta)), err) ||
	    lb_meta_id(instance, &m->meta_id, err) || lb_meta_check(m->meta, instance, err) ||
	    open_fds(m, instance, err))
		goto fail;
	mappings(m, all);
	for (i = 0; all[i].name; i++)
		if (map_one(instance, all[i].name, all[i].at, map_len(all[i].entries, all[i].size),
			    err))
			goto fail;
	*maps = m;
	return 0;
fail:
	lb_maps_close(m);
	return -1;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void lb_maps_close(struct lb_maps *m)
{
	struct mapping all[MAPPINGS + 1] = {0};
	size_t i;

	if (!m)
		return;
	mappings(m, all);
	for (i = 0; all[i].name; i++)
		if (*all[i].at)
			munmap(*all[i].at, map_len(all[i].entries, all[i].size));
	if (m->slot)
		munmap(m->slot, slots_len(m));
	if (m->meta)
		munmap(m->meta, map_len(1, sizeof(*m->meta)));
	close_fd(m->nexthop);
	close_fd(m->count_vip);
	close_fd(m->count_real);
	close_fd(m->count_why);
	close_fd(m->dev);
	close_fd(m->table);
	free(m);
}

static uint32_t root_of(const struct lb_maps *m)
{
	return __atomic_load_n(&m->meta->root, __ATOMIC_ACQUIRE);
}

uint32_t lb_maps_table(const struct lb_maps *m, uint32_t pool_id, uint32_t *base)
{
	const struct lb_pool *p = &m->pool[(root_of(m) & 1) * m->meta->pools + pool_id];
	uint64_t table = __atomic_load_n(&p->table, __ATOMIC_RELAXED);
	uint32_t n = table;

	*base = table >> 32;
	return (uint64_t)*base + n <= m->meta->slots ? n : 0;
}

void lb_maps_info(const struct lb_maps *m, struct lb_info *info)
{
	const struct lb_meta *meta = m->meta;
	uint32_t i, base;

	*info = (struct lb_info){
		.version = meta->version,
		.commits = root_of(m) & LB_ROOT_COMMITS,
		.seed = meta->seed,
		.sessions = meta->sessions * LB_SESSION_WAYS,
		.idle_tcp = meta->idle_tcp ? meta->idle_tcp : LB_TCP_IDLE,
		.idle_udp = meta->idle_udp ? meta->idle_udp : LB_UDP_IDLE,
		.limits =
			{
				.pools = meta->pools,
				.reals = meta->reals - 1,
				.vips = meta->vips,
				.slots = meta->slots,
			},
	};
	memcpy(info->object, meta->object, sizeof(meta->object));
	for (i = 0; i < meta->pools; i++)
		info->slots_used += lb_maps_table(m, i, &base);
}

int lb_maps_shares(struct lb_maps *m, const struct lb_model *model, const char *pool,
		   uint32_t *count, uint32_t n, struct lb_err *err)
{
	const struct lb_m_pool *p = lb_model_pool(model, pool);
	uint32_t *by_id, base, slots, i;
	const struct lb_m_real *r;
	size_t reals;

	if (lb_maps_slots(m, err))
		return -1;
	by_id = calloc(LB_REALS_MAX, sizeof(*by_id));
	if (!by_id)
		return lb_fail(err, "counting slots: %s", strerror(errno));
	slots = p ? lb_maps_table(m, p->id, &base) : 0;
	for (i = 0; i < slots; i++)
		by_id[m->slot[base + i].real]++;
	r = lb_model_pool_reals(model, pool, &reals);
	for (i = 0; i < n; i++)
		count[i] = i < reals ? by_id[r[i].id] : 0;
	free(by_id);
	return 0;
}

int lb_maps_digest(struct lb_maps *m, const struct lb_model *model, const char *pool,
		   uint64_t *digest, struct lb_err *err)
{
	const struct lb_m_pool *p = lb_model_pool(model, pool);
	uint32_t base, slots, i, b;
	uint64_t h = 0xcbf29ce484222325ull;

	if (lb_maps_slots(m, err))
		return -1;
	slots = p ? lb_maps_table(m, p->id, &base) : 0;
	for (i = 0; i < slots; i++) {
		const struct lb_real *r = &m->real[m->slot[base + i].real % m->meta->reals];

		h = (h ^ r->family) * 0x100000001b3ull;
		for (b = 0; b < (r->family == 4 ? 4u : 16u); b++)
			h = (h ^ r->addr[b]) * 0x100000001b3ull;
	}
	*digest = h;
	return 0;
}

uint32_t lb_encap_room(enum lb_m_encap encap, uint8_t family)
{
	if (encap != LB_M_ENCAP_IPIP && encap != LB_M_ENCAP_GUE)
		return 0;
	return lb_tunnel_room(family == 6, encap == LB_M_ENCAP_GUE);
}
