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
 * RET" (6 ns each); no address of a member of struct lb_pkt given away, which would put all of it into memory; few
 * instructions, since the CPU takes them in hardly faster than it does them (12 of them: 1 ns); for
 * bpf_xdp_adjust_head() a number that branches chose and not one that was loaded, for which all that follows would wait (4
 * ns); and at most 128 bytes of stack, for the long way has the rest of the 512.
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
/* And of a frame. */
#define LB_PLAIN_LEAST (ETH_HLEN + sizeof(struct iphdr) + LB_PLAIN_L4)

/* Of a service's first word: port, protocol, and the flags that plain services have not. */
#define LB_PLAIN_SVC (0xffffffu | (__u32)(LB_SVC_SRC | LB_SVC_REAL) << 24)

/* The entry whose first word, port and protocol, is `want`. */
static __always_inline int lb_plain_service(struct lb_pkt *p, const struct lb_home *home,
					    __u32 want)
{
	const struct lb_svc *svc = p->v6 ? home->six->svc : home->four->svc;

#pragma unroll
	for (__u32 i = 0; i < LB_BUCKET_ENTRIES; i++, svc++) {
		if (!lb_addr_at(p, home, i) || (LB_AT(__u32, svc) & LB_PLAIN_SVC) != want)
			continue;
		p->svc = svc;
		p->flags = svc->flags;
		return LB_NEXT;
	}
	return LB_REST;
}

/*
 * Length, TOS, protocol and TCP flags are read from the packet each time they are asked for: what is kept beyond a
 * look-up is stored and loaded again, which costs as much, and room on the stack.
 */
#define LB_AGAIN(type, p) LB_READ_ONCE(LB_AT(const type, p))

/* A payload that makes a packet of more than 65535 bytes is longer than the frame. */
static __always_inline __u32 lb_plain_len(const void *l3, bool v6)
{
	if (v6)
		return bpf_ntohs(LB_AGAIN(__be16, l3 + 4)) + sizeof(struct ipv6hdr);
	return bpf_ntohs(LB_AGAIN(__be16, l3 + 2));
}

static __always_inline __u8 lb_plain_tos(const void *l3, bool v6)
{
	return v6 ? bpf_ntohs(LB_AGAIN(__be16, l3)) >> 4 : LB_AGAIN(__u8, l3 + 1);
}

static __always_inline __u8 lb_plain_proto(const void *l3, bool v6)
{
	return LB_AGAIN(__u8, l3 + (v6 ? 6 : 9));
}

/* Not LB_AGAIN(): of a service without the session cache nobody asks. */
static __always_inline __u8 lb_plain_tcp_flags(const void *l3, const struct lb_pkt *p)
{
	const void *l4 = l3 + (p->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));

	return p->proto == IPPROTO_TCP ? LB_AT(const __u8, l4 + 13) : 0;
}

/* l3: as many bytes as headers have are there. */
static __always_inline int lb_plain_headers(struct xdp_md *ctx, struct lb_pkt *p, void *l3,
					    const struct lb_home *home)
{
	__u32 hlen = p->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	if (p->v6) {
		lb_addresses6(l3, p);
	} else {
		if (LB_AT(__u16, l3 + 6) & bpf_htons(LB_IP_MF | LB_IP_OFFSET))
			return LB_REST;
		lb_addresses4(l3, p);
	}
	p->len = lb_plain_len(l3, p->v6);
	if (p->len < hlen + LB_PLAIN_L4 || l3 + p->len > lb_data_end(ctx))
		return LB_REST;
	p->proto = lb_plain_proto(l3, p->v6);
	if ((p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP) || lb_bad_source(p))
		return LB_REST;
	p->sport = LB_AT(__be16, l3 + hlen);
	p->dport = LB_AT(__be16, l3 + hlen + 2);
	return lb_plain_service(p, home, p->dport | (__u32)p->proto << 16);
}

/* barrier_var(): clang would take terms across the difference of pointers, which the verifier refuses. */
static __always_inline __u32 lb_plain_frame(const struct xdp_md *ctx)
{
	long len = lb_data_end(ctx) - lb_data(ctx);

	barrier_var(len);
	return len;
}

static __always_inline void lb_plain_l2(void *data, const struct lb_nexthop *nh)
{
	LB_AT(__u64, data) = LB_AT(__u64, nh->l2);
	LB_AT(__u32, data + 8) = LB_AT(__u32, nh->l2 + 8);
	LB_AT(__u16, data + 12) = LB_AT(__u16, nh->l2 + 12);
}

