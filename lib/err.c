// SPDX-License-Identifier: GPL-2.0
/* err.c - messages: printable ASCII whatever the words held, and never cut in silence. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/err.h"

#define CUT "..."
#define WORD_SHOWN 64 /* bytes of an overlong word that a message quotes */

/*
 * Appends text to the len bytes of msg, bytes other than printable ASCII as \xNN: they come from
 * command lines and files, and the message goes to terminals and logs. Returns the new length.
 */
static size_t append(char msg[LB_ERR_LEN], size_t len, const char *text)
{
	size_t last = len, n;

	for (; *text; text++, len += n) {
		unsigned char c = *text;

		if (len + sizeof(CUT) <= LB_ERR_LEN)
			last = len;
		n = c >= 0x20 && c < 0x7f ? 1 : 4;
		if (len + n >= LB_ERR_LEN) {
			memcpy(msg + last, CUT, sizeof(CUT));
			return last + sizeof(CUT) - 1;
		}
		if (n == 1)
			msg[len] = (char)c;
		else
			snprintf(msg + len, n + 1, "\\x%02x", c);
	}
	msg[len] = '\0';
	return len;
}

/* One byte more than a message holds, so that append() sees that something was cut. */
struct raw {
	char text[LB_ERR_LEN + 1];
};

__attribute__((format(printf, 2, 0))) static void format(struct raw *raw, const char *fmt,
							 va_list ap)
{
	if (vsnprintf(raw->text, sizeof(raw->text), fmt, ap) < 0)
		raw->text[0] = '\0';
}

int lb_fail(struct lb_err *err, const char *fmt, ...)
{
	struct raw raw;
	va_list ap;

	va_start(ap, fmt);
	format(&raw, fmt, ap);
	va_end(ap);
	err->status = LB_FAILED;
	append(err->msg, 0, raw.text);
	return -1;
}

int lb_usage(struct lb_err *err, const char *fmt, ...)
{
	struct raw raw;
	va_list ap;

	va_start(ap, fmt);
	format(&raw, fmt, ap);
	va_end(ap);
	err->status = LB_USAGE;
	append(err->msg, 0, raw.text);
	return -1;
}

int lb_bad_word(struct lb_err *err, const char *word, const char *fmt, ...)
{
	size_t word_len = strnlen(word, WORD_SHOWN + 1);
	char quoted[WORD_SHOWN + sizeof(CUT) + 4];
	struct raw raw;
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	format(&raw, fmt, ap);
	va_end(ap);
	snprintf(quoted, sizeof(quoted), "\"%.*s%s\": ", WORD_SHOWN, word,
		 word_len > WORD_SHOWN ? CUT : "");
	err->status = LB_USAGE;
	len = append(err->msg, 0, quoted);
	append(err->msg, len, raw.text);
	return -1;
}

int lb_prefix(struct lb_err *err, const char *fmt, ...)
{
	char old[LB_ERR_LEN];
	struct raw raw;
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	format(&raw, fmt, ap);
	va_end(ap);
	memcpy(old, err->msg, sizeof(old));
	len = append(err->msg, 0, raw.text);
	len = append(err->msg, len, ": ");
	append(err->msg, len, old);
	return -1;
}
