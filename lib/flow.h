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
