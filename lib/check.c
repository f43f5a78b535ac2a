// SPDX-License-Identifier: GPL-2.0
/* check.c - is this configuration whole? */
#include <stdlib.h>
#include <string.h>

#include "lib/check.h"
#include "lib/check_internal.h"
#include "lib/model_own.h"

static int check_count(const char *what, size_t n, uint32_t room, struct lb_err *err)
{
	if (n <= room)
		return 0;
	return lb_fail(err,
		       "%zu %s: the instance was loaded with room for %u: load it with a larger "
		       "\"%s\"",
		       n, what, room, what);
}

/* Both arrays are sorted by the pool's name: one walk. */
static int check_reals_pools(const struct lb_model *m, struct lb_err *err)
{
	char addr[LB_ADDR_STRLEN];
	size_t p = 0;

	for (size_t i = 0; i < m->reals; i++) {
		const struct lb_m_real *real = &m->real[i];

		while (p < m->pools && strcmp(m->pool[p].name, real->pool) < 0)
			p++;
		if (p < m->pools && strcmp(m->pool[p].name, real->pool) == 0)
			continue;
		format_addr(&real->addr, addr);
		return lb_fail(err, "real \"%s\": pool \"%s\" does not exist: add the pool first",
			       addr, real->pool);
	}
	return 0;
}

static int check_vips_pools(const struct lb_model *m, struct lb_err *err)
{
	char svc[LB_SERVICE_STRLEN];

	for (size_t i = 0; i < m->vips; i++) {
		const struct lb_m_vip *vip = &m->vip[i];

		/* Neighbours mostly share their pool. */
		if (i && strcmp(vip->pool, vip[-1].pool) == 0)
			continue;
		if (lb_model_pool(m, vip->pool))
			continue;
		format_service(&vip->svc, svc);
		return lb_fail(err, "vip \"%s\": pool \"%s\" does not exist: add the pool first",
			       svc, vip->pool);
	}
	return 0;
}

/* The first VIP of an address: services are sorted by address, then port. NULL: none. */
static const struct lb_m_vip *vip_of(const struct lb_model *m, const struct lb_addr *addr)
{
	size_t low = 0, high = m->vips;

	/* Reals mostly have a network of their own. */
	if (!high || lb_addr_cmp(&m->vip[0].svc.addr, addr) > 0 ||
	    lb_addr_cmp(&m->vip[high - 1].svc.addr, addr) < 0)
		return NULL;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (lb_addr_cmp(&m->vip[mid].svc.addr, addr) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < m->vips && lb_addr_cmp(&m->vip[low].svc.addr, addr) == 0)
		return &m->vip[low];
	return NULL;
}

static int check_reals_addrs(const struct lb_model *m, struct lb_err *err)
{
	char addr[LB_ADDR_STRLEN], svc[LB_SERVICE_STRLEN];

	for (size_t i = 0; i < m->reals; i++) {
		const struct lb_m_vip *vip = vip_of(m, &m->real[i].addr);

		if (!vip)
			continue;
		format_addr(&m->real[i].addr, addr);
		format_service(&vip->svc, svc);
		return lb_fail(
			err,
			"real \"%s\" of pool \"%s\" has the address of vip \"%s\", so that its "
			"packets would come back here: use an address of the real's own",
			addr, m->real[i].pool, svc);
	}
	return 0;
}

/* What kind of address routers do not forward this is (RFC 6890); NULL: they do. */
static const char *not_forwarded(const struct lb_addr *addr)
{
	static const struct lb_addr loopback = {6, {[15] = 1}};
	const uint8_t *b = addr->b;

	if (addr->family == 4)
		return b[0] == 127		    ? "loopback"
		       : b[0] == 0 || b[0] >= 240   ? "reserved"
		       : b[0] == 169 && b[1] == 254 ? "link-local"
						    : NULL;
	if (lb_addr_cmp(addr, &loopback) == 0)
		return "loopback";
	return b[0] == 0xfe && (b[1] & 0xc0) == 0x80 ? "link-local" : NULL;
}

static int check_forwarded(const struct lb_model *m, struct lb_err *err)
{
	static const char must[] = "must be an address that routers forward";
	char text[LB_SERVICE_STRLEN];
	const char *kind;

	for (size_t i = 0; i < m->vips; i++) {
		kind = not_forwarded(&m->vip[i].svc.addr);
		if (!kind)
			continue;
		format_service(&m->vip[i].svc, text);
		return lb_fail(err, "vip \"%s\": %s: %s", text, kind, must);
	}
	for (size_t i = 0; i < m->reals; i++) {
		kind = not_forwarded(&m->real[i].addr);
		if (!kind)
			continue;
		format_addr(&m->real[i].addr, text);
		return lb_fail(err, "real \"%s\": %s: %s", text, kind, must);
	}
	return 0;
}

