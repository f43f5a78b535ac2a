/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The descriptors stay as they are, blocking: others may share them. What is ready is read once a round, and a
 * pipe that is ready takes a line of less than PIPE_BUF bytes whole.
 */
#include "lbmon/bgp.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lbmon/log.h"

#define NEIGHBORS 30000u /* milliseconds between two looks whether ExaBGP has other neighbors */
#define ANSWER 10000u /* milliseconds after which a command counts as not heard */
#define LINE 4096 /* of an answer; longer ones are junk */

struct bgp {
	struct loop *loop;
	struct routes *routes;
	int in, out;
	void (*gone)(void *arg);
	void (*said)(void *arg);
	void *arg;
	struct timer *answer, *kick, *look;
	bool ended, blocked; /* blocked: waits for room in the pipe */
	char line[LINE]; /* the beginning of the line that is being read */
	size_t len;
	bool junk; /* the line is too long already */
	char say[ROUTE_LINE]; /* what is left to be written of a command */
	size_t left;
};

static void end(struct bgp *b)
{
	struct lb_err ignored;

	if (b->ended)
		return;
	b->ended = true;
	timer_stop(b->answer);
	loop_fd(b->loop, b->in, 0, NULL, NULL, &ignored);
	if (b->blocked)
		loop_fd(b->loop, b->out, 0, NULL, NULL, &ignored);
	b->blocked = false;
	b->gone(b->arg);
}

static void writable(void *arg, uint32_t events)
{
	struct bgp *b = arg;

	(void)events;
	timer_set(b->kick, 0);
}

/* True when the pipe took all of it. */
static bool put(struct bgp *b)
{
	struct pollfd p = {.fd = b->out, .events = POLLOUT};
	struct lb_err err;
	ssize_t n = 0;

	if (poll(&p, 1, 0) == 1 && p.revents) {
		n = write(b->out, b->say, b->left);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			log_event("exabgp", "error", strerror(errno), NULL);
			end(b);
			return false;
		}
		n = n < 0 ? 0 : n;
	}
	b->left -= (size_t)n;
	memmove(b->say, b->say + n, b->left);
	if (!b->left == !b->blocked)
		return !b->left;
	/* Watched only while it is full: it is writable nearly always. */
	b->blocked = b->left;
	if (loop_fd(b->loop, b->out, b->blocked ? EPOLLOUT : 0, writable, b, &err))
		timer_set(b->kick, 100);
	return !b->left;
}

static void speak(void *arg)
{
	struct bgp *b = arg;

	if (b->ended || (b->left && !put(b)))
		return;
	while (routes_next(b->routes, b->say)) {
		b->left = strlen(b->say);
		timer_set(b->answer, ANSWER);
		if (!put(b))
			return;
	}
}

void bgp_kick(struct bgp *b)
{
	if (!b->ended)
		timer_set(b->kick, 0);
}

static void unanswered(void *arg)
{
	struct bgp *b = arg;

	if (!routes_waiting(b->routes))
		return;
	log_event("exabgp", "error", "no answer", NULL);
	routes_timeout(b->routes);
	/* It may not even have been heard: what is left of it is said first. */
	speak(b);
}

static void look(void *arg)
{
	struct bgp *b = arg;

	if (b->ended)
		return;
	routes_look(b->routes);
	timer_set(b->look, NEIGHBORS);
	speak(b);
}

static void take_line(struct bgp *b, const char *line)
{
	const char *failed = NULL;

	if (!routes_answer(b->routes, line, &failed))
		log_event("exabgp", "error", "refused", "command", failed, NULL);
	if (!routes_waiting(b->routes))
		timer_stop(b->answer);
}

static void take(struct bgp *b, const char *text, size_t n)
{
	while (n) {
		const char *nl = memchr(text, '\n', n);
		size_t part = nl ? (size_t)(nl - text) : n;

		if (b->len + part >= sizeof(b->line))
			b->junk = true;
		if (!b->junk) {
			memcpy(b->line + b->len, text, part);
			b->len += part;
		}
		if (!nl)
			return;
		/* A NUL in it makes it another line than it seems. */
		if (!b->junk && !memchr(b->line, '\0', b->len)) {
			b->line[b->len] = '\0';
			take_line(b, b->line);
		}
		b->len = 0;
		b->junk = false;
		text += part + 1;
		n -= part + 1;
	}
}

static void readable(void *arg, uint32_t events)
{
	struct bgp *b = arg;
	char text[16384];
	ssize_t n = read(b->in, text, sizeof(text));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(b);
		return;
	}
	take(b, text, (size_t)n);
	speak(b);
	if (!b->ended)
		b->said(b->arg);
}

struct bgp *bgp_new(struct loop *l, int in, int out, struct routes *r, void (*gone)(void *arg),
		    void (*said)(void *arg), void *arg, struct lb_err *err)
{
	struct bgp *b = calloc(1, sizeof(*b));

	if (!b) {
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	*b = (struct bgp){
		.loop = l,
		.routes = r,
		.in = in,
		.out = out,
		.gone = gone,
		.said = said,
		.arg = arg,
	};
	b->answer = timer_new(l, unanswered, b, err);
	b->kick = b->answer ? timer_new(l, speak, b, err) : NULL;
	b->look = b->kick ? timer_new(l, look, b, err) : NULL;
	if (!b->look || loop_fd(l, in, EPOLLIN, readable, b, err)) {
		b->ended = true;
		bgp_free(b);
		return NULL;
	}
	bgp_kick(b);
	timer_set(b->look, NEIGHBORS);
	return b;
}

void bgp_free(struct bgp *b)
{
	struct lb_err ignored;

	if (!b)
		return;
	timer_free(b->answer);
	timer_free(b->kick);
	timer_free(b->look);
	if (!b->ended)
		loop_fd(b->loop, b->in, 0, NULL, NULL, &ignored);
	if (b->blocked)
		loop_fd(b->loop, b->out, 0, NULL, NULL, &ignored);
	free(b);
}
