/* SPDX-License-Identifier: GPL-2.0 */
/* route_talk.h - a scripted ExaBGP for the tests of lbmon/route.c: each function fails the test when things are not so. */
#ifndef TESTS_UNIT_ROUTE_TALK_H
#define TESTS_UNIT_ROUTE_TALK_H

#include <stdbool.h>

#include "lbmon/route.h"

#define HEADER "Peer            AS        up/down state       |     #sent     #recvd"
#define HOPS .hop4 = A("10.0.0.7"), .hop6 = A("2001:db8::7")
#define NEW(...) new (&(struct route_attrs){__VA_ARGS__})
#define WANT(r, shut, ...) want(r, shut, (const char *[]){__VA_ARGS__, NULL})

extern const char *const nothing[]; /* listed */

struct lb_addr A(const char *word);
struct routes *new (const struct route_attrs *attrs);
void want(struct routes *r, bool shut, const char *const *words);
/* The next line is this one, or there is none (NULL). */
void says(struct routes *r, const char *line);
void hears(struct routes *r, const char *line);
void hears_error(struct routes *r, const char *about);
void done(struct routes *r, const char *line); /* says it, hears "done" */
void mark(struct routes *r);
/* The start, ExaBGP having these routes, a NULL behind them. */
void start(struct routes *r, const char *const *listed);
struct routes *started(void);
void rests(struct routes *r); /* settled; frees it */
bool told(const struct routes *r, const char *word);

#endif
