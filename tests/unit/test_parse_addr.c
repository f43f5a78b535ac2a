/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses and prefixes. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "lib/parse.h"
#include "tests/unit/words.h"

/* Each takes the first and writes the second. */
static const char *const addrs[][2] = {
	{"10.0.0.1", "10.0.0.1"},
	{"0.0.0.1", "0.0.0.1"},
	{"223.255.255.255", "223.255.255.255"},
	{"255.255.255.254", "255.255.255.254"},
	{"2001:db8::1", "2001:db8::1"},
	{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
	{"[2001:db8::1]", "2001:db8::1"},
	{"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
	{"::1", "::1"},
	{"fe80::1", "fe80::1"},
	{"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
	{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
	{"feff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
	 "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
};

Test(parse_addr, takes)
{
	for (size_t i = 0; i < COUNT(addrs); i++) {
		struct lb_addr addr;
		char buf[LB_ADDR_STRLEN];

		cr_expect(eq(int, parse_addr(addrs[i][0], &addr, &err), 0), "%s", addrs[i][0]);
		format_addr(&addr, buf);
		cr_expect(eq(str, buf, (char *)addrs[i][1]));
	}
}

Test(parse_addr, bytes)
{
	static const struct lb_addr v4 = {4, {10, 1, 2, 255}};
	static const struct lb_addr v6 = {6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	struct lb_addr addr;

	memset(&addr, NOTHING, sizeof(addr));
	cr_expect(eq(int, parse_addr("10.1.2.255", &addr, &err), 0));
	cr_expect(eq(int, memcmp(&addr, &v4, sizeof(addr)), 0), "the other twelve are zero");
	cr_expect(eq(int, parse_addr("2001:db8::1", &addr, &err), 0));
	cr_expect(eq(int, memcmp(&addr, &v6, sizeof(addr)), 0));
}

Test(parse_addr, refuses)
{
	static const char *const no_address[] = {"",
						 "10.0.0.256",
						 "10.0.0",
						 "10.0.0.1.2",
						 "10.0.0.01",
						 "010.0.0.1",
						 "10.0.0.1 ",
						 " 10.0.0.1",
						 "10.0.0.1\n",
						 "0x0a.0.0.1",
						 "1",
						 "3232235777",
						 "10..0.1",
						 "10.0.0.",
						 "10.0.0.-1",
						 "::g",
						 ":::",
						 "1::2::3",
						 "1:2:3:4:5:6:7",
						 "1:2:3:4:5:6:7:8:9",
						 "12345::",
						 "2001:db8::1:",
						 "[2001:db8::1",
						 "2001:db8::1]",
						 "[[2001:db8::1]]",
						 "[10.0.0.1]",
						 "[]",
						 "[",
						 "any",
						 "localhost",
						 ":",
						 "2001:db8::1.2.3",
						 "2001:db8::1.2.3.04",
						 "10.0.0.1:80",
						 "[2001:db8::1]:80"};
	struct lb_addr addr;

	memset(&addr, NOTHING, sizeof(addr));
	for (size_t i = 0; i < COUNT(no_address); i++) {
		cr_expect(eq(int, parse_addr(no_address[i], &addr, &err), -1), "%s", no_address[i]);
		cr_expect(eq(int, err.status, LB_USAGE));
		cr_expect(ne(ptr, strstr(err.msg, "\": not an IPv4 or IPv6 address"), NULL), "%s",
			  err.msg);
	}
	cr_expect(untouched(&addr, sizeof(addr)));
}

Test(parse_addr, says_why)
{
	static const char *const rows[][2] = {
		{"10.0.0.256", "not an IPv4 or IPv6 address"},
		{"10.0.0.0/8", "must be an address without a prefix length"},
		{"2001:db8::/32", "must be an address without a prefix length"},
		{"10.0.0.x/8", "not an IPv4 or IPv6 address"},
		{"fe80::1%eth0", "must be an address without a zone"},
		{"0.0.0.0", "the unspecified address: must be a unicast address"},
		{"::", "the unspecified address: must be a unicast address"},
		{"224.0.0.1", "a multicast address: must be a unicast address"},
		{"239.255.255.255", "a multicast address: must be a unicast address"},
		{"ff02::1", "a multicast address: must be a unicast address"},
		{"255.255.255.255", "the broadcast address: must be a unicast address"},
		{"::ffff:10.0.0.1", "an IPv4-mapped address: must be 10.0.0.1"},
		{"::ffff:a00:1", "an IPv4-mapped address: must be 10.0.0.1"},
	};
	struct lb_addr addr;

	for (size_t i = 0; i < COUNT(rows); i++) {
		refused(parse_addr(rows[i][0], &addr, &err), rows[i][0], rows[i][1]);
	}
	refused(parse_addr("10.0.0.\xef\xbc\x91", &addr, &err), "10.0.0.\\xef\\xbc\\x91",
		"not an IPv4 or IPv6 address");
}

Test(parse_addr, overlong)
{
	char word[100000];
	struct lb_addr addr;

	memset(word, '0', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	memcpy(word, "2001:db8::", 10);
	cr_expect(eq(int, parse_addr(word, &addr, &err), -1));
	cr_expect(eq(str, err.msg + 1 + 64, "...\": not an IPv4 or IPv6 address"));
}

Test(format_addr, none)
{
	struct lb_addr addr = {0};
	char buf[LB_ADDR_STRLEN];

	format_addr(&addr, buf);
	cr_expect(eq(str, buf, "none"));
}

Test(parse_net, takes)
{
	static const char *const rows[][2] = {
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"10.0.0.1", "10.0.0.1/32"},
		{"10.0.0.1/32", "10.0.0.1/32"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"128.0.0.0/1", "128.0.0.0/1"},
		{"10.0.0.128/25", "10.0.0.128/25"},
		{"::/0", "::/0"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"[2001:db8::]/33", "2001:db8::/33"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"8000::/1", "8000::/1"},
		{"2001:db8::fe/127", "2001:db8::fe/127"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char buf[LB_ADDR_STRLEN + 4];
		struct lb_net net;

		cr_expect(eq(int, parse_net(rows[i][0], &net, &err), 0), "%s", rows[i][0]);
		format_net(&net, buf);
		cr_expect(eq(str, buf, (char *)rows[i][1]));
	}
}

Test(parse_net, refuses)
{
	static const char *const rows[][2] = {
		{"10.0.0.1/8", "host bits are set: must be 10.0.0.0/8"},
		{"10.0.0.129/25", "host bits are set: must be 10.0.0.128/25"},
		{"10.0.0.1/0", "host bits are set: must be 0.0.0.0/0"},
		{"2001:db8::1/64", "host bits are set: must be 2001:db8::/64"},
		{"2001:db8::ff/127", "host bits are set: must be 2001:db8::fe/127"},
		{"10.0.0.0/33", "the length of the prefix must be 0-32"},
		{"10.0.0.0/", "the length of the prefix must be 0-32"},
		{"10.0.0.0/08", "the length of the prefix must be 0-32"},
		{"10.0.0.0/-1", "the length of the prefix must be 0-32"},
		{"10.0.0.0/8/8", "the length of the prefix must be 0-32"},
		{"10.0.0.0/255.0.0.0", "the length of the prefix must be 0-32"},
		{"10.0.0.0/4294967304", "the length of the prefix must be 0-32"},
		{"2001:db8::/129", "the length of the prefix must be 0-128"},
		{"any", "not an IPv4 or IPv6 address or prefix: ADDRESS[/LENGTH]"},
		{"", "not an IPv4 or IPv6 address or prefix: ADDRESS[/LENGTH]"},
		{"/8", "not an IPv4 or IPv6 address or prefix: ADDRESS[/LENGTH]"},
		{"10/8", "not an IPv4 or IPv6 address or prefix: ADDRESS[/LENGTH]"},
		{"0.0.0.0", "the unspecified address: everybody is 0.0.0.0/0"},
		{"::", "the unspecified address: everybody is ::/0"},
		{"224.0.0.0/4", "a multicast address: must be a unicast address"},
		{"ff00::/8", "a multicast address: must be a unicast address"},
		{"255.255.255.255", "the broadcast address: must be a unicast address"},
		{"::ffff:10.0.0.0/104", "an IPv4-mapped prefix: must be 10.0.0.0/8"},
	};
	struct lb_net net;

	memset(&net, NOTHING, sizeof(net));
	for (size_t i = 0; i < COUNT(rows); i++) {
		refused(parse_net(rows[i][0], &net, &err), rows[i][0], rows[i][1]);
	}
	cr_expect(untouched(&net, sizeof(net)));
}

/* Is the address in the prefix? */
static bool has(const char *net, const char *addr)
{
	struct lb_addr a;
	struct lb_net n;

	cr_assert(eq(int, parse_net(net, &n, &err), 0));
	cr_assert(eq(int, parse_addr(addr, &a, &err), 0));
	return lb_net_has(&n, &a);
}

Test(lb_net_has, families_and_lengths)
{
	cr_expect(has("0.0.0.0/0", "10.0.0.1"));
	cr_expect(not(has("0.0.0.0/0", "2001:db8::1")));
	cr_expect(not(has("::/0", "10.0.0.1")));
	cr_expect(has("::/0", "2001:db8::1"));
	cr_expect(has("10.0.0.0/8", "10.255.255.255"));
	cr_expect(not(has("10.0.0.0/8", "11.0.0.0")));
	cr_expect(has("10.0.0.128/25", "10.0.0.128"));
	cr_expect(not(has("10.0.0.128/25", "10.0.0.127")));
	cr_expect(has("10.0.0.1", "10.0.0.1"));
	cr_expect(not(has("10.0.0.1", "10.0.0.2")));
	cr_expect(has("2001:db8::fe/127", "2001:db8::ff"));
	cr_expect(not(has("2001:db8::fe/127", "2001:db8::fd")));
}
