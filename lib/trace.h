/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h - asks the program itself what it would do with a packet: it is loaded a second time, on the same maps, and run on that
 * packet. It counts nothing, and writes to nothing that other packets read; what it keeps between packets, it keeps for itself.
 */
#ifndef LIB_TRACE_H
#define LIB_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/flow.h"
#include "lib/seen.h"

struct lb_trace;

/*
 * *same: it is the very program that is loaded for the instance, by the kernel's own hash of its instructions. Otherwise
 * another lbtool loaded that one. Takes a good part of a second. *trace is ended by lb_trace_close().
 */
int lb_trace_open(const char *instance, struct lb_trace **trace, bool *same, struct lb_err *err);
void lb_trace_close(struct lb_trace *trace);

/* What becomes of the packet when it comes by that device of the present network namespace, at this moment. */
int lb_trace_ask(struct lb_trace *trace, const struct lb_flow *flow, uint32_t ifindex,
		 struct lb_seen *seen, struct lb_err *err);

#endif
