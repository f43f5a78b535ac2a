/* SPDX-License-Identifier: GPL-2.0 */
/* flow.h - a packet as people say it, and as it lies on the wire. Pure. */
#ifndef LIB_FLOW_H
#define LIB_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "lib/parse.h"

enum lb_flow_fragment { LB_FLOW_WHOLE, LB_FLOW_FIRST, LB_FLOW_LATER };

struct lb_flow {
	struct lb_addr src; /* of the family of dst.addr */
	uint16_t sport; /* host order */
	struct lb_service dst; /* its port is not 0 */
	uint8_t tcp_flags; /* byte 13 of the header */
	enum lb_flow_fragment fragment;
	uint32_t len; /* bytes of the IP packet, at least lb_flow_least(); 0: that */
};

/* Names of TCP's flags, from bit 0 on: "fin", "syn", ..., NULL. */
extern const char *const lb_tcp_flag_names[];
/* As "syn" or "psh,ack". A list of names, each once, in any order; what parse_tcp_flags() takes, as in lib/parse.h. */
int parse_tcp_flags(const char *word, uint8_t *flags, struct lb_err *err);
#define LB_TCP_FLAGS_STRLEN 32
void format_tcp_flags(uint8_t flags, char buf[LB_TCP_FLAGS_STRLEN]);

#define LB_FLOW_LEN_MAX \
	3400u /* what the kernel runs a program on fits one page, with room in front */

/* Bytes of the packet's headers from IP on. */
uint32_t lb_flow_least(const struct lb_flow *f);

/*
 * The frame: an Ethernet header to nobody in particular, IP, TCP or UDP, and zeros. Checksums are left out: the program reads none.
 * Returns its length; buf has room for LB_FLOW_LEN_MAX + 14 bytes.
 */
uint32_t lb_flow_frame(const struct lb_flow *f, uint8_t *buf);

#endif
