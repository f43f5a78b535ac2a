/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hops.h - has the kernel keep the neighbours resolved that the balancer sends to: XDP's packets
 * make it resolve none.
 */
#ifndef LBTOOL_HOPS_H
#define LBTOOL_HOPS_H

#include <stddef.h>

#include "lbtool/tool.h"

/*
 * The next hops of these addresses, once each, when our program is attached in this namespace. Notes,
 * no errors. what: "real" or "peer".
 */
void hops_keep(struct tool *t, const char *what, const struct lb_addr *addr, size_t n);

/* Those of all reals and peers. */
void hops_keep_all(struct tool *t);

#endif
