/* SPDX-License-Identifier: GPL-2.0 */
/*
 * grammar.h - what may follow some words, by the line that is a command's usage: "add NAME [ min N ] [ encap ipip|gue ]".
 *
 * Words of the grammar: lower case, as they are typed; UPPER case, a value; a|b, one of them as a value. [ ... ] may be left
 * out, several in a row come in any order, [ ... ]... more than once; inside, | stands between alternatives. A word that is
 * typed in lower case behind the first value (pool NAME) must come, in any place.
 */
#ifndef LBTOOL_GRAMMAR_H
#define LBTOOL_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

/* A word of the usage, not ended by NUL. */
struct grammar_word {
	const char *s;
	size_t len;
};

/* Is it a value's name, to be replaced by something? */
bool grammar_is_value(const struct grammar_word *w);
bool grammar_is(const struct grammar_word *w, const char *word);

/*
 * Calls offer() for each word that may come behind the n words, key being the last of these that the grammar has in
 * lower case ("" when there is none). Nothing is offered when they do not fit.
 */
void grammar_next(const char *usage, const char *const *word, size_t n,
		  void (*offer)(void *arg, const struct grammar_word *w, const char *key),
		  void *arg);

#endif
