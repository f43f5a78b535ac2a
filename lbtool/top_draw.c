/* SPDX-License-Identifier: GPL-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/top.h"

#define BAR 10

const char *const top_sort_names[] = {"name", "packets", "bytes", "share", "health", NULL};

/* A line of one list: number i of the model, or a reason. */
struct row {
	size_t i;
	struct rate r;
	double share; /* of its pool's table; VIPs: of all packets */
	int sick; /* worst first */
};

struct list {
	struct row *row;
	size_t n, shown;
};

struct picture {
	const struct reading *before, *now;
	struct top_view *v;
	struct top_screen *s;
	double seconds;
	struct list vip, real, drop;
};

void top_number(double value, char buf[16])
{
	static const char units[] = " kMGTPE";
	int u = 0;

	while (value >= 999.5 && units[u + 1]) {
		value /= 1000;
		u++;
	}
	if (!u)
		snprintf(buf, 16, "%.0f", value);
	else
		snprintf(buf, 16, value < 99.95 ? "%.1f%c" : "%.0f%c", value, units[u]);
}

static void __attribute__((format(printf, 3, 4)))
line(struct picture *p, enum top_style style, const char *fmt, ...)
{
	struct top_line *l = &p->s->line[p->s->n];
	unsigned int cols = p->v->cols;
	va_list ap;

	if (p->v->rows && p->s->n >= p->v->rows)
		return;
	va_start(ap, fmt);
	vsnprintf(l->text, cols + 1, fmt, ap);
	va_end(ap);
	l->style = style;
	p->s->n++;
}

/* Cut to the width; a cut name says so. */
static const char *cut(const char *name, int width, char *buf)
{
	size_t len = strnlen(name, (size_t)width + 1);

	if (len > (size_t)width)
		len = (size_t)width;
	memcpy(buf, name, len);
	buf[len] = '\0';
	if (name[len])
		buf[width - 1] = '~';
	return buf;
}

static int by_name(const struct row *a, const struct row *b)
{
	return a->i < b->i ? -1 : a->i > b->i;
}

static int compare(const void *one, const void *other, void *sort)
{
	const struct row *a = one, *b = other;
	double x = 0, y = 0;

	switch (*(const enum top_sort *)sort) {
	case TOP_NAME:
		break;
	case TOP_PACKETS:
		x = a->r.packets, y = b->r.packets;
		break;
	case TOP_BYTES:
		x = a->r.bytes, y = b->r.bytes;
		break;
	case TOP_SHARE:
		x = a->share, y = b->share;
		break;
	case TOP_HEALTH:
		x = a->sick, y = b->sick;
		break;
	}
	return x > y ? -1 : x < y ? 1 : by_name(a, b);
}

static int make_vips(struct picture *p)
{
	const struct reading *now = p->now;
	double sum = 0;

	p->vip.row = calloc(now->model.vips + 1, sizeof(*p->vip.row));
	if (!p->vip.row)
		return -1;
	for (size_t i = 0; i < now->model.vips; i++) {
		struct row *row = &p->vip.row[p->vip.n++];

		row->i = i;
		row->r = rate_of(reading_vip(p->before, &now->model.vip[i]), &now->vip[i],
				 p->seconds);
		sum += row->r.packets;
	}
	for (size_t i = 0; i < p->vip.n && sum > 0; i++)
		p->vip.row[i].share = p->vip.row[i].r.packets / sum;
	return 0;
}

static int make_reals(struct picture *p)
{
	const struct lb_model *m = &p->now->model;
	size_t n;

	p->real.row = calloc(m->reals + 1, sizeof(*p->real.row));
	if (!p->real.row)
		return -1;
	for (size_t first = 0; first < m->reals; first += n) {
		uint64_t slots = 0;

		lb_model_pool_reals(m, m->real[first].pool, &n);
		for (size_t i = first; i < first + n; i++)
			slots += p->now->slots[i];
		for (size_t i = first; i < first + n; i++) {
			struct row *row = &p->real.row[p->real.n++];

			row->i = i;
			row->r = rate_of(reading_real(p->before, &m->real[i]), &p->now->real[i],
					 p->seconds);
			row->share = slots ? (double)p->now->slots[i] / (double)slots : 0;
			row->sick = m->real[i].health == LB_M_SICK ? 2
								   : m->real[i].state != LB_M_UP;
		}
	}
	return 0;
}

