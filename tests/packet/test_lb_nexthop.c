// SPDX-License-Identifier: GPL-2.0
/* test_lb_nexthop.c - the way to the real: what the kernel's tables say now, and what map `dev` adds. */
#include <bpf/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/packet/ptest.h"

#define V4 .dst = "203.0.113.1" /* to 10.0.0.1 */
#define V6 .dst = "2001:db8:f::1" /* to fd00::1 */
#define WITHIN 0.2 /* seconds in which a change must be followed */

static struct world w;
static struct lb_err err;

static void setup(void)
{
	ptest_served(&w);
	ptest_one_cpu();
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_nexthop, .init = setup, .fini = teardown, .timeout = 60);

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

struct way {
	enum lb_why why;
	uint8_t dmac[6], smac[6];
	struct lb_addr src, dst;
};

static void go(const struct pkt_spec *s, struct way *way)
{
	struct pkt in, out, plain;
	const char *wrong;
	uint16_t type;
	uint32_t l3, was;

	pkt_build(&in, s);
	memset(way, 0, sizeof(*way));
	way->why = ptest_send(&w, &in, &out, "way");
	if (way->why != LB_TX && way->why != LB_TX_REDIRECT)
		return;
	/* The input as it would be with the output's tags: they may differ, see vlan_device. */
	was = pkt_l3(&in, &type);
	l3 = pkt_l3(&out, &type);
	memcpy(plain.b, out.b, l3 - 2);
	memcpy(plain.b + l3 - 2, in.b + was - 2, in.len - was + 2);
	plain.len = in.len + l3 - was;
	wrong = pkt_wrong(&out, &plain, &way->dst);
	cr_assert(wrong == NULL, "%s; sent:%s\ngot:%s", wrong, pkt_dump(&in), pkt_dump(&out));
	memcpy(way->dmac, out.b, 6);
	memcpy(way->smac, out.b + 6, 6);
	way->src.family = way->dst.family;
	memcpy(way->src.b, out.b + l3 + (way->src.family == 4 ? 12 : 8),
	       way->src.family == 4 ? 4 : 16);
}

static bool is_mac(const uint8_t *mac, uint8_t last2, uint8_t last)
{
	return !memcmp(mac, (uint8_t[]){2, 0, 0, 0, last2, last}, 6);
}

static const char *text(const struct lb_addr *addr)
{
	static char buf[LB_ADDR_STRLEN];

	if (!addr->family)
		return "nowhere";
	format_addr(addr, buf);
	return buf;
}

/* Sends until the reason and the next hop's MAC are the wanted ones; all before must be of the old way. */
static void follows(const char *change, const struct pkt_spec *s, enum lb_why why, uint8_t mac)
{
	struct way old, way;
	double since;

	go(s, &old);
	since = now();
	if (strncmp(change, "sysctl ", 7))
		must(world_ip(change, &err));
	else
		must(world_sysctl(change + 7, "0", &err));
	for (;;) {
		go(s, &way);
		if (way.why == why && (!mac || way.dmac[5] == mac))
			return;
		cr_assert(way.why == old.why && !memcmp(way.dmac, old.dmac, 6), "%s: %s", change,
			  world_why_name(way.why));
		cr_assert(now() - since < WITHIN, "%s: still %s after %.3f s, from %s", change,
			  world_why_name(way.why), now() - since, text(&way.src));
		usleep(2000);
	}
}

Test(lb_nexthop, neighbours_mac_changes)
{
	struct pkt_spec v4 = {V4}, v6 = {V6};

	follows("neigh replace 192.0.2.254 lladdr 02:00:00:00:01:aa dev in nud permanent\n", &v4,
		LB_TX, 0xaa);
	follows("neigh replace 2001:db8:1::fe lladdr 02:00:00:00:01:ab dev in nud permanent\n", &v6,
		LB_TX, 0xab);
}

Test(lb_nexthop, neighbour_goes_and_comes)
{
	struct pkt_spec v4 = {V4};

	follows("neigh del 192.0.2.254 dev in\n", &v4, LB_DROP_NO_NEIGH, 0);
	follows("neigh add 192.0.2.254 lladdr 02:00:00:00:01:ac dev in nud permanent\n", &v4, LB_TX,
		0xac);
}

