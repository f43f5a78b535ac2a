/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses, routes and neighbours. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/nl_lab.h"

static uint32_t veth0;

static void route_up(void)
{
	lab_up();
	veth0 = dev("veth0").ifindex;
	sh("ip addr add 10.1.0.1/24 dev veth0 && ip addr add 2001:db8:1::1/64 dev veth0 nodad && "
	   "ip route add 10.2.0.0/16 via 10.1.0.2 && ip route add 2001:db8:2::/48 via "
	   "2001:db8:1::2 && "
	   "ip route add 10.3.0.0/16 via inet6 fe80::3 dev veth0 src 10.1.0.1");
}

TestSuite(nl_route, .init = route_up, .fini = lab_down, .timeout = 60);

static struct lb_route way(const char *to)
{
	struct lb_addr addr = ip(to);
	struct lb_route route;

	memset(&route, 0xaa, sizeof(route));
	cr_assert(lb_nl_route(nl, &addr, &route, &err) == 0, "%s", err.msg);
	return route;
}

static void leads(const char *to, const char *via, const char *src)
{
	struct lb_route r = way(to);
	struct lb_addr want_via = ip(via), want_src = ip(src);

	cr_assert(eq(u32, r.ifindex, veth0));
	cr_assert(lb_addr_cmp(&r.via, &want_via) == 0, "via of %s", to);
	cr_assert(memcmp(r.via.b, want_via.b, 16) == 0, "rest is not zero");
	cr_assert(lb_addr_cmp(&r.src, &want_src) == 0, "src of %s", to);
	cr_assert(r.local == false);
}

static void nowhere(const char *to, const char *text)
{
	struct lb_addr addr = ip(to);
	struct lb_route route;

	cr_assert(eq(int, lb_nl_route(nl, &addr, &route, &err), -1), "%s", to);
	cr_assert(eq(str, err.msg, (char *)text));
	cr_assert(eq(int, err.status, LB_FAILED));
}

Test(nl_route, on_link)
{
	leads("10.1.0.77", "10.1.0.77", "10.1.0.1");
	leads("2001:db8:1::77", "2001:db8:1::77", "2001:db8:1::1");
}

Test(nl_route, through_a_gateway)
{
	leads("10.2.3.4", "10.1.0.2", "10.1.0.1");
	leads("2001:db8:2::4", "2001:db8:1::2", "2001:db8:1::1");
}

Test(nl_route, ipv4_through_ipv6)
{
	leads("10.3.0.1", "fe80::3", "10.1.0.1");
}

Test(nl_route, multipath)
{
	struct lb_addr one = ip("10.1.0.5"), two = ip("10.1.0.6");
	struct lb_route r;

	sh("ip route add 10.5.0.0/16 nexthop via 10.1.0.5 nexthop via 10.1.0.6");
	r = way("10.5.1.1");
	cr_assert(lb_addr_cmp(&r.via, &one) == 0 || lb_addr_cmp(&r.via, &two) == 0);
	cr_assert(eq(u32, r.ifindex, veth0));
}

Test(nl_route, local)
{
	cr_assert(way("10.1.0.1").local);
	cr_assert(way("127.0.0.1").local);
	cr_assert(way("2001:db8:1::1").local);
	cr_assert(eq(int, way("10.1.0.1").via.family, 4));
}

Test(nl_route, none)
{
	nowhere("10.0.0.1", "no route to 10.0.0.1");
	nowhere("2001:db8:9::1", "no route to 2001:db8:9::1");
	nowhere("10.1.0.255",
		"no way to 10.1.0.255: it is a broadcast, multicast or anycast address");
}

Test(nl_route, dead_ends)
{
	static const char *const types[] = {"blackhole", "unreachable", "prohibit"};
	char to[64], text[128];

	for (int i = 1; i <= 3; i++) {
		sh("ip route add %s 10.66.%d.0/24 && ip route add %s 2001:db8:66:%d::/64",
		   types[i - 1], i, types[i - 1], i);
		snprintf(to, sizeof(to), "10.66.%d.1", i);
		snprintf(text, sizeof(text), "no way to %s: its route is of type %s", to,
			 types[i - 1]);
		nowhere(to, text);
		snprintf(to, sizeof(to), "2001:db8:66:%d::1", i);
		snprintf(text, sizeof(text), "no way to %s: its route is of type %s", to,
			 types[i - 1]);
		nowhere(to, text);
	}
	sh("ip route add throw 10.67.0.0/24");
	nowhere("10.67.0.1", "no route to 10.67.0.1");
}

