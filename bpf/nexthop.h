/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nexthop.h - the way to the real, as the kernel's own tables have it.
 *
 * bpf_fib_lookup() knows routes, ECMP up-links, IPv6 next hops of IPv4 routes (RFC 8950) and
 * neighbours, but costs more than all the rest of the path. So its answer is kept, per CPU, for a
 * tenth of a second, ready-made as the bytes to be written. What it does not know is in map `dev`.
 */
#ifndef LB_NEXTHOP_H
#define LB_NEXTHOP_H

#include "bpf/encap.h"
#include "bpf/maps.h"
#include "bpf/trace.h"

#define LB_AF_INET 2
#define LB_AF_INET6 10
#define LB_FIB_SRC (1u << 4) /* BPF_FIB_LOOKUP_SRC, kernel 6.7 */
#define LB_FIB_NO_SRC_ADDR 9 /* BPF_FIB_LKUP_RET_NO_SRC_ADDR, its answer when there is none */
#define LB_EINVAL 22

struct lb_ask {
	__u32 in;
	__u8 family;
	const __u8 *addr;
};

static __always_inline void lb_fib_set(struct bpf_fib_lookup *fib, const struct lb_ask *ask)
{
	__builtin_memset(fib, 0, sizeof(*fib));
	fib->ifindex = ask->in;
	fib->tot_len = 1; /* asks for the route's MTU too */
	if (ask->family == 4) {
		fib->family = LB_AF_INET;
		fib->ipv4_dst = LB_AT(__be32, ask->addr);
	} else {
		fib->family = LB_AF_INET6;
		LB_AT(__u64, fib->ipv6_dst) = LB_AT(__u64, ask->addr);
		LB_AT(__u64, &fib->ipv6_dst[2]) = LB_AT(__u64, ask->addr + 8);
	}
}

/* 0, or the reason why there is no way. */
static __always_inline int lb_fib(struct xdp_md *ctx, struct bpf_fib_lookup *fib,
				  const struct lb_ask *ask)
{
	long ret;

	lb_fib_set(fib, ask);
	ret = bpf_fib_lookup(ctx, fib, sizeof(*fib), LB_FIB_SRC);
	/* A kernel before 6.7 does not know the flag; a later one ends there where the route is fine but for the source. */
	if (ret == -LB_EINVAL || ret == LB_FIB_NO_SRC_ADDR) {
		lb_fib_set(fib, ask);
		ret = bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
	}
	switch (ret) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		return LB_NEXT;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return LB_DROP_NO_NEIGH;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return LB_DROP_NO_FORWARD;
	default:
		return LB_DROP_NO_ROUTE;
	}
}

/* Ethernet header for the way out: through a VLAN device with its tags, else with none or the packet's. */
static __always_inline void lb_nexthop_l2(struct lb_nexthop *nh, const struct bpf_fib_lookup *fib,
					  const struct lb_dev *out, __be16 type)
{
	__u32 len = 12;

	__builtin_memcpy(nh->l2, fib->dmac, 6);
	__builtin_memcpy(nh->l2 + 6, fib->smac, 6);
	nh->out = fib->ifindex;
	if (out && out->lower) {
		nh->out = out->lower;
		nh->flags |= LB_NH_OWN_TAGS;
		LB_AT(__u32, nh->l2 + 12) = LB_AT(__u32, out->tag[0]);
		len = 16;
		if (out->tag[1][0]) {
			LB_AT(__u32, nh->l2 + 16) = LB_AT(__u32, out->tag[1]);
			len = 20;
		}
	}
	if (len == 12)
		LB_AT(__be16, nh->l2 + 12) = type;
	else if (len == 16)
		LB_AT(__be16, nh->l2 + 16) = type;
	else
		LB_AT(__be16, nh->l2 + 20) = type;
	nh->l2_len = len + 2;
}

/* NULL: to a peer, which has no `used`, the source is the node's own. */
static __always_inline const struct lb_source *lb_source_of(const struct lb_real *r)
{
	return r->used ? &lb_meta.source[LB_READ_ONCE(lb_meta.root) & 1] : 0;
}

/*
 * The outer source: of a prefix over which they are spread; else what the kernel would take for that route; an older kernel
 * does not say, then the address that lbtool found for the device out, or in.
 */
