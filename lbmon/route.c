// SPDX-License-Identifier: GPL-2.0
/*
 * route.c - routes as ExaBGP has them against routes as wanted.
 *
 * An answer does not say which command it is for. So at the start, where those to a dead predecessor may still
 * come, and after each silence, comes a sync: LIST, whose lines speak for themselves, then MARK, whose answer begins
 * with a line that no other answer has. ExaBGP 4.2.21 works all of route commands, LIST and MARK off in one queue, so what
 * came before that line belongs to what was said before MARK.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbmon/route.h"
#include "lbmon/route_text.h"

#define LIST "show adj-rib out\n"
#define MARK "show neighbor summary\n"
#define MARK_ANSWER "Peer  " /* its table's head, which stands there without any neighbor, too */

enum sync { LIST_DUE, LIST_SAID, MARK_DUE, MARK_SAID, SYNCED };

/* What ExaBGP has. UNSURE: a command got no answer. FOUND: it was listed, with attributes that we do not know. */
enum told { NOTHING, UNSURE, FOUND, PLAIN, SHUT };

struct item {
	struct lb_addr addr, hop; /* hop: with which it was told */
	enum told told;
	bool wanted;
	bool failed; /* "error": not again before something else is wanted */
	bool later; /* no answer: after the others */
	bool said; /* in flight */
};

struct routes {
	struct route_text text;

	struct item *item; /* sorted by address: all that are wanted or told */
	size_t items;
	size_t *queue; /* of items to say something about; room for one that must be said anew */
	size_t head_at, tail_at, failures;
	bool asked; /* before the first routes_want(), a route that is there already may well be wanted */
	bool shut;

	enum sync sync;
	unsigned int owed; /* answers that may come for commands which were given up, at most */
	bool marked; /* MARK_ANSWER came, its "done" did not */
	uint64_t peers,
		peers_now; /* hash of the neighbors in the last such answer, and in the one that is coming */
	bool peers_known;
	struct item *found; /* listed, not yet among the items */
	size_t founds, found_room;

	struct lb_addr now; /* of the command in flight; family 0: none */
	enum told then; /* what is told once it is done */
	char line[ROUTE_LINE]; /* the last one said, without newline */
};

static int by_addr(const void *a, const void *b)
{
	return lb_addr_cmp(&((const struct item *)a)->addr, &((const struct item *)b)->addr);
}

static struct item *item_find(const struct routes *r, const struct lb_addr *addr)
{
	struct item key = {.addr = *addr};

	return r->items ? bsearch(&key, r->item, r->items, sizeof(key), by_addr) : NULL;
}

static enum told target(const struct routes *r, const struct item *it)
{
	if (!it->wanted)
		return NOTHING;
	return r->shut ? SHUT : PLAIN;
}

static bool due(const struct routes *r, const struct item *it)
{
	return it->told != target(r, it) && !it->failed && !it->said;
}

/* Withdraws first: who drains or lost a service sheds its load before it takes more. */
static void queue_fill(struct routes *r)
{
	r->head_at = r->tail_at = r->failures = 0;
	if (!r->asked)
		return;
	for (int pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < r->items; i++) {
			const struct item *it = &r->item[i];

			if (due(r, it) && pass == (it->later ? 2 : it->wanted))
				r->queue[r->tail_at++] = i;
		}
	for (size_t i = 0; i < r->items; i++)
		r->failures += r->item[i].failed;
}

static void fold(struct item *to, const struct item *from)
{
	if (from->told > to->told) {
		to->told = from->told;
		to->hop = from->hop;
	}
	to->wanted |= from->wanted;
	to->failed |= from->failed;
	to->later |= from->later;
	to->said |= from->said;
}

/* Takes the items of `more` in, with `anew` as all that is wanted; gives up those that are neither wanted nor told. */
static int items_merge(struct routes *r, const struct item *more, size_t n, bool anew)
{
	size_t all = r->items + n, kept = 0;
	struct item *item = malloc((all + 1) * sizeof(*item));
	size_t *queue = malloc((all + 1) * sizeof(*queue));

	if (!item || !queue) {
		free(item);
		free(queue);
		return -1;
	}
	for (size_t i = 0; i < r->items; i++) {
		item[i] = r->item[i];
		item[i].wanted &= !anew;
		item[i].failed &= !anew;
	}
	if (n)
		memcpy(item + r->items, more, n * sizeof(*item));
	qsort(item, all, sizeof(*item), by_addr);
	for (size_t i = 0, next; i < all; i = next) {
		struct item one = item[i];

		for (next = i + 1; next < all && by_addr(&one, &item[next]) == 0; next++)
			fold(&one, &item[next]);
		if (one.wanted || one.told != NOTHING || one.said)
			item[kept++] = one;
	}
	free(r->item);
	free(r->queue);
	r->item = item;
	r->queue = queue;
	r->items = kept;
	queue_fill(r);
	return 0;
}

int routes_want(struct routes *r, const struct lb_addr *addr, size_t n, bool shut,
		struct lb_err *err)
{
	struct item *want = calloc(n + 1, sizeof(*want));
	size_t wants = 0;
	int rc;

