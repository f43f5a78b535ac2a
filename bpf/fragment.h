/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fragment.h - `fragments track`: a datagram's fragments go where its flow goes. Only the first one has the ports, and
 * routers spread fragments by addresses, so the rest may come to another node. Therefore (after Maglev, NSDI 2016,
 * section 4.3, made right under ECMP) they all meet at one node, chosen by addresses and protocol among the peers; there
 * the first one's real is kept for some seconds, and the others follow.
 *
 * A node that is not the meeting point passes a fragment on to the one that is: the packet as it is, in GUE, with a mark
 * (gue.h). There one that comes before the first waits on the way: it goes to the next peer and back, at most
 * LB_FRAGMENT_HOPS hops in all, then it is dropped. The mark counts, so nothing goes round for ever.
 *
 * The meeting point is itself, too, for which the routes have no way there: so a node needs not know its own address,
 * and fragments go on when a peer's route is withdrawn.
 *
 * No more than LB_FRAGMENTS a second on each CPU, so that a flood of fragments takes little time from others; what is
 * kept of them is a table of their own. Nothing of this costs a packet that is whole more than a look at a register.
 */
#ifndef LB_FRAGMENT_H
#define LB_FRAGMENT_H

#include "bpf/encap.h"
#include "bpf/lookup.h"
#include "bpf/nexthop.h"
#include "bpf/parse.h"
#include "bpf/pick.h"
#include "bpf/rate.h"

#define LB_FRAGMENT_HOPS 64u /* with some 20 us a hop, a millisecond or more */
#define LB_FRAGMENTS 50000u
#define LB_FRAGMENT_LIFE 3u /* units of a sixteenth of a tick, a second or a little more */

LB_ARRAY(peers, BPF_MAP_TYPE_ARRAY, struct lb_peers, BPF_F_MMAPABLE);
LB_ARRAY(peer_hop, BPF_MAP_TYPE_PERCPU_ARRAY, struct lb_nexthop, 0);
LB_ARRAY(fragment, BPF_MAP_TYPE_ARRAY, struct lb_session, 0);
LB_ARRAY(fragment_rate, BPF_MAP_TYPE_PERCPU_ARRAY, __u64, 0);

/* What is known of a fragment, and what is found. */
struct lb_datagram {
	__u64 addr; /* hash of addresses and protocol, the same on all nodes */
	__u64 key; /* out: the datagram's, to keep its real by; in: nothing */
	__u32 l3, l4, v6, half, pool, proto;
	__u32 offset; /* out: in its datagram, 0: of the first one */
	__u32 node, next; /* out: the peer at which they meet, and the one after it */
	__u32 real; /* out: where the first one went, or 0 */
	__be16 sport, dport; /* out: of the first one */
	__u32 tcp_flags;
};

static __always_inline __u32 lb_fragment_now(void)
{
	return (bpf_jiffies64() >> (lb_cfg.tick_shift - 4)) & 0xffff;
}

/* An entry: tag (32) | real (16) | time (16). Never 0, as no real is. */
static __always_inline __u32 lb_fragment_find(__u64 key)
{
	__u32 i = lb_scale(key >> 32, LB_FRAGMENT_BUCKETS), tag = key;
	const struct lb_session *s = bpf_map_lookup_elem(&fragment, &i);

	if (!s)
		return 0;
#pragma nounroll
	for (i = 0; i < LB_SESSION_WAYS; i++) {
		__u64 e = LB_READ_ONCE(s->way[i]);

		if ((__u32)(e >> 32) == tag && e)
			return ((lb_fragment_now() - (__u32)e) & 0xffff) <= LB_FRAGMENT_LIFE
				       ? LB_SESSION_REAL(e)
				       : 0;
	}
	return 0;
}

/* In the place of what the key had, else of the oldest. Global: few packets come here. */
int lb_fragment_keep(__u64 key, __u32 id);

