/* SPDX-License-Identifier: GPL-2.0 */
/* report.h - what `lbmon -once` prints. */
#ifndef LBMON_REPORT_H
#define LBMON_REPORT_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/model.h"

/* The health of all reals, a line or a JSON object each, to stdout. 0, or -1 with *err. */
int report_health(const struct lb_model *m, bool json, struct lb_err *err);

#endif
