/* SPDX-License-Identifier: GPL-2.0 */
/*
 * route.h - which routes ExaBGP shall announce and what to say to it next. Pure: no I/O, no clock.
 *
 * Wanted is what the node's state asks for, told is what ExaBGP has acknowledged. One command is in flight at a
 * time, since ExaBGP 4.2.21 does not keep the order of its answers.
 */
#ifndef LBMON_ROUTE_H
#define LBMON_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/parse.h"

#define ROUTE_LINE 1024

struct route_attrs {
	struct lb_addr hop4,
		hop6; /* next hop for IPv4 and IPv6 prefixes; family 0: prefixes of that family are not announced.
				    * hop4 may be an IPv6 address (RFC 8950) */
	uint32_t med; /* 0: none */
	char community[256]; /* "65000:1 65000:2", or "" */
	uint8_t prepend; /* times `as` */
	uint32_t as;
	char neighbors[512]; /* "10.0.0.1 fd00::1", or "": all */
};

struct routes;

struct routes *routes_new(const struct route_attrs *attrs, struct lb_err *err);
void routes_free(struct routes *r);

/* The whole wanted set: n addresses, each as a /32 or /128. `shut` (RFC 8326): announced with GRACEFUL_SHUTDOWN (65535:0) and MED 4294967295. */
int routes_want(struct routes *r, const struct lb_addr *addr, size_t n, bool shut,
		struct lb_err *err);

/*
 * The next line for ExaBGP, with newline: first "show adj-rib out", to learn what an earlier lbmon left there, then withdraws and announces.
 * False: nothing to say, or an answer is awaited.
 */
bool routes_next(struct routes *r, char line[ROUTE_LINE]);
/* A line from ExaBGP, without newline. Junk is ignored. Returns false when it was "error": *failed is the command it answers. */
bool routes_answer(struct routes *r, const char *line, const char **failed);
/*
 * From time to time, when nothing else is under way: has ExaBGP other neighbors than before (its configuration was read anew)? A new one
 * got nothing of what was said before it was there: then all is said again, which the others do not notice.
 */
void routes_look(struct routes *r);
/* No answer came in time: the command counts as not said, and is said again after what else there is. */
void routes_timeout(struct routes *r);
bool routes_waiting(const struct routes *r);
/* Nothing in flight and told = wanted. */
bool routes_settled(const struct routes *r);
/* Is this address announced, as far as ExaBGP said? */
bool routes_told(const struct routes *r, const struct lb_addr *addr);
/* Did it refuse to? */
bool routes_refused(const struct routes *r, const struct lb_addr *addr);

#endif
