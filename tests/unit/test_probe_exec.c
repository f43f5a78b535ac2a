// SPDX-License-Identifier: GPL-2.0
/* Commands as checks: their status, their line, and those that hang, flood or fork. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/probe_lab.h"

TestSuite(probe_exec, .init = lab_up, .fini = lab_down, .timeout = 120);

/* A check by a script of this text, a shell's unless it says otherwise. */
static struct probe_target script(const char *text)
{
	struct probe_target t = target(LB_M_CHECK_EXEC, 80);
	static unsigned int n;
	FILE *f;

	t.real.b[3] = 7;
	snprintf(t.check.command, sizeof(t.check.command), "%s/%u", dir, n++);
	f = fopen(t.check.command, "we");
	cr_assert(f);
	fprintf(f, "%s%s\n", text[0] == '#' ? "" : "#!/bin/sh\n", text);
	fclose(f);
	cr_assert_eq(chmod(t.check.command, 0755), 0);
	return t;
}

static const char *run_script(const char *text)
{
	struct probe_target t = script(text);

	return ask(&t);
}

static const struct {
	const char *text, *want;
} rows[] = {
	{"exit 0", "+ exit status 0"},
	{"exit 3", "- exit status 3"},
	{"echo fine", "+ fine"},
	{"echo no disk >&2; echo more; exit 1", "- no disk"},
	{"printf 'no newline'", "+ no newline"},
	{"printf '\\033[31m\\0\\377red\\r\\n'", "+ ?[31m??red?"},
	{"echo; echo second", "+ exit status 0"},
	{"kill -9 $$", "- command killed by signal 9"},
	{"kill -TERM $$", "- command killed by signal 15"},
	{"echo $1 $2 $LB_REAL $LB_PORT $LB_VIP $#", "+ 127.0.0.7 80 127.0.0.7 80 127.0.0.1 2"},
	{"echo ${HOME-none}", "+ none"},
	{"read x || echo end", "+ end"},
	{"exec >&- 2>&-; sleep .1; exit 0", "+ exit status 0"},
	{"ls /proc/self/fd | grep -c .", "+ 4"}, /* ls has its directory */
	{"head -c 300000 /dev/zero | tr '\\0' x", NULL}, /* the line is cut */
	{"yes", "- command wrote more than 1 MiB"},
	/* What goes on in the background does not count, although it keeps the pipe open. */
	{"sleep 50 & echo up", "+ up"},
};

Test(probe_exec, answers)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *said = run_script(rows[i].text);

		if (rows[i].want)
			cr_expect_str_eq(said, rows[i].want, "%s: %s", rows[i].text, said);
		else
			cr_expect(said[0] == '+' && said[10] == 'x' && strlen(said) < 130, "%s",
				  said);
	}
}

/* Not a shell: that clears its mask itself. Signals 32 and 33 are glibc's own, which ignores them. */
Test(probe_exec, signals)
{
	signal(SIGPIPE, SIG_IGN);
	cr_expect_str_eq(run_script("#!/usr/bin/awk -f\n"
				    "BEGIN { while (getline < \"/proc/self/status\")\n"
				    "if (/^SigBlk/ && !/:\\t0*$/ || /^SigIgn/ && !/0000000$/)"
				    " print; print \"end\" }"),
			 "+ end");
}

Test(probe_exec, no_such_command)
{
	struct probe_target t = target(LB_M_CHECK_EXEC, 80);

	strcpy(t.check.command, "/nowhere/at/all");
	cr_expect_str_eq(ask(&t), "? command: no such file or directory");
	strcpy(t.check.command, "true");
	cr_expect_str_eq(ask(&t), "? command: no such file or directory");
	t.check.command[0] = '\0';
	cr_expect_str_eq(ask(&t), "? command: no such file or directory");
	strcpy(t.check.command, "/dev/null");
	cr_expect_str_eq(ask(&t), "? command: permission denied");
}

/* Is a process of this name alive? A zombie is not: init takes its time. */
static bool alive(const char *name)
{
	char command[128];

	snprintf(command, sizeof(command), "grep -qs '(%s) [^ZX]' /proc/[0-9]*/stat", name);
	return !system(command);
}

static void gone(const char *sleeper, const char *when)
{
	int i;

	for (i = 0; i < 1000 && alive(sleeper); i++)
		run_for(10);
	cr_expect(i < 1000, "a process outlived %s", when);
}

/* A copy of sleep(1) by a name of our own can be found again. */
static const char *sleeper(void)
{
	static char name[16];
	char command[128];

	snprintf(name, sizeof(name), "lbs%d", getpid());
	snprintf(command, sizeof(command), "cp /bin/sleep %s/%s", dir, name);
	cr_assert_eq(system(command), 0);
	return name;
}

Test(probe_exec, group_is_killed)
{
	const char *name = sleeper();
	struct answer a = {0};
	struct probe_target t;
	struct probe *p;
	char text[256];

	snprintf(text, sizeof(text), "trap '' TERM INT HUP\n%s/%s 50 & %s/%s 50 | cat", dir, name,
		 dir, name);
	t = script(text);
	t.check.timeout = 300;
	cr_expect_str_eq(ask(&t), "- no answer in 300ms");
	gone(name, "its timeout");
	t.check.timeout = 20000;
	p = probe_start(probes, &t, answered, &a);
	for (int i = 0; i < 1000 && !alive(name); i++)
		run_for(10);
	cr_expect(alive(name));
	probe_cancel(p);
	gone(name, "its cancel");
	snprintf(text, sizeof(text), "%s/%s 50 & exit 0", dir, name);
	cr_expect_str_eq(run_script(text), "+ exit status 0");
	gone(name, "its command");
	cr_expect_eq(a.calls, 0);
}

/* More than may run at a time: the others wait, within their timeout. */
Test(probe_exec, many)
{
	struct probe_target t = script("sleep .2");
	struct answer a[200] = {0};
	unsigned int good = 0, late = 0, i, ms;

	t.check.timeout = 30000;
	longest_gap();
	for (i = 0; i < 200; i++)
		cr_assert_not_null(probe_start(probes, &t, answered, &a[i]));
	run_until(200, 40000);
	for (i = 0; i < 200; i++)
		good += a[i].ok;
	cr_expect_eq(good, 200, "%u of 200", good);
	ms = longest_gap();
	cr_expect(ms < 200, "the loop stood still for %u ms", ms);

	t = script("sleep 50");
	t.check.timeout = 4000;
	memset(a, 0, sizeof(a));
	for (i = 0; i < 100; i++)
		cr_assert_not_null(probe_start(probes, &t, answered, &a[i]));
	run_until(300, 20000);
	for (i = 0; i < 100; i++)
		late += !strcmp(a[i].text, "not begun in 4s: too many checks at once");
	cr_expect_eq(late, 36, "%u waited", late);
}

/* Sixty that flood: whoever writes without end is stopped, and others are served meanwhile. */
Test(probe_exec, flood)
{
	struct probe_target t = script("exec cat /dev/zero");
	struct answer a[60] = {0};
	unsigned int i, ms;

	t.check.timeout = 30000;
	longest_gap();
	for (i = 0; i < 60; i++)
		cr_assert_not_null(probe_start(probes, &t, answered, &a[i]));
	run_until(60, 40000);
	for (i = 0; i < 60; i++)
		cr_expect_str_eq(a[i].text, "command wrote more than 1 MiB");
	ms = longest_gap();
	cr_expect(ms < 200, "the loop stood still for %u ms", ms);
}