__noinline int lb_fragment_keep(__u64 key, __u32 id)
{
	__u32 i = lb_scale(key >> 32, LB_FRAGMENT_BUCKETS), now = lb_fragment_now();
	struct lb_session *s = bpf_map_lookup_elem(&fragment, &i);
	__s64 best = 0; /* as in lb_insert() */

	if (!s || lb_cfg.trace)
		return 0;
#pragma nounroll
	for (__u32 k = 0; k < LB_SESSION_WAYS; k++) {
		__u64 e = LB_READ_ONCE(s->way[k]);
		__s64 age = (now - (__u32)e) & 0xffff;

		age |= lb_none(e) << 16 | lb_none((e >> 32) ^ (__u32)key) << 17;
		best = lb_max(best, age << 3 | k);
	}
	LB_WRITE_ONCE(s->way[best & 7], key << 32 | (__u64)id << 16 | now);
	return 0;
}

static __always_inline bool lb_is_to(const struct lb_nexthop *nh, const struct lb_real *r)
{
	if (r->family == 4)
		return nh->daddr4 == LB_AT(__be32, r->addr);
	return LB_AT(__u64, nh->daddr6) == LB_AT(__u64, r->addr) &&
	       LB_AT(__u64, nh->daddr6 + 8) == LB_AT(__u64, r->addr + 8);
}

/* Is there a way to that peer? LB_NEXT; LB_DROP_NO_ROUTE: none, or it is this node; or another reason. Cached as for reals. */
static __always_inline int lb_peer_way(struct xdp_md *ctx, __u32 half, __u32 node)
{
	const struct lb_peers *all = bpf_map_lookup_elem(&peers, &half);
	struct lb_nexthop *nh = bpf_map_lookup_elem(&peer_hop, &node);
	const struct lb_real *peer;
	int why;

	if (!all || !nh || node >= LB_PEERS_MAX)
		return LB_DROP_NO_ROUTE;
	peer = &all->peer[node];
	if (!lb_cfg.trace && lb_fresh(nh)) {
		if (!nh->out)
			return LB_DROP_NO_ROUTE;
		if (lb_for(ctx, nh) && lb_is_to(nh, peer))
			return LB_NEXT;
	}
	why = lb_nexthop_way(ctx, nh, peer);
	if (why == LB_DROP_NO_ROUTE) {
		nh->out = 0;
		nh->until = (__u32)bpf_jiffies64() + lb_cfg.nexthop_life;
	}
	return why;
}

/* Offset and identification of a fragment. */
static __always_inline int lb_fragment_of(struct xdp_md *ctx, const struct lb_datagram *d,
					  __u32 *offset, __u32 *id)
{
	void *end = lb_data_end(ctx), *at;

	if (d->l3 > 8192 || d->l4 > 8192 || d->l4 < 8)
		return LB_DROP_SHORT;
	if (d->v6) {
		__u32 off = d->l4 - 8; /* the fragment header comes right before */

		barrier_var(
			off); /* else clang compares what is behind the header, which the verifier does not take */
		if (off > 8192)
			return LB_DROP_SHORT;
		at = lb_data(ctx) + off;
		if (at + 8 > end)
			return LB_DROP_SHORT;
		*offset = bpf_ntohs(LB_AT(__be16, at + 2)) & 0xfff8;
		*id = LB_AT(__u32, at + 4);
		return LB_NEXT;
	}
	at = lb_data(ctx) + d->l3;
	if (at + sizeof(struct iphdr) > end)
		return LB_DROP_SHORT;
	*offset = bpf_ntohs(LB_AT(__be16, at + 6)) & LB_IP_OFFSET;
	*id = LB_AT(__be16, at + 4);
	return LB_NEXT;
}

/* The ports, and TCP's flags, which even the smallest fragment that a host makes has (RFC 1858). */
static __always_inline int lb_fragment_first(struct xdp_md *ctx, struct lb_datagram *d)
{
	void *l4 = lb_data(ctx) + d->l4;

	if (d->l4 > 8192 || l4 + sizeof(struct udphdr) > lb_data_end(ctx))
		return LB_DROP_SHORT;
	d->sport = LB_AT(__be16, l4);
	d->dport = LB_AT(__be16, l4 + 2);
	if (d->proto == IPPROTO_TCP) {
		if (l4 + sizeof(struct tcphdr) > lb_data_end(ctx))
			return LB_DROP_SHORT;
		d->tcp_flags = LB_AT(__u8, l4 + 13);
	}
	return LB_NEXT;
}

/*
 * Where the datagram's fragments meet, and its key; LB_NEXT or the reason why it ends here. Global, as the next one, so
 * that the verifier looks at it once and packets that are whole keep their registers.
 */
