/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The terminal. Plain termios and the few sequences that every terminal since the VT100 knows, so no curses; the other
 * screen and the cursor's hiding are passed over by those that lack them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "lbtool/top.h"

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[0m\033[?25h\033[?1049l"

static struct termios before;
static sigset_t outside; /* signals that are blocked but while waiting */
static volatile sig_atomic_t caught, resized;
static int ended_by;

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void on_signal(int sig)
{
	if (sig == SIGWINCH)
		resized = 1;
	else
		caught = sig;
}

bool top_term_usable(void)
{
	const char *term = getenv("TERM");

	return term && *term && strcmp(term, "dumb") != 0 && isatty(STDIN_FILENO) &&
	       isatty(STDOUT_FILENO);
}

static int put(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno == EINTR && !caught)
			continue;
		if (n < 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static void raw(void)
{
	struct termios t = before;

	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_iflag &= ~(tcflag_t)IXON;
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
	put(ENTER, sizeof(ENTER) - 1);
}

int top_term_open(struct lb_err *err)
{
	struct sigaction act = {.sa_handler = on_signal};
	sigset_t block;

	if (tcgetattr(STDIN_FILENO, &before))
		return lb_fail(err, "cannot ask the terminal: %s", strerror(errno));
	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sigaddset(&block, ends[i]);
		sigaction(ends[i], &act, NULL);
	}
	sigaddset(&block, SIGTSTP);
	sigaction(SIGTSTP, &act, NULL);
	sigaddset(&block, SIGWINCH);
	sigaction(SIGWINCH, &act, NULL);
	sigprocmask(SIG_BLOCK, &block, &outside);
	raw();
	return 0;
}

static void restore(void)
{
	put(LEAVE, sizeof(LEAVE) - 1);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

void top_term_close(void)
{
	restore();
	if (ended_by) {
		signal(ended_by, SIG_DFL);
		raise(ended_by);
	}
	sigprocmask(SIG_SETMASK, &outside, NULL);
}

void top_term_size(unsigned int *rows, unsigned int *cols)
{
	struct winsize w = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_row || !w.ws_col)
		w = (struct winsize){.ws_row = 24, .ws_col = 80};
	*rows = w.ws_row;
	*cols = w.ws_col;
}

int top_term_show(const struct top_screen *s, bool color, struct lb_err *err)
{
	static const char *const plain[] = {"", "\033[7m", "", ""};
	static const char *const colors[] = {"", "\033[7m", "\033[33m", "\033[31m"};
	const char *const *style = color ? colors : plain;
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	sigset_t inside;
	int bad;

	if (!to)
		return lb_fail(err, "out of memory");
	fputs("\033[H", to);
	for (size_t i = 0; i < s->n; i++)
		fprintf(to, "%s%s\033[0m\033[K%s", style[s->line[i].style], s->line[i].text,
			i + 1 < s->n ? "\n" : "");
	fputs("\033[J", to);
	if (fclose(to)) {
		free(text);
		return lb_fail(err, "out of memory");
	}
	/* A terminal that takes nothing more must not keep us from ending. */
	sigprocmask(SIG_SETMASK, &outside, &inside);
	bad = put(text, len);
	sigprocmask(SIG_SETMASK, &inside, NULL);
	free(text);
	return bad && !caught ? lb_fail(err, "cannot write to the terminal: %s", strerror(errno))
			      : 0;
}

/* SIGTSTP: as before, and again when we are continued. */
static void pause_here(void)
{
	restore();
	raise(SIGSTOP);
	raw();
}

/* An arrow comes as three characters, at once. */
static enum top_event read_key(char *key)
{
	char more[2] = {0};

	if (read(STDIN_FILENO, key, 1) <= 0)
		return TOP_END; /* the terminal is gone */
	if (*key == '\033' && read(STDIN_FILENO, more, sizeof(more)) == sizeof(more))
		*key = more[1] == 'A' ? 'k' : more[1] == 'B' ? 'j' : ' ';
	return TOP_KEY;
}

enum top_event top_term_wait(int ms, char *key)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
	int n = caught || resized ? 0 : ppoll(&in, 1, &t, &outside);

	if (caught == SIGTSTP) {
		caught = 0;
		pause_here();
		return TOP_REDRAW;
	}
	if (caught) {
		ended_by = caught;
		return TOP_END;
	}
	if (resized) {
		resized = 0;
		return TOP_REDRAW;
	}
	return n > 0 ? read_key(key) : TOP_TICK;
}
