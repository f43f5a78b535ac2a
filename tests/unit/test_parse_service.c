/* SPDX-License-Identifier: GPL-2.0 */
/* Services, and their order. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/parse.h"
#include "tests/unit/words.h"

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
		refused(parse_service(row[0], &svc, &err), row[0], row[1]);
	}
	cr_expect(untouched(&svc, sizeof(svc)));
}

/*
 * Every word one byte away from a good one is refused or is written back as the same: to the byte
 * for IPv4, as the same value for IPv6, which has many spellings.
 */
Test(parse_service, one_byte_off)
{
	static const char *const good[] = {"192.0.2.1:80/tcp", "[2001:db8::1]:any/udp"};
	char word[64], buf[LB_SERVICE_STRLEN];
	struct lb_service svc, again;

	for (size_t g = 0; g < COUNT(good); g++) {
		for (size_t i = 0; i < strlen(good[g]); i++) {
			for (int c = 1; c < 256; c++) {
				memcpy(word, good[g], strlen(good[g]) + 1);
				word[i] = (char)c;
				if (parse_service(word, &svc, &err) < 0)
					continue;
				format_service(&svc, buf);
				if (svc.addr.family == 4)
					cr_expect(eq(str, buf, word));
				cr_assert(eq(int, parse_service(buf, &again, &err), 0));
				cr_expect(eq(int, lb_service_cmp(&svc, &again), 0));
			}
		}
	}
}

Test(lb_service_cmp, order)
{
	static const char *const sorted[] = {"9.255.255.255:443/tcp", "10.0.0.1:any/tcp",
					     "10.0.0.1:any/udp",      "10.0.0.1:80/tcp",
					     "10.0.0.1:80/udp",	      "10.0.0.1:443/tcp",
					     "200.0.0.1:80/tcp",      "[::1]:80/tcp",
					     "[2001:db8::1]:80/tcp",  "[2001:db8::2]:1/tcp"};
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
