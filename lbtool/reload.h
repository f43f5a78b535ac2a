/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LBTOOL_RELOAD_H
#define LBTOOL_RELOAD_H

#include "lbtool/tool.h"

/* `prog reload`, under the lock. */
int reload_all(struct tool *t);

#endif
