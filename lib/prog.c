/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The balancer's program: open, size the maps, set read-only data, load, fill `meta`, pin, in that order, in sight.
 */
#include "lib/prog.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bpf/lb_event.h"
#include "lb.skel.h"
#include "lib/mix.h"
#include "lib/prog_internal.h"
#include "lib/ring.h"
#include "object_hash.h"

const struct lb_sizes lb_sizes_default = {
	.reals = 4096,
	.vips = 4096,
	.pools = 256,
	.tables = 512, /* 134 MB: each pool's, and a second one while it changes */
	.sessions = 1048576,
	.idle_tcp = LB_TCP_IDLE,
	.idle_udp = LB_UDP_IDLE,
	/* Any constant: what matters is that nodes which are not told one agree. */
	.seed = 0x1b0a5eedull,
};
/* Idle times are reckoned in ticks: two at least, and few beside the 2^15 after which an entry seems new again. */
const struct lb_sizes lb_sizes_min = {
	.reals = 1,
	.vips = 1,
	.pools = 1,
	.tables = 1,
	.idle_tcp = 30,
	.idle_udp = 30,
};
const struct lb_sizes lb_sizes_max = {
	.reals = LB_REALS_MAX - 1,
	.vips = 131072,
	.pools = 65535,
	.tables = 4096,
	.sessions = 134217728,
	.idle_tcp = 14400,
	.idle_udp = 14400,
	.seed = UINT64_MAX,
};

const char lb_object_sha256[] = LB_OBJECT_SHA256;

/* Steele et al., "Fast splittable pseudorandom number generators", OOPSLA 2014. */
static uint64_t splitmix64(uint64_t *x)
{
	return lb_mix64(*x += 0x9e3779b97f4a7c15ull);
}

/* The coarse clock ticks once a jiffy: its resolution tells HZ, which nothing else tells surely. */
uint32_t lb_kernel_hz(uint32_t *tick_shift)
{
	struct timespec res = {0};
	uint32_t hz = 250;

	if (!clock_getres(CLOCK_MONOTONIC_COARSE, &res) && !res.tv_sec && res.tv_nsec >= 100000)
		hz = (1000000000 + res.tv_nsec / 2) / res.tv_nsec;
	*tick_shift = 0;
	while ((1u << *tick_shift) < hz * LB_TICK)
		++*tick_shift;
	return hz;
}

static void set_meta(struct lb_meta *meta, const struct lb_sizes *sizes)
{
	*meta = (struct lb_meta){
		.magic = LB_META_MAGIC,
		.version = LB_ABI_VERSION,
		.seed = sizes->seed,
		.reals = sizes->reals + 1, /* id 0 means none */
		.vips = sizes->vips,
		.pools = sizes->pools,
		.slots = LB_TABLE_ROOM(sizes->tables),
		.buckets = sizes->vips * LB_BUCKETS_PER_VIP,
		.sessions = (sizes->sessions + LB_SESSION_WAYS - 1) / LB_SESSION_WAYS,
		.idle_tcp = sizes->idle_tcp,
		.idle_udp = sizes->idle_udp,
	};
	memcpy(meta->object, LB_OBJECT_SHA256, sizeof(meta->object));
}

/* Rounded up: what is older than that in ticks, the first one begun, was silent for longer than that in seconds. */
static uint32_t idle_ticks(uint32_t seconds, uint32_t hz, uint32_t shift)
{
	return ((uint64_t)seconds * hz + (1u << shift) - 1) >> shift;
}

/* Read-only data of a program for an instance that meta describes; trace: of one to be asked. */
static void set_rodata(struct lb_bpf *skel, const struct lb_meta *meta, bool trace)
{
	typeof(skel->rodata->lb_cfg) *cfg = (void *)&skel->rodata->lb_cfg;
	uint32_t idle, shift, hz = lb_kernel_hz(&shift);
	uint64_t x = meta->seed;
	size_t i;

	for (i = 0; i < 4; i++)
		cfg->key[i] = splitmix64(&x) | 1;
	cfg->buckets = meta->buckets;
	cfg->sessions = meta->sessions;
	cfg->pools = meta->pools;
	cfg->tick_shift = shift;
	cfg->udp_idle = idle_ticks(meta->idle_udp ? meta->idle_udp : LB_UDP_IDLE, hz, shift);
	cfg->tcp_idle = idle_ticks(meta->idle_tcp ? meta->idle_tcp : LB_TCP_IDLE, hz, shift);
	idle = cfg->udp_idle > cfg->tcp_idle ? cfg->udp_idle : cfg->tcp_idle;
	/* Two ticks more: what was kept in the tick of a change, and an age that rounds down. */
	cfg->mixed_life = (idle + 3) << shift;
	cfg->nexthop_life = hz / LB_NEXTHOP_HZ;
	cfg->trace = trace;
}

