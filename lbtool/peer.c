/* SPDX-License-Identifier: GPL-2.0 */
/* lbtool node peer: the nodes among which the fragments of a datagram meet. */
#include <string.h>

#include "lbtool/cmd.h"
#include "lbtool/edit.h"
#include "lbtool/peer.h"
#include "lbtool/show.h"
#include "lib/parse.h"

static int parse(struct edit *e, struct lb_args *a, struct lb_err *err)
{
	const char *word;

	if (lb_args_next(a, "ADDRESS", &word, err) || parse_addr(word, &e->peer, err))
		return -1;
	return lb_args_end(a, err);
}

static int apply(const struct edit *e, struct lb_model *m, struct lb_err *err)
{
	char name[LB_ADDR_STRLEN];
	bool there = lb_model_has_peer(m, &e->peer);

	format_addr(&e->peer, name);
	if (e->verb == EDIT_DEL)
		return lb_model_del_peer(m, &e->peer) ? 0 : edit_missing(name, err);
	if (there && e->verb == EDIT_ADD)
		return edit_exists(e, name, err);
	return lb_model_put_peer(m, &e->peer, err);
}

const struct edit_kind peer_edit = {"node peer", parse, apply};

void peer_words(struct tool *t, const struct lb_addr *peer)
{
	char addr[LB_ADDR_STRLEN];

	format_addr(peer, addr);
	lb_out_name(t->out, "peer", addr, LB_ADDRESS);
}

static void print(struct tool *t, const struct lb_model *m)
{
	for (size_t i = 0; i < m->peers; i++) {
		lb_out_begin(t->out);
		peer_words(t, &m->peer[i]);
		lb_out_end(t->out);
	}
}

int node_peer(struct tool *t, struct lb_args *a)
{
	static const char *const verbs[] = {"add", "replace", "del", "show", NULL};
	const char *word;
	int verb;

	if (!lb_args_peek(a))
		return show_all(t, a, print);
	if (lb_args_next(a, "add, replace, del or show", &word, &t->err) ||
	    parse_choice(word, verbs, &verb, &t->err))
		return -1;
	return verb == 3 ? show_all(t, a, print) : edit_run(t, a, &peer_edit, (enum edit_verb)verb);
}
