// SPDX-License-Identifier: GPL-2.0
/* probe.c - what all kinds have in common: their turn, their timeout, their end. */
#include "lbmon/probe.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbmon/probe_internal.h"

#define LATE 50u /* milliseconds */

TAILQ_HEAD(probe_list, probe);

struct kind_state {
	const struct probe_kind *kind;
	void *shared;
	struct probe_list waiting, running;
	unsigned int n; /* running */
};

enum { TCP, UDP, HTTP, EXEC, KINDS };
static const struct probe_kind *const kinds[KINDS] = {&probe_tcp, &probe_udp, &probe_http,
						      &probe_exec};
/* Those without an entry are never asked. */
static const int kind_of[] = {
	[LB_M_CHECK_NONE] = KINDS, [LB_M_CHECK_TCP] = TCP, [LB_M_CHECK_HTTP] = HTTP,
	[LB_M_CHECK_HTTPS] = HTTP, [LB_M_CHECK_UDP] = UDP, [LB_M_CHECK_EXEC] = EXEC,
};

struct probes {
	struct loop *loop;
	struct timer *turn; /* begins those that wait */
	struct kind_state state[KINDS];
};

static bool may_begin(const struct kind_state *s)
{
	return !TAILQ_EMPTY(&s->waiting) && (!s->kind->most || s->n < s->kind->most);
}

/* Out of its list, and nothing of it is held any more; it can still be reported. */
static void halt(struct probe *probe)
{
	struct kind_state *s = probe->state;

	timer_free(probe->timer);
	if (!probe->started) {
		TAILQ_REMOVE(&s->waiting, probe, list);
		return;
	}
	s->kind->stop(probe);
	TAILQ_REMOVE(&s->running, probe, list);
	s->n--;
	if (may_begin(s))
		timer_set(probe->all->turn, 0);
}

/* What a server or a command said gets into logs and terminals. */
static void printable(char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

static void report(struct probe *probe, enum probe_answer answer)
{
	printable(probe->text);
	probe->done(probe->arg, answer, probe->text);
	free(probe);
}

void probe_end(struct probe *probe, enum probe_answer answer, const char *fmt, ...)
{
	char text[PROBE_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	halt(probe);
	memcpy(probe->text, text, sizeof(text));
	report(probe, answer);
}

static void expire(void *arg)
{
	struct probe *probe = arg;
	bool asked = probe->started;

	/* It is we who are late: an answer may lie in the socket already, and has its turn first. */
	if (asked && !probe->spared && loop_now(probe->loop) > probe->ends + LATE) {
		probe->spared = true;
		timer_set(probe->timer, LATE);
		return;
	}
	halt(probe);
	report(probe, asked ? PROBE_BAD : PROBE_UNASKED);
}

static void begin(struct probe *probe)
{
	struct kind_state *s = probe->state;
	char text[PROBE_TEXT] = "", timeout[LB_TIME_STRLEN];
	int ret;

	format_time(probe->target.check.timeout, timeout);
	snprintf(probe->text, sizeof(probe->text), "no answer in %s", timeout);
	probe->began = loop_now(probe->loop);
	ret = s->kind->start(probe, text);
	if (ret) {
		probe_end(probe, ret == PROBE_START_BAD ? PROBE_BAD : PROBE_UNASKED, "%s", text);
		return;
	}
	probe->started = true;
	TAILQ_REMOVE(&s->waiting, probe, list);
	TAILQ_INSERT_TAIL(&s->running, probe, list);
	s->n++;
}

static void take_turns(void *arg)
{
	struct probes *p = arg;
	bool more = false;
	unsigned int n;
	int i;

	for (i = 0; i < KINDS; i++) {
		struct kind_state *s = &p->state[i];

		for (n = 0; n < s->kind->burst && may_begin(s); n++)
			begin(TAILQ_FIRST(&s->waiting));
		more |= may_begin(s);
	}
	if (more)
		timer_set(p->turn, 0);
}

struct probe *probe_start(struct probes *p, const struct probe_target *t, probe_done *done,
			  void *arg)
{
	struct probe *probe;
	char timeout[LB_TIME_STRLEN];
	struct lb_err err;
	int kind = (size_t)t->check.kind < sizeof(kind_of) / sizeof(*kind_of)
			   ? kind_of[t->check.kind]
			   : KINDS;

	probe = kind == KINDS ? NULL : calloc(1, sizeof(*probe));
	if (!probe)
		return NULL;
	*probe = (struct probe){
		.all = p,
		.loop = p->loop,
		.target = *t,
		.shared = p->state[kind].shared,
		.state = &p->state[kind],
		.done = done,
		.arg = arg,
	};
	probe->timer = timer_new(p->loop, expire, probe, &err);
	if (!probe->timer) {
		free(probe);
		return NULL;
	}
	format_time(t->check.timeout, timeout);
	snprintf(probe->text, sizeof(probe->text), "not begun in %s: too many checks at once",
		 timeout);
	timer_set(probe->timer, t->check.timeout);
	probe->ends = loop_now(p->loop) + t->check.timeout;
	TAILQ_INSERT_TAIL(&probe->state->waiting, probe, list);
	if (may_begin(probe->state))
		timer_set(p->turn, 0);
	return probe;
}

void probe_cancel(struct probe *probe)
{
	halt(probe);
	free(probe);
}

unsigned long long probe_took(const struct probe *probe)
{
	return loop_now(probe->loop) - probe->began;
}

const char *probe_strerror(int err)
{
	static char text[PROBE_TEXT];

	snprintf(text, sizeof(text), "%s", strerror(err));
	text[0] = (char)tolower((unsigned char)text[0]);
	return text;
}

struct probes *probes_new(struct loop *l, struct lb_err *err)
{
	struct probes *p = calloc(1, sizeof(*p));
	int i;

	if (!p) {
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	p->loop = l;
	for (i = 0; i < KINDS; i++) {
		p->state[i].kind = kinds[i];
		TAILQ_INIT(&p->state[i].waiting);
		TAILQ_INIT(&p->state[i].running);
	}
	p->turn = timer_new(l, take_turns, p, err);
	if (!p->turn)
		goto fail;
	for (i = 0; i < KINDS; i++) {
		if (!kinds[i]->open)
			continue;
		p->state[i].shared = kinds[i]->open(l, err);
		if (!p->state[i].shared)
			goto fail;
	}
	return p;
fail:
	probes_free(p);
	return NULL;
}

static void cancel_all(struct probe_list *list)
{
	struct probe *probe, *next;

	for (probe = TAILQ_FIRST(list); probe; probe = next) {
		next = TAILQ_NEXT(probe, list);
		probe_cancel(probe);
	}
}

void probes_free(struct probes *p)
{
	struct kind_state *s;

	if (!p)
		return;
	for (s = p->state; s < p->state + KINDS; s++) {
		cancel_all(&s->waiting);
		cancel_all(&s->running);
		if (s->shared)
			s->kind->close(s->shared);
	}
	timer_free(p->turn);
	free(p);
}