/* Maps that each program has for itself. Two notes for a line of eight entries: the cache is never full of flows of one tick. */
static int set_own_maps(struct lb_bpf *skel, const struct lb_meta *meta)
{
	return bpf_map__set_max_entries(skel->maps.recent, meta->sessions ? meta->sessions : 1);
}

static int set_sizes(struct lb_bpf *skel, const struct lb_meta *meta)
{
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} size[] = {
		{skel->maps.service4, 2 * meta->buckets},
		{skel->maps.service6, 2 * meta->buckets},
		{skel->maps.pool, 2 * meta->pools},
		{skel->maps.check, 2 * meta->pools},
		{skel->maps.mixed, meta->pools},
		{skel->maps.table, meta->slots / LB_SLOTS_PER_LINE},
		{skel->maps.real, meta->reals},
		{skel->maps.health, meta->reals},
		{skel->maps.nexthop, meta->reals},
		{skel->maps.count_real, meta->reals},
		{skel->maps.count_vip, meta->vips},
		{skel->maps.count_why, LB_WHY_MAX},
		{skel->maps.peers, 2},
		{skel->maps.peer_hop, LB_PEERS_MAX},
		{skel->maps.fragment, LB_FRAGMENT_BUCKETS},
		{skel->maps.listener, LB_LISTENERS},
		{skel->maps.lost, LB_LISTENERS},
		{skel->maps.session, meta->sessions ? meta->sessions : 1},
	};
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(size) / sizeof(*size) && !ret; i++)
		ret = bpf_map__set_max_entries(size[i].map, size[i].entries);
	return ret ? ret : set_own_maps(skel, meta);
}

/* The balancer's pin comes last: it is the sign that all is there. */
static int pin_all(const struct lb_bpf *skel, const char *instance, struct lb_err *err)
{
	int hc, ret;

	if (lb_pin_mkdirs(instance, err) || lb_pin_maps(skel->obj, instance, err))
		return -1;
	hc = lb_prog_hc_load(instance, err);
	if (hc < 0)
		return -1;
	ret = lb_pin_prog(hc, instance, "hc", err);
	close(hc);
	return ret ? -1 : lb_pin_prog(bpf_program__fd(skel->progs.lb), instance, "lb", err);
}

int lb_prog_load(const char *instance, const struct lb_sizes *sizes, struct lb_err *err)
{
	struct lb_err ignored;
	struct lb_bpf *skel;
	struct lb_meta meta;
	int fd, ret = -1;

	fd = lb_prog_open(instance, "lb", &ignored);
	if (fd >= 0) {
		close(fd);
		return lb_fail(err, "instance \"%s\" is loaded already: see \"lbtool prog show\"",
			       instance);
	}
	/* Maps without a program are what a killed load or unload left. */
	if (lb_pin_bpffs(err) || lb_pin_clear(instance, false, err) ||
	    lb_pin_clear_aside(instance, err))
		return -1;
	skel = lb_bpf__open();
	if (!skel)
		return lb_pin_fail(err, errno, "opening the program");
	set_meta(&meta, sizes);
	set_rodata(skel, &meta, false);
	ret = set_sizes(skel, &meta);
	if (!ret)
		ret = lb_bpf__load(skel);
	if (ret) {
		ret = lb_pin_fail(err, -ret, "loading the program");
		goto out;
	}
	*skel->data_meta = (typeof(*skel->data_meta)){.lb_meta = meta};
	ret = pin_all(skel, instance, err);
	if (ret)
		lb_pin_clear(instance, false, &ignored);
out:
	lb_bpf__destroy(skel);
	return ret;
}

/* The pinned meta, checked for its version; read-only unless `write`. munmap() by the caller. */
static struct lb_meta *meta_map(const char *instance, struct lb_err *err)
{
	int fd = lb_pin_open(instance, "map", "meta", err,
			     "nothing is loaded: \"lbtool prog load\"");
	struct lb_meta *meta;

