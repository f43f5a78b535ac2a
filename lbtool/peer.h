/* SPDX-License-Identifier: GPL-2.0 */
/* peer.h - `node peer`, which node.c has in its table. */
#ifndef LBTOOL_PEER_H
#define LBTOOL_PEER_H

#include "lbtool/tool.h"
#include "lib/args.h"

int node_peer(struct tool *t, struct lb_args *a);

#endif
