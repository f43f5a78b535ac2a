// SPDX-License-Identifier: GPL-2.0
#include "tests/bench/cases.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/ring.h"
#include "tests/packet/world_config.h"

#define REALS 100
#define M (1u << 20)

#define ON4 .dst = "203.0.113.1" /* session on */
#define OFF4 .dst = "203.0.113.2" /* session off */
#define ON6 .dst = "2001:db8:f::1"

const struct bench_case bench_cases[] = {
	{"table4-1", "IPv4 TCP, table only, 1 flow", {OFF4}, 1, LB_TX, 40, 27, 105},
	{"table4-64k", "the same, 65,536 flows", {OFF4}, 65536, LB_TX, 40, 27, 114},
	{"table4-1m", "the same, 1,000,000 flows", {OFF4}, 1000000, LB_TX, 40, 27, 111},
	{"tcp4-1", "IPv4 TCP, established, session cache, 1 flow", {ON4}, 1, LB_TX, 40, 27, 113},
	{"tcp4-64k", "the same, 65,536 flows", {ON4}, 65536, LB_TX, 70, 45, 246},
	{"tcp4-1m", "the same, 1,000,000 flows", {ON4}, 1000000, LB_TX, 180, 110, 297},
	{"udp-new",
	 "UDP, new flows, 16 M of them",
	 {ON4, .proto = IPPROTO_UDP, .dport = 53, .payload = 22},
	 16 * M,
	 LB_TX,
	 180,
	 90,
	 298},
	{"syn", "SYN flood, 16 M sources", {ON4, .flags = 0x02}, 16 * M, LB_TX, 40, 27, 110},
	{"tcp6-1", "IPv6 TCP into IPv6, established, 1 flow", {ON6}, 1, LB_TX, 50, 35, 108},
	{"pass4", "not for a VIP", {.dst = "198.51.100.9"}, 65536, LB_PASS_NO_VIP, 12, 6, 49},
	/* Not in the table of targets: */
	{"syn-new",
	 "SYN flood, soon after a change of the table",
	 {.dst = "203.0.113.8", .flags = 0x02},
	 16 * M,
	 LB_TX,
	 0,
	 0,
	 0},
	{"tcp4-new",
	 "IPv4 TCP, established, 65,536 flows, soon after it",
	 {.dst = "203.0.113.8"},
	 65536,
	 LB_TX,
	 0,
	 0,
	 0},
	{"table4-4k", "IPv4 TCP, table only, 4,096 flows", {OFF4}, 4096, LB_TX, 0, 0, 0},
	{"tcp4-4k", "IPv4 TCP, established, 4,096 flows", {ON4}, 4096, LB_TX, 0, 0, 0},
	{"tcp6-64k", "IPv6 TCP, established, 65,536 flows", {ON6}, 65536, LB_TX, 0, 0, 0},
	{"tcp4in6-1",
	 "IPv4 TCP into IPv6, established, 1 flow",
	 {.dst = "203.0.113.6"},
	 1,
	 LB_TX,
	 0,
	 0,
	 0},
	{"gue4-1",
	 "IPv4 TCP into GUE, established, 1 flow",
	 {.dst = "203.0.113.7"},
	 1,
	 LB_TX,
	 0,
	 0,
	 0},
	{"wrong-port",
	 "to a VIP, no such service",
	 {ON4, .dport = 81},
	 1,
	 LB_DROP_NO_SERVICE,
	 0,
	 0,
	 0},
	{"pass6",
	 "not for a VIP, IPv6",
	 {.dst = "2001:db8:ffff::9"},
	 65536,
	 LB_PASS_NO_VIP,
	 0,
	 0,
	 0},
};
const size_t bench_cases_n = sizeof(bench_cases) / sizeof(*bench_cases);

const struct bench_case *bench_case_of(const char *name, struct lb_err *err)
{
	char names[512] = "";
	size_t at = 0;

	for (size_t i = 0; i < bench_cases_n; i++)
		if (!strcmp(bench_cases[i].name, name))
			return &bench_cases[i];
	for (size_t i = 0; i < bench_cases_n && at < sizeof(names); i++)
		at += snprintf(names + at, sizeof(names) - at, "%s %s", i ? "," : "",
			       bench_cases[i].name);
	lb_usage(err, "case \"%s\": must be one of%s", name, names);
	return NULL;
}

int bench_date(const struct world *w, const char *pool, bool long_ago, struct lb_err *err)
{
	uint64_t jiffies = long_ago; /* the kernel's begin above; 0: just now */
	char path[128];
	int fd, ret = 0;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/mixed", w->instance);
	fd = bpf_obj_get(path);
	for (size_t i = 0; !ret && i < w->model.pools; i++)
		if (!pool || !strcmp(w->model.pool[i].name, pool))
			ret = bpf_map_update_elem(fd, &w->model.pool[i].id, &jiffies, BPF_ANY);
	close(fd);
	return ret ? lb_fail(err, "map mixed: %s", strerror(errno)) : 0;
}

int bench_config(struct world *w, uint32_t sessions, struct lb_err *err)
{
	struct lb_sizes sizes = lb_sizes_default;
	struct lb_m_pool *gue;
	char addr[40];

	sizes.sessions = sessions;
	if (world_net(err) || world_load(w, "bench", &sizes, err) ||
	    world_pool(w, "four", LB_RING_DEFAULT, err) ||
	    world_pool(w, "six", LB_RING_DEFAULT, err) ||
	    world_pool(w, "new", LB_RING_DEFAULT, err) ||
	    world_pool(w, "gue", LB_RING_DEFAULT, err))
		return -1;
	gue = lb_model_pool(&w->model, "gue");
	gue->encap = LB_M_ENCAP_GUE;
	gue->gue_port = 6080;
	for (int i = 1; i <= REALS; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		if (world_real(w, "four", addr, 1, LB_M_UP, err) ||
		    world_real(w, "new", addr, 1, LB_M_UP, err) ||
		    world_real(w, "gue", addr, 1, LB_M_UP, err))
			return -1;
		snprintf(addr, sizeof(addr), "fd00::%x", i);
		if (world_real(w, "six", addr, 1, LB_M_UP, err))
			return -1;
	}
	if (world_vip(w, "203.0.113.1:80/tcp", "four", true, err) ||
	    world_vip(w, "203.0.113.1:53/udp", "four", true, err) ||
	    world_vip(w, "203.0.113.2:80/tcp", "four", false, err) ||
	    world_vip(w, "203.0.113.6:80/tcp", "six", true, err) ||
	    world_vip(w, "203.0.113.7:80/tcp", "gue", true, err) ||
	    world_vip(w, "203.0.113.8:80/tcp", "new", true, err) ||
	    world_vip(w, "[2001:db8:f::1]:80/tcp", "six", true, err))
		return -1;
	return world_commit(w, err) || bench_date(w, NULL, true, err) ||
			       bench_date(w, "new", false, err)
		       ? -1
		       : 0;
}
