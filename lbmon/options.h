/* SPDX-License-Identifier: GPL-2.0 */
/* options.h - the command line of lbmon. */
#ifndef LBMON_OPTIONS_H
#define LBMON_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "lbmon/announce.h"
#include "lbmon/route.h"
#include "lib/err.h"

struct options {
	const char *instance, *netns; /* netns NULL: the present one */
	bool once, dry_run, json, alone, help, version;
	struct route_attrs attrs;
	struct announce_delays delays;
};

/* 0, or -1 with a usage error. Words are borrowed. */
int options_parse(struct options *o, int argc, char **argv, struct lb_err *err);

void options_usage(FILE *to);

#endif