int lb_meet(struct xdp_md *ctx, struct lb_datagram *d);

__noinline int lb_meet(struct xdp_md *ctx, struct lb_datagram *d)
{
	const struct lb_peers *all;
	__u32 id, i, n;
	int why;

	if (!d)
		return LB_DROP_FRAGMENT;
	i = d->half & 1;
	all = bpf_map_lookup_elem(&peers, &i);
	if (!all)
		return LB_DROP_FRAGMENT;
	why = lb_fragment_of(ctx, d, &d->offset, &id);
	if (why != LB_NEXT)
		return why;
	if (!lb_may(&fragment_rate, LB_FRAGMENTS))
		return LB_DROP_FRAGMENT_RATE;
	n = all->n;
	i = lb_scale(d->addr >> 32, LB_PEER_SLOTS);
	barrier_var(i); /* clang knows its range; the verifier of 6.1 must be told */
	if (i >= LB_PEER_SLOTS || !n || n > LB_PEERS_MAX)
		return LB_DROP_FRAGMENT;
	d->node = all->slot[i];
	d->next = d->node + 1 < n ? d->node + 1 : 0;
	d->key = (d->addr + id) * lb_cfg.key[3];
	d->key ^= d->key >> 31;
	d->key *= lb_cfg.key[1];
	return LB_NEXT;
}

/*
 * What becomes of a fragment at the meeting point: LB_NEXT with d->real, to follow the first one; without, it is the
 * first one, whose flow decides, and d->key is what its real is to be kept by. LB_DROP_FRAGMENT_EARLY: the first one was
 * not here yet.
 */
int lb_met(struct xdp_md *ctx, struct lb_datagram *d);

__noinline int lb_met(struct xdp_md *ctx, struct lb_datagram *d)
{
	if (!d)
		return LB_DROP_FRAGMENT;
	if (!d->offset)
		return lb_fragment_first(ctx, d);
	d->real = lb_fragment_find(d->key);
	if (!d->real)
		return LB_DROP_FRAGMENT_EARLY;
	return lb_holds(d->real, d->pool, d->half) ? LB_NEXT : LB_DROP_NO_REAL;
}

/* On to the meeting point, or from there to the next peer, where it waits for the first one. LB_DROP_NO_ROUTE: this is it. */
static __always_inline int lb_pass_on(struct xdp_md *ctx, struct lb_pkt *p, __u32 node)
{
	int why = lb_peer_way(ctx, lb_half(p), node);

	if (why != LB_NEXT)
		return why;
	if (p->hops == 1)
		return LB_DROP_FRAGMENT_EARLY;
	p->nh = bpf_map_lookup_elem(&peer_hop, &node);
	if (!p->nh)
		return LB_DROP_FRAGMENT;
	p->prev = LB_MARKED | (p->hops ? p->hops - 2 : LB_FRAGMENT_HOPS - 1);
	return LB_NEXT;
}

/* LB_NEXT without p->nh: the fragment is to be treated here, by `d`. */
static __always_inline int lb_together(struct xdp_md *ctx, struct lb_pkt *p, struct lb_datagram *d)
{
	int why = lb_meet(ctx, d);

	if (why != LB_NEXT)
		return why;
#pragma nounroll
	for (int i = 0; i < 2; i++) {
		why = lb_pass_on(ctx, p, i ? d->next : d->node);
		if (why != LB_DROP_NO_ROUTE || i)
			return why == LB_DROP_NO_ROUTE ? LB_DROP_FRAGMENT_EARLY : why;
		why = lb_met(ctx, d);
		if (why != LB_DROP_FRAGMENT_EARLY || p->hops == 1)
			return why;
	}
	return why;
}

/*
 * A fragment to a service that tracks them. LB_NEXT: with p->nh it goes to a peer, with p->real after the first one, else it
 * counts as whole from here on.
 */
