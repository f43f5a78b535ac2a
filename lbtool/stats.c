/* SPDX-License-Identifier: GPL-2.0 */
#include <string.h>
#include <time.h>

#include "lbtool/cmd.h"
#include "lbtool/export.h"
#include "lbtool/reading.h"
#include "lbtool/show.h"
#include "lib/parse.h"

#define RATE_MIN_MS 10u
#define RATE_MAX_MS 3600000u

/* What `stats show` is asked for. */
struct want {
	unsigned int what;
	struct select sel;
	const char *why; /* the name of one reason, or NULL */
	uint32_t rate_ms; /* 0: not rates, but the counters */
};

/* What there is to show; `before` is empty without rates. */
struct span {
	struct reading before, now;
	double seconds; /* between them; 0: no rates */
};

static int parse_why(struct lb_args *a, struct want *w, const struct reasons *r, struct lb_err *err)
{
	w->why = lb_args_peek(a);
	if (!w->why)
		return 0;
	a->at++;
	for (uint32_t i = r->first; i < r->count(); i++)
		if (!strcmp(w->why, r->name(i)))
			return lb_args_end(a, err);
	return lb_bad_word(err, w->why, "no reason is called so: \"-d stats show\" lists them");
}

static int parse_what(struct lb_args *a, struct want *w, struct lb_err *err)
{
	static const char *const words[] = {"vip", "real", "why", "rx", "rate", NULL};
	const char *word = lb_args_peek(a);
	int which, bad;

	w->what = READ_VIP | READ_REAL | READ_WHY | READ_RX;
	if (!word)
		return 0;
	if (parse_choice(word, words, &which, err))
		return -1;
	a->at++;
	if (which == 0) {
		w->what = READ_VIP;
		bad = select_vip_parse(&w->sel, a, err);
	} else if (which == 1) {
		w->what = READ_REAL;
		bad = select_real_parse(&w->sel, a, err);
	} else {
		w->what = which == 2 ? READ_WHY : READ_RX;
		bad = parse_why(a, w, which == 2 ? &reasons_lb : &reasons_rx, err);
	}
	return bad ? lb_args_label(err, word) : 0;
}

static int parse_rate(struct lb_args *a, uint32_t *ms, struct lb_err *err)
{
	static const struct lb_key keys[] = {{"rate", "TIME", false}, {NULL, NULL, false}};
	uint32_t seen = 0;
	const char *word;
	int key;

	while ((key = lb_args_pair(a, keys, &seen, &word, err)) >= 0)
		if (parse_time(word, RATE_MIN_MS, RATE_MAX_MS, ms, err))
			return lb_args_label(err, keys[key].word);
	return key == LB_ARGS_END ? 0 : -1;
}

/* "rate" ends the selection, where it is not the name of a pool. */
static int parse(struct lb_args *a, struct want *w, struct lb_err *err)
{
	struct lb_args head = *a;

	*w = (struct want){0};
	for (head.n = a->at; head.n < a->n; head.n++)
		if (!strcmp(a->word[head.n], "rate") && strcmp(a->word[head.n - 1], "pool") != 0)
			break;
	if (parse_what(&head, w, err))
		return -1;
	a->at = head.n;
	return parse_rate(a, &w->rate_ms, err);
}

static void show_numbers(struct tool *t, const struct span *s, const struct lb_counts *was,
			 const struct lb_counts *is, bool cached)
{
	struct rate r = rate_of(was, is, s->seconds);

	if (s->seconds > 0) {
		lb_out_real(t->out, "packets_per_s", r.packets, 3);
		lb_out_real(t->out, "bytes_per_s", r.bytes, 3);
	} else {
		show_counts(t, is);
	}
	if (cached && s->seconds > 0) {
		lb_out_real(t->out, "hits_per_s", r.hits, 3);
		lb_out_real(t->out, "misses_per_s", r.misses, 3);
	} else if (cached) {
		lb_out_u64(t->out, "hits", is->hits);
		lb_out_u64(t->out, "misses", is->misses);
	}
}

static void show_vips(struct tool *t, const struct span *s, const struct select *sel)
{
	const struct lb_model *m = &s->now.model;
	char name[LB_SERVICE_STRLEN];

	for (size_t i = 0; i < m->vips; i++) {
		const struct lb_m_vip *v = &m->vip[i];

		if (!select_vip(sel, v))
			continue;
		format_service(&v->svc, name);
		lb_out_begin(t->out);
		lb_out_str(t->out, "vip", name, LB_ADDRESS);
		show_numbers(t, s, reading_vip(&s->before, v), &s->now.vip[i],
			     v->session && s->now.info.sessions);
		lb_out_end(t->out);
	}
}

