/* SPDX-License-Identifier: GPL-2.0 */
/* Words to values and back, and what is said of words that are wrong. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/parse.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOTHING 0x5a /* what an output holds that must not be written */

static struct lb_err err;

static bool untouched(const void *p, size_t n)
{
	const unsigned char *b = p;

	while (n && b[n - 1] == NOTHING)
		n--;
	return n == 0;
}

/* A refusal: -1, a usage error, this message of printable ASCII. */
static void refused(int rc, const char *word, const char *message)
{
	cr_expect(eq(int, rc, -1), "%s", word);
	cr_expect(eq(int, err.status, LB_USAGE), "%s", word);
	cr_expect(eq(str, err.msg, (char *)message), "%s", word);
	for (const char *p = err.msg; *p; p++)
		cr_expect(*p >= 0x20 && *p < 0x7f, "%s", err.msg);
	err = (struct lb_err){0};
}

/* Numbers ---------------------------------------------------------------------------------------- */

Test(parse_u32, takes)
{
	static const struct {
		const char *word;
		uint32_t min, max, val;
	} rows[] = {
		{"0", 0, 0, 0},
		{"1", 1, 65535, 1},
		{"65535", 1, 65535, 65535},
		{"4294967295", 0, UINT32_MAX, UINT32_MAX},
		{"70000", 70000, 70000, 70000},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t val = ~rows[i].val;

		cr_expect(
			eq(int, parse_u32(rows[i].word, rows[i].min, rows[i].max, &val, &err), 0));
		cr_expect(eq(u32, val, rows[i].val), "%s", rows[i].word);
	}
}

Test(parse_u32, refuses)
{
	static const char *const words[] = {
		"",
		"0",
		"65536",
		"70000",
		"4294967296",
		"4294967297",
		"18446744073709551617",
		"-1",
		"+1",
		" 1",
		"1 ",
		"0x10",
		"1e3",
		"1.0",
		"1,000",
		"ten",
		"1a",
		"99999999999999999999999999999999999",
	};
	uint32_t val;

	memset(&val, NOTHING, sizeof(val));
	for (size_t i = 0; i < COUNT(words); i++) {
		char message[LB_ERR_LEN];

		snprintf(message, sizeof(message), "\"%s\": must be 1-65535", words[i]);
		refused(parse_u32(words[i], 1, 65535, &val, &err), words[i], message);
	}
	refused(parse_u32("010", 0, 99, &val, &err), "010", "\"010\": leading zero: must be 0-99");
	refused(parse_u32("00", 0, 99, &val, &err), "00", "\"00\": leading zero: must be 0-99");
	refused(parse_u32("\xd9\xa3", 0, 9, &val, &err), "Arabic 3", "\"\\xd9\\xa3\": must be 0-9");
	cr_expect(untouched(&val, sizeof(val)));
}

Test(parse_hex64, takes_and_refuses)
{
	static const struct {
		const char *word;
		uint64_t val;
	} good[] = {
		{"0", 0},   {"00000000000000ff", 0xff},	      {"0xDEADbeef", 0xdeadbeef},
		{"0X1", 1}, {"ffffffffffffffff", UINT64_MAX},
	};
	static const char *const bad[] = {"",
					  "0x",
					  "x1",
					  "-1",
					  " 1",
					  "1 ",
					  "12g",
					  "0x0x1",
					  "00000000000000000",
					  "0x10000000000000000"};
	uint64_t val;

	for (size_t i = 0; i < COUNT(good); i++) {
		cr_expect(eq(int, parse_hex64(good[i].word, &val, &err), 0));
		cr_expect(eq(u64, val, good[i].val), "%s", good[i].word);
	}
	memset(&val, NOTHING, sizeof(val));
	for (size_t i = 0; i < COUNT(bad); i++) {
		char message[LB_ERR_LEN];

		snprintf(message, sizeof(message), "\"%s\": must be 1-16 hexadecimal digits",
			 bad[i]);
		refused(parse_hex64(bad[i], &val, &err), bad[i], message);
	}
	cr_expect(untouched(&val, sizeof(val)));
}

/* Names and choices ------------------------------------------------------------------------------ */

Test(parse_name, takes)
{
	cr_expect(eq(int, parse_name("a", &err), 0));
	cr_expect(eq(int, parse_name("0-_Z", &err), 0));
	cr_expect(eq(int, parse_name("abcdefghijklmnopqrstuvwxyz01234", &err), 0), "31 characters");
}

