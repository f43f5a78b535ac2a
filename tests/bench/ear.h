/* SPDX-License-Identifier: GPL-2.0 */
/* ear.h - somebody who listens while the bench runs, as `lbtool monitor sample N` does. */
#ifndef TESTS_BENCH_EAR_H
#define TESTS_BENCH_EAR_H

#include "tests/packet/world.h"

/* sample 0: nobody. */
int ear_open(struct world *w, uint32_t sample, struct lb_err *err);
/* Reads what there is, and goes on listening. */
int ear_empty(struct lb_err *err);
void ear_close(void);

#endif
