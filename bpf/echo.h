/* SPDX-License-Identifier: GPL-2.0 */
/*
 * echo.h - ICMP and ICMPv6 to a VIP. Echo requests are answered here, so that a VIP pings while any
 * node of it lives; a VIP's other ICMP ends here too.
 */
#ifndef LB_ECHO_H
#define LB_ECHO_H

#include "bpf/pkt.h"

#define LB_ICMP_ECHO 8
#define LB_ICMP_ECHOREPLY 0
#define LB_ICMP6_ECHO 128
#define LB_ICMP6_ECHOREPLY 129
#define LB_TTL 64

static __always_inline void lb_swap_macs(void *data)
{
	__u32 a = LB_AT(__u32, data), b = LB_AT(__u32, data + 6);
	__u16 c = LB_AT(__u16, data + 4), d = LB_AT(__u16, data + 10);

	LB_AT(__u32, data) = b;
	LB_AT(__u16, data + 4) = d;
	LB_AT(__u32, data + 6) = a;
	LB_AT(__u16, data + 10) = c;
}

static __always_inline int lb_echo4(void *data, void *end, struct lb_pkt *p)
{
	struct iphdr *ip = data + p->l3;
	__u16 *icmp = data + p->l4, was;

	if ((void *)(ip + 1) > end || (void *)(icmp + 4) > end)
		return LB_DROP_SHORT;
	if ((*icmp & 0xff) != LB_ICMP_ECHO)
		return LB_DROP_ICMP;
	was = *icmp;
	*icmp = LB_ICMP_ECHOREPLY | (was & 0xff00);
	icmp[1] = lb_csum_replace(icmp[1], was, *icmp);
	/* Type, code, id and number all zero: then the sum is +0, whatever RFC 1624 makes of it. */
	if (!icmp[1] && !*icmp && !LB_AT(__u32, icmp + 2))
		icmp[1] = 0xffff;
	was = LB_AT(__u16, &ip->ttl);
	ip->ttl = LB_TTL;
	ip->check = lb_csum_replace(ip->check, was, LB_AT(__u16, &ip->ttl));
	ip->saddr = p->dst[0];
	ip->daddr = p->src[0];
	return LB_TX_ECHO;
}

static __always_inline int lb_echo6(void *data, void *end, struct lb_pkt *p)
{
	struct ipv6hdr *ip = data + p->l3;
	__u16 *icmp = data + p->l4, was;

	if ((void *)(ip + 1) > end || (void *)(icmp + 4) > end)
		return LB_DROP_SHORT;
	if ((*icmp & 0xff) != LB_ICMP6_ECHO || p->l4 != p->l3 + sizeof(*ip))
		return LB_DROP_ICMP; /* extension headers, say routing, are not to be sent back */
	was = *icmp;
	*icmp = LB_ICMP6_ECHOREPLY | (was & 0xff00);
	icmp[1] = lb_csum_replace(icmp[1], was, *icmp);
	ip->hop_limit = LB_TTL;
	LB_AT(__u64, &ip->saddr) = p->dst[0];
	LB_AT(__u64, (void *)&ip->saddr + 8) = p->dst[1];
	LB_AT(__u64, &ip->daddr) = p->src[0];
	LB_AT(__u64, (void *)&ip->daddr + 8) = p->src[1];
	return LB_TX_ECHO;
}

static __always_inline int lb_icmp(struct xdp_md *ctx, struct lb_pkt *p)
{
	void *data = lb_data(ctx), *end = lb_data_end(ctx);
	int why;

	if (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP)
		return LB_NEXT;
	if (p->l4 + 8 > p->l3 + p->len || p->l4 > 8192)
		return LB_DROP_SHORT;
	why = p->v6 ? lb_echo6(data, end, p) : lb_echo4(data, end, p);
	if (why == LB_TX_ECHO)
		lb_swap_macs(data);
	return why;
}

#endif
