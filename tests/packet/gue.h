/* SPDX-License-Identifier: GPL-2.0 */
/* gue.h - one pool of reals reached by GUE, and what its packets say. */
#ifndef TESTS_PACKET_GUE_H
#define TESTS_PACKET_GUE_H

#include "tests/packet/ptest.h"

#define GUE_SLOTS 251u
#define GUE_FLOWS 400
#define GUE_PORT 6080
#define GUE_DRAIN 300

#define V4 .dst = "203.0.113.1"
#define V6 .dst = "2001:db8:f::1"
#define UDP .proto = IPPROTO_UDP, .dport = 53

extern struct world gue_w;

void gue_setup(void);
void gue_teardown(void);

/* Pool "web", a real of it, what is in force. */
void gue_pool(uint16_t drain, uint16_t port);
void gue_real(const char *addr, enum lb_m_state state);
void gue_commit(void);

/* VIPs of both families on n reals, with or without the session cache, in force. */
void gue_serve(uint16_t drain, bool session, const char *const *addr, size_t n);
#define GUE_SERVE(drain, session, ...) \
	do { \
		static const char *const addr_[] = {__VA_ARGS__}; \
		gue_serve(drain, session, addr_, sizeof(addr_) / sizeof(*addr_)); \
	} while (0)

/* Sends it: it must go to that real, right in every byte, and name the previous one, or nobody (NULL). */
void gue_exact(const struct pkt_spec *spec, const char *to, const char *prev);

/* Where a packet went; prev.family 0: nobody was named; ports 0: it was no GUE. */
struct gue_sent {
	struct lb_addr to, prev;
	uint16_t sport, dport;
};
struct gue_sent gue_send(const struct pkt_spec *spec);
/* Of the i-th of many TCP flows; flags 0: ACK. */
struct gue_sent gue_flow(unsigned int i, uint8_t flags);

#endif
