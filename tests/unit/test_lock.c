/* SPDX-License-Identifier: GPL-2.0 */
/* One writer at a time, and what the others are told. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/lock.h"

#define NOBODY 65534

static struct lb_err err;
static char top[] = "/tmp/lb-lock-XXXXXX";
static char dir[64], path[96];

static void setup(void)
{
	cr_assert(ne(ptr, mkdtemp(top), NULL));
	snprintf(dir, sizeof(dir), "%s/lb", top);
	snprintf(path, sizeof(path), "%s/main.lock", dir);
}

static void teardown(void)
{
	unlink(path);
	snprintf(path, sizeof(path), "%s/other.lock", dir);
	unlink(path);
	unlink(dir);
	rmdir(dir);
	rmdir(top);
}

TestSuite(lock, .init = setup, .fini = teardown, .timeout = 60);

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static int take(int wait_ms)
{
	err = (struct lb_err){0};
	return lb_lock_at(dir, "main", wait_ms, &err);
}

static void expect_busy(int pid)
{
	char want[128];

	snprintf(want, sizeof(want),
		 "instance \"main\" is being changed by process %d: wait for it, or stop it", pid);
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(str, err.msg, want));
}

/* A process that has taken the lock when this returns, and keeps it. */
static pid_t holder(void)
{
	int fd[2];
	pid_t pid;
	char c;

	cr_assert(eq(int, pipe(fd), 0));
	pid = fork();
	if (pid == 0) {
		if (take(0) < 0 || write(fd[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(fd[1]);
	cr_assert(eq(int, (int)read(fd[0], &c, 1), 1), "the holder has it");
	close(fd[0]);
	return pid;
}

static void need_root(void)
{
	if (geteuid() == 0)
		return;
	if (getenv("LB_REQUIRE_ROOT"))
		cr_fatal("needs root");
	teardown(); /* which Criterion leaves out after a skip */
	cr_skip_test("needs root");
}

Test(lock, makes_directory_and_file)
{
	struct stat st;
	char buf[32] = "", want[32];
	int fd;

	umask(022);
	snprintf(want, sizeof(want), "%d\n", getpid());
	fd = take(0);
	cr_assert(ge(int, fd, 0), "%s", err.msg);
	cr_expect(ne(int, fcntl(fd, F_GETFD) & FD_CLOEXEC, 0));
	cr_assert(eq(int, stat(dir, &st), 0));
	cr_expect(eq(uint, st.st_mode & 07777, 0755));
	cr_assert(eq(int, stat(path, &st), 0));
	cr_expect(eq(uint, st.st_mode & 07777, 0600), "who may open it may hold it");
	cr_expect(gt(int, (int)pread(fd, buf, sizeof(buf) - 1, 0), 0));
	cr_expect(eq(str, buf, want));

	cr_expect(eq(int, (int)pwrite(fd, "12345678901\n", 12, 0), 12));
	close(fd);
	fd = take(0);
	cr_expect(ge(int, fd, 0), "and again");
	memset(buf, 0, sizeof(buf));
	cr_expect(gt(int, (int)pread(fd, buf, sizeof(buf) - 1, 0), 0));
	cr_expect(eq(str, buf, want), "nothing of what it held before");
	close(fd);
}

Test(lock, second_is_told_who)
{
	pid_t pid = holder();
	int other;
	long t = now_ms();

	cr_expect(eq(int, take(0), -1));
	cr_expect(lt(long, now_ms() - t, 100));
	expect_busy(pid);
	cr_expect(eq(int, take(-1), -1));
	expect_busy(pid);

	t = now_ms();
	cr_expect(eq(int, take(150), -1));
	cr_expect(ge(long, now_ms() - t, 150));
	cr_expect(lt(long, now_ms() - t, 1500));
	expect_busy(pid);

	other = lb_lock_at(dir, "other", 0, &err);
	cr_expect(ge(int, other, 0), "instances have locks of their own");
	close(other);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(lock, goes_with_its_process)
{
	pid_t pid = holder();
	int fd;

	cr_assert(eq(int, take(0), -1));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fd = take(0);
	cr_expect(ge(int, fd, 0), "%s", err.msg);
	close(fd);
}

Test(lock, waits_for_the_holder)
{
	pid_t pid = holder(), killer = fork();
	long t = now_ms();
	int fd;

	if (killer == 0) {
		sleep_ms(200);
		kill(pid, SIGKILL);
		_exit(0);
	}
	fd = take(10000);
	cr_expect(ge(int, fd, 0), "%s", err.msg);
	cr_expect(ge(long, now_ms() - t, 150));
	cr_expect(lt(long, now_ms() - t, 5000));
	close(fd);
	waitpid(killer, NULL, 0);
	waitpid(pid, NULL, 0);
}

/* Two at a time would be seen: each of many adds 1 to a number in a file, in two steps. */
Test(lock, excludes)
{
	char name[96];
	int number = 0, data;

	snprintf(name, sizeof(name), "%s/other.lock", dir);
	cr_assert(eq(int, mkdir(dir, 0755), 0));
	data = open(name, O_RDWR | O_CREAT, 0600);
	cr_assert(eq(int, (int)pwrite(data, &number, sizeof(number), 0), (int)sizeof(number)));
	for (int i = 0; i < 8; i++) {
		if (fork())
			continue;
		for (int n = 0; n < 25; n++) {
			int fd = take(15000);

			if (fd < 0 || pread(data, &number, sizeof(number), 0) < 0)
				_exit(1);
			number++;
			sched_yield();
			if (pwrite(data, &number, sizeof(number), 0) < 0)
				_exit(1);
			close(fd);
		}
		_exit(0);
	}
	for (int i = 0; i < 8; i++) {
		int status = -1;

		wait(&status);
		cr_expect(eq(int, status, 0));
	}
	cr_assert(eq(int, (int)pread(data, &number, sizeof(number), 0), (int)sizeof(number)));
	cr_expect(eq(int, number, 200));
	close(data);
}

/* Who waited on a file that is no longer the one of that name has waited for the wrong one. */
Test(lock, file_removed_while_waiting)
{
	int first = take(0), second, status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		close(first); /* a copy: it would hold the lock as well */
		_exit(take(1000) < 0 ? 7 : 0);
	}
	sleep_ms(100);
	unlink(path);
	second = take(0);
	cr_assert(ge(int, second, 0));
	close(first);
	waitpid(pid, &status, 0);
	cr_expect(eq(int, WEXITSTATUS(status), 7), "it must not have the lock beside us");
	close(second);
}

static void expect_unknown_holder(const char *content)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, (int)write(fd, content, strlen(content)), (int)strlen(content)));
	cr_assert(eq(int, flock(fd, LOCK_EX), 0));
	cr_expect(eq(int, take(0), -1));
	cr_expect(eq(str, err.msg,
		     "instance \"main\" is being changed by another process: wait for it"));
	close(fd);
}

/* No number is better than a wrong one. */
Test(lock, unknown_holder)
{
	char gone[32];
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	snprintf(gone, sizeof(gone), "%d\n", pid);
	cr_assert(eq(int, mkdir(dir, 0755), 0));
	expect_unknown_holder("");
	expect_unknown_holder("junk\n");
	expect_unknown_holder("-1\n");
	expect_unknown_holder("0\n");
	expect_unknown_holder("99999999999999999999\n");
	expect_unknown_holder("1"); /* cut: of 1234, perhaps */
	expect_unknown_holder(gone);
}

Test(lock, names)
{
	static const char *const bad[] = {"", "..", "a/b", "../main", "a b", "-a"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect(eq(int, lb_lock_at(dir, bad[i], 0, &err), -1), "%s", bad[i]);
		cr_expect(eq(int, err.status, LB_USAGE));
		cr_expect(eq(int, strncmp(err.msg, "instance: \"", 11), 0));
	}
	cr_expect(eq(int, access(dir, F_OK), -1), "nothing was made");
}

static void expect_refused(const char *where, const char *why)
{
	char want[LB_ERR_LEN];

	snprintf(want, sizeof(want), "%s: %s", where, why);
	cr_expect(eq(int, take(0), -1));
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(str, err.msg, want));
}