Test(lb_nexthop, route_moves_to_the_other_link)
{
	struct pkt_spec v4 = {V4}, v6 = {V6};

	follows("route replace 10.0.0.0/16 via 198.51.100.254 dev out\n", &v4, LB_TX_REDIRECT,
		0xfe);
	follows("route replace fd00:0::/32 via 2001:db8:2::fe dev out\n", &v6, LB_TX_REDIRECT,
		0xfe);
	follows("route replace 10.0.0.0/16 via 192.0.2.254 dev in\n", &v4, LB_TX, 0xfe);
}

Test(lb_nexthop, route_goes_and_comes)
{
	struct pkt_spec v4 = {V4}, v6 = {V6};

	follows("route del 10.0.0.0/16\n", &v4, LB_DROP_NO_ROUTE, 0);
	follows("route add 10.0.0.1/32 via 192.0.2.254\n", &v4, LB_TX, 0xfe);
	follows("route del fd00:0::/32\n", &v6, LB_DROP_NO_ROUTE, 0);
}

Test(lb_nexthop, mtu_shrinks)
{
	struct pkt_spec v4 = {V4, .payload = 1000}, v6 = {V6, .payload = 1300};

	follows("link set in mtu 1300\n", &v6, LB_TX_TOO_BIG, 0);
	v4.payload = 1300 - 60;
	follows("link set in mtu 1299\n", &v4, LB_TX_TOO_BIG, 0);
}

Test(lb_nexthop, links_mac_changes)
{
	struct pkt_spec v4 = {V4};
	struct way way;

	go(&v4, &way);
	cr_assert(is_mac(way.smac, 1, 1));
	must(world_ip("link set in address 02:00:00:00:01:77\n" /* which forgets the neighbours */
		      "neigh add 192.0.2.254 lladdr 02:00:00:00:01:fe dev in nud permanent\n",
		      &err));
	usleep(WITHIN * 1e6);
	go(&v4, &way);
	cr_assert(is_mac(way.smac, 1, 0x77));
}

Test(lb_nexthop, forwarding_off)
{
	struct pkt_spec v4 = {V4}, v6 = {V6};

	follows("sysctl ipv4/conf/in/forwarding", &v4, LB_DROP_NO_FORWARD, 0);
	follows("sysctl ipv6/conf/in/forwarding", &v6, LB_DROP_NO_FORWARD, 0);
}

Test(lb_nexthop, link_goes_down)
{
	struct pkt_spec v4 = {.dst = "203.0.113.3"};

	follows("link set out down\n", &v4, LB_DROP_NO_ROUTE, 0);
}

static void dev_put(struct lb_dev_conf *dev, const char *name)
{
	dev->ifindex = if_nametoindex(name);
	must(lb_maps_dev_put(w.maps, dev, &err));
	usleep(WITHIN * 1e6);
}

/*
 * An outer source that no router would forward is none: ::1 is all that the namespace has, then a
 * link-local address, and the kernel would take either.
 */
Test(lb_nexthop, no_source)
{
	struct pkt_spec v6 = {V6};

	follows("addr del 2001:db8:1::1/64 dev in\naddr del 2001:db8:2::77/128 dev out\n"
		"addr del 2001:db8:2::1/64 dev out\n"
		"neigh replace fe80::fe lladdr 02:00:00:00:01:fe dev in nud permanent\n"
		"route replace fd00:0::/32 via fe80::fe dev in onlink\n",
		&v6, LB_DROP_NO_SOURCE, 0);
	must(world_ip("addr add fe80::1/64 dev in nodad\n", &err));
	usleep(WITHIN * 1e6);
	follows("addr add fe80::2/64 dev out nodad\n", &v6, LB_DROP_NO_SOURCE, 0);
	follows("addr add 2001:db8:77::1/128 dev lo nodad\n", &v6, LB_TX, 0xfe);
}

