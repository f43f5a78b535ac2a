// SPDX-License-Identifier: GPL-2.0
#include "lbmon/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE 4096 /* PIPE_BUF: a line goes into a pipe whole */

/* What stands in a text without quotes. */
static const char plain[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@%+[]";

static bool as_json, quiet;

struct line {
	char text[LINE];
	size_t len;
	bool full;
};

void log_json(bool on)
{
	as_json = on;
}

void log_quiet(bool on)
{
	quiet = on;
}

static void add(struct line *l, const char *text)
{
	size_t n = strlen(text);

	if (n > sizeof(l->text) - 4 - l->len) /* room for the end of the line */
		l->full = true;
	else
		memcpy(l->text + l->len, text, n);
	l->len += l->full ? 0 : n;
}

static void add_quoted(struct line *l, const char *text)
{
	add(l, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char code[8] = {(char)c};

		if (c == '"' || c == '\\')
			snprintf(code, sizeof(code), "\\%c", c);
		else if (c < ' ' || c > '~')
			snprintf(code, sizeof(code), as_json ? "\\u%04x" : "\\x%02x", c);
		add(l, code);
	}
	add(l, "\"");
}

/* A pair that does not fit is left out whole. */
static void add_pair(struct line *l, const char *key, const char *value)
{
	size_t before = l->len;

	l->full = false;
	if (as_json) {
		add(l, l->len > 1 ? "," : "");
		add_quoted(l, key);
		add(l, ":");
	} else {
		add(l, " ");
		add(l, key);
		add(l, "=");
	}
	if (!as_json && *value && !value[strspn(value, plain)])
		add(l, value);
	else
		add_quoted(l, value);
	if (l->full)
		l->len = before;
}

/* The description behind stderr is shared with others, so O_NONBLOCK is not ours to set. */
static void write_line(const char *text, size_t len)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return;
	if (send(STDERR_FILENO, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == ENOTSOCK &&
	    write(STDERR_FILENO, text, len) < 0)
		return; /* there is nowhere to say it */
}

void log_event(const char *event, ...)
{
	struct line l = {.len = 0};
	const char *key, *value;
	va_list ap;
	size_t n;

	if (as_json) {
		add(&l, "{");
		add_pair(&l, "event", event);
	} else {
		add(&l, event);
	}
	va_start(ap, event);
	for (n = 0; (key = va_arg(ap, const char *)); n++) {
		if (!n && quiet && strcmp(key, "error") != 0)
			break;
		value = va_arg(ap, const char *);
		if (value)
			add_pair(&l, key, value);
	}
	va_end(ap);
	if (key) /* not to be said */
		return;
	l.full = false;
	memcpy(l.text + l.len, as_json ? "}\n" : "\n", as_json ? 2 : 1);
	write_line(l.text, l.len + (as_json ? 2 : 1));
}
