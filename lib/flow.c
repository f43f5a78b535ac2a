/* SPDX-License-Identifier: GPL-2.0 */
#include "lib/flow.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define ETH_LEN 14u
#define IPV4_LEN 20u
#define IPV6_LEN 40u
#define TCP_LEN 20u
#define UDP_LEN 8u
#define FRAGMENT_LEN 8u /* IPv6's header */
#define TTL 64u
#define MORE 0x2000u /* fragments follow */
#define LATER_OFFSET 185u /* 1480 bytes, in units of 8 */

const char *const lb_tcp_flag_names[] = {"fin", "syn", "rst", "psh", "ack", "urg", NULL};

int parse_tcp_flags(const char *word, uint8_t *flags, struct lb_err *err)
{
	char one[8];
	uint8_t all = 0;

	for (const char *at = word;; at++) {
		size_t len = strcspn(at, ",");
		struct lb_err ignored;
		int bit;

		snprintf(one, sizeof(one), "%.*s", (int)len, at);
		if (len >= sizeof(one) || parse_choice(one, lb_tcp_flag_names, &bit, &ignored) ||
		    all & 1 << bit)
			return lb_bad_word(err, word,
					   "must be of fin, syn, rst, psh, ack and urg, "
					   "with commas between");
		all |= 1 << bit;
		at += len;
		if (!*at)
			break;
	}
	*flags = all;
	return 0;
}

void format_tcp_flags(uint8_t flags, char buf[LB_TCP_FLAGS_STRLEN])
{
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; lb_tcp_flag_names[i]; i++)
		if (flags & 1 << i)
			len += sprintf(buf + len, "%s%s", len ? "," : "", lb_tcp_flag_names[i]);
}

static void put16(uint8_t *b, uint32_t value)
{
	b[0] = value >> 8;
	b[1] = value;
}

static uint32_t ip_len(const struct lb_flow *f)
{
	if (f->dst.addr.family == 4)
		return IPV4_LEN;
	return IPV6_LEN + (f->fragment ? FRAGMENT_LEN : 0);
}

static uint32_t l4_len(const struct lb_flow *f)
{
	return f->dst.proto == IPPROTO_TCP ? TCP_LEN : UDP_LEN;
}

uint32_t lb_flow_least(const struct lb_flow *f)
{
	return ip_len(f) + l4_len(f);
}

static void put_ipv4(const struct lb_flow *f, uint8_t *b, uint32_t len)
{
	b[0] = 4 << 4 | IPV4_LEN / 4;
	put16(b + 2, len);
	if (f->fragment)
		put16(b + 6, f->fragment == LB_FLOW_FIRST ? MORE : LATER_OFFSET);
	b[8] = TTL;
	b[9] = f->dst.proto;
	memcpy(b + 12, f->src.b, 4);
	memcpy(b + 16, f->dst.addr.b, 4);
}

static void put_ipv6(const struct lb_flow *f, uint8_t *b, uint32_t len)
{
	b[0] = 6 << 4;
	put16(b + 4, len - IPV6_LEN);
	b[6] = f->fragment ? IPPROTO_FRAGMENT : f->dst.proto;
	b[7] = TTL;
	memcpy(b + 8, f->src.b, 16);
	memcpy(b + 24, f->dst.addr.b, 16);
	if (!f->fragment)
		return;
	b[IPV6_LEN] = f->dst.proto;
	put16(b + IPV6_LEN + 2, f->fragment == LB_FLOW_FIRST ? 1 : LATER_OFFSET << 3);
}

static void put_l4(const struct lb_flow *f, uint8_t *b, uint32_t len)
{
	put16(b, f->sport);
	put16(b + 2, f->dst.port);
	if (f->dst.proto == IPPROTO_TCP) {
		b[12] = TCP_LEN / 4 << 4;
		b[13] = f->tcp_flags;
	} else {
		put16(b + 4, len);
	}
}

uint32_t lb_flow_frame(const struct lb_flow *f, uint8_t *buf)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint32_t len = f->len ? f->len : lb_flow_least(f), l3 = ip_len(f);
	bool v6 = f->dst.addr.family == 6;
	uint8_t *ip = buf + ETH_LEN;

	memset(buf, 0, ETH_LEN + len);
	memcpy(buf, macs, sizeof(macs));
	put16(buf + 12, v6 ? 0x86dd : 0x0800);
	if (v6)
		put_ipv6(f, ip, len);
	else
		put_ipv4(f, ip, len);
	if (f->fragment != LB_FLOW_LATER)
		put_l4(f, ip + l3, len - l3);
	return ETH_LEN + len;
}