	if (fd < 0)
		return NULL;
	meta = mmap(NULL, sizeof(*meta), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (meta == MAP_FAILED) {
		lb_pin_fail(err, errno, "meta");
		return NULL;
	}
	if (lb_meta_check(meta, instance, err) == 0)
		return meta;
	munmap(meta, sizeof(*meta));
	return NULL;
}

/* What a program that is to be asked reads. All else it has for itself, so that nothing which it writes is read by packets. */
static const char *const read_maps[] = {"meta",	 "service4", "service6", "pool",
					"table", "real",     "session",	 "dev",
					"peers", "fragment", NULL};

/* Its own maps have one writer and one entry; counters of more are for nobody. */
static int set_trace_maps(struct lb_bpf *skel, const struct lb_meta *meta)
{
	struct bpf_map *hop = skel->maps.nexthop, *event = skel->maps.event;
	int ret;

	ret = bpf_map__set_type(hop, BPF_MAP_TYPE_ARRAY);
	if (!ret)
		ret = bpf_map__set_max_entries(hop, meta->reals);
	if (!ret)
		ret = bpf_map__set_max_entries(skel->maps.peer_hop, LB_PEERS_MAX);
	if (!ret)
		ret = bpf_map__set_type(event, BPF_MAP_TYPE_ARRAY);
	return ret ? ret : bpf_map__set_map_flags(event, BPF_F_MMAPABLE);
}

/* A new balancer on the pinned maps; NULL with *err. */
static struct lb_bpf *load_again(const char *instance, bool trace, struct lb_err *err)
{
	struct lb_meta *meta = meta_map(instance, err);
	struct lb_bpf *skel;
	int ret;

	if (!meta)
		return NULL;
	skel = lb_bpf__open();
	if (!skel) {
		lb_pin_fail(err, errno, "opening the program");
		goto out;
	}
	set_rodata(skel, meta, trace);
	if (lb_pin_reuse(skel->obj, instance, trace ? read_maps : NULL, err))
		goto fail;
	ret = trace ? set_trace_maps(skel, meta) : set_own_maps(skel, meta);
	if (!ret)
		ret = lb_bpf__load(skel);
	if (!ret)
		goto out;
	lb_pin_fail(err, -ret, "loading the program");
fail:
	lb_bpf__destroy(skel);
	skel = NULL;
out:
	munmap(meta, sizeof(*meta));
	return skel;
}

/* A descriptor that outlives the skeleton; -1 with *err. */
static int keep_fd(int fd, struct lb_err *err)
{
	int kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return kept < 0 ? lb_pin_fail(err, errno, "a descriptor") : kept;
}

static int load_new(const char *instance, struct lb_err *err)
{
	struct lb_bpf *skel = load_again(instance, false, err);
	int fd;

	if (!skel)
		return -1;
	fd = keep_fd(bpf_program__fd(skel->progs.lb), err);
	lb_bpf__destroy(skel);
	return fd;
}

int lb_prog_trace_load(const char *instance, int *event, struct lb_err *err)
{
	struct lb_bpf *skel = load_again(instance, true, err);
	int fd;

	if (!skel)
		return -1;
	fd = keep_fd(bpf_program__fd(skel->progs.lb), err);
	*event = fd < 0 ? -1 : keep_fd(bpf_map__fd(skel->maps.event), err);
	if (fd >= 0 && *event < 0) {
		close(fd);
		fd = -1;
	}
	lb_bpf__destroy(skel);
	return fd;
}

int lb_prog_reload(const char *instance, struct lb_reload *r, struct lb_err *err)
{
	r->old = lb_prog_open(instance, "lb", err);
	if (r->old < 0)
		return -1;
	r->lb = load_new(instance, err);
	if (r->lb < 0)
		goto fail_old;
	r->hc = lb_prog_hc_load(instance, err);
	if (r->hc >= 0 && !lb_pin_new(r->lb, instance, "lb", err))
		return 0;
	if (r->hc >= 0)
		close(r->hc);
	close(r->lb);
fail_old:
	close(r->old);
	return -1;
}

int lb_prog_reload_done(const char *instance, const struct lb_reload *r, struct lb_err *err)
{
	struct lb_meta *meta = meta_map(instance, err);

	if (!meta)
		return -1;
	memcpy(meta->object, LB_OBJECT_SHA256, sizeof(meta->object));
	munmap(meta, sizeof(*meta));
	/* The balancer last: when this fails, it is the old one that stays on the devices. */
	if (lb_pin_swap(r->hc, instance, "hc", err))
		return -1;
	return lb_pin_swap(r->lb, instance, "lb", err);
}

void lb_prog_reload_undo(const char *instance)
{
	char path[LB_PIN_LEN];

	lb_pin_path(path, instance, "prog", "lb_new");
	unlink(path);
}

int lb_prog_unload(const char *instance, struct lb_err *err)
{
	int fd = lb_prog_open(instance, "lb", err);

	if (fd < 0)
		return -1;
	close(fd);
	return lb_pin_clear(instance, false, err) || lb_pin_clear_aside(instance, err) ? -1 : 0;
}
