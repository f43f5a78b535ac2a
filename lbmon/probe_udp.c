// SPDX-License-Identifier: GPL-2.0
/* probe_udp.c - a datagram there, and one back that holds what is expected. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lbmon/probe_internal.h"

#define A_ROUND 16 /* datagrams that one probe looks at before others have their turn */

static void udp_ready(void *arg, uint32_t events)
{
	static char answer[UINT16_MAX + 1];
	struct probe *probe = arg;
	const char *expect = probe->target.check.expect;
	int fd = (int)(intptr_t)probe->own, i;

	(void)events;
	for (i = 0; i < A_ROUND; i++) {
		ssize_t n = recv(fd, answer, sizeof(answer), 0);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				probe_end(probe, PROBE_BAD, "%s", probe_strerror(errno));
			return;
		}
		if (memmem(answer, (size_t)n, expect, strlen(expect))) {
			probe_end(probe, PROBE_GOOD, "answer in %llu ms", probe_took(probe));
			return;
		}
		snprintf(probe->text, sizeof(probe->text), "answer does not contain \"%s\"",
			 expect);
	}
}

static int udp_start(struct probe *probe, char text[PROBE_TEXT])
{
	const char *datagram = probe->target.check.send;
	int fd = probe_socket(probe, SOCK_DGRAM, text), ret;
	struct lb_err err;

	if (fd < 0)
		return PROBE_START_UNASKED;
	ret = probe_connect(probe, fd);
	if (!ret && send(fd, datagram, strlen(datagram), MSG_NOSIGNAL) < 0)
		ret = errno;
	if (ret) {
		snprintf(text, PROBE_TEXT, "%s", probe_strerror(ret));
		close(fd);
		return probe_blame(ret) == PROBE_BAD ? PROBE_START_BAD : PROBE_START_UNASKED;
	}
	if (loop_fd(probe->loop, fd, EPOLLIN, udp_ready, probe, &err)) {
		snprintf(text, PROBE_TEXT, "%.*s", PROBE_TEXT - 1, err.msg);
		close(fd);
		return PROBE_START_UNASKED;
	}
	probe->own = (void *)(intptr_t)fd;
	return 0;
}

static void udp_stop(struct probe *probe)
{
	int fd = (int)(intptr_t)probe->own;
	struct lb_err err;

	loop_fd(probe->loop, fd, 0, NULL, NULL, &err);
	close(fd);
}

const struct probe_kind probe_udp = {.burst = 128, .start = udp_start, .stop = udp_stop};
