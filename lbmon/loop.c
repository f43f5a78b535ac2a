// SPDX-License-Identifier: GPL-2.0
#include "lbmon/loop_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64 /* descriptors a round */
#define ROUND \
	10u /* milliseconds after which the rest waits for the next round: a TLS handshake takes one */

static uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t loop_now(const struct loop *l)
{
	return l->now;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

void *loop_grown(void *p, size_t n, size_t *room, size_t size)
{
	size_t want = *room ? *room : 16;

	if (n <= *room)
		return p;
	while (want < n)
		want *= 2;
	p = reallocarray(p, want, size);
	if (p) {
		memset((char *)p + *room * size, 0, (want - *room) * size);
		*room = want;
	}
	return p;
}

/* Descriptors */

static int fd_remove(struct loop *l, int fd)
{
	struct watcher *w = &l->fds[fd];

	if (w->plain)
		l->n_plain--;
	else
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL); /* it may be closed already */
	*w = (struct watcher){.age = w->age + 1};
	return 0;
}

static int fd_control(struct loop *l, int fd, bool known, uint32_t events)
{
	struct epoll_event ev = {
		.events = events,
		.data.u64 = (uint64_t)l->fds[fd].age << 32 | (uint32_t)fd,
	};

	/* Known, but the kernel does not know it: closed, and the number is another's now. */
	if (known) {
		if (!epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &ev))
			return 0;
		if (errno != ENOENT)
			return -1;
	}
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev);
}

int loop_fd(struct loop *l, int fd, uint32_t events, void (*ready)(void *arg, uint32_t events),
	    void *arg, struct lb_err *err)
{
	struct watcher *w;
	bool known;

	if (!events)
		return fd >= 0 && (size_t)fd < l->n_fds && l->fds[fd].ready ? fd_remove(l, fd) : 0;
	if (fd < 0)
		return lb_fail(err, "epoll: %s", strerror(EBADF));
	w = loop_grown(l->fds, (size_t)fd + 1, &l->n_fds, sizeof(*w));
	if (!w)
		return lb_fail(err, "%s", strerror(ENOMEM));
	l->fds = w;
	w += fd;
	known = w->ready && !w->plain;
	w->age++;
	if (w->plain)
		l->n_plain--;
	w->plain = false;
	if (fd_control(l, fd, known, events)) {
		if (errno != EPERM) {
			*w = (struct watcher){.age = w->age};
			return lb_fail(err, "epoll: descriptor %d: %s", fd, strerror(errno));
		}
		w->plain = true;
		l->n_plain++;
	}
	w->ready = ready;
	w->arg = arg;
	w->events = events;
	return 0;
}

static void fd_events(struct loop *l, const struct epoll_event *ev, int n)
{
	for (int i = 0; i < n && !l->stop && clock_ms() < l->now + ROUND; i++) {
		const struct watcher *w = &l->fds[(uint32_t)ev[i].data.u64];

		if (w->age == ev[i].data.u64 >> 32)
			w->ready(w->arg, ev[i].events);
	}
}

static void fd_plain(struct loop *l)
{
	/* Those that a callback adds have their turn in the next round, or in this: both will do. */
	for (size_t i = 0; i < l->n_fds && l->n_plain && !l->stop; i++)
		if (l->fds[i].plain)
			l->fds[i].ready(l->fds[i].arg, l->fds[i].events);
}

static void timer_due(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
}

/* Signals and children */

static void signals_read(void *arg, uint32_t events)
{
	struct loop *l = arg;
	struct signalfd_siginfo si[16];
	ssize_t n = read(l->signalfd, si, sizeof(si));

	(void)events;
	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(*si); i++) {
		uint32_t no = si[i].ssi_signo;

		if (no == SIGCHLD)
			l->reap = true;
		if (no < NSIG && l->signal[no].got)
			l->signal[no].got(l->signal[no].arg);
	}
}

static int signal_take(struct loop *l, int signo)
{
	sigset_t one;

	sigemptyset(&one);
	if (sigaddset(&one, signo))
		return -1;
	sigaddset(&l->signals, signo);
	if (sigprocmask(SIG_BLOCK, &one, NULL))
		return -1;
	return signalfd(l->signalfd, &l->signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

int loop_signal(struct loop *l, int signo, void (*got)(void *arg), void *arg, struct lb_err *err)
{
	if (signo <= 0 || signo >= NSIG || signal_take(l, signo) < 0)
		return lb_fail(err, "signal %d: %s", signo, strerror(errno));
	l->signal[signo].got = got;
	l->signal[signo].arg = arg;
	return 0;
}

int loop_child(struct loop *l, pid_t pid, void (*ended)(void *arg, int status), void *arg,
	       struct lb_err *err)
{
	struct child *c = loop_grown(l->children, l->n_children + 1, &l->children_room, sizeof(*c));

	if (!c)
		return lb_fail(err, "%s", strerror(ENOMEM));
	l->children = c;
	c[l->n_children++] = (struct child){.pid = pid, .ended = ended, .arg = arg};
	l->reap = true; /* it may have ended before it was made known */
	return 0;
}

void loop_child_forget(struct loop *l, pid_t pid)
{
	for (size_t i = 0; i < l->n_children; i++)
		if (l->children[i].pid == pid)
			l->children[i].ended = NULL;
}

static void children_reap(struct loop *l)
{
	l->reap = false;
	/* Downwards: what a callback adds, or what moves into a gap, need not be seen in this round. */
	for (size_t i = l->n_children; i-- > 0 && !l->stop;) {
		struct child c = l->children[i];
		int status = 127 << 8; /* not ours: somebody else has reaped it */

		if (waitpid(c.pid, &status, WNOHANG) == 0)
			continue;
		l->children[i] = l->children[--l->n_children];
		if (c.ended)
			c.ended(c.arg, status);
	}
}

/* The loop */

struct loop *loop_new(struct lb_err *err)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l) {
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	l->timerfd = l->signalfd = -1;
	sigemptyset(&l->signals);
	sigprocmask(SIG_BLOCK, NULL, &l->before);
	signal(SIGCHLD, SIG_DFL); /* when inherited as ignored, nobody could be waited for */
	l->now = clock_ms();
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	l->signalfd = signal_take(l, SIGCHLD);
	if (l->epoll < 0 || l->timerfd < 0 || l->signalfd < 0) {
		lb_fail(err, "event loop: %s", strerror(errno));
	} else if (!loop_fd(l, l->timerfd, EPOLLIN, timer_due, l, err) &&
		   !loop_fd(l, l->signalfd, EPOLLIN, signals_read, l, err)) {
		return l;
	}
	loop_free(l);
	return NULL;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->timerfd >= 0)
		close(l->timerfd);
	if (l->signalfd >= 0)
		close(l->signalfd);
	sigprocmask(SIG_SETMASK, &l->before, NULL);
	free(l->fds);
	free(l->heap);
	free(l->children);
	free(l);
}

int loop_run(struct loop *l, struct lb_err *err)
{
	struct epoll_event ev[BATCH];

	while (!l->stop) {
		int n;

		loop_timers_arm(l);
		n = epoll_wait(l->epoll, ev, BATCH, l->n_plain || l->reap ? 0 : -1);
		if (n < 0 && errno != EINTR)
			return lb_fail(err, "epoll: %s", strerror(errno));
		l->now = clock_ms();
		fd_events(l, ev, n);
		if (l->n_plain)
			fd_plain(l);
		if (l->reap)
			children_reap(l);
		loop_timers_fire(l);
	}
	l->stop = false;
	return 0;
}
