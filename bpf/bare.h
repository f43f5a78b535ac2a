/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bare.h - to the real without an outer header: by its Ethernet address (l2), or by its IP address in the place of the
 * VIP's (dscp). Nothing is made longer, so there is nothing to leave room for.
 *
 * A real that is reached by dscp may be anywhere: each balancer on the way is a router to its packets, and takes its
 * share of TTL, so that a loop ends.
 */
#ifndef LB_BARE_H
#define LB_BARE_H

#include "bpf/maps.h"
#include "bpf/push_l2.h"
#include "bpf/readdress.h"

/* What is to be known of a packet. */
struct lb_bare {
	__u64 l3, l4; /* offsets of its headers */
	__u64 end; /* of the IP packet */
	__u32 tag[LB_VLAN_MAX];
	__u32 l2; /* bytes of the Ethernet header and its tags */
	__be16 type; /* Ethernet's */
	__u8 proto; /* of the header at l4 */
	__u8 fragment; /* may it be one? */
	__u8 dscp;
	__u8 pad[7];
};

/* Mends the transport checksum. A first fragment that ends before it is as good as none. */
static __always_inline int lb_mend(void *l4, void *end, __u8 proto, __u32 left, __u64 more)
{
	__u32 at = lb_csum_at(proto);
	__u16 *csum = l4 + at;

	if (!at)
		return LB_NEXT;
	if (at + sizeof(*csum) > left || (void *)(csum + 1) > end)
		return LB_DROP_SHORT;
	if (proto == IPPROTO_UDP && !*csum) /* none */
		return LB_NEXT;
	*csum = lb_csum_mend(*csum, more);
	if (proto == IPPROTO_UDP && !*csum)
		*csum = 0xffff;
	return LB_NEXT;
}

/* l3, l4: where the headers are now. */
static __always_inline int lb_bare4(struct xdp_md *ctx, const struct lb_nexthop *nh,
				    const struct lb_bare *b, __u64 l3, __u64 l4)
{
	void *data = lb_data(ctx), *end = lb_data_end(ctx);
	struct iphdr *ip = data + l3;
	__u64 more;
	__u16 was;

	if ((void *)(ip + 1) > end)
		return LB_DROP_SHORT;
	if (ip->ttl <= 1)
		return LB_DROP_TTL;
	was = LB_AT(__u16, &ip->ttl);
	ip->ttl--;
	ip->check = lb_csum_replace(ip->check, was, LB_AT(__u16, &ip->ttl));
	more = lb_readdress4(ip, nh->daddr4, b->dscp);
	if (ip->frag_off & bpf_htons(0x1fff))
		return LB_NEXT;
	if (l4 > 8192)
		return LB_DROP_SHORT;
	return lb_mend(data + l4, end, b->proto, b->end - b->l4, more);
}

static __always_inline int lb_bare6(struct xdp_md *ctx, const struct lb_nexthop *nh,
				    const struct lb_bare *b, __u64 l3, __u64 l4)
{
	void *data = lb_data(ctx), *end = lb_data_end(ctx);
	struct ipv6hdr *ip = data + l3;
	__u64 more, at = l4 - 6; /* of a fragment header, which is the last before l4, its offset */
	__be16 *offset;

	if ((void *)(ip + 1) > end || l4 < l3 + sizeof(*ip) || l4 > 8192)
		return LB_DROP_SHORT;
	barrier_var(at); /* lest clang add to the pointer what must be added to the number */
	if (at > 8192)
		return LB_DROP_SHORT;
	offset = data + at;
	if ((void *)(offset + 3) > end)
		return LB_DROP_SHORT;
	if (ip->hop_limit <= 1)
		return LB_DROP_TTL;
	ip->hop_limit--;
	more = lb_readdress6(ip, nh->daddr6, b->dscp);
	if (b->fragment && *offset & bpf_htons(0xfff8))
		return LB_NEXT;
	return lb_mend(data + l4, end, b->proto, b->end - b->l4, more);
}

/*
 * Global: who uses tunnels does not pay for it. A VIP without number, or of another family than the real, is none that
 * lib/check.c lets through.
 */
int lb_bare(struct xdp_md *ctx, const struct lb_nexthop *nh, const struct lb_bare *b);

__noinline int lb_bare(struct xdp_md *ctx, const struct lb_nexthop *nh, const struct lb_bare *b)
{
	bool v6, dscp;
	void *data;
	__u64 l3;

	if (!nh || !b)
		return LB_DROP_NO_REAL;
	v6 = b->type == bpf_htons(ETH_P_IPV6);
	dscp = nh->flags & LB_NH_DSCP;
	if (dscp && (!b->dscp || v6 != !!(nh->flags & LB_NH_V6)))
		return LB_DROP_NO_REAL;
	l3 = lb_push_l2(ctx, nh, nh->flags, b->l2, b->l3, b->tag, 0);
	if (!l3)
		return LB_DROP_NO_ROOM;
	data = lb_data(ctx) + l3;
	if (data > lb_data_end(ctx))
		return LB_DROP_NO_ROOM;
	LB_AT(__be16, data - 2) = b->type; /* l2: of whatever family the real's address is */
	if (!dscp)
		return LB_NEXT;
	return v6 ? lb_bare6(ctx, nh, b, l3, b->l4 - b->l3 + l3)
		  : lb_bare4(ctx, nh, b, l3, b->l4 - b->l3 + l3);
}

/* An ICMP error has the flow's protocol in `proto`; its own is the one that is forwarded. */
static __always_inline int lb_send_bare(struct xdp_md *ctx, const struct lb_pkt *p)
{
	struct lb_bare b = {
		.l3 = p->l3,
		.l4 = p->l4,
		.end = p->l3 + p->len,
		.l2 = p->l2,
		.tag = {p->tag[0], p->tag[1]},
		.type = p->v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP),
		.proto = p->proto & ~LB_SVC_FRAGMENT,
		.fragment = p->fragment,
		.dscp = p->svc->dscp,
	};

	if (p->quoted)
		b.proto = p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	return lb_bare(ctx, p->nh, &b);
}

#endif
