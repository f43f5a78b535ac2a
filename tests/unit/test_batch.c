/* SPDX-License-Identifier: GPL-2.0 */
/* Files of commands: what is a line, what is a word, and where an error is said to be. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/batch.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct lb_err err;

/* What a text is read as: "LINE:word|word;" for each line, then "." at its end or the error. */
static char *read_as(const char *text, size_t len)
{
	FILE *in = len ? fmemopen((void *)text, len, "r") : fopen("/dev/null", "r");
	struct lb_batch *b = lb_batch_new(in, "F", &err);
	static char got[4096];
	const char *const *word;
	size_t n, at = 0;
	int ret;

	got[0] = '\0';
	while ((ret = lb_batch_next(b, &word, &n, &err)) > 0) {
		at += snprintf(got + at, sizeof(got) - at, "%u:", lb_batch_line(b));
		for (size_t i = 0; i < n && at < sizeof(got); i++)
			at += snprintf(got + at, sizeof(got) - at, "%s%s", word[i],
				       i + 1 < n ? "|" : ";");
	}
	snprintf(got + at, sizeof(got) - at, "%s", ret ? err.msg : ".");
	lb_batch_free(b);
	fclose(in);
	return got;
}

struct row {
	const char *text, *want;
};

static void expect(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cr_expect(
			eq(str, read_as(rows[i].text, strlen(rows[i].text)), (char *)rows[i].want),
			"row %zu", i);
}

Test(batch, lines_and_words)
{
	static const struct row rows[] = {
		{"", "."},
		{"\n\n \t \n", "."},
		{"pool add web", "1:pool|add|web;."},
		{"pool add web\n", "1:pool|add|web;."},
		{"  pool\tadd   web  \r\n\r\nvip x\r\n", "1:pool|add|web;3:vip|x;."},
		{"a\nb\nc\n", "1:a;2:b;3:c;."},
	};

	expect(rows, COUNT(rows));
}

Test(batch, comments)
{
	static const struct row rows[] = {
		{"# all of it\n", "."},
		{"a # the rest \"\n b", "1:a;2:b;."},
		{"a #", "1:a;."},
		{"a#b c", "1:a#b|c;."}, /* inside a word it is a letter */
		{"'#' a", "1:#|a;."},
		{"# a backslash joins nothing here \\\nb\n", "2:b;."},
		{"a 'x y' # nor here \\\nb\n", "1:a|x y;2:b;."},
	};

	expect(rows, COUNT(rows));
}

Test(batch, quotes)
{
	static const struct row rows[] = {
		{"a 'b c' d", "1:a|b c|d;."},
		{"a \"b 'c\" d", "1:a|b 'c|d;."},
		{"a ''\n", "1:a|;."},
		{"it's\n", "1:it's;."}, /* only at the beginning of a word */
		{"a 'b\nc", "F:1: a quote is not closed"},
		{"ok\na \"b'\n", "1:ok;F:2: a quote is not closed"},
		{"a 'b'c\n", "F:1: no blank behind the closing quote"},
		{"a 'b#c \\' d", "1:a|b#c \\|d;."},
	};

	expect(rows, COUNT(rows));
}

Test(batch, joined_lines)
{
	static const struct row rows[] = {
		{"a \\\n  b\\\nc\nd", "1:a|b|c;4:d;."},
		{"a \\\r\n b\r\n", "1:a|b;."},
		{"a \\", "1:a;."}, /* the file ends there */
		{"\\\n\\\n\n b", "4:b;."},
		{"a 'x \\\n y'", "1:a|x   y;."},
		{"a \\\n # but not this \\\nb", "1:a;3:b;."},
		{"a \\b", "1:a|\\b;."}, /* not at the end: a letter */
	};

	expect(rows, COUNT(rows));
}

/* The first line of a command is where an error is, though it is found in its last one. */
Test(batch, errors_name_the_line)
{
	static const struct row rows[] = {
		{"\n\na \\\n b \\\n 'c\n", "F:3: a quote is not closed"},
	};

	expect(rows, COUNT(rows));
}

Test(batch, nul_bytes_are_refused)
{
	cr_expect(eq(str, read_as("a\nb\0c\nd\n", 8), "1:a;F:2: a NUL byte in the line"));
	cr_expect(eq(int, err.status, LB_USAGE));
	cr_expect(eq(str, read_as("\0", 1), "F:1: a NUL byte in the line"));
}

Test(batch, long_lines_are_refused)
{
	size_t len = LB_BATCH_LINE_MAX;
	char *text = malloc(len + 2);

	memset(text, ' ', len + 1);
	text[0] = 'a';
	text[len - 1] = '\n';
	cr_expect(eq(str, read_as(text, len), "1:a;."));
	text[len - 1] = ' ';
	text[len] = '\n';
	cr_expect(eq(str, read_as(text, len + 1), "F:1: the line is too long"));
	/* The same length in joined lines. */
	for (size_t i = 1; i + 1 < len; i += 2)
		memcpy(text + i, "\\\n", 2);
	cr_expect(eq(str, read_as(text, len + 1), "1:a;."));
	free(text);
}

Test(batch, joined_lines_are_refused_when_long)
{
	size_t len = 4 * LB_BATCH_LINE_MAX;
	char *text = malloc(len);

	for (size_t i = 0; i < len; i += 4)
		memcpy(text + i, "ab\\\n", 4);
	cr_expect(eq(int, strncmp(read_as(text, len), "F:", 2), 0));
	cr_expect(ne(ptr, strstr(err.msg, "the line is too long"), NULL));
	free(text);
}

Test(batch, many_words)
{
	char text[2 * 1000 + 1], *got;
	size_t n = 0;

	for (size_t i = 0; i < 1000; i++)
		memcpy(text + 2 * i, "w ", 3);
	got = read_as(text, 2000);
	for (const char *p = got; (p = strchr(p, 'w')); p++)
		n++;
	cr_expect(eq(sz, n, 1000));
}

Test(batch, a_directory_is_no_file)
{
	FILE *in = fopen("/tmp", "r");
	struct lb_batch *b = lb_batch_new(in, "/tmp", &err);
	const char *const *word;
	size_t n;

	cr_expect(eq(int, lb_batch_next(b, &word, &n, &err), -1));
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(str, err.msg, "/tmp: cannot read: Is a directory"));
	lb_batch_free(b);
	fclose(in);
}

Test(batch, head)
{
	static const struct row rows[] = {
		{"# prog load seed 1\npool add a\n# b\n", "# prog load seed 1"},
		{"# as windows has it\r\npool add a\n", "# as windows has it"},
		{"pool add a\n# b\n", NULL},
		{"\n# b\n", NULL},
		{"#", "#"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		FILE *in = fmemopen((void *)rows[i].text, strlen(rows[i].text), "r");
		struct lb_batch *b = lb_batch_new(in, "F", &err);
		const char *const *word;
		size_t n;

		cr_expect(lb_batch_head(b) == NULL, "row %zu", i);
		while (lb_batch_next(b, &word, &n, &err) > 0)
			;
		if (rows[i].want)
			cr_expect(eq(str, (char *)lb_batch_head(b), (char *)rows[i].want),
				  "row %zu", i);
		else
			cr_expect(lb_batch_head(b) == NULL, "row %zu", i);
		lb_batch_free(b);
		fclose(in);
	}
}
