/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pins are the machine's, devices are a network namespace's. Whoever forgets -netns would take
 * devices elsewhere for gone: so a look around before something is removed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lbtool/tool.h"

#define NETNS_DIR "/run/netns"

struct visit {
	int (*look)(void *arg, struct lb_nl *nl, const char *name);
	void *arg;
	struct stat seen[2]; /* the present namespace, the one we came from */
	int nseen;
};

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Looks into the namespace of the descriptor; the caller brings us back. */
static int visit_fd(struct visit *v, int fd, const char *name)
{
	struct lb_err ignored;
	struct lb_nl *nl;
	int ret;

	if (setns(fd, CLONE_NEWNET))
		return 0;
	nl = lb_nl_open(&ignored);
	if (!nl)
		return 0;
	ret = v->look(v->arg, nl, name);
	lb_nl_close(nl);
	return ret;
}

static int visit_name(struct visit *v, int dir, const char *name)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st))
		goto out;
	for (int i = 0; i < v->nseen; i++)
		if (same(&st, &v->seen[i]))
			goto out;
	ret = visit_fd(v, fd, name);
out:
	close(fd);
	return ret;
}

static int visit_all(struct visit *v)
{
	DIR *dir = opendir(NETNS_DIR);
	const struct dirent *e;
	int ret = 0;

	if (!dir)
		return 0;
	while (!ret && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			ret = visit_name(v, dirfd(dir), e->d_name);
	closedir(dir);
	return ret;
}

int tool_elsewhere(struct tool *t, int (*look)(void *arg, struct lb_nl *nl, const char *name),
		   void *arg)
{
	struct visit v = {.look = look, .arg = arg};
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), ret = 0;

	if (here < 0)
		return 0;
	if (!fstat(here, &v.seen[v.nseen]))
		v.nseen++;
	if (t->home >= 0 && !fstat(t->home, &v.seen[v.nseen]) &&
	    !same(&v.seen[0], &v.seen[v.nseen])) {
		v.nseen++;
		ret = visit_fd(&v, t->home, NULL);
	}
	if (!ret)
		ret = visit_all(&v);
	if (setns(here, CLONE_NEWNET))
		ret = lb_fail(&t->err, "cannot come back into the network namespace");
	close(here);
	return ret;
}
