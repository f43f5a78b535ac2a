/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reading.h - what the counters stood at, of whom, at one moment. Two readings make rates.
 */
#ifndef LBTOOL_READING_H
#define LBTOOL_READING_H

#include <stdint.h>

#include "lbtool/tool.h"
#include "lib/model.h"

/* What is read. Of the first four none: no configuration either. */
enum {
	READ_VIP = 1,
	READ_REAL = 2,
	READ_WHY = 4,
	READ_SLOTS = 8,
	READ_LB = 15,
	READ_RX = 16,
	READ_ALL = 31,
};

struct reading {
	uint64_t at; /* nanoseconds, CLOCK_MONOTONIC */
	struct lb_model model;
	struct lb_counts *vip, *real; /* beside model.vip[] and model.real[] */
	uint32_t *slots; /* of its pool's table, beside model.real[] */
	struct lb_counts *why, *rx; /* by reason */
	struct lb_info info;
};

/* The two lists of reasons alike: numbers first..count() - 1. */
struct reasons {
	const char *word; /* "why" or "rx" */
	uint32_t first;
	uint32_t (*count)(void);
	const char *(*name)(uint32_t why), *(*text)(uint32_t why);
};
extern const struct reasons reasons_lb, reasons_rx;

/* *r is the caller's to end by reading_free(), whatever is returned. What was not asked for is NULL or zero. */
int reading_take(struct tool *t, unsigned int what, struct reading *r);
void reading_free(struct reading *r);

/* Of `what` the part that is loaded, the balancer's or the receiver's; all of it when that is nothing. */
unsigned int reading_there(const struct tool *t, unsigned int what);

/* A second; pure from here on. */
struct rate {
	double packets, bytes, hits, misses;
};

double reading_seconds(const struct reading *before, const struct reading *now);
/* NULL: it was not there, so that all has happened since. So it was when a counter went back. */
struct rate rate_of(const struct lb_counts *before, const struct lb_counts *now, double seconds);

/* What that service or real, the same one, had in an earlier reading; NULL: there was none. */
const struct lb_counts *reading_vip(const struct reading *before, const struct lb_m_vip *v);
const struct lb_counts *reading_real(const struct reading *before, const struct lb_m_real *real);

#endif
