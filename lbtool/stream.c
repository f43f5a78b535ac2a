/* SPDX-License-Identifier: GPL-2.0 */
#include "lbtool/stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t told_to_end;

static void end(int sig)
{
	(void)sig;
	told_to_end = 1;
}

int stream_open(struct tool *t)
{
	/* Not SA_RESTART: a write to somebody who does not read is given up. */
	const struct sigaction act = {.sa_handler = end};
	struct sigaction hup;

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler != SIG_IGN) /* nohup(1) */
		sigaction(SIGHUP, &act, NULL);
	t->look.lines = true;
	return tool_out(t);
}

/* Of a pipe or a socket; files and terminals have always somebody. */
static bool nobody_reads(short events)
{
	return events & (POLLERR | POLLHUP | POLLNVAL);
}

int stream_wait(int fd, int ms)
{
	struct pollfd fds[] = {{.fd = STDOUT_FILENO}, {.fd = fd, .events = POLLIN}};
	int n = told_to_end ? -1 : poll(fds, 2, ms);

	if (told_to_end || (n > 0 && nobody_reads(fds[0].revents)))
		return -1;
	return n > 0 && fds[1].revents;
}

int stream_flush(struct tool *t)
{
	if (!lb_out_flush(t->out, stdout, &t->err))
		return 0;
	if (stream_wait(-1, 0) >= 0)
		return -1;
	clearerr(stdout);
	lb_out_free(t->out);
	t->out = NULL;
	return 1;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t stream_now(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t stream_real(uint64_t monotonic)
{
	return stream_now() - (clock_ns(CLOCK_MONOTONIC) - monotonic);
}

void stream_time(struct tool *t, uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000u);
	char day[32], text[48];
	struct tm tm;

	if (t->look.json) {
		lb_out_real(t->out, "time", (double)ns / 1e9, 5);
		return;
	}
	if (!gmtime_r(&seconds, &tm) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	snprintf(text, sizeof(text), "%s.%06uZ", day, (unsigned int)(ns % 1000000000u / 1000));
	lb_out_name(t->out, "time", text, LB_PLAIN);
}
