/* SPDX-License-Identifier: GPL-2.0 */
/* lbtool - load, attach, configure and show a load balancer; see lbtool(8). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lbtool/cmd.h"
#include "lbtool/edit.h"
#include "lbtool/options.h"
#include "lib/version.h"

/* Standard descriptors that were closed would be given to maps and sockets: "rw" gets text then. */
static void hold_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* Help and version go to stdout by themselves; the rest is in t->out. */
static int flush(struct tool *t)
{
	if (t->out && lb_out_flush(t->out, stdout, &t->err))
		return -1;
	if (fflush(stdout) || ferror(stdout))
		return lb_fail(&t->err, "cannot write to stdout: %s", strerror(errno));
	return 0;
}

static int run_cmd(struct tool *t, struct lb_args *a)
{
	size_t from = a->at;

	if (!cmd_run(t, a))
		return 0;
	options_late(a, from, &t->err);
	return -1;
}

static int run(struct tool *t, struct lb_args *a)
{
	int what = options_parse(t, a);

	if (what < 0)
		return -1;
	if (what == OPTIONS_VERSION) {
		printf("lbtool %s\n", LB_VERSION);
		return 0;
	}
	if (what == OPTIONS_HELP) {
		usage_print(stdout);
		return 0;
	}
	if (t->batch && lb_args_peek(a))
		return lb_bad_word(&t->err, lb_args_peek(a),
				   "with -batch the commands are in the file");
	if (t->batch)
		return edit_file(t, t->batch, false);
	if (lb_args_peek(a))
		return run_cmd(t, a);
	usage_brief(stderr);
	return lb_usage(&t->err, "OBJECT is missing");
}

int main(int argc, char **argv)
{
	struct lb_args a = {.word = (const char *const *)argv, .n = argc, .at = argc > 0};
	struct tool t;
	int status;

	hold_standard_fds();
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error like a full disk */
	tool_init(&t);
	if (run(&t, &a) || flush(&t)) {
		fprintf(stderr, "lbtool: %s\n", t.err.msg);
		status = t.err.status;
	} else {
		status = t.status;
	}
	tool_close(&t);
	return status;
}
