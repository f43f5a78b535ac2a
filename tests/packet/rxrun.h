/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rxrun.h - the receiver's programs, run on one frame by BPF_PROG_TEST_RUN.
 *
 * The frame comes in on, or leaves by, device 1, the namespace's loopback device, whose address is
 * zero.
 */
#ifndef TESTS_PACKET_RXRUN_H
#define TESTS_PACKET_RXRUN_H

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include "bpf/lb_abi.h"
#include "lib/err.h"
#include "tests/packet/packet.h"

#define RX_IFINDEX 1u
#define RX_LOCAL4 "10.0.0.2" /* and 10.0.0.3 */
#define RX_LOCAL6 "fd00::2"
#define RX_L4LB4 "10.0.0.1" /* and 10.9.0.0/16 */
#define RX_GUE_PORT 6080u
#define RX_L4LB6 "fd00::1" /* and fd00:9::/32 */

extern const uint8_t rx_mac[6]; /* of device 1 */

struct rx_bpf;

struct rxrun {
	struct rx_bpf *skel;
	int cpus;
	char wrong[128]; /* why the last answer was RXRUN_WRONG, else empty */
};

#define RXRUN_WRONG LB_RX_WHY_MAX

int rxrun_load(struct rxrun *r, struct lb_err *err);
void rxrun_unload(struct rxrun *r);

/*
 * One frame through lb_rx. Returns the reason, or RXRUN_WRONG when not exactly one reason was
 * counted, with the frame's length; when the verdict is not the reason's; when a frame that passed
 * was changed. ctx may be NULL.
 */
enum lb_rx_why rxrun_send(struct rxrun *r, const struct pkt *in, struct pkt *out,
			  struct __sk_buff *ctx);
const char *rxrun_why(enum lb_rx_why why);

/* One frame through lb_rx_mss: 1 an MSS was counted as lowered, 0 none was, -1 it went wrong. */
int rxrun_leave(struct rxrun *r, const struct pkt *in, struct pkt *out);

/* Settings of device 1; its port for GUE is RX_GUE_PORT. */
int rxrun_dev(struct rxrun *r, uint32_t mss, uint32_t mtu, struct lb_err *err);
/* A number of device 1, for L3DSR by DSCP. */
int rxrun_number(struct rxrun *r, uint8_t dscp, const char *vip, struct lb_err *err);
/* Bytes of outer headers remembered for an inner destination, 0: none. */
uint32_t rxrun_vip(struct rxrun *r, const char *addr);
int rxrun_set_vip(struct rxrun *r, const char *addr, uint32_t outer_len, struct lb_err *err);

/*
 * A tunnel's frame. The outer protocol is that of the inner family unless it is given; outer.keep
 * counts bytes of the inner packet, outer.pad stands behind it all. outer.code spoils the checksum
 * of an IPv4 header. Without an inner packet it is outer alone.
 */
void rx_build(struct pkt *p, const struct pkt_spec *outer, const struct pkt_spec *inner);
/* Makes the checksum of an outer IPv4 header right. */
void rx_mend_outer(struct pkt *p);

#endif
