/* SPDX-License-Identifier: GPL-2.0 */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "lbtool/grammar.h"

#define WORDS_MAX 256
#define GROUPS_MAX 64

/* COMPLETE: what could be matched was, words may be left. CUT: the words end in the middle, what must come was offered. */
enum result { COMPLETE, CUT, FOREIGN };

struct grammar {
	struct grammar_word w[WORDS_MAX];
	size_t words;
	const char *const *typed;
	size_t n, at;
	const char *key;
	void (*offer)(void *arg, const struct grammar_word *w, const char *key);
	void *arg;
};

bool grammar_is(const struct grammar_word *w, const char *word)
{
	return strlen(word) == w->len && !memcmp(w->s, word, w->len);
}

bool grammar_is_value(const struct grammar_word *w)
{
	return isupper((unsigned char)*w->s) || (w->len > 1 && memchr(w->s, '|', w->len));
}

static bool opens(const struct grammar_word *w)
{
	return grammar_is(w, "[") || grammar_is(w, "{");
}

static bool closes(const struct grammar_word *w)
{
	return *w->s == ']' || *w->s == '}';
}

static bool is_literal(const struct grammar_word *w)
{
	return !grammar_is_value(w) && !opens(w) && !closes(w) && !grammar_is(w, "|");
}

static void split(struct grammar *g, const char *usage)
{
	while (g->words < WORDS_MAX) {
		usage += strspn(usage, " \n");
		if (!*usage)
			return;
		g->w[g->words++] = (struct grammar_word){usage, strcspn(usage, " \n")};
		usage += strcspn(usage, " \n");
	}
}

/* The word behind the one at `at`, or behind the whole bracket that opens there. */
static size_t behind(const struct grammar *g, size_t at, size_t to)
{
	int depth = 0;

	do {
		depth += opens(&g->w[at]) - closes(&g->w[at]);
		at++;
	} while (depth > 0 && at < to);
	return at;
}

/* The end of a group: a bracket, or a literal with its values. */
static size_t group_end(const struct grammar *g, size_t at, size_t to)
{
	size_t end = behind(g, at, to);

	while (!opens(&g->w[at]) && end < to && grammar_is_value(&g->w[end]))
		end++;
	return end;
}

static size_t alternative_end(const struct grammar *g, size_t at, size_t to)
{
	while (at < to && !grammar_is(&g->w[at], "|"))
		at = behind(g, at, to);
	return at;
}

static bool is_known(const struct grammar *g, const char *typed)
{
	for (size_t i = 0; i < g->words; i++)
		if (is_literal(&g->w[i]) && grammar_is(&g->w[i], typed))
			return true;
	return false;
}

/* Does what is at `at` begin with the next typed word; as a value: any word will do that is none of the grammar's. */
static bool begins(const struct grammar *g, size_t at, size_t to, bool value)
{
	const char *typed = g->typed[g->at];

	if (at >= to)
		return false;
	if (!opens(&g->w[at]))
		return grammar_is_value(&g->w[at]) ? value && !is_known(g, typed)
						   : grammar_is(&g->w[at], typed);
	for (to = behind(g, at, to) - 1, at++; at < to; at = alternative_end(g, at, to) + 1)
		if (begins(g, at, alternative_end(g, at, to), value))
			return true;
	return false;
}

static void offer_choice(const struct grammar *g, const struct grammar_word *w)
{
	struct grammar_word one = {w->s, 0};

	while (one.s < w->s + w->len) {
		one.len = 0;
		while (one.s + one.len < w->s + w->len && one.s[one.len] != '|')
			one.len++;
		g->offer(g->arg, &one, g->key);
		one.s += one.len + 1;
	}
}

static enum result sequence(struct grammar *g, size_t at, size_t to);

/* The inside of a bracket. */
static enum result alternatives(struct grammar *g, size_t at, size_t to)
{
	enum result r = COMPLETE;
	size_t end;

	if (g->at == g->n) {
		for (; at < to; at = end + 1) {
			end = alternative_end(g, at, to);
			sequence(g, at, end);
		}
		return COMPLETE;
	}
	for (int value = 0; value < 2; value++)
		for (size_t from = at; from < to; from = end + 1) {
			end = alternative_end(g, from, to);
			if (begins(g, from, end, value))
				return sequence(g, from, end);
		}
	return r;
}

static enum result group(struct grammar *g, size_t at, size_t to)
{
	return opens(&g->w[at]) ? alternatives(g, at + 1, to - 1) : sequence(g, at, to);
}

/* The end of the typed words, before groups of which some have come: first what must. */
static enum result offer_groups(struct grammar *g, size_t at, size_t to, uint64_t seen)
{
	size_t from = at, i;

	for (i = 0; from < to && i < GROUPS_MAX; i++, from = group_end(g, from, to))
		if (!opens(&g->w[from]) && !(seen & 1ull << i))
			return group(g, from, group_end(g, from, to));
	for (i = 0; at < to && i < GROUPS_MAX; i++, at = group_end(g, at, to))
		if (!(seen & 1ull << i))
			group(g, at, group_end(g, at, to));
	return COMPLETE;
}

/* The group that the next typed word begins; `to`: none. */
static size_t find_group(const struct grammar *g, size_t at, size_t to, uint64_t seen,
			 size_t *which)
{
	for (int value = 0; value < 2; value++) {
		size_t from = at;

		for (*which = 0; from < to && *which < GROUPS_MAX; ++*which) {
			if (!(seen & 1ull << *which) && begins(g, from, to, value))
				return from;
			from = group_end(g, from, to);
		}
	}
	return to;
}

static enum result groups(struct grammar *g, size_t at, size_t to)
{
	uint64_t seen = 0;
	size_t which, from, end;

	while (g->at < g->n) {
		from = find_group(g, at, to, seen, &which);
		if (from == to)
			return COMPLETE;
		end = group_end(g, from, to);
		if (g->w[end - 1].len == 1 || !closes(&g->w[end - 1]))
			seen |= 1ull << which;
		if (group(g, from, end) != COMPLETE)
			return CUT;
	}
	return offer_groups(g, at, to, seen);
}

/* Words in their order, then groups in any. */
static enum result sequence(struct grammar *g, size_t at, size_t to)
{
	size_t from = at;

	for (; at < to && !opens(&g->w[at]); at++) {
		const struct grammar_word *w = &g->w[at];

		if (at > from && is_literal(w))
			break;
		if (g->at == g->n) {
			offer_choice(g, w);
			return CUT;
		}
		if (is_literal(w)) {
			if (!grammar_is(w, g->typed[g->at]))
				return FOREIGN;
			g->key = g->typed[g->at];
		}
		g->at++;
	}
	return groups(g, at, to);
}

void grammar_next(const char *usage, const char *const *word, size_t n,
		  void (*offer)(void *arg, const struct grammar_word *w, const char *key),
		  void *arg)
{
	struct grammar g = {.typed = word, .n = n, .key = "", .offer = offer, .arg = arg};

	split(&g, usage);
	sequence(&g, 0, g.words);
}