static __always_inline int lb_source4(struct lb_nexthop *nh, const struct bpf_fib_lookup *fib,
				      bool same, const struct lb_dev *out, const struct lb_dev *in,
				      const struct lb_real *r)
{
	__u32 sum = 0x45 + bpf_htons(0x4000) + 64; /* version, DF, TTL */
	const struct lb_source *s = lb_source_of(r);

	nh->spread = s ? s->mask4 : 0;
	nh->saddr4 = nh->spread ? s->addr4 : 0;
	if (!nh->saddr4 && same && (fib->ipv4_src & 0xff) != 127)
		nh->saddr4 = fib->ipv4_src;
	if (!nh->saddr4 && out)
		nh->saddr4 = LB_AT(__be32, out->saddr4);
	if (!nh->saddr4 && in)
		nh->saddr4 = LB_AT(__be32, in->saddr4);
	if (!nh->saddr4)
		return LB_DROP_NO_SOURCE;
	nh->daddr4 = LB_AT(__be32, r->addr);
	sum += (nh->saddr4 & 0xffff) + (nh->saddr4 >> 16);
	sum += (nh->daddr4 & 0xffff) + (nh->daddr4 >> 16);
	nh->csum = lb_csum_fold(sum);
	return LB_NEXT;
}

static __always_inline void lb_copy16(void *to, const void *from)
{
	LB_AT(__u64, to) = LB_AT(__u64, from);
	LB_AT(__u64, to + 8) = LB_AT(__u64, from + 8);
}