Test(parse_name, refuses)
{
	static const char *const bad[] = {"",	 ".",  "..",  "-a",  "_a",   "a.b",	   "a/b",
					  "a b", " a", "a\n", "a:b", "a\"b", "caf\xc3\xa9"};

	for (size_t i = 0; i < COUNT(bad); i++) {
		cr_expect(eq(int, parse_name(bad[i], &err), -1), "%s", bad[i]);
		cr_expect(eq(int, err.status, LB_USAGE));
		cr_expect(strstr(err.msg, "\": must be letters, digits, \"-\" and \"_\""));
	}
	refused(parse_name("abcdefghijklmnopqrstuvwxyz012345", &err), "32 characters",
		"\"abcdefghijklmnopqrstuvwxyz012345\": must be at most 31 characters");
	refused(parse_name("a\x1b[31m", &err), "an escape sequence",
		"\"a\\x1b[31m\": must be letters, digits, \"-\" and \"_\", the first one a letter "
		"or digit");
}

static const char *const states[] = {"up", "drain", "down", NULL};
static const char *const verbs[] = {"add", "replace", "del", "show", "help", NULL};

Test(parse_choice, takes)
{
	int val = -1;

	cr_expect(eq(int, parse_choice("up", states, &val, &err), 0));
	cr_expect(eq(int, val, 0));
	cr_expect(eq(int, parse_choice("down", states, &val, &err), 0));
	cr_expect(eq(int, val, 2));
}

Test(parse_choice, refuses_and_suggests)
{
	static const char *const one[] = {"tcp", NULL};
	int val;

	memset(&val, NOTHING, sizeof(val));
	refused(parse_choice("drian", states, &val, &err), "drian",
		"\"drian\": must be up, drain or down");
	refused(parse_choice("", states, &val, &err), "", "\"\": must be up, drain or down");
	refused(parse_choice("UP", states, &val, &err), "UP", "\"UP\": must be up, drain or down");
	refused(parse_choice("dr", states, &val, &err), "dr", "\"dr\": must be up, drain or down");
	refused(parse_choice("udp", one, &val, &err), "udp", "\"udp\": must be tcp");
	refused(parse_choice("shwo", verbs, &val, &err), "shwo",
		"\"shwo\": did you mean \"show\"? must be add, replace, del, show or help");
	refused(parse_choice("relpace", verbs, &val, &err), "relpace",
		"\"relpace\": did you mean \"replace\"? must be add, replace, del, show or help");
	refused(parse_choice("list", verbs, &val, &err), "list",
		"\"list\": must be add, replace, del, show or help");
	refused(parse_choice("xyz", verbs, &val, &err), "as long as its distance",
		"\"xyz\": must be add, replace, del, show or help");
	refused(parse_choice("ded", (const char *const[]){"del", "dem", "a", "b", NULL}, &val,
			     &err),
		"two as near as each other", "\"ded\": must be del, dem, a or b");
	cr_expect(untouched(&val, sizeof(val)));
}

Test(parse_choice, long_words_and_lists)
{
	static const char *many[101];
	char word[5000];
	int val;

	for (size_t i = 0; i < COUNT(many) - 1; i++)
		many[i] = "a-rather-long-choice";
	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	refused(parse_choice(word, states, &val, &err), "overlong",
		"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\": "
		"must be up, drain or down");
	cr_expect(eq(int, parse_choice("x", many, &val, &err), -1));
	cr_expect(eq(sz, strlen(err.msg), LB_ERR_LEN - 1));
	cr_expect(eq(str, err.msg + LB_ERR_LEN - 4, "..."), "a cut list says so");
}

/* Addresses -------------------------------------------------------------------------------------- */

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
	static const char *const no_address[] = {
		"",
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
		"[2001:db8::1]:80",
	};
	struct lb_addr addr;

	memset(&addr, NOTHING, sizeof(addr));
	for (size_t i = 0; i < COUNT(no_address); i++) {
		cr_expect(eq(int, parse_addr(no_address[i], &addr, &err), -1), "%s", no_address[i]);
		cr_expect(eq(int, err.status, LB_USAGE));
		cr_expect(strstr(err.msg, "\": not an IPv4 or IPv6 address"), "%s", err.msg);
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
		char message[LB_ERR_LEN];

		snprintf(message, sizeof(message), "\"%s\": %s", rows[i][0], rows[i][1]);
		refused(parse_addr(rows[i][0], &addr, &err), rows[i][0], message);
	}
	refused(parse_addr("10.0.0.\xef\xbc\x91", &addr, &err), "a full-width 1",
		"\"10.0.0.\\xef\\xbc\\x91\": not an IPv4 or IPv6 address");
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

/* Prefixes --------------------------------------------------------------------------------------- */

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
		char message[LB_ERR_LEN];

		snprintf(message, sizeof(message), "\"%s\": %s", rows[i][0], rows[i][1]);
		refused(parse_net(rows[i][0], &net, &err), rows[i][0], message);
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

