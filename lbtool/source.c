/* SPDX-License-Identifier: GPL-2.0 */
/* lbtool node source: what tunnels have as their outer source. One command says it all, so it has no verbs of its own. */
#include <string.h>

#include "lbtool/cmd.h"
#include "lbtool/edit.h"
#include "lbtool/show.h"
#include "lbtool/source.h"
#include "lib/parse.h"

static const struct lb_key keys[] = {{"spread", "PREFIX", true}, {NULL, NULL, false}};

static int parse_prefix(struct edit *e, const char *word, struct lb_err *err)
{
	struct lb_net net, *to;
	unsigned int min, max;

	if (parse_net(word, &net, err))
		return -1;
	to = net.addr.family == 4 ? &e->spread[0] : &e->spread[1];
	min = net.addr.family == 4 ? LB_SPREAD4_MIN : LB_SPREAD6_MIN;
	max = net.addr.family == 4 ? LB_SPREAD4_MAX : LB_SPREAD6_MAX;
	if (net.len < min || net.len > max)
		return lb_bad_word(err, word, "the length of an IPv%u prefix must be %u-%u here",
				   net.addr.family, min, max);
	if (to->addr.family)
		return lb_bad_word(err, word, "a second IPv%u prefix: one of each family at most",
				   net.addr.family);
	*to = net;
	return 0;
}

static int parse(struct edit *e, struct lb_args *a, struct lb_err *err)
{
	const char *word;
	int key;

	if (lb_args_take(a, "node"))
		return lb_args_end(a, err);
	if (!lb_args_at_key(a, keys)) {
		if (lb_args_next(a, "node or spread PREFIX", &word, err))
			return -1;
		return lb_bad_word(err, word, "must be node, or spread PREFIX");
	}
	while ((key = lb_args_pair(a, keys, &e->given, &word, err)) >= 0)
		if (parse_prefix(e, word, err))
			return lb_args_label(err, keys[key].word);
	return key == LB_ARGS_END ? 0 : -1;
}

static int apply(const struct edit *e, struct lb_model *m, struct lb_err *err)
{
	(void)err;
	m->spread4 = e->spread[0];
	m->spread6 = e->spread[1];
	return 0;
}

const struct edit_kind source_edit = {"node source", parse, apply};

void source_words(struct tool *t, const struct lb_model *m)
{
	const struct lb_net *const net[] = {&m->spread4, &m->spread6};
	char prefix[LB_ADDR_STRLEN + 4];

	for (int i = 0; i < 2; i++) {
		if (!net[i]->addr.family)
			continue;
		format_net(net[i], prefix);
		lb_out_item(t->out, "spread", prefix, LB_ADDRESS);
	}
}

bool source_is_node(const struct lb_model *m)
{
	return !m->spread4.addr.family && !m->spread6.addr.family;
}

static void print(struct tool *t, const struct lb_model *m)
{
	lb_out_begin(t->out);
	if (source_is_node(m))
		lb_out_name(t->out, "source", "node", LB_PLAIN);
	source_words(t, m);
	lb_out_end(t->out);
}

int node_source(struct tool *t, struct lb_args *a)
{
	if (!lb_args_peek(a) || lb_args_take(a, "show"))
		return show_all(t, a, print);
	return edit_run(t, a, &source_edit, EDIT_REPLACE);
}
