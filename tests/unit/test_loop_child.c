// SPDX-License-Identifier: GPL-2.0
/* The event loop: signals and children. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lbmon/loop.h"

#define CHILDREN 50

static struct loop *loop;
static struct lb_err err;
static int signals, ended, wrong;

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void run(uint64_t ms)
{
	struct timer *end = timer_new(loop, stop, NULL, &err);

	timer_set(end, ms);
	cr_assert(eq(int, loop_run(loop, &err), 0), "%s", err.msg);
	timer_free(end);
}

/* Until so many have ended, and a little longer: more would be wrong. */
static void run_until(int n)
{
	for (int i = 0; i < 200 && ended < n; i++)
		run(20);
	run(20);
	cr_assert(eq(int, ended, n));
	cr_assert(eq(int, wrong, 0));
}

static void make(void)
{
	loop = loop_new(&err);
	cr_assert(loop != NULL, "%s", err.msg);
}

static void unmake(void)
{
	loop_free(loop);
}

TestSuite(loop_child, .init = make, .fini = unmake, .timeout = 60);

static void signalled(void *arg)
{
	signals++;
	if (arg)
		loop_stop(loop);
}

Test(loop_child, signals)
{
	cr_assert(eq(int, loop_signal(loop, SIGHUP, signalled, NULL, &err), 0), "%s", err.msg);
	cr_assert(eq(int, loop_signal(loop, SIGTERM, signalled, &signals, &err), 0));
	cr_assert(eq(int, loop_signal(loop, 0, signalled, NULL, &err), -1));
	cr_assert(eq(int, loop_signal(loop, 1000, signalled, NULL, &err), -1));
	kill(getpid(), SIGHUP);
	run(10);
	cr_assert(eq(int, signals, 1));
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGTERM);
	cr_assert(eq(int, loop_run(loop, &err), 0), "until the handler stops it");
	cr_assert(eq(int, signals, 3));
}

Test(loop_child, stopped_before_it_runs)
{
	loop_stop(loop);
	cr_assert(eq(int, loop_run(loop, &err), 0));
	run(5);
}

/* A child that ends with this status after so many milliseconds. */
static pid_t child(int status, unsigned int ms)
{
	pid_t pid = fork();

	cr_assert(ge(int, pid, 0));
	if (pid == 0) {
		usleep(ms * 1000);
		_exit(status);
	}
	return pid;
}

static void child_ended(void *arg, int status)
{
	ended++;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != *(const int *)arg)
		wrong++;
}

static void watch(pid_t pid, int *status)
{
	cr_assert(eq(int, loop_child(loop, pid, child_ended, status, &err), 0), "%s", err.msg);
}

Test(loop_child, many_at_once)
{
	static int status[CHILDREN];
	pid_t pid[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		status[i] = i;
		pid[i] = child(i, (unsigned int)i % 3);
		watch(pid[i], &status[i]);
	}
	loop_child_forget(loop, pid[7]);
	loop_child_forget(loop, pid[8]);
	loop_child_forget(loop, 1);
	run_until(CHILDREN - 2);
	cr_assert(eq(int, waitpid(-1, NULL, WNOHANG), -1), "forgotten ones are reaped, too");
}

/* Other parts have children of their own. */
Test(loop_child, strangers_are_left_alone)
{
	static int status = 3;
	pid_t stranger = child(9, 0);
	int got = 0;

	watch(child(3, 10), &status);
	run_until(1);
	cr_assert(eq(int, waitpid(stranger, &got, WNOHANG), stranger));
	cr_assert(eq(int, WEXITSTATUS(got), 9));
}

/* It has ended, and its signal was taken, before the loop was told of it. */
Test(loop_child, told_too_late)
{
	static int status = 4;
	pid_t pid = child(4, 0);

	run(50);
	watch(pid, &status);
	run_until(1);
}

static int left = 20;
static int zero;

static void next_child(void *arg, int status)
{
	child_ended(arg, status);
	if (left-- > 0)
		cr_assert(eq(int, loop_child(loop, child(0, 0), next_child, arg, &err), 0));
}

Test(loop_child, children_of_callbacks)
{
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, loop_child(loop, child(0, 0), next_child, &zero, &err), 0));
	run_until(23);
}

/* Whoever started us may have ignored SIGCHLD: children would vanish without a status. */
Test(loop_child, ignored_by_the_parent)
{
	static int status = 5;

	loop_free(loop);
	signal(SIGCHLD, SIG_IGN);
	make();
	watch(child(5, 5), &status);
	run_until(1);
}

/* Signals are as before, afterwards. */
Test(loop_child, mask_is_given_back)
{
	sigset_t before, after;
	struct loop *l;

	sigprocmask(SIG_BLOCK, NULL, &before);
	l = loop_new(&err);
	cr_assert(eq(int, loop_signal(l, SIGUSR1, signalled, NULL, &err), 0));
	loop_free(l);
	sigprocmask(SIG_BLOCK, NULL, &after);
	cr_assert(eq(int, sigismember(&after, SIGUSR1), sigismember(&before, SIGUSR1)));
}