static const struct lb_nl_addr *find(const struct lb_nl_addr *addrs, size_t n, const char *word)
{
	struct lb_addr addr = ip(word);

	for (size_t i = 0; i < n; i++)
		if (!lb_addr_cmp(&addrs[i].addr, &addr))
			return &addrs[i];
	return NULL;
}

Test(nl_route, addresses)
{
	struct lb_nl_addr *addrs;
	size_t n;

	/* A peer is no address of ours, a tentative one is none yet: veth2 is down, so that it stays so. */
	sh("ip addr add 192.0.2.1 peer 192.0.2.2/32 dev veth1 && ip addr add 198.51.100.1/32 dev "
	   "lo && "
	   "ip addr add 169.254.7.7/16 dev veth1 && ip addr add 2001:db8:3::1 peer "
	   "2001:db8:3::2/128 dev lo && "
	   "ip link add veth2 up type veth peer name veth3 && ip addr add 2001:db8:4::1/64 dev "
	   "veth2");
	cr_assert(says("tentative", "ip -6 addr show dev veth2"));
	cr_assert(lb_nl_addrs(nl, 0, &addrs, &n, &err) == 0, "%s", err.msg);
	cr_assert(eq(sz, n, 7));
	cr_assert(eq(u32, find(addrs, n, "10.1.0.1")->ifindex, veth0));
	cr_assert(eq(int, find(addrs, n, "10.1.0.1")->scope, 0));
	cr_assert(eq(int, find(addrs, n, "127.0.0.1")->scope, 254));
	cr_assert(eq(int, find(addrs, n, "127.0.0.1")->len, 8));
	cr_assert(eq(int, find(addrs, n, "198.51.100.1")->len, 32));
	cr_assert(eq(u32, find(addrs, n, "192.0.2.1")->ifindex, dev("veth1").ifindex));
	cr_assert(find(addrs, n, "::1") != NULL);
	cr_assert(find(addrs, n, "2001:db8:1::1") != NULL);
	cr_assert(find(addrs, n, "2001:db8:3::1") != NULL);
	cr_assert(find(addrs, n, "198.51.100.1") != NULL);
	free(addrs);

	cr_assert(lb_nl_addrs(nl, veth0, &addrs, &n, &err) == 0, "%s", err.msg);
	cr_assert(eq(sz, n, 2));
	free(addrs);
	cr_assert(eq(int, lb_nl_addrs(nl, 999, &addrs, &n, &err), -1));
	cr_assert(eq(str, err.msg, "device \"#999\": list of addresses: No such device"));
}

Test(nl_route, many_addresses)
{
	struct lb_nl_addr *addrs;
	size_t n;

	sh("for i in $(seq 250); do echo addr add 10.8.$i.1/24 dev veth1; "
	   "echo addr add 2001:db8:8:$i::1/64 dev veth1 nodad; done | ip -batch -");
	cr_assert(lb_nl_addrs(nl, dev("veth1").ifindex, &addrs, &n, &err) == 0, "%s", err.msg);
	cr_assert(eq(sz, n, 500));
	free(addrs);
}

static void keep(const char *to)
{
	struct lb_addr addr = ip(to);

	cr_assert(lb_nl_neigh_keep(nl, veth0, &addr, &err) == 0, "%s", err.msg);
}

static bool neigh(const char *to, const char *text)
{
	return says(text, "ip neigh show to %s dev veth0 nud all", to);
}

