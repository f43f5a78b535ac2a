/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wire.h - a packet of each kind that the programs make, into a pcap file for another to judge (tests/net/tshark.t).
 */
#ifndef TESTS_PACKET_WIRE_H
#define TESTS_PACKET_WIRE_H

#include "tests/packet/world_config.h"

/* A call that fills a `struct lb_err err`, which must be in sight, when it fails: the end. */
#define wire_must(call) \
	do { \
		if (call) \
			wire_die("%s: %s", #call, err.msg); \
	} while (0)

/*
 * Appends the packet, and says of it in a line on stdout: what, and its layers in Wireshark's words, behind Ethernet and its
 * tags. Of layers that begin with "cut " the last is not whole, in a fragment or a quote: its checksum cannot be verified.
 */
void wire_put(const struct pkt *p, const char *layers, const char *what);
void wire_die(const char *form, ...) __attribute__((format(printf, 1, 2), noreturn));

/* wire_rx.c. The balancer's packets in GUE that name a previous real; the receiver has 10.0.0.2 and fd00::2. */
void wire_receiver(const struct pkt *named4, const struct pkt *named6);

/* wire_hc.c: health checks on their way to the reals of each pool of wire.c. */
void wire_checks(struct world *w);

#endif
