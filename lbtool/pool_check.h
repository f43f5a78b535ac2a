/* SPDX-License-Identifier: GPL-2.0 */
/* pool_check.h - how a pool's reals are checked: the words, what goes with what, and how it is shown. */
#ifndef LBTOOL_POOL_CHECK_H
#define LBTOOL_POOL_CHECK_H

#include <stdint.h>

#include "lbtool/tool.h"
#include "lib/args.h"
#include "lib/model.h"

/* Keywords of `pool add`, bits of what was given; those of the check come last. */
enum pool_key {
	KEY_TABLE,
	KEY_ENCAP,
	KEY_MIN,
	KEY_PANIC,
	KEY_DRAIN,
	KEY_GUE_PORT,
	KEY_CHECK,
	KEY_DIRECT,
	KEY_PORT,
	KEY_INTERVAL,
	KEY_TIMEOUT,
	KEY_RISE,
	KEY_FALL,
	KEY_STATUS,
	KEY_HOST,
	KEY_PATH,
	KEY_SEND,
	KEY_EXPECT,
	KEY_COMMAND,
	KEY_MAX,
};
extern const struct lb_key pool_keys[];

/* The value of a keyword from KEY_CHECK on. */
int pool_check_parse(struct lb_m_check *c, enum pool_key key, const char *word, struct lb_err *err);

/* Does each of the given keywords mean something to this kind of check? */
int pool_check_suits(enum lb_m_check_kind kind, uint32_t given, struct lb_err *err);

/* Do the settings go together? */
int pool_check_whole(const struct lb_m_check *c, struct lb_err *err);

/*
 * Changes *c by what was given of *named. Another kind keeps what every kind has, and loses the rest; with kind none nothing
 * stays.
 */
void pool_check_merge(struct lb_m_check *c, const struct lb_m_check *named, uint32_t given);

/* The first of the given keywords that has another value in one than in the other, or NULL. */
const char *pool_check_differs(const struct lb_m_check *a, const struct lb_m_check *b,
			       uint32_t given);

void pool_check_show(struct tool *t, const struct lb_m_check *c);

#endif
