/* SPDX-License-Identifier: GPL-2.0 */
/* health.h - from single answers to health: rise and fall. Pure: no I/O, no clock. */
#ifndef LBMON_HEALTH_H
#define LBMON_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/model.h"

struct health {
	enum lb_m_health state; /* unknown until the first answers agree */
	uint8_t run; /* answers in a row that speak against the state */
};

/*
 * Takes one answer. A known state changes after `rise` good or `fall` bad ones in a row; an unknown one after the first
 * good answer, or `fall` bad ones. True: the state changed.
 */
bool health_step(struct health *h, uint8_t rise, uint8_t fall, bool ok);

/* Milliseconds until the next question: `interval` when settled; a quarter of it, but not below 100 (nor above the interval), while answers
 * speak against the state or it is unknown. */
uint32_t health_next(const struct health *h, uint32_t interval);

/* Where in its interval the first question of a target lies, so that many are spread over time: 0..interval-1, by a hash of `key`. */
uint32_t health_spread(uint64_t key, uint32_t interval);

#endif
