// SPDX-License-Identifier: GPL-2.0
/* model_keep.c - what of one configuration lives on in the next one. */
#include <string.h>

#include "lib/model.h"

static void inherit_real(struct lb_m_real *to, const struct lb_m_real *from)
{
	to->health = from->health;
	to->since = from->since;
	memcpy(to->why, from->why, sizeof(to->why));
	to->id = from->id;
}

void lb_model_inherit(struct lb_model *to, const struct lb_model *from)
{
	size_t i;

	to->seed = from->seed;
	for (i = 0; i < to->pools; i++) {
		const struct lb_m_pool *p = lb_model_pool(from, to->pool[i].name);

		if (p)
			to->pool[i].id = p->id;
	}
	for (i = 0; i < to->reals; i++) {
		const struct lb_m_real *r = lb_model_real(from, to->real[i].pool,
							  &to->real[i].addr);

		if (r)
			inherit_real(&to->real[i], r);
	}
	for (i = 0; i < to->vips; i++) {
		const struct lb_m_vip *v = lb_model_vip(from, &to->vip[i].svc);

		if (v)
			to->vip[i].id = v->id;
	}
	lb_model_health(to);
}

bool lb_real_keeps(const struct lb_model *from, const struct lb_m_real *was,
		   const struct lb_model *to, const struct lb_m_real *is)
{
	enum lb_m_encap encap = lb_real_encap(to, is);

	return was->encap == is->encap && lb_real_encap(from, was) == encap &&
	       (encap != LB_M_ENCAP_GUE ||
		lb_model_pool(from, was->pool)->gue_port == lb_model_pool(to, is->pool)->gue_port);
}

bool lb_real_may_be_prev(const struct lb_model *m, const struct lb_m_real *real)
{
	return real->state != LB_M_DOWN && lb_real_encap(m, real) == LB_M_ENCAP_GUE;
}
