/* SPDX-License-Identifier: GPL-2.0 */
/* XDP programs on devices. */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/nl_lab.h"

TestSuite(nl_xdp, .init = lab_up, .fini = lab_down, .timeout = 60);

static void attached(const char *name, enum lb_xdp_mode mode, int fd)
{
	struct lb_link link = dev(name);

	cr_assert(
		eq(str, (char *)lb_xdp_mode_names[link.xdp_mode], (char *)lb_xdp_mode_names[mode]));
	cr_assert(eq(u32, link.xdp_prog, fd < 0 ? 0 : prog_id(fd)));
}

static void set(const char *name, enum lb_xdp_mode mode, int fd, int expected)
{
	struct lb_link link = dev(name);

	cr_assert(lb_nl_xdp_set(nl, &link, mode, fd, expected, &err) == 0, "%s", err.msg);
}

/* Refused, with this message, and nothing changed. */
static void refused(const char *name, enum lb_xdp_mode mode, int fd, int expected, const char *text)
{
	struct lb_link before = dev(name), now;

	cr_assert(eq(int, lb_nl_xdp_set(nl, &before, mode, fd, expected, &err), -1));
	cr_assert(eq(str, err.msg, (char *)text));
	cr_assert(eq(int, err.status, LB_FAILED));
	now = dev(name);
	cr_assert(eq(u32, now.xdp_prog, before.xdp_prog));
	cr_assert(eq(int, now.xdp_mode, before.xdp_mode));
}

static void life_of_a_program(enum lb_xdp_mode mode)
{
	int a = xdp_prog(XDP_PASS), b = xdp_prog(XDP_PASS);

	set("veth0", mode, -1, -1); /* nothing to detach */
	set("veth0", mode, a, -1);
	attached("veth0", mode, a);
	set("veth0", mode, b, a);
	attached("veth0", mode, b);
	set("veth0", mode, -1, b);
	attached("veth0", LB_XDP_NONE, -1);
}

Test(nl_xdp, native)
{
	life_of_a_program(LB_XDP_NATIVE);
}

Test(nl_xdp, generic)
{
	life_of_a_program(LB_XDP_GENERIC);
}

Test(nl_xdp, foreign_is_kept)
{
	int theirs = xdp_prog(XDP_PASS), ours = xdp_prog(XDP_PASS);
	char text[LB_ERR_LEN];

	set("veth0", LB_XDP_NATIVE, theirs, -1);
	snprintf(text, sizeof(text),
		 "device \"veth0\": a foreign XDP program with id %u is attached: "
		 "\"bpftool prog show id %u\" shows it",
		 prog_id(theirs), prog_id(theirs));
	refused("veth0", LB_XDP_NATIVE, ours, -1, text);
	refused("veth0", LB_XDP_NATIVE, ours, ours, text);
	refused("veth0", LB_XDP_NATIVE, -1, ours, text);
	refused("veth0", LB_XDP_NATIVE, -1, -1, text);
	snprintf(text, sizeof(text),
		 "device \"veth0\": Native and generic XDP can't be active at the same time: a "
		 "program "
		 "with id %u is attached in mode native: \"bpftool prog show id %u\" shows it",
		 prog_id(theirs), prog_id(theirs));
	refused("veth0", LB_XDP_GENERIC, ours, -1, text);
}

Test(nl_xdp, expected_is_gone)
{
	int a = xdp_prog(XDP_PASS), b = xdp_prog(XDP_PASS);

	refused("veth0", LB_XDP_NATIVE, b, a,
		"device \"veth0\" (no XDP program is attached): Active program does not match "
		"expected");
}

Test(nl_xdp, behind_a_bpf_link)
{
	int a = xdp_prog(XDP_PASS), b = xdp_prog(XDP_PASS);
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	char text[LB_ERR_LEN];

	cr_assert(bpf_link_create(a, (int)dev("veth0").ifindex, BPF_XDP, &opts) >= 0);
	snprintf(text, sizeof(text),
		 "device \"veth0\": a foreign XDP program with id %u is attached by a BPF link: "
		 "\"bpftool prog show id %u\" shows it",
		 prog_id(a), prog_id(a));
	refused("veth0", LB_XDP_NATIVE, b, -1, text);
	refused("veth0", LB_XDP_NATIVE, -1, a, text);
}

Test(nl_xdp, device_cannot)
{
	int a = xdp_prog(XDP_PASS);

	sh("ip link add br0 type bridge && ip link set veth1 mtu 9000");
	refused("br0", LB_XDP_NATIVE, a, -1,
		"device \"br0\" (bridge) has no native XDP: use \"mode generic\"");
	refused("veth0", LB_XDP_NATIVE, a, -1,
		"device \"veth0\" (veth): Peer MTU is too large to set XDP: "
		"lower that MTU (this device has 1500), or use \"mode generic\"");
	refused("lo", LB_XDP_OFFLOAD, a, -1,
		"device \"lo\" (driver unknown) has no offloaded XDP: use \"mode native\"");
	refused("veth0", LB_XDP_OFFLOAD, a, -1,
		"device \"veth0\" (veth) has no offloaded XDP: use \"mode native\"");
	refused("veth1", LB_XDP_NATIVE, tc_prog(0), -1,
		"device \"veth1\" (veth) refuses native XDP (Invalid argument): use \"mode "
		"generic\"");
	set("br0", LB_XDP_GENERIC, a, -1);
}

Test(nl_xdp, program_on_a_device_above)
{
	sh("ip link add mv0 link veth0 type macvlan");
	set("mv0", LB_XDP_GENERIC, xdp_prog(XDP_PASS), -1);
	refused("veth0", LB_XDP_NATIVE, xdp_prog(XDP_PASS), -1,
		"device \"veth0\" (no XDP program is attached): "
		"Cannot attach when an upper device already has a program");
}

Test(nl_xdp, other_refusals)
{
	int a = xdp_prog(XDP_PASS);
	struct lb_link link = dev("veth0");

	refused("veth0", LB_XDP_NONE, a, -1, "device \"veth0\": not a mode to attach in");
	sh("ip link del veth0");
	cr_assert(eq(int, lb_nl_xdp_set(nl, &link, LB_XDP_NATIVE, a, -1, &err), -1));
	cr_assert(eq(str, err.msg, "device \"veth0\": does not exist any more"));
	cr_assert(eq(int, seteuid(65534), 0));
	refused("lo", LB_XDP_GENERIC, a, -1,
		"device \"lo\": not permitted: needs CAP_NET_ADMIN (run as root)");
}
