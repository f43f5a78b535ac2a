/* SPDX-License-Identifier: GPL-2.0 */
#include <stdio.h>
#include <string.h>

#include "lbtool/cmd.h"
#include "lbtool/complete.h"
#include "lib/parse.h"

/* clang-format off */
const struct object *const objects[] = {
	&prog_object, &dev_object, &pool_object, &real_object, &vip_object, &stats_object,
	&receiver_object, &node_object, &session_object, &get_object, &monitor_object,
	&save_object, &restore_object, &digest_object, &top_object,
	&doctor_object, NULL};
/* clang-format on */

static const char general[] =
	"Usage: lbtool [ OPTIONS ] OBJECT { COMMAND | help }\n"
	"       lbtool [ OPTIONS ] -b[atch] FILE\n"
	"OPTIONS := { -V[ersion] | -h[elp] | -j[son] | -p[retty] | -s[tats] | -d[etails] |\n"
	"             -o[neline] | -c[olor][={ auto | always | never }] | -n[etns] NAME |\n"
	"             -i[nstance] NAME | -b[atch] FILE | --dry-run }\n";

/* Words of a table, for parse_choice(): what exists and, in the error, what to type instead. */
#define WORDS_MAX 32

const struct object *object_find(const char *word, struct lb_err *err)
{
	const char *words[WORDS_MAX];
	int n = 0, which;

	for (; objects[n]; n++)
		words[n] = objects[n]->word;
	words[n++] = "help";
	words[n] = NULL;
	return parse_choice(word, words, &which, err) ? NULL : objects[which];
}

static const struct cmd *cmd_find(const struct object *o, const char *word)
{
	for (const struct cmd *c = o->cmds; c->word; c++)
		if (!strcmp(c->word, word))
			return c;
	return NULL;
}

static void no_such_cmd(const struct object *o, const char *word, struct lb_err *err)
{
	const char *words[WORDS_MAX];
	int n = 0, which;

	for (; o->cmds[n].word; n++)
		words[n] = o->cmds[n].word;
	words[n++] = "help";
	words[n] = NULL;
	parse_choice(word, words, &which, err);
}

/* The command that the next word names, which is taken; else the one without a verb, which gets that word. */
static const struct cmd *cmd_take(const struct object *o, struct lb_args *a, struct lb_err *err)
{
	const char *word = lb_args_peek(a);
	const struct cmd *bare = cmd_find(o, ""), *c = cmd_find(o, word ? word : "show");

	if (c && c != bare) {
		a->at += !!word;
		return c;
	}
	if (!bare)
		no_such_cmd(o, word, err);
	return bare;
}

void usage_brief(FILE *to)
{
	fputs(general, to);
	fputs("OBJECT := {", to);
	for (int i = 0; objects[i]; i++)
		fprintf(to, " %s%s", objects[i]->word, objects[i + 1] ? " |" : " }\n");
}

/* The rest of a line of the grammar. */
static void usage_of(FILE *to, const struct object *o, const struct cmd *c)
{
	fprintf(to, "lbtool %s%s%s\n", o->word, *c->usage ? " " : "", c->usage);
}

void usage_print(FILE *to)
{
	usage_brief(to);
	for (int i = 0; objects[i]; i++) {
		fprintf(to, "\n%s: %s\n", objects[i]->word, objects[i]->brief);
		for (const struct cmd *c = objects[i]->cmds; c->word; c++) {
			fputs("       ", to);
			usage_of(to, objects[i], c);
		}
	}
}

static void object_help(const struct object *o, FILE *to)
{
	for (const struct cmd *c = o->cmds; c->word; c++) {
		fputs(c == o->cmds ? "Usage: " : "       ", to);
		usage_of(to, o, c);
	}
	if (o->notes)
		fputs(o->notes, to);
}

static int run_object(struct tool *t, const struct object *o, struct lb_args *a)
{
	const struct cmd *c;

	t->object = o->word;
	if (lb_args_take(a, "help")) {
		object_help(o, stdout);
		return 0;
	}
	c = cmd_take(o, a, &t->err);
	if (!c)
		return -1;
	t->verb = *c->word ? c->word : NULL;
	if (lb_args_take(a, "help")) {
		object_help(o, stdout);
		return 0;
	}
	return c->run(t, a);
}

int cmd_run(struct tool *t, struct lb_args *a)
{
	const struct object *o;
	bool help = lb_args_take(a, "help");

	if (!help && lb_args_take(a, "complete"))
		return complete(a, &t->err) ? lb_prefix(&t->err, "complete") : 0;
	if (help && !lb_args_peek(a)) {
		usage_print(stdout);
		return 0;
	}
	o = object_find(a->word[a->at], &t->err);
	if (!o)
		return -1;
	a->at++;
	if (help) {
		object_help(o, stdout);
		return 0;
	}
	if (!run_object(t, o, a))
		return 0;
	return t->verb ? lb_prefix(&t->err, "%s %s", t->object, t->verb)
		       : lb_prefix(&t->err, "%s", t->object);
}
