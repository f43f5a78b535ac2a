/* SPDX-License-Identifier: GPL-2.0 */
/*
 * plain.h - the short way, for what nearly all packets are: TCP or UDP in a whole packet with no tags, options or
 * extension headers, to a service that is found at once, and on to a real by IPIP, or by GUE with nobody
 * else to name.
 *
 * It is the same sentence as in lb.bpf.c, of the same words where they are more than a comparison, with much of struct
 * lb_pkt known to the compiler: a branch that the long way must leave open is decided here, and what is left stays in
 * registers. Whatever is not so goes the long way from its beginning: nothing has been changed until it is known where
 * the packet goes. That both ways do the same to every packet, to the byte, is what tests/packet/test_lb_plain.c looks at.
 *
 * What it needs to stay fast: no call of a function, whose return is mispredicted on purpose where the CPU needs "safe
 * RET" (6 ns each); no address of a member of struct lb_pkt given away, which would put all of it into memory; and at most
 * 128 bytes of stack, for the long way has the rest of the 512.
 */
#ifndef LB_PLAIN_H
#define LB_PLAIN_H

#include "bpf/encap.h"
#include "bpf/nexthop.h"
#include "bpf/parse.h"
#include "bpf/pick.h"

#define LB_REST -1 /* go the long way */

/* Bytes behind the IP header that must be there: of TCP all, and few datagrams are shorter. */
#define LB_PLAIN_L4 sizeof(struct tcphdr)

/* The entry whose first word, port and protocol, is `want`. */
static __always_inline int lb_plain_service(struct lb_pkt *p, const struct lb_home *home,
					    __u32 want)
{
	const struct lb_svc *svc = p->v6 ? home->six->svc : home->four->svc;

#pragma unroll
	for (__u32 i = 0; i < LB_BUCKET_ENTRIES; i++, svc++) {
		if (!lb_addr_at(p, home, i) || (LB_AT(__u32, svc) & 0xffffff) != want)
			continue;
		p->svc = svc;
		p->flags = svc->flags & ~(LB_SVC_SRC | LB_SVC_REAL);
		return p->flags == svc->flags ? LB_NEXT : LB_REST;
	}
	return LB_REST;
}

/*
 * What is kept of a packet while it is looked up where it goes: one word each, since what finds no register is stored
 * and loaded again. barrier_var() keeps the compiler from taking them apart earlier than they are asked for.
 */
struct lb_plain {
	__u32 kind; /* protocol, TCP's flags << 8 */
	__u32 shape; /* bytes of the IP packet, TOS << 16 */
};

static __always_inline void lb_plain_kind(struct lb_plain *s, struct lb_pkt *p)
{
	barrier_var(s->kind);
	p->proto = s->kind;
	p->tcp_flags = s->kind >> 8;
}

static __always_inline void lb_plain_shape(struct lb_plain *s, struct lb_pkt *p)
{
	barrier_var(s->shape);
	p->len = s->shape & 0xffff;
	p->tos = s->shape >> 16;
}

static __always_inline bool lb_plain4(const struct iphdr *ip, struct lb_plain *s)
{
	s->shape = bpf_ntohs(ip->tot_len) | ip->tos << 16;
	s->kind = ip->protocol;
	return ip->ihl == 5 && !(ip->frag_off & bpf_htons(LB_IP_MF | LB_IP_OFFSET));
}

/* A payload that makes a packet of more than 65535 bytes is longer than the frame. */
static __always_inline void lb_plain6(const struct ipv6hdr *ip, struct lb_plain *s)
{
	s->shape = (bpf_ntohs(ip->payload_len) + sizeof(*ip)) |
		   bpf_ntohs(LB_AT(__be16, ip)) >> 4 << 16;
	s->kind = ip->nexthdr;
}

