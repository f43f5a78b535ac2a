// SPDX-License-Identifier: GPL-2.0
#include "tests/packet/packet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V4 0x0800
#define V6 0x86dd
#define CTAG 0x8100
#define STAG 0x88a8
#define TCP 6
#define UDP 17
#define ICMP 1
#define ICMP6 58

const uint8_t pkt_client_mac[6] = {2, 0, 0, 0, 1, 0xfe};
const uint8_t pkt_node_mac[6] = {2, 0, 0, 0, 1, 1};

static void put16(uint8_t *b, uint32_t v)
{
	b[0] = v >> 8;
	b[1] = v;
}

static uint32_t get16(const uint8_t *b)
{
	return b[0] << 8 | b[1];
}

uint32_t pkt_sum(const uint8_t *b, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += get16(b + i);
	return len % 2 ? sum + (b[len - 1] << 8) : sum;
}

uint16_t pkt_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static uint32_t pseudo_sum(const uint8_t *ip, uint8_t proto, uint32_t len)
{
	bool v6 = ip[0] >> 4 == 6;

	return pkt_sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8) + proto + len;
}

static uint32_t put_l2(struct pkt *p, const struct pkt_spec *s, uint32_t type)
{
	uint32_t at = 12;

	memcpy(p->b, s->dmac ? s->dmac : pkt_node_mac, 6);
	memcpy(p->b + 6, pkt_client_mac, 6);
	for (int i = 0; i < 3 && s->tag[i]; i++) {
		put16(p->b + at, s->tpid[i] ? s->tpid[i] : CTAG);
		put16(p->b + at + 2, s->tag[i]);
		at += 4;
	}
	put16(p->b + at, s->ethertype ? s->ethertype : type);
	return at + 2;
}

static uint16_t port(uint16_t wanted, uint16_t usual)
{
	return !wanted ? usual : wanted == PKT_NONE ? 0 : wanted;
}

/* Writes the transport header and payload; returns their length. The checksum follows in put_l4_sum(). */
static uint32_t put_l4(uint8_t *b, const struct pkt_spec *s, uint8_t proto)
{
	uint32_t head = proto == TCP ? 20 : 8;

	if (proto != TCP && proto != UDP && proto != ICMP && proto != ICMP6)
		head = 0;
	memset(b, 0, head);
	for (uint32_t i = 0; i < s->payload; i++)
		b[head + i] = i * 7 + 1;
	if (proto == TCP || proto == UDP) {
		put16(b, port(s->sport, 40000));
		put16(b + 2, port(s->dport, 80));
	}
	if (proto == TCP) {
		put16(b + 4, 0x1234);
		put16(b + 8, 0x4321);
		b[12] = 5 << 4;
		b[13] = s->flags ? s->flags : 0x10;
		put16(b + 14, 502);
	} else if (proto == UDP) {
		put16(b + 4, head + s->payload);
	} else if (head) {
		b[0] = s->flags;
		b[1] = s->code;
		put16(b + 4, s->sport);
		put16(b + 6, s->dport);
	}
	return head + s->payload;
}

static int sum_at(uint8_t proto)
{
	switch (proto) {
	case TCP:
		return 16;
	case UDP:
		return 6;
	case ICMP:
	case ICMP6:
		return 2;
	default:
		return -1;
	}
}

static void put_l4_sum(const uint8_t *ip, uint8_t *l4, uint32_t len, uint8_t proto)
{
	int at = sum_at(proto);

	if (at >= 0)
		put16(l4 + at, pkt_fold(pkt_sum(l4, len) +
					(proto == ICMP ? 0 : pseudo_sum(ip, proto, len))));
}

/* Extension headers behind the fixed one; returns their length, *next is the type of the first. */
static uint32_t put_ext(uint8_t *b, const char *ext, uint8_t proto, uint8_t *next)
{
	uint8_t *type = next;
	uint32_t at = 0;

	for (; ext && *ext; ext++) {
		bool big = *ext >= 'A' && *ext <= 'Z';
		uint32_t len = big ? 48 : 8;

		memset(b + at, 0, 48);
		switch (*ext | 0x20) {
		case 'h':
			*type = 0;
			break;
		case 'r':
			*type = 43;
			break;
		case 'd':
			*type = 60;
			break;
		case 'f':
			*type = 44;
			b[at + 7] = 9; /* identification */
			break;
		case 'a':
			*type = 51;
			len = big ? 48
				  : 12; /* 12 is no multiple of 8: what RFC 4302 asks, not all do */
			break;
		}
		type = b + at;
		if ((*ext | 0x20) == 'a')
			b[at + 1] = len / 4 - 2;
		else if ((*ext | 0x20) != 'f')
			b[at + 1] = len / 8 - 1;
		if ((*ext | 0x20) == 'h' || (*ext | 0x20) == 'd') {
			b[at + 2] = 1; /* PadN over the rest */
			b[at + 3] = len - 4;
		}
		at += len;
	}
	*type = proto;
	return at;
}

