/* SPDX-License-Identifier: GPL-2.0 */
/* source.h - `node source`, which node.c has in its table. */
#ifndef LBTOOL_SOURCE_H
#define LBTOOL_SOURCE_H

#include "lbtool/tool.h"
#include "lib/args.h"
#include "lib/model.h"

int node_source(struct tool *t, struct lb_args *a);

bool source_is_node(const struct lb_model *m);

#endif