static __always_inline int lb_plain_headers(struct xdp_md *ctx, struct lb_pkt *p,
					    const struct lb_home *home, struct lb_plain *s)
{
	__u32 hlen = p->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr), len;
	void *l3 = lb_data(ctx) + ETH_HLEN, *end = lb_data_end(ctx), *l4 = l3 + hlen;

	if (l4 + LB_PLAIN_L4 > end)
		return LB_REST;
	/* The addresses are read again rather than kept. */
	if (p->v6) {
		lb_plain6(l3, s);
		lb_addresses6(l3, p);
	} else {
		if (!lb_plain4(l3, s))
			return LB_REST;
		lb_addresses4(l3, p);
	}
	len = s->shape & 0xffff;
	if (len < hlen + LB_PLAIN_L4 || l3 + len > end)
		return LB_REST;
	if ((s->kind != IPPROTO_TCP && s->kind != IPPROTO_UDP) || lb_bad_source(p))
		return LB_REST;
	p->sport = LB_AT(__be16, l4);
	p->dport = LB_AT(__be16, l4 + 2);
	p->proto = s->kind;
	if (s->kind == IPPROTO_TCP)
		s->kind |= LB_AT(__u8, l4 + 13) << 8;
	return lb_plain_service(p, home, p->dport | (__u32)p->proto << 16);
}

/* barrier_var(): clang would take terms across the difference of pointers, which the verifier refuses. */
static __always_inline __u32 lb_plain_frame(const struct xdp_md *ctx)
{
	long len = lb_data_end(ctx) - lb_data(ctx);

	barrier_var(len);
	return len;
}

static __always_inline int lb_plain_send(struct xdp_md *ctx, struct lb_pkt *p, struct lb_plain *s)
{
	struct lb_kept kept = {};
	__u32 id;

	lb_plain_kind(s, p);
	if (lb_pick(p, &kept) != LB_NEXT || p->prev)
		return LB_REST;
	lb_plain_shape(s, p);
	id = p->real;
	p->nh = bpf_map_lookup_elem(&nexthop, &id);
	if (!p->nh || !lb_fresh(ctx, p->nh) || p->len + p->nh->room > p->nh->mtu)
		return LB_REST;
	p->how = p->nh->flags & (LB_NH_V6 | LB_NH_GUE);
	if (p->how != p->nh->flags)
		return LB_REST;
	lb_plain_kind(s, p);
	lb_keep(p, &kept);
	lb_plain_shape(s, p);
	if (lb_tunnel(ctx, p, p->nh) != LB_NEXT) /* no room: nothing has changed */
		return LB_REST;
	p->frame = lb_plain_frame(ctx) - lb_outer_len(p->how);
	lb_count_vip(p);
	lb_count(&count_real, id, p->frame);
	if (p->nh->out == ctx->ingress_ifindex) {
		lb_count(&count_why, LB_TX, p->frame);
		return XDP_TX;
	}
	lb_count(&count_why, LB_TX_REDIRECT, p->frame);
	return bpf_redirect(p->nh->out, 0);
}

/* What XDP is to do, or LB_REST. The destination comes first: most packets that are not ours end there. */
static __always_inline int lb_plain(struct xdp_md *ctx, bool v6)
{
	void *l3 = lb_data(ctx) + ETH_HLEN, *end = lb_data_end(ctx);
	struct lb_pkt p = {.v6 = v6, .l3 = ETH_HLEN, .l2 = ETH_HLEN};
	struct lb_home home;
	struct lb_plain s;

	if ((v6 ? lb_parse_ipv6(l3, end, &p) : lb_parse_ipv4(l3, end, &p)) != LB_NEXT)
		return LB_REST;
	if (lb_vip(&p, &home) != LB_NEXT) {
		if (lb_meta.peers[p.half & 1])
			return LB_REST;
		lb_count(&count_why, LB_PASS_NO_VIP, lb_plain_frame(ctx));
		return XDP_PASS;
	}
	if (lb_plain_headers(ctx, &p, &home, &s) != LB_NEXT)
		return LB_REST;
	return lb_plain_send(ctx, &p, &s);
}

#endif
