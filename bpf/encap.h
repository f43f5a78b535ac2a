/* SPDX-License-Identifier: GPL-2.0 */
/*
 * encap.h - puts the packet, untouched, into a tunnel: 4in4 (RFC 2003), 6in6 and 4in6 (RFC 2473),
 * 6in4 (RFC 4213), or any of them with UDP and GUE in between (gue.h). TOS and ECN are copied (RFC 6040, normal mode), TTL is 64, DF is set, the id is 0,
 * since a packet that is never fragmented needs none (RFC 6864).
 */
#ifndef LB_ENCAP_H
#define LB_ENCAP_H

#include "bpf/bare.h"
#include "bpf/gue.h"
#include "bpf/maps.h"
#include "bpf/push_l2.h"

#define LB_TTL 64
/* The longest outer header. */
#define LB_OUTER_MAX (sizeof(struct ipv6hdr) + LB_UDP_GUE_LEN + LB_GUE_PREV6_LEN)

/* Of what the packet gets in front, if it gets anything, without the previous real's name. */
static __always_inline __u32 lb_outer_len(__u8 how)
{
	__u32 ip = how & LB_NH_V6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	return how & LB_NH_GUE ? ip + LB_UDP_GUE_LEN : ip;
}

static __always_inline __u32 lb_prev_len(__u8 how, __u32 prev)
{
	if (prev & LB_MARKED)
		return sizeof(struct lb_gue_private);
	return how & LB_NH_V6 ? LB_GUE_PREV6_LEN : LB_GUE_PREV4_LEN;
}

static __always_inline __u32 lb_outer_room(__u8 how)
{
	if (how & LB_NH_BARE)
		return 0;
	return lb_tunnel_room(how & LB_NH_V6, how & LB_NH_GUE);
}

