/* SPDX-License-Identifier: GPL-2.0 */
/*
 * batch.h - commands from a file, one a line, split into words as ip -batch does.
 *
 * Words are separated by blanks. A word that begins with ' or " ends at the next such quote and
 * may hold blanks. `#` at the beginning of a word starts a comment, a backslash at the end of a
 * line joins the next one to it (not in a comment), blank lines are skipped. NUL bytes are
 * refused.
 */
#ifndef LIB_BATCH_H
#define LIB_BATCH_H

#include <stddef.h>
#include <stdio.h>

#include "lib/err.h"

struct lb_batch;

#define LB_BATCH_LINE_MAX 8192u /* bytes of a line, joined ones included */

/*
 * Reads from `in`, which stays the caller's. `name` stands in messages and is borrowed. NULL with
 * *err: no memory.
 */
struct lb_batch *lb_batch_new(FILE *in, const char *name, struct lb_err *err);
void lb_batch_free(struct lb_batch *b);

/*
 * The next line that has words: 1 and the words, which hold until the next call; 0 at the end;
 * -1 with *err, which begins with NAME:LINE.
 */
int lb_batch_next(struct lb_batch *b, const char *const **word, size_t *n, struct lb_err *err);

/* Number, from 1, of the line at which the words of the last call began; after the end, one more than there are lines. */
unsigned int lb_batch_line(const struct lb_batch *b);

/* The file's first line, once it was read and when it is a comment, else NULL. b's. */
const char *lb_batch_head(const struct lb_batch *b);

#endif