/* A prefix of sources is nobody's whom packets are to reach: what is answered to such a source would come to him. */
static int check_spread(const struct lb_model *m, const struct lb_net *net, struct lb_err *err)
{
	const char *kind = not_forwarded(&net->addr);
	char prefix[LB_ADDR_STRLEN + 4], text[LB_SERVICE_STRLEN];

	if (!net->addr.family)
		return 0;
	format_net(net, prefix);
	if (net->addr.family == 6 && !net->addr.b[0])
		kind = "reserved";
	if (kind)
		return lb_fail(err,
			       "outer sources \"%s\": %s: must be addresses that routers forward",
			       prefix, kind);
	for (size_t i = 0; i < m->vips; i++) {
		if (!lb_net_has(net, &m->vip[i].svc.addr))
			continue;
		format_service(&m->vip[i].svc, text);
		return lb_fail(err, "outer sources \"%s\" hold vip \"%s\": must be nobody's",
			       prefix, text);
	}
	for (size_t i = 0; i < m->reals; i++) {
		if (!lb_net_has(net, &m->real[i].addr))
			continue;
		format_addr(&m->real[i].addr, text);
		return lb_fail(err, "outer sources \"%s\" hold real \"%s\": must be nobody's",
			       prefix, text);
	}
	return 0;
}

/* A pool that nobody serves has no table. Reals and pools are in one order: one walk. */
static int check_slots(const struct lb_model *m, uint32_t room, struct lb_err *err)
{
	uint64_t slots = 0;
	size_t r = 0;

	for (size_t p = 0; p < m->pools; p++) {
		const struct lb_m_pool *pool = &m->pool[p];
		bool serves = false;

		for (; r < m->reals && strcmp(m->real[r].pool, pool->name) == 0; r++)
			serves |= lb_real_serves(&m->real[r]);
		if (serves)
			slots += pool->slots;
	}
	if (slots <= room)
		return 0;
	return lb_fail(
		err,
		"the tables of the pools take %llu slots: the instance was loaded with room for "
		"%u: give pools smaller tables, or load it with a larger \"tables\"",
		(unsigned long long)slots, room);
}

static int own_port_taken(const struct lb_own *o, const struct lb_own *other, struct lb_err *err)
{
	char real[LB_ADDR_STRLEN], name[LB_SERVICE_STRLEN], vip[LB_ADDR_STRLEN];

	format_addr(&o->real->addr, real);
	if (!other) {
		format_service(&o->svc, name);
		return lb_fail(err,
			       "real \"%s\" of pool \"%s\": mptcp port %u is that of vip \"%s\": "
			       "use one that no service has",
			       real, o->real->pool, o->svc.port, name);
	}
	format_addr(&other->real->addr, name);
	format_addr(&o->svc.addr, vip);
	return lb_fail(err,
		       "real \"%s\" of pool \"%s\": mptcp port %u is that of real \"%s\" of pool "
		       "\"%s\" on %s: each needs one of its own",
		       real, o->real->pool, o->svc.port, name, other->real->pool, vip);
}

/* A port of one real alone is no other's on that address, and no service. */
static int check_own_ports(const struct lb_model *m, size_t room, struct lb_err *err)
{
	struct lb_own *own;
	size_t n, i;
	int ret = 0;

	if (lb_model_own(m, room, &own, &n, err))
		return -1;
	for (i = 0; i < n && !ret; i++) {
		if (lb_model_vip(m, &own[i].svc))
			ret = own_port_taken(&own[i], NULL, err);
		else if (i && !lb_service_cmp(&own[i - 1].svc, &own[i].svc))
			ret = own_port_taken(&own[i], &own[i - 1], err);
	}
	free(own);
	return ret;
}

int lb_check(const struct lb_model *m, const struct lb_limits *limits, struct lb_err *err)
{
	if (check_count("pools", m->pools, limits->pools, err) < 0 ||
	    check_count("reals", m->reals, limits->reals, err) < 0 ||
	    check_count("vips", m->vips, limits->vips, err) < 0 || check_vips_pools(m, err) < 0 ||
	    check_reals_pools(m, err) < 0 || check_reals_addrs(m, err) < 0 ||
	    check_forwarded(m, err) < 0 || check_spread(m, &m->spread4, err) < 0 ||
	    check_spread(m, &m->spread6, err) < 0 || lb_check_dscp(m, err) < 0 ||
	    check_own_ports(m, limits->vips - m->vips, err) < 0)
		return -1;
	return check_slots(m, limits->slots, err);
}

int lb_check_pool_unused(const struct lb_model *m, const char *name, struct lb_err *err)
{
	char text[LB_SERVICE_STRLEN];
	const struct lb_m_real *real;
	size_t n;

	for (size_t i = 0; i < m->vips; i++) {
		if (strcmp(m->vip[i].pool, name) != 0)
			continue;
		format_service(&m->vip[i].svc, text);
		return lb_fail(err,
			       "pool \"%s\" is used by vip \"%s\": delete or move the vip first",
			       name, text);
	}
	real = lb_model_pool_reals(m, name, &n);
	if (n) {
		format_addr(&real->addr, text);
		return lb_fail(err, "pool \"%s\" has %zu real%s, \"%s\"%s: delete %s first", name,
			       n, n > 1 ? "s" : "", text, n > 1 ? " and others" : "",
			       n > 1 ? "them" : "it");
	}
	return 0;
}
