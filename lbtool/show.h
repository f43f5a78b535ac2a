/* SPDX-License-Identifier: GPL-2.0 */
/* show.h - what the show commands have in common. */
#ifndef LBTOOL_SHOW_H
#define LBTOOL_SHOW_H

#include <stdbool.h>

#include "lbtool/tool.h"
#include "lib/args.h"
#include "lib/model.h"

/*
 * Opens maps and output and reads the live configuration. *m is the caller's to free, whatever is
 * returned.
 */
int show_open(struct tool *t, struct lb_model *m);

/* No words may follow: opens, reads, and has it printed. */
int show_all(struct tool *t, struct lb_args *a,
	     void (*print)(struct tool *t, const struct lb_model *m));

/* packets N bytes N, on the present line. */
void show_counts(struct tool *t, const struct lb_counts *count);

/*
 * What of an object can be typed back, on the present line.
 */
void prog_words(struct tool *t, const struct lb_info *info); /* behind `prog load` */
void pool_words(struct tool *t, const struct lb_m_pool *p);
void real_words(struct tool *t, const struct lb_m_real *r);
void vip_words(struct tool *t, const struct lb_m_vip *v);
void peer_words(struct tool *t, const struct lb_addr *peer);
void source_words(struct tool *t, const struct lb_model *m); /* nothing when it is the node's own */

/* What the change costs, a line for each pool whose table changes and each VIP that gets another pool. */
int show_plans(struct tool *t, const struct lb_model *from, const struct lb_model *to);

/*
 * Slots of each real of the pool, *n of them in the model's order; *count is the caller's to free.
 */
int show_shares(struct tool *t, const struct lb_model *m, const char *pool, uint32_t **count,
		size_t *n);

/* Which objects: every field that is set must match. */
struct select {
	bool by_addr, by_service, by_pool, by_state;
	struct lb_addr addr;
	struct lb_service svc;
	char pool[LB_NAME_MAX + 1];
	enum lb_m_state state;
};
bool select_real(const struct select *s, const struct lb_m_real *r);
bool select_vip(const struct select *s, const struct lb_m_vip *v);
/*
 * [ ADDRESS ] [ pool NAME ] [ state STATE ] and [ SERVICE | ADDRESS ] [ pool NAME ], up to the end
 * of the words.
 */
int select_real_parse(struct select *s, struct lb_args *a, struct lb_err *err);
int select_vip_parse(struct select *s, struct lb_args *a, struct lb_err *err);
/*
 * Nothing was found: a failure when an object or a pool was asked for by its name that is not
 * there.
 */
int select_none(const struct select *s, const struct lb_model *m, struct lb_err *err);

/* Values that more than one object takes. parse_encap: first is the least that is taken. */
int parse_encap(const char *word, enum lb_m_encap first, enum lb_m_encap *encap,
		struct lb_err *err);
int parse_pool(const char *word, char name[LB_NAME_MAX + 1], struct lb_err *err);
int parse_state(const char *word, enum lb_m_state *state, struct lb_err *err);

#endif
