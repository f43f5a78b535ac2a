/* SPDX-License-Identifier: GPL-2.0 */
/*
 * complete.h - `lbtool complete WORD...`, for shells: prints what the last word may become, a candidate a line, by the
 * tables of commands and options. Behind a tab, what it is; a line that begins with one names a value of which none is known.
 */
#ifndef LBTOOL_COMPLETE_H
#define LBTOOL_COMPLETE_H

#include "lib/args.h"

/* Names of pools, reals, VIPs, devices are read when they may come next; what cannot be read is left out, without a word. */
int complete(const struct lb_args *a, struct lb_err *err);

#endif
