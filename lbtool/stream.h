/* SPDX-License-Identifier: GPL-2.0 */
/* stream.h - output without an end: it ends by a signal, or when nobody reads any more, and both are well. */
#ifndef LBTOOL_STREAM_H
#define LBTOOL_STREAM_H

#include <stdint.h>

#include "lbtool/tool.h"

/* Opens the output, JSON as an object a line, and has SIGINT, SIGTERM and SIGHUP end the stream. */
int stream_open(struct tool *t);

/* Waits for input from the descriptor, at most so many milliseconds: 1 there is some, 0 not, -1 the stream ends. */
int stream_wait(int fd, int ms);

/* Writes what there is: 0, 1 when the stream ends here, or -1. */
int stream_flush(struct tool *t);

/* The time of an object, which it begins with: nanoseconds of CLOCK_REALTIME. */
void stream_time(struct tool *t, uint64_t ns);
uint64_t stream_now(void);
/* The same of a moment of CLOCK_MONOTONIC. */
uint64_t stream_real(uint64_t monotonic);

#endif
