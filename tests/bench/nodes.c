// SPDX-License-Identifier: GPL-2.0
#include "tests/bench/nodes.h"

#include <stdio.h>
#include <string.h>

#include "lib/ring.h"

#define REALS 100
#define SELF "192.0.2.1" /* of the link in */
#define OTHER "10.0.9.9"
#define NEIGHBOUR "192.0.2.254"

/* 10.0.NET.1 and so on. */
static int reals(struct world *w, const char *pool, int net, enum lb_m_state state,
		 struct lb_err *err)
{
	char addr[40];

	for (int i = 1; i <= REALS; i++) {
		snprintf(addr, sizeof(addr), "10.0.%d.%d", net, i);
		if (world_real(w, pool, addr, 1, state, err))
			return -1;
	}
	return 0;
}

static int pool(struct world *w, const char *name, enum lb_m_encap encap, struct lb_err *err)
{
	struct lb_m_pool *p;

	if (world_pool(w, name, LB_RING_DEFAULT, err))
		return -1;
	p = lb_model_pool(&w->model, name);
	p->encap = encap;
	p->drain = LB_DRAIN_MAX;
	return 0;
}

/* The VIP's record, to be edited before the next one is added; NULL with *err. */
static struct lb_m_vip *vip(struct world *w, const char *addr, const char *port, const char *name,
			    bool session, struct lb_err *err)
{
	struct lb_service s;
	char text[LB_SERVICE_STRLEN];

	snprintf(text, sizeof(text), "%s:%s", addr, port);
	if (world_vip(w, text, name, session, err) || parse_service(text, &s, err))
		return NULL;
	return lb_model_vip(&w->model, &s);
}

static int peer(struct world *w, const char *text, struct lb_err *err)
{
	struct lb_addr addr;

	return parse_addr(text, &addr, err) || lb_model_put_peer(&w->model, &addr, err) ? -1 : 0;
}

static int base(struct world *w, struct lb_err *err)
{
	if (pool(w, "base", LB_M_ENCAP_IPIP, err) || reals(w, "base", 0, LB_M_UP, err) ||
	    !vip(w, NODE_BASE, "80/tcp", "base", false, err) ||
	    !vip(w, NODE_BASE, "53/udp", "base", false, err))
		return -1;
	return 0;
}

static int track(struct world *w, const char *node, struct lb_err *err)
{
	struct lb_m_vip *v = vip(w, NODE_TRACK, "53/udp", "base", false, err);

	if (!v)
		return -1;
	v->fragments = LB_M_FRAGMENTS_TRACK;
	return peer(w, node, err);
}

/* All reals of a pool make room for others: no slot has the real it had. */
static int move(struct world *w, struct lb_err *err)
{
	if (pool(w, "moved", LB_M_ENCAP_GUE, err) || reals(w, "moved", 0, LB_M_UP, err) ||
	    !vip(w, NODE_MOVED, "80/tcp", "moved", true, err) || world_commit(w, err))
		return -1;
	return reals(w, "moved", 0, LB_M_DRAIN, err) || reals(w, "moved", 1, LB_M_UP, err) ? -1 : 0;
}

static int others(struct world *w, struct lb_err *err)
{
	struct lb_m_vip *v;

	if (pool(w, "gue", LB_M_ENCAP_GUE, err) || reals(w, "gue", 0, LB_M_UP, err) ||
	    pool(w, "dscp", LB_M_ENCAP_DSCP, err) || reals(w, "dscp", 0, LB_M_UP, err) ||
	    pool(w, "l2", LB_M_ENCAP_L2, err) || world_real(w, "l2", NEIGHBOUR, 1, LB_M_UP, err) ||
	    !vip(w, NODE_SESSION, "80/tcp", "base", true, err) ||
	    !vip(w, NODE_GUE, "80/tcp", "gue", true, err) ||
	    !vip(w, NODE_L2, "80/tcp", "l2", false, err))
		return -1;
	v = vip(w, NODE_DSCP, "80/tcp", "dscp", false, err);
	if (!v)
		return -1;
	v->dscp = 5;
	v = vip(w, NODE_HASH, "53/udp", "base", false, err);
	if (!v)
		return -1;
	v->fragments = LB_M_FRAGMENTS_HASH;
	for (int session = 0; session < 2; session++) {
		v = vip(w, session ? NODE_SRC_SESSION : NODE_SRC, "80/tcp", "base", session, err);
		if (!v)
			return -1;
		v->hash = LB_M_HASH_SRC;
	}
	return track(w, SELF, err);
}

static int open_one(struct world *w, enum node which, struct lb_err *err)
{
	static const char *const names[NODES] = {"plain", "full", "spread", "heard", "away"};
	const struct lb_sizes sizes = {
		.reals = 1024,
		.vips = 64,
		.pools = 8,
		.tables = which == NODE_FULL ? 16 : 4,
		.sessions = which == NODE_FULL ? NODE_SESSIONS : 0,
	};

	if (world_load(w, names[which], &sizes, err) || base(w, err))
		return -1;
	if ((which == NODE_FULL && (move(w, err) || others(w, err))) ||
	    (which == NODE_SPREAD && parse_net("10.64.0.0/16", &w->model.spread4, err)) ||
	    (which == NODE_AWAY && track(w, OTHER, err)))
		return -1;
	return world_commit(w, err);
}

int nodes_open(struct world *w, struct lb_err *err)
{
	if (world_net(err))
		return -1;
	for (int i = 0; i < NODES; i++)
		if (open_one(&w[i], i, err))
			return -1;
	return 0;
}
