/* SPDX-License-Identifier: GPL-2.0 */
/* The ends of flows. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "lib/parse.h"
#include "tests/unit/words.h"

Test(parse_end, takes)
{
	static const char *const words[] = {"192.0.2.1:1", "198.51.100.7:65535",
					    "[2001:db8::7]:40000"};
	char buf[LB_SERVICE_STRLEN];
	struct lb_addr addr;
	uint16_t port;

	for (size_t i = 0; i < COUNT(words); i++) {
		cr_expect(eq(int, parse_end(words[i], &addr, &port, &err), 0), "%s: %s", words[i],
			  err.msg);
		format_end(&addr, port, buf);
		cr_expect(eq(str, buf, (char *)words[i]));
	}
	cr_expect(eq(int, parse_end("192.0.2.1:443", &addr, &port, &err), 0));
	cr_expect(eq(u16, port, 443), "host order");
	cr_expect(eq(u8, addr.family, 4));
	cr_expect(eq(int, parse_end("[2001:DB8::0:7]:2", &addr, &port, &err), 0));
	cr_expect(eq(u8, addr.family, 6));
}

#define PORT "the port must be 1-65535"
#define MISSING "the port is missing: ADDRESS:PORT"

static const char *const bad[][2] = {
	{"", MISSING},
	{"192.0.2.1", MISSING},
	{"[2001:db8::1]", MISSING},
	{":80", "the address is missing: ADDRESS:PORT"},
	{"192.0.2.1:", PORT},
	{"192.0.2.1:0", PORT},
	{"192.0.2.1:any", PORT},
	{"192.0.2.1:65536", PORT},
	{"192.0.2.1:080", PORT},
	{"192.0.2.1:80/tcp", PORT},
	{"2001:db8::1:80", "an IPv6 address needs brackets: [2001:db8::1]:80"},
	{"2001:db8::80:", "an IPv6 address needs brackets: [ADDRESS]:PORT"},
	{"[192.0.2.1]:80", "an IPv4 address takes no brackets: 192.0.2.1:80"},
	{"192.0.2.256:80", "\"192.0.2.256\" is not an IPv4 or IPv6 address"},
	{"web:80", "\"web\" is not an IPv4 or IPv6 address"},
	{"0.0.0.0:80", "the unspecified address: must be a unicast address"},
	{"[ff02::1]:80", "a multicast address: must be a unicast address"},
};

Test(parse_end, refuses)
{
	struct lb_addr addr;
	uint16_t port;

	memset(&addr, NOTHING, sizeof(addr));
	memset(&port, NOTHING, sizeof(port));
	for (size_t i = 0; i < COUNT(bad); i++)
		refused(parse_end(bad[i][0], &addr, &port, &err), bad[i][0], bad[i][1]);
	cr_expect(untouched(&addr, sizeof(addr)));
	cr_expect(untouched(&port, sizeof(port)));
}
