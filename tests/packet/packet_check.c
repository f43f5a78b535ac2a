// SPDX-License-Identifier: GPL-2.0
/* packet_check.c - replies and checks: what must hold of a packet that the balancer sent. */
#include <stdio.h>
#include <string.h>

#include "tests/packet/packet.h"

static uint32_t get16(const uint8_t *b)
{
	return b[0] << 8 | b[1];
}

static void swap(uint8_t *a, uint8_t *b, uint32_t len)
{
	uint8_t t[16];

	memcpy(t, a, len);
	memcpy(a, b, len);
	memcpy(b, t, len);
}

/* Offset of the transport header from the IP header, and its type; extension headers are walked. */
static uint32_t l4_of(const uint8_t *ip, uint32_t len, uint8_t *proto)
{
	uint32_t at = 40;

	if (ip[0] >> 4 == 4) {
		*proto = ip[9];
		return (ip[0] & 15) * 4;
	}
	*proto = ip[6];
	while (at + 8 <= len && (*proto == 0 || *proto == 43 || *proto == 60 || *proto == 51)) {
		bool ah = *proto == 51;

		*proto = ip[at];
		at += ah ? (ip[at + 1] + 2) * 4 : (ip[at + 1] + 1) * 8;
	}
	return at;
}

static uint32_t l4_sum(const uint8_t *ip, uint32_t len)
{
	bool v6 = ip[0] >> 4 == 6;
	uint8_t proto;
	uint32_t at = l4_of(ip, len, &proto), sum = pkt_sum(ip + at, len - at);

	if (proto != 1)
		sum += pkt_sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8) + proto + len - at;
	return sum;
}

bool pkt_l4_sum_ok(const struct pkt *p)
{
	uint16_t type;
	uint32_t l3 = pkt_l3(p, &type), len = pkt_ip_len(p);

	return len && pkt_fold(l4_sum(p->b + l3, len)) == 0;
}

void pkt_echo(struct pkt *out, const struct pkt *in)
{
	uint16_t type, sum;
	uint32_t l3 = pkt_l3(in, &type), len = pkt_ip_len(in), at;
	uint8_t *ip, proto;

	*out = *in;
	ip = out->b + l3;
	swap(out->b, out->b + 6, 6);
	if (type == 0x0800) {
		swap(ip + 12, ip + 16, 4);
		ip[8] = 64;
		ip[10] = ip[11] = 0;
		sum = pkt_fold(pkt_sum(ip, (ip[0] & 15) * 4));
		ip[10] = sum >> 8;
		ip[11] = sum;
	} else {
		swap(ip + 8, ip + 24, 16);
		ip[7] = 64;
	}
	at = l4_of(ip, len, &proto);
	ip[at] = proto == 1 ? 0 : 129;
	ip[at + 2] = ip[at + 3] = 0;
	sum = pkt_fold(l4_sum(ip, len));
	ip[at + 2] = sum >> 8;
	ip[at + 3] = sum;
	pkt_one_zero(out);
}

void pkt_one_zero(struct pkt *p)
{
	uint16_t type;
	uint32_t l3 = pkt_l3(p, &type), at;
	uint8_t *ip = p->b + l3, proto;

	if (!pkt_l4_sum_ok(p))
		return;
	at = l4_of(ip, pkt_ip_len(p), &proto);
	if ((proto == 1 || proto == 58) && !ip[at + 2] && !ip[at + 3])
		ip[at + 2] = ip[at + 3] = 0xff;
}

uint32_t pkt_take_label(struct pkt *p)
{
	uint16_t type;
	uint8_t *ip = p->b + pkt_l3(p, &type);
	uint32_t label;

	if (type != 0x86dd)
		return 0;
	label = (ip[1] & 15) << 16 | ip[2] << 8 | ip[3];
	ip[1] &= 0xf0;
	ip[2] = ip[3] = 0;
	return label;
}

static const char *outer4_wrong(const uint8_t *b, uint32_t inner, uint8_t proto, uint8_t tos)
{
	if (b[0] != 0x45)
		return "outer version or header length";
	if (b[1] != tos)
		return "outer tos";
	if (get16(b + 2) != 20 + inner)
		return "outer total length";
	if (get16(b + 4) || get16(b + 6) != 0x4000)
		return "outer id or fragment field";
	if (b[8] != 64 || b[9] != proto)
		return "outer ttl or protocol";
	return pkt_fold(pkt_sum(b, 20)) ? "outer header checksum" : NULL;
}

static const char *outer6_wrong(const uint8_t *b, uint32_t inner, uint8_t proto, uint8_t tos)
{
	if (b[0] >> 4 != 6 || (get16(b) >> 4 & 0xff) != tos)
		return "outer version or traffic class";
	if (get16(b + 4) != inner)
		return "outer payload length";
	return b[6] != proto || b[7] != 64 ? "outer next header or hop limit" : NULL;
}

const char *pkt_wrong(const struct pkt *out, const struct pkt *in, struct lb_addr *dst)
{
	uint16_t type, intype;
	uint32_t l3 = pkt_l3(in, &intype), inner = pkt_ip_len(in), head;
	const uint8_t *ip = in->b + l3, *b = out->b + l3;
	uint8_t proto = intype == 0x0800 ? 4 : 41;
	uint8_t tos = intype == 0x0800 ? ip[1] : get16(ip) >> 4;
	const char *wrong;

	if (!inner)
		return "inner packet that is none";
	if (pkt_l3(out, &type) != l3 || memcmp(out->b + 12, in->b + 12, l3 - 14))
		return "vlan tags";
	head = type == 0x0800 ? 20 : type == 0x86dd ? 40 : 0;
	if (!head || out->len < l3 + head + inner || out->len > in->len + head)
		return "ethertype or frame length";
	wrong = head == 20 ? outer4_wrong(b, inner, proto, tos)
			   : outer6_wrong(b, inner, proto, tos);
	if (wrong)
		return wrong;
	memset(dst, 0, sizeof(*dst));
	dst->family = head == 20 ? 4 : 6;
	memcpy(dst->b, b + (head == 20 ? 16 : 24), head == 20 ? 4 : 16);
	return memcmp(b + head, ip, inner) ? "inner packet changed" : NULL;
}

const char *pkt_dump(const struct pkt *p)
{
	static char text[2][1024];
	static int turn;
	char *t = text[turn ^= 1];
	uint32_t n = sprintf(t, " %u bytes", p->len);

	for (uint32_t i = 0; i < p->len && i < 160; i++)
		n += sprintf(t + n, i % 16 ? "%02x " : "\n  %02x ", p->b[i]);
	return t;
}

uint64_t pkt_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

struct lb_addr pkt_addr(const struct pkt *p, bool dst)
{
	struct lb_addr a = {0};
	uint16_t type;
	uint32_t l3 = pkt_l3(p, &type), len;

	a.family = type == 0x0800 ? 4 : 6;
	len = a.family == 4 ? 4 : 16;
	memcpy(a.b, p->b + l3 + (a.family == 4 ? 12 : 8) + (dst ? len : 0), len);
	return a;
}
