// SPDX-License-Identifier: GPL-2.0
#include "tests/packet/hear.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct world hear_w;
struct lb_seen hear_last;
static struct lb_err err;

void hear_setup(void)
{
	ptest_served(&hear_w);
}

void hear_teardown(void)
{
	world_unload(&hear_w);
}

struct lb_listen *hear_open(struct lb_wish wish)
{
	struct lb_listen *l;

	wish.sample = wish.sample ? wish.sample : 1;
	wish.rate = wish.rate ? wish.rate : LB_LISTEN_RATE_MAX;
	wish.whys = wish.whys ? wish.whys : HEAR_ALL;
	must(lb_listen_open(hear_w.maps, hear_w.instance, &wish, &l, &err));
	return l;
}

static int note(void *arg, const struct lb_seen *s)
{
	++*(uint32_t *)arg;
	hear_last = *s;
	return 0;
}

uint32_t hear_told(struct lb_listen *l)
{
	uint32_t n = 0;

	memset(&hear_last, 0, sizeof(hear_last));
	cr_assert(zero(int, lb_listen_read(l, note, &n)));
	return n;
}

void hear_send(const struct pkt_spec *s)
{
	struct pkt in, out;

	pkt_build(&in, s);
	ptest_send(&hear_w, &in, &out, "live");
}

void hear_send_many(uint32_t n, uint16_t dport)
{
	for (uint32_t i = 0; i < n; i++)
		SEND(.dst = "203.0.113.1", .dport = dport, .sport = 1 + i);
}

uint32_t hear_watch(void)
{
	struct lb_meta meta;
	uint32_t zero = 0;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/meta", hear_w.instance);
	fd = bpf_obj_get(path);
	cr_assert(ge(int, fd, 0));
	cr_assert(zero(int, bpf_map_lookup_elem(fd, &zero, &meta)));
	close(fd);
	return meta.watch;
}

void hear_pause(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}
