/* SPDX-License-Identifier: GPL-2.0 */
/* maps_seen.h - the program's record of a packet in the tools' words. For lib/maps*.c alone. */
#ifndef LIB_MAPS_SEEN_H
#define LIB_MAPS_SEEN_H

#include "bpf/lb_event.h"
#include "lib/seen.h"

void lb_seen_of(const struct lb_event *ev, struct lb_seen *seen);

#endif
