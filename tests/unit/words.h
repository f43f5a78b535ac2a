/* SPDX-License-Identifier: GPL-2.0 */
/* words.h - what the tests of lib/parse*.c share. */
#ifndef TESTS_UNIT_WORDS_H
#define TESTS_UNIT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOTHING 0x5a /* what an output holds that must not be written */

extern struct lb_err err;

/* Does it still hold nothing else than NOTHING? */
bool untouched(const void *p, size_t n);

/* Expects a refusal: rc is -1, *err a usage error of printable ASCII, the message `"word": why`. */
void refused(int rc, const char *word, const char *why);

#endif
