/* SPDX-License-Identifier: GPL-2.0 */
/* seen.h - words for what became of a packet: get and monitor say it alike. */
#ifndef LBTOOL_SEEN_H
#define LBTOOL_SEEN_H

#include "lbtool/tool.h"
#include "lib/seen.h"

/* in DEV why REASON, and how it came to that, as far as it came; with -details what else is known. */
void seen_words(struct tool *t, const struct lb_seen *s);

/* flags syn,ack, unless there are none. */
void seen_flags(struct tool *t, uint8_t flags);

#endif
