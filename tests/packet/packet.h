/* SPDX-License-Identifier: GPL-2.0 */
/*
 * packet.h - frames for the packet tests, built from a few words, and what must become of them.
 *
 * Nothing here is shared with bpf/: offsets and checksums are written a second time on purpose.
 */
#ifndef TESTS_PACKET_PACKET_H
#define TESTS_PACKET_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/parse.h"

#define PKT_MAX 3400u /* what BPF_PROG_TEST_RUN takes in one page, less the outer headers */

struct pkt {
	uint32_t len;
	uint8_t b[PKT_MAX + 64];
};

extern const uint8_t pkt_client_mac[6], pkt_node_mac[6]; /* default source and destination */

/* Zero is the usual value in every field. The family is that of dst. */
struct pkt_spec {
	const char *src, *dst; /* src default: 192.0.2.10 or 2001:db8:c::10 */
	uint8_t proto; /* of the transport header; default TCP */
	uint16_t sport, dport; /* default 40000 and 80, PKT_NONE: 0; ICMP: id and sequence number */
	uint8_t flags; /* TCP flags, default ACK; ICMP: type */
	uint8_t code; /* ICMP */
	uint16_t payload; /* bytes behind the transport header */
	uint8_t tos, ttl; /* ttl default 61 */
	uint8_t options; /* 4-byte words of IPv4 options, at most 10 */
	uint16_t frag; /* IPv4 flags and offset, host order */
	/* IPv6 extension headers in order: h(op-by-hop), r(outing), d(estination), a(uthentication), f(ragment),
	 * upper case: a long one */
	const char *ext;
	uint16_t
		keep; /* bytes of transport header and payload kept, PKT_NONE: not one; default all */
	uint16_t pad; /* Ethernet padding behind the packet */
	uint16_t tag[3], tpid[3]; /* VLAN tags, outermost first; tpid default 0x8100 */
	const uint8_t *dmac;
	uint16_t ethertype; /* instead of the right one */
	uint8_t version, ihl; /* instead of the right ones; PKT_ZERO: 0 */
	int16_t longer; /* added to the IP header's length field */
};
#define PKT_NONE 0xffffu
#define PKT_ZERO 0xffu

void pkt_build(struct pkt *p, const struct pkt_spec *s);

/* Offset of what follows Ethernet header and tags, and its ethertype. */
uint32_t pkt_l3(const struct pkt *p, uint16_t *ethertype);
/* Bytes of the IP packet by its own header; 0 when it is none or does not fit the frame. */
uint32_t pkt_ip_len(const struct pkt *p);

/* The way out: MACs of the hop, addresses of the tunnel. */
struct pkt_outer {
	uint8_t smac[6], dmac[6];
	struct lb_addr src, dst; /* of one family */
};

/* What IPIP makes of `in`. Padding is not carried over, the IPv6 flow label is 0. */
void pkt_tunnel(struct pkt *out, const struct pkt *in, const struct pkt_outer *o);
/* The reply to an echo request, checksum as of pkt_one_zero(). Padding is carried over. */
void pkt_echo(struct pkt *out, const struct pkt *in);
/* One's complement has two zeros, and where a checksum of 0 is right, 0xffff is as well: makes it that. */
void pkt_one_zero(struct pkt *p);

/* Source or destination in its first IP header, of IPv4 or IPv6. */
struct lb_addr pkt_addr(const struct pkt *p, bool dst);

/* Flow label of an IPv6 frame, which is set to 0. */
uint32_t pkt_take_label(struct pkt *p);

/* Is `out` a tunnel's packet around the inner one of `in`, right in every field that does not depend on
 * the configuration? NULL, or what is wrong. *dst: where it goes. */
const char *pkt_wrong(const struct pkt *out, const struct pkt *in, struct lb_addr *dst);

/* Sum over len bytes (RFC 1071), not folded, not inverted. */
uint32_t pkt_sum(const uint8_t *b, uint32_t len);
uint16_t pkt_fold(uint32_t sum); /* folded and inverted */
/* Is the checksum of the transport header right? False also when there is none. */
bool pkt_l4_sum_ok(const struct pkt *p);

/* The length and the first bytes for a message, in static memory; the last two calls' stay. */
const char *pkt_dump(const struct pkt *p);

/* A repeatable stream of numbers (splitmix64, Steele et al., OOPSLA 2014). */
uint64_t pkt_random(uint64_t *state);

#endif
