// SPDX-License-Identifier: GPL-2.0
/* Log lines: whole, printable, never waited for. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lbmon/log.h"

static int end[2]; /* stderr is [1] */
static char text[8192];

static void make(void)
{
	cr_assert(eq(int, pipe2(end, O_CLOEXEC), 0));
	dup2(end[1], STDERR_FILENO);
	fcntl(end[0], F_SETFL, O_NONBLOCK);
}

TestSuite(log, .init = make, .timeout = 60);

static const char *line(void)
{
	ssize_t n = read(end[0], text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

Test(log, text)
{
	log_event("real", "address", "2001:db8::1", "was", NULL, "why", "200 in 3 ms", "at", "",
		  NULL);
	cr_assert(
		eq(str, (char *)line(), "real address=2001:db8::1 why=\"200 in 3 ms\" at=\"\"\n"));
	log_event("x", "k", "a\"b\\c\n\xff", "b", "key=value", NULL);
	cr_assert(eq(str, (char *)line(), "x k=\"a\\\"b\\\\c\\x0a\\xff\" b=\"key=value\"\n"));
	log_event("end", NULL);
	cr_assert(eq(str, (char *)line(), "end\n"));
}

Test(log, json)
{
	log_json(true);
	log_event("real", "address", "10.0.0.1", "was", NULL, "why", "a \"b\" \\ \n\xff", NULL);
	cr_assert(eq(str, (char *)line(),
		     "{\"event\":\"real\",\"address\":\"10.0.0.1\","
		     "\"why\":\"a \\\"b\\\" \\\\ \\u000a\\u00ff\"}\n"));
	log_event("end", NULL);
	cr_assert(eq(str, (char *)line(), "{\"event\":\"end\"}\n"));
}

/* A pair that is too long is left out, what follows is not. */
Test(log, long_values)
{
	static char value[5000];

	memset(value, '\n', sizeof(value) - 1);
	log_event("x", "a", "1", "long", value, "b", "2", NULL);
	cr_assert(eq(str, (char *)line(), "x a=1 b=2\n"));
	value[2000] = '\0';
	memset(value, 'v', 2000);
	log_json(true);
	log_event("x", "a", value, "b", value, "c", value, "d", "2", NULL);
	line();
	cr_assert(lt(sz, strlen(text), 4096));
	cr_assert(eq(str, text + strlen(text) - 10, ",\"d\":\"2\"}\n"));
}

/* stderr blocks, and nobody reads it. */
static void fill(void)
{
	static char junk[4096];

	fcntl(end[1], F_SETFL, O_NONBLOCK);
	memset(junk, '#', sizeof(junk));
	while (write(end[1], junk, sizeof(junk)) > 0)
		continue;
	while (write(end[1], junk, 1) > 0)
		continue;
	fcntl(end[1], F_SETFL, 0);
	alarm(5);
	for (int i = 0; i < 1000; i++)
		log_event("lost", NULL);
	alarm(0);
	while (read(end[0], text, sizeof(text)) > 0)
		continue;
	log_event("x", NULL);
	cr_assert(eq(str, (char *)line(), "x\n"));
	cr_assert(eq(int, fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0), "others share it");
}

Test(log, full_pipe)
{
	fill();
}

/* As systemd gives one that leads to the journal. */
Test(log, full_socket)
{
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, end), 0));
	dup2(end[1], STDERR_FILENO);
	fcntl(end[0], F_SETFL, O_NONBLOCK);
	fill();
}

Test(log, nobody_reads)
{
	signal(SIGPIPE, SIG_IGN);
	close(end[0]);
	log_event("x", NULL);
	close(STDERR_FILENO);
	log_event("x", NULL);
}