/* veth1 in a namespace of its own, where it answers for 10.1.0.2 and 2001:db8:1::2. */
static void far_end(void)
{
	int near = open("/proc/self/ns/net", O_RDONLY), far;

	cr_assert(near >= 0 && unshare(CLONE_NEWNET) == 0);
	far = open("/proc/self/ns/net", O_RDONLY);
	cr_assert(far >= 0 && setns(near, CLONE_NEWNET) == 0);
	sh("ip link set veth1 netns /proc/%d/fd/%d", (int)getpid(), far);
	cr_assert(setns(far, CLONE_NEWNET) == 0);
	sh("ip link set veth1 up && ip addr add 10.1.0.2/24 dev veth1 && "
	   "ip addr add 2001:db8:1::2/64 dev veth1 nodad");
	cr_assert(setns(near, CLONE_NEWNET) == 0);
}

static bool neigh_soon(const char *to, const char *text)
{
	for (int i = 0; i < 200 && !neigh(to, text); i++)
		usleep(100000);
	return neigh(to, text);
}

Test(nl_route, neighbour_is_resolved_and_kept)
{
	static const char *const far[] = {"10.1.0.2", "2001:db8:1::2"};

	far_end();
	for (int i = 0; i < 2; i++) {
		keep(far[i]);
		cr_assert(neigh(far[i], "managed"));
		cr_assert(neigh_soon(far[i], "REACHABLE"), "%s is not resolved", far[i]);
		keep(far[i]);
		cr_assert(neigh(far[i], "managed REACHABLE"), "the second call disturbs it");
	}
}

/* The far end comes late: what was given up is begun anew by the next call. */
Test(nl_route, neighbour_that_failed)
{
	far_end();
	sh("sysctl -qw net.ipv4.neigh.veth0.interval_probe_time_ms=60000 2>/dev/null || :");
	keep("10.1.0.3");
	cr_assert(neigh_soon("10.1.0.3", "FAILED"));
	keep("10.1.0.3");
	cr_assert(neigh("10.1.0.3", "managed INCOMPLETE"));
}

Test(nl_route, neighbour_of_an_ipv4_route_by_ipv6)
{
	struct lb_route r = way("10.3.0.1");

	cr_assert(lb_nl_neigh_keep(nl, r.ifindex, &r.via, &err) == 0, "%s", err.msg);
	cr_assert(neigh("fe80::3", "managed"));
}

Test(nl_route, neighbour_states_are_left_alone)
{
	sh("ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 dev veth0 nud permanent && "
	   "ip neigh add 10.1.0.8 lladdr 02:00:00:00:00:08 dev veth0 nud noarp && "
	   "ip neigh add 10.1.0.7 lladdr 02:00:00:00:00:07 dev veth0 nud reachable extern_learn && "
	   "ip neigh add 2001:db8:1::6 lladdr 02:00:00:00:00:06 dev veth0 nud stale router");
	for (int i = 0; i < 2; i++) {
		keep("10.1.0.9");
		cr_assert(neigh("10.1.0.9", "lladdr 02:00:00:00:00:09 PERMANENT"));
		keep("10.1.0.8");
		cr_assert(neigh("10.1.0.8", "lladdr 02:00:00:00:00:08 NOARP"));
		keep("10.1.0.7");
		cr_assert(neigh("10.1.0.7", "lladdr 02:00:00:00:00:07 managed extern_learn"));
		keep("2001:db8:1::6");
		cr_assert(neigh("2001:db8:1::6", "lladdr 02:00:00:00:00:06 router managed"));
	}
	cr_assert(neigh("10.1.0.9", "managed") == false);
	cr_assert(neigh("10.1.0.8", "managed") == false);
}

Test(nl_route, neighbour_refusals)
{
	struct lb_addr addr = ip("10.1.0.2");

	cr_assert(eq(int, lb_nl_neigh_keep(nl, 999, &addr, &err), -1));
	cr_assert(eq(str, err.msg, "device \"#999\": neighbour 10.1.0.2: Unknown device ifindex"));
	cr_assert(eq(int, seteuid(65534), 0));
	cr_assert(eq(int, lb_nl_neigh_keep(nl, veth0, &addr, &err), -1));
	cr_assert(eq(str, err.msg,
		     "device \"veth0\": neighbour 10.1.0.2: not permitted: needs CAP_NET_ADMIN "
		     "(run as root)"));
}
