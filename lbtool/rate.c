/* SPDX-License-Identifier: GPL-2.0 */
/* Rates: pure. */
#include "lbtool/reading.h"

double reading_seconds(const struct reading *before, const struct reading *now)
{
	return (double)(now->at - before->at) / 1e9;
}

struct rate rate_of(const struct lb_counts *before, const struct lb_counts *now, double seconds)
{
	static const struct lb_counts nothing;
	bool anew = !before || before->packets > now->packets || before->bytes > now->bytes;
	const struct lb_counts *was = anew ? &nothing : before;

	if (seconds <= 0)
		return (struct rate){0};
	return (struct rate){
		.packets = (double)(now->packets - was->packets) / seconds,
		.bytes = (double)(now->bytes - was->bytes) / seconds,
		.hits = (double)(now->hits - was->hits) / seconds,
		.misses = (double)(now->misses - was->misses) / seconds,
	};
}

/* The same key may have got another id meanwhile, and with it another counter. */
const struct lb_counts *reading_vip(const struct reading *before, const struct lb_m_vip *v)
{
	const struct lb_m_vip *was = lb_model_vip(&before->model, &v->svc);

	return was && was->id == v->id ? &before->vip[was - before->model.vip] : NULL;
}

const struct lb_counts *reading_real(const struct reading *before, const struct lb_m_real *real)
{
	const struct lb_m_real *was = lb_model_real(&before->model, real->pool, &real->addr);

	return was && was->id == real->id ? &before->real[was - before->model.real] : NULL;
}
