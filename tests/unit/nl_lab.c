/* SPDX-License-Identifier: GPL-2.0 */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/nl_lab.h"

struct lb_nl *nl;
struct lb_err err;

void sh(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	cr_assert(!system(cmd), "%s", cmd);
}

bool says(const char *text, const char *fmt, ...)
{
	char cmd[512], out[4096] = "";
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	f = popen(cmd, "r");
	cr_assert(f, "%s", cmd);
	out[fread(out, 1, sizeof(out) - 1, f)] = '\0';
	cr_assert(!pclose(f), "%s", cmd);
	return strstr(out, text);
}

void lab_up(void)
{
	if (geteuid()) {
		cr_assert(!getenv("LB_REQUIRE_ROOT"), "needs root");
		cr_skip_test("needs root");
	}
	cr_assert(!unshare(CLONE_NEWNET));
	/* One queue suffices, and many veths come and go faster. */
	sh("ip link set lo up && ip link add veth0 numtxqueues 1 numrxqueues 1 type veth "
	   "peer name veth1 numtxqueues 1 numrxqueues 1 && ip link set veth0 up && ip link set "
	   "veth1 up");
	nl = lb_nl_open(&err);
	cr_assert(nl, "%s", err.msg);
}

void lab_down(void)
{
	lb_nl_close(nl);
	nl = NULL;
}

struct lb_link dev(const char *name)
{
	struct lb_link link;

	cr_assert(!lb_nl_link(nl, name, &link, &err), "%s", err.msg);
	return link;
}

struct lb_addr ip(const char *word)
{
	struct lb_addr addr;

	cr_assert(!parse_addr(word, &addr, &err), "%s", err.msg);
	return addr;
}

static int prog(enum bpf_prog_type type, int verdict)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(type, "lab", "GPL", insns, 2, NULL);

	cr_assert(fd >= 0, "bpf_prog_load: %s", strerror(-fd));
	return fd;
}

int xdp_prog(int verdict)
{
	return prog(BPF_PROG_TYPE_XDP, verdict);
}

int tc_prog(int verdict)
{
	return prog(BPF_PROG_TYPE_SCHED_CLS, verdict);
}

uint32_t prog_id(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	cr_assert(!bpf_obj_get_info_by_fd(fd, &info, &len));
	return info.id;
}
