/* SPDX-License-Identifier: GPL-2.0 */
/*
 * privs.h - keeps the capabilities that lbmon needs, CAP_BPF and CAP_NET_ADMIN, and gives up the rest.
 */
#ifndef LBMON_PRIVS_H
#define LBMON_PRIVS_H

#include "lib/err.h"

/*
 * Checks that are commands inherit none but, where lbmon has it to give, CAP_NET_RAW, which ping(8) wants. What is missing is said in the log:
 * lbmon goes on with what it has. 0, or -1 with *err when the rest cannot be given up.
 */
int privs_drop(struct lb_err *err);

#endif
