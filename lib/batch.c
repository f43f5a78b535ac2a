/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/batch.h"

#define BLANKS " \t\r\n\v\f"

struct lb_batch {
	FILE *in;
	const char *name;
	unsigned int first, lines; /* where the words began; lines read so far */
	char *raw; /* getline()'s */
	size_t raw_room;
	char *text; /* the joined line, cut into words */
	size_t len, text_room;
	const char **word;
	size_t words, word_room;
	char *head;
};

struct lb_batch *lb_batch_new(FILE *in, const char *name, struct lb_err *err)
{
	struct lb_batch *b = calloc(1, sizeof(*b));

	if (!b) {
		lb_fail(err, "out of memory");
		return NULL;
	}
	b->in = in;
	b->name = name;
	return b;
}

void lb_batch_free(struct lb_batch *b)
{
	if (!b)
		return;
	free(b->raw);
	free(b->text);
	free(b->word);
	free(b->head);
	free(b);
}

unsigned int lb_batch_line(const struct lb_batch *b)
{
	return b->first;
}

const char *lb_batch_head(const struct lb_batch *b)
{
	return b->head;
}

static int bad_line(const struct lb_batch *b, struct lb_err *err, const char *what)
{
	return lb_usage(err, "%s:%u: %s", b->name, b->lines, what);
}

/* Appends raw[0..len) and a NUL. */
static int append(struct lb_batch *b, size_t len, struct lb_err *err)
{
	if (len + b->len >= LB_BATCH_LINE_MAX)
		return bad_line(b, err, "the line is too long");
	if (b->len + len + 1 > b->text_room) {
		size_t room = (b->len + len + 1) * 2;
		char *text = realloc(b->text, room);

		if (!text)
			return lb_fail(err, "out of memory");
		b->text = text;
		b->text_room = room;
	}
	memcpy(b->text + b->len, b->raw, len);
	b->len += len;
	b->text[b->len] = '\0';
	return 0;
}

/* Does a comment begin in the text? Then a backslash at its end joins nothing. */
static bool in_comment(const char *s)
{
	for (;;) {
		s += strspn(s, BLANKS);
		if (*s == '#')
			return true;
		if (!*s)
			return false;
		if (*s == '"' || *s == '\'') {
			const char *end = strchr(s + 1, *s);

			if (!end)
				return false;
			s = end + 1;
		} else {
			s += strcspn(s, BLANKS);
		}
	}
}

/* One line of the file, with those that a backslash joins to it: 1, 0 at the end, or -1. */
static int read_line(struct lb_batch *b, struct lb_err *err)
{
	b->len = 0;
	b->first = b->lines + 1;
	for (;;) {
		ssize_t len = getline(&b->raw, &b->raw_room, b->in);

		if (len < 0 && !feof(b->in))
			return lb_fail(err, "%s: cannot read: %s", b->name, strerror(errno));
		if (len < 0)
			return b->lines >= b->first;
		b->lines++;
		if (memchr(b->raw, '\0', len))
			return bad_line(b, err, "a NUL byte in the line");
		if (len && b->raw[len - 1] == '\n')
			len--;
		if (len && b->raw[len - 1] == '\r')
			len--;
		if (b->lines == 1 && b->raw[0] == '#')
			b->head = strndup(b->raw, len);
		if (append(b, len, err))
			return -1;
		if (!b->len || b->text[b->len - 1] != '\\' || in_comment(b->text))
			return 1;
		b->text[b->len - 1] = ' ';
	}
}

static int add_word(struct lb_batch *b, const char *word, struct lb_err *err)
{
	if (b->words == b->word_room) {
		size_t room = b->word_room ? b->word_room * 2 : 16;
		const char **more = realloc(b->word, room * sizeof(*more));

		if (!more)
			return lb_fail(err, "out of memory");
		b->word = more;
		b->word_room = room;
	}
	b->word[b->words++] = word;
	return 0;
}

static int split(struct lb_batch *b, struct lb_err *err)
{
	char *s = b->text, *end;

	b->words = 0;
	for (;;) {
		s += strspn(s, BLANKS);
		if (!*s || *s == '#')
			return 0;
		if (*s == '"' || *s == '\'') {
			end = strchr(s + 1, *s);
			if (!end)
				return lb_usage(err, "%s:%u: a quote is not closed", b->name,
						b->first);
			if (end[1] && !strchr(BLANKS, end[1]))
				return lb_usage(err, "%s:%u: no blank behind the closing quote",
						b->name, b->first);
			s++;
		} else {
			end = s + strcspn(s, BLANKS);
		}
		if (add_word(b, s, err))
			return -1;
		if (!*end)
			return 0;
		*end = '\0';
		s = end + 1;
	}
}

int lb_batch_next(struct lb_batch *b, const char *const **word, size_t *n, struct lb_err *err)
{
	int ret;

	while ((ret = read_line(b, err)) > 0) {
		if (split(b, err))
			return -1;
		if (!b->words)
			continue;
		*word = b->word;
		*n = b->words;
		return 1;
	}
	return ret;
}
