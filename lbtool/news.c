/* SPDX-License-Identifier: GPL-2.0 */
/* The configuration and health: looked at a few times a second, as lbmon does, since maps tell of no change. */
#include "lbtool/news.h"

#include <unistd.h>

#include "lbtool/stream.h"
#include "lib/parse.h"

#define LOOK_MS 250

struct news {
	struct tool *t;
	struct lb_model model; /* as it was */
	uint32_t commits;
	bool drained;
	struct news_net *net;
};

void news_begin(struct tool *t, const char *event)
{
	lb_out_begin(t->out);
	stream_time(t, stream_now());
	lb_out_name(t->out, "event", event, LB_PLAIN);
}

static void show_change(void *arg, const char *text)
{
	struct tool *t = arg;

	news_begin(t, "config");
	lb_out_name(t->out, "change", text, LB_PLAIN);
	lb_out_end(t->out);
}

static void show_health(struct tool *t, const struct lb_m_real *r, enum lb_m_health was)
{
	static const enum lb_color colors[] = {
		[LB_M_UNKNOWN] = LB_PLAIN, [LB_M_HEALTHY] = LB_GOOD, [LB_M_SICK] = LB_BAD};
	char addr[LB_ADDR_STRLEN];

	format_addr(&r->addr, addr);
	news_begin(t, "real");
	lb_out_name(t->out, "real", addr, LB_ADDRESS);
	lb_out_str(t->out, "pool", r->pool, LB_NAME);
	lb_out_str(t->out, "health", lb_health_names[r->health], colors[r->health]);
	lb_out_str(t->out, "was", lb_health_names[was], LB_PLAIN);
	if (*r->why)
		lb_out_str(t->out, "why", r->why, LB_PLAIN);
	lb_out_end(t->out);
}

static void look_at_health(struct news *n)
{
	for (size_t i = 0; i < n->model.reals; i++) {
		struct lb_m_real *r = &n->model.real[i];
		enum lb_m_health was = r->health;

		lb_maps_health_get(n->t->maps, r);
		if (r->health != was)
			show_health(n->t, r, was);
	}
}

/* What a commit did, and only then whether a real's health is another one: for reals that stayed. */
static int look_at_config(struct news *n)
{
	struct tool *t = n->t;
	struct lb_info info;
	struct lb_model now;
	bool drained = lb_maps_drained(t->maps);

	if (drained != n->drained)
		show_change(t, drained ? "node drain" : "node ready");
	n->drained = drained;
	lb_maps_info(t->maps, &info);
	if (info.commits == n->commits)
		return 0;
	lb_model_init(&now);
	if (lb_maps_read(t->maps, &now, &t->err)) {
		lb_model_free(&now);
		return -1;
	}
	lb_model_diff(&n->model, &now, show_change, t);
	for (size_t i = 0; i < now.reals; i++) {
		struct lb_m_real *r = &now.real[i],
				 *was = lb_model_real(&n->model, r->pool, &r->addr);

		if (was && was->health != r->health)
			show_health(t, r, was->health);
	}
	lb_model_free(&n->model);
	n->model = now;
	n->commits = info.commits;
	return 1;
}

static int look(struct news *n, unsigned int told)
{
	struct tool *t = n->t;
	int changed;

	if (!lb_maps_current(t->maps, t->instance))
		return lb_fail(&t->err, "instance \"%s\" was unloaded", t->instance);
	changed = look_at_config(n);
	if (changed < 0)
		return -1;
	look_at_health(n);
	return news_net_look(n->net, &n->model, changed ? ~0u : told);
}

static int run(struct news *n, int fd)
{
	int ret;

	while (stream_wait(-1, LOOK_MS) >= 0) {
		if (look(n, lb_nl_news_read(fd)))
			return -1;
		ret = stream_flush(n->t);
		if (ret)
			return ret < 0 ? -1 : 0;
	}
	return 0;
}

/* Told before looked at: what changes in between is looked at twice. */
int news(struct tool *t, struct lb_args *a)
{
	struct news n = {.t = t};
	struct lb_info info;
	int fd = -1, ret = -1;

	lb_model_init(&n.model);
	if (lb_args_end(a, &t->err) || tool_nl(t) || tool_maps(t) || stream_open(t))
		goto out;
	fd = lb_nl_news_open(&t->err);
	if (fd < 0)
		goto out;
	lb_maps_info(t->maps, &info);
	n.commits = info.commits;
	n.drained = lb_maps_drained(t->maps);
	if (lb_maps_read(t->maps, &n.model, &t->err))
		goto out;
	n.net = news_net_open(t, &n.model);
	if (n.net)
		ret = run(&n, fd);
out:
	news_net_close(n.net);
	if (fd >= 0)
		close(fd);
	lb_model_free(&n.model);
	return ret;
}
