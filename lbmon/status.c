/* SPDX-License-Identifier: GPL-2.0 */
#include "lbmon/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lbmon/log.h"
#include "lib/lock.h"

struct status {
	const char *instance;
	void (*fill)(void *arg, struct lb_mon *mon);
	void *arg;
	struct timer *beat;
	bool changed, failed; /* failed: said so */
};

static void beat(void *arg)
{
	struct status *s = arg;
	struct lb_mon mon = {.pid = getpid()};
	struct lb_err err;

	timer_set(s->beat, LB_MON_BEAT);
	if (!s->changed && lb_mon_beat(LB_LOCK_DIR, s->instance))
		return;
	s->fill(s->arg, &mon);
	s->changed = lb_mon_write(LB_LOCK_DIR, s->instance, &mon, &err);
	if (s->changed && !s->failed)
		log_event("status", "error", err.msg, NULL);
	s->failed = s->changed;
	lb_mon_free(&mon);
}

struct status *status_new(struct loop *l, const char *instance,
			  void (*fill)(void *arg, struct lb_mon *mon), void *arg,
			  struct lb_err *err)
{
	struct status *s = calloc(1, sizeof(*s));

	if (!s) {
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	*s = (struct status){
		.instance = instance,
		.fill = fill,
		.arg = arg,
		.changed = true,
	};
	s->beat = timer_new(l, beat, s, err);
	if (!s->beat) {
		free(s);
		return NULL;
	}
	timer_set(s->beat, 0);
	return s;
}

void status_free(struct status *s)
{
	if (!s)
		return;
	lb_mon_remove(LB_LOCK_DIR, s->instance);
	timer_free(s->beat);
	free(s);
}

void status_changed(struct status *s)
{
	if (s)
		s->changed = true;
}
