/* SPDX-License-Identifier: GPL-2.0 */
/* top.h - the live picture: what to draw of two readings (top_draw.c, pure), and the terminal (top_term.c). */
#ifndef LBTOOL_TOP_H
#define LBTOOL_TOP_H

#include "lbtool/reading.h"

enum top_sort { TOP_NAME, TOP_PACKETS, TOP_BYTES, TOP_SHARE, TOP_HEALTH };
extern const char *const top_sort_names[]; /* ends with NULL */

enum top_style { TOP_PLAIN, TOP_HEAD, TOP_WARN, TOP_BAD };

#define TOP_COLS_MAX 255u
struct top_line {
	enum top_style style;
	char text[TOP_COLS_MAX + 1];
};

struct top_view {
	const char *instance;
	bool drained;
	enum top_sort sort;
	size_t skip; /* lines of each list above the first that is shown; too many are made fewer */
	unsigned int rows, cols; /* of the screen; rows 0: as many as there is to show */
};

struct top_screen {
	struct top_line *line; /* ends with top_free() */
	size_t n; /* no more than view.rows */
};

/* 0, or -1: memory is short. No line is longer than view.cols. */
int top_draw(const struct reading *before, const struct reading *now, struct top_view *v,
	     struct top_screen *s);
void top_free(struct top_screen *s);

/* A number in at most 5 characters: 999, 1.2k, 120k, 3.4M. */
void top_number(double value, char buf[16]);

/* The terminal of this process shows one screen at a time. Whoever opened it closes it; it is as before then. */
enum top_event { TOP_TICK, TOP_KEY, TOP_REDRAW, TOP_END };
bool top_term_usable(void); /* both ends are one, and it can place its cursor */
int top_term_open(struct lb_err *err);
/* When a signal ended it, the process ends by that here. */
void top_term_close(void);
void top_term_size(unsigned int *rows, unsigned int *cols);
int top_term_show(const struct top_screen *s, bool color, struct lb_err *err);
/* Waits up to that many milliseconds. *key: a letter, or 'j' and 'k' for the arrows. */
enum top_event top_term_wait(int ms, char *key);
#endif
