/* SPDX-License-Identifier: GPL-2.0 */
/*
 * probe_internal.h - what the kinds of probes are to probe.c, and what it does for them.
 */
#ifndef LBMON_PROBE_INTERNAL_H
#define LBMON_PROBE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lbmon/probe.h"

#define PROBE_TEXT 128

struct probe {
	struct probes *all;
	struct loop *loop;
	struct probe_target target;
	/* The kind's: */
	void *shared; /* what open() returned */
	void *own;
	uint64_t began; /* when start() was called, loop_now() */
	char text
		[PROBE_TEXT]; /* what will be said at the timeout; "no answer in 1s" unless the kind writes better */
	/* probe.c's: */
	struct kind_state *state;
	struct timer *timer;
	probe_done *done;
	void *arg;
	bool started, spared; /* spared: had its time and a little more */
	uint64_t ends; /* the timeout, loop_now() */
	TAILQ_ENTRY(probe) list;
};

struct probe_kind {
	unsigned int burst; /* so many begin in a round: together they must not take long */
	unsigned int most; /* so many run at a time, the others wait; 0: any number */
	/* What all probes of the kind share; NULL functions: nothing. */
	void *(*open)(struct loop *l, struct lb_err *err);
	void (*close)(void *shared);
	/* 0: it runs, and says probe_end() at most once, later; or the outcome is in text[], and nothing is held: PROBE_START_BAD or _UNASKED. */
	int (*start)(struct probe *probe, char text[PROBE_TEXT]);
	/* Frees what the kind holds. Exactly once after a start() that returned 0, also after probe_end(). Calls nobody. */
	void (*stop)(struct probe *probe);
};
extern const struct probe_kind probe_tcp, probe_udp, probe_http, probe_exec;

#define PROBE_START_BAD (-1)
#define PROBE_START_UNASKED (-2)

/* The outcome. The probe is gone afterwards. */
void probe_end(struct probe *probe, enum probe_answer answer, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Milliseconds since start(). */
unsigned long long probe_took(const struct probe *probe);

/* strerror(), as our messages begin: "connection refused". Holds until the next call. */
const char *probe_strerror(int err);

/* A socket for the target: not blocking, marked, and closed without TIME_WAIT (RFC 9293: by a reset), since
 * ten thousand checks a second of one VIP would use up its ports in three. -1 with text[]. */
int probe_socket(const struct probe *probe, int type, char text[PROBE_TEXT]);
/* connect(2) to the target: 0 or errno. */
int probe_connect(const struct probe *probe, int fd);
/* Whose failure is this errno: the real's (BAD), or this host's, which has nothing left to ask with (UNASKED)? */
enum probe_answer probe_blame(int err);

#endif
