/* SPDX-License-Identifier: GPL-2.0 */
/*
 * edit.h - changes of the configuration: words to a struct edit, an edit to a model, many to one
 * commit.
 *
 * All words are parsed before anything is opened, all edits are applied in memory before anything
 * is written.
 */
#ifndef LBTOOL_EDIT_H
#define LBTOOL_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lbtool/tool.h"
#include "lib/args.h"
#include "lib/model.h"

enum edit_verb { EDIT_ADD, EDIT_REPLACE, EDIT_DEL };
extern const char *const edit_verb_names[]; /* "add", "replace", "del", NULL */

struct edit;

struct edit_kind {
	const char *object;
	/* The words behind the verb, into *e, which has kind and verb already. */
	int (*parse)(struct edit *e, struct lb_args *a, struct lb_err *err);
	int (*apply)(const struct edit *e, struct lb_model *m, struct lb_err *err);
};
extern const struct edit_kind pool_edit, real_edit, vip_edit, peer_edit, source_edit;

struct edit {
	const struct edit_kind *kind;
	enum edit_verb verb;
	unsigned int line; /* of the batch file; 0: from the command line */
	uint32_t given; /* bits of the keywords that were named, as lb_args_pair() counts them */
	union {
		struct lb_m_pool pool;
		struct lb_m_real real;
		struct lb_m_vip vip;
		struct lb_addr peer;
		struct lb_net spread[2]; /* IPv4, IPv6; family 0: none */
	};
};

/* Those of one transaction. */
struct edits {
	struct edit *edit;
	size_t n, room;
	const char *file; /* in which they stand; NULL: the command line */
	bool whole; /* they make the configuration from nothing: what they do not make goes */
};

/* A command `OBJECT VERB ...` whose object and verb are taken already. */
int edit_run(struct tool *t, struct lb_args *a, const struct edit_kind *kind, enum edit_verb verb);

/* A line of a batch. The message does not say which line it was. */
int edit_parse(struct edit *e, struct lb_args *a, struct lb_err *err);

/* One transaction. With --dry-run it prints what would change. */
int edit_commit(struct tool *t, const struct edits *list);

/* The same with the lines of a file, "-": of standard input. `whole` as in struct edits. */
int edit_file(struct tool *t, const char *file, bool whole);

/* What add and del of something say when it is there, or is not. `name` is as show prints it. */
int edit_exists(const struct edit *e, const char *name, struct lb_err *err);
int edit_missing(const char *name, struct lb_err *err);
/* A real or a VIP of a pool that is not there. */
int edit_no_pool(const char *pool, struct lb_err *err);
/* del with an option that the object does not have. */
int edit_differs(const char *name, const char *key, struct lb_err *err);

#endif
