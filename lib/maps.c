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

#define MAPPINGS 6

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
		{"pool", (void **)&m->pool, meta ? 2 * meta->pools : 0, sizeof(*m->pool)},
		{"check", (void **)&m->check, meta ? 2 * meta->pools : 0, sizeof(*m->check)},
		{"mixed", (void **)&m->mixed, meta ? meta->pools : 0, sizeof(*m->mixed)},
		{"real", (void **)&m->real, meta ? meta->reals : 0, sizeof(*m->real)},
		{"health", (void **)&m->health, meta ? meta->reals : 0, sizeof(*m->health)},
		{"peers", (void **)&m->peers, 2, sizeof(*m->peers)},
	};

	memcpy(out, all, sizeof(all));
}

static int map_fd(int fd, const char *name, void **at, size_t first, size_t len, struct lb_err *err)
{
	*at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)first);
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
	ret = map_fd(fd, name, at, 0, len, err);
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

int lb_stretch_map(int fd, const char *name, uint32_t first, uint32_t n, size_t size,
		   struct lb_stretch *s, struct lb_err *err)
{
	size_t from = first * size, in_page = from % sysconf(_SC_PAGESIZE);

	*s = (struct lb_stretch){0};
	if (!n)
		return 0;
	s->len = map_len(in_page + n * size, 1);
	if (map_fd(fd, name, &s->pages, from - in_page, s->len, err))
		return -1;
	s->at = (char *)s->pages + in_page;
	return 0;
}

void lb_stretch_unmap(struct lb_stretch *s)
{
	if (s->pages)
		munmap(s->pages, s->len);
	*s = (struct lb_stretch){0};
}

int lb_slots_map(const struct lb_maps *m, uint32_t base, uint32_t n, struct lb_stretch *s,
		 struct lb_err *err)
{
	return lb_stretch_map(m->table, "table", base, n, sizeof(struct lb_slot), s, err);
}

int lb_services_map(const struct lb_maps *m, uint8_t family, uint32_t half, struct lb_stretch *s,
		    struct lb_err *err)
{
	uint32_t n = m->meta->buckets;

	if (family == 4)
		return lb_stretch_map(m->service4, "service4", half * n, n,
				      sizeof(struct lb_bucket4), s, err);
	return lb_stretch_map(m->service6, "service6", half * n, n, sizeof(struct lb_bucket6), s,
			      err);
}

int lb_session_map(const struct lb_maps *m, struct lb_stretch *s, struct lb_err *err)
{
	return lb_stretch_map(m->session, "session", 0, m->meta->sessions,
			      sizeof(struct lb_session), s, err);
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
		{"service4", &m->service4},
		{"service6", &m->service6},
		{"table", &m->table},
		{"session", &m->session},
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
	m->nexthop = m->count_vip = m->count_real = m->count_why = m->dev = -1;
	m->service4 = m->service6 = m->table = m->session = -1;
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
	if (m->meta)
		munmap(m->meta, map_len(1, sizeof(*m->meta)));
	close_fd(m->nexthop);
	close_fd(m->count_vip);
	close_fd(m->count_real);
	close_fd(m->count_why);
	close_fd(m->dev);
	close_fd(m->service4);
	close_fd(m->service6);
	close_fd(m->table);
	close_fd(m->session);
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

uint32_t lb_maps_reals(const struct lb_maps *m)
{
	uint32_t half = root_of(m) & 1, n = 0, id;

	for (id = 1; id < m->meta->reals; id++)
		n += m->real[id].half[half].state != LB_STATE_FREE;
	return n;
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
	uint32_t *by_id, base = 0, slots, i;
	const struct lb_m_real *r;
	const struct lb_slot *slot;
	struct lb_stretch table;
	size_t reals;

	slots = p ? lb_maps_table(m, p->id, &base) : 0;
	if (lb_slots_map(m, base, slots, &table, err))
		return -1;
	slot = table.at;
	by_id = calloc(LB_REALS_MAX, sizeof(*by_id));
	for (i = 0; by_id && i < slots; i++)
		by_id[slot[i].real]++;
	lb_stretch_unmap(&table);
	if (!by_id)
		return lb_fail(err, "counting slots: %s", strerror(ENOMEM));
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
	uint32_t base = 0, slots, i, b;
	uint64_t h = 0xcbf29ce484222325ull;
	struct lb_stretch table;
	const struct lb_slot *slot;

	slots = p ? lb_maps_table(m, p->id, &base) : 0;
	if (lb_slots_map(m, base, slots, &table, err))
		return -1;
	slot = table.at;
	for (i = 0; i < slots; i++) {
		const struct lb_real *r = &m->real[slot[i].real % m->meta->reals];

		h = (h ^ r->family) * 0x100000001b3ull;
		for (b = 0; b < (r->family == 4 ? 4u : 16u); b++)
			h = (h ^ r->addr[b]) * 0x100000001b3ull;
	}
	lb_stretch_unmap(&table);
	*digest = h;
	return 0;
}

uint32_t lb_encap_room(enum lb_m_encap encap, uint8_t family)
{
	if (encap != LB_M_ENCAP_IPIP && encap != LB_M_ENCAP_GUE)
		return 0;
	return lb_tunnel_room(family == 6, encap == LB_M_ENCAP_GUE);
}
