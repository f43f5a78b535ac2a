/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/cmd.h"
#include "lbtool/edit.h"
#include "lib/batch.h"
#include "lib/parse.h"

const char *const edit_verb_names[] = {"add", "replace", "del", NULL};

static const struct edit_kind *const kinds[] = {&pool_edit, &real_edit, &vip_edit, &peer_edit};
static const char *const kind_names[] = {"pool", "real", "vip", "node", NULL};

int edit_exists(const struct edit *e, const char *name, struct lb_err *err)
{
	return lb_fail(err, "\"%s\" exists: use \"%s replace\"", name, e->kind->object);
}

int edit_missing(const char *name, struct lb_err *err)
{
	return lb_fail(err, "\"%s\" does not exist", name);
}

int edit_no_pool(const char *pool, struct lb_err *err)
{
	return lb_fail(err, "pool \"%s\" does not exist: use \"pool add\" first", pool);
}

int edit_differs(const char *name, const char *key, struct lb_err *err)
{
	return lb_fail(err, "\"%s\" has another %s: nothing is deleted", name, key);
}

int edit_run(struct tool *t, struct lb_args *a, const struct edit_kind *kind, enum edit_verb verb)
{
	struct edit e = {.kind = kind, .verb = verb};
	const struct edits one = {.edit = &e, .n = 1};

	if (kind->parse(&e, a, &t->err))
		return -1;
	return edit_commit(t, &one);
}

/* Words that are commands elsewhere deserve to be told so. */
static int refuse_object(const char *word, struct lb_err *err)
{
	struct lb_err ignored;
	int which;

	if (!strcmp(word, "help") || object_find(word, &ignored))
		return lb_bad_word(
			err, word,
			"not in a batch, which takes pool, real, vip, node peer and node source "
			"only");
	return parse_choice(word, kind_names, &which, err);
}

static int find_kind(struct edit *e, const char *word, struct lb_err *err)
{
	for (int i = 0; kind_names[i]; i++) {
		if (strcmp(word, kind_names[i]) != 0)
			continue;
		e->kind = kinds[i];
		return 0;
	}
	return refuse_object(word, err);
}

/* Of `node` a batch takes `node peer` and `node source`. */
static int take_node(struct edit *e, struct lb_args *a, struct lb_err *err)
{
	static const char *const words[] = {"peer", "source", NULL};
	const char *word;
	int which;

	if (lb_args_next(a, "peer or source", &word, err))
		return -1;
	if (parse_choice(word, words, &which, err))
		return lb_bad_word(err, word, "must be peer or source in a batch");
	if (which)
		e->kind = &source_edit;
	return 0;
}

static int parse_source(struct edit *e, struct lb_args *a, struct lb_err *err)
{
	const char *word = lb_args_peek(a);

	e->verb = EDIT_REPLACE;
	if (word && (!strcmp(word, "show") || !strcmp(word, "help")))
		return lb_bad_word(err, word, "not in a batch");
	return source_edit.parse(e, a, err);
}

int edit_parse(struct edit *e, struct lb_args *a, struct lb_err *err)
{
	const char *object, *verb;
	int which;

	memset(e, 0, sizeof(*e));
	if (lb_args_next(a, "OBJECT", &object, err) || find_kind(e, object, err))
		return -1;
	if (e->kind == &peer_edit && take_node(e, a, err))
		return lb_prefix(err, "%s", object);
	object = e->kind->object;
	if (e->kind == &source_edit)
		return parse_source(e, a, err) ? lb_prefix(err, "%s", object) : 0;
	if (lb_args_next(a, "add, replace or del", &verb, err))
		return lb_prefix(err, "%s", object);
	if (!strcmp(verb, "show") || !strcmp(verb, "help")) {
		lb_bad_word(err, verb, "not in a batch, which takes add, replace and del only");
		return lb_prefix(err, "%s", object);
	}
	if (parse_choice(verb, edit_verb_names, &which, err))
		return lb_prefix(err, "%s", object);
	e->verb = which;
	if (e->kind->parse(e, a, err))
		return lb_prefix(err, "%s %s", object, verb);
	return 0;
}

static struct edit *edits_more(struct edits *list, struct lb_err *err)
{
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct edit *more = realloc(list->edit, room * sizeof(*more));

		if (!more) {
			lb_fail(err, "out of memory");
			return NULL;
		}
		list->edit = more;
		list->room = room;
	}
	return &list->edit[list->n];
}

static int read_edits(struct tool *t, struct lb_batch *b, struct edits *list)
{
	const char *const *word;
	size_t n;
	int ret;

	while ((ret = lb_batch_next(b, &word, &n, &t->err)) > 0) {
		struct lb_args a = {.word = word, .n = n};
		struct edit *e = edits_more(list, &t->err);

		if (!e)
			return -1;
		if (edit_parse(e, &a, &t->err))
			return lb_prefix(&t->err, "%s:%u", list->file, lb_batch_line(b));
		e->line = lb_batch_line(b);
		list->n++;
	}
	/* What `lbtool save` that failed left in a pipe must not be the end of all that is loaded. */
	if (!ret && list->whole && lb_batch_line(b) == 1)
		return lb_fail(&t->err, "%s: is empty: what \"lbtool save\" writes never is",
			       list->file);
	return ret;
}

/* Nodes with different seeds look alike in all but what they choose. */
static void note_seed(const struct tool *t, const char *file, const char *head)
{
	const char *at = head ? strstr(head, " seed ") : NULL;
	struct lb_err ignored;
	struct lb_info info;
	uint64_t seed;

	if (!at || strncmp(head, "# prog load ", 12) != 0 ||
	    parse_hex64(at + strlen(" seed "), &seed, &ignored))
		return;
	lb_maps_info(t->maps, &info);
	if (seed != info.seed)
		tool_note(t,
			  "%s: saved where the seed is 0x%016" PRIx64 ", here it is 0x%016" PRIx64
			  ": such nodes do not choose alike",
			  file, seed, info.seed);
}

int edit_file(struct tool *t, const char *file, bool whole)
{
	FILE *in = !strcmp(file, "-") ? stdin : fopen(file, "re");
	struct edits list = {.file = file, .whole = whole};
	struct lb_batch *b = NULL;
	int ret = -1;

	if (!in)
		return lb_fail(&t->err, "%s: cannot open: %s", file, strerror(errno));
	b = lb_batch_new(in, file, &t->err);
	if (!b || read_edits(t, b, &list))
		goto out;
	ret = edit_commit(t, &list);
	if (!ret && whole)
		note_seed(t, file, lb_batch_head(b));
out:
	lb_batch_free(b);
	free(list.edit);
	if (in != stdin)
		fclose(in);
	return ret;
}
