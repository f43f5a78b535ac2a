/* SPDX-License-Identifier: GPL-2.0 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lbtool/cmd.h"
#include "lbtool/show.h"
#include "lib/parse.h"
#include "lib/prog.h"
#include "lib/rxmaps.h"

enum { WHAT_VIP = 1, WHAT_REAL = 2, WHAT_WHY = 4, WHAT_LB = 7, WHAT_RX = 8, WHAT_ALL = 15 };

/* What `stats show` is asked for. */
struct want {
	unsigned int what;
	struct select sel;
	const char *why; /* the name of one reason, or NULL */
};

static int parse_why(struct lb_args *a, struct want *w, uint32_t n, const char *(*name)(uint32_t),
		     uint32_t first, struct lb_err *err)
{
	w->why = lb_args_peek(a);
	if (!w->why)
		return 0;
	a->at++;
	for (uint32_t i = first; i < n; i++)
		if (!strcmp(w->why, name(i)))
			return lb_args_end(a, err);
	return lb_bad_word(err, w->why, "no reason is called so: \"-d stats show\" lists them");
}

static int parse(struct lb_args *a, struct want *w, struct lb_err *err)
{
	static const char *const words[] = {"vip", "real", "why", "rx", NULL};
	const char *word = lb_args_peek(a);
	int which, bad;

	*w = (struct want){.what = WHAT_ALL};
	if (!word)
		return 0;
	if (parse_choice(word, words, &which, err))
		return -1;
	a->at++;
	w->what = 1u << which;
	if (w->what == WHAT_VIP)
		bad = select_vip_parse(&w->sel, a, err);
	else if (w->what == WHAT_REAL)
		bad = select_real_parse(&w->sel, a, err);
	else if (w->what == WHAT_WHY)
		bad = parse_why(a, w, lb_why_count(), lb_why_name, 1, err);
	else
		bad = parse_why(a, w, lb_rx_why_count(), lb_rx_why_name, 0, err);
	return bad ? lb_args_label(err, word) : 0;
}

static int show_vips(struct tool *t, const struct lb_model *m, const struct select *sel)
{
	char name[LB_SERVICE_STRLEN];
	struct lb_counts count;
	size_t found = 0;

	for (size_t i = 0; i < m->vips; i++) {
		const struct lb_m_vip *v = &m->vip[i];

		if (!select_vip(sel, v))
			continue;
		if (lb_maps_count(t->maps, LB_COUNT_VIP, v->id, &count, &t->err))
			return -1;
		format_service(&v->svc, name);
		lb_out_begin(t->out);
		lb_out_str(t->out, "vip", name, LB_ADDRESS);
		show_counts(t, &count);
		lb_out_end(t->out);
		found++;
	}
	return found ? 0 : select_none(sel, m, &t->err);
}

static int show_reals(struct tool *t, const struct lb_model *m, const struct select *sel)
{
	char addr[LB_ADDR_STRLEN];
	struct lb_counts count;
	size_t found = 0;

	for (size_t i = 0; i < m->reals; i++) {
		const struct lb_m_real *r = &m->real[i];

		if (!select_real(sel, r))
			continue;
		if (lb_maps_count(t->maps, LB_COUNT_REAL, r->id, &count, &t->err))
			return -1;
		format_addr(&r->addr, addr);
		lb_out_begin(t->out);
		lb_out_str(t->out, "real", addr, LB_ADDRESS);
		lb_out_str(t->out, "pool", r->pool, LB_NAME);
		show_counts(t, &count);
		lb_out_end(t->out);
		found++;
	}
	return found ? 0 : select_none(sel, m, &t->err);
}

static void show_reason(struct tool *t, const char *key, const char *name, const char *text,
			const struct lb_counts *count)
{
	bool drop = !strncmp(name, "drop", 4);

	lb_out_begin(t->out);
	lb_out_str(t->out, key, name, drop && count->packets ? LB_WARN : LB_NAME);
	show_counts(t, count);
	if (t->details) {
		lb_out_more(t->out);
		lb_out_name(t->out, "text", text, LB_PLAIN);
	}
	lb_out_end(t->out);
}

/* A reason that never happened is shown when it is asked for: by its name, or all with -details. */
static bool wanted(const struct tool *t, const struct want *w, const char *name,
		   const struct lb_counts *count)
{
	return w->why ? !strcmp(w->why, name) : count->packets || t->details;
}

static int show_whys(struct tool *t, const struct want *w)
{
	struct lb_counts count;

	for (uint32_t i = 1; i < lb_why_count(); i++) {
		if (lb_maps_count(t->maps, LB_COUNT_WHY, i, &count, &t->err))
			return -1;
		if (wanted(t, w, lb_why_name(i), &count))
			show_reason(t, "why", lb_why_name(i), lb_why_text(i), &count);
	}
	return 0;
}

static int show_rx(struct tool *t, const struct want *w, const struct lb_rx *rx)
{
	struct lb_counts count;

	for (uint32_t i = 0; i < lb_rx_why_count(); i++) {
		if (lb_rx_count(rx, i, &count, &t->err))
			return -1;
		if (wanted(t, w, lb_rx_why_name(i), &count))
			show_reason(t, "rx", lb_rx_why_name(i), lb_rx_why_text(i), &count);
	}
	return 0;
}

static int show_lb(struct tool *t, const struct want *w)
{
	struct lb_model m;
	int ret = -1;

	if (show_open(t, &m))
		goto out;
	if (((w->what & WHAT_VIP) && show_vips(t, &m, &w->sel)) ||
	    ((w->what & WHAT_REAL) && show_reals(t, &m, &w->sel)) ||
	    ((w->what & WHAT_WHY) && show_whys(t, w)))
		goto out;
	ret = 0;
out:
	lb_model_free(&m);
	return ret;
}

static bool loaded(const struct tool *t, const char *name)
{
	struct lb_err ignored;
	int fd = lb_prog_open(t->instance, name, &ignored);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Asked for all: what there is, balancer or receiver. */
static int stats_show(struct tool *t, struct lb_args *a)
{
	struct lb_rx *rx = NULL;
	struct want w;
	int ret = -1;

	if (parse(a, &w, &t->err) || tool_enter(t) || tool_out(t))
		return -1;
	if (w.what == WHAT_ALL && !loaded(t, "rx"))
		w.what = WHAT_LB;
	else if (w.what == WHAT_ALL && !loaded(t, "lb"))
		w.what = WHAT_RX;
	if ((w.what & WHAT_LB) && show_lb(t, &w))
		return -1;
	if (!(w.what & WHAT_RX))
		return 0;
	if (lb_rx_open(t->instance, &rx, &t->err))
		return -1;
	ret = show_rx(t, &w, rx);
	lb_rx_close(rx);
	return ret;
}

static const struct cmd stats_cmds[] = {
	{"show", stats_show,
	 "show [ vip [ ADDRESS[:PORT/PROTO] ] [ pool NAME ] |\n"
	 "                           real [ ADDRESS ] [ pool NAME ] [ state STATE ] |\n"
	 "                           why [ REASON ] | rx [ REASON ] ]"},
	{NULL, NULL, NULL},
};

const struct object stats_object = {
	"stats",
	"counters of services, reals and reasons",
	stats_cmds,
	"why: what became of each packet that came to an attached device; rx: to a receiving one\n"
	"Reasons that never happened are hidden without -details. lb(7) explains each.\n",
};
