/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An XDP program that passes everything. What XDP_TX sends from a veth arrives only where the peer has an
 * XDP program too (GRO on the peer serves for redirected packets alone), so the tests give one to the devices
 * that face a balancer.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
