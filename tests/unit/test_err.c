/* SPDX-License-Identifier: GPL-2.0 */
/* Messages: whole, or cut in sight; printable whatever they quote. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "lib/err.h"
#include "tests/unit/words.h"

Test(err, prefix)
{
	cr_expect(eq(int, lb_fail(&err, "no %s", "room"), -1));
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(int, lb_prefix(&err, "%s:%d", "a\tfile", 40), -1));
	cr_expect(eq(str, err.msg, "a\\x09file:40: no room"));
	cr_expect(eq(int, lb_prefix(&err, "%s", ""), -1));
	cr_expect(eq(str, err.msg, ": a\\x09file:40: no room"), "what is escaped is so once");
	cr_expect(eq(int, err.status, LB_FAILED), "a prefix leaves the status");
}

Test(err, cut)
{
	char word[LB_ERR_LEN + 8];

	memset(word, 'w', sizeof(word));
	for (size_t n = LB_ERR_LEN - 8; n < LB_ERR_LEN + 8; n++) {
		word[n] = '\0';
		lb_usage(&err, "%s", word);
		word[n] = 'w';
		cr_expect(eq(sz, strlen(err.msg), n < LB_ERR_LEN ? n : LB_ERR_LEN - 1));
		cr_expect(eq(int, strstr(err.msg, "...") != NULL, n >= LB_ERR_LEN), "%zu", n);
	}
}

Test(err, cut_between_bytes)
{
	char word[2 * LB_ERR_LEN];

	memset(word, '\xff', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	lb_usage(&err, "%s", word);
	cr_expect(eq(int, err.status, LB_USAGE));
	cr_expect(eq(sz, strlen(err.msg) % 4, 3), "no half of \\xff in front of the dots");
	cr_expect(eq(str, err.msg + strlen(err.msg) - 7, "\\xff..."));
	lb_prefix(&err, "x%s", "y");
	cr_expect(eq(int, strncmp(err.msg, "xy: \\xff", 8), 0));
	cr_expect(eq(str, err.msg + strlen(err.msg) - 3, "..."));
}
