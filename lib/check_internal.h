/* SPDX-License-Identifier: GPL-2.0 */
/* check_internal.h - parts of lb_check(), for lib/check*.c alone. */
#ifndef LIB_CHECK_INTERNAL_H
#define LIB_CHECK_INTERNAL_H

#include "lib/err.h"
#include "lib/model.h"

/* Pools of reals and VIPs are known to be there. */
int lb_check_dscp(const struct lb_model *m, struct lb_err *err);

#endif
