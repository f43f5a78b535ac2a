/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parse.h - from the Ethernet header to the ports.
 *
 * In two stages, since what is not for a VIP must leave untouched however odd it is: lb_parse() reads no more than the
 * addresses; lb_transport() comes after the VIP was found and judges the rest.
 */
#ifndef LB_PARSE_H
#define LB_PARSE_H

#include "bpf/pkt.h"

#define LB_IP_MF 0x2000
#define LB_IP_OFFSET 0x1fff

static __always_inline void lb_addresses4(const struct iphdr *ip, struct lb_pkt *p)
{
	p->src[0] = ip->saddr;
	p->dst[0] = ip->daddr;
}

static __always_inline void lb_addresses6(const struct ipv6hdr *ip, struct lb_pkt *p)
{
	p->src[0] = LB_AT(__u64, &ip->saddr);
	p->src[1] = LB_AT(__u64, (void *)&ip->saddr + 8);
	p->dst[0] = LB_AT(__u64, &ip->daddr);
	p->dst[1] = LB_AT(__u64, (void *)&ip->daddr + 8);
}

static __always_inline int lb_parse_ipv4(void *l3, void *end, struct lb_pkt *p)
{
	struct iphdr *ip = l3;

	if ((void *)(ip + 1) > end || ip->version != 4)
		return LB_PASS_NOT_IP;
	p->v6 = 0;
	lb_addresses4(ip, p);
	return LB_NEXT;
}

static __always_inline int lb_parse_ipv6(void *l3, void *end, struct lb_pkt *p)
{
	struct ipv6hdr *ip = l3;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return LB_PASS_NOT_IP;
	p->v6 = 1;
	lb_addresses6(ip, p);
	return LB_NEXT;
}

static __always_inline bool lb_is_vlan(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

/* Ethernet with up to LB_VLAN_MAX tags, then the addresses. */
static __always_inline int lb_parse(struct xdp_md *ctx, struct lb_pkt *p)
{
	void *data = lb_data(ctx), *end = lb_data_end(ctx), *l3 = data + ETH_HLEN;
	struct ethhdr *eth = data;
	__be16 type;

	p->frame = end - data;
	if (l3 > end)
		return LB_PASS_NOT_IP;
	if (eth->h_dest[0] & 1)
		return LB_PASS_L2_GROUP;
	type = eth->h_proto;
	p->l3 = ETH_HLEN;
#pragma unroll
	for (__u32 i = 0; i < LB_VLAN_MAX; i++) {
		if (!lb_is_vlan(type))
			break;
		if (l3 + 4 > end)
			return LB_PASS_NOT_IP;
		p->tag[i] = LB_AT(__u32, l3 - 2);
		type = LB_AT(__be16, l3 + 2);
		l3 += 4;
		p->l3 += 4;
	}
	p->l2 = p->l3;
	if (type == bpf_htons(ETH_P_IP))
		return lb_parse_ipv4(l3, end, p);
	if (type == bpf_htons(ETH_P_IPV6))
		return lb_parse_ipv6(l3, end, p);
	return LB_PASS_NOT_IP;
}

/* Addresses that no packet from a host carries as its source (RFC 1122 3.2.1.3, RFC 4291 2.5): an answer to
 * them would be garbage. */
static __always_inline bool lb_bad_source(const struct lb_pkt *p)
{
	__u8 first = p->src[0];

	if (!p->v6)
		return first == 0 || first == 127 || first >= 224 || p->src[0] == p->dst[0];
	if (!p->src[0]) /* ::, ::1, IPv4-compatible and -mapped */
		return true;
	return first == 0xff || (p->src[0] == p->dst[0] && p->src[1] == p->dst[1]);
}

static __always_inline int lb_transport4(void *data, void *end, struct lb_pkt *p)
{
	struct iphdr *ip = data + p->l3;
	__u32 hlen;

	if ((void *)(ip + 1) > end)
		return LB_DROP_SHORT;
	hlen = ip->ihl * 4u;
	p->len = bpf_ntohs(ip->tot_len);
	if (hlen < sizeof(*ip) || p->len < hlen || p->l3 + p->len > p->frame)
		return LB_DROP_BAD_LENGTH;
	if (ip->frag_off & bpf_htons(LB_IP_MF | LB_IP_OFFSET))
		p->fragment = LB_SVC_FRAGMENT;
	p->tos = ip->tos;
	p->proto = ip->protocol;
	p->l4 = p->l3 + hlen;
	return LB_NEXT;
}

/*
 * IPv6 extension headers (RFC 8200, section 4): hop-by-hop, routing, destination options and AH are
 * stepped over, at most LB_EXT_MAX of them. A fragment header ends the search: what its next-header field
 * says is the same in all fragments, what follows is there in the first alone. A global function is verified
 * once, by itself, whoever calls it.
 *
 * Returns LB_SVC_FRAGMENT or 0 << 24 | offset << 8 | protocol, or a reason, negative.
 */
int lb_ext_headers(struct xdp_md *ctx, __u32 off, __u32 next);

__noinline int lb_ext_headers(struct xdp_md *ctx, __u32 off, __u32 next)
{
#pragma nounroll
	for (__u32 i = 0; i <= LB_EXT_MAX; i++) {
		void *end = lb_data_end(ctx);
		__u8 *ext;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_AH && next != IPPROTO_FRAGMENT)
			return off << 8 | (next & 0xff);
		if (off > 4096) /* nobody's headers; and a bound that the verifier can see */
			return -LB_DROP_EXT_HEADERS;
		ext = lb_data(ctx) + off;
		if ((void *)(ext + 8) > end)
			return -LB_DROP_SHORT;
		if (next == IPPROTO_FRAGMENT)
			return LB_SVC_FRAGMENT << 24 | (off + 8) << 8 | ext[0];
		off += next == IPPROTO_AH ? (ext[1] + 2u) * 4 : (ext[1] + 1u) * 8;
		next = ext[0];
	}
	return -LB_DROP_EXT_HEADERS;
}