static uint32_t put_v4(uint8_t *b, const struct pkt_spec *s, uint8_t proto, uint32_t *head)
{
	uint32_t len, ihl = 5 + s->options;

	*head = ihl * 4;
	memset(b, 0, 20);
	memset(b + 20, 1, s->options * 4); /* no-operation */
	b[0] = 4 << 4 | ihl;
	b[1] = s->tos;
	put16(b + 4, 0xbeef);
	put16(b + 6, s->frag);
	b[8] = s->ttl ? s->ttl : 61;
	b[9] = proto;
	inet_pton(AF_INET, s->src ? s->src : "192.0.2.10", b + 12);
	inet_pton(AF_INET, s->dst, b + 16);
	len = put_l4(b + *head, s, proto);
	put_l4_sum(b, b + *head, len, proto);
	return *head + len;
}

static uint32_t put_v6(uint8_t *b, const struct pkt_spec *s, uint8_t proto, uint32_t *head)
{
	uint32_t len, ext;

	memset(b, 0, 40);
	b[0] = 6 << 4 | s->tos >> 4;
	b[1] = s->tos << 4 | 0xa; /* some flow label */
	b[3] = 0x5a;
	b[7] = s->ttl ? s->ttl : 61;
	inet_pton(AF_INET6, s->src ? s->src : "2001:db8:c::10", b + 8);
	inet_pton(AF_INET6, s->dst, b + 24);
	ext = put_ext(b + 40, s->ext, proto, b + 6);
	*head = 40 + ext;
	len = put_l4(b + *head, s, proto);
	put_l4_sum(b, b + *head, len, proto);
	return *head + len;
}

void pkt_build(struct pkt *p, const struct pkt_spec *s)
{
	bool v6 = strchr(s->dst, ':');
	uint8_t proto = s->proto ? s->proto : TCP;
	uint32_t l3 = put_l2(p, s, v6 ? V6 : V4), head, len;
	uint8_t *ip = p->b + l3;

	len = v6 ? put_v6(ip, s, proto, &head) : put_v4(ip, s, proto, &head);
	if (s->keep)
		len = head + (s->keep == PKT_NONE ? 0 : s->keep);
	if (v6)
		put16(ip + 4, len - 40 + s->longer);
	else
		put16(ip + 2, len + s->longer);
	if (s->version)
		ip[0] = (ip[0] & 15) | (s->version == PKT_ZERO ? 0 : s->version) << 4;
	if (s->ihl)
		ip[0] = (ip[0] & 0xf0) | (s->ihl == PKT_ZERO ? 0 : s->ihl);
	if (!v6)
		put16(ip + 10, pkt_fold(pkt_sum(ip, head)));
	memset(ip + len, 0xee, s->pad);
	p->len = l3 + len + s->pad;
}

uint32_t pkt_l3(const struct pkt *p, uint16_t *ethertype)
{
	uint32_t at = 12;

	while (at < 12 + 4 * 2 && at + 6 <= p->len &&
	       (get16(p->b + at) == CTAG || get16(p->b + at) == STAG))
		at += 4;
	*ethertype = at + 2 <= p->len ? get16(p->b + at) : 0;
	return at + 2;
}

uint32_t pkt_ip_len(const struct pkt *p)
{
	uint16_t type;
	uint32_t l3 = pkt_l3(p, &type), len = 0;

	if (type == V4 && p->len >= l3 + 20)
		len = get16(p->b + l3 + 2);
	else if (type == V6 && p->len >= l3 + 40)
		len = get16(p->b + l3 + 4) + 40;
	return l3 + len <= p->len ? len : 0;
}

void pkt_tunnel(struct pkt *out, const struct pkt *in, const struct pkt_outer *o)
{
	uint16_t type;
	uint32_t l3 = pkt_l3(in, &type), inner = pkt_ip_len(in),
		 head = o->dst.family == 4 ? 20 : 40;
	const uint8_t *ip = in->b + l3;
	uint8_t *b = out->b + l3, proto = type == V4 ? 4 : 41;
	uint8_t tos = type == V4 ? ip[1] : (ip[0] & 15) << 4 | ip[1] >> 4;

	memcpy(out->b, o->dmac, 6);
	memcpy(out->b + 6, o->smac, 6);
	memcpy(out->b + 12, in->b + 12, l3 - 12);
	put16(b - 2, head == 20 ? V4 : V6);
	memset(b, 0, head);
	if (head == 20) {
		b[0] = 0x45;
		b[1] = tos;
		put16(b + 2, 20 + inner);
		put16(b + 6, 0x4000);
		b[8] = 64;
		b[9] = proto;
		memcpy(b + 12, o->src.b, 4);
		memcpy(b + 16, o->dst.b, 4);
		put16(b + 10, pkt_fold(pkt_sum(b, 20)));
	} else {
		b[0] = 0x60 | tos >> 4;
		b[1] = tos << 4;
		put16(b + 4, inner);
		b[6] = proto;
		b[7] = 64;
		memcpy(b + 8, o->src.b, 16);
		memcpy(b + 24, o->dst.b, 16);
	}
	memcpy(b + head, ip, inner);
	out->len = l3 + head + inner;
}
