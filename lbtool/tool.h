/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tool.h - one run of lbtool: its options, what it has opened, where its output goes.
 *
 * Functions return 0, or -1 with tool->err filled, unless they say otherwise.
 */
#ifndef LBTOOL_TOOL_H
#define LBTOOL_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/maps.h"
#include "lib/nl.h"
#include "lib/out.h"

struct tool {
	/* from the command line */
	const char *instance, *netns, *batch;
	bool stats, details, dry_run;
	struct lb_out_options look;
	/* the command that runs, for messages */
	const char *object, *verb;
	struct lb_err err;
	/* opened when first asked for; tool_close() ends them */
	struct lb_out *out;
	struct lb_maps *maps;
	struct lb_nl *nl;
	int lock, home; /* descriptors: the instance's lock, the namespace we came from; or -1 */
	bool entered;
	int status; /* exit status when nothing failed */
};

void tool_init(struct tool *t);
void tool_close(struct tool *t);

/*
 * Each opens its part once. tool_nl: in the network namespace of -netns, which tool_enter()
 * enters.
 */
int tool_out(struct tool *t);
int tool_maps(struct tool *t);
int tool_enter(struct tool *t);
int tool_nl(struct tool *t);
/* Waits up to 5 s for another writer. With maps open it also ends a reload that was killed when it had moved them. */
int tool_lock(struct tool *t);

/* A device whose frames the programs understand. */
int tool_ether(struct tool *t, const char *dev, struct lb_link *link);

/* Refuses --dry-run for commands that cannot say what they would change. */
int tool_no_dry_run(struct tool *t);

/* A remark on stderr that changes nothing in the exit status. */
void tool_note(const struct tool *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Calls look() once for each network namespace but the present one: the named ones of /run/netns
 * and, when -netns was given, the one lbtool was started in (`name` is NULL then). Stops at the
 * first that returns non-zero and returns that. Namespaces that cannot be entered are passed over.
 */
int tool_elsewhere(struct tool *t, int (*look)(void *arg, struct lb_nl *nl, const char *name),
		   void *arg);

#endif
