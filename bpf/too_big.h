/* SPDX-License-Identifier: GPL-2.0 */
/*
 * too_big.h - what does not fit the path to the real once encapsulated is answered with what would:
 * fragmentation needed (RFC 1191) or packet too big (RFC 4443), from the VIP, back the way it came.
 *
 * IPv4 without DF is answered like IPv4 with it. A router would fragment; but a real would have to put together what
 * all its clients send, and the outer fragments would part at whatever spreads by ports. A sender that heeds the
 * answer sends less, or fragments itself; to one that does not, the packet is as lost as without.
 *
 * Not answered: ICMP errors (RFC 1122), fragments but the first, and what the answer would change nothing for, since
 * its length is one that every path must take (1280 bytes of IPv6, RFC 8200), or that every host may send without
 * asking (576 of IPv4, RFC 791): such a path's MTU is a fault to be mended. The rest is limited to LB_ANSWERS a second
 * on each CPU, and as many at once.
 */
#ifndef LB_TOO_BIG_H
#define LB_TOO_BIG_H

#include "bpf/encap.h"
#include "bpf/icmp.h"
#include "bpf/maps.h"
#include "bpf/rate.h"

#define LB_ANSWERS 100u
#define LB_ICMP_FRAG_NEEDED 4 /* a code of unreachable */
#define LB_ICMP6_TOO_BIG 2
#define LB_MTU4_MIN 576u
#define LB_MTU6_MIN 1280u
/*
 * Quoted as much as may be (RFC 1812, 4.3.2.3; RFC 4443, 3.2): the sender may need more than the ports, when what we
 * see is its own tunnel. All answered packets are longer, so that the answer has one length and the verifier little to
 * think about.
 */
#define LB_QUOTE4 (LB_MTU4_MIN - sizeof(struct iphdr) - 8)
#define LB_QUOTE6 (LB_MTU6_MIN - sizeof(struct ipv6hdr) - 8)
#define LB_CSUM_MAX 512 /* what bpf_csum_diff() takes at once */

LB_ARRAY(answers, BPF_MAP_TYPE_PERCPU_ARRAY, __u64, 0);

/*
 * Cuts `cut` bytes off the end, which leaves what is quoted, and makes room for `outer` in front. The L2 header goes
 * back to where the packet came from; what lies behind its real length is still to be written. NULL: no room.
 */
static __always_inline void *lb_answer_l2(struct xdp_md *ctx, __u32 cut, __u32 outer)
{
	void *data = lb_data(ctx);
	__u32 dst, src;
	__u16 dst2, src2, type;
	__u64 tags;

	if (data + LB_L2_MAX > lb_data_end(ctx))
		return 0;
	dst = LB_AT(__u32, data);
	dst2 = LB_AT(__u16, data + 4);
	src = LB_AT(__u32, data + 6);
	src2 = LB_AT(__u16, data + 10);
	tags = LB_AT(__u64, data + 12); /* with the type, wherever it is */
	type = LB_AT(__u16, data + 20);
	if (bpf_xdp_adjust_tail(ctx, -(int)cut) || bpf_xdp_adjust_head(ctx, -(int)outer))
		return 0;
	data = lb_data(ctx);
	if (data + LB_L2_MAX > lb_data_end(ctx))
		return 0;
	LB_AT(__u32, data) = src;
	LB_AT(__u16, data + 4) = src2;
	LB_AT(__u32, data + 6) = dst;
	LB_AT(__u16, data + 10) = dst2;
	LB_AT(__u64, data + 12) = tags;
	LB_AT(__u16, data + 20) = type;
	return data;
}

/* Offsets are 64 bits wide for the verifier's sake, as in pkt.h. */
static __always_inline int lb_too_big4(struct xdp_md *ctx, __u64 l3, __u32 mtu, __u32 frame)
{
	struct iphdr *was = lb_data(ctx) + l3;
	__be32 vip, client;
	__s64 sum;
	void *data;

	if ((void *)was + LB_QUOTE4 > lb_data_end(ctx) || was->frag_off & bpf_htons(0x1fff))
		return LB_DROP_TOO_BIG;
	if (!lb_may(&answers, LB_ANSWERS))
		return LB_DROP_TOO_BIG_RATE;
	vip = was->daddr;
	client = was->saddr;
	data = lb_answer_l2(ctx, frame - l3 - LB_QUOTE4, LB_MTU4_MIN - LB_QUOTE4);
	if (!data)
		return LB_DROP_NO_ROOM;
	data += l3;
	if (data + LB_MTU4_MIN > lb_data_end(ctx))
		return LB_DROP_NO_ROOM;
	/* Precedence 6 (RFC 1812, 4.3.2.5), DF, no id. */
	LB_AT(__u32, data) = 0x45 | 0xc0 << 8 | (__u32)bpf_htons(LB_MTU4_MIN) << 16;
	LB_AT(__u32, data + 4) = (__u32)bpf_htons(0x4000) << 16;
	LB_AT(__u32, data + 8) = LB_TTL | IPPROTO_ICMP << 8;
	LB_AT(__be32, data + 12) = vip;
	LB_AT(__be32, data + 16) = client;
	sum = bpf_csum_diff(0, 0, data, sizeof(struct iphdr), 0);
	LB_AT(__u16, data + 10) = ~lb_csum_fold(sum);
	data += sizeof(struct iphdr);
	LB_AT(__u32, data) = LB_ICMP_UNREACHABLE | LB_ICMP_FRAG_NEEDED << 8;
	LB_AT(__u32, data + 4) = bpf_htonl(mtu);
	sum = bpf_csum_diff(0, 0, data, LB_CSUM_MAX, 0);
	sum = bpf_csum_diff(0, 0, data + LB_CSUM_MAX, LB_QUOTE4 + 8 - LB_CSUM_MAX, sum);
	LB_AT(__u16, data + 2) = ~lb_csum_fold(sum);
	return LB_TX_TOO_BIG;
}

