/* SPDX-License-Identifier: GPL-2.0 */
/*
 * linger.h - the end of a TCP connection whose close is a reset (probe_socket()).
 *
 * Reset while the server still sends, the rest of what it sends finds no socket any more, and the kernel answers with
 * a reset of its own, which bears no mark: it would go to the VIP by way of the routers, to no matter whom. So
 * the server is let finish first, for a while.
 */
#ifndef LBMON_LINGER_H
#define LBMON_LINGER_H

#include "lbmon/loop.h"
#include "lib/err.h"

struct lingers;

/* NULL with *err. */
struct lingers *lingers_new(struct loop *l, struct lb_err *err);
/* Closes what is still open. NULL is nothing. */
void lingers_free(struct lingers *all);

/* Takes the descriptor over, which nobody watches any more: reads until the end, 200 ms or 256 KiB at most, and closes it. Closes at once
 * when there are too many already. */
void linger(struct lingers *all, int fd);

#endif
