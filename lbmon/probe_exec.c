// SPDX-License-Identifier: GPL-2.0
/*
 * probe_exec.c - a command: its exit status decides, its first line is the text.
 *
 * It runs in a process group of its own, which is killed with it: at the timeout, and also when the command ends, so that
 * what it left in the background does not pile up check by check.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lbmon/probe_internal.h"

#define OUTPUT_MAX (1u << 20) /* bytes; a command that writes more is killed */

struct command {
	pid_t pid;
	int out; /* its stdout and stderr; -1: closed */
	size_t seen;
	size_t len;
	bool whole; /* the first line is */
	char line[PROBE_TEXT];
};

static void close_out(struct probe *probe)
{
	struct command *c = probe->own;
	struct lb_err err;

	if (c->out < 0)
		return;
	loop_fd(probe->loop, c->out, 0, NULL, NULL, &err);
	close(c->out);
	c->out = -1;
}

/* One read: a flood does not keep others waiting. */
static void take_output(struct probe *probe)
{
	static char buf[16384];
	struct command *c = probe->own;
	ssize_t n = read(c->out, buf, sizeof(buf)), i;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_out(probe);
		return;
	}
	c->seen += (size_t)n;
	for (i = 0; i < n && !c->whole; i++) {
		c->whole = buf[i] == '\n' || c->len == sizeof(c->line) - 1;
		if (!c->whole)
			c->line[c->len++] = buf[i] ? buf[i] : '?';
	}
}

static void exec_ready(void *arg, uint32_t events)
{
	struct probe *probe = arg;
	struct command *c = probe->own;

	(void)events;
	take_output(probe);
	if (c->seen > OUTPUT_MAX)
		probe_end(probe, PROBE_BAD, "command wrote more than 1 MiB");
}

static void exec_ended(void *arg, int status)
{
	struct probe *probe = arg;
	struct command *c = probe->own;

	if (c->out >= 0 && !c->whole)
		take_output(probe);
	kill(-c->pid, SIGKILL);
	c->pid = 0;
	if (WIFSIGNALED(status))
		probe_end(probe, PROBE_BAD, "command killed by signal %d", WTERMSIG(status));
	else if (c->len)
		probe_end(probe, WEXITSTATUS(status) == 0, "%s", c->line);
	else
		probe_end(probe, WEXITSTATUS(status) == 0, "exit status %d", WEXITSTATUS(status));
}

/* Signals as in a fresh process: the loop blocks some, and SIGPIPE is ignored. 0 or an errno. */
static int attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setpgroup(attr, 0);
	return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETPGROUP);
}

/* Only 0, 1 and 2 stay open. */
static int descriptors(posix_spawn_file_actions_t *fa, int out)
{
	int ret = posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);

	if (!ret)
		ret = posix_spawn_file_actions_adddup2(fa, out, 1);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(fa, out, 2);
	if (!ret)
		ret = posix_spawn_file_actions_addclosefrom_np(fa, 3);
	return ret;
}

static int spawn(const struct probe_target *t, int out, pid_t *pid)
{
	char real[sizeof("LB_REAL=") + LB_ADDR_STRLEN] = "LB_REAL=", port[16] = "LB_PORT=";
	char vip[sizeof("LB_VIP=") + LB_ADDR_STRLEN] = "LB_VIP=";
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char command[sizeof(t->check.command)];
	char *argv[] = {command, strchr(real, '=') + 1, strchr(port, '=') + 1, NULL};
	/* The VIP is there when it is what is asked. */
	char *envp[] = {path, real, port, lb_addr_cmp(&t->addr, &t->real) ? vip : NULL, NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int ret;

	memcpy(command, t->check.command, sizeof(command));
	format_addr(&t->real, argv[1]);
	snprintf(argv[2], 6, "%u", t->port);
	format_addr(&t->addr, strchr(vip, '=') + 1);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	ret = descriptors(&fa, out);
	if (!ret)
		ret = attributes(&attr);
	if (!ret)
		ret = posix_spawn(pid, command, &fa, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	return ret;
}

/* The group is killed and, when it is not yet, reaped by the loop; the memory is gone. */
static void exec_stop(struct probe *probe)
{
	struct command *c = probe->own;

	close_out(probe);
	if (c->pid) {
		kill(-c->pid, SIGKILL);
		loop_child_forget(probe->loop, c->pid);
	}
	free(c);
}

static int exec_start(struct probe *probe, char text[PROBE_TEXT])
{
	struct command *c = calloc(1, sizeof(*c));
	int fd[2], ret;
	struct lb_err err;

	if (!c || pipe2(fd, O_CLOEXEC)) {
		snprintf(text, PROBE_TEXT, "%s", probe_strerror(errno));
		free(c);
		return PROBE_START_UNASKED;
	}
	fcntl(fd[0], F_SETFL, O_NONBLOCK); /* ours alone: the command expects a pipe that blocks */
	probe->own = c;
	c->out = fd[0];
	ret = probe->target.check.command[0] == '/' ? spawn(&probe->target, fd[1], &c->pid)
						    : ENOENT;
	close(fd[1]);
	if (ret) {
		c->pid = 0;
		snprintf(text, PROBE_TEXT, "command: %s", probe_strerror(ret));
	} else if (loop_child(probe->loop, c->pid, exec_ended, probe, &err) ||
		   loop_fd(probe->loop, c->out, EPOLLIN, exec_ready, probe, &err)) {
		snprintf(text, PROBE_TEXT, "%.*s", PROBE_TEXT - 1, err.msg);
	} else {
		return 0;
	}
	exec_stop(probe);
	return PROBE_START_UNASKED;
}

/* Each takes about a millisecond to begin: four, then others have their turn. */
const struct probe_kind probe_exec = {
	.burst = 4, .most = 64, .start = exec_start, .stop = exec_stop};
