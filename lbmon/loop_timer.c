// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

#include "lbmon/loop_internal.h"

#define FIRES 64 /* timers a round: then the descriptors have their turn again */
#define FAR (1ull << 40) /* milliseconds: 34 years, as good as never */

/* A heap, the next one at its top. */
struct timer {
	struct loop *loop;
	void (*fire)(void *arg);
	void *arg;
	uint64_t at;
	uint64_t seq; /* of equal times the first set comes first */
	size_t place; /* in the heap, from 1; 0: not set */
};

static bool sooner(const struct timer *a, const struct timer *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void put(struct loop *l, size_t i, struct timer *t)
{
	l->heap[i] = t;
	t->place = i;
}

/* Finds the place of `t`, when the one at `i` is free. */
static void settle(struct loop *l, size_t i, struct timer *t)
{
	size_t k;

	for (; i > 1 && sooner(t, l->heap[i / 2]); i /= 2)
		put(l, i, l->heap[i / 2]);
	for (; (k = 2 * i) <= l->n_heap; i = k) {
		if (k < l->n_heap && sooner(l->heap[k + 1], l->heap[k]))
			k++;
		if (!sooner(l->heap[k], t))
			break;
		put(l, i, l->heap[k]);
	}
	put(l, i, t);
}

struct timer *timer_new(struct loop *l, void (*fire)(void *arg), void *arg, struct lb_err *err)
{
	/* Room for each that exists: so setting one cannot fail. */
	struct timer **heap = loop_grown(l->heap, l->n_timers + 2, &l->heap_room, sizeof(void *));
	struct timer *t = calloc(1, sizeof(*t));

	if (heap)
		l->heap = heap;
	if (!heap || !t) {
		free(t);
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	l->n_timers++;
	*t = (struct timer){.loop = l, .fire = fire, .arg = arg};
	return t;
}

void timer_stop(struct timer *t)
{
	struct loop *l = t->loop;
	size_t place = t->place;
	struct timer *last;

	if (!place)
		return;
	t->place = 0;
	last = l->heap[l->n_heap--];
	if (last != t)
		settle(l, place, last);
}

void timer_set(struct timer *t, uint64_t ms)
{
	struct loop *l = t->loop;

	timer_stop(t);
	t->at = l->now + (ms < FAR ? ms : FAR);
	t->seq = l->seq++;
	settle(l, ++l->n_heap, t);
}

void timer_free(struct timer *t)
{
	if (!t)
		return;
	timer_stop(t);
	t->loop->n_timers--;
	free(t);
}

void loop_timers_fire(struct loop *l)
{
	uint64_t before = l->seq; /* those set meanwhile wait for the next round */

	for (int i = 0; i < FIRES && l->n_heap && !l->stop; i++) {
		struct timer *t = l->heap[1];

		if (t->at > l->now || t->seq >= before)
			return;
		timer_stop(t);
		t->fire(t->arg);
	}
}

void loop_timers_arm(struct loop *l)
{
	uint64_t at = l->n_heap ? l->heap[1]->at : 0;
	struct itimerspec t = {.it_value = {.tv_sec = (time_t)(at / 1000),
					    .tv_nsec = (long)(at % 1000) * 1000000}};

	/* The timerfd is never read: setting it anew makes it unreadable. */
	if (at != l->armed && !timerfd_settime(l->timerfd, TFD_TIMER_ABSTIME, &t, NULL))
		l->armed = at;
}
