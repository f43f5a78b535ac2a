/* SPDX-License-Identifier: GPL-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/candidates.h"
#include "lbtool/cmd.h"
#include "lbtool/complete.h"
#include "lbtool/grammar.h"
#include "lbtool/options.h"

/* What is being completed. */
struct line {
	struct candidates *c;
	const struct object *object;
	bool adds; /* the verb is add: a name that exists is no candidate */
};

/* NAME := { a | b } in an object's notes: its words in lower case; those of several words are said in prose. */
static bool offer_noted(struct line *l, const struct object *o, const struct grammar_word *w)
{
	const char *at = o->notes;
	bool any = false;

	while (at && (strncmp(at, w->s, w->len) != 0 || strncmp(at + w->len, " := { ", 6) != 0)) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return false;
	for (at += w->len + 5; *at != '}' && *at != '\n' && *at; at += strcspn(at, "|}\n")) {
		size_t len;

		at += strspn(at, "| ");
		len = strcspn(at, " |}\n");
		if (at[len] == ' ' && strchr("|}", at[len + 1]) && *at >= 'a' && *at <= 'z') {
			candidates_add(l->c, at, len, NULL);
			any = true;
		}
	}
	return any;
}

static void offer_names(struct line *l, const struct grammar_word *w, const char *key)
{
	const char *o = l->object->word;
	bool old = strcmp(key, "add") != 0 && (!l->adds || !strcmp(key, "pool"));

	if (grammar_is(w, "DEV"))
		candidates_devs(l->c);
	else if (grammar_is(w, "REASON"))
		candidates_whys(l->c, !strcmp(key, "rx"));
	else if (!old || !strcmp(key, "via"))
		return;
	else if (grammar_is(w, "NAME"))
		candidates_pools(l->c);
	else if (grammar_is(w, "ADDRESS") && !strcmp(o, "node"))
		candidates_peers(l->c);
	else if (grammar_is(w, "ADDRESS"))
		candidates_reals(l->c);
	else if (grammar_is(w, "VIP") || grammar_is(w, "TO") ||
		 (w->len > 7 && !strncmp(w->s, "ADDRESS", 7)))
		candidates_vips(l->c);
}

static void offer(void *arg, const struct grammar_word *w, const char *key)
{
	struct line *l = arg;
	bool noted;

	if (!grammar_is_value(w)) {
		candidates_add(l->c, w->s, w->len, NULL);
		return;
	}
	noted = offer_noted(l, l->object, w);
	for (int i = 0; objects[i] && !noted; i++)
		noted = offer_noted(l, objects[i], w);
	offer_names(l, w, key);
	candidates_expect(l->c, w->s, w->len);
}

/* Behind an object. A command without a word has what follows it at once. */
static void offer_command(struct line *l, const char *const *word, size_t n)
{
	const struct cmd *bare = NULL;

	for (const struct cmd *c = l->object->cmds; c->word; c++) {
		if (!*c->word)
			bare = c;
		else if (!n)
			candidates_add(l->c, c->word, strlen(c->word), NULL);
		else if (!strcmp(c->word, word[0])) {
			l->adds = !strcmp(c->word, "add");
			grammar_next(c->usage, word, n, offer, l);
			return;
		}
	}
	if (!n)
		candidates_add(l->c, "help", 4, NULL);
	if (bare)
		grammar_next(bare->usage, word, n, offer, l);
}

static void offer_objects(struct candidates *c, bool help)
{
	for (int i = 0; objects[i]; i++)
		candidates_add(c, objects[i]->word, strlen(objects[i]->word), objects[i]->brief);
	if (help)
		candidates_add(c, "help", 4, "the whole grammar");
}

static void offer_files_of(struct candidates *c, const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			candidates_add(c, e->d_name, strlen(e->d_name), NULL);
	if (d)
		closedir(d);
}

static void offer_option_value(struct candidates *c, char which)
{
	if (which == 'b')
		candidates_expect(c, "FILE", 4);
	else
		offer_files_of(c, which == 'n' ? "/run/netns" : "/sys/fs/bpf/lb");
}

/* One dash or two: as it was begun. */
static void offer_option(void *arg, const char *word)
{
	struct candidates *c = arg;
	char two[32];

	if (!strncmp(c->begin, "--", 2) && word[1] != '-') {
		snprintf(two, sizeof(two), "-%s", word);
		word = two;
	}
	candidates_add(c, word, strlen(word), NULL);
}

/* All words but the last, which is to be completed. */
static void offer_all(struct candidates *c, const struct lb_args *words)
{
	struct lb_args a = *words;
	struct line l = {.c = c};
	struct lb_err ignored;
	char value = a.at < a.n ? options_value(a.word[a.n - 1]) : 0;
	int what = options_parse(&c->tool, &a);

	/* Its value is missing, which is the only fault of the words. */
	if (what < 0 && value && a.at == a.n)
		offer_option_value(c, value);
	if (what < 0)
		return;
	if (a.at == a.n) {
		if (*c->begin == '-')
			options_each(offer_option, c);
		else if (!c->tool.batch)
			offer_objects(c, true);
		return;
	}
	if (lb_args_take(&a, "help")) {
		if (a.at == a.n)
			offer_objects(c, false);
		return;
	}
	l.object = object_find(a.word[a.at], &ignored);
	if (l.object && !c->tool.batch)
		offer_command(&l, &a.word[a.at + 1], a.n - a.at - 1);
}

int complete(const struct lb_args *a, struct lb_err *err)
{
	struct lb_args words = *a;
	struct candidates c;
	int ret;

	if (words.at == words.n)
		return lb_usage(err, "WORD is missing");
	candidates_init(&c, words.word[--words.n]);
	offer_all(&c, &words);
	ret = candidates_print(&c, stdout, err);
	candidates_free(&c);
	return ret;
}