/*
 * Room, and the headers in front of the packet. With `how` a constant, so that nothing is asked twice: whether all fits,
 * the old header and the new ones, is one comparison. Bytes of what came in front; or LB_REST: no room, and the packet is as it was.
 * Its flow is kept by then, and the long way keeps it once more, as if two packets had come.
 */
static __always_inline int lb_plain_push(struct xdp_md *ctx, struct lb_pkt *p, __u8 how)
{
	const __u32 ip = how & LB_NH_V6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	const __u32 outer = lb_outer_len(how);
	void *data, *l3;

	if (bpf_xdp_adjust_head(ctx, -(int)outer))
		return LB_REST;
	data = lb_data(ctx);
	l3 = data + ETH_HLEN;
	if (l3 + outer + (p->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) > lb_data_end(ctx))
		return LB_REST;
	p->how = how;
	p->len = lb_plain_len(l3 + outer, p->v6);
	p->tos = lb_plain_tos(l3 + outer, p->v6);
	lb_plain_l2(data, p->nh);
	if (how & LB_NH_V6)
		lb_outer6(l3, p, p->nh, outer);
	else
		lb_outer4(l3, p, p->nh, outer);
	if (how & LB_NH_GUE)
		lb_udp_gue(l3 + ip, p, p->nh->port, p->len + outer - ip, 0);
	return outer;
}

static __always_inline int lb_plain_tunnel(struct xdp_md *ctx, struct lb_pkt *p)
{
	__u8 how = p->nh->flags;

	if (!how)
		return lb_plain_push(ctx, p, 0);
	if (how == LB_NH_V6)
		return lb_plain_push(ctx, p, LB_NH_V6);
	if (how == LB_NH_GUE)
		return lb_plain_push(ctx, p, LB_NH_GUE);
	return lb_plain_push(ctx, p, LB_NH_V6 | LB_NH_GUE);
}

static const __u32 lb_plain_why[] = {
	LB_TX, LB_TX_REDIRECT}; /* keys that need not be written to the stack */

static __always_inline int lb_plain_send(struct xdp_md *ctx, struct lb_pkt *p, void *l3)
{
	__u32 id, had;
	int outer;

	p->tcp_flags = lb_plain_tcp_flags(l3, p);
	if (!lb_pick(p, &had))
		return LB_REST;
	id = p->real;
	p->nh = bpf_map_lookup_elem(&nexthop, &id);
	if (!p->nh)
		return LB_REST;
	if (lb_plain_len(l3, p->v6) > p->nh->fits || p->nh->flags & ~(LB_NH_V6 | LB_NH_GUE) ||
	    !lb_fresh(p->nh) || !lb_for(ctx, p->nh))
		return LB_REST;
	if (had & LB_HAD_LATER) {
		p->tcp_flags = lb_plain_tcp_flags(l3, p);
		lb_put_off(p);
	} else if (!(had & LB_HAD_ALL)) {
		p->proto = lb_plain_proto(l3, p->v6);
		p->tcp_flags = lb_plain_tcp_flags(l3, p);
		lb_keep(p, had);
	}
	outer = lb_plain_tunnel(ctx, p);
	if (outer < 0)
		return LB_REST;
	p->frame = lb_plain_frame(ctx) - outer;
	lb_count_vip(p);
	lb_count_at(&count_real, &id, p->frame);
	if (p->nh->out == ctx->ingress_ifindex) {
		lb_count_at(&count_why, &lb_plain_why[0], p->frame);
		return XDP_TX;
	}
	lb_count_at(&count_why, &lb_plain_why[1], p->frame);
	return bpf_redirect(p->nh->out, 0);
}

/* What XDP is to do, or LB_REST. The destination comes first: most packets that are not ours end there. */
static __always_inline int lb_plain(struct xdp_md *ctx, void *l3, bool v6)
{
	struct lb_pkt p = {.v6 = v6};
	struct lb_home home;

	if (v6) {
		if (l3 + sizeof(struct ipv6hdr) + LB_PLAIN_L4 > lb_data_end(ctx) ||
		    *(__u8 *)l3 >> 4 != 6)
			return LB_REST;
		lb_addresses6(l3, &p);
	} else {
		if (*(__u8 *)l3 != 0x45)
			return LB_REST;
		lb_addresses4(l3, &p);
	}
	if (lb_vip(&p, &home) != LB_NEXT) {
		if (lb_meta.peers[lb_half(&p)])
			return LB_REST;
		lb_count(&count_why, LB_PASS_NO_VIP, lb_plain_frame(ctx));
		return XDP_PASS;
	}
	if (lb_plain_headers(ctx, &p, l3, &home) != LB_NEXT)
		return LB_REST;
	return lb_plain_send(ctx, &p, l3);
}

#endif
