/* SPDX-License-Identifier: GPL-2.0 */
/*
 * icmp.h - ICMP and ICMPv6 to a VIP. Echo requests are answered here, so that a VIP pings while any
 * node of it lives. An error goes to the real whose packet it quotes. What else there is ends here.
 */
#ifndef LB_ICMP_H
#define LB_ICMP_H

#include "bpf/encap.h"
#include "bpf/pick.h"

#define LB_ICMP_ECHO 8
#define LB_ICMP_ECHOREPLY 0
#define LB_ICMP_UNREACHABLE 3
#define LB_ICMP_TIME_EXCEEDED 11
#define LB_ICMP_PARAMETER 12
#define LB_ICMP6_UNREACHABLE 1 /* then packet too big, time exceeded, parameter problem */
#define LB_ICMP6_PARAMETER 4
#define LB_ICMP6_ECHO 128
#define LB_ICMP6_ECHOREPLY 129
#define LB_QUOTE_MIN 8 /* bytes behind the IP header that every error quotes (RFC 792) */

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

/* What an error says of the packet that it is about: one that a real sent. */
struct lb_quote {
	__u64 src[2], dst[2]; /* as in struct lb_pkt */
	__be16 sport, dport;
	__u32 proto;
};

/* The length that the quoted packet once had, header included; *off leads to its transport header. 0: malformed. */
static __always_inline __u32 lb_quote4(void *data, void *end, __u32 *off, struct lb_quote *q)
{
	struct iphdr *ip = data + *off;

	if ((void *)(ip + 1) > end)
		return 0;
	if (ip->version != 4 || ip->ihl < 5 || ip->frag_off & bpf_htons(0x1fff))
		return 0;
	q->src[0] = ip->saddr;
	q->dst[0] = ip->daddr;
	q->proto = ip->protocol;
	*off += ip->ihl * 4u;
	return bpf_ntohs(ip->tot_len);
}

/* As parse.h, but a first fragment has its ports: only one with an offset is malformed here. */
static __always_inline __u32 lb_quote6(void *data, void *end, __u32 *off, struct lb_quote *q)
{
	struct ipv6hdr *ip = data + *off;
	__u32 len, next;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return 0;
	q->src[0] = LB_AT(__u64, &ip->saddr);
	q->src[1] = LB_AT(__u64, (void *)&ip->saddr + 8);
	q->dst[0] = LB_AT(__u64, &ip->daddr);
	q->dst[1] = LB_AT(__u64, (void *)&ip->daddr + 8);
	len = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	next = ip->nexthdr;
	*off += sizeof(*ip);
#pragma nounroll
	for (__u32 i = 0; i <= LB_EXT_MAX; i++) {
		__u8 *ext;

		q->proto = next;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_AH && next != IPPROTO_FRAGMENT)
			return len;
		if (*off > 8192)
			return 0;
		ext = data + *off;
		if ((void *)(ext + 8) > end)
			return 0;
		if (next == IPPROTO_FRAGMENT && LB_AT(__be16, ext + 2) & bpf_htons(0xfff8))
			return 0;
		*off += next == IPPROTO_FRAGMENT ? 8
			: next == IPPROTO_AH	 ? (ext[1] + 2u) * 4
						 : (ext[1] + 1u) * 8;
		next = ext[0];
	}
	return 0;
}

/*
 * Reads the packet quoted at offset `off`; the error ends at `stop`. LB_NEXT or the reason.
 * Global, so that the verifier looks at it once, and TCP's and UDP's way keeps its registers.
 */
int lb_quote(struct xdp_md *ctx, __u32 off, __u32 stop, __u32 v6, struct lb_quote *q);

__noinline int lb_quote(struct xdp_md *ctx, __u32 off, __u32 stop, __u32 v6, struct lb_quote *q)
{
	void *data = lb_data(ctx), *end = lb_data_end(ctx), *l4;
	__u32 begin = off, len;

	if (!q || off > 8192)
		return LB_DROP_ICMP_QUOTE;
	len = v6 ? lb_quote6(data, end, &off, q) : lb_quote4(data, end, &off, q);
	if (q->proto != IPPROTO_TCP && q->proto != IPPROTO_UDP)
		return LB_DROP_ICMP_QUOTE;
	if (len <
	    off - begin + (q->proto == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr)))
		return LB_DROP_ICMP_QUOTE;
	if (off + LB_QUOTE_MIN > stop || off > 16384)
		return LB_DROP_ICMP_QUOTE;
	l4 = data + off;
	if (l4 + LB_QUOTE_MIN > end)
		return LB_DROP_ICMP_QUOTE;
	q->sport = LB_AT(__be16, l4);
	q->dport = LB_AT(__be16, l4 + 2);
	return LB_NEXT;
}

/*
 * The stages that follow see the flow as its client's packets have it, so they choose as for these; what is
 * forwarded is the error. It is no packet of the flow: `quoted` and the flag keep it out of the session cache.
 */
static __always_inline int lb_icmp_error(struct xdp_md *ctx, struct lb_pkt *p)
{
	struct lb_quote q = {};
	int why = lb_quote(ctx, p->l4 + 8, p->l3 + p->len, p->v6, &q);

	if (why != LB_NEXT)
		return why;
	if (q.src[0] != p->dst[0] || q.src[1] != p->dst[1])
		return LB_DROP_ICMP_QUOTE;
	p->src[0] = q.dst[0];
	p->src[1] = q.dst[1];
	p->sport = q.dport;
	p->dport = q.sport;
	p->proto = q.proto;
	p->tcp_flags = LB_TCP_RST;
	p->quoted = 1;
	return LB_NEXT;
}

static __always_inline bool lb_is_error(__u8 type, bool v6)
{
	if (v6)
		return type >= LB_ICMP6_UNREACHABLE && type <= LB_ICMP6_PARAMETER;
	return type == LB_ICMP_UNREACHABLE || type == LB_ICMP_TIME_EXCEEDED ||
	       type == LB_ICMP_PARAMETER;
}

static __always_inline int lb_icmp(struct xdp_md *ctx, struct lb_pkt *p)
{
	void *data = lb_data(ctx), *end = lb_data_end(ctx);
	int why;

	if (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP)
		return LB_NEXT;
	if (p->l4 + 8 > p->l3 + p->len || p->l4 > 8192 || data + p->l4 + 8 > end)
		return LB_DROP_SHORT;
	if (lb_is_error(LB_AT(__u8, data + p->l4), p->v6))
		return lb_icmp_error(ctx, p);
	if (p->hops || data + ETH_HLEN > end) /* peers pass on fragments alone; and a bound */
		return LB_DROP_ICMP;
	why = p->v6 ? lb_echo6(data, end, p) : lb_echo4(data, end, p);
	if (why == LB_TX_ECHO)
		lb_swap_macs(data);
	return why;
}

#endif
