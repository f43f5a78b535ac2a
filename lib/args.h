/* SPDX-License-Identifier: GPL-2.0 */
/*
 * args.h - the words of a command: positional ones, then keyword-value pairs.
 *
 * Functions return 0, or -1 with *err a usage error that names the word. Words are borrowed.
 */
#ifndef LIB_ARGS_H
#define LIB_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct lb_args {
	const char *const *word;
	size_t n; /* words in all */
	size_t at; /* the next one */
};

/* The next word, or NULL at the end. */
const char *lb_args_peek(const struct lb_args *a);
/* Takes the next word when it is this one. */
bool lb_args_take(struct lb_args *a, const char *word);
/* Takes a word that must be there; `what` is its name in the grammar, for the message. */
int lb_args_next(struct lb_args *a, const char *what, const char **word, struct lb_err *err);
/* Nothing may follow. */
int lb_args_end(const struct lb_args *a, struct lb_err *err);

struct lb_key {
	const char *word;
	const char *value; /* name of its value in the grammar */
	bool many; /* may be given more than once */
};

#define LB_ARGS_END (-1)
#define LB_ARGS_BAD (-2)
#define LB_KEYS_MAX 32

/*
 * Takes the next keyword and its value. keys[] ends with a NULL word and has at most LB_KEYS_MAX
 * entries. Returns the keyword's index, and sets that bit of *seen, which the caller zeroes at
 * first; LB_ARGS_END when no word is left; LB_ARGS_BAD with *err when the word is none of the
 * keys, comes the second time, or has no value.
 */
int lb_args_pair(struct lb_args *a, const struct lb_key *keys, uint32_t *seen, const char **value,
		 struct lb_err *err);

/* Is the next word one of the keys? For commands whose positional word may be left out. */
bool lb_args_at_key(const struct lb_args *a, const struct lb_key *keys);

/*
 * Puts `label ` in front of the message, which quotes a word: `weight "x": must be ...`. Returns
 * -1.
 */
int lb_args_label(struct lb_err *err, const char *label);

#endif
