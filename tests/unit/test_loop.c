// SPDX-License-Identifier: GPL-2.0
/* The event loop: who is called, when, and who not any more. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "lbmon/loop.h"

#define MANY 10000

static struct loop *loop;
static struct lb_err err;
static struct timer *made[32];
static size_t timers;
static char seen[256]; /* what was called, a letter each */

static void saw(char c)
{
	size_t n = strlen(seen);

	cr_assert(lt(sz, n, sizeof(seen) - 1), "called again and again");
	seen[n] = c;
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* Runs for so long, and four times more, for what a busy machine had not let it do by then. */
static void run(uint64_t ms)
{
	struct timer *end = timer_new(loop, stop, NULL, &err);

	for (int i = 0; i < 5; i++, ms = 0) {
		timer_set(end, ms);
		cr_assert(eq(int, loop_run(loop, &err), 0), "%s", err.msg);
	}
	timer_free(end);
}

static void make(void)
{
	loop = loop_new(&err);
	cr_assert(loop != NULL, "%s", err.msg);
}

static void unmake(void)
{
	while (timers)
		timer_free(made[--timers]);
	loop_free(loop);
}

TestSuite(loop, .init = make, .fini = unmake, .timeout = 60);

static double clock_s(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Timers */

struct tick {
	char name;
	struct timer *t, *other;
	int left;
	uint64_t at;
};

static void tick(void *arg)
{
	struct tick *t = arg;

	saw(t->name);
	t->at = loop_now(loop);
	if (t->left-- > 0)
		timer_set(t->t, 0);
	if (t->other)
		timer_stop(t->other);
}

static struct tick *ticker(struct tick *t, char name)
{
	*t = (struct tick){.name = name};
	t->t = timer_new(loop, tick, t, &err);
	cr_assert(t->t != NULL, "%s", err.msg);
	made[timers++] = t->t;
	return t;
}

Test(loop, timers_in_order)
{
	uint64_t start = loop_now(loop);
	struct tick a, b, c, d;

	timer_set(ticker(&a, 'a')->t, 30);
	timer_set(ticker(&b, 'b')->t, 10);
	timer_set(ticker(&c, 'c')->t, 20);
	run(60);
	cr_assert(eq(str, seen, "bca"));
	cr_assert(ge(u64, a.at, start + 30));
	timer_set(a.t, 10);
	timer_set(a.t, 30); /* instead */
	timer_set(b.t, 20);
	timer_set(c.t, 20);
	timer_stop(c.t);
	timer_set(ticker(&d, 'd')->t, UINT64_MAX);
	run(60);
	cr_assert(eq(str, seen, "bcaba"));
	timer_free(NULL);
}

static void next_round(void *arg, uint32_t events)
{
	int *left = arg;

	(void)events;
	saw('.');
	if (--left[1] == 0)
		loop_fd(loop, left[0], 0, NULL, NULL, &err);
}

/* One that sets itself to 0 has its turn once a round: others get theirs. */
Test(loop, zero_is_the_next_round)
{
	int file[2] = {open("/dev/null", O_RDWR | O_CLOEXEC), 3};
	struct tick a, b;

	cr_assert(eq(int, loop_fd(loop, file[0], EPOLLIN, next_round, file, &err), 0));
	timer_set(ticker(&a, 'a')->t, 0);
	a.left = 2;
	timer_set(ticker(&b, 'b')->t, 0);
	run(200);
	cr_assert(eq(str, seen, ".ab.a.a"));
}

Test(loop, stopped_by_another_that_is_due)
{
	struct tick a, b;

	timer_set(ticker(&a, 'a')->t, 5);
	timer_set(ticker(&b, 'b')->t, 5);
	a.other = b.t;
	run(20);
	cr_assert(eq(str, seen, "a"));
}

static void free_self(void *arg)
{
	struct tick *t = arg;

	saw(t->name);
	timer_free(t->t);
	t->t = timer_new(loop, free_self, t, &err);
	if (t->left-- > 0)
		timer_set(t->t, 1);
}

Test(loop, timer_frees_itself)
{
	struct tick a = {.name = 'a', .left = 3};

	a.t = timer_new(loop, free_self, &a, &err);
	timer_set(a.t, 1);
	run(200);
	cr_assert(eq(str, seen, "aaaa"));
	timer_free(a.t);
}

static struct timer *many[MANY];
static unsigned int fired;

static void again(void *arg)
{
	struct timer **t = arg;

	fired++;
	timer_set(*t, 100);
}

/* Ten times as many calls a second as 10,000 reals at an interval of 1 s make. */
Test(loop, many_timers_are_cheap)
{
	double cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);

	for (int i = 0; i < MANY; i++) {
		many[i] = timer_new(loop, again, &many[i], &err);
		cr_assert(many[i] != NULL, "%s", err.msg);
		timer_set(many[i], (uint64_t)(i * 7919) % 100);
	}
	run(1000);
	cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	cr_assert(gt(uint, fired, 5 * MANY), "%u calls", fired);
	cr_assert(lt(dbl, cpu, 0.5), "%.3f s of CPU for %u calls", cpu, fired);
	for (int i = 0; i < MANY; i++)
		timer_free(many[i]);
}

/* Timers are taken out at all places of the heap: the rest still comes in order. */
Test(loop, heap_stays_a_heap)
{
	struct tick t[26];
	unsigned int x = 1;

	for (int round = 0; round < 200; round++) {
		memset(seen, 0, sizeof(seen));
		for (int i = 0; i < 26; i++) {
			int k = (i * 7 + round) % 26;

			if (!round)
				ticker(&t[k], (char)('a' + k));
			timer_set(t[k].t, (uint64_t)k / 26);
			t[k].left = 0;
		}
		for (int i = 0; i < 26; i++)
			timer_set(t[i].t, (uint64_t)i / 7);
		x = x * 1103515245 + 12345;
		timer_stop(t[x / 65536 % 25].t);
		run(4);
		for (size_t i = 1; seen[i]; i++)
			cr_assert(lt(chr, seen[i - 1], seen[i]), "round %d: %s", round, seen);
		cr_assert(eq(sz, strlen(seen), 25), "round %d: %s", round, seen);
	}
}

/* Descriptors */

static int pipes[8][2];
static bool reuse;

static void pipe_make(int i)
{
	cr_assert(eq(int, pipe2(pipes[i], O_CLOEXEC), 0));
}

static void pipe_watch(int i, uint32_t events, void (*ready)(void *arg, uint32_t events))
{
	cr_assert(eq(int, loop_fd(loop, pipes[i][0], events, ready, pipes[i], &err), 0), "%s",
		  err.msg);
}

static void nobody(void *arg, uint32_t events)
{
	(void)arg, (void)events;
	saw('!');
}

/* Whoever comes first takes out all, and gives their numbers to others, for whom nothing has come. */
static void remove_all(void *arg, uint32_t events)
{
	(void)arg;
	cr_assert(events & EPOLLIN);
	saw('a');
	for (int i = 0; i < 4; i++) {
		pipe_watch(i, 0, NULL);
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	for (int i = 0; i < 4 && reuse; i++) {
		pipe_make(i);
		pipe_watch(i, EPOLLIN, nobody);
	}
}

static void four_at_once(void)
{
	for (int i = 0; i < 4; i++) {
		pipe_make(i);
		cr_assert(eq(int, (int)write(pipes[i][1], "x", 1), 1));
		pipe_watch(i, EPOLLIN, remove_all);
	}
	run(20);
	cr_assert(eq(str, seen, "a"));
}

Test(loop, removed_with_an_event_pending)
{
	four_at_once();
}

Test(loop, number_of_another_in_the_same_round)
{
	reuse = true;
	four_at_once();
	cr_assert(eq(int, (int)write(pipes[2][1], "x", 1), 1));
	pipe_watch(2, 0, NULL);
	run(20);
	cr_assert(eq(str, seen, "a"));
}

static void takes(void *arg, uint32_t events)
{
	const int *fds = arg;
	char c = '?';

	saw(events & EPOLLIN ? 'r' : events & EPOLLOUT ? 'w' : 'h');
	if (!(events & EPOLLIN) || read(fds[0], &c, 1) != 1)
		loop_fd(loop, fds[0], 0, NULL, NULL, &err);
}

/* Closed first, without a word to the loop; the number comes again. */
Test(loop, closed_before_it_is_taken_out)
{
	int fd;

	pipe_make(0);
	pipe_watch(0, EPOLLIN, nobody);
	fd = pipes[0][0];
	close(pipes[0][0]);
	close(pipes[0][1]);
	pipe_make(0);
	cr_assert(eq(int, pipes[0][0], fd), "the test needs the same number");
	pipe_watch(0, EPOLLIN, takes);
	cr_assert(eq(int, (int)write(pipes[0][1], "xy", 2), 2));
	close(pipes[0][1]);
	run(20);
	cr_assert(eq(str, seen, "rrh"));
}

Test(loop, changes_what_it_waits_for)
{
	int *out;

	pipe_make(0);
	out = &pipes[0][1];
	cr_assert(eq(int, loop_fd(loop, *out, EPOLLIN, nobody, out, &err), 0));
	cr_assert(eq(int, loop_fd(loop, *out, EPOLLOUT, takes, out, &err), 0));
	run(5);
	cr_assert(eq(str, seen, "w"));
	cr_assert(eq(int, loop_fd(loop, pipes[0][1], 0, NULL, NULL, &err), 0), "taken out twice");
	cr_assert(eq(int, loop_fd(loop, 100000, 0, NULL, NULL, &err), 0));
	cr_assert(eq(int, loop_fd(loop, -1, EPOLLIN, nobody, NULL, &err), -1));
	cr_assert(eq(int, loop_fd(loop, 1000, EPOLLIN, nobody, NULL, &err), -1));
	cr_assert(eq(str, err.msg, "epoll: descriptor 1000: Bad file descriptor"));
}

/* epoll refuses files: they are always ready, and others have their turn nevertheless. */
Test(loop, files_are_always_ready)
{
	struct tick a;
	int null[2] = {open("/dev/null", O_RDWR | O_CLOEXEC), 0};

	cr_assert(eq(int, loop_fd(loop, null[0], EPOLLOUT, takes, null, &err), 0), "%s", err.msg);
	timer_set(ticker(&a, 'a')->t, 5);
	run(10);
	cr_assert(eq(str, seen, "wa"));
	cr_assert(eq(int, loop_fd(loop, null[0], EPOLLOUT, nobody, null, &err), 0), "%s", err.msg);
	close(null[0]);
	pipe_make(0);
	cr_assert(eq(int, pipes[0][0], null[0]), "the test needs the same number");
	pipe_watch(0, EPOLLIN, nobody);
	run(10);
	cr_assert(eq(str, seen, "wa"), "what is no file any more is asked like others");
}

static double last, longest;

static void slow(void *arg)
{
	double until = clock_s(CLOCK_PROCESS_CPUTIME_ID) + 100e-6;

	while (clock_s(CLOCK_PROCESS_CPUTIME_ID) < until)
		continue;
	timer_set(*(struct timer **)arg, 0);
}

static void measure(void *arg, uint32_t events)
{
	double now = clock_s(CLOCK_PROCESS_CPUTIME_ID);

	(void)arg, (void)events;
	if (last > 0 && now - last > longest)
		longest = now - last;
	last = now;
}

/* All timers due, each of some work: a descriptor is not left waiting for the last of them. */
Test(loop, timers_do_not_starve_descriptors)
{
	pipe_make(0);
	cr_assert(eq(int, (int)write(pipes[0][1], "x", 1), 1));
	pipe_watch(0, EPOLLIN, measure);
	for (int i = 0; i < 5000; i++) {
		many[i] = timer_new(loop, slow, &many[i], &err);
		timer_set(many[i], 0);
	}
	run(300);
	cr_assert(longest > 0 && longest < 0.03, "%.3f s of CPU between two calls", longest);
	for (int i = 0; i < 5000; i++)
		timer_free(many[i]);
}
