/* SPDX-License-Identifier: GPL-2.0 */
#include "lib/maps_seen.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/model.h"

const char *const lb_by_names[] = {"table", "session", "port", "first"};

static void take(struct lb_addr *to, uint8_t family, const void *bytes)
{
	*to = (struct lb_addr){0};
	if (family != 4 && family != 6)
		return;
	to->family = family;
	memcpy(to->b, bytes, family == 4 ? 4 : 16);
}

static void take_flow(const struct lb_event *ev, struct lb_seen *s)
{
	uint8_t family = ev->flags & LB_EV_V6 ? 6 : 4;

	if (!(ev->src[0] | ev->src[1] | ev->dst[0] | ev->dst[1]))
		return;
	take(&s->src, family, ev->src);
	take(&s->dst, family, ev->dst);
	s->sport = ntohs(ev->sport);
	s->dport = ntohs(ev->dport);
	s->proto = ev->proto;
	s->tcp_flags = ev->tcp_flags;
	s->len = ev->len;
	s->quoted = ev->flags & LB_EV_QUOTED;
	s->fragment = ev->flags & LB_EV_FRAGMENT;
}

static void take_service(const struct lb_event *ev, struct lb_seen *s)
{
	if (!(ev->flags & LB_EV_SERVICE))
		return;
	s->vip.addr = s->dst;
	s->vip.port = ev->flags & LB_EV_ANY ? 0 : s->dport;
	s->vip.proto = ev->proto;
	memcpy(s->pool, ev->pool_name, sizeof(s->pool) - 1);
	s->hash = ev->hash;
	s->slot = ev->slot;
	s->slots = ev->slots;
	take(&s->table, ev->table.family, ev->table.addr);
}

/* The model's encapsulations are the maps': lib/maps.c. */
static const char *encap_name(uint8_t encap)
{
	return encap && encap < LB_ENCAP_MAX ? lb_encap_names[encap] : "";
}

static void take_real(const struct lb_event *ev, struct lb_seen *s)
{
	take(&s->real, ev->real.family, ev->real.addr);
	take(&s->prev, ev->prev.family, ev->prev.addr);
	s->by = ev->flags & LB_EV_OWN	    ? LB_BY_PORT
		: ev->flags & LB_EV_TRACKED ? LB_BY_FIRST
		: ev->flags & LB_EV_KEPT    ? LB_BY_SESSION
					    : LB_BY_TABLE;
	s->encap = encap_name(ev->real.encap);
}

static void take_hop(const struct lb_event *ev, struct lb_seen *s)
{
	const struct lb_nexthop *hop = &ev->hop;
	uint32_t host;
	bool v6;

	take(&s->via, ev->via_family, ev->via);
	s->via_out = ev->via_out;
	if (!hop->out)
		return;
	s->hop = true;
	memcpy(s->lladdr, hop->l2, sizeof(s->lladdr));
	s->out = hop->out;
	s->mtu = hop->mtu;
	if (hop->flags & LB_NH_L2)
		return;
	v6 = hop->flags & LB_NH_V6;
	take(&s->outer_dst, v6 ? 6 : 4, v6 ? (const void *)hop->daddr6 : &hop->daddr4);
	if (hop->flags & LB_NH_DSCP) {
		s->dscp = ev->dscp;
		return;
	}
	take(&s->outer_src, v6 ? 6 : 4, v6 ? (const void *)hop->saddr6 : &hop->saddr4);
	host = (uint32_t)ev->hash & hop->spread;
	for (int i = 0; i < 4; i++)
		s->outer_src.b[(v6 ? 12 : 0) + i] |= ((const uint8_t *)&host)[i];
	if (hop->flags & LB_NH_GUE) {
		s->encap = lb_encap_names[LB_M_ENCAP_GUE]; /* also to a peer, which is no real */
		s->port = ntohs(hop->port);
	}
}

void lb_seen_of(const struct lb_event *ev, struct lb_seen *s)
{
	*s = (struct lb_seen){
		.time = ev->time,
		.why = ev->why,
		.in = ev->in,
		.frame = ev->frame,
		.encap = "",
	};
	take_flow(ev, s);
	take_service(ev, s);
	take_real(ev, s);
	take_hop(ev, s);
}

bool lb_seen_sent(const struct lb_seen *s)
{
	return s->why > LB_NEXT && s->why < LB_WHY_ANSWER;
}
