/* SPDX-License-Identifier: GPL-2.0 */
#include "lbmon/linger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <unistd.h>

#define PATIENCE 200u /* milliseconds */
#define MOST 4096u /* descriptors */
#define BYTES (256u << 10)

struct one {
	struct lingers *all;
	int fd;
	size_t seen;
	uint64_t until;
	TAILQ_ENTRY(one) list;
};

TAILQ_HEAD(one_list, one);

struct lingers {
	struct loop *loop;
	struct timer *timer; /* of the oldest: all wait equally long */
	unsigned int n;
	struct one_list list;
};

static void end(struct one *o)
{
	struct lingers *all = o->all;
	struct lb_err ignored;

	loop_fd(all->loop, o->fd, 0, NULL, NULL, &ignored);
	close(o->fd);
	TAILQ_REMOVE(&all->list, o, list);
	all->n--;
	free(o);
}

static void ready(void *arg, uint32_t events)
{
	static char rest[16384];
	struct one *o = arg;
	ssize_t n = read(o->fd, rest, sizeof(rest));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		o->seen += (size_t)n;
		if (o->seen < BYTES)
			return;
	}
	end(o);
}

static void expire(void *arg)
{
	struct lingers *all = arg;
	uint64_t now = loop_now(all->loop);
	struct one *o, *next;

	for (o = TAILQ_FIRST(&all->list); o && o->until <= now; o = next) {
		next = TAILQ_NEXT(o, list);
		end(o);
	}
	if (o)
		timer_set(all->timer, o->until - now);
}

void linger(struct lingers *all, int fd)
{
	struct one *o = all->n < MOST ? malloc(sizeof(*o)) : NULL;
	struct lb_err ignored;

	if (!o || loop_fd(all->loop, fd, EPOLLIN, ready, o, &ignored)) {
		free(o);
		close(fd);
		return;
	}
	*o = (struct one){.all = all, .fd = fd, .until = loop_now(all->loop) + PATIENCE};
	if (!all->n++)
		timer_set(all->timer, PATIENCE);
	TAILQ_INSERT_TAIL(&all->list, o, list);
}

struct lingers *lingers_new(struct loop *l, struct lb_err *err)
{
	struct lingers *all = calloc(1, sizeof(*all));

	if (!all) {
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	all->loop = l;
	TAILQ_INIT(&all->list);
	all->timer = timer_new(l, expire, all, err);
	if (all->timer)
		return all;
	free(all);
	return NULL;
}

void lingers_free(struct lingers *all)
{
	struct one *o, *next;

	if (!all)
		return;
	for (o = TAILQ_FIRST(&all->list); o; o = next) {
		next = TAILQ_NEXT(o, list);
		end(o);
	}
	timer_free(all->timer);
	free(all);
}
