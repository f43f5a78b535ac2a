/* SPDX-License-Identifier: GPL-2.0 */
/* wrap.h - what bench.c tells wrap.bpf.c, in map .data.wrap. */
#ifndef TESTS_BENCH_WRAP_H
#define TESTS_BENCH_WRAP_H

#include <linux/types.h>

#define WRAP_BYTES 64 /* restored: more than any program under test writes into */
#define RIG_FRAME 256 /* longest packet */

struct wrap {
	__u8 frame[WRAP_BYTES]; /* the packet's first bytes */
	__u32 len; /* bytes of the packet */
	__u32 v6; /* the low word of an IPv6 source varies, else the IPv4 source */
	__u32 base; /* source of flow 0, host order */
	__u32 flows; /* so many sources, in turn */
	__u32 next; /* flow of the next packet */
	__u32 dsts; /* so many destinations from the frame's on, in turn; 0: that one. IPv4 */
	__u32 dst; /* of the next packet */
	__u32 pad;
	__u64 sunk; /* packets that came back to wire.c */
};

#endif