static __always_inline int lb_transport6(struct xdp_md *ctx, void *data, void *end,
					 struct lb_pkt *p)
{
	struct ipv6hdr *ip = data + p->l3;
	int found;

	if ((void *)(ip + 1) > end)
		return LB_DROP_SHORT;
	p->len = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	if (p->l3 + p->len > p->frame)
		return LB_DROP_BAD_LENGTH;
	p->tos = bpf_ntohs(LB_AT(__be16, ip)) >> 4;
	p->proto = ip->nexthdr;
	p->l4 = p->l3 + sizeof(*ip);
	if (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP || p->proto == IPPROTO_ICMPV6)
		return LB_NEXT;
	found = lb_ext_headers(ctx, p->l4, p->proto);
	if (found < 0)
		return -found;
	p->proto = found;
	p->l4 = (__u32)found >> 8 & 0xffff;
	p->fragment = (__u32)found >> 24;
	return LB_NEXT;
}

/* The rest of the headers of a packet to a VIP. LB_NEXT: ports are known, and the transport header is whole; or it is a
 * fragment of TCP or UDP, whose ports count as 0. */
static __always_inline int lb_transport(struct xdp_md *ctx, struct lb_pkt *p)
{
	void *data = lb_data(ctx), *end = lb_data_end(ctx), *l4;
	int why = p->v6 ? lb_transport6(ctx, data, end, p) : lb_transport4(data, end, p);
	__u32 need;

	if (why != LB_NEXT)
		return why;
	if (lb_bad_source(p))
		return LB_DROP_BAD_SOURCE;
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP) {
		if (p->fragment)
			return LB_DROP_FRAGMENT;
		return p->proto == (p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) ? LB_NEXT
									   : LB_DROP_NO_SERVICE;
	}
	if (p->fragment)
		return LB_NEXT;
	need = p->proto == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	if (p->l4 + need > p->l3 + p->len || p->l4 > 8192)
		return LB_DROP_SHORT;
	l4 = data + p->l4;
	if (l4 + sizeof(struct udphdr) > end)
		return LB_DROP_SHORT;
	p->sport = LB_AT(__be16, l4);
	p->dport = LB_AT(__be16, l4 + 2);
	p->tcp_flags = 0;
	if (p->proto == IPPROTO_TCP) {
		if (l4 + sizeof(struct tcphdr) > end)
			return LB_DROP_SHORT;
		p->tcp_flags = LB_AT(__u8, l4 + 13);
	}
	return LB_NEXT;
}

#endif