/* Where the kernel knows no source, the one of map `dev` is taken. */
Test(lb_nexthop, source_of_the_device)
{
	struct lb_dev_conf dev = {0};
	struct pkt_spec v6 = {V6};
	struct way way;

	must(parse_addr("2001:db8:99::1", &dev.src6, &err));
	must(world_ip("addr del 2001:db8:1::1/64 dev in\naddr del 2001:db8:2::77/128 dev out\n"
		      "addr del 2001:db8:2::1/64 dev out\naddr del ::1/128 dev lo\n"
		      "neigh replace fe80::fe lladdr 02:00:00:00:01:fe dev in nud permanent\n"
		      "route replace fd00:0::/32 via fe80::fe dev in onlink\n",
		      &err));
	dev_put(&dev, "in");
	go(&v6, &way);
	cr_assert(eq(int, way.why, LB_TX), "%s", world_why_name(way.why));
	cr_assert(ptest_is(&way.src, "2001:db8:99::1"), "%s", text(&way.src));
}

/* "out" in the part of a VLAN device above "in": its frames leave by "in" with its tags. */
Test(lb_nexthop, vlan_device)
{
	struct lb_dev_conf dev = {.lower = w.in, .tag = {{0x8100, 100}}};
	struct pkt_spec v4 = {.dst = "203.0.113.3"}, tagged = {.dst = "203.0.113.3", .tag = {7, 8}};
	struct pkt in, out;

	for (int tags = 1; tags <= 2; tags++) {
		for (int i = 0; i < 2; i++) {
			struct way way;

			dev_put(&dev, "out");
			pkt_build(&in, i ? &tagged : &v4);
			cr_assert(eq(int, ptest_send(&w, &in, &out, "vlan"), LB_TX));
			cr_assert(eq(u32, out.len, 14 + 4 * tags + 20 + 40));
			cr_assert(zero(
				int, memcmp(out.b + 12,
					    tags == 1 ? "\x81\x00\x00\x64\x08\x00"
						      : "\x88\xa8\x00\x64\x81\x00\x00\x05\x08\x00",
					    2 + 4 * tags)));
			go(i ? &tagged : &v4, &way);
			cr_assert(is_mac(way.dmac, 2, 0xfe) && is_mac(way.smac, 2, 1));
			cr_assert(ptest_is(&way.dst, "10.1.0.1"));
		}
		dev.tag[0].tpid = 0x88a8;
		dev.tag[1].tpid = 0x8100;
		dev.tag[1].tci = 5;
	}
}

/* `via`: everything that comes by the device goes to that neighbour, whatever the routes say. */
Test(lb_nexthop, via)
{
	struct lb_dev_conf dev = {0};
	struct pkt_spec v4 = {V4}, v6 = {V6}, lost = {.dst = "203.0.113.7"};
	struct way way;

	go(&v4, &way);
	cr_assert(eq(int, way.why, LB_TX));
	must(parse_addr("198.51.100.254", &dev.via, &err));
	dev_put(&dev, "in");
	go(&v4, &way);
	cr_assert(eq(int, way.why, LB_TX_REDIRECT));
	cr_assert(is_mac(way.dmac, 2, 0xfe) && ptest_is(&way.dst, "10.0.0.1"));
	cr_assert(ptest_is(&way.src, "198.51.100.1"));
	go(&lost, &way);
	cr_assert(eq(int, way.why, LB_TX_REDIRECT), "no route is needed");
	must(parse_addr("2001:db8:2::fe", &dev.via, &err));
	must(parse_addr("192.0.2.111", &dev.src4,
			&err)); /* an IPv6 next hop names no IPv4 source */
	dev_put(&dev, "in");
	go(&v6, &way);
	cr_assert(eq(int, way.why, LB_TX_REDIRECT));
	cr_assert(ptest_is(&way.dst, "fd00::1"));
	cr_assert(ptest_is(&way.src, world_link[WORLD_OUT].addr6) ||
		  ptest_is(&way.src, world_src6));
	go(&v4, &way);
	cr_assert(eq(int, way.why, LB_TX_REDIRECT));
	cr_assert(ptest_is(&way.dst, "10.0.0.1") && ptest_is(&way.src, "192.0.2.111"));
	must(lb_maps_dev_del(w.maps, w.in, &err));
	usleep(WITHIN * 1e6);
	go(&v4, &way);
	cr_assert(way.why == LB_TX && is_mac(way.dmac, 1, 0xfe), "and back");
}

