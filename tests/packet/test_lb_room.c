// SPDX-License-Identifier: GPL-2.0
/*
 * test_lb_room.c - a driver that leaves no room in front of the packet.
 *
 * BPF_PROG_TEST_RUN always leaves 256 bytes; so a program of our own uses them up before the balancer's turn.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "tests/packet/ptest.h"

#define HEADROOM (256 - 40) /* the kernel keeps 40 for itself: struct xdp_frame */
#define HEAD 64 /* bytes of the packet that are written in front */

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define MOV(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define SET(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define CALL(f) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define MAP(d, kind, fd) INSN(BPF_LD | BPF_DW | BPF_IMM, d, kind, 0, fd), INSN(0, 0, 0, 0, 0)

static struct world w;

static void setup(void)
{
	ptest_served(&w);
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_room, .init = setup, .fini = teardown);

/* Moves the head `by` bytes forward, writes the packet's first bytes there and calls the balancer. */
static int in_front(int32_t by, const struct pkt *head)
{
	/* As the balancer has it: a newer kernel wants programs of a prog array to be alike in this too. */
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_XDP);
	uint32_t zero = 0;
	int data = bpf_map_create(BPF_MAP_TYPE_ARRAY, "head", 4, HEAD, 1, NULL);
	int next = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "next", 4, 4, 1, NULL);
	struct bpf_insn insns[] = {
		MOV(6, 1),
		SET(2, -by),
		CALL(BPF_FUNC_xdp_adjust_head),
		MOV(1, 6),
		SET(2, 0),
		MAP(3, BPF_PSEUDO_MAP_VALUE, data),
		SET(4, HEAD),
		CALL(BPF_FUNC_xdp_store_bytes),
		MOV(1, 6),
		MAP(2, BPF_PSEUDO_MAP_FD, next),
		SET(3, 0),
		CALL(BPF_FUNC_tail_call),
		SET(0, XDP_ABORTED),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int prog;

	cr_assert(data >= 0 && next >= 0);
	cr_assert(zero(int, bpf_map_update_elem(data, &zero, head->b, BPF_ANY)));
	cr_assert(zero(int, bpf_map_update_elem(next, &zero, &w.prog, BPF_ANY)));
	prog = bpf_prog_load(BPF_PROG_TYPE_XDP, "in_front", "GPL", insns,
			     sizeof(insns) / sizeof(*insns), &opts);
	cr_assert(ge(int, prog, 0));
	return prog;
}

/* Bytes left in front of the packet, and what comes of it. */
static enum lb_why with_room(uint32_t room, const char *dst)
{
	struct pkt_spec s = {.dst = dst, .payload = 400};
	struct pkt in, rest = {.len = 0}, out;
	uint32_t by = HEADROOM - room;
	enum lb_why why;
	int balancer = w.prog;

	pkt_build(&in, &s);
	rest.len = in.len - by;
	memcpy(rest.b, in.b + by, rest.len);
	w.prog = in_front(by, &in);
	w.front = by;
	why = world_send(&w, &rest, &out);
	close(w.prog);
	w.prog = balancer;
	return why;
}

Test(lb_room, too_little_is_a_reason)
{
	static const struct {
		const char *dst;
		uint32_t need;
	} kind[] = {{"203.0.113.1", 20},
		    {"203.0.113.2", 40},
		    {"2001:db8:f::1", 40},
		    {"2001:db8:f::2", 20}};

	for (int i = 0; i < 4; i++) {
		cr_assert(eq(int, with_room(kind[i].need, kind[i].dst), LB_TX), "%s: %s",
			  kind[i].dst, w.wrong);
		cr_assert(eq(int, with_room(kind[i].need - 1, kind[i].dst), LB_DROP_NO_ROOM), "%s",
			  kind[i].dst);
		cr_assert(eq(int, with_room(0, kind[i].dst), LB_DROP_NO_ROOM), "%s", kind[i].dst);
	}
}
