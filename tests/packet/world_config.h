/* SPDX-License-Identifier: GPL-2.0 */
/* world_config.h - the configuration of a test's instance, in few words. */
#ifndef TESTS_PACKET_WORLD_CONFIG_H
#define TESTS_PACKET_WORLD_CONFIG_H

#include "tests/packet/world.h"

int world_pool(struct world *w, const char *name, uint32_t slots, struct lb_err *err);
int world_real(struct world *w, const char *pool, const char *addr, uint16_t weight,
	       enum lb_m_state state, struct lb_err *err);
int world_vip(struct world *w, const char *svc, const char *pool, bool session, struct lb_err *err);
/* A pool of its own with one real for the service, named as the real. */
int world_serve(struct world *w, const char *svc, const char *real, struct lb_err *err);
int world_commit(struct world *w, struct lb_err *err);
/* Writes the health of a real as lbmon does; the next commit leaves it out of the table. */
int world_health(struct world *w, const char *pool, const char *addr, enum lb_health health,
		 struct lb_err *err);
/* Only what packets read of it: as who is killed half way would leave it. */
int world_sick(struct world *w, const char *pool, const char *addr, bool sick, struct lb_err *err);

/* The way of a packet to that real through the link. */
void world_outer(struct pkt_outer *o, int link, const char *real);

#endif
