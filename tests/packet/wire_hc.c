// SPDX-License-Identifier: GPL-2.0
/* wire_hc.c - health checks on their way to the reals. */
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/packet/wire.h"

static struct lb_err err;

/* To the pool's first real, from the node to the VIP. */
static void check(struct world *w, int prog, const char *pool, bool v6, const char *outer)
{
	const struct lb_m_real *r = w->model.real;
	struct __sk_buff ctx = {.ifindex = w->in};
	struct pkt_spec s = {.dport = 7777, .flags = 2};
	char what[64], layers[64], dst[48];
	struct pkt in, out;

	while (strcmp(r->pool, pool) != 0)
		r++;
	ctx.mark = LB_HC_MARK | r->id;
	snprintf(dst, sizeof(dst), v6 ? "2001:db8:f::%s" : "203.0.113.%s", pool + 1);
	s.dst = dst;
	s.src = v6 ? "2001:db8:1::1" : "192.0.2.1";
	pkt_build(&in, &s);
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in.b, .data_size_in = in.len,
		    .data_out = out.b, .data_size_out = sizeof(out.b), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);
	snprintf(what, sizeof(what), "a check to %s", pool);
	if (bpf_prog_test_run_opts(prog, &run) || run.retval != TC_ACT_REDIRECT)
		wire_die("%s: verdict %d", what, (int)run.retval);
	out.len = run.data_size_out;
	snprintf(layers, sizeof(layers), "%s%s", outer, v6 ? "ipv6:tcp" : "ip:tcp");
	wire_put(&out, layers, what);
}

void wire_checks(struct world *w)
{
	static const struct {
		const char *pool, *outer;
		bool v4, v6;
	} all[] = {
		{"w0", "ip:", true, true},
		{"w1", "ipv6:", true, true},
		{"w2", "ip:udp:gue:", true, true},
		{"w3", "ipv6:udp:gue:", true, true},
		{"w6", "", true, false},
		{"w7", "", false, true},
		{"w8", "", true, true},
	};
	int prog = lb_prog_open(w->instance, "hc", &err);

	if (prog < 0)
		wire_die("%s", err.msg);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (all[i].v4)
			check(w, prog, all[i].pool, false, all[i].outer);
		if (all[i].v6)
			check(w, prog, all[i].pool, true, all[i].outer);
	}
	close(prog);
}