/* Services --------------------------------------------------------------------------------------- */

Test(parse_service, takes)
{
	static const char *const rows[][2] = {
		{"192.0.2.1:80/tcp", "192.0.2.1:80/tcp"},
		{"192.0.2.1:any/udp", "192.0.2.1:any/udp"},
		{"[2001:db8::1]:443/tcp", "[2001:db8::1]:443/tcp"},
		{"[2001:DB8::0:1]:any/udp", "[2001:db8::1]:any/udp"},
		{"192.0.2.1:65535/udp", "192.0.2.1:65535/udp"},
		{"[feff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535/udp",
		 "[feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535/udp"},
	};
	struct lb_service svc;

	for (size_t i = 0; i < COUNT(rows); i++) {
		char buf[LB_SERVICE_STRLEN];

		cr_expect(eq(int, parse_service(rows[i][0], &svc, &err), 0), "%s: %s", rows[i][0],
			  err.msg);
		format_service(&svc, buf);
		cr_expect(eq(str, buf, (char *)rows[i][1]));
	}
	cr_expect(eq(int, parse_service("192.0.2.1:443/tcp", &svc, &err), 0));
	cr_expect(eq(u16, svc.port, 443), "host order");
	cr_expect(eq(u8, svc.proto, IPPROTO_TCP));
	cr_expect(eq(u8, svc.addr.family, 4));
	cr_expect(eq(int, parse_service("192.0.2.1:any/udp", &svc, &err), 0));
	cr_expect(eq(u16, svc.port, 0));
	cr_expect(eq(u8, svc.proto, IPPROTO_UDP));
}

#define PORT "the port must be 1-65535 or any"
#define PROTO "the protocol must be tcp or udp"
#define BRACKETS "an IPv6 address needs brackets: "

static const char *const bad_services[][2] = {
	{"", "the protocol is missing: ADDRESS:PORT/PROTO"},
	{"192.0.2.1", "the protocol is missing: ADDRESS:PORT/PROTO"},
	{"192.0.2.1:80", "the protocol is missing: ADDRESS:PORT/PROTO"},
	{"[2001:db8::1]:80", "the protocol is missing: ADDRESS:PORT/PROTO"},
	{"192.0.2.1/tcp", "the port is missing: ADDRESS:PORT/PROTO"},
	{"[2001:db8::1]/tcp", "the port is missing: ADDRESS:PORT/PROTO"},
	{":80/tcp", "the address is missing: ADDRESS:PORT/PROTO"},
	{"2001:db8::1:80/tcp", BRACKETS "[2001:db8::1]:80/tcp"},
	{"2001:db8::1/tcp", BRACKETS "[ADDRESS]:PORT/PROTO"},
	{"::/tcp", BRACKETS "[ADDRESS]:PORT/PROTO"},
	{"10.0.0.1:80:81/tcp", BRACKETS "[ADDRESS]:PORT/PROTO"},
	{"[10.0.0.1]:80/tcp", "an IPv4 address takes no brackets: 10.0.0.1:80/tcp"},
	{"10.0.0.256:80/tcp", "\"10.0.0.256\" is not an IPv4 or IPv6 address"},
	{"10.0.0.01:80/tcp", "\"10.0.0.01\" is not an IPv4 or IPv6 address"},
	{"[]:80/tcp", "\"[]\" is not an IPv4 or IPv6 address"},
	{"[:80/tcp", "\"[\" is not an IPv4 or IPv6 address"},
	{"[2001:db8::1:80/tcp", "\"[2001:db8::1\" is not an IPv4 or IPv6 address"},
	{"[2001:db8::1]x:80/tcp", "\"[2001:db8::1]x\" is not an IPv4 or IPv6 address"},
	{"[fe80::1%1]:80/tcp", "\"[fe80::1%1]\" is not an IPv4 or IPv6 address"},
	{"web:80/tcp", "\"web\" is not an IPv4 or IPv6 address"},
	{"0.0.0.0:80/tcp", "the unspecified address: must be a unicast address"},
	{"224.0.0.1:80/udp", "a multicast address: must be a unicast address"},
	{"[::ffff:10.0.0.1]:80/tcp", "an IPv4-mapped address: must be 10.0.0.1"},
	{"10.0.0.1:0/tcp", PORT},
	{"10.0.0.1:/tcp", PORT},
	{"10.0.0.1:65536/tcp", PORT},
	{"10.0.0.1:655350/tcp", PORT},
	{"10.0.0.1:080/tcp", PORT},
	{"10.0.0.1:+80/tcp", PORT},
	{"10.0.0.1: 80/tcp", PORT},
	{"10.0.0.1:http/tcp", PORT},
	{"10.0.0.1:ANY/tcp", PORT},
	{"10.0.0.1:80/", PROTO},
	{"10.0.0.1:80/TCP", PROTO},
	{"10.0.0.1:80/tcp ", PROTO},
	{"10.0.0.1:80/tcp/udp", PROTO},
	{"10.0.0.1:80/sctp", PROTO},
	{"10.0.0.1:80/6", PROTO},
};

