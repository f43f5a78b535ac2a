/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rx_parse.h - is it a tunnel's packet, is it for us, may it come in, is what is in it whole?
 */
#ifndef RX_PARSE_H
#define RX_PARSE_H

#include <linux/if_packet.h>
#include <linux/udp.h>

#include "bpf/gue.h"
#include "bpf/rx.h"

/* A packet in a tunnel. Lengths are those that the headers say, never those of a padded frame. */
struct rx_tunnel {
	struct lb_rx_addr to; /* outer destination */
	struct lb_rx_from from; /* outer source */
	__u32 outer_len; /* of the outer header, with options and extension headers */
	__u32 inner_len; /* of what follows it */
	__u8 inner; /* family of the inner packet */
	__u8 ecn, inner_ecn;
	__u8 fragment;
	__u8 syn; /* the inner packet opens a TCP connection to .. */
	struct lb_rx_addr vip; /* .. this address */
	/* GUE: the real that had the flow before, when the packet may be sent on to it. Family 0: no */
	struct lb_rx_addr prev;
	__u32 udp; /* offset of the UDP header from the outer IP header; 0: none */
};

/* What IP says of its length; a joined packet beyond 64 KB says 0 (BIG TCP). */
static __always_inline __u32 rx_ip_len(struct __sk_buff *skb, __be16 said, __u32 header, __u32 off)
{
	if (!said && skb->gso_size)
		return skb->len - off;
	return bpf_ntohs(said) + header;
}

static __always_inline __u8 rx_inner_family(__u8 proto)
{
	return proto == IPPROTO_IPIP ? 4 : proto == IPPROTO_IPV6 ? 6 : 0;
}

/*
 * UDP at `off` behind the outer IP header: is it GUE for our port? Then outer_len leads to the inner packet. What has
 * flags, or private data of a kind that we do not know, is a tunnel all the same: their lengths are known.
 */
static __always_inline void rx_gue(struct __sk_buff *skb, struct rx_tunnel *t, __u32 off)
{
	struct {
		struct udphdr udp;
		struct lb_gue gue;
		struct lb_gue_private private;
	} h;
	__u32 ifindex = skb->ifindex, more;
	const struct lb_rx_dev *dev = bpf_map_lookup_elem(&rx_dev, &ifindex);

	if (!dev || bpf_skb_load_bytes(skb, ETH_HLEN + off, &h, RX_UDP_GUE_LEN) ||
	    h.udp.dest != dev->gue_port || h.gue.hlen >= 0x20 || h.gue.flags)
		return;
	more = h.gue.hlen * 4;
	t->inner = rx_inner_family(h.gue.proto);
	t->udp = off;
	off += RX_UDP_GUE_LEN;
	t->outer_len = off + more;
	if (!more || bpf_skb_load_bytes(skb, ETH_HLEN + off, &h.private, sizeof(h.private)) ||
	    h.private.type != bpf_htons(LB_GUE_PREV) || h.private.hops != 1)
		return;
	off += ETH_HLEN + sizeof(h.private);
	if (more == LB_GUE_PREV4_LEN && t->to.family == 4 &&
	    !bpf_skb_load_bytes(skb, off, t->prev.addr, 4))
		t->prev.family = 4;
	if (more == LB_GUE_PREV6_LEN && t->to.family == 6 &&
	    !bpf_skb_load_bytes(skb, off, t->prev.addr, 16))
		t->prev.family = 6;
}

/* The whole outer header, which the kernel would verify were it to see it. */
static __always_inline int rx_csum_ok(const __u32 *word)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 15; i++)
		sum += word[i];
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static __always_inline int rx_outer4(struct __sk_buff *skb, struct rx_tunnel *t)
{
	union {
		struct iphdr ip;
		__u32 word[15];
	} h = {};
	__u32 len, opts;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &h.ip, sizeof(h.ip)))
		return LB_RX_PASS_OTHER;
	t->inner = rx_inner_family(h.ip.protocol);
	if ((!t->inner && h.ip.protocol != IPPROTO_UDP) || h.ip.version != 4 || h.ip.ihl < 5)
		return LB_RX_PASS_OTHER;
	opts = (h.ip.ihl - 5) * 4;
	barrier_var(
		opts); /* for 6.1: clang would write != 0, from which the verifier learns nothing */
	if (opts >= 4 && bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(h.ip), &h.word[5], opts))
		return LB_RX_PASS_OTHER;
	t->outer_len = sizeof(h.ip) + opts;
	t->fragment = !!(h.ip.frag_off & bpf_htons(RX_IP_MF_OFFSET));
	rx_addr4(&t->to, h.ip.daddr);
	/* A fragment's first bytes need not be a header. */
	if (!t->inner && !(h.ip.frag_off & bpf_htons(RX_IP_OFFSET)))
		rx_gue(skb, t, t->outer_len);
	if (!t->inner)
		return LB_RX_PASS_OTHER;
	len = rx_ip_len(skb, h.ip.tot_len, 0, ETH_HLEN);
	if (len < t->outer_len || len > skb->len - ETH_HLEN || !rx_csum_ok(h.word))
		return LB_RX_PASS_OTHER;

	t->inner_len = len - t->outer_len;
	t->ecn = h.ip.tos & 3;
	t->from.prefixlen = 64 + 32;
	t->from.family = bpf_htonl(4);
	__builtin_memcpy(t->from.addr, &h.ip.saddr, sizeof(h.ip.saddr));
	return RX_NEXT;
}

