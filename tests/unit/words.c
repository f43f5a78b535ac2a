/* SPDX-License-Identifier: GPL-2.0 */
/* words.c - what a refused word must look like. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "tests/unit/words.h"

struct lb_err err;

bool untouched(const void *p, size_t n)
{
	const unsigned char *b = p;

	while (n && b[n - 1] == NOTHING)
		n--;
	return n == 0;
}

void refused(int rc, const char *word, const char *why)
{
	char message[2 * LB_ERR_LEN];

	snprintf(message, sizeof(message), "\"%s\": %s", word, why);
	cr_expect(eq(int, rc, -1), "%s", word);
	cr_expect(eq(int, err.status, LB_USAGE), "%s", word);
	cr_expect(eq(str, err.msg, message));
	err = (struct lb_err){0};
}
