/* SPDX-License-Identifier: GPL-2.0 */
/*
 * typist.h - types the commands that lb_model_diff() makes into a model, as strict as lbtool: add wants
 * the object not there, replace and del want it there, and after each line lb_check() must hold.
 */
#ifndef TESTS_UNIT_TYPIST_H
#define TESTS_UNIT_TYPIST_H

#include "lib/check.h"
#include "lib/model.h"

extern const struct lb_limits no_limits;

struct typist {
	struct lb_model m;
	size_t lines;
	char text[16384]; /* all of them, a newline behind each */
};

/* Types what lb_model_diff() makes of the two, beginning with `from`. t->m is the caller's to free. */
void type_diff(struct typist *t, const struct lb_model *from, const struct lb_model *to);

/* The model that these lines make, up to NULL, of an empty one. The caller's to free. */
void type_lines(struct lb_model *m, const char *const *lines);

#endif
