/* SPDX-License-Identifier: GPL-2.0 */
/* asked.h - random packets, for the live program and in the words of who asks; and what is served to them. */
#ifndef TESTS_PACKET_ASKED_H
#define TESTS_PACKET_ASKED_H

#include "lib/flow.h"
#include "tests/packet/ptest.h"

#define ASKED_REALS 6
#define ASKED_SLOTS 251u

struct asked {
	char src[48];
	struct pkt_spec spec;
	struct lb_flow flow; /* the same */
};

/*
 * Loads an instance: pools "four" and "six", of ASKED_REALS reals that are reached so, by both links, and "lost", whose reals are
 * out of reach for a reason each; VIPs of both families, with and without the session cache, placed by the flow and by
 * the client, and ports of one real alone. In force.
 */
void asked_serve(struct world *w, enum lb_m_encap encap);
/* Another instance of that name and the same configuration, in the network of the first. */
void asked_serve_too(struct world *w, const char *name, enum lb_m_encap encap);
/* A real of "four" and one of "six" that drain, in force. */
void asked_drain(struct world *w, enum lb_m_encap encap);

/* To one of these VIPs, or to nothing of it. Few clients, so that some flows and many clients come again. */
void asked_any(struct asked *a, bool v6, uint64_t *seed);

#endif
