/* SPDX-License-Identifier: GPL-2.0 */
#include "lbtool/top.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lbtool/cmd.h"
#include "lib/parse.h"

#define RATE_MIN_MS 100u
#define RATE_MAX_MS 60000u
#define RATE_MS 1000u
#define WIDTH 80u /* without a terminal */

struct top {
	struct top_view view;
	uint32_t rate_ms;
	struct reading before, now;
};

enum { KEY_RATE, KEY_SORT };

static int parse(struct lb_args *a, struct top *top, struct lb_err *err)
{
	static const struct lb_key keys[] = {
		[KEY_RATE] = {"rate", "TIME", false},
		[KEY_SORT] = {"sort", "KEY", false},
		{NULL, NULL, false},
	};
	uint32_t seen = 0;
	const char *word;
	int key, bad, sort = TOP_NAME;

	while ((key = lb_args_pair(a, keys, &seen, &word, err)) >= 0) {
		if (key == KEY_RATE)
			bad = parse_time(word, RATE_MIN_MS, RATE_MAX_MS, &top->rate_ms, err);
		else
			bad = parse_choice(word, top_sort_names, &sort, err);
		if (bad)
			return lb_args_label(err, keys[key].word);
	}
	top->view.sort = (enum top_sort)sort;
	return key == LB_ARGS_END ? 0 : -1;
}

/* Of an instance that was loaded anew in the meantime, that one. */
static int take(struct tool *t, struct top *top)
{
	if (!lb_maps_current(t->maps, t->instance)) {
		lb_maps_close(t->maps);
		t->maps = NULL;
	}
	reading_free(&top->before);
	top->before = top->now;
	if (reading_take(t, READ_LB, &top->now))
		return -1;
	top->view.drained = lb_maps_drained(t->maps);
	return 0;
}

static int print_once(struct tool *t, struct top *top)
{
	struct timespec pause = {top->rate_ms / 1000, (long)(top->rate_ms % 1000) * 1000000};
	struct top_screen s;

	nanosleep(&pause, NULL);
	top->view.cols = WIDTH;
	if (take(t, top))
		return -1;
	if (top_draw(&top->before, &top->now, &top->view, &s))
		return lb_fail(&t->err, "out of memory");
	for (size_t i = 0; i < s.n; i++)
		printf("%s\n", s.line[i].text);
	top_free(&s);
	return 0;
}

static int show(struct tool *t, struct top *top)
{
	struct top_screen s;
	int bad;

	top_term_size(&top->view.rows, &top->view.cols);
	if (top_draw(&top->before, &top->now, &top->view, &s))
		return lb_fail(&t->err, "out of memory");
	bad = top_term_show(&s, t->look.color, &t->err);
	top_free(&s);
	return bad;
}

/* False: to quit. */
static bool press(struct top_view *v, char key)
{
	static const char sorts[] = "npbsh";
	const char *sort = key ? strchr(sorts, key) : NULL;

	if (sort)
		v->sort = (enum top_sort)(sort - sorts);
	else if (key == 'j')
		v->skip++;
	else if (key == 'k' && v->skip)
		v->skip--;
	return key != 'q';
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The first picture comes soon, with the rates of a short time. */
static int live(struct tool *t, struct top *top)
{
	uint64_t next = now_ms() + RATE_MIN_MS, now;
	char key = 0;

	for (;;) {
		now = now_ms();
		switch (top_term_wait(next > now ? (int)(next - now) : 0, &key)) {
		case TOP_END:
			return 0;
		case TOP_KEY:
			if (!press(&top->view, key))
				return 0;
			break;
		case TOP_TICK:
			next = now_ms() + top->rate_ms;
			if (take(t, top))
				return -1;
			break;
		case TOP_REDRAW:
			break;
		}
		if (top->before.at && show(t, top))
			return -1;
	}
}

static int run(struct tool *t, struct top *top)
{
	int ret;

	if (!top_term_usable())
		return print_once(t, top);
	if (top_term_open(&t->err))
		return -1;
	ret = live(t, top);
	top_term_close();
	return ret;
}

static int top(struct tool *t, struct lb_args *a)
{
	struct top top = {.view.instance = t->instance, .rate_ms = RATE_MS};
	int ret = -1;

	if (parse(a, &top, &t->err))
		return -1;
	if (t->look.json)
		return lb_usage(&t->err,
				"\"-json\": \"-json stats show rate 1s\" tells the numbers");
	if (!tool_enter(t) && !reading_take(t, READ_LB, &top.now)) {
		top.view.drained = lb_maps_drained(t->maps);
		ret = run(t, &top);
	}
	reading_free(&top.before);
	reading_free(&top.now);
	return ret;
}

static const struct cmd top_cmds[] = {
	{"", top, "[ rate TIME ] [ sort KEY ]"},
	{NULL, NULL, NULL},
};

const struct object top_object = {
	"top",
	"the live picture in a terminal",
	top_cmds,
	"rate: a new picture each TIME, 100ms-1m (default 1s)\n"
	"KEY := { name | packets | bytes | share | health } (default name)\n"
	"q quits; n, p, b, s, h sort by name, packets, bytes, share, health; j, k and arrows "
	"scroll\n"
	"Without a terminal it prints one picture.\n",
};
