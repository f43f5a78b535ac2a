/* SPDX-License-Identifier: GPL-2.0 */
/*
 * servers - one process that answers at all addresses of its host, as if it were thousands of servers.
 *
 *   servers PORT        until SIGTERM, or until its parent dies
 *
 * Takes connections and answers each request with "200 OK" and three bytes; then it closes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 512

static const char answer[] =
	"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
static const char end_of_head[] = "\r\n\r\n";

static void die(const char *what)
{
	fprintf(stderr, "servers: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int listen_at(uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 65535))
		die("listen");
	return fd;
}

/* A connection is its descriptor and how many bytes of the end of a head it has seen: no memory of its own. */
static void watch(int ep, int op, int fd, unsigned int seen)
{
	struct epoll_event ev = {.events = EPOLLIN,
				 .data.u64 = (uint64_t)seen << 32 | (unsigned int)fd};

	if (epoll_ctl(ep, op, fd, &ev))
		die("epoll_ctl");
}

static void take_all(int ep, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(ep, EPOLL_CTL_ADD, fd, 0);
}

static void read_some(int ep, int fd, unsigned int seen)
{
	char data[4096];
	ssize_t n = read(fd, data, sizeof(data)), i;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	for (i = 0; i < n && end_of_head[seen]; i++)
		seen = data[i] == end_of_head[seen] ? seen + 1 : data[i] == '\r';
	if (n > 0 && end_of_head[seen]) {
		watch(ep, EPOLL_CTL_MOD, fd, seen);
		return;
	}
	if (n > 0 && send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0) {
		/* Its client is gone: nothing is lost. */
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct rlimit files = {.rlim_cur = 65536, .rlim_max = 65536};
	struct epoll_event ev[EVENTS];
	int port = argc == 2 ? atoi(argv[1]) : 0, listener, ep, n, i;

	if (port < 1 || port > 65535) {
		fputs("usage: servers PORT\n", stderr);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setrlimit(RLIMIT_NOFILE, &files); /* with fewer it serves fewer at a time */
	listener = listen_at((uint16_t)port);
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0)
		die("epoll");
	watch(ep, EPOLL_CTL_ADD, listener, 0);
	for (;;) {
		n = epoll_wait(ep, ev, EVENTS, -1);
		for (i = 0; i < n; i++) {
			int fd = (int)(uint32_t)ev[i].data.u64;

			if (fd == listener)
				take_all(ep, listener);
			else
				read_some(ep, fd, (unsigned int)(ev[i].data.u64 >> 32));
		}
	}
}
