// SPDX-License-Identifier: GPL-2.0
/* lock.c - one writer at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/lock.h"
#include "lib/parse.h"

#define POLL_MS 10
#define DIR_MODE 0755
#define FILE_MODE 0600 /* who may open it may hold it */
#define PID_LEN 16

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL); /* a signal ends it early, and we try early */
}

/* What the one who was refused needs. */
static int refused(const char *path, const char *dir, struct lb_err *err)
{
	int error = errno;

	switch (error) {
	case EACCES:
	case EPERM:
		return lb_fail(err, "%s: %s: run it as root", path, strerror(error));
	case EROFS:
		return lb_fail(err, "%s: %s: %s must be writable, mount a tmpfs there", path,
			       strerror(error), dir);
	case ENOENT:
	case ENOTDIR:
		return lb_fail(err, "%s: %s: %s must be a directory in one that exists", path,
			       strerror(error), dir);
	default:
		return lb_fail(err, "%s: %s", path, strerror(error));
	}
}

/* The file is there to be locked, whoever made it; a link in its place is nobody's but an intruder's. */
static int open_file(const char *dir, const char *path, struct lb_err *err)
{
	int fd;

	if (mkdir(dir, DIR_MODE) < 0 && errno != EEXIST)
		return refused(dir, dir, err);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
	if (fd < 0)
		return refused(path, dir, err);
	return fd;
}

/* Was the file removed, or another put in its place, before we had it? Then others lock another one. */
static bool is_stale(int fd, const char *path)
{
	struct stat mine, there;

	if (fstat(fd, &mine) < 0)
		return false;
	if (lstat(path, &there) < 0)
		return errno == ENOENT;
	return mine.st_ino != there.st_ino || mine.st_dev != there.st_dev;
}

/* For the message of those who wait in vain only: that it cannot be written is no failure. */
static void write_pid(int fd)
{
	char buf[PID_LEN];
	int n = snprintf(buf, sizeof(buf), "%d\n", getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, buf, (size_t)n, 0) != n)
		return;
}

/* The holder, or 0: it has not written itself down yet, or its pid is one of a holder before it. */
static int read_pid(int fd)
{
	char buf[PID_LEN] = "", *end;
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);
	long pid = n > 0 ? strtol(buf, &end, 10) : 0;

	if (pid <= 0 || pid > INT_MAX || *end != '\n' ||
	    (kill((pid_t)pid, 0) < 0 && errno == ESRCH))
		return 0;
	return (int)pid;
}

static int busy(int fd, const char *instance, struct lb_err *err)
{
	int pid = read_pid(fd);

	if (pid)
		return lb_fail(err,
			       "instance \"%s\" is being changed by process %d: wait for it, or "
			       "stop it",
			       instance, pid);
	return lb_fail(err, "instance \"%s\" is being changed by another process: wait for it",
		       instance);
}

int lb_lock_at(const char *dir, const char *instance, int wait_ms, struct lb_err *err)
{
	long until = now_ms() + (wait_ms > 0 ? wait_ms : 0);
	char path[PATH_MAX];
	int fd = -1;

	if (parse_name(instance, err) < 0)
		return lb_prefix(err, "instance");
	if (snprintf(path, sizeof(path), "%s/%s.lock", dir, instance) >= (int)sizeof(path))
		return lb_fail(err, "%s: %s", dir, strerror(ENAMETOOLONG));
	for (;;) {
		long left = until - now_ms();

		if (fd < 0)
			fd = open_file(dir, path, err);
		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			if (!is_stale(fd, path))
				break;
			close(fd);
			fd = -1;
			continue;
		}
		if (errno != EWOULDBLOCK) {
			refused(path, dir, err);
			goto out;
		}
		if (left <= 0) {
			busy(fd, instance, err);
			goto out;
		}
		sleep_ms(left < POLL_MS ? left : POLL_MS);
	}
	write_pid(fd);
	return fd;
out:
	close(fd);
	return -1;
}

int lb_lock(const char *instance, int wait_ms, struct lb_err *err)
{
	return lb_lock_at(LB_LOCK_DIR, instance, wait_ms, err);
}

bool lb_lock_held(const char *instance, int wait_ms, int *pid)
{
	long until = now_ms() + wait_ms;
	char path[PATH_MAX];
	bool held;
	int fd;

	snprintf(path, sizeof(path), LB_LOCK_DIR "/%s.lock", instance);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	/* A shared lock: two that look at once are no holders for each other. */
	while ((held = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK) && now_ms() < until)
		sleep_ms(POLL_MS);
	*pid = held ? read_pid(fd) : 0;
	close(fd);
	return held;
}
