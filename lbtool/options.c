/* SPDX-License-Identifier: GPL-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lbtool/options.h"
#include "lib/parse.h"

enum opt {
	VERSION,
	HELP,
	JSON,
	PRETTY,
	STATS,
	DETAILS,
	ONELINE,
	COLOR,
	NETNS,
	INSTANCE,
	BATCH,
	DRY_RUN
};

/* As ip spells them; one or two dashes. */
static const struct option {
	enum opt opt;
	const char *word[4];
	const char *value; /* NULL: takes none */
} options[] = {
	{VERSION, {"V", "Version", "version"}, NULL},
	{HELP, {"h", "help"}, NULL},
	{JSON, {"j", "json"}, NULL},
	{PRETTY, {"p", "pretty"}, NULL},
	{STATS, {"s", "stats", "statistics"}, NULL},
	{DETAILS, {"d", "details"}, NULL},
	{ONELINE, {"o", "oneline"}, NULL},
	{COLOR, {"c", "color"}, NULL},
	{NETNS, {"n", "netns"}, "NAME"},
	{INSTANCE, {"i", "instance"}, "NAME"},
	{BATCH, {"b", "batch"}, "FILE"},
	{DRY_RUN, {"dry-run"}, NULL},
};

static const char all[] =
	"must be -V[ersion], -h[elp], -j[son], -p[retty], -s[tats], -d[etails], -o[neline], "
	"-c[olor][=WHEN], -n[etns] NAME, -i[nstance] NAME, -b[atch] FILE or --dry-run";

/* name: without its dashes. */
static const struct option *find(const char *name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		for (size_t k = 0; k < 4 && options[i].word[k]; k++)
			if (!strcmp(name, options[i].word[k]))
				return &options[i];
	return NULL;
}

char options_value(const char *word)
{
	const struct option *o = word[0] == '-' ? find(word + 1 + (word[1] == '-')) : NULL;

	return o && o->value ? o->word[0][0] : 0;
}

void options_each(void (*each)(void *arg, const char *word), void *arg)
{
	char word[32];

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *name = options[i].word[options[i].word[1] ? 1 : 0];

		/* As the grammar has them: dry-run alone with two dashes. */
		snprintf(word, sizeof(word), "-%s%s", options[i].opt == DRY_RUN ? "-" : "", name);
		each(arg, word);
	}
}

static int set_color(struct tool *t, const char *when)
{
	static const char *const words[] = {"never", "always", "auto", NULL};
	const char *term = getenv("TERM");
	int which;

	if (parse_choice(when, words, &which, &t->err))
		return lb_args_label(&t->err, "-color");
	t->look.color = which == 1 ||
			(which == 2 && isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0);
	return 0;
}

static int set_value(struct tool *t, const struct option *o, const char *word, const char *value)
{
	const char **to = o->opt == NETNS ? &t->netns : o->opt == BATCH ? &t->batch : &t->instance;

	if (*to)
		return lb_bad_word(&t->err, word, "given twice");
	if (o->opt == INSTANCE && parse_name(value, &t->err))
		return lb_args_label(&t->err, "-instance");
	*to = value;
	return 0;
}

static int set(struct tool *t, const struct option *o)
{
	switch (o->opt) {
	case VERSION:
		return OPTIONS_VERSION;
	case HELP:
		return OPTIONS_HELP;
	case JSON:
		t->look.json = true;
		break;
	case PRETTY:
		t->look.pretty = true;
		break;
	case STATS:
		t->stats = true;
		break;
	case DETAILS:
		t->details = true;
		break;
	case ONELINE:
		t->look.oneline = true;
		break;
	case COLOR:
		t->look.color = true;
		break;
	default:
		t->dry_run = true;
	}
	return OPTIONS_RUN;
}

/* One word that begins with a dash, and its value. */
static int take(struct tool *t, struct lb_args *a, const char *word)
{
	const char *name = word + 1 + (word[1] == '-'), *value;
	const struct option *o = find(name);

	if (!strncmp(name, "c=", 2) || !strncmp(name, "color=", 6))
		return set_color(t, strchr(name, '=') + 1);
	if (!o)
		return lb_bad_word(&t->err, word, "%s", all);
	if (!o->value)
		return set(t, o);
	value = lb_args_peek(a);
	if (!value)
		return lb_bad_word(&t->err, word, "%s is missing after it", o->value);
	a->at++;
	return set_value(t, o, word, value);
}

static int set_instance(struct tool *t)
{
	const char *env = getenv("LB_INSTANCE");

	if (t->instance)
		return 0;
	t->instance = env && *env ? env : "main";
	return parse_name(t->instance, &t->err) ? lb_args_label(&t->err, "LB_INSTANCE") : 0;
}

int options_parse(struct tool *t, struct lb_args *a)
{
	const char *word;
	int ret = 0;

	while (!ret && (word = lb_args_peek(a)) && word[0] == '-' && word[1]) {
		a->at++;
		if (!strcmp(word, "--"))
			break;
		ret = take(t, a, word);
	}
	return ret ? ret : set_instance(t);
}

void options_late(const struct lb_args *a, size_t from, struct lb_err *err)
{
	struct lb_err said = *err;

	for (size_t i = from; i < a->n; i++) {
		const char *word = a->word[i];

		if (word[0] != '-' || !find(word + 1 + (word[1] == '-')) ||
		    (err->status != LB_USAGE && !strstr(said.msg, word)))
			continue;
		(err->status == LB_USAGE ? lb_usage : lb_fail)(
			err, "%s; an option, \"%s\", comes before the object", said.msg, word);
		return;
	}
}
