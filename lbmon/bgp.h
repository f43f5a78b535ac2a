/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bgp.h - the pipe to ExaBGP: answers on stdin, commands on stdout, one in flight.
 */
#ifndef LBMON_BGP_H
#define LBMON_BGP_H

#include "lbmon/loop.h"
#include "lbmon/route.h"
#include "lib/err.h"

struct bgp;

/*
 * in, out: descriptors, borrowed; r: borrowed. Nothing blocks, whatever they are. gone(): the other end is no more, once.
 * said(): a command was answered. Both not from within these functions. NULL with *err.
 */
struct bgp *bgp_new(struct loop *l, int in, int out, struct routes *r, void (*gone)(void *arg),
		    void (*said)(void *arg), void *arg, struct lb_err *err);
void bgp_free(struct bgp *b);

/* After routes_want(): says what there is to say, as soon as it may. */
void bgp_kick(struct bgp *b);

#endif
