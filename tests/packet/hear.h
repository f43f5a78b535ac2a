/* SPDX-License-Identifier: GPL-2.0 */
/* hear.h - listeners, and what they are told of packets that are sent. */
#ifndef TESTS_PACKET_HEAR_H
#define TESTS_PACKET_HEAR_H

#include "bpf/lb_event.h"
#include "lib/listen.h"
#include "tests/packet/ptest.h"

#define HEAR_ALL (~0ull)
#define WISH(...) ((struct lb_wish){__VA_ARGS__})

extern struct world hear_w; /* with the VIPs of ptest_served() */

void hear_setup(void);
void hear_teardown(void);

/* Where the wish says nothing: all reasons, all packets, at the highest rate. */
struct lb_listen *hear_open(struct lb_wish wish);
/* How many packets were told since the last look, and the last of them. */
uint32_t hear_told(struct lb_listen *l);
extern struct lb_seen hear_last;

void hear_send(const struct pkt_spec *s);
#define SEND(...) hear_send(&(const struct pkt_spec){__VA_ARGS__})
/* n packets to 203.0.113.1, of which port 80 is served, and nothing else over TCP. */
void hear_send_many(uint32_t n, uint16_t dport);

/* lb_meta.watch. */
uint32_t hear_watch(void);
void hear_pause(long ms);

#endif