	if (!want)
		return lb_fail(err, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (addr[i].family && route_text_hop(&r->text, &addr[i])->family)
			want[wants++] = (struct item){.addr = addr[i], .wanted = true};
	r->shut = shut;
	r->asked = true;
	rc = items_merge(r, want, wants, true);
	free(want);
	return rc < 0 ? lb_fail(err, "out of memory") : 0;
}

static void say(struct routes *r, char line[ROUTE_LINE], const char *what, enum sync sync)
{
	r->sync = sync;
	snprintf(line, ROUTE_LINE, "%s", what);
}

static void say_route(struct routes *r, char line[ROUTE_LINE], struct item *it)
{
	r->now = it->addr;
	r->then = target(r, it);
	it->said = true;
	if (r->then == NOTHING) {
		route_text_withdraw(&r->text, &it->addr, &it->hop, line);
		return;
	}
	it->hop = *route_text_hop(&r->text, &it->addr);
	route_text_announce(&r->text, &it->addr, &it->hop, r->then == SHUT, line);
}

bool routes_next(struct routes *r, char line[ROUTE_LINE])
{
	if (routes_waiting(r))
		return false;
	if (r->sync == LIST_DUE)
		say(r, line, LIST, LIST_SAID);
	else if (r->sync == MARK_DUE)
		say(r, line, MARK, MARK_SAID);
	else if (r->head_at < r->tail_at)
		say_route(r, line, &r->item[r->queue[r->head_at++]]);
	else
		return false;
	snprintf(r->line, sizeof(r->line), "%.*s", (int)strcspn(line, "\n"), line);
	return true;
}

/* Without memory the line is lost, and with it the withdraw of a route that a dead lbmon left. */
static void found(struct routes *r, const char *line)
{
	struct item it = {.told = FOUND};

	if (r->sync == SYNCED || !route_text_listed(&r->text, line, &it.addr, &it.hop))
		return;
	if (r->founds == r->found_room) {
		size_t room = r->found_room ? 2 * r->found_room : 16;
		struct item *more = realloc(r->found, room * sizeof(*more));

		if (!more)
			return;
		r->found = more;
		r->found_room = room;
	}
	r->found[r->founds++] = it;
}

/* A line of MARK's answer: a neighbor. */
static void peer(struct routes *r, const char *line)
{
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a */

	for (; *line && *line != ' '; line++)
		h = (h ^ (unsigned char)*line) * 0x100000001b3ull;
	r->peers_now += h;
}

/* Others than before? */
static void judge_peers(struct routes *r)
{
	if (r->peers_known && r->peers != r->peers_now)
		for (size_t i = 0; i < r->items; i++)
			if (r->item[i].told > FOUND)
				r->item[i].told = FOUND;
	r->peers = r->peers_now;
	r->peers_known = true;
}

static void synced(struct routes *r)
{
	if (items_merge(r, r->found, r->founds, false) < 0 && r->queue)
		queue_fill(r);
	free(r->found);
	r->found = NULL;
	r->founds = r->found_room = 0;
	r->owed = 0;
	r->sync = SYNCED;
}

static void finish(struct routes *r, bool ok)
{
	struct item *it = item_find(r, &r->now);

	r->now.family = 0;
	it->said = it->later = false;
	if (ok)
		it->told = r->then;
	else if (r->then == target(r, it))
		r->failures += it->failed = true;
	if (due(r, it))
		r->queue[r->tail_at++] = (size_t)(it - r->item);
}

bool routes_answer(struct routes *r, const char *line, const char **failed)
{
	bool ok = strcmp(line, "done") == 0, waiting = routes_waiting(r);

	if (strncmp(line, MARK_ANSWER, strlen(MARK_ANSWER)) == 0) {
		r->marked = true;
		r->peers_now = 0;
		return true;
	}
	if (!ok && r->marked && strcmp(line, "error") != 0)
		peer(r, line);
	if (!ok && strcmp(line, "error") != 0) {
		found(r, line);
		return true;
	}
	if (r->marked) {
		/* If none is awaited: of a MARK that was given up. */
		r->marked = false;
		if (r->sync == MARK_SAID) {
			judge_peers(r);
			synced(r);
		}
		return true;
	}
	if (!waiting)
		return true;
	if (r->sync == LIST_SAID) {
		r->sync = MARK_DUE;
	} else if (r->sync == MARK_SAID) {
		/* Somebody else's. When there is nobody else, this ExaBGP has no such line. */
		if (r->owed == 0) {
			synced(r);
		} else {
			r->owed--;
			r->sync = MARK_DUE;
		}
	} else {
		finish(r, ok);
	}
	*failed = r->line;
	return ok;
}

void routes_look(struct routes *r)
{
	if (r->sync == SYNCED && !routes_waiting(r) && r->head_at == r->tail_at)
		r->sync = MARK_DUE;
}

void routes_timeout(struct routes *r)
{
	struct item *it;

	if (!routes_waiting(r))
		return;
	r->owed++;
	r->sync = LIST_DUE;
	if (!r->now.family)
		return;
	it = item_find(r, &r->now);
	r->now.family = 0;
	it->said = false;
	it->later = true;
	it->told = UNSURE;
}

bool routes_waiting(const struct routes *r)
{
	return r->now.family || r->sync == LIST_SAID || r->sync == MARK_SAID;
}

bool routes_settled(const struct routes *r)
{
	return r->asked && r->sync == SYNCED && !r->now.family && r->head_at == r->tail_at &&
	       !r->failures;
}

bool routes_told(const struct routes *r, const struct lb_addr *addr)
{
	const struct item *it = item_find(r, addr);

	return it && it->told >= FOUND;
}

bool routes_refused(const struct routes *r, const struct lb_addr *addr)
{
	const struct item *it = item_find(r, addr);

	return it && it->failed;
}

struct routes *routes_new(const struct route_attrs *attrs, struct lb_err *err)
{
	struct routes *r = calloc(1, sizeof(*r));

	if (!r) {
		lb_fail(err, "out of memory");
		return NULL;
	}
	r->owed = 1; /* a dead predecessor's */
	if (route_text_init(&r->text, attrs, err) < 0) {
		routes_free(r);
		return NULL;
	}
	return r;
}

void routes_free(struct routes *r)
{
	if (!r)
		return;
	route_text_free(&r->text);
	free(r->item);
	free(r->queue);
	free(r->found);
	free(r);
}
