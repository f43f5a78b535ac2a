/* SPDX-License-Identifier: GPL-2.0 */
/*
 * listen.h - has the program tell what becomes of packets, as it happens.
 *
 * A listener has one of LB_LISTENERS_MAX places, for as long as it renews it; while nobody has one, packets pay nothing. What it
 * does not want never leaves the kernel, and of what it wants no more than `rate` a second.
 */
#ifndef LIB_LISTEN_H
#define LIB_LISTEN_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/maps.h"
#include "lib/seen.h"

#define LB_LISTENERS_MAX 8
#define LB_LISTEN_KEEP_MS \
	500 /* lb_listen_keep() that often; after 2 s without, the place is free */
#define LB_LISTEN_RATE_MAX 1000000u

struct lb_wish {
	uint64_t whys; /* reasons, bit 1 << number */
	uint32_t sample; /* of packets that were not dropped one in so many, at random; 1 or more */
	uint32_t
		rate; /* packets a second, 1-LB_LISTEN_RATE_MAX; as many as of an eighth of a second may come at once */
	/* Family 0: any. When both are given, they are of one family. */
	struct lb_addr vip;
	uint16_t port; /* of the VIP; 0: any */
	uint8_t proto; /* likewise */
	struct lb_net from;
};

struct lb_listen;

/* maps stay the caller's, and open. *listen is ended by lb_listen_close(). */
int lb_listen_open(struct lb_maps *maps, const char *instance, const struct lb_wish *wish,
		   struct lb_listen **listen, struct lb_err *err);
void lb_listen_close(struct lb_listen *listen);

/* A descriptor to poll for input, while lb_listen_read() has something. */
int lb_listen_fd(const struct lb_listen *listen);
/* Renews the place, unless that is not due yet, or takes another one when it was lost. Fails when there is none, or the instance was unloaded. */
int lb_listen_keep(struct lb_listen *listen, struct lb_err *err);
/* Calls seen() for each packet that there is. A negative value ends it and is returned; the rest comes the next time. */
int lb_listen_read(struct lb_listen *listen, int (*seen)(void *arg, const struct lb_seen *s),
		   void *arg);
/* Packets that were wanted and not told, since the last call: above the rate, or not read fast enough. */
uint64_t lb_listen_lost(struct lb_listen *listen);

#endif
