/* SPDX-License-Identifier: GPL-2.0 */
/*
 * asker - asks HTTP servers at a steady rate, each time over a new connection, and says how each of them went.
 *
 *   asker RATE ADDRESS...        until SIGTERM, or until its parent dies
 *
 * Begins RATE requests a second, for "/" on port 80 of each address in turn, however slowly the answers come. When one is
 * over, says on a line: when, in seconds since 1970; how it went, in curl's numbers (0 a 200 came, 7 not connected, 22
 * another status, 28 nothing within LIMIT seconds, 52 closed without an answer, 56 reset); how long it took, in
 * seconds; and who answered, by the header X-Real, or "-".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LIMIT 8.0 /* seconds: a SYN is sent again after 1, 3 and 7 */
#define CONNS 8192
#define ANSWER 1024 /* bytes of an answer that are kept */

enum { GOOD = 0, NOT_CONNECTED = 7, BAD_STATUS = 22, TOO_LATE = 28, EMPTY = 52, RESET = 56 };

struct conn {
	int fd; /* -1: free */
	bool sent;
	double begin;
	size_t len;
	char answer[ANSWER + 1];
};

static struct conn conns[CONNS];
static int epoll;
static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "asker: %s: %s\n", what, strerror(errno));
	exit(2);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void over(struct conn *c, int how)
{
	char who[32] = "-";
	const char *real = strstr(c->answer, "\r\nX-Real: ");
	double t = now();

	if (real)
		sscanf(real, "\r\nX-Real: %31[!-~]", who);
	printf("%.6f %d %.6f %s\n", t, how, t - c->begin, who);
	close(c->fd);
	c->fd = -1;
}

static void ask(struct conn *c, const struct sockaddr_storage *to)
{
	struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
	socklen_t len = to->ss_family == AF_INET ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6);

	*c = (struct conn){.begin = now()};
	c->fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e))
		die("socket");
	if (connect(c->fd, (const struct sockaddr *)to, len) && errno != EINPROGRESS)
		over(c, NOT_CONNECTED);
}

static void talk(struct conn *c)
{
	static const char request[] = "GET / HTTP/1.0\r\nHost: asker\r\n\r\n";
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

	if (send(c->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1)
		over(c, NOT_CONNECTED);
	else if (epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e))
		die("epoll_ctl");
	c->sent = true;
}

static int judge(const struct conn *c)
{
	if (!c->len)
		return EMPTY;
	return strncmp(c->answer, "HTTP/1.1 200 ", 13) ? BAD_STATUS : GOOD;
}

static void listen_to(struct conn *c)
{
	char rest[4096];
	bool room = c->len < ANSWER;
	ssize_t n = room ? recv(c->fd, c->answer + c->len, ANSWER - c->len, 0)
			 : recv(c->fd, rest, sizeof(rest), 0);

	if (n < 0 && errno != EAGAIN)
		over(c, RESET);
	else if (!n)
		over(c, judge(c));
	else if (n > 0 && room)
		c->len += (size_t)n;
}

static void events(int wait)
{
	struct epoll_event e[256];
	int n = epoll_wait(epoll, e, 256, wait);

	while (n-- > 0) {
		struct conn *c = e[n].data.ptr;

		if (c->sent)
			listen_to(c);
		else
			talk(c);
	}
}

static void drop_late(void)
{
	double t = now();
	size_t i;

	for (i = 0; i < CONNS; i++)
		if (conns[i].fd >= 0 && t - conns[i].begin > LIMIT)
			over(&conns[i], TOO_LATE);
}

static struct conn *spare(void)
{
	size_t i;

	for (i = 0; i < CONNS; i++)
		if (conns[i].fd < 0)
			return &conns[i];
	errno = ENFILE;
	die("too many open requests");
	return NULL;
}

static void parse_addr(const char *word, struct sockaddr_storage *to)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	*to = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, word, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(80);
	} else if (inet_pton(AF_INET6, word, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(80);
	} else {
		fprintf(stderr, "asker: \"%s\": must be an address\n", word);
		exit(2);
	}
}

static void run(double rate, const struct sockaddr_storage *to, int n)
{
	double begin = now(), swept = begin;
	uint64_t asked = 0;

	while (!stop) {
		double t = now();

		while ((double)asked < (t - begin) * rate)
			ask(spare(), &to[asked++ % (uint64_t)n]);
		events(1);
		if (t - swept < 0.05)
			continue;
		swept = t;
		drop_late();
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_storage to[16];
	struct rlimit files;
	double rate;
	int i;

	rate = argc > 2 ? atof(argv[1]) : 0;
	if (!(rate > 0 && rate <= 100000) || argc > 18) {
		fprintf(stderr, "usage: asker RATE ADDRESS...\n");
		return 2;
	}
	for (i = 2; i < argc; i++)
		parse_addr(argv[i], &to[i - 2]);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (i = 0; i < CONNS; i++)
		conns[i].fd = -1;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		die("epoll");
	run(rate, to, argc - 2);
	fflush(stdout);
	return 0;
}
