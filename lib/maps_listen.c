/* SPDX-License-Identifier: GPL-2.0 */
/* Places of listeners, in map `listener`, and what the program tells them; bpf/lb_event.h has the agreement. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/listen.h"
#include "lib/maps_internal.h"
#include "lib/maps_seen.h"
#include "lib/prog_internal.h"

_Static_assert(LB_LISTENERS_MAX == LB_LISTENERS, "listen.h says how many there are");

#define LEASE_NS 2000000000ull
#define TAKING_NS 100000000ull /* for filling a place: who is killed at that leaves it free soon */

struct lb_listen {
	struct lb_maps *maps;
	const char *instance;
	struct lb_listener wish; /* as it stands in the place */
	struct lb_listener *place; /* all of them */
	uint32_t at; /* ours */
	uint64_t until; /* what we wrote there */
	int events, lost, ring_fd; /* descriptors */
	uint64_t lost_before;
	struct ring_buffer *ring;
	int (*seen)(void *arg, const struct lb_seen *s); /* of the call of lb_listen_read() */
	void *arg;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static bool swap(__u64 *at, __u64 old, uint64_t new)
{
	return __atomic_compare_exchange_n(at, &old, new, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* The prefix as the words of struct lb_event, and its mask. */
static void put_net(struct lb_listener *l, const struct lb_net *net)
{
	uint8_t mask[16] = {0};

	for (unsigned int i = 0; i < sizeof(mask); i++)
		if (net->len > i * 8)
			mask[i] = net->len - i * 8 >= 8 ? 0xff : 0xff00 >> (net->len - i * 8);
	memcpy(l->src, net->addr.b, sizeof(l->src));
	memcpy(l->src_mask, mask, sizeof(l->src_mask));
}

static void put_wish(struct lb_listener *l, const struct lb_wish *w)
{
	memset(l, 0, sizeof(*l));
	l->whys = w->whys;
	l->sample = w->sample;
	l->cost = 1000000000ull / w->rate;
	l->family = w->vip.family ? w->vip.family : w->from.addr.family;
	if (w->from.addr.family)
		put_net(l, &w->from);
	if (w->vip.family) {
		l->flags |= LB_LISTEN_DST;
		memcpy(l->dst, w->vip.b, sizeof(l->dst));
	}
	l->port = htons(w->port);
	l->proto = w->proto;
	l->flags |= (w->port ? LB_LISTEN_PORT : 0) | (w->proto ? LB_LISTEN_PROTO : 0);
}

/* Everybody's packets are looked at as often as the one who wants most asks. */
static void set_watch(struct lb_listen *l)
{
	uint64_t now = now_ns();
	uint32_t watch = 0;

	for (uint32_t i = 0; i < LB_LISTENERS; i++) {
		uint32_t sample = l->place[i].sample;

		if (__atomic_load_n(&l->place[i].until, __ATOMIC_ACQUIRE) <= now)
			continue;
		if (sample > LB_WATCH_MAX)
			sample = LB_WATCH_MAX;
		if (!watch || sample < watch)
			watch = sample;
	}
	__atomic_store_n(&l->maps->meta->watch, watch, __ATOMIC_RELEASE);
}

static uint64_t lost_sum(const struct lb_listen *l)
{
	uint64_t *cpu = calloc(l->maps->cpus, sizeof(*cpu)), sum = 0;

	if (cpu && !bpf_map_lookup_elem(l->lost, &l->at, cpu))
		for (int i = 0; i < l->maps->cpus; i++)
			sum += cpu[i];
	free(cpu);
	return sum;
}

/* The place is ours for a moment: fills it, the lease at last. What its last owner wanted goes to nobody meanwhile. */
static int fill(struct lb_listen *l, struct lb_err *err)
{
	struct lb_listener *p = &l->place[l->at];
	uint64_t until;
	int ret;

	p->whys = 0;
	ret = bpf_map_update_elem(l->events, &l->at, &l->ring_fd, BPF_ANY);
	if (ret)
		return lb_pin_fail(err, -ret, "events");
	l->lost_before = lost_sum(l);
	memcpy((char *)p + sizeof(p->until), (const char *)&l->wish + sizeof(p->until),
	       sizeof(*p) - sizeof(p->until));
	until = now_ns() + LEASE_NS;
	if (!swap(&p->until, l->until, until))
		return lb_fail(err, "lost the listener's place while taking it");
	l->until = until;
	return 0;
}

static int take_place(struct lb_listen *l, struct lb_err *err)
{
	for (l->at = 0; l->at < LB_LISTENERS; l->at++) {
		__u64 *at = &l->place[l->at].until, old = __atomic_load_n(at, __ATOMIC_ACQUIRE);
		uint64_t now = now_ns();

		if (old > now)
			continue;
		l->until = now + TAKING_NS;
		if (swap(at, old, l->until))
			return fill(l, err);
	}
	l->until = 0;
	return lb_fail(err, "%u others listen already, and no more can", LB_LISTENERS);
}

int lb_listen_keep(struct lb_listen *l, struct lb_err *err)
{
	uint64_t until = now_ns() + LEASE_NS;

	if (l->until > until - LB_LISTEN_KEEP_MS * 1000000ull)
		return 0;
	if (!lb_maps_current(l->maps, l->instance))
		return lb_fail(err, "instance \"%s\" was unloaded", l->instance);
	if (l->until && swap(&l->place[l->at].until, l->until, until))
		l->until = until;
	else if (take_place(l, err))
		return -1;
	set_watch(l);
	return 0;
}

static int take_event(void *arg, void *data, size_t size)
{
	struct lb_listen *l = arg;
	struct lb_seen seen;

	if (size < sizeof(struct lb_event))
		return 0;
	lb_seen_of(data, &seen);
	return l->seen(l->arg, &seen);
}

static int open_all(struct lb_listen *l, struct lb_err *err)
{
	static const char missing[] = "a map of the instance is missing";
	int fd = lb_pin_open(l->instance, "map", "listener", err, missing);

	if (fd < 0)
		return -1;
	l->place = mmap(NULL, LB_LISTENERS * sizeof(*l->place), PROT_READ | PROT_WRITE, MAP_SHARED,
			fd, 0);
	close(fd);
	if (l->place == MAP_FAILED)
		return lb_pin_fail(err, errno, "listener");
	l->events = lb_pin_open(l->instance, "map", "events", err, missing);
	if (l->events < 0)
		return -1;
	l->lost = lb_pin_open(l->instance, "map", "lost", err, missing);
	if (l->lost < 0)
		return -1;
	l->ring_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "lb_ring", 0, 0, LB_LISTEN_RING, NULL);
	if (l->ring_fd < 0)
		return lb_pin_fail(err, -l->ring_fd, "a ring buffer");
	l->ring = ring_buffer__new(l->ring_fd, take_event, l, NULL);
	return l->ring ? 0 : lb_pin_fail(err, errno, "a ring buffer");
}

int lb_listen_open(struct lb_maps *maps, const char *instance, const struct lb_wish *wish,
		   struct lb_listen **listen, struct lb_err *err)
{
	struct lb_listen *l = calloc(1, sizeof(*l));

	if (!l)
		return lb_fail(err, "out of memory");
	l->maps = maps;
	l->instance = instance;
	l->place = MAP_FAILED;
	l->events = l->lost = l->ring_fd = -1;
	put_wish(&l->wish, wish);
	if (open_all(l, err) || lb_listen_keep(l, err)) {
		lb_listen_close(l);
		return -1;
	}
	*listen = l;
	return 0;
}

/* The ring goes first: who takes the place after us puts another there. */
static void give_up(struct lb_listen *l)
{
	if (!l->until || !swap(&l->place[l->at].until, l->until, now_ns() + TAKING_NS))
		return;
	bpf_map_delete_elem(l->events, &l->at);
	__atomic_store_n(&l->place[l->at].until, 0, __ATOMIC_RELEASE);
	set_watch(l);
}

void lb_listen_close(struct lb_listen *l)
{
	if (!l)
		return;
	if (l->place != MAP_FAILED) {
		give_up(l);
		munmap(l->place, LB_LISTENERS * sizeof(*l->place));
	}
	ring_buffer__free(l->ring);
	for (int *fd = (int[]){l->events, l->lost, l->ring_fd, -2}; *fd != -2; fd++)
		if (*fd >= 0)
			close(*fd);
	free(l);
}

int lb_listen_fd(const struct lb_listen *l)
{
	return ring_buffer__epoll_fd(l->ring);
}

int lb_listen_read(struct lb_listen *l, int (*seen)(void *arg, const struct lb_seen *s), void *arg)
{
	int ret;

	l->seen = seen;
	l->arg = arg;
	ret = ring_buffer__consume(l->ring);
	return ret < 0 ? ret : 0;
}

uint64_t lb_listen_lost(struct lb_listen *l)
{
	uint64_t sum = lost_sum(l), n = sum - l->lost_before;

	l->lost_before = sum;
	return n;
}
