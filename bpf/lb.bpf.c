/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lb.bpf.c - the balancer: an XDP program, native or generic.
 *
 * A packet's way is one sentence, a stage a word: each returns LB_NEXT, or the reason why the packet
 * ends there. There is one exit, which counts the reason. What is not for a VIP leaves after the second
 * word, untouched.
 *
 * Most packets need little of that: plain.h has the same sentence for them alone, and is tried first.
 */
#include "bpf/encap.h"
#include "bpf/fragment.h"
#include "bpf/icmp.h"
#include "bpf/lookup.h"
#include "bpf/nexthop.h"
#include "bpf/parse.h"
#include "bpf/pick.h"
#include "bpf/plain.h"
#include "bpf/tell.h"
#include "bpf/too_big.h"

/* Service and real; a fragment's may have to be asked for twice: as the address's, then, of a first one, as the port's. */
static __always_inline int lb_choose(struct xdp_md *ctx, struct lb_pkt *p)
{
	int why;

#pragma nounroll
	for (int i = 0; i < 2; i++) {
		why = lb_service(p);
		if (why != LB_NEXT)
			return why;
		if (!p->fragment || !(p->svc->flags & LB_SVC_TRACK) || !lb_meta.peers[lb_half(p)])
			break;
		why = lb_fragment(ctx, p);
		if (why != LB_NEXT || p->nh || p->real)
			return why;
	}
	if (p->key && !(p->svc->flags & LB_SVC_FRAGMENTS))
		return LB_DROP_FRAGMENT;
	p->flags = p->svc->flags;
	why = lb_pick_any(p);
	if (why == LB_NEXT && p->key)
		lb_fragment_keep(p->key, p->real);
	return why;
}

static __always_inline int lb_forward(struct xdp_md *ctx, struct lb_pkt *p)
{
	p->out = p->nh->out;
	if (p->prev & LB_MARKED)
		return LB_TX_PEER;
	return p->out == ctx->ingress_ifindex ? LB_TX : LB_TX_REDIRECT;
}

/* What becomes of a packet, and its counters. */
static __always_inline int lb_end(const struct lb_pkt *p, int why)
{
	lb_count(&count_why, why, p->frame);
	if (p->svc)
		lb_count_vip(p);
	if (why >= LB_WHY_DROP)
		return XDP_DROP;
	if (why >= LB_WHY_PASS)
		return XDP_PASS;
	if (why >= LB_WHY_ANSWER)
		return XDP_TX;
	lb_count(&count_real, p->real, p->frame);
	return why == LB_TX ? XDP_TX : bpf_redirect(p->out, 0);
}

/* The long way, of all that is not plain (plain.h), and of all when somebody looks. Global: it has registers of its own. */
int lb_long(struct xdp_md *ctx);

__noinline int lb_long(struct xdp_md *ctx)
{
	struct lb_pkt p = {};
	struct lb_pkt *kept = &p;
	int why;

	barrier_var(
		kept); /* in memory: in registers it makes twice the code, which the verifier walks for minutes */
	/* clang-format off */
	if ((why = lb_parse(ctx, &p)) == LB_NEXT &&
	    (why = lb_vip_or_passed_on(ctx, &p)) == LB_NEXT &&
	    (why = lb_transport(ctx, &p)) == LB_NEXT &&
	    (why = lb_icmp(ctx, &p)) == LB_NEXT &&
	    (why = lb_choose(ctx, &p)) == LB_NEXT &&
	    (why = lb_nexthop(ctx, &p)) == LB_NEXT &&
	    (why = lb_fits(ctx, &p)) == LB_NEXT &&
	    (why = lb_encap(ctx, &p)) == LB_NEXT)
		why = lb_forward(ctx, &p);
	/* clang-format on */
	lb_trace(ctx, &p, why);
	return lb_end(&p, why);
}

SEC("xdp")
int lb(struct xdp_md *ctx)
{
	void *data = lb_data(ctx);
	int done = LB_REST;

	if (!lb_cfg.trace && !LB_READ_ONCE(lb_meta.watch) &&
	    data + LB_PLAIN_LEAST <= lb_data_end(ctx) && !(*(__u8 *)data & 1)) {
		if (LB_AT(__be16, data + 12) == bpf_htons(ETH_P_IP))
			done = lb_plain(ctx, data + ETH_HLEN, false);
		else if (LB_AT(__be16, data + 12) == bpf_htons(ETH_P_IPV6))
			done = lb_plain(ctx, data + ETH_HLEN, true);
	}
	return done == LB_REST ? lb_long(ctx) : done;
}

char LICENSE[] SEC("license") = "GPL";