/* With `via` a next hop holds for its device only: two devices, one real. */
Test(lb_nexthop, via_is_each_devices_own)
{
	struct lb_dev_conf dev = {0};
	struct pkt_spec v4 = {V4};
	struct way way;

	must(parse_addr("198.51.100.254", &dev.via, &err));
	dev_put(&dev, "out");
	for (int i = 0; i < 6; i++) {
		w.in = if_nametoindex(i & 1 ? "out" : "in");
		go(&v4, &way);
		cr_assert(eq(int, way.why, LB_TX));
		cr_assert(is_mac(way.dmac, i & 1 ? 2 : 1, 0xfe), "packet %d", i);
	}
}

/* It is its device's own even while nobody has been told yet that there is any. */
Test(lb_nexthop, via_before_it_is_said)
{
	struct lb_dev raw = {.via_family = 4, .via = {198, 51, 100, 254}};
	uint32_t out = if_nametoindex("out");
	struct pkt_spec v4 = {V4};
	struct way way;
	int fd = world_map(&w, "dev", &err);

	must(bpf_map_update_elem(fd, &out, &raw, BPF_ANY));
	close(fd);
	w.in = out;
	go(&v4, &way);
	cr_assert(is_mac(way.dmac, 2, 0xfe));
	w.in = if_nametoindex("in");
	go(&v4, &way);
	cr_assert(is_mac(way.dmac, 1, 0xfe), "a packet of another device goes by it");
}

/* Without it, two devices in turn share the entry: the action is each one's own all the same. */
Test(lb_nexthop, two_devices_in_turn)
{
	struct pkt_spec v4 = {V4}, two = {V4, .tag = {5}};
	struct way way;

	for (int i = 0; i < 6; i++) {
		w.in = if_nametoindex(i & 1 ? "out" : "in");
		go(&v4, &way);
		cr_assert(eq(int, way.why, i & 1 ? LB_TX_REDIRECT : LB_TX), "packet %d", i);
		cr_assert(is_mac(way.dmac, 1, 0xfe) && is_mac(way.smac, 1, 1));
		go(&two, &way);
		cr_assert(eq(int, way.why, i & 1 ? LB_TX_REDIRECT : LB_TX), "packet %d", i);
	}
}

/* Two devices share the entry; a packet's own tags stay where it leaves by the device it came on, only there. */
Test(lb_nexthop, tags_are_the_packets_own)
{
	struct pkt_spec plain = {V4}, tagged = {V4, .tag = {5, 6}};
	struct pkt in, out;

	for (int i = 0; i < 12; i++) {
		bool other = i & 1;

		w.in = if_nametoindex(other ? "out" : "in");
		pkt_build(&in, i & 2 ? &tagged : &plain);
		cr_assert(
			eq(int, ptest_send(&w, &in, &out, "tags"), other ? LB_TX_REDIRECT : LB_TX));
		cr_assert(eq(u32, out.len, 14 + (i & 2 && !other ? 8 : 0) + 20 + 40),
			  "packet %d:%s", i, pkt_dump(&out));
	}
}

/* A next hop that was last used 2^31 jiffies ago, 25 days at 1000 Hz, is not one of the future. */
Test(lb_nexthop, old_ones_stay_old)
{
	struct lb_nexthop nh[256];
	struct pkt_spec v4 = {V4};
	char path[128];
	struct way way;
	int map;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/nexthop", w.instance);
	map = bpf_obj_get(path);
	cr_assert(map >= 0 && w.cpus <= 256);
	go(&v4, &way);
	for (uint32_t id = 0, n = 0; !bpf_map_lookup_elem(map, &id, nh); id++) {
		for (uint32_t cpu = 0; cpu < w.cpus; cpu++) {
			nh[cpu].until += 0x70000000;
			nh[cpu].l2[5] = 0xbb;
			n += nh[cpu].out != 0;
		}
		cr_assert(zero(int, bpf_map_update_elem(map, &id, nh, BPF_ANY)));
		cr_assert(id < 63 || n > 0);
	}
	close(map);
	go(&v4, &way);
	cr_assert(is_mac(way.dmac, 1, 0xfe), "by %02x", way.dmac[5]);
}
