/* SPDX-License-Identifier: GPL-2.0 */
/* options.h - the options before the object. */
#ifndef LBTOOL_OPTIONS_H
#define LBTOOL_OPTIONS_H

#include "lbtool/tool.h"
#include "lib/args.h"

enum { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION };

/* Takes the options off the words and sets *t. Returns one of the above, or -1 with t->err. */
int options_parse(struct tool *t, struct lb_args *a);

/* A command failed: says so when one of its words, from a->word[from] on, looks like an option. */
void options_late(const struct lb_args *a, size_t from, struct lb_err *err);

/* For completion. The option's value: n, i or b as the option, 0 when it is none or takes none. */
char options_value(const char *word);
/* Each option once, spelled out, with its dash. */
void options_each(void (*each)(void *arg, const char *word), void *arg);

#endif
