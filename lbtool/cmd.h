/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cmd.h - the commands: one const table per object gives dispatch, usage and the words that exist.
 */
#ifndef LBTOOL_CMD_H
#define LBTOOL_CMD_H

#include <stdio.h>

#include "lbtool/tool.h"
#include "lib/args.h"

struct cmd {
	const char
		*word; /* "": what the object does without a verb, with all other words behind it */
	int (*run)(struct tool *t, struct lb_args *a);
	const char *usage; /* what stands after `lbtool OBJECT `; may be empty */
};

struct object {
	const char *word;
	const char *brief; /* what it is, for `lbtool help` */
	const struct cmd
		*cmds; /* ends with a NULL word; one is "", or "show", which a bare object means */
	const char *notes; /* values and defaults, below the usage; may be NULL */
};

extern const struct object prog_object, dev_object, pool_object, real_object, vip_object,
	stats_object, receiver_object, node_object, session_object, get_object, monitor_object,
	save_object, digest_object, restore_object, top_object, doctor_object;
/* All of them in the order of `lbtool help`, ends with NULL. */
extern const struct object *const objects[];

/*
 * Runs the command in the words, `lbtool` and its options left out. Errors begin with OBJECT VERB.
 */
int cmd_run(struct tool *t, struct lb_args *a);

/* NULL when it does not exist: *err names those that do. */
const struct object *object_find(const char *word, struct lb_err *err);

/* The whole grammar, to the stream. */
void usage_print(FILE *to);
/* Options and objects only. */
void usage_brief(FILE *to);

#endif
