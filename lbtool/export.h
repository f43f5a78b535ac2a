/* SPDX-License-Identifier: GPL-2.0 */
/* export.h - the state of a node in Prometheus' text format, version 0.0.4. */
#ifndef LBTOOL_EXPORT_H
#define LBTOOL_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lbtool/devs.h"
#include "lbtool/reading.h"
#include "lib/args.h"

struct export
{
	const char *instance;
	bool lb, rx; /* which of them is loaded */
	struct reading r;
	bool drained;
	uint64_t sessions; /* entries in use */
	uint64_t *digest; /* beside r.model.pool[] */
	struct devs devs;
};

/* All metrics of what is loaded, each with its HELP and TYPE. Pure. */
void export_write(const struct export *e, FILE *to);

/* `stats export [ to FILE ]` */
int stats_export(struct tool *t, struct lb_args *a);

#endif
