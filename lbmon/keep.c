/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Any news of the network has all addresses gone through again, a few at a time, so that ten thousand of them do not hold
 * up the checks; and a slow turn goes on always, for what no news told.
 */
#include "lbmon/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lbmon/log.h"
#include "lib/hops.h"

#define BATCH 128u
#define NEWS_WAIT 100u /* milliseconds: news come in swarms */
#define TURN 10000u /* milliseconds between two turns without news */

struct keep {
	struct loop *loop;
	struct lb_nl *nl;
	bool passive;
	int news;
	struct timer *timer;
	struct lb_addr *addr; /* sorted, distinct */
	size_t n, at; /* at: next to be looked after */
	bool anew; /* news came since a turn began */
	size_t troubles, said; /* in this turn, and in the last one that was told of */
};

static void trouble(void *arg, enum lb_hop_trouble kind, const struct lb_addr *addr,
		    const char *what)
{
	struct keep *k = arg;
	char word[LB_ADDR_STRLEN];

	/* One of the peers is this host itself; that a real is, lbtool refuses. */
	if (kind == LB_HOP_OWN)
		return;
	/* One line for the first of a turn, when their number changed. */
	if (k->troubles++ == 0 && !k->said) {
		format_addr(addr, word);
		log_event("next-hop", kind == LB_HOP_REFUSED ? "neighbour" : "real", word, "error",
			  what, NULL);
	}
}

static void turn(void *arg)
{
	struct keep *k = arg;
	size_t n = k->n - k->at < BATCH ? k->n - k->at : BATCH;

	if (!k->at) {
		k->troubles = 0;
		k->anew = false;
	}
	if (n && !k->passive)
		lb_hops_keep(k->nl, k->addr + k->at, n, trouble, k);
	k->at += n;
	if (k->at < k->n) {
		timer_set(k->timer, 1); /* others have their turn in between */
		return;
	}
	if (k->said && !k->troubles)
		log_event("next-hop", "state", "all found", NULL);
	k->said = k->troubles;
	k->at = 0;
	timer_set(k->timer, k->anew ? NEWS_WAIT : TURN);
}

static void news(void *arg, uint32_t events)
{
	struct keep *k = arg;

	(void)events;
	if (!(lb_nl_news_read(k->news) & ~LB_NEWS_NEIGH))
		return;
	/* The first of a swarm sets the timer; what comes later finds it set, else a steady stream would put it off for ever. */
	if (!k->at && !k->anew)
		timer_set(k->timer, NEWS_WAIT);
	k->anew = true;
}

struct keep *keep_new(struct loop *l, struct lb_nl *nl, bool passive, struct lb_err *err)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (!k) {
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	*k = (struct keep){.loop = l, .nl = nl, .passive = passive};
	k->news = lb_nl_news_open(err);
	k->timer = k->news < 0 ? NULL : timer_new(l, turn, k, err);
	if (!k->timer || loop_fd(l, k->news, EPOLLIN, news, k, err)) {
		keep_free(k);
		return NULL;
	}
	return k;
}

void keep_free(struct keep *k)
{
	struct lb_err ignored;

	if (!k)
		return;
	timer_free(k->timer);
	if (k->news >= 0) {
		loop_fd(k->loop, k->news, 0, NULL, NULL, &ignored);
		close(k->news);
	}
	free(k->addr);
	free(k);
}

static int by_addr(const void *a, const void *b)
{
	return lb_addr_cmp(a, b);
}

void keep_set(struct keep *k, struct lb_addr *addr, size_t n)
{
	size_t i, kept = 0;

	qsort(addr, n, sizeof(*addr), by_addr);
	for (i = 0; i < n; i++)
		if (!kept || lb_addr_cmp(&addr[kept - 1], &addr[i]))
			addr[kept++] = addr[i];
	free(k->addr);
	k->addr = addr;
	k->n = kept;
	k->at = 0;
	k->anew = false;
	timer_set(k->timer, 0);
}
