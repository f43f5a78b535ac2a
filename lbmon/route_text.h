/* SPDX-License-Identifier: GPL-2.0 */
/* route_text.h - routes as ExaBGP 4.2.21 writes and reads them. For lbmon/route.c. Pure. */
#ifndef LBMON_ROUTE_TEXT_H
#define LBMON_ROUTE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "lbmon/route.h"
#include "lib/err.h"
#include "lib/parse.h"

struct route_text {
	struct lb_addr hop4, hop6;
	char head[ROUTE_LINE]; /* "neighbor A, neighbor B " */
	char tail[2][ROUTE_LINE]; /* attributes; [1]: shut */
	struct lb_addr *neighbor; /* those of head */
	size_t neighbors;
};

/* 0, or -1 with *err a usage error, also when a line would get too long. *t is zero before; route_text_free() it. */
int route_text_init(struct route_text *t, const struct route_attrs *attrs, struct lb_err *err);
void route_text_free(struct route_text *t);

/* The next hop for a prefix of this address; family 0: none. */
const struct lb_addr *route_text_hop(const struct route_text *t, const struct lb_addr *addr);
/* Commands with newline. */
void route_text_announce(const struct route_text *t, const struct lb_addr *addr,
			 const struct lb_addr *hop, bool shut, char line[ROUTE_LINE]);
void route_text_withdraw(const struct route_text *t, const struct lb_addr *addr,
			 const struct lb_addr *hop, char line[ROUTE_LINE]);
/*
 * Is the line "neighbor A ipv4 unicast P next-hop N" of "show adj-rib out" about a route of ours: to one of our
 * neighbors, of one address, with a next hop of ours?
 */
bool route_text_listed(const struct route_text *t, const char *line, struct lb_addr *addr,
		       struct lb_addr *hop);

#endif
