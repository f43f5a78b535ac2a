/* SPDX-License-Identifier: GPL-2.0 */
#include "lbmon/target_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lbmon/log.h"

#define TELL 50u /* milliseconds from a change to the call */
#define HASTY 64u /* so many targets may be asked in haste in any case */
#define SAY_AGAIN 60000u /* milliseconds after which trouble that lasts is said again */

/* Changes come in swarms, and each call has all reals looked at. */
static void tell_soon(struct targets *t)
{
	if (!t->telling)
		timer_set(t->tell, TELL);
	t->telling = true;
}

static void tell(void *arg)
{
	struct targets *t = arg;

	t->telling = false;
	t->changed(t->arg);
}

static void set_why(struct entry *e, const char *text)
{
	memset(e->t.why, 0, sizeof(e->t.why));
	memcpy(e->t.why, text, strnlen(text, LB_WHY_LEN - 1));
}

/* We could not ask: said once for all targets, as it is nearly always one cause. */
static void unasked(struct entry *e, const char *text)
{
	struct targets *t = e->all;

	if (!t->said || loop_now(t->loop) >= t->said + SAY_AGAIN) {
		log_event("checks", "error", text, NULL);
		t->said = loop_now(t->loop);
	}
	/* Who waits for each target's first word must not wait for ever. */
	if (!e->given_up && ++e->unasked >= e->ask.check.fall) {
		e->given_up = true;
		if (e->t.health.state == LB_M_UNKNOWN)
			set_why(e, text);
		tell_soon(t);
	}
	if (t->once && e->given_up)
		return;
	e->due = loop_now(t->loop) + e->ask.check.interval;
	timer_set(e->timer, e->ask.check.interval);
}

/* Counts those that are asked more often, since their health is about to change. */
static void doubt(struct entry *e)
{
	bool is = e->t.health.state == LB_M_UNKNOWN || e->t.health.run;

	if (is != e->doubted)
		e->all->doubts += is ? 1 : (size_t)-1;
	e->doubted = is;
}

/* When much is in doubt at once it may be we who are overloaded: then haste would make it worse. */
static bool hasty(const struct targets *t)
{
	return t->doubts <= HASTY || t->doubts <= t->n / 16;
}

static void take(struct entry *e, bool ok, const char *text)
{
	const struct lb_m_check *check = &e->ask.check;
	uint64_t now = loop_now(e->all->loop), next;
	bool first = !e->answered, changed;

	e->answered = true;
	e->given_up = false;
	e->unasked = 0;
	changed = health_step(&e->t.health, check->rise, check->fall, ok);
	if (changed)
		e->t.since = time(NULL);
	if (changed ||
	    (!ok && e->t.health.state == LB_M_SICK && strncmp(e->t.why, text, LB_WHY_LEN - 1))) {
		set_why(e, text);
		changed = true;
	}
	if (changed || first)
		tell_soon(e->all);
	if (e->all->once && e->t.health.state != LB_M_UNKNOWN)
		return;
	doubt(e);
	next = hasty(e->all) ? health_next(&e->t.health, check->interval) : check->interval;
	/* From when it was due, not from when it began: after a stall all would go on in one burst. */
	e->due += next;
	if (e->due <= now)
		e->due += (now - e->due) / next * next + next;
	timer_set(e->timer, e->due - now);
}

static void answer(void *arg, enum probe_answer answer, const char *text)
{
	struct entry *e = arg;

	e->probe = NULL;
	if (answer == PROBE_UNASKED) {
		unasked(e, text);
		return;
	}
	take(e, answer == PROBE_GOOD, text);
}

static void ask(void *arg)
{
	struct entry *e = arg;
	struct targets *all = e->all;
	uint64_t late = loop_now(all->loop) - e->due;

	all->asked++;
	all->late_sum += late;
	if (late > all->late_max)
		all->late_max = late;
	e->probe = probe_start(all->probes, &e->ask, answer, e);
	if (!e->probe) { /* no memory: it says nothing about the real */
		e->due = loop_now(all->loop) + e->ask.check.interval;
		timer_set(e->timer, e->ask.check.interval);
	}
}

int target_begin(struct targets *all, struct entry *e, uint32_t ms, struct lb_err *err)
{
	e->all = all;
	e->timer = timer_new(all->loop, ask, e, err);
	if (!e->timer)
		return -1;
	e->due = loop_now(all->loop) + ms;
	timer_set(e->timer, ms);
	return 0;
}

void target_free(struct entry *e)
{
	if (!e)
		return;
	if (e->probe)
		probe_cancel(e->probe);
	if (e->doubted)
		e->all->doubts--;
	timer_free(e->timer);
	free(e);
}

const struct target *targets_of(const struct targets *t, size_t real)
{
	return real < t->reals && t->of[real] ? &t->of[real]->t : NULL;
}

bool targets_known(const struct targets *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (!t->entry[i]->given_up &&
		    (!t->entry[i]->answered || t->entry[i]->t.health.state == LB_M_UNKNOWN))
			return false;
	return true;
}

struct target_stats targets_stats(const struct targets *t)
{
	struct target_stats s = {
		.targets = t->n,
		.asked = t->asked,
		.late_max = t->late_max,
		.late_sum = t->late_sum,
	};
	size_t i;

	for (i = 0; i < t->n; i++)
		s.sick += t->entry[i]->t.health.state == LB_M_SICK;
	return s;
}

struct targets *targets_new(struct loop *l, bool once, void (*changed)(void *arg), void *arg,
			    struct lb_err *err)
{
	struct targets *t = calloc(1, sizeof(*t));

	if (!t) {
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	*t = (struct targets){.loop = l, .once = once, .changed = changed, .arg = arg};
	t->tell = timer_new(l, tell, t, err);
	t->probes = t->tell ? probes_new(l, err) : NULL;
	if (!t->probes) {
		targets_free(t);
		return NULL;
	}
	return t;
}

void targets_free(struct targets *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->n; i++)
		target_free(t->entry[i]);
	if (t->probes)
		probes_free(t->probes);
	timer_free(t->tell);
	free(t->entry);
	free(t->of);
	free(t);
}
