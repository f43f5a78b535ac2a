/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mon.h - what lbmon says of itself to whoever looks: /run/lb/INSTANCE.lbmon, text, a line a fact, replaced as a whole. The
 * file's time is the heartbeat, by the machine's clock; it goes when lbmon ends, and stays when that is killed.
 */
#ifndef LIB_MON_H
#define LIB_MON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/parse.h"

#define LB_MON_BEAT 1000u /* milliseconds */
#define LB_MON_LATE 10u /* seconds without one: it hangs, or is no more */

/* What keeps all of its routes back, or nothing. */
enum lb_mon_node {
	LB_MON_READY,
	LB_MON_UNLOADED, /* it sees no instance */
	LB_MON_DETACHED, /* it sees the program on no device that is up */
	LB_MON_ASKING, /* not every real has been asked */
	LB_MON_DRAINED,
};
extern const char *const lb_mon_node_names[]; /* "ready", ... */

/* What became of a VIP's route. */
enum lb_mon_route {
	LB_MON_ANNOUNCED, /* as ExaBGP said */
	LB_MON_SAID, /* ExaBGP has not answered */
	LB_MON_REFUSED, /* by ExaBGP */
	LB_MON_HELD, /* until delay or damping is over */
	LB_MON_UNSERVED, /* too few reals serve */
	LB_MON_HOPLESS, /* no next hop of its family */
	LB_MON_WITHDRAWN, /* with all others: see the node */
};
extern const char *const lb_mon_route_names[]; /* "announced", ... */

struct lb_mon_vip {
	struct lb_addr addr;
	enum lb_mon_route route;
};

struct lb_mon {
	int pid;
	bool alone; /* announces nothing */
	enum lb_mon_node node;
	char cannot[LB_ERR_LEN]; /* what keeps it from its work; "" */
	struct lb_mon_vip *vip; /* one an address, sorted; allocated */
	size_t vips;
	uint32_t age; /* seconds since the last heartbeat: as read */
};

/* `dir` is LB_LOCK_DIR, but for tests; it is made when it is missing. 0, or -1 with *err. */
int lb_mon_write(const char *dir, const char *instance, const struct lb_mon *mon,
		 struct lb_err *err);
/* False: the file is gone, or another's; write it again. */
bool lb_mon_beat(const char *dir, const char *instance);
void lb_mon_remove(const char *dir, const char *instance);

/* False: there is none, or none that can be read. lb_mon_free(): what was read. */
bool lb_mon_read(const char *dir, const char *instance, struct lb_mon *mon);
void lb_mon_free(struct lb_mon *mon);

#endif
