// SPDX-License-Identifier: GPL-2.0
/*
 * wrap.bpf.c - one packet of a run: made anew, and handed to the program under test.
 *
 * BPF_PROG_TEST_RUN with a repeat count feeds the changed packet back in; so length and bytes are
 * restored first. Where the program under test moved the head, moving it back is counted with it: so
 * "adjust" is the price of a tunnel's room, taken and given back, which nobody who encapsulates avoids.
 */
#include "tests/bench/wrap.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

struct wrap wrap_state SEC(".data.wrap") = {};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

/*
 * In words that no field of the headers straddles: a load that spans two recent stores waits until both have
 * left the store buffer, some 5 ns, which packets from a NIC never cost.
 */
static __always_inline void lay_down(void *data, __u32 flow)
{
	__u32 source = bpf_htonl(wrap_state.base + flow);

	*(__u64 *)data = *(__u64 *)wrap_state.frame;
	*(__u64 *)(data + 6) = *(__u64 *)(wrap_state.frame + 6);
#pragma unroll
	for (int i = 14; i + 8 <= WRAP_BYTES; i += 8)
		*(__u64 *)(data + i) = *(__u64 *)(wrap_state.frame + i);
	if (wrap_state
		    .v6) /* the low word of the address, of which programs read eight bytes at once */
		*(__u64 *)(data + 14 + 8 + 8) = *(__u32 *)(wrap_state.frame + 14 + 8 + 8) |
						(__u64)source << 32;
	else
		*(__be32 *)(data + 14 + 12) = source;
}

static __always_inline void next_dst(void *data)
{
	__u32 dst = wrap_state.dst;

	*(__be32 *)(data + 14 + 16) = bpf_htonl(bpf_ntohl(*(__be32 *)(wrap_state.frame + 14 + 16)) +
						dst);
	dst++;
	wrap_state.dst = dst < wrap_state.dsts ? dst : 0;
}

/* The next packet: nonzero when there is no room for it. */
static __always_inline int next(void *data, void *end)
{
	__u32 flow = wrap_state.next;

	if (data + WRAP_BYTES > end)
		return -1;
	lay_down(data, flow);
	if (wrap_state.dsts)
		next_dst(data);
	flow++;
	wrap_state.next = flow < wrap_state.flows ? flow : 0;
	return 0;
}

SEC("xdp")
int wrap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	long len = end - data;

	barrier_var(
		len); /* clang would move terms across the difference of pointers: refused by the verifier */
	if (len != wrap_state.len && bpf_xdp_adjust_head(ctx, (int)(len - wrap_state.len)))
		return XDP_ABORTED;
	if (next((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_ABORTED;
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED; /* nobody there */
}

/* For wire.c: the sender's frames, the one who only turns them round, and what takes them back. */
SEC("xdp")
int send(struct xdp_md *ctx)
{
	return next((void *)(long)ctx->data, (void *)(long)ctx->data_end) ? XDP_ABORTED : XDP_TX;
}

SEC("xdp")
int turn(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	__u16 *mac = data, old;

	if (data + 14 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < 3; i++) {
		old = mac[i];
		mac[i] = mac[i + 3];
		mac[i + 3] = old;
	}
	return XDP_TX;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	(void)ctx;
	wrap_state.sunk++; /* all on one CPU */
	return XDP_DROP;
}

/* The two that everything is compared with. */
SEC("xdp")
int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_TX;
}

/* What nobody who encapsulates can do without: room, and another Ethernet header. */
SEC("xdp")
int adjust(struct xdp_md *ctx)
{
	void *data;

	if (bpf_xdp_adjust_head(ctx, -20))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + 14 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*(__u64 *)data = 0x0200000000000002;
	*(__u32 *)(data + 8) = 0x02000000;
	*(__u16 *)(data + 12) = bpf_htons(0x0800);
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