/* Nothing that routers would carry: ::, ::1 or a link-local address, which the kernel takes when it has no other. */
static __always_inline bool lb_no_source6(const __u8 *a)
{
	return !LB_AT(__u64, a) || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

static __always_inline int lb_source6(struct lb_nexthop *nh, const struct bpf_fib_lookup *fib,
				      bool same, const struct lb_dev *out, const struct lb_dev *in,
				      const struct lb_real *r)
{
	const struct lb_source *s = lb_source_of(r);

	nh->spread = s ? s->mask6 : 0;
	__builtin_memset(nh->saddr6, 0, 16);
	if (nh->spread)
		lb_copy16(nh->saddr6, s->addr6);
	else if (same)
		lb_copy16(nh->saddr6, fib->ipv6_src);
	if (lb_no_source6(nh->saddr6) && out)
		__builtin_memcpy(nh->saddr6, out->saddr6, 16);
	if (lb_no_source6(nh->saddr6) && in)
		__builtin_memcpy(nh->saddr6, in->saddr6, 16);
	if (lb_no_source6(nh->saddr6))
		return LB_DROP_NO_SOURCE;
	lb_copy16(nh->daddr6, r->addr);
	nh->flags |= LB_NH_V6;
	return LB_NEXT;
}

static __always_inline __u8 lb_encap_flags(const struct lb_real *r)
{
	return r->encap == LB_ENCAP_GUE	   ? LB_NH_GUE
	       : r->encap == LB_ENCAP_DSCP ? LB_NH_DSCP
	       : r->encap == LB_ENCAP_L2   ? LB_NH_L2
					   : 0;
}

/* The outer addresses; what gets no outer header keeps its source. */
static __always_inline int lb_ends(struct lb_nexthop *nh, const struct bpf_fib_lookup *fib,
				   bool same, const struct lb_dev *out, const struct lb_dev *in,
				   const struct lb_real *r)
{
	if (!(nh->flags & LB_NH_BARE))
		return r->family == 4 ? lb_source4(nh, fib, same, out, in, r)
				      : lb_source6(nh, fib, same, out, in, r);
	if (r->family == 4) {
		nh->daddr4 = LB_AT(__be32, r->addr);
	} else {
		lb_copy16(nh->daddr6, r->addr);
		nh->flags |= LB_NH_V6;
	}
	return LB_NEXT;
}

/* Is the next hop the real itself? */
static __always_inline bool lb_on_link(const struct bpf_fib_lookup *fib, const struct lb_real *r)
{
	if (r->family == 4)
		return fib->family == LB_AF_INET && fib->ipv4_dst == LB_AT(__be32, r->addr);
	return fib->family == LB_AF_INET6 && LB_AT(__u64, fib->ipv6_dst) == LB_AT(__u64, r->addr) &&
	       LB_AT(__u64, &fib->ipv6_dst[2]) == LB_AT(__u64, r->addr + 8);
}

/*
 * The way to a real, or by `via` of the device that the packet came on. Whom only the Ethernet header names must be a
 * neighbour, `via` or not.
 */
static __always_inline int lb_way(struct xdp_md *ctx, struct bpf_fib_lookup *fib,
				  struct lb_ask *ask, const struct lb_real *r,
				  const struct lb_dev *in)
{
	int why;

	ask->family = r->family;
	ask->addr = r->addr;
	if (in && in->via_family && r->encap != LB_ENCAP_L2) {
		ask->family = in->via_family;
		ask->addr = in->via;
	}
	why = lb_fib(ctx, fib, ask);
	if ((why == LB_NEXT || why == LB_DROP_NO_NEIGH) && r->encap == LB_ENCAP_L2 &&
	    !lb_on_link(fib, r))
		return LB_DROP_GATEWAY;
	return why;
}

static __always_inline void lb_nexthop_mtu(struct lb_nexthop *nh, __u16 mtu)
{
	__u32 room = lb_outer_room(nh->flags);

	nh->mtu = mtu;
	nh->fits = mtu > room ? mtu - room : 0;
}

/* Makes the next hop to a real, or to another node. Global, so that the verifier looks at it once and not on each way
 * that leads here. */
int lb_nexthop_way(struct xdp_md *ctx, struct lb_nexthop *nh, const struct lb_real *r);

__noinline int lb_nexthop_way(struct xdp_md *ctx, struct lb_nexthop *nh, const struct lb_real *r)
{
	__u32 in = ctx->ingress_ifindex, e;
	const struct lb_dev *idev = bpf_map_lookup_elem(&dev, &in), *odev;
	struct bpf_fib_lookup fib;
	struct lb_ask ask = {.in = in};
	int why;

	if (!r || !nh)
		return LB_DROP_NO_REAL;
	nh->out = nh->fits = 0;
	why = lb_way(ctx, &fib, &ask, r, idev);
	lb_trace_hop(&fib, why);
	if (why != LB_NEXT)
		return why;
	nh->flags = lb_encap_flags(r);
	e = fib.ifindex;
	odev = bpf_map_lookup_elem(&dev, &e);
	why = lb_ends(nh, &fib, ask.family == r->family, odev, idev, r);
	if (why != LB_NEXT)
		return why;
	nh->port = r->port;
	lb_nexthop_l2(nh, &fib, odev, bpf_htons(r->family == 4 ? ETH_P_IP : ETH_P_IPV6));
	lb_nexthop_mtu(nh, fib.mtu_result);
	nh->in = (idev && idev->via_family) || lb_meta.flags & LB_META_VIA ? in : 0;
	nh->until = (__u32)bpf_jiffies64() + lb_cfg.nexthop_life;
	return LB_NEXT;
}

/* Not older than it may get; nor so old that `until` seems to lie ahead again. */
static __always_inline bool lb_fresh(const struct lb_nexthop *nh)
{
	return nh->until - (__u32)bpf_jiffies64() - 1 < lb_cfg.nexthop_life;
}

/* Of one that is there and fresh: is it for packets that came on this device? */
static __always_inline bool lb_for(const struct xdp_md *ctx, const struct lb_nexthop *nh)
{
	return !nh->in || nh->in == ctx->ingress_ifindex;
}

static __always_inline int lb_nexthop(struct xdp_md *ctx, struct lb_pkt *p)
{
	__u32 id = p->real;
	const struct lb_real *r;
	int why = LB_NEXT;

	if (!p->nh) { /* else a peer's */
		p->nh = bpf_map_lookup_elem(&nexthop, &id);
		if (!p->nh)
			return LB_DROP_NO_REAL;
		if (lb_cfg.trace || !p->nh->out || !lb_fresh(p->nh) || !lb_for(ctx, p->nh)) {
			r = bpf_map_lookup_elem(&real, &id);
			why = r ? lb_nexthop_way(ctx, p->nh, r) : LB_DROP_NO_REAL;
		}
	}
	p->how = p->nh->flags;
	return why;
}

#endif
