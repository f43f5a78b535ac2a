/* SPDX-License-Identifier: GPL-2.0 */
#include "lbtool/reading.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/prog.h"
#include "lib/rxmaps.h"

const struct reasons reasons_lb = {"why", 1, lb_why_count, lb_why_name, lb_why_text};
const struct reasons reasons_rx = {"rx", 0, lb_rx_why_count, lb_rx_why_name, lb_rx_why_text};

static int no_memory(struct tool *t)
{
	return lb_fail(&t->err, "out of memory");
}

static int read_vips(struct tool *t, struct reading *r)
{
	const struct lb_model *m = &r->model;

	r->vip = calloc(m->vips + 1, sizeof(*r->vip));
	if (!r->vip)
		return no_memory(t);
	for (size_t i = 0; i < m->vips; i++)
		if (lb_maps_count(t->maps, LB_COUNT_VIP, m->vip[i].id, &r->vip[i], &t->err))
			return -1;
	return 0;
}

static int read_reals(struct tool *t, struct reading *r)
{
	const struct lb_model *m = &r->model;

	r->real = calloc(m->reals + 1, sizeof(*r->real));
	if (!r->real)
		return no_memory(t);
	for (size_t i = 0; i < m->reals; i++)
		if (lb_maps_count(t->maps, LB_COUNT_REAL, m->real[i].id, &r->real[i], &t->err))
			return -1;
	return 0;
}

static int read_whys(struct tool *t, struct reading *r)
{
	r->why = calloc(lb_why_count(), sizeof(*r->why));
	if (!r->why)
		return no_memory(t);
	for (uint32_t i = 1; i < lb_why_count(); i++)
		if (lb_maps_count(t->maps, LB_COUNT_WHY, i, &r->why[i], &t->err))
			return -1;
	return 0;
}

static int read_slots(struct tool *t, struct reading *r)
{
	const struct lb_model *m = &r->model;
	size_t n;

	r->slots = calloc(m->reals + 1, sizeof(*r->slots));
	if (!r->slots)
		return no_memory(t);
	for (size_t i = 0; i < m->reals; i += n) {
		const char *pool = m->real[i].pool;

		lb_model_pool_reals(m, pool, &n);
		if (lb_maps_shares(t->maps, m, pool, r->slots + i, n, &t->err))
			return -1;
	}
	return 0;
}

static int read_rx(struct tool *t, struct reading *r)
{
	struct lb_rx *rx;
	int bad = 0;

	r->rx = calloc(lb_rx_why_count(), sizeof(*r->rx));
	if (!r->rx)
		return no_memory(t);
	if (lb_rx_open(t->instance, &rx, &t->err))
		return -1;
	for (uint32_t i = 0; !bad && i < lb_rx_why_count(); i++)
		bad = lb_rx_count(rx, i, &r->rx[i], &t->err);
	lb_rx_close(rx);
	return bad;
}

int reading_take(struct tool *t, unsigned int what, struct reading *r)
{
	struct timespec now;

	*r = (struct reading){0};
	lb_model_init(&r->model);
	clock_gettime(CLOCK_MONOTONIC, &now);
	r->at = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (what & READ_LB) {
		if (tool_maps(t) || lb_maps_read(t->maps, &r->model, &t->err))
			return -1;
		lb_maps_info(t->maps, &r->info);
	}
	if (((what & READ_VIP) && read_vips(t, r)) || ((what & READ_REAL) && read_reals(t, r)) ||
	    ((what & READ_WHY) && read_whys(t, r)) || ((what & READ_SLOTS) && read_slots(t, r)) ||
	    ((what & READ_RX) && read_rx(t, r)))
		return -1;
	return 0;
}

void reading_free(struct reading *r)
{
	lb_model_free(&r->model);
	free(r->vip);
	free(r->real);
	free(r->slots);
	free(r->why);
	free(r->rx);
	*r = (struct reading){0};
}

static bool loaded(const struct tool *t, const char *prog)
{
	struct lb_err ignored;
	int fd = lb_prog_open(t->instance, prog, &ignored);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

unsigned int reading_there(const struct tool *t, unsigned int what)
{
	if (!loaded(t, "rx"))
		return what & ~READ_RX;
	return loaded(t, "lb") ? what : what & READ_RX;
}
