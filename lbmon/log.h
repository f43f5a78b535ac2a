/* SPDX-License-Identifier: GPL-2.0 */
/*
 * log.h - a line on stderr for each change: `event key=value ...`, or with -json one object a line.
 */
#ifndef LBMON_LOG_H
#define LBMON_LOG_H

#include <stdbool.h>

void log_json(bool on);
/* Only events whose first key is "error" are said. */
void log_quiet(bool on);
/*
 * Keys and values in turn, both strings, ended by NULL: log_event("real", "address", "10.0.0.1", "health", "down", NULL). A value
 * with blanks or quotes is quoted in text. A NULL value is left out with its key. Never blocks: a full pipe loses the line.
 */
void log_event(const char *event, ...) __attribute__((sentinel));

#endif
