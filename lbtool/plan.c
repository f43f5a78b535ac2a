/* SPDX-License-Identifier: GPL-2.0 */
/* What a change costs: behind the commands that would make it, as comments, so that the whole can be typed still. */
#include <string.h>

#include "lbtool/show.h"
#include "lib/plan.h"

static void show_plan(struct tool *t, const struct lb_plan *p)
{
	lb_out_u64(t->out, "slots", p->slots);
	lb_out_u64(t->out, "moved", p->moved);
	lb_out_real(t->out, "share", 100.0 * p->moved / p->slots, 3);
	lb_out_u64(t->out, "least", p->least);
	lb_out_u64(t->out, "session", p->session);
	lb_out_u64(t->out, "second_hop", p->second_hop);
	lb_out_u64(t->out, "lost", p->lost);
}

static void begin(struct tool *t)
{
	lb_out_begin(t->out);
	lb_out_note(t->out, "#", LB_PLAIN);
}

static int plan_pools(struct tool *t, const struct lb_model *from, const struct lb_model *to,
		      bool sessions)
{
	struct lb_plan plan;

	for (size_t i = 0; i < to->pools; i++) {
		const char *name = to->pool[i].name;
		int ret;

		if (!lb_model_pool(from, name))
			continue;
		ret = lb_plan(from, name, to, name, sessions, &plan, &t->err);
		if (ret < 0)
			return -1;
		if (!ret)
			continue;
		begin(t);
		lb_out_str(t->out, "pool", name, LB_NAME);
		show_plan(t, &plan);
		lb_out_end(t->out);
	}
	return 0;
}

/* VIPs that get another pool. Neighbours mostly have the same two: the last answer is kept. */
static int plan_vips(struct tool *t, const struct lb_model *from, const struct lb_model *to,
		     bool sessions)
{
	const struct lb_m_vip *last_was = NULL, *last_is = NULL;
	char svc[LB_SERVICE_STRLEN];
	struct lb_plan plan = {0};
	int ret = 0;

	for (size_t i = 0; i < to->vips; i++) {
		const struct lb_m_vip *is = &to->vip[i], *was = lb_model_vip(from, &is->svc);

		if (!was || !strcmp(was->pool, is->pool))
			continue;
		if (!last_is || strcmp(last_was->pool, was->pool) != 0 ||
		    strcmp(last_is->pool, is->pool) != 0)
			ret = lb_plan(from, was->pool, to, is->pool, sessions, &plan, &t->err);
		if (ret < 0)
			return -1;
		last_was = was;
		last_is = is;
		if (!ret)
			continue;
		begin(t);
		format_service(&is->svc, svc);
		lb_out_str(t->out, "vip", svc, LB_ADDRESS);
		show_plan(t, &plan);
		lb_out_end(t->out);
	}
	return 0;
}

int show_plans(struct tool *t, const struct lb_model *from, const struct lb_model *to)
{
	struct lb_info info;

	lb_maps_info(t->maps, &info);
	if (plan_pools(t, from, to, info.sessions > 0))
		return -1;
	return plan_vips(t, from, to, info.sessions > 0);
}