static bool is_drop(uint32_t why)
{
	return !strncmp(reasons_lb.name(why), "drop", 4);
}

/* Those that ever happened. */
static int make_drops(struct picture *p)
{
	p->drop.row = calloc(reasons_lb.count(), sizeof(*p->drop.row));
	if (!p->drop.row)
		return -1;
	for (uint32_t i = reasons_lb.first; i < reasons_lb.count(); i++) {
		struct row *row = &p->drop.row[p->drop.n];

		if (!is_drop(i) || !p->now->why[i].packets)
			continue;
		row->i = i;
		row->r = rate_of(&p->before->why[i], &p->now->why[i], p->seconds);
		p->drop.n++;
	}
	return 0;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Who gets how many lines: a quarter for drops, of the rest a third for VIPs; what one does not need the others get. */
static void divide(struct picture *p, size_t room)
{
	p->drop.shown = least(p->drop.n, room / 4);
	room -= p->drop.shown;
	p->vip.shown = least(p->vip.n, room / 3);
	p->real.shown = least(p->real.n, room - p->vip.shown);
	room -= p->real.shown;
	p->vip.shown = least(p->vip.n, room);
	room -= p->vip.shown;
	p->drop.shown += least(p->drop.n - p->drop.shown, room);
}

/* The heading of a list, with what is seen of it unless that is all. */
static const char *title(const char *what, const struct list *l, size_t skip, char buf[64])
{
	if (l->shown < l->n)
		snprintf(buf, 64, "%s %zu-%zu of %zu", what, skip + 1, skip + l->shown, l->n);
	else
		snprintf(buf, 64, "%s", what);
	return buf;
}

static size_t skip_of(const struct picture *p, const struct list *l)
{
	return least(p->v->skip, l->n - l->shown);
}

static void draw_vips(struct picture *p, int width)
{
	size_t skip = skip_of(p, &p->vip);
	char head[64];

	line(p, TOP_HEAD, "%-*s pool       packets/s     bit/s   hits", width + 7,
	     title("VIP", &p->vip, skip, head));
	for (size_t k = skip; k < skip + p->vip.shown; k++) {
		const struct row *row = &p->vip.row[k];
		const struct lb_m_vip *v = &p->now->model.vip[row->i];
		double asked = row->r.hits + row->r.misses;
		char svc[LB_SERVICE_STRLEN], name[TOP_COLS_MAX + 1], pool[16], pps[16], bps[16];
		char hits[16] = "-";

		format_service(&v->svc, svc);
		top_number(row->r.packets, pps);
		top_number(8 * row->r.bytes, bps);
		if (asked > 0)
			snprintf(hits, sizeof(hits), "%.1f%%", 100 * row->r.hits / asked);
		line(p, TOP_PLAIN, "%-*s %-10s %9s %9s %6s", width + 7, cut(svc, width + 7, name),
		     cut(v->pool, 10, pool), pps, bps, hits);
	}
}

static void draw_bar(double share, char bar[BAR + 3])
{
	int full = (int)(share * BAR + 0.5);

	bar[0] = '[';
	for (int i = 0; i < BAR; i++)
		bar[i + 1] = i < full ? '#' : '.';
	bar[BAR + 1] = ']';
	bar[BAR + 2] = '\0';
}

static void draw_reals(struct picture *p, int width)
{
	size_t skip = skip_of(p, &p->real);
	char head[64];

	line(p, TOP_HEAD, "%-*s pool       state health  share               packets/s", width,
	     title("REAL", &p->real, skip, head));
	for (size_t k = skip; k < skip + p->real.shown; k++) {
		const struct row *row = &p->real.row[k];
		const struct lb_m_real *r = &p->now->model.real[row->i];
		char addr[LB_ADDR_STRLEN], name[TOP_COLS_MAX + 1], pool[16], pps[16], bar[BAR + 3];

		format_addr(&r->addr, addr);
		top_number(row->r.packets, pps);
		draw_bar(row->share, bar);
		line(p,
		     row->sick == 2 ? TOP_BAD
		     : row->sick    ? TOP_WARN
				    : TOP_PLAIN,
		     "%-*s %-10s %-5s %-7s %s %5.1f%% %9s", width, cut(addr, width, name),
		     cut(r->pool, 10, pool), lb_state_names[r->state], lb_health_names[r->health],
		     bar, 100 * row->share, pps);
	}
}

static void draw_drops(struct picture *p, int width)
{
	size_t skip = skip_of(p, &p->drop);
	char head[64];

	line(p, TOP_HEAD, "%-*s            packets/s     total", width + 7,
	     title("DROPPED", &p->drop, skip, head));
	for (size_t k = skip; k < skip + p->drop.shown; k++) {
		const struct row *row = &p->drop.row[k];
		char pps[16], total[16];

		top_number(row->r.packets, pps);
		top_number((double)p->now->why[row->i].packets, total);
		line(p, row->r.packets > 0 ? TOP_WARN : TOP_PLAIN, "%-*s            %9s %9s",
		     width + 7, reasons_lb.name((uint32_t)row->i), pps, total);
	}
}

static void draw_sums(struct picture *p)
{
	struct rate to = {0}, drop = {0};
	char pps[16], bps[16], drops[16];

	for (size_t i = 0; i < p->real.n; i++) {
		to.packets += p->real.row[i].r.packets;
		to.bytes += p->real.row[i].r.bytes;
	}
	for (size_t i = 0; i < p->drop.n; i++)
		drop.packets += p->drop.row[i].r.packets;
	top_number(to.packets, pps);
	top_number(8 * to.bytes, bps);
	top_number(drop.packets, drops);
	line(p, TOP_PLAIN, "to reals %s packets/s %s bit/s, dropped %s/s  in %.1f s  lb %s %s", pps,
	     bps, drops, p->seconds, p->v->instance, p->v->drained ? "drained" : "ready");
}

static void draw_all(struct picture *p)
{
	struct top_view *v = p->v;
	size_t all = p->vip.n + p->real.n + p->drop.n, fixed = 5, most;
	int width = v->cols > 80 ? (int)least(v->cols - 80, 20) + 22 : 22;

	divide(p, v->rows ? (v->rows > fixed ? v->rows - fixed : 0) : all);
	most = p->vip.n - p->vip.shown;
	if (p->real.n - p->real.shown > most)
		most = p->real.n - p->real.shown;
	v->skip = least(v->skip, most);
	draw_sums(p);
	draw_vips(p, width);
	draw_reals(p, width);
	draw_drops(p, width);
	if (v->rows)
		line(p, TOP_HEAD,
		     "q quit  sort: n name p packets b bytes s share h health (%s)  j k: scroll",
		     top_sort_names[v->sort]);
}

int top_draw(const struct reading *before, const struct reading *now, struct top_view *v,
	     struct top_screen *s)
{
	struct picture p = {.before = before, .now = now, .v = v, .s = s};
	int ret = -1;

	*s = (struct top_screen){0};
	if (v->cols > TOP_COLS_MAX)
		v->cols = TOP_COLS_MAX;
	p.seconds = reading_seconds(before, now);
	if (make_vips(&p) || make_reals(&p) || make_drops(&p))
		goto out;
	s->line = calloc(p.vip.n + p.real.n + p.drop.n + 5, sizeof(*s->line));
	if (!s->line)
		goto out;
	qsort_r(p.vip.row, p.vip.n, sizeof(*p.vip.row), compare, &v->sort);
	qsort_r(p.real.row, p.real.n, sizeof(*p.real.row), compare, &v->sort);
	qsort_r(p.drop.row, p.drop.n, sizeof(*p.drop.row), compare, &v->sort);
	draw_all(&p);
	ret = 0;
out:
	free(p.vip.row);
	free(p.real.row);
	free(p.drop.row);
	return ret;
}

void top_free(struct top_screen *s)
{
	free(s->line);
	*s = (struct top_screen){0};
}
