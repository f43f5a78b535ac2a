/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The words of a command: what is taken in which order, and what is said of a word that does not
 * fit.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/args.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct lb_err err;

enum { KEY_TABLE, KEY_FROM, KEY_STATE, KEY_WEIGHT };
static const struct lb_key keys[] = {
	[KEY_TABLE] = {"table", "SIZE", false},
	[KEY_FROM] = {"from", "PREFIX", true},
	[KEY_STATE] = {"state", "STATE", false},
	[KEY_WEIGHT] = {"weight", "N", false},
	{NULL, NULL, false},
};
static const struct lb_key no_keys[] = {{NULL, NULL, false}};

#define ARGS(...) \
	{ \
		.word = (const char *const[]){__VA_ARGS__}, \
		.n = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), \
	}

Test(args, positional_words_in_order)
{
	struct lb_args a = ARGS("web", "table");
	const char *word = NULL;

	cr_expect(eq(str, (char *)lb_args_peek(&a), "web"));
	cr_expect(not(lb_args_take(&a, "table")));
	cr_expect(eq(int, lb_args_next(&a, "NAME", &word, &err), 0));
	cr_expect(eq(str, (char *)word, "web"));
	cr_expect(eq(int, lb_args_end(&a, &err), -1));
	cr_expect(eq(int, err.status, LB_USAGE));
	cr_expect(eq(str, err.msg, "\"table\": nothing more is taken here"));
	cr_expect(lb_args_take(&a, "table"));
	cr_expect(not(lb_args_take(&a, "table")));
	cr_expect(eq(ptr, (void *)lb_args_peek(&a), NULL));
	cr_expect(eq(int, lb_args_end(&a, &err), 0));
}

Test(args, a_missing_word_is_named)
{
	struct lb_args a = {.n = 0};
	const char *word = "untouched";

	cr_expect(eq(int, lb_args_next(&a, "NAME", &word, &err), -1));
	cr_expect(eq(int, err.status, LB_USAGE));
	cr_expect(eq(str, err.msg, "NAME is missing"));
	cr_expect(eq(str, (char *)word, "untouched"));
}

Test(args, pairs_in_any_order)
{
	struct lb_args a = ARGS("weight", "7", "from", "a", "table", "from", "from", "b");
	static const struct {
		int key;
		const char *value;
	} want[] = {{KEY_WEIGHT, "7"}, {KEY_FROM, "a"}, {KEY_TABLE, "from"}, {KEY_FROM, "b"}};
	uint32_t seen = 0;
	const char *value;

	for (size_t i = 0; i < COUNT(want); i++) {
		cr_expect(eq(int, lb_args_pair(&a, keys, &seen, &value, &err), want[i].key));
		cr_expect(eq(str, (char *)value, (char *)want[i].value));
	}
	cr_expect(eq(int, lb_args_pair(&a, keys, &seen, &value, &err), LB_ARGS_END));
	cr_expect(eq(u32, seen, 1u << KEY_WEIGHT | 1u << KEY_FROM | 1u << KEY_TABLE));
}

/* Takes pairs until the end; the message of the first that is refused, or "". */
static const char *refusal(const struct lb_key *k, struct lb_args a)
{
	const char *value;
	uint32_t seen = 0;
	int key;

	do
		key = lb_args_pair(&a, k, &seen, &value, &err);
	while (key >= 0);
	if (key == LB_ARGS_END)
		return "";
	cr_expect(eq(int, key, LB_ARGS_BAD));
	cr_expect(eq(int, err.status, LB_USAGE));
	return err.msg;
}

Test(args, pairs_that_are_refused)
{
	struct lb_args twice = ARGS("table", "1", "table", "2");
	struct lb_args bare = ARGS("table", "1", "weight");
	struct lb_args wrong = ARGS("table", "1", "wieght", "2");
	struct lb_args strange = ARGS("colour", "red");
	struct lb_args prefix = ARGS("tab", "1");
	struct lb_args empty = ARGS("", "1");

	cr_expect(eq(str, (char *)refusal(keys, twice), "\"table\": given twice"));
	cr_expect(eq(str, (char *)refusal(keys, bare), "\"weight\": N is missing after it"));
	cr_expect(eq(str, (char *)refusal(keys, wrong),
		     "\"wieght\": did you mean \"weight\"? must be table, from, state or weight"));
	cr_expect(eq(str, (char *)refusal(keys, strange),
		     "\"colour\": must be table, from, state or weight"));
	cr_expect(eq(str, (char *)refusal(keys, prefix),
		     "\"tab\": did you mean \"table\"? must be table, from, state or weight"));
	cr_expect(eq(str, (char *)refusal(keys, empty),
		     "\"\": must be table, from, state or weight"));
	cr_expect(eq(str, (char *)refusal(no_keys, strange),
		     "\"colour\": nothing more is taken here"));
}

Test(args, the_second_of_a_pair_is_never_a_key)
{
	struct lb_args a = ARGS("table", "table");

	cr_expect(eq(str, (char *)refusal(keys, a), ""));
}

Test(args, at_key)
{
	struct lb_args key = ARGS("state", "up"), other = ARGS("10.0.0.1"), none = {.n = 0};

	cr_expect(lb_args_at_key(&key, keys));
	cr_expect(not(lb_args_at_key(&other, keys)));
	cr_expect(not(lb_args_at_key(&none, keys)));
	cr_expect(not(lb_args_at_key(&key, no_keys)));
}

Test(args, label)
{
	lb_bad_word(&err, "70000", "must be 0-65535");
	cr_expect(eq(int, lb_args_label(&err, "weight"), -1));
	cr_expect(eq(str, err.msg, "weight \"70000\": must be 0-65535"));
	cr_expect(eq(int, err.status, LB_USAGE));
}

Test(args, label_keeps_within_the_message)
{
	char label[2 * LB_ERR_LEN];

	memset(err.msg, 'x', sizeof(err.msg) - 1);
	err.msg[sizeof(err.msg) - 1] = '\0';
	lb_args_label(&err, "weight");
	cr_expect(eq(sz, strlen(err.msg), sizeof(err.msg) - 1));
	cr_expect(eq(int, strncmp(err.msg, "weight xxx", 10), 0));

	memset(label, 'l', sizeof(label));
	label[sizeof(label) - 1] = '\0';
	snprintf(err.msg, sizeof(err.msg), "message");
	lb_args_label(&err, label);
	cr_expect(eq(str, err.msg, "message"));
	/* The longest one that fits leaves room for the blank and the end. */
	label[LB_ERR_LEN - 2] = '\0';
	lb_args_label(&err, label);
	cr_expect(eq(sz, strlen(err.msg), sizeof(err.msg) - 1));
}
