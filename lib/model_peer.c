// SPDX-License-Identifier: GPL-2.0
/* model_peer.c - the nodes of a model: a short sorted list. */
#include <string.h>

#include "lib/model.h"

/* Where the address stands, or would. */
static size_t place(const struct lb_model *m, const struct lb_addr *addr)
{
	size_t at = 0;

	while (at < m->peers && lb_addr_cmp(&m->peer[at], addr) < 0)
		at++;
	return at;
}

bool lb_model_has_peer(const struct lb_model *m, const struct lb_addr *addr)
{
	size_t at = place(m, addr);

	return at < m->peers && !lb_addr_cmp(&m->peer[at], addr);
}

int lb_model_put_peer(struct lb_model *m, const struct lb_addr *addr, struct lb_err *err)
{
	size_t at = place(m, addr);

	if (lb_model_has_peer(m, addr))
		return 0;
	if (m->peers == LB_M_PEERS_MAX)
		return lb_fail(err, "more than %u peers", LB_M_PEERS_MAX);
	memmove(&m->peer[at + 1], &m->peer[at], (m->peers - at) * sizeof(*addr));
	m->peer[at] = *addr;
	m->peers++;
	return 0;
}

bool lb_model_del_peer(struct lb_model *m, const struct lb_addr *addr)
{
	size_t at = place(m, addr);

	if (!lb_model_has_peer(m, addr))
		return false;
	m->peers--;
	memmove(&m->peer[at], &m->peer[at + 1], (m->peers - at) * sizeof(*addr));
	return true;
}
