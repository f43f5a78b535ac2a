/* SPDX-License-Identifier: GPL-2.0 */
/* lb_session.h - the session cache, and how long its entries count. Part of lb_abi.h. */
#ifndef LB_SESSION_ABI_H
#define LB_SESSION_ABI_H

#include <linux/types.h>

/*
 * The session cache: a hint which real a flow had, one read of one line. An entry is
 *   tag (32 bits of the flow's hash, or the client's with LB_SVC_SRC) | real (16) | time (15, in ticks: the least power of two of jiffies that is LB_TICK seconds or more) | again (1)
 * from the highest bit down. "again" is set when a second packet of the flow was seen: a flood of
 * packets that come once each pushes out none of those. An empty entry is 0. Any entry may be lost
 * at any time; the table answers then.
 */
#define LB_SESSION_WAYS 8u
struct lb_session {
	__u64 way[LB_SESSION_WAYS];
};
_Static_assert(sizeof(struct lb_session) == 64, "lb_session is one cache line");
#define LB_TICK 16u /* an entry is written anew once a tick at most */
/* The 15 bits of time come round after 6 days: an entry that nobody took until then seems young for as long as the idle times say,
 * so they are a few hours at most. */
#define LB_UDP_IDLE 120u /* default of idle_udp: seconds after which a UDP flow is a new one */
/* Default of idle_tcp: seconds after which a TCP flow's entry counts no more, and after which an entry that was seen again,
 * of whatever protocol, may be pushed out. Of a service with LB_SVC_SRC it is what begins anew that then goes by the table. */
#define LB_TCP_IDLE 900u
#define LB_SESSION_REAL(e) ((__u16)((e) >> 16))

/*
 * Map `mixed`, by pool id: jiffies when the table last changed, or when a flow was last kept at another real than the
 * table's; 0: not long ago, not dated yet. What was never kept since cannot differ from the table: then the short way and SYNs
 * need not look for an entry, and what is to be written to the cache can wait for more (pending.h).
 */

#endif