Test(parse_service, refuses)
{
	struct lb_service svc;

	memset(&svc, NOTHING, sizeof(svc));
	for (size_t i = 0; i < COUNT(bad_services); i++) {
		const char *const *row = bad_services[i];
		char message[LB_ERR_LEN];

		snprintf(message, sizeof(message), "\"%s\": %s", row[0], row[1]);
		refused(parse_service(row[0], &svc, &err), row[0], message);
	}
	cr_expect(untouched(&svc, sizeof(svc)));
}

/* Every word one byte away from a good one is refused or is written back as it was typed. */
Test(parse_service, one_byte_off)
{
	static const char *const good[] = {"192.0.2.1:80/tcp", "[2001:db8::1]:any/udp"};
	char word[64], buf[LB_SERVICE_STRLEN];
	struct lb_service svc, again;

	for (size_t g = 0; g < COUNT(good); g++) {
		for (size_t i = 0; i < strlen(good[g]); i++) {
			for (int c = 1; c < 256; c++) {
				strcpy(word, good[g]);
				word[i] = (char)c;
				if (parse_service(word, &svc, &err) < 0)
					continue;
				format_service(&svc, buf);
				cr_expect(eq(int, strcasecmp(buf, word), 0), "%s", word);
				cr_assert(eq(int, parse_service(buf, &again, &err), 0));
				cr_expect(eq(int, lb_service_cmp(&svc, &again), 0));
			}
		}
	}
}

/* Orders ----------------------------------------------------------------------------------------- */

Test(lb_service_cmp, order)
{
	static const char *const sorted[] = {
		"9.255.255.255:443/tcp", "10.0.0.1:any/tcp", "10.0.0.1:any/udp",
		"10.0.0.1:80/tcp",	 "10.0.0.1:80/udp",  "10.0.0.1:443/tcp",
		"200.0.0.1:80/tcp",	 "[::1]:80/tcp",     "[2001:db8::1]:80/tcp",
		"[2001:db8::2]:1/tcp",
	};
	struct lb_service a, b;

	for (size_t i = 0; i < COUNT(sorted); i++) {
		for (size_t j = 0; j < COUNT(sorted); j++) {
			int d;

			cr_assert(eq(int, parse_service(sorted[i], &a, &err), 0));
			cr_assert(eq(int, parse_service(sorted[j], &b, &err), 0));
			d = lb_service_cmp(&a, &b);
			cr_expect(eq(int, (d > 0) - (d < 0), (i > j) - (i < j)), "%s %s", sorted[i],
				  sorted[j]);
		}
	}
}

/* Messages --------------------------------------------------------------------------------------- */

Test(err, prefix_and_cut)
{
	char word[2 * LB_ERR_LEN];

	cr_expect(eq(int, lb_fail(&err, "no %s", "room"), -1));
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(int, lb_prefix(&err, "%s:%d", "a\tfile", 40), -1));
	cr_expect(eq(str, err.msg, "a\\x09file:40: no room"));
	cr_expect(eq(int, lb_prefix(&err, "%s", ""), -1));
	cr_expect(eq(str, err.msg, ": a\\x09file:40: no room"), "what is escaped is so once");
	cr_expect(eq(int, err.status, LB_FAILED), "a prefix leaves the status");

	memset(word, 'w', sizeof(word));
	for (size_t n = LB_ERR_LEN - 8; n < LB_ERR_LEN + 8; n++) {
		word[n] = '\0';
		lb_usage(&err, "%s", word);
		word[n] = 'w';
		cr_expect(eq(sz, strlen(err.msg), n < LB_ERR_LEN ? n : LB_ERR_LEN - 1));
		cr_expect(eq(int, strstr(err.msg, "...") != NULL, n >= LB_ERR_LEN), "%zu", n);
	}
	memset(word, '\xff', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	lb_usage(&err, "%s", word);
	cr_expect(eq(int, err.status, LB_USAGE));
	cr_expect(eq(sz, strlen(err.msg) % 4, 3), "no half of \\xff in front of the dots");
	cr_expect(eq(str, err.msg + strlen(err.msg) - 7, "\\xff..."));
	lb_prefix(&err, "x%s", "y");
	cr_expect(eq(int, strncmp(err.msg, "xy: \\xff", 8), 0));
	cr_expect(eq(str, err.msg + strlen(err.msg) - 3, "..."));
}
