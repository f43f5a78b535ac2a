/* SPDX-License-Identifier: GPL-2.0 */
/*
 * must.h - what a fuzz target says when something does not hold: the place, then abort(), which libFuzzer takes for
 * a finding and keeps the input of.
 */
#ifndef FUZZ_MUST_H
#define FUZZ_MUST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

#define must(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what); \
			abort(); \
		} \
	} while (0)

/* A message is there, printable ASCII, cut where it has to be, and its status is one of `usage` and, unless that is
 * all that may be, `failed`. */
static inline void must_be_said(const struct lb_err *err, int may_fail)
{
	size_t len = strnlen(err->msg, sizeof(err->msg));

	must(len > 0 && len < sizeof(err->msg));
	for (size_t i = 0; i < len; i++)
		must(err->msg[i] >= ' ' && err->msg[i] <= '~');
	must(err->status == LB_USAGE || (may_fail && err->status == LB_FAILED));
}

#endif