static __always_inline int lb_too_big6(struct xdp_md *ctx, __u64 l3, __u32 mtu, __u32 frame)
{
	void *was = lb_data(ctx) + l3, *data;
	__u64 vip[2], client[2];
	__s64 sum;

	if (was + LB_QUOTE6 > lb_data_end(ctx))
		return LB_DROP_TOO_BIG;
	if (!lb_may(&answers, LB_ANSWERS))
		return LB_DROP_TOO_BIG_RATE;
	client[0] = LB_AT(__u64, was + 8);
	client[1] = LB_AT(__u64, was + 16);
	vip[0] = LB_AT(__u64, was + 24);
	vip[1] = LB_AT(__u64, was + 32);
	data = lb_answer_l2(ctx, frame - l3 - LB_QUOTE6, LB_MTU6_MIN - LB_QUOTE6);
	if (!data)
		return LB_DROP_NO_ROOM;
	data += l3;
	if (data + LB_MTU6_MIN > lb_data_end(ctx))
		return LB_DROP_NO_ROOM;
	/* First the pseudo header (RFC 8200, 8.1): length and protocol stand where the hop limit will, by which the
	 * sum is taken over all that is behind. */
	LB_AT(__u32, data) = bpf_htonl(6u << 28);
	LB_AT(__u16, data + 4) = bpf_htons(LB_QUOTE6 + 8);
	LB_AT(__u16, data + 6) = bpf_htons(IPPROTO_ICMPV6);
	LB_AT(__u64, data + 8) = vip[0];
	LB_AT(__u64, data + 16) = vip[1];
	LB_AT(__u64, data + 24) = client[0];
	LB_AT(__u64, data + 32) = client[1];
	LB_AT(__u32, data + 40) = LB_ICMP6_TOO_BIG;
	LB_AT(__u32, data + 44) = bpf_htonl(mtu);
	sum = bpf_csum_diff(0, 0, data + 4, LB_CSUM_MAX, 0);
	sum = bpf_csum_diff(0, 0, data + 4 + LB_CSUM_MAX, LB_CSUM_MAX, sum);
	sum = bpf_csum_diff(0, 0, data + 4 + 2 * LB_CSUM_MAX, LB_MTU6_MIN - 4 - 2 * LB_CSUM_MAX,
			    sum);
	LB_AT(__u16, data + 42) = ~lb_csum_fold(sum);
	LB_AT(__u16, data + 6) = IPPROTO_ICMPV6 | LB_TTL << 8;
	return LB_TX_TOO_BIG;
}

/*
 * mtu: what the path takes, IP header included, once the outer header is off; len: of the packet. Global, so that it
 * costs the way of those that fit neither registers nor room.
 */
int lb_too_big(struct xdp_md *ctx, __u32 l3, __u32 mtu, __u32 len, __u32 frame);

__noinline int lb_too_big(struct xdp_md *ctx, __u32 l3, __u32 mtu, __u32 len, __u32 frame)
{
	__u64 at = l3;
	__u8 *ip;

	if (at > LB_L2_MAX)
		return LB_DROP_TOO_BIG;
	ip = lb_data(ctx) + at;
	if ((void *)(ip + 1) > lb_data_end(ctx))
		return LB_DROP_TOO_BIG;
	if (*ip >> 4 == 4) {
		mtu = mtu < LB_MTU4_MIN ? LB_MTU4_MIN : mtu;
		return len > mtu ? lb_too_big4(ctx, at, mtu, frame) : LB_DROP_TOO_BIG;
	}
	mtu = mtu < LB_MTU6_MIN ? LB_MTU6_MIN : mtu;
	return len > mtu ? lb_too_big6(ctx, at, mtu, frame) : LB_DROP_TOO_BIG;
}

static __always_inline int lb_fits(struct xdp_md *ctx, const struct lb_pkt *p)
{
	__u32 fits = p->nh->fits;

	if (p->len <= fits)
		return LB_NEXT;
	if (p->quoted || p->hops)
		return LB_DROP_TOO_BIG;
	return lb_too_big(ctx, p->l3, fits, p->len, p->frame);
}

#endif
