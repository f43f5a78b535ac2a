// SPDX-License-Identifier: GPL-2.0
#include "lbmon/health.h"

#include "lib/mix.h"

#define HASTE_MIN \
	100u /* milliseconds: no quicker than this, however short the interval's quarter */

bool health_step(struct health *h, uint8_t rise, uint8_t fall, bool ok)
{
	enum lb_m_health says = ok ? LB_M_HEALTHY : LB_M_SICK;
	unsigned int need = ok ? rise : fall;

	if (says == h->state) {
		h->run = 0;
		return false;
	}
	/* A good answer of an unknown one interrupts no run of it: it ends the matter. */
	if (ok && h->state == LB_M_UNKNOWN)
		need = 1;
	if (h->run + 1u < need) {
		h->run++;
		return false;
	}
	*h = (struct health){.state = says};
	return true;
}

uint32_t health_next(const struct health *h, uint32_t interval)
{
	uint32_t quick = interval / 4;

	if (h->state != LB_M_UNKNOWN && !h->run)
		return interval;
	if (quick < HASTE_MIN)
		quick = HASTE_MIN;
	return quick < interval ? quick : interval;
}

/* Mixed, then the high half scaled: neighbouring keys lie apart. */
uint32_t health_spread(uint64_t key, uint32_t interval)
{
	return (uint32_t)((lb_mix64(key) >> 32) * interval >> 32);
}
