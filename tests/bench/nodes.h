/* SPDX-License-Identifier: GPL-2.0 */
/* nodes.h - balancers that differ in one thing each, side by side, for features.c. */
#ifndef TESTS_BENCH_NODES_H
#define TESTS_BENCH_NODES_H

#include "tests/packet/world_config.h"

/* What all serve: TCP on port 80 and UDP on port 53, by IPIP, without the session cache. */
#define NODE_BASE "203.0.113.1"
/* What the full one serves, too; UDP: those of fragments alone. */
#define NODE_SESSION "203.0.113.2"
#define NODE_GUE "203.0.113.3" /* with the session cache; the slots have settled */
#define NODE_MOVED "203.0.113.4" /* the same, and no slot has settled */
#define NODE_DSCP "203.0.113.5"
#define NODE_L2 "203.0.113.6"
#define NODE_SRC "203.0.113.7"
#define NODE_SRC_SESSION "203.0.113.8"
#define NODE_HASH "203.0.113.9" /* fragments hash */
#define NODE_TRACK "203.0.113.10" /* fragments track */

#define NODE_SESSIONS (2u << 20) /* flows that the full one's cache has room for */

enum node {
	NODE_PLAIN, /* nothing else, and no session cache */
	NODE_FULL, /* all of the above; fragments meet here */
	NODE_SPREAD, /* as plain, with `node source spread` */
	NODE_HEARD, /* as plain; somebody is to listen */
	NODE_AWAY, /* as plain, with NODE_TRACK, whose fragments meet at another node */
	NODES,
};

/* Loads them all, in a network of their own; to be taken down by world_unload(), each. */
int nodes_open(struct world *w, struct lb_err *err);

#endif
