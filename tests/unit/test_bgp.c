// SPDX-License-Identifier: GPL-2.0
/* The pipe to ExaBGP: answers in pieces, late, never; junk; a pipe that is full, and one that is no more. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "lbmon/bgp.h"
#include "tests/unit/route_talk.h"

#define ANNOUNCE "announce route 192.0.2.1/32 next-hop 10.0.0.7\n"
#define LIST "show adj-rib out\n"
#define MARK "show neighbor summary\n"

static struct loop *loop;
static struct routes *routes;
static struct bgp *bgp;
static struct lb_err err;
static int ears[2], mouth[2]; /* lbmon's stdin and stdout */
static int gone, beats;
static char heard[16384]; /* all that lbmon said */
static size_t len, answered; /* bytes of it */
static bool deaf; /* does not read */
static const char *answer = "done\n"; /* to routes; NULL: none */

static void on_gone(void *arg)
{
	(void)arg;
	gone++;
}

static void on_said(void *arg)
{
	(void)arg;
	if (routes_settled(routes))
		loop_stop(loop);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void tell(const char *text, size_t n)
{
	cr_assert(eq(sz, (size_t)write(ears[1], text, n), n));
}

static void answer_line(const char *line)
{
	if (!strncmp(line, MARK, strlen(MARK)))
		tell(HEADER "\n", strlen(HEADER) + 1);
	if (!strncmp(line, "show ", 5))
		tell("done\n", 5);
	else if (answer)
		tell(answer, strlen(answer));
}

/* ExaBGP's side. It answers each command when it is there whole. */
static void hear(void)
{
	ssize_t n;
	char *nl;

	while (!deaf && (n = read(mouth[0], heard + len, sizeof(heard) - 1 - len)) > 0)
		len += (size_t)n;
	while ((nl = strchr(heard + answered, '\n'))) {
		cr_assert(eq(ptr, strchr(nl + 1, '\n'), NULL), "two commands in flight: %s", heard);
		answer_line(heard + answered);
		answered = (size_t)(nl + 1 - heard);
	}
}

static double last, longest;

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void beat(void *arg)
{
	double now = cpu();

	if (last > 0 && now - last > longest)
		longest = now - last;
	beats++;
	hear();
	last = cpu();
	timer_set(*(struct timer **)arg, 1);
}

/* Until all is settled, or for so long. */
static void run(uint64_t ms)
{
	struct timer *end = timer_new(loop, stop, NULL, &err);
	struct timer *heart = timer_new(loop, beat, &heart, &err);

	timer_set(end, ms);
	timer_set(heart, 0);
	cr_assert(eq(int, loop_run(loop, &err), 0), "%s", err.msg);
	timer_free(end);
	timer_free(heart);
}

static void begin(int in, int out)
{
	bgp = bgp_new(loop, in, out, routes, on_gone, on_said, NULL, &err);
	cr_assert(ne(ptr, bgp, NULL), "%s", err.msg);
}

static void make(void)
{
	signal(SIGPIPE, SIG_IGN);
	loop = loop_new(&err);
	cr_assert(ne(ptr, loop, NULL), "%s", err.msg);
	routes = NEW(HOPS);
	WANT(routes, false, "192.0.2.1");
	cr_assert(eq(int, pipe2(ears, O_CLOEXEC), 0));
	cr_assert(eq(int, pipe2(mouth, O_CLOEXEC), 0));
	fcntl(mouth[0], F_SETFL, O_NONBLOCK);
}

static void unmake(void)
{
	bgp_free(bgp);
	routes_free(routes);
	loop_free(loop);
}

TestSuite(bgp, .init = make, .fini = unmake, .timeout = 60);

static void settles(void)
{
	run(10000);
	cr_assert(routes_settled(routes), "heard: %s", heard);
	cr_assert(told(routes, "192.0.2.1"));
	cr_assert(eq(int, gone, 0));
}

Test(bgp, asks_and_announces)
{
	begin(ears[0], mouth[1]);
	settles();
	cr_assert(eq(str, heard, LIST MARK ANNOUNCE));
	cr_assert(lt(int, beats, 200), "it waits for nothing");
	WANT(routes, false, NULL);
	bgp_kick(bgp);
	run(10000);
	cr_assert(eq(str, heard,
		     LIST MARK ANNOUNCE "withdraw route 192.0.2.1/32 next-hop 10.0.0.7\n"));
	cr_assert(not(fcntl(ears[0], F_GETFL) & O_NONBLOCK), "others may share it");
	cr_assert(not(fcntl(mouth[1], F_GETFL) & O_NONBLOCK));
}

/* The answers come in pieces, each in a round of its own. */
Test(bgp, lines_in_pieces)
{
	static const char text[] = "neighbor 10.0.0.1 up\ndone\n" HEADER "\ndone\n";

	deaf = true;
	begin(ears[0], mouth[1]);
	for (const char *p = text; *p; p++) {
		tell(p, 1);
		run(3);
	}
	deaf = false;
	while (read(mouth[0], heard, sizeof(heard) - 1) > 0)
		continue;
	cr_assert(eq(str, heard + strlen(LIST MARK), ANNOUNCE));
	cr_assert(not(routes_settled(routes)));
	tell("done\n", 5);
	run(1000);
	cr_assert(routes_settled(routes));
}

static void junk_of(const char *line, size_t n, int times)
{
	static char text[65536];
	size_t room = sizeof(text) / n * n;

	for (size_t i = 0; i < room; i += n)
		memcpy(text + i, line, n);
	fcntl(ears[1], F_SETFL, O_NONBLOCK);
	for (size_t left = n * (size_t)times; left;) {
		ssize_t done = write(ears[1], text, left < room ? left : room);

		if (done > 0)
			left -= (size_t)done;
		run(1);
	}
	fcntl(ears[1], F_SETFL, 0);
}

/* 100,000 lines, NUL and other bytes among them, and a line that does not end for long. */
Test(bgp, junk_does_not_block)
{
	static char endless[60000];

	deaf = true;
	begin(ears[0], mouth[1]);
	junk_of("shutdown 17 18\n", 15, 100000);
	junk_of("done\0\n", 6, 1000);
	junk_of("done\xff\n", 6, 1000);
	junk_of("\n", 1, 1000);
	memset(endless, 'x', sizeof(endless));
	memcpy(endless + sizeof(endless) - 6, "\ndon\r", 6);
	for (int i = 0; i < 20; i++)
		junk_of(endless, i < 19 ? sizeof(endless) - 6 : sizeof(endless) - 1, 1);
	tell("\n", 1);
	run(50);
	cr_assert(lt(dbl, longest, 0.05), "%.3f s of CPU in one round", longest);
	deaf = false;
	settles();
	cr_assert(eq(str, heard, LIST MARK ANNOUNCE), "none of it was an answer");
}

/* Nobody reads what lbmon says: it goes on, and the command comes whole when there is room. */
Test(bgp, full_pipe)
{
	static char text[4096];
	double used = cpu();
	int n = 0;

	memset(text, '#', sizeof(text));
	fcntl(mouth[1], F_SETFL, O_NONBLOCK);
	while (write(mouth[1], text, sizeof(text)) > 0)
		n++;
	fcntl(mouth[1], F_SETFL, 0);
	deaf = true;
	begin(ears[0], mouth[1]);
	last = longest = 0;
	run(200);
	cr_assert(gt(int, beats, 5), "it waited for the pipe");
	cr_assert(lt(dbl, cpu() - used, 0.1), "it asked the pipe again and again");
	while (n--)
		cr_assert(eq(int, (int)read(mouth[0], text, sizeof(text)), (int)sizeof(text)));
	deaf = false;
	settles();
	cr_assert(eq(str, heard, LIST MARK ANNOUNCE));
	used = cpu();
	run(200);
	cr_assert(lt(dbl, cpu() - used, 0.1), "a pipe with room wakes it again and again");
}

/* Silence for ten seconds; then all is asked anew, so that a late answer does no harm. */
Test(bgp, no_answer)
{
	answer = NULL;
	begin(ears[0], mouth[1]);
	run(9000);
	cr_assert(eq(str, heard, LIST MARK ANNOUNCE), "too early");
	answer = "done\n";
	run(5000);
	cr_assert(eq(str, heard, LIST MARK ANNOUNCE LIST MARK ANNOUNCE));
	cr_assert(routes_settled(routes));
}

Test(bgp, refusal_is_logged)
{
	char text[512] = "";
	int p[2], was = dup(STDERR_FILENO);

	cr_assert(eq(int, pipe2(p, O_CLOEXEC | O_NONBLOCK), 0));
	dup2(p[1], STDERR_FILENO);
	answer = "error\n";
	begin(ears[0], mouth[1]);
	run(200);
	dup2(was, STDERR_FILENO);
	cr_assert(gt(int, (int)read(p[0], text, sizeof(text) - 1), 0), "nothing was said");
	cr_assert(eq(str, text,
		     "exabgp error=refused command=\"announce route 192.0.2.1/32 next-hop "
		     "10.0.0.7\"\n"));
	cr_assert(eq(str, heard, LIST MARK ANNOUNCE), "not said again");
	cr_assert(not(told(routes, "192.0.2.1")));
}

Test(bgp, end_of_input)
{
	begin(ears[0], mouth[1]);
	settles();
	close(ears[1]);
	run(50);
	cr_assert(eq(int, gone, 1));
	WANT(routes, false, NULL);
	bgp_kick(bgp);
	run(50);
	cr_assert(eq(int, gone, 1), "once");
	cr_assert(eq(str, heard, LIST MARK ANNOUNCE), "nobody is there to be told");
}

Test(bgp, reader_is_gone)
{
	deaf = true;
	close(mouth[0]);
	begin(ears[0], mouth[1]);
	run(50);
	cr_assert(eq(int, gone, 1));
}

/* Started by hand, with no terminal. */
Test(bgp, no_input_at_all)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	begin(null, null);
	run(50);
	cr_assert(eq(int, gone, 1));
	cr_assert(lt(int, beats, 200));
}
