/* SPDX-License-Identifier: GPL-2.0 */
/* news.h - `lbtool monitor events`: what changes, as it happens. Each part keeps how it was and shows what is different. */
#ifndef LBTOOL_NEWS_H
#define LBTOOL_NEWS_H

#include "lbtool/tool.h"
#include "lib/args.h"
#include "lib/model.h"

int news(struct tool *t, struct lb_args *a);

/* Begins an object: the time, and what it is about. The caller adds words and ends it. */
void news_begin(struct tool *t, const char *event);

/* Devices, and the ways to the reals. */
struct news_net;
struct news_net *news_net_open(struct tool *t, const struct lb_model *m);
void news_net_close(struct news_net *net);
/* Looks at what LB_NEWS_ bits say; all of them, when the reals may be others. */
int news_net_look(struct news_net *net, const struct lb_model *m, unsigned int told);

#endif
