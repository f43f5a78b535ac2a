/* SPDX-License-Identifier: GPL-2.0 */
#include "lbmon/announce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FORGET 60000u /* milliseconds */

struct item {
	struct lb_addr addr;
	uint64_t well; /* since when it may be announced; 0: it may not */
	bool on;
	bool was; /* withdrawn once: damped from then on */
	uint64_t gone; /* since when it may not be announced; 0: it may */
};

struct announce {
	struct announce_delays delays;
	struct item *item; /* sorted; also those that are not on, while they are damped */
	size_t items;
	struct lb_addr *addr; /* the last result */
	uint64_t ready, drained; /* since when; 0: it is not */
	bool unseen; /* drained before it was ever ready: nobody has to be led away from it */
	bool shut;
};

struct announce *announce_new(const struct announce_delays *delays, struct lb_err *err)
{
	struct announce *a = calloc(1, sizeof(*a));

	if (!a) {
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	a->delays = *delays;
	return a;
}

void announce_free(struct announce *a)
{
	if (!a)
		return;
	free(a->item);
	free(a->addr);
	free(a);
}

/* Times are never 0 where 0 means that it is not. */
static void since(uint64_t *t, bool is, uint64_t now)
{
	if (!is)
		*t = 0;
	else if (!*t)
		*t = now ? now : 1;
}

static void sooner(uint64_t *again, uint64_t at)
{
	if (!*again || at < *again)
		*again = at;
}

/* May anything be announced at all? */
static bool open_now(struct announce *a, uint64_t now, const struct announce_state *s,
		     uint64_t *again)
{
	bool was_ready = a->ready;

	since(&a->ready, s->ready, now);
	if (!s->drained || !a->drained)
		a->unseen = s->drained && !was_ready;
	since(&a->drained, s->drained, now);
	a->shut = false;
	if (!s->ready)
		return false;
	if (a->drained) {
		a->shut = !a->unseen && now < a->drained + a->delays.drain;
		if (a->shut)
			sooner(again, a->drained + a->delays.drain);
		return a->shut;
	}
	if (now < a->ready + a->delays.first) {
		sooner(again, a->ready + a->delays.first);
		return false;
	}
	return true;
}

/* Items of both, sorted; those of old[] that are of no more use go. */
static size_t merge(const struct announce *a, const struct announce_state *s, struct item *to,
		    uint64_t now)
{
	size_t i = 0, k = 0, n = 0;

	while (i < a->items || k < s->n) {
		int d = i == a->items ? 1
			: k == s->n   ? -1
				      : lb_addr_cmp(&a->item[i].addr, &s->addr[k]);

		if (d < 0) {
			to[n] = a->item[i++];
			to[n].well = 0;
		} else if (d > 0) {
			to[n] = (struct item){.addr = s->addr[k++], .well = now ? now : 1};
		} else {
			to[n] = a->item[i++];
			since(&to[n].well, true, now);
			to[n].gone = 0;
			k++;
		}
		n++;
	}
	return n;
}

static bool decide(const struct announce *a, const struct item *it, uint64_t now, bool open,
		   uint64_t *again)
{
	if (!open || !it->well)
		return false;
	if (it->on || !it->was || now >= it->well + a->delays.damping)
		return true;
	sooner(again, it->well + a->delays.damping);
	return false;
}

int announce_update(struct announce *a, uint64_t now, const struct announce_state *state,
		    struct announce_result *result,
		    void (*changed)(void *arg, const struct lb_addr *addr, bool on), void *arg,
		    struct lb_err *err)
{
	size_t room = a->items + state->n + 1, n, i, kept = 0;
	struct item *item = calloc(room, sizeof(*item));
	struct lb_addr *addr = calloc(room, sizeof(*addr));
	bool open;

	if (!item || !addr) {
		free(item);
		free(addr);
		return lb_fail(err, "%s", strerror(ENOMEM));
	}
	*result = (struct announce_result){0};
	open = open_now(a, now, state, &result->again);
	n = merge(a, state, item, now);
	for (i = 0; i < n; i++) {
		struct item *it = &item[i];
		bool on = decide(a, it, now, open, &result->again);

		if (on != it->on && changed)
			changed(arg, &it->addr, on);
		/* What the node's own state withdraws is no flapping of the service. */
		if (it->on && !on)
			it->was = open;
		it->on = on;
		if (on)
			addr[result->n++] = it->addr;
		if (!it->well && !it->gone)
			it->gone = now ? now : 1;
		/* One that nobody has spoken of for long is forgotten. */
		if (it->well || now < it->gone + FORGET + a->delays.damping)
			item[kept++] = *it;
	}
	free(a->item);
	free(a->addr);
	a->item = item;
	a->items = kept;
	a->addr = addr;
	result->addr = addr;
	result->shut = a->shut;
	return 0;
}