static __always_inline __u8 lb_inner_proto(const struct lb_pkt *p)
{
	return p->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

/* outer: all of the outer header's bytes. */
static __always_inline void lb_outer4(void *l3, const struct lb_pkt *p, const struct lb_nexthop *nh,
				      __u32 outer)
{
	__u8 proto = p->how & LB_NH_GUE ? IPPROTO_UDP : lb_inner_proto(p);
	__be16 len = bpf_htons(p->len + outer);
	__u32 sum = nh->csum + (p->tos << 8) + len + (proto << 8);
	__be32 saddr = nh->saddr4;
	__u16 csum;

	if (nh->spread) {
		__u32 host = p->hash & nh->spread;

		sum += (host & 0xffff) + (host >> 16);
		saddr |= host;
	}
	csum = ~lb_csum_fold(sum);
	LB_AT(__u32, l3) = 0x45 | p->tos << 8 | (__u32)len << 16;
	LB_AT(__u32, l3 + 4) = (__u32)bpf_htons(0x4000) << 16;
	LB_AT(__u32, l3 + 8) = LB_TTL | proto << 8 | (__u32)csum << 16;
	LB_AT(__u32, l3 + 12) = saddr;
	LB_AT(__u32, l3 + 16) = nh->daddr4;
}

/* The flow label comes from the flow's hash (RFC 6438): routers behind us spread tunnels by it. */
static __always_inline void lb_outer6(void *l3, const struct lb_pkt *p, const struct lb_nexthop *nh,
				      __u32 outer)
{
	__u8 proto = p->how & LB_NH_GUE ? IPPROTO_UDP : lb_inner_proto(p);
	__u32 label = p->hash & 0xfffff, host = p->hash & nh->spread;

	LB_AT(__u32, l3) = bpf_htonl(6u << 28 | (__u32)p->tos << 20 | label);
	LB_AT(__u16, l3 + 4) = bpf_htons(p->len + outer - sizeof(struct ipv6hdr));
	LB_AT(__u16, l3 + 6) = proto | LB_TTL << 8;
	LB_AT(__u64, l3 + 8) = LB_AT(__u64, nh->saddr6);
	LB_AT(__u64, l3 + 16) = LB_AT(__u64, nh->saddr6 + 8) | (__u64)host << 32;
	LB_AT(__u64, l3 + 24) = LB_AT(__u64, nh->daddr6);
	LB_AT(__u64, l3 + 32) = LB_AT(__u64, nh->daddr6 + 8);
}

/* UDP and GUE; `more` bytes of private data follow, `len` bytes in all from here on. */
static __always_inline void lb_udp_gue(void *udp, const struct lb_pkt *p, __be16 port, __u32 len,
				       __u32 more)
{
	__u16 sport = LB_GUE_SPORT | (p->hash & LB_GUE_SPORT_MASK);

	LB_AT(__u32, udp) = bpf_htons(sport) | (__u32)port << 16;
	LB_AT(__u32, udp + 4) = bpf_htons(len); /* no checksum */
	LB_AT(__u32, udp + 8) = more / 4 | lb_inner_proto(p) << 8;
}

/* The private data: a fragment's mark, or the previous real. Global: few packets carry any. */
int lb_private(struct xdp_md *ctx, __u32 off, __u32 v6, __u32 prev);

__noinline int lb_private(struct xdp_md *ctx, __u32 off, __u32 v6, __u32 prev)
{
	struct lb_gue_private *private;
	const struct lb_real *r;

	if (off > LB_L2_MAX + LB_OUTER_MAX)
		return LB_DROP_NO_ROOM;
	private = lb_data(ctx) + off;
	if ((void *)(private + 1) > lb_data_end(ctx))
		return LB_DROP_NO_ROOM;
	if (prev & LB_MARKED) {
		*private = (struct lb_gue_private){.type = bpf_htons(LB_GUE_FRAGMENT),
						   .hops = prev};
		return LB_NEXT;
	}
	r = bpf_map_lookup_elem(&real, &prev);
	if (!r || (void *)(private + 1) + 4 > lb_data_end(ctx))
		return LB_DROP_NO_ROOM;
	*private = (struct lb_gue_private){.type = bpf_htons(LB_GUE_PREV), .hops = 1};
	if (!v6) {
		LB_AT(__u32, private + 1) = LB_AT(__u32, r->addr);
		return LB_NEXT;
	}
	if ((void *)(private + 1) + 16 > lb_data_end(ctx))
		return LB_DROP_NO_ROOM;
	LB_AT(__u64, private + 1) = LB_AT(__u64, r->addr);
	LB_AT(__u64, (void *)(private + 1) + 8) = LB_AT(__u64, r->addr + 8);
	return LB_NEXT;
}

/* Each family with a bound of its own: 6.1 forgets that length and family belong together. */
static __always_inline int lb_encap4(struct xdp_md *ctx, const struct lb_pkt *p,
				     const struct lb_nexthop *nh, __u64 l3, __u32 outer)
{
	void *ip = lb_data(ctx) + l3, *udp = ip + sizeof(struct iphdr);

	if (udp > lb_data_end(ctx))
		return LB_DROP_NO_ROOM;
	lb_outer4(ip, p, nh, outer);
	if (!(p->how & LB_NH_GUE))
		return LB_NEXT;
	if (udp + LB_UDP_GUE_LEN > lb_data_end(ctx))
		return LB_DROP_NO_ROOM;
	lb_udp_gue(udp, p, nh->port, p->len + outer - sizeof(struct iphdr),
		   p->prev ? lb_prev_len(p->how, p->prev) : 0);
	if (!p->prev)
		return LB_NEXT;
	return lb_private(ctx, l3 + sizeof(struct iphdr) + LB_UDP_GUE_LEN, 0, p->prev);
}

static __always_inline int lb_encap6(struct xdp_md *ctx, const struct lb_pkt *p,
				     const struct lb_nexthop *nh, __u64 l3, __u32 outer)
{
	void *ip = lb_data(ctx) + l3, *udp = ip + sizeof(struct ipv6hdr);

	if (udp > lb_data_end(ctx))
		return LB_DROP_NO_ROOM;
	lb_outer6(ip, p, nh, outer);
	if (!(p->how & LB_NH_GUE))
		return LB_NEXT;
	if (udp + LB_UDP_GUE_LEN > lb_data_end(ctx))
		return LB_DROP_NO_ROOM;
	lb_udp_gue(udp, p, nh->port, p->len + outer - sizeof(struct ipv6hdr),
		   p->prev ? lb_prev_len(p->how, p->prev) : 0);
	if (!p->prev)
		return LB_NEXT;
	return lb_private(ctx, l3 + sizeof(struct ipv6hdr) + LB_UDP_GUE_LEN, 1, p->prev);
}

static __always_inline int lb_tunnel(struct xdp_md *ctx, struct lb_pkt *p,
				     const struct lb_nexthop *nh)
{
	__u32 outer, l3;

	/* The table was read by one packet, the encapsulation may be another's since. */
	if (!(p->how & LB_NH_GUE))
		p->prev = 0;
	outer = lb_outer_len(p->how);
	if (p->prev)
		outer += lb_prev_len(p->how, p->prev);
	l3 = lb_push_l2(ctx, nh, p->how, p->l2, p->l3, p->tag, outer);
	if (!l3)
		return LB_DROP_NO_ROOM;
	return p->how & LB_NH_V6 ? lb_encap6(ctx, p, nh, l3, outer)
				 : lb_encap4(ctx, p, nh, l3, outer);
}

/*
 * The same of the long way. Global: the verifier looks at it once, and to the verifier it may have changed all of *p, so what
 * the ways that lead here knew of it is forgotten, and what follows is looked at once, too.
 */
int lb_tunnel_long(struct xdp_md *ctx, struct lb_pkt *p, const struct lb_nexthop *nh);

__noinline int lb_tunnel_long(struct xdp_md *ctx, struct lb_pkt *p, const struct lb_nexthop *nh)
{
	if (!p || !nh)
		return LB_DROP_NO_ROOM;
	return lb_tunnel(ctx, p, nh);
}

static __always_inline int lb_encap(struct xdp_md *ctx, struct lb_pkt *p)
{
	const struct lb_svc *svc = p->svc;
	struct lb_nexthop *nh = p->nh;
	int why;

	if (p->how & LB_NH_BARE)
		return lb_send_bare(ctx, p);
	why = lb_tunnel_long(ctx, p, nh);
	p->svc = svc;
	p->nh = nh;
	return why;
}

#endif
