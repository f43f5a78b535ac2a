// SPDX-License-Identifier: GPL-2.0
/* probe_tcp.c - does it take connections? And the sockets of all kinds. */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lbmon/probe_internal.h"

int probe_socket(const struct probe *probe, int type, char text[PROBE_TEXT])
{
	static const struct linger reset = {.l_onoff = 1};
	uint32_t mark = probe->target.mark;
	int fd, err;

	fd = socket(probe->target.addr.family == 6 ? AF_INET6 : AF_INET,
		    type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(text, PROBE_TEXT, "%s", probe_strerror(errno));
		return -1;
	}
	if (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark))) {
		err = errno;
		if (err == EPERM)
			snprintf(text, PROBE_TEXT, "no permission to set SO_MARK (CAP_NET_ADMIN)");
		else
			snprintf(text, PROBE_TEXT, "SO_MARK: %s", probe_strerror(err));
		close(fd);
		return -1;
	}
	if (type ==
	    SOCK_STREAM) /* never fails on one's own socket, and TIME_WAIT is all that it spares */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return fd;
}

int probe_connect(const struct probe *probe, int fd)
{
	const struct probe_target *t = &probe->target;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(t->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(t->port)};
	int ret;

	memcpy(&in.sin_addr, t->addr.b, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, t->addr.b, sizeof(in6.sin6_addr));
	ret = t->addr.family == 6 ? connect(fd, (struct sockaddr *)&in6, sizeof(in6))
				  : connect(fd, (struct sockaddr *)&in, sizeof(in));
	return ret ? errno : 0;
}

enum probe_answer probe_blame(int err)
{
	switch (err) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EAGAIN: /* no port left, says connect(2) */
	case EADDRNOTAVAIL:
	case EPERM: /* our own firewall */
	case EACCES:
		return PROBE_UNASKED;
	default:
		return PROBE_BAD;
	}
}

/* connect(2) again tells how the first one went, and unlike SO_ERROR it knows one that is still under way. */
static void tcp_ready(void *arg, uint32_t events)
{
	struct probe *probe = arg;
	int err = probe_connect(probe, (int)(intptr_t)probe->own);

	(void)events;
	if (!err || err == EISCONN)
		probe_end(probe, PROBE_GOOD, "connected in %llu ms", probe_took(probe));
	else if (err != EALREADY && err != EINPROGRESS && err != EINTR)
		probe_end(probe, probe_blame(err), "%s", probe_strerror(err));
}

static int tcp_start(struct probe *probe, char text[PROBE_TEXT])
{
	int fd = probe_socket(probe, SOCK_STREAM, text), ret;
	struct lb_err err;

	if (fd < 0)
		return PROBE_START_UNASKED;
	ret = probe_connect(probe, fd);
	if (ret && ret != EINPROGRESS) {
		snprintf(text, PROBE_TEXT, "%s", probe_strerror(ret));
		close(fd);
		return probe_blame(ret) == PROBE_BAD ? PROBE_START_BAD : PROBE_START_UNASKED;
	}
	if (loop_fd(probe->loop, fd, EPOLLOUT, tcp_ready, probe, &err)) {
		snprintf(text, PROBE_TEXT, "%.*s", PROBE_TEXT - 1, err.msg);
		close(fd);
		return PROBE_START_UNASKED;
	}
	probe->own = (void *)(intptr_t)fd;
	return 0;
}

static void tcp_stop(struct probe *probe)
{
	int fd = (int)(intptr_t)probe->own;
	struct lb_err err;

	loop_fd(probe->loop, fd, 0, NULL, NULL, &err);
	close(fd);
}

const struct probe_kind probe_tcp = {.burst = 256, .start = tcp_start, .stop = tcp_stop};
