/* SPDX-License-Identifier: GPL-2.0 */
/* What the program is told of devices: VLAN devices on attached ones, their tags, outer sources. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "lib/devconf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define DOT1Q 0x8100
#define DOT1AD 0x88a8

/*
 * eth0; eth0.100 on it; eth0.100.7 on that; one more on top; eth1; eth1.5; a VLAN of another
 * namespace's device
 */
static const struct lb_link links[] = {
	{.ifindex = 1, .name = "lo"},
	{.ifindex = 2, .name = "eth0"},
	{.ifindex = 3, .name = "eth1"},
	{.ifindex = 10, .name = "eth0.100", .lower = 2, .vlan_proto = DOT1AD, .vlan_id = 100},
	{.ifindex = 11, .name = "eth0.100.7", .lower = 10, .vlan_proto = DOT1Q, .vlan_id = 7},
	{.ifindex = 12, .name = "three", .lower = 11, .vlan_proto = DOT1Q, .vlan_id = 8},
	{.ifindex = 13, .name = "eth1.5", .lower = 3, .vlan_proto = DOT1Q, .vlan_id = 5},
	{.ifindex = 14, .name = "afar", .lower = 99, .vlan_proto = DOT1Q, .vlan_id = 9},
};

#define V4(last, index, range) \
	{ \
		.addr = {4, {10, 0, 0, last}}, .ifindex = index, .scope = range \
	}
static const struct lb_nl_addr addrs[] = {
	V4(1, 1, RT_SCOPE_HOST),
	V4(3, 3, RT_SCOPE_UNIVERSE),
	V4(2, 2, RT_SCOPE_UNIVERSE),
	V4(22, 2, RT_SCOPE_UNIVERSE),
	{.addr = {6, {0x20, 1, [15] = 3}}, .ifindex = 3, .scope = RT_SCOPE_UNIVERSE},
};

/* The entry of the device when those of these ifindexes are attached; false when it needs none. */
static bool entry(uint32_t ifindex, const uint32_t *on, size_t n, struct lb_dev_conf *conf)
{
	bool attached[COUNT(links)] = {false};
	struct lb_devs d = {links, attached, COUNT(links), addrs, COUNT(addrs)};

	for (size_t i = 0; i < n; i++)
		attached[lb_devs_index(&d, on[i])] = true;
	return lb_devconf(&d, lb_devs_index(&d, ifindex), conf);
}

static void expect_tags(const struct lb_dev_conf *c, uint16_t tpid0, uint16_t tci0, uint16_t tpid1,
			uint16_t tci1)
{
	cr_expect(eq(int, c->tag[0].tpid, tpid0));
	cr_expect(eq(int, c->tag[0].tci, tci0));
	cr_expect(eq(int, c->tag[1].tpid, tpid1));
	cr_expect(eq(int, c->tag[1].tci, tci1));
}

Test(devconf, an_attached_device)
{
	struct lb_dev_conf c;

	cr_expect(entry(2, (uint32_t[]){2}, 1, &c));
	cr_expect(eq(u32, c.ifindex, 2));
	cr_expect(c.attached);
	cr_expect(eq(u32, c.lower, 0));
	expect_tags(&c, 0, 0, 0, 0);
}

Test(devconf, devices_that_need_no_entry)
{
	static const uint32_t without[] = {1, 3, 13, 14};
	struct lb_dev_conf c;

	for (size_t i = 0; i < COUNT(without); i++)
		cr_expect(not(entry(without[i], (uint32_t[]){2}, 1, &c)), "%u", without[i]);
}

Test(devconf, one_tag)
{
	struct lb_dev_conf c;

	cr_expect(entry(10, (uint32_t[]){2}, 1, &c));
	cr_expect(not(c.attached));
	cr_expect(eq(u32, c.lower, 2));
	expect_tags(&c, DOT1AD, 100, 0, 0);
}

Test(devconf, two_tags_the_outer_first)
{
	struct lb_dev_conf c;

	cr_expect(entry(11, (uint32_t[]){2}, 1, &c));
	cr_expect(eq(u32, c.lower, 2));
	expect_tags(&c, DOT1AD, 100, DOT1Q, 7);
}

Test(devconf, three_tags_are_too_many)
{
	struct lb_dev_conf c;

	cr_expect(not(entry(12, (uint32_t[]){2}, 1, &c)));
	expect_tags(&c, 0, 0, 0, 0);
}

/* The nearest attached device below is the one by which packets leave. */
Test(devconf, attached_at_two_levels)
{
	struct lb_dev_conf c;

	cr_expect(entry(11, (uint32_t[]){2, 10}, 2, &c));
	cr_expect(eq(u32, c.lower, 10));
	expect_tags(&c, DOT1Q, 7, 0, 0);
	cr_expect(entry(10, (uint32_t[]){2, 10}, 2, &c));
	cr_expect(c.attached);
	cr_expect(eq(u32, c.lower, 2));
	expect_tags(&c, DOT1AD, 100, 0, 0);
}

Test(devconf, a_lone_vlan_device)
{
	struct lb_dev_conf c;

	cr_expect(entry(13, (uint32_t[]){13}, 1, &c));
	cr_expect(c.attached);
	cr_expect(eq(u32, c.lower, 0));
	expect_tags(&c, 0, 0, 0, 0);
}

Test(devconf, outer_sources)
{
	struct lb_dev_conf c;

	/* The device's own first one; for the other family any device's. */
	entry(2, (uint32_t[]){2}, 1, &c);
	cr_expect(eq(int, c.src4.family, 4));
	cr_expect(eq(int, c.src4.b[3], 2));
	cr_expect(eq(int, c.src6.family, 6));
	cr_expect(eq(int, c.src6.b[15], 3));
	/* Without one of its own: another's, never one of host scope. */
	entry(11, (uint32_t[]){2}, 1, &c);
	cr_expect(eq(int, c.src4.b[3], 3));
}

Test(devconf, no_address_at_all)
{
	bool attached[] = {true};
	struct lb_devs d = {&links[1], attached, 1, addrs, 1};
	struct lb_dev_conf c;

	cr_expect(lb_devconf(&d, 0, &c));
	cr_expect(eq(int, c.src4.family, 0));
	cr_expect(eq(int, c.src6.family, 0));
}