/* Over destination options to the tunnel's header or GUE: sets inner, outer_len and fragment. */
static __always_inline void rx_extensions(struct __sk_buff *skb, struct rx_tunnel *t, __u8 next)
{
	struct {
		__u8 next;
		__u8 len; /* in units of 8 bytes after the first 8; a fragment header has none */
	} ext;
	__u32 off = sizeof(struct ipv6hdr);

	for (__u32 i = 0; next == IPPROTO_DSTOPTS || next == IPPROTO_FRAGMENT; i++) {
		if (i > LB_RX_EXT_MAX || (i == LB_RX_EXT_MAX && next == IPPROTO_DSTOPTS) ||
		    bpf_skb_load_bytes(skb, ETH_HLEN + off, &ext, sizeof(ext)))
			return;
		t->fragment = next == IPPROTO_FRAGMENT;
		off += t->fragment ? 8 : (ext.len + 1) * 8;
		next = ext.next;
		if (t->fragment) /* what follows need not be a header */
			break;
	}
	t->inner = rx_inner_family(next);
	t->outer_len = off;
	if (next == IPPROTO_UDP && !t->fragment)
		rx_gue(skb, t, off);
}

static __always_inline int rx_outer6(struct __sk_buff *skb, struct rx_tunnel *t)
{
	struct ipv6hdr ip;
	__u32 len;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.version != 6)
		return LB_RX_PASS_OTHER;
	rx_addr6(&t->to, &ip.daddr);
	rx_extensions(skb, t, ip.nexthdr);
	len = rx_ip_len(skb, ip.payload_len, sizeof(ip), ETH_HLEN);
	if (!t->inner || len < t->outer_len || len > skb->len - ETH_HLEN)
		return LB_RX_PASS_OTHER;

	t->inner_len = len - t->outer_len;
	t->ecn = ip.flow_lbl[0] >> 4 & 3;
	t->from.prefixlen = 64 + 128;
	t->from.family = bpf_htonl(6);
	__builtin_memcpy(t->from.addr, &ip.saddr, sizeof(t->from.addr));
	return RX_NEXT;
}

/* A frame for another host, or for many (RFC 1122, 3.3.6), is none for us: the kernel drops it. */
static __always_inline int rx_outer(struct __sk_buff *skb, struct rx_tunnel *t)
{
	if (skb->pkt_type != PACKET_HOST)
		return LB_RX_PASS_OTHER;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return rx_outer4(skb, t);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return rx_outer6(skb, t);
	return LB_RX_PASS_OTHER;
}

/* Does it end here, and may its sender send it? */
static __always_inline int rx_allow(struct __sk_buff *skb, struct rx_tunnel *t)
{
	if (!bpf_map_lookup_elem(&rx_local, &t->to))
		return LB_RX_PASS_NOT_LOCAL;
	t->from.ifindex = bpf_htonl(skb->ifindex);
	if (!bpf_map_lookup_elem(&rx_from, &t->from))
		return LB_RX_DROP_FROM;
	return t->fragment ? LB_RX_DROP_FRAGMENT : RX_NEXT;
}

static __always_inline void rx_see_syn(struct __sk_buff *skb, struct rx_tunnel *t, __u32 off)
{
	__u8 flags;

	if (off + RX_TCP_FLAGS < t->inner_len &&
	    !bpf_skb_load_bytes(skb, ETH_HLEN + t->outer_len + off + RX_TCP_FLAGS, &flags, 1))
		t->syn = (flags & (RX_TCP_SYN | RX_TCP_ACK)) == RX_TCP_SYN;
}

/*
 * No VIP's address and no client's. The kernel would take some of them, or all (route_localnet), and what listens there
 * trusts its neighbours.
 */
static __always_inline int rx_odd4(__be32 addr)
{
	__u8 first = addr; /* as it lies in memory */

	return first == 127 || first >= 224;
}

static __always_inline int rx_odd6(const struct in6_addr *a)
{
	return a->s6_addr[0] == 0xff || !(a->s6_addr32[0] | a->s6_addr32[1]);
}

static __always_inline int rx_inner4(struct __sk_buff *skb, struct rx_tunnel *t)
{
	__u32 off = ETH_HLEN + t->outer_len, len;
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5)
		return LB_RX_DROP_SHORT;
	len = rx_ip_len(skb, ip.tot_len, 0, off);
	if (len < ip.ihl * 4u || len > t->inner_len)
		return LB_RX_DROP_SHORT;
	if (rx_odd4(ip.saddr) || rx_odd4(ip.daddr))
		return LB_RX_DROP_INNER;
	t->inner_len = len;
	t->inner_ecn = ip.tos & 3;
	if (ip.protocol == IPPROTO_TCP && !(ip.frag_off & bpf_htons(RX_IP_OFFSET)))
		rx_see_syn(skb, t, ip.ihl * 4u);
	rx_addr4(&t->vip, ip.daddr);
	return RX_NEXT;
}

/* SYNs behind extension headers are not looked for: the MSS of their answers stays. */
static __always_inline int rx_inner6(struct __sk_buff *skb, struct rx_tunnel *t)
{
	__u32 off = ETH_HLEN + t->outer_len, len;
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)) || ip.version != 6)
		return LB_RX_DROP_SHORT;
	len = rx_ip_len(skb, ip.payload_len, sizeof(ip), off);
	if (len > t->inner_len)
		return LB_RX_DROP_SHORT;
	if (rx_odd6(&ip.saddr) || rx_odd6(&ip.daddr))
		return LB_RX_DROP_INNER;
	t->inner_len = len;
	t->inner_ecn = ip.flow_lbl[0] >> 4 & 3;
	if (ip.nexthdr == IPPROTO_TCP)
		rx_see_syn(skb, t, sizeof(ip));
	rx_addr6(&t->vip, &ip.daddr);
	return RX_NEXT;
}

#endif
