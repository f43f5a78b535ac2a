// SPDX-License-Identifier: GPL-2.0
/* err.c - messages: printable ASCII whatever the words held, and never cut in silence. */
#include <stdarg.h>
#include <stdbool.h>
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

#define RAW_LEN (LB_ERR_LEN + 1) /* one more than a message holds: append() sees what was cut */

__attribute__((format(printf, 3, 0))) static void say(struct lb_err *err, int status,
						      const char *fmt, va_list ap)
{
	char raw[RAW_LEN] = "";

	vsnprintf(raw, sizeof(raw), fmt, ap);
	err->status = status;
	append(err->msg, 0, raw);
}

int lb_fail(struct lb_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(err, LB_FAILED, fmt, ap);
	va_end(ap);
	return -1;
}

int lb_usage(struct lb_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(err, LB_USAGE, fmt, ap);
	va_end(ap);
	return -1;
}

int lb_bad_word(struct lb_err *err, const char *word, const char *fmt, ...)
{
	bool whole = strnlen(word, WORD_SHOWN + 1) <= WORD_SHOWN;
	char quoted[WORD_SHOWN + sizeof("\"" CUT "\": ")], raw[RAW_LEN] = "";
	va_list ap;
	size_t len;

	snprintf(quoted, sizeof(quoted), "\"%.*s%s\": ", WORD_SHOWN, word, whole ? "" : CUT);
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	err->status = LB_USAGE;
	len = append(err->msg, 0, quoted);
	append(err->msg, len, raw);
	return -1;
}

int lb_prefix(struct lb_err *err, const char *fmt, ...)
{
	char raw[RAW_LEN] = "", old[LB_ERR_LEN];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	memcpy(old, err->msg, sizeof(old));
	len = append(err->msg, 0, raw);
	len = append(err->msg, len, ": ");
	append(err->msg, len, old);
	return -1;
}
