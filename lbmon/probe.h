/* SPDX-License-Identifier: GPL-2.0 */
/*
 * probe.h - one question to one real, by any of the ways of a pool's check. Asynchronous, on the loop.
 *
 * No check asks a resolver, reads a proxy from the environment, follows a redirect or keeps a connection. A TLS
 * certificate is not verified: the question is whether the service answers.
 */
#ifndef LBMON_PROBE_H
#define LBMON_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "lbmon/loop.h"
#include "lib/model.h"

/* What is asked. All is copied by probe_start(). */
struct probe_target {
	struct lb_addr addr; /* whom the packets are for: the VIP, or the real itself */
	uint16_t port; /* host order */
	uint32_t mark; /* SO_MARK; 0: none, the check is direct */
	struct lb_addr real; /* for exec, which gets the real's address */
	struct lb_m_check check;
};

struct probe;

enum probe_answer {
	PROBE_BAD,
	PROBE_GOOD,
	PROBE_UNASKED, /* it is we who could not ask (descriptors, ports, rights): nothing is known of the real */
};

/* The outcome: `text` says what was seen, e.g. "200 in 3 ms", "connection refused": printable ASCII, the same words for the same
 * failure. It holds during the call. The call may start and cancel probes, but not free their `struct probes`. */
typedef void probe_done(void *arg, enum probe_answer answer, const char *text);

/* What all probes share (libcurl's multi handle, who waits for his turn); NULL with *err. */
struct probes;
struct probes *probes_new(struct loop *l, struct lb_err *err);
void probes_free(struct probes *p); /* running ones are ended without a call; NULL is nothing */

/*
 * Begins, in the next round of the loop or later: a few each round, so that ten thousand at once do not block the loop. done() comes once,
 * never from within probe_start() or probe_cancel(), at the latest check.timeout milliseconds from now. A probe that cannot begin (no
 * descriptor, no such command) is reported as unasked the same way. NULL when memory is short or the kind is none; no call comes then.
 */
struct probe *probe_start(struct probes *p, const struct probe_target *t, probe_done *done,
			  void *arg);
/* Ends it without a call; not after done(). */
void probe_cancel(struct probe *probe);

#endif
