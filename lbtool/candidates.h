/* SPDX-License-Identifier: GPL-2.0 */
/* candidates.h - words that a shell may complete to; those that do not begin with what is there already are left out. */
#ifndef LBTOOL_CANDIDATES_H
#define LBTOOL_CANDIDATES_H

#include <stdio.h>

#include "lbtool/tool.h"

struct candidates {
	struct tool tool; /* its options say which instance, which namespace */
	const char *begin; /* borrowed */
	char **line;
	size_t n, room;
	bool full; /* no memory */
};

void candidates_init(struct candidates *c, const char *begin);
void candidates_free(struct candidates *c);
/* brief: what it is, or NULL. */
void candidates_add(struct candidates *c, const char *word, size_t len, const char *brief);
/* A value is expected; its name in the grammar. */
void candidates_expect(struct candidates *c, const char *name, size_t len);

/* What the instance, and the network namespace, have; nothing where they cannot be read. */
void candidates_pools(struct candidates *c);
void candidates_reals(struct candidates *c);
void candidates_vips(struct candidates *c);
void candidates_peers(struct candidates *c);
void candidates_devs(struct candidates *c);
void candidates_whys(struct candidates *c, bool rx);

/* Sorted, each once. */
int candidates_print(struct candidates *c, FILE *to, struct lb_err *err);

#endif
