/* SPDX-License-Identifier: GPL-2.0 */
#include "lbmon/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/out.h"

static void real(struct lb_out *out, const struct lb_m_pool *p, const struct lb_m_real *r)
{
	char addr[LB_ADDR_STRLEN];
	bool down = r->health == LB_M_SICK;

	format_addr(&r->addr, addr);
	lb_out_begin(out);
	lb_out_name(out, "real", addr, LB_ADDRESS);
	lb_out_str(out, "pool", r->pool, LB_NAME);
	lb_out_str(out, "state", lb_state_names[r->state], LB_PLAIN);
	lb_out_str(out, "check", lb_check_names[p->check.kind], LB_PLAIN);
	lb_out_str(out, "health", lb_health_names[r->health], down ? LB_BAD : LB_GOOD);
	if (r->why[0])
		lb_out_str(out, "why", r->why, LB_PLAIN);
	lb_out_end(out);
}

int report_health(const struct lb_model *m, bool json, struct lb_err *err)
{
	const struct lb_out_options look = {.json = json};
	struct lb_out *out = lb_out_new(&look);
	const struct lb_m_pool *p = NULL;
	size_t i;
	int ret;

	if (!out)
		return lb_fail(err, "%s", strerror(ENOMEM));
	for (i = 0; m && i < m->reals; i++) {
		if (!p || strcmp(p->name, m->real[i].pool) != 0)
			p = lb_model_pool(m, m->real[i].pool);
		if (p)
			real(out, p, &m->real[i]);
	}
	ret = lb_out_flush(out, stdout, err);
	lb_out_free(out);
	return ret;
}
