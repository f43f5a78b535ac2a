/* SPDX-License-Identifier: GPL-2.0 */
#include <string.h>

#include "lib/args.h"
#include "lib/parse.h"

const char *lb_args_peek(const struct lb_args *a)
{
	return a->at < a->n ? a->word[a->at] : NULL;
}

bool lb_args_take(struct lb_args *a, const char *word)
{
	if (a->at >= a->n || strcmp(a->word[a->at], word) != 0)
		return false;
	a->at++;
	return true;
}

int lb_args_next(struct lb_args *a, const char *what, const char **word, struct lb_err *err)
{
	if (a->at >= a->n)
		return lb_usage(err, "%s is missing", what);
	*word = a->word[a->at++];
	return 0;
}

int lb_args_end(const struct lb_args *a, struct lb_err *err)
{
	if (a->at < a->n)
		return lb_bad_word(err, a->word[a->at], "nothing more is taken here");
	return 0;
}

static int find_key(const char *word, const struct lb_key *keys)
{
	for (int i = 0; keys[i].word; i++)
		if (!strcmp(word, keys[i].word))
			return i;
	return -1;
}

bool lb_args_at_key(const struct lb_args *a, const struct lb_key *keys)
{
	return a->at < a->n && find_key(a->word[a->at], keys) >= 0;
}

/* parse_choice() words the refusal, so that keywords, commands and values are refused alike. */
static int no_such_key(const char *word, const struct lb_key *keys, struct lb_err *err)
{
	const char *words[LB_KEYS_MAX + 1];
	int n = 0, which;

	while (n < LB_KEYS_MAX && keys[n].word) {
		words[n] = keys[n].word;
		n++;
	}
	words[n] = NULL;
	if (n)
		parse_choice(word, words, &which, err);
	else
		lb_bad_word(err, word, "nothing more is taken here");
	return LB_ARGS_BAD;
}

int lb_args_pair(struct lb_args *a, const struct lb_key *keys, uint32_t *seen, const char **value,
		 struct lb_err *err)
{
	const char *word = lb_args_peek(a);
	int key;

	if (!word)
		return LB_ARGS_END;
	key = find_key(word, keys);
	if (key < 0)
		return no_such_key(word, keys, err);
	if ((*seen & 1u << key) && !keys[key].many) {
		lb_bad_word(err, word, "given twice");
		return LB_ARGS_BAD;
	}
	a->at++;
	if (a->at >= a->n) {
		lb_usage(err, "\"%s\": %s is missing after it", word, keys[key].value);
		return LB_ARGS_BAD;
	}
	*seen |= 1u << key;
	*value = a->word[a->at++];
	return key;
}

int lb_args_label(struct lb_err *err, const char *label)
{
	size_t len = strlen(label) + 1;

	if (len >= sizeof(err->msg))
		return -1;
	memmove(err->msg + len, err->msg, sizeof(err->msg) - len);
	memcpy(err->msg, label, len - 1);
	err->msg[len - 1] = ' ';
	err->msg[sizeof(err->msg) - 1] = '\0';
	return -1;
}
