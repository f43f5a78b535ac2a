/* SPDX-License-Identifier: GPL-2.0 */
/* status.h - the file that says that lbmon is there, and what it is doing (lib/mon.h). */
#ifndef LBMON_STATUS_H
#define LBMON_STATUS_H

#include "lbmon/loop.h"
#include "lib/err.h"
#include "lib/mon.h"

struct status;

/*
 * fill(): what there is to say, into a zeroed *mon whose process is set; its vip is freed by us. Called in a round of the
 * loop in which something is written. NULL with *err. instance: borrowed.
 */
struct status *status_new(struct loop *l, const char *instance,
			  void (*fill)(void *arg, struct lb_mon *mon), void *arg,
			  struct lb_err *err);
/* Takes the file away, too. */
void status_free(struct status *s);

/* There is something else to say: it is written with the next heartbeat. */
void status_changed(struct status *s);

#endif