static __always_inline int lb_fragment(struct xdp_md *ctx, struct lb_pkt *p)
{
	struct lb_datagram d = {
		.addr = lb_flow_hash(p),
		.l3 = p->l3,
		.l4 = p->l4,
		.v6 = p->v6,
		.half = lb_half(p),
		.pool = p->svc->pool,
		.proto = p->proto & ~LB_SVC_FRAGMENT,
	};
	int why = lb_together(ctx, p, &d);

	if (why != LB_NEXT)
		return why;
	p->hash = d.addr;
	if (p->nh)
		return LB_NEXT;
	p->real = d.real;
	if (d.real)
		return LB_NEXT;
	p->key = d.key;
	p->fragment = 0;
	p->proto = d.proto;
	p->sport = d.sport;
	p->dport = d.dport;
	p->tcp_flags = d.tcp_flags;
	return LB_NEXT;
}

/*
 * The mark of a packet that a peer passed on: offset of the inner IP header << 16 | its family << 8 | hops left + 1; 0: it is no
 * such packet. Global, and only asked where there are peers, for what is not for a VIP.
 */
int lb_marked(struct xdp_md *ctx, __u32 l3, __u32 v6, __u32 half);

__noinline int lb_marked(struct xdp_md *ctx, __u32 l3, __u32 v6, __u32 half)
{
	__u32 i = half & 1, len = v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr), family;
	const struct lb_peers *all = bpf_map_lookup_elem(&peers, &i);
	void *ip = lb_data(ctx) + l3, *end = lb_data_end(ctx), *udp;
	__u64 from[2] = {};

	if (!all || l3 > LB_L2_MAX)
		return 0;
	if (v6) {
		if (ip + sizeof(struct ipv6hdr) > end || LB_AT(__u8, ip + 6) != IPPROTO_UDP)
			return 0;
		from[0] = LB_AT(__u64, ip + 8);
		from[1] = LB_AT(__u64, ip + 16);
		udp = ip + sizeof(struct ipv6hdr);
	} else {
		if (ip + sizeof(struct iphdr) > end || LB_AT(__u8, ip) != 0x45 ||
		    LB_AT(__u8, ip + 9) != IPPROTO_UDP ||
		    LB_AT(__be16, ip + 6) & bpf_htons(LB_IP_MF | LB_IP_OFFSET))
			return 0;
		from[0] = LB_AT(__u32, ip + 12);
		udp = ip + sizeof(struct iphdr);
	}
	/* UDP's port; one word of private data, no flags; the mark and its hops. */
	if (udp + LB_UDP_GUE_LEN + sizeof(struct lb_gue_private) > end ||
	    LB_AT(__be16, udp + 2) != bpf_htons(LB_GUE_PORT) || LB_AT(__u8, udp + 8) != 1 ||
	    LB_AT(__u16, udp + 10) || LB_AT(__be16, udp + 12) != bpf_htons(LB_GUE_FRAGMENT) ||
	    LB_AT(__u8, udp + 14) >= LB_FRAGMENT_HOPS)
		return 0;
	family = LB_AT(__u8, udp + 9) == IPPROTO_IPIP	? 4
		 : LB_AT(__u8, udp + 9) == IPPROTO_IPV6 ? 6
							: 0;
	for (i = 0; i < LB_PEERS_MAX && i < all->n; i++)
		if (LB_AT(__u64, all->peer[i].addr) == from[0] &&
		    LB_AT(__u64, all->peer[i].addr + 8) == from[1])
			return family ? (l3 + len + LB_UDP_GUE_LEN + 4) << 16 | family << 8 |
						(LB_AT(__u8, udp + 14) + 1)
				      : 0;
	return 0;
}

/* lb_vip(), also for what a peer passed on: from here on that is the packet in it. */
static __always_inline int lb_vip_or_passed_on(struct xdp_md *ctx, struct lb_pkt *p)
{
	struct lb_home home;
	int why = lb_vip(p, &home), mark;

	if (why == LB_NEXT || !lb_meta.peers[lb_half(p)])
		return why;
	mark = lb_marked(ctx, p->l3, p->v6, lb_half(p));
	if (!mark)
		return why;
	p->l3 = (__u32)mark >> 16 & 0xff;
	p->hops = mark & 0xff;
	why = (mark >> 8 & 0xff) == 4 ? lb_parse_ipv4(lb_data(ctx) + p->l3, lb_data_end(ctx), p)
				      : lb_parse_ipv6(lb_data(ctx) + p->l3, lb_data_end(ctx), p);
	return why == LB_NEXT ? lb_vip(p, &home) : why;
}

#endif
