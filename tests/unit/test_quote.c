/* SPDX-License-Identifier: GPL-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/batch.h"
#include "lib/quote.h"

static struct lb_err err;

Test(quote, only_what_needs_it)
{
	static const char *const rows[][2] = {
		{"plain", "plain"},
		{"/a/b-c_d.e:80,f@g%20+h=i", "/a/b-c_d.e:80,f@g%20+h=i"},
		{"", "''"},
		{"a b", "'a b'"},
		{"#", "'#'"},
		{"$HOME", "'$HOME'"},
		{"\\", "'\\'"},
		{"it's", "\"it's\""},
		{"say \"ok\"", "'say \"ok\"'"},
		{"\"'", "\"'"},
	};
	char buf[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cr_expect(eq(str, (char *)lb_quote(rows[i][0], buf, sizeof(buf)),
			     (char *)rows[i][1]));
		cr_expect(eq(ptr, (void *)lb_quote(rows[i][0], buf, sizeof(buf)), buf));
	}
	cr_expect(eq(str, (char *)lb_quote("a b", buf, 4), "'a "));
}

/* Every text of two characters, as the last word of a batch's line. */
Test(quote, a_batch_reads_it_back)
{
	char text[3] = "", line[64], quoted[8];
	const char *const *word;
	struct lb_batch *b;
	FILE *in;
	size_t n;

	for (int i = ' ' * 128 + ' '; i < 127 * 128; i++) {
		text[0] = (char)(i / 128);
		text[1] = (char)(i % 128 < ' ' || i % 128 > '~' ? '\0' : i % 128);
		if (strchr(text, '\'') && strchr(text, '"'))
			continue;
		snprintf(line, sizeof(line), "send %s\n", lb_quote(text, quoted, sizeof(quoted)));
		in = fmemopen(line, strlen(line), "r");
		b = lb_batch_new(in, "quote", &err);
		cr_assert(eq(int, lb_batch_next(b, &word, &n, &err), 1), "%s", line);
		cr_assert(eq(sz, n, 2), "%s", line);
		cr_assert(eq(str, (char *)word[1], text));
		lb_batch_free(b);
		fclose(in);
	}
}