Test(lock, no_directory)
{
	char why[256];
	int fd = creat(dir, 0600);

	snprintf(why, sizeof(why), "Not a directory: %s must be a directory in one that exists",
		 dir);
	expect_refused(path, why);
	close(fd);
	unlink(dir);
	rmdir(top);
	snprintf(why, sizeof(why),
		 "No such file or directory: %s must be a directory in one that exists", dir);
	expect_refused(dir, why);
	cr_assert(eq(int, mkdir(top, 0700), 0));
}

Test(lock, follows_no_link)
{
	cr_assert(eq(int, mkdir(dir, 0755), 0));
	cr_assert(eq(int, symlink("/dev/null", path), 0));
	expect_refused(path, "Too many levels of symbolic links");
}

Test(lock, as_nobody)
{
	need_root();
	close(take(0));
	cr_assert(eq(int, chmod(top, 0755), 0));
	cr_assert(eq(int, seteuid(NOBODY), 0));
	expect_refused(path, "Permission denied: run it as root");
	cr_assert(eq(int, seteuid(0), 0));
	unlink(path);
	rmdir(dir);
	cr_assert(eq(int, seteuid(NOBODY), 0));
	expect_refused(dir, "Permission denied: run it as root");
	cr_assert(eq(int, seteuid(0), 0));
}

Test(lock, read_only)
{
	char why[256];

	need_root();
	cr_assert(eq(int, unshare(CLONE_NEWNS), 0));
	cr_assert(eq(int, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0));
	cr_assert(eq(int, mount("none", top, "tmpfs", MS_RDONLY, NULL), 0));
	snprintf(why, sizeof(why),
		 "Read-only file system: %s must be writable, mount a tmpfs there", dir);
	expect_refused(dir, why);
	cr_assert(eq(int, umount(top), 0));
}
