// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/probe_lab.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVERS 16
#define FILLERS 8

struct loop *loop;
struct probes *probes;
char dir[] = "/tmp/lb-probe-XXXXXX";

static pid_t server[SERVERS];
static size_t servers;
static int filler[FILLERS];
static size_t fillers, open_before;
static unsigned int calls, wanted, gap[3]; /* the longest first */
static struct timer *tick, *end;
static struct timespec ticked;
static long kept;

size_t descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* How long a busy machine let this process wait for a CPU, in nanoseconds: no fault of the loop's. */
static long kept_waiting(void)
{
	FILE *f = fopen("/proc/self/schedstat", "re");
	long ns = 0;

	if (f && fscanf(f, "%*d %ld", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

static void note_gap(long ms)
{
	for (size_t i = 0; i < 3; i++) {
		long shorter = gap[i];

		if (ms <= shorter)
			continue;
		gap[i] = (unsigned int)ms;
		ms = shorter;
	}
}

static void measure(void *arg)
{
	long waited = kept_waiting(), ms;
	struct timespec now;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (now.tv_sec - ticked.tv_sec) * 1000 +
	     (now.tv_nsec - ticked.tv_nsec - (waited - kept)) / 1000000;
	if (ticked.tv_sec)
		note_gap(ms);
	kept = waited;
	ticked = now;
	timer_set(tick, 1);
}

static void enough(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

void lab_up(void)
{
	struct lb_err err;

	open_before = descriptors();
	cr_assert(mkdtemp(dir));
	loop = loop_new(&err);
	cr_assert(loop);
	tick = timer_new(loop, measure, NULL, &err);
	end = timer_new(loop, enough, NULL, &err);
	probes = probes_new(loop, &err);
	cr_assert(tick && end && probes);
}

void lab_down(void)
{
	char command[64];

	probes_free(probes);
	timer_free(tick);
	timer_free(end);
	loop_free(loop);
	while (servers) {
		kill(server[--servers], SIGKILL);
		waitpid(server[servers], NULL, 0);
	}
	while (fillers)
		close(filler[--fillers]);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	cr_expect(!system(command));
	cr_expect_eq(descriptors(), open_before, "%zu descriptors, %zu before", descriptors(),
		     open_before);
}

void answered(void *arg, enum probe_answer answer, const char *text)
{
	struct answer *a = arg;
	const char *p;

	a->calls++;
	a->ok = answer == PROBE_GOOD;
	a->answer = answer;
	snprintf(a->text, sizeof(a->text), "%s", text);
	for (p = text; *p; p++)
		cr_assert(*p >= ' ' && *p <= '~', "not printable: \"%s\"", text);
	if (++calls == wanted)
		loop_stop(loop);
}

unsigned int answers(void)
{
	return calls;
}

static void run(void)
{
	struct lb_err err;

	ticked = (struct timespec){0};
	timer_set(tick, 0);
	cr_assert(!loop_run(loop, &err), "%s", err.msg);
}

void run_for(unsigned int ms)
{
	wanted = 0;
	timer_set(end, ms);
	run();
}

void run_until(unsigned int answers_in_all, unsigned int ms)
{
	wanted = answers_in_all;
	if (calls >= wanted)
		return;
	timer_set(end, ms);
	run();
	cr_assert_eq(calls, wanted, "%u answers of %u in %u ms", calls, wanted, ms);
}

unsigned int longest_gap(void)
{
	unsigned int ms = gap[0] < 1000 ? gap[2] : gap[0];

	memset(gap, 0, sizeof(gap));
	return ms;
}

const char *ask(const struct probe_target *t)
{
	static char said[160];
	struct answer a = {0};
	char *ms;

	cr_assert(probe_start(probes, t, answered, &a));
	cr_assert_eq(a.calls, 0, "a call from within probe_start()");
	run_until(calls + 1, t->check.timeout + 20000);
	ms = strstr(a.text, " ms");
	if (a.ok && ms) {
		while (ms > a.text && ms[-1] >= '0' && ms[-1] <= '9')
			ms--;
		snprintf(ms, 8, "N ms");
	}
	snprintf(said, sizeof(said), "%c %s",
		 a.ok			     ? '+'
		 : a.answer == PROBE_UNASKED ? '?'
					     : '-',
		 a.text);
	return said;
}

struct probe_target target(enum lb_m_check_kind kind, uint16_t port)
{
	struct probe_target t = {
		.addr = {.family = 4, .b = {127, 0, 0, 1}},
		.real = {.family = 4, .b = {127, 0, 0, 1}},
		.port = port,
		.check = lb_check_default,
	};

	t.check.kind = kind;
	t.check.timeout = 10000; /* nothing fails because this machine has other work */
	return t;
}

/* A socket on loopback and its port. */
static int bound(int type, uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	cr_assert(fd >= 0 && !bind(fd, (struct sockaddr *)&a, len) &&
		  !getsockname(fd, (struct sockaddr *)&a, &len));
	*port = ntohs(a.sin_port);
	return fd;
}

/* True in the child, which dies with the test. */
static bool forked(void)
{
	sigset_t none;
	pid_t pid = fork();

	cr_assert(pid >= 0 && servers < SERVERS);
	if (pid) {
		server[servers++] = pid;
		return false;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return true;
}

uint16_t tcp_server(void (*talk)(int fd))
{
	uint16_t port;
	int fd = bound(SOCK_STREAM, &port), conn;

	cr_assert(!listen(fd, 4096));
	if (forked())
		while ((conn = accept(fd, NULL, NULL)) >= 0) {
			talk(conn);
			close(conn);
		}
	close(fd);
	return port;
}

uint16_t udp_server(ssize_t (*talk)(char *buf, size_t len, size_t room))
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char buf[2048];
	uint16_t port;
	int fd = bound(SOCK_DGRAM, &port);
	ssize_t n;

	if (forked())
		while ((n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len)) >=
		       0) {
			n = talk(buf, (size_t)n, sizeof(buf));
			if (n >= 0)
				sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
		}
	close(fd);
	return port;
}

uint16_t closed_port(void)
{
	uint16_t port;

	close(bound(SOCK_STREAM, &port));
	return port;
}

uint16_t full_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint16_t port;
	int fd = bound(SOCK_STREAM, &port), i;

	cr_assert(!listen(fd, 0));
	a.sin_port = htons(port);
	filler[fillers++] = fd;
	for (i = 0; i < 3; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(fd, (struct sockaddr *)&a, sizeof(a));
		filler[fillers++] = fd;
		usleep(1000);
	}
	return port;
}

void background(const char *const argv[])
{
	int null;

	if (!forked())
		return;
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}
