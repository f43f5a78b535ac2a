/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole configuration: out, as lines that a batch takes, and in again. The model is sorted, so that what is loaded makes one
 * text, and texts can be compared.
 */
#include "lbtool/cmd.h"
#include "lbtool/edit.h"
#include "lbtool/show.h"
#include "lbtool/source.h"

/* Sizes and seed are not a configuration's but an instance's: in text a comment, that a person may use. */
static void save_prog(struct tool *t)
{
	struct lb_info info;

	lb_maps_info(t->maps, &info);
	lb_out_begin(t->out);
	lb_out_note(t->out, "# prog load", LB_PLAIN);
	if (t->look.json)
		lb_out_name(t->out, "prog", "lb", LB_NAME);
	prog_words(t, &info);
	lb_out_end(t->out);
}

static void begin(struct tool *t, const char *command)
{
	lb_out_begin(t->out);
	lb_out_note(t->out, command, LB_PLAIN);
}

static void print(struct tool *t, const struct lb_model *m)
{
	save_prog(t);
	if (!source_is_node(m)) {
		begin(t, "node source");
		source_words(t, m);
		lb_out_end(t->out);
	}
	for (size_t i = 0; i < m->peers; i++) {
		begin(t, "node peer add");
		peer_words(t, &m->peer[i]);
		lb_out_end(t->out);
	}
	for (size_t i = 0; i < m->pools; i++) {
		begin(t, "pool add");
		pool_words(t, &m->pool[i]);
		lb_out_end(t->out);
	}
	for (size_t i = 0; i < m->reals; i++) {
		begin(t, "real add");
		real_words(t, &m->real[i]);
		lb_out_end(t->out);
	}
	for (size_t i = 0; i < m->vips; i++) {
		begin(t, "vip add");
		vip_words(t, &m->vip[i]);
		lb_out_end(t->out);
	}
}

static int save(struct tool *t, struct lb_args *a)
{
	return show_all(t, a, print);
}

static int restore(struct tool *t, struct lb_args *a)
{
	const char *file = lb_args_peek(a);

	a->at += !!file;
	return lb_args_end(a, &t->err) ? -1 : edit_file(t, file ? file : "-", true);
}

static const struct cmd save_cmds[] = {
	{"", save, ""},
	{NULL, NULL, NULL},
};

const struct object save_object = {
	"save",
	"the whole configuration, for restore, diff and git",
	save_cmds,
	"one line an object, sorted: what is loaded alike is printed alike\n",
};

static const struct cmd restore_cmds[] = {
	{"", restore, "[ FILE ]"},
	{NULL, NULL, NULL},
};

const struct object restore_object = {
	"restore",
	"makes what save printed the configuration",
	restore_cmds,
	"FILE := lines as for -batch; what they do not make is deleted; none, or -: standard "
	"input\n"
	"one transaction, of the difference only; --dry-run prints it, and what it moves\n",
};
