/* SPDX-License-Identifier: GPL-2.0 */
/*
 * steady - connections that are never idle, and who breaks.
 *
 *   steady serve PORT            echoes what comes, IPv4 and IPv6, until SIGTERM, or until its parent dies
 *   steady hold N PORT ADDRESS...    N connections over the addresses in turn, each of which sends 8 bytes every 100 ms
 *   steady flood N PORT ADDRESS  N SYNs to an IPv4 address, each from another source
 *
 * hold says "open N" when all stand. A line on stdin begins a count anew, and is answered by that of the time before:
 * "broken N stalled N": connections that were reset, closed or timed out, and those for which no echo came for 4 s. Both are
 * opened anew, so that each count begins with all of them. Ends at the end of stdin.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
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

#define PERIOD 100 /* milliseconds between two messages of a connection */
#define STALL 4000
#define TURN 5 /* milliseconds between two looks at the clock */

#define BATCH 256

struct syn {
	struct iphdr ip;
	struct tcphdr tcp;
};

struct conn {
	int fd;
	struct sockaddr_storage to;
	uint64_t next, heard; /* milliseconds */
	bool broken, stalled;
};

static struct conn *conns;
static int count, epfd;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void watch(int fd, void *ptr)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = ptr};

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

static void serve(int port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1, n, i;
	struct epoll_event ev[256];
	char buf[4096];

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&any, sizeof(any)) || listen(fd, 4096))
		die("listen");
	watch(fd, (void *)(long)fd);
	while ((n = epoll_wait(epfd, ev, 256, -1)) >= 0 || errno == EINTR) {
		for (i = 0; i < n; i++) {
			int from = (int)(long)ev[i].data.ptr;
			ssize_t len;

			if (from == fd) {
				while ((from = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
					watch(from, (void *)(long)from);
				continue;
			}
			len = read(from, buf, sizeof(buf));
			if (len > 0 ? write(from, buf, len) < 0 : len == 0 || errno != EAGAIN)
				close(from);
		}
	}
}

/* Waits for the connection: the caller wants them all to stand. */
static void open_one(struct conn *c)
{
	socklen_t len = c->to.ss_family == AF_INET ? sizeof(struct sockaddr_in)
						   : sizeof(struct sockaddr_in6);
	int on = 1, tries;

	for (tries = 0; tries < 5; tries++) {
		c->fd = socket(c->to.ss_family, SOCK_STREAM, 0);
		if (!connect(c->fd, (void *)&c->to, len))
			break;
		close(c->fd);
	}
	if (tries == 5)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->heard = now_ms();
	c->next = c->heard + (uint64_t)(c - conns) % PERIOD;
	c->broken = c->stalled = false;
	watch(c->fd, c);
}

static void lose(struct conn *c)
{
	c->broken = true;
	close(c->fd);
	c->fd = -1;
}

static void hear(struct conn *c)
{
	char buf[4096];
	ssize_t len = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (len > 0)
		c->heard = now_ms();
	else if (len == 0 || (errno != EAGAIN && errno != EINTR))
		lose(c);
}

static void speak(uint64_t now)
{
	int i;

	for (i = 0; i < count; i++) {
		struct conn *c = &conns[i];

		if (c->fd < 0)
			continue;
		c->stalled |= now - c->heard > STALL;
		if (now < c->next)
			continue;
		c->next += PERIOD;
		if (send(c->fd, "8 bytes\n", 8, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			lose(c);
	}
}

/* Tells the count so far, and makes all whole. */
static void tell(void)
{
	int broken = 0, stalled = 0, i;

	for (i = 0; i < count; i++) {
		broken += conns[i].broken;
		stalled += conns[i].stalled && !conns[i].broken;
	}
	for (i = 0; i < count; i++) {
		if (!conns[i].broken && !conns[i].stalled)
			continue;
		if (conns[i].fd >= 0)
			close(conns[i].fd);
		open_one(&conns[i]);
	}
	printf("broken %d stalled %d\n", broken, stalled);
	fflush(stdout);
}

static void hold(int n, int port, char **addr, int addrs)
{
	struct epoll_event ev[256];
	char line[80];
	int i, got;

	count = n;
	conns = calloc(n, sizeof(*conns));
	if (!conns)
		die("calloc");
	for (i = 0; i < n; i++) {
		struct sockaddr_in *v4 = (void *)&conns[i].to;
		struct sockaddr_in6 *v6 = (void *)&conns[i].to;
		const char *text = addr[i % addrs];

		if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
			*v4 = (struct sockaddr_in){AF_INET, htons(port), v4->sin_addr, {0}};
		else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
			*v6 = (struct sockaddr_in6){AF_INET6, htons(port), 0, v6->sin6_addr, 0};
		else
			exit(2);
		open_one(&conns[i]);
	}
	watch(0, NULL);
	printf("open %d\n", n);
	fflush(stdout);
	for (;;) {
		got = epoll_wait(epfd, ev, 256, TURN);
		for (i = 0; i < got; i++) {
			struct conn *c = ev[i].data.ptr;

			if (c && c->fd >= 0)
				hear(c);
			else if (!c && read(0, line, sizeof(line)) <= 0)
				return;
			else if (!c)
				tell();
		}
		speak(now_ms());
	}
}

static uint16_t sum_of(const void *bytes, size_t n, uint32_t sum)
{
	const uint16_t *w = bytes;

	for (; n > 1; n -= 2)
		sum += *w++;
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* Sources from 11.0.0.0 on, spread by an odd multiplier. */
static void make_syn(struct syn *p, uint32_t i, int port, struct in_addr to)
{
	const uint32_t src = htonl(0x0b000000 + (i * 2654435761u >> 8));
	uint16_t pseudo[6] = {[4] = htons(6), [5] = htons(20)};

	memcpy(pseudo, &src, 4);
	memcpy(pseudo + 2, &to.s_addr, 4);
	*p = (struct syn){
		.ip = {.version = 4,
		       .ihl = 5,
		       .tot_len = htons(40),
		       .ttl = 64,
		       .protocol = 6,
		       .saddr = src,
		       .daddr = to.s_addr},
		.tcp = {.source = htons(1024 + i % 60000),
			.dest = htons(port),
			.seq = i,
			.doff = 5,
			.syn = 1,
			.window = htons(1024)},
	};
	p->tcp.check = sum_of(&p->tcp, 20, (uint16_t)~sum_of(pseudo, 12, 0));
}

static void flood(uint32_t n, int port, const char *addr)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), i;
	static struct mmsghdr msg[BATCH];
	static struct iovec iov[BATCH];
	static struct syn syn[BATCH];
	uint32_t sent = 0;

	if (fd < 0 || inet_pton(AF_INET, addr, &to.sin_addr) != 1)
		die(addr);
	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){&syn[i], sizeof(*syn)};
		msg[i].msg_hdr = (struct msghdr){.msg_name = &to,
						 .msg_namelen = sizeof(to),
						 .msg_iov = &iov[i],
						 .msg_iovlen = 1};
	}
	while (sent < n) {
		for (i = 0; i < BATCH; i++)
			make_syn(&syn[i], sent + i, port, to.sin_addr);
		i = sendmmsg(fd, msg, BATCH, 0);
		sent += i > 0 ? i : 0;
	}
	printf("sent %u\n", sent);
}

int main(int argc, char **argv)
{
	struct rlimit files = {65536, 65536};

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setrlimit(RLIMIT_NOFILE, &files);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	else if (argc > 4 && !strcmp(argv[1], "hold"))
		hold(atoi(argv[2]), atoi(argv[3]), argv + 4, argc - 4);
	else if (argc == 5 && !strcmp(argv[1], "flood"))
		flood(atoi(argv[2]), atoi(argv[3]), argv[4]);
	else
		fprintf(stderr, "usage: steady serve PORT | hold N PORT ADDRESS...\n");
	return argc < 3;
}