static void show_reals(struct tool *t, const struct span *s, const struct select *sel)
{
	const struct lb_model *m = &s->now.model;
	char addr[LB_ADDR_STRLEN];

	for (size_t i = 0; i < m->reals; i++) {
		const struct lb_m_real *r = &m->real[i];

		if (!select_real(sel, r))
			continue;
		format_addr(&r->addr, addr);
		lb_out_begin(t->out);
		lb_out_str(t->out, "real", addr, LB_ADDRESS);
		lb_out_str(t->out, "pool", r->pool, LB_NAME);
		show_numbers(t, s, reading_real(&s->before, r), &s->now.real[i], false);
		lb_out_end(t->out);
	}
}

static void show_why(struct tool *t, const struct span *s, const struct reasons *r, uint32_t why,
		     const struct lb_counts *was, const struct lb_counts *is)
{
	bool drop = !strncmp(r->name(why), "drop", 4);

	lb_out_begin(t->out);
	lb_out_str(t->out, r->word, r->name(why), drop && is->packets ? LB_WARN : LB_NAME);
	show_numbers(t, s, was, is, false);
	if (t->details) {
		lb_out_more(t->out);
		lb_out_name(t->out, "text", r->text(why), LB_PLAIN);
	}
	lb_out_end(t->out);
}

/* What did not happen, ever or between the readings, is shown when it is asked for: by its name, or all with -details. */
static void show_whys(struct tool *t, const struct span *s, const struct want *w,
		      const struct reasons *r, const struct lb_counts *before,
		      const struct lb_counts *now)
{
	static const struct lb_counts never;

	for (uint32_t i = r->first; i < r->count(); i++) {
		const struct lb_counts *was = before ? &before[i] : &never;

		if (w->why ? !strcmp(w->why, r->name(i))
			   : t->details || now[i].packets != was->packets)
			show_why(t, s, r, i, was, &now[i]);
	}
}

/* What was asked for by name is there. */
static int check_there(const struct want *w, const struct lb_model *m, struct lb_err *err)
{
	for (size_t i = 0; i < m->vips && w->what & READ_VIP; i++)
		if (select_vip(&w->sel, &m->vip[i]))
			return 0;
	for (size_t i = 0; i < m->reals && w->what & READ_REAL; i++)
		if (select_real(&w->sel, &m->real[i]))
			return 0;
	return select_none(&w->sel, m, err);
}

static int read_span(struct tool *t, const struct want *w, unsigned int what, struct span *s)
{
	struct timespec pause = {w->rate_ms / 1000, (long)(w->rate_ms % 1000) * 1000000};

	if (reading_take(t, what, &s->now) || check_there(w, &s->now.model, &t->err))
		return -1;
	if (!w->rate_ms)
		return 0;
	s->before = s->now;
	nanosleep(&pause, NULL);
	if (reading_take(t, what, &s->now))
		return -1;
	s->seconds = reading_seconds(&s->before, &s->now);
	return 0;
}

/* Asked for all: what there is, balancer or receiver. */
static int stats_show(struct tool *t, struct lb_args *a)
{
	struct span s = {0};
	unsigned int what;
	struct want w;
	int ret = -1;

	if (parse(a, &w, &t->err) || tool_enter(t) || tool_out(t))
		return -1;
	what = w.what & READ_LB && w.what & READ_RX ? reading_there(t, w.what) : w.what;
	if (read_span(t, &w, what, &s))
		goto out;
	if (what & READ_VIP)
		show_vips(t, &s, &w.sel);
	if (what & READ_REAL)
		show_reals(t, &s, &w.sel);
	if (what & READ_WHY)
		show_whys(t, &s, &w, &reasons_lb, s.before.why, s.now.why);
	if (what & READ_RX)
		show_whys(t, &s, &w, &reasons_rx, s.before.rx, s.now.rx);
	ret = 0;
out:
	reading_free(&s.before);
	reading_free(&s.now);
	return ret;
}

static const struct cmd stats_cmds[] = {
	{"show", stats_show,
	 "show [ vip [ ADDRESS[:PORT/PROTO] ] [ pool NAME ] |\n"
	 "                           real [ ADDRESS ] [ pool NAME ] [ state STATE ] |\n"
	 "                           why [ REASON ] | rx [ REASON ] ] [ rate TIME ]"},
	{"export", stats_export, "export [ to FILE ]"},
	{NULL, NULL, NULL},
};

const struct object stats_object = {
	"stats",
	"counters of services, reals and reasons",
	stats_cmds,
	"why: what became of each packet that came to an attached device; rx: to a receiving one\n"
	"Reasons that never happened are hidden without -details. lb(7) explains each.\n"
	"rate: reads twice, TIME apart (10ms-1h), and shows what came a second\n"
	"export: all of it for Prometheus, as text; to FILE: in its place, in one step\n",
};
