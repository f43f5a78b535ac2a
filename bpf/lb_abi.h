/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lb_abi.h - what the programs in the kernel and the tools outside agree upon.
 *
 * The pinned maps are the database. There is no daemon that owns the state: lbtool writes the configuration here, lbmon
 * writes health, the programs read both and write counters, the session cache and their next-hop cache. This header is the
 * whole of that agreement, with lb_why.h (reasons), lb_session.h, lb_source.h and lb_rx_abi.h (the receiver): keys, values, limits, and
 * the version. In user space only lib/maps*.c and the packet tests include it.
 *
 * How a change becomes visible. `root` in struct lb_meta counts commits, and its lowest bit says which half of the
 * pools and the reals' mutable part is live, its highest which half of the services: most commits leave these alone. A
 * packet reads root once and uses those halves to its end. A writer (one at a time, under /run/lb/INSTANCE.lock) waits
 * until no packet can still read what it is going to overwrite (membarrier(2): a grace period of RCU), fills the other
 * halves, puts new tables into slots that no live pool refers to and new reals into ids that are free in the live half,
 * and then stores the next root. That store is the commit: killed before it, the old configuration is whole; killed after
 * it, the new one is. A reader of the configuration reads root, copies, reads root again, and starts anew when it changed.
 * One thing changes without a commit: the table of a live pool (struct lb_pool, `table`), base and size in one 8-byte
 * store. That is how a change of health takes effect.
 *
 * Byte order: addresses and ports are in network order, everything else in the host's.
 */
#ifndef LB_ABI_H
#define LB_ABI_H

#include <linux/types.h>

#include "bpf/lb_rx_abi.h"
#include "bpf/lb_session.h"
#include "bpf/lb_source.h"
#include "bpf/lb_why.h"

/* Raise it whenever a size, an offset or a meaning below changes. Maps of another version are refused; `lbtool prog reload`
 * moves what is in them, from LB_ABI_OLDEST on, by the names of members: a name means the same as long as it is there. */
#define LB_ABI_VERSION 8
#define LB_ABI_OLDEST 3
#define LB_META_MAGIC 0x6c626d31u /* "lbm1" */

/* Limits. The sizes of maps are chosen at `lbtool prog load`; these bound what it accepts. */
#define LB_REALS_MAX 65536u /* ids are u16; id 0 is never used and means "none" */
#define LB_VIPS_MAX 1048576u
#define LB_POOLS_MAX 65536u
#define LB_POOL_NAME_LEN 32u /* with the final NUL */
#define LB_TABLE_MAX 4194301u /* slots of one table */
#define LB_VLAN_MAX 2u
#define LB_EXT_MAX 6u /* IPv6 extension headers before the transport header */

/*
 * Services.
 *
 * A service is ADDRESS:PORT/PROTO, or ADDRESS:any/PROTO with port 0. Services sit in buckets: the addresses of up to four
 * entries, then what each of them is. The home bucket of an address is lb_home4() / lb_home6() of it. All services of an
 * address sit in its home bucket; when they do not fit, the home holds one entry with LB_SVC_FAR for the address, and its
 * services sit in the buckets lb_far4() / lb_far6() of address, port and protocol. So a packet to an address that is no VIP
 * is known as such after one bucket. No bucket ever overflows: the writer tries other multipliers until all fits.
 *
 * Fragments have no ports but the first. When a service of an address takes them, there is one more entry for the
 * address and its protocol: port 0, `proto` with LB_SVC_FRAGMENT, otherwise as the service with the lowest port that
 * takes them ("any" is the lowest), without LB_SVC_SESSION, and with LB_SVC_TRACK when one of them tracks. It is found
 * like any other.
 *
 * A real with a port of its own (MPTCP: where further subflows reach the host of the first) has an entry with
 * LB_SVC_REAL for it on each address on which its pool has a service over TCP: it names the real, and counts under that
 * service, the one with the lowest port.
 *
 * An empty entry has flags 0; its address is zero.
 */
#define LB_BUCKET_ENTRIES 4u
#define LB_SVC_FRAGMENT 0x40u /* in `proto` of the entry for fragments */
#define LB_BUCKETS_PER_VIP 4u /* a load of at most 1/4 leaves the first multipliers a good chance */

enum lb_svc_flags {
	LB_SVC_USED = 1,
	LB_SVC_FAR = 2, /* not a service: the services of this address are in their far buckets */
	LB_SVC_SESSION = 4, /* flows are kept in the session cache */
	LB_SVC_ALWAYS = 8, /* announced whatever the health of its reals (lbmon) */
	LB_SVC_SRC = 16, /* placed by the client's address alone */
	LB_SVC_FRAGMENTS = 32, /* takes fragments */
	LB_SVC_TRACK = 64, /* with peers: fragments follow their first one (bpf/fragment.h) */
	LB_SVC_REAL = 128, /* one real's alone */
};

struct lb_svc {
	__be16 port; /* 0: any */
	__u8 proto; /* IPPROTO_TCP or IPPROTO_UDP, or one of them with LB_SVC_FRAGMENT; 0 in a FAR entry */
	__u8 flags; /* enum lb_svc_flags */
	__u32 vip; /* index of count_vip */
	union {
		__u16 pool;
		__u16 real; /* with LB_SVC_REAL */
	};
	__u8 dscp; /* names the VIP to reals that are reached by dscp; 0: no number. In a FAR entry, its address's */
	__u8 pad;
};
_Static_assert(sizeof(struct lb_svc) == 12, "lb_svc is ABI");

struct lb_bucket4 {
	__be32 addr[LB_BUCKET_ENTRIES];
	struct lb_svc svc[LB_BUCKET_ENTRIES];
};
_Static_assert(sizeof(struct lb_bucket4) == 64, "lb_bucket4 is one cache line");

/* Two lines: packets that are not for a VIP read the first one only. */
struct lb_bucket6 {
	__u64 addr[LB_BUCKET_ENTRIES][2]; /* the 16 bytes of the address as two words */
	struct lb_svc svc[LB_BUCKET_ENTRIES];
	__u8 pad[16];
};
_Static_assert(sizeof(struct lb_bucket6) == 128, "lb_bucket6 is two cache lines");

/* Buckets of a half are counted from 0; the index in the map is half * buckets + bucket. Multipliers are odd, or 0.
 * Multiply-shift after Dietzfelbinger et al., J. Algorithms 25 (1997). */
static inline __u32 lb_scale(__u32 hash, __u32 n)
{
	return ((__u64)hash * n) >> 32;
}

static inline __u32 lb_home4(__be32 addr, __u64 mul, __u32 buckets)
{
	return lb_scale((addr * mul) >> 32, buckets);
}

static inline __u32 lb_far4(__be32 addr, __be16 port, __u8 proto, __u64 mul, __u32 buckets)
{
	__u64 key = addr * mul + ((__u64)proto << 16 | port) * (mul ^ 0x9e3779b97f4a7c14ull);

	return lb_scale(key >> 32, buckets);
}

static inline __u64 lb_fold6(const __u64 addr[2], __u64 mul)
{
	return addr[0] * mul + addr[1] * (mul ^ 0xd6e8feb86659fd92ull);
}

static inline __u32 lb_home6(const __u64 addr[2], __u64 mul, __u32 buckets)
{
	return lb_scale(lb_fold6(addr, mul) >> 32, buckets);
}

static inline __u32 lb_far6(const __u64 addr[2], __be16 port, __u8 proto, __u64 mul, __u32 buckets)
{
	__u64 key = lb_fold6(addr, mul) +
		    ((__u64)proto << 16 | port) * (mul ^ 0x9e3779b97f4a7c14ull);

	return lb_scale(key >> 32, buckets);
}

/* Pools. Index in the map: half * pools + id. A pool whose name is empty does not exist in that half. */
struct lb_pool {
	__u64 table; /* base << 32 | slots: first slot and their number; slots 0: nobody to send to */
	__u32 slots; /* the size that was asked for, a prime */
	__u8 encap; /* enum lb_encap: the default of its reals */
	__u8 panic; /* percent of reals up below which health is not heeded; 0: never */
	__u16 min; /* healthy reals that an announcement needs */
	char name[LB_POOL_NAME_LEN];
	__u64 built; /* of which members the table was made, a hash; 0: not known. Not for packets */
	__u32 settled; /* second of CLOCK_MONOTONIC from which on the slots' `prev` counts no more */
	__u16 drain; /* seconds that it counts after a change */
	__be16 gue_port; /* of the reals whose encapsulation is GUE */
};
_Static_assert(sizeof(struct lb_pool) == 64, "lb_pool is one cache line");

/*
 * How the reals of a pool are checked: map `check`, index as in `pool`. Read by lbmon, never by a packet.
 * Texts end with NUL.
 */
#define LB_CHECK_HOST_LEN 128u
#define LB_CHECK_TEXT_LEN 64u
struct lb_check_conf {
	__u32 interval, timeout; /* milliseconds */
	__u16 port; /* host order; 0: of the pool's first VIP */
	__u16 status_min, status_max;
	__u8 kind; /* enum lb_check_kind */
	__u8 direct; /* 1: the real's own address, 0: the VIP, through the tunnel */
	__u8 rise, fall;
	__u8 pad[14];
	char host[LB_CHECK_HOST_LEN], path[LB_CHECK_HOST_LEN], command[LB_CHECK_HOST_LEN];
	char send[LB_CHECK_TEXT_LEN], expect[LB_CHECK_TEXT_LEN];
};
_Static_assert(sizeof(struct lb_check_conf) == 544, "lb_check_conf is ABI");

enum lb_check_kind {
	LB_CHECK_NONE,
	LB_CHECK_TCP,
	LB_CHECK_HTTP,
	LB_CHECK_HTTPS,
	LB_CHECK_UDP,
	LB_CHECK_EXEC,
};

/* A check's socket carries this mark and the real's id in the low 16 bits: hc.bpf.c, on the way out of the device, puts
 * such packets into the tunnel to that real. */
#define LB_HC_MARK 0x4c420000u
#define LB_HC_MARK_MASK 0xffff0000u

/*
 * A slot of the table: who gets the flow, and who got it before the last change (equal when settled). They differ only
 * where both are reached by GUE, in one family, and only until the pool's `settled`: then a packet names the previous
 * real too, and a receiver that knows nothing of the connection sends it on to that one (bpf/gue.h).
 *
 * A slot that changes again before it has settled keeps the older one, which has the older connections, unless that is
 * the one that now has it again.
 */
struct lb_slot {
	__u16 real;
	__u16 prev;
} __attribute__((aligned(4))); /* read by one load */

/* The table's map holds slots in values of one cache line. */
#define LB_SLOTS_PER_LINE 16u
struct lb_slots {
	struct lb_slot slot[LB_SLOTS_PER_LINE];
};
_Static_assert(sizeof(struct lb_slots) == 64, "lb_slots is one cache line");

/*
 * Reals. An id names one address in one pool with one encapsulation; that part is written while the
 * id is free in the live half and does not change while any half refers to it, but for `sick`. Weight, state and
 * own port are the two-faced part. An id was never used while `used` is 0; a used one may be given out again only
 * after its entries are out of the session cache, its next hops, health and counters are cleared.
 */
enum lb_encap {
	LB_ENCAP_NONE,
	LB_ENCAP_IPIP,
	LB_ENCAP_GUE,
	LB_ENCAP_DSCP,
	LB_ENCAP_L2,
	LB_ENCAP_MAX
};
enum lb_state { LB_STATE_FREE, LB_STATE_UP, LB_STATE_DRAIN, LB_STATE_DOWN };
enum lb_health { LB_HEALTH_UNKNOWN, LB_HEALTH_UP, LB_HEALTH_DOWN };

struct lb_real_half {
	__u16 weight;
	__be16 mptcp; /* its own port, see "Services"; 0: none */
	__u8 state; /* enum lb_state */
	__u8 pad;
};

struct lb_real {
	__u8 addr[16]; /* IPv4: the first four bytes, the rest zero */
	__u16 pool;
	__u8 family; /* 4 or 6 */
	__u8 encap; /* enum lb_encap */
	struct lb_real_half half[2];
	__u8 used;
	__u8 own_encap; /* 1: encapsulation given with the real, 0: the pool's */
	__be16 port; /* of UDP, for GUE */
	/* 1: its health is LB_HEALTH_DOWN. All that packets read of it, beside what else they read of a real: written whenever
	 * map `health` is, and mended by the next commit, or by lbmon, where a writer died in between. */
	__u8 sick;
	__u8 pad[3];
};
_Static_assert(sizeof(struct lb_real) == 40, "lb_real is ABI");

struct lb_real_health {
	__u8 state; /* enum lb_health; unknown counts as up */
	__u8 pad[7];
	__u64 since; /* seconds, CLOCK_REALTIME */
	char why[48]; /* what the last check said, ends with NUL */
};
_Static_assert(sizeof(struct lb_real_health) == 64, "lb_real_health is ABI");

/*
 * Peers: the nodes among which fragments meet, index: half. `slot` is a table like those of pools. Those of one family
 * and address only: weight, state and pool say nothing.
 */
#define LB_PEERS_MAX 64u
#define LB_PEER_SLOTS 251u
#define LB_FRAGMENT_BUCKETS 2048u /* of 8 datagrams, as in the session cache */
struct lb_peers {
	struct lb_real peer[LB_PEERS_MAX];
	__u32 n;
	__u8 slot[LB_PEER_SLOTS];
	__u8 pad;
};
_Static_assert(sizeof(struct lb_peers) == 2816, "lb_peers is ABI");

/* Next hops, per CPU, index: real id. Made by the program from bpf_fib_lookup() and used for LB_NEXTHOP_HZ-th of a second,
 * so that changed routes, neighbours and up-links are followed with no daemon. An entry with `out` 0 is not there. */
#define LB_NEXTHOP_HZ 10u
#define LB_L2_MAX (14u + 4u * LB_VLAN_MAX)

enum lb_nexthop_flags {
	/* Through a VLAN device: l2 has its tags; else a packet that leaves as it came keeps its own. */
	LB_NH_OWN_TAGS = 1,
	LB_NH_V6 = 2, /* the real's address, and with it the outer packet, is IPv6 */
	LB_NH_GUE = 4,
	LB_NH_DSCP = 8,
	LB_NH_L2 = 16,
	LB_NH_BARE = LB_NH_DSCP | LB_NH_L2, /* no outer packet: bpf/bare.h */
};

struct lb_nexthop {
	__u32 until; /* low 32 bits of jiffies */
	__u32 in; /* ifindex on which packets must come to go by it; 0: any */
	__u32 out; /* ifindex on which packets leave */
	__u16 mtu; /* bytes of an outer packet, IP header included */
	__u8 l2_len; /* 14, 18 or 22 */
	__u8 flags; /* enum lb_nexthop_flags */
	/* Ethernet header with its tags; the last two bytes are the type of the real's family. */
	__u8 l2[LB_L2_MAX];
	__u16 csum; /* IPv4: folded sum of the outer header's constant words, as they lie in memory */
	__be16 port; /* of UDP, for GUE */
	__u16 fits; /* bytes of the largest packet that fits into an outer one of `mtu` bytes; 0 where the entry is not there */
	__be32 spread; /* bits of the source's last word that are the flow's hash: lb_source.h */
	union {
		struct {
			__be32 saddr4, daddr4;
		};
		struct {
			__u8 saddr6[16], daddr6[16];
		};
	};
} __attribute__((aligned(8)));
_Static_assert(sizeof(struct lb_nexthop) == 80, "lb_nexthop is ABI");

/*
 * Devices, key: ifindex. Written by lbtool at `dev add`: what bpf_fib_lookup() cannot tell. Read only
 * when a next hop is made.
 */
struct lb_dev {
	__u32 lower; /* of a VLAN device: the device below that packets leave by; else 0 */
	__be16 tag[LB_VLAN_MAX][2]; /* outermost first: TPID, TCI; TPID 0: none */
	__u8 via_family; /* 4, 6, or 0: ask the routes */
	__u8 attached; /* 1: listed because the program is attached to it */
	__u8 pad[2];
	__u8 via[16];
	/* Outer source where the kernel cannot tell (before 6.7); zero: none. */
	__u8 saddr4[4], saddr6[16];
};
_Static_assert(sizeof(struct lb_dev) == 52, "lb_dev is ABI");
#define LB_DEVS_MAX 1024u

/* Counters, per CPU. count_vip by vip id, count_real by real id, count_why by enum lb_why. */
struct lb_count {
	__u64 packets;
	__u64 bytes; /* of frames as they came, Ethernet header included */
};

/* What the session cache said of a packet of a service. */
enum lb_cache { LB_CACHE_UNASKED, LB_CACHE_HIT, LB_CACHE_MISS, LB_CACHE_MAX };

/* Of count_vip. Packets are counted where they belong and summed up by who reads: hits and misses cost the path nothing. */
struct lb_count_vip {
	__u64 packets[LB_CACHE_MAX];
	__u64 bytes;
};
_Static_assert(sizeof(struct lb_count_vip) == 32, "lb_count_vip is ABI");

#define LB_ROOT_COMMITS 0x7fffffffu /* of root */

/* Which half of the service buckets is live, 0 or 1. */
static inline __u32 lb_root_services(__u32 root)
{
	return root >> 31;
}

/* The one record of map `meta`. The first line is all that the packet path reads of it. */
struct lb_meta {
	__u32 root; /* commits so far; the lowest bit is the live half; the highest bit: lb_root_services() */
	__u32 flags; /* enum lb_meta_flags */
	/* Multipliers of the service buckets, a half of them each; 0: all are empty. */
	__u64 mul4[2], mul6[2];
	__u32 watch; /* 0: nobody listens; else of packets that were not dropped one in so many is looked at (lb_event.h) */
	__u8 peers[2]; /* how many nodes share their fragments, a half each */
	/* Raised before entries are removed from the session cache: flows that wait from before (pending.h) get none. An older
	 * version 8 has nothing that waits, and leaves it alone. */
	__u16 forgets;
	/* For writers: hash of the services that are in a half of the buckets, 0: not known. That it is here tells
	 * lib/maps_move.c that root has a bit for them. */
	__u64 in_buckets[2];

	__u32 magic, version; /* in all versions here */
	__u64 seed; /* of the flow hash and of the tables; the same on all nodes */
	__u32 reals, vips, pools; /* most ids of each, id 0 of the reals included */
	__u32 slots; /* in all tables together */
	__u32 buckets; /* service buckets of a half, each family */
	__u32 sessions; /* buckets of the session cache */
	__u32 idle_tcp, idle_udp; /* seconds; 0: LB_TCP_IDLE, LB_UDP_IDLE */
	char object[16]; /* first hex digits of the SHA-256 of the loaded object, no NUL */
	struct lb_source source[2]; /* a half each; read when a next hop is made */
};
_Static_assert(sizeof(struct lb_meta) == 192, "lb_meta is ABI");
_Static_assert(__builtin_offsetof(struct lb_meta, magic) == 64, "where each version looks");

enum lb_meta_flags {
	LB_META_VIA =
		1, /* some device has `via`: next hops made from now on hold for their device only */
	LB_META_DRAINED = 2, /* `lbtool node drain`: lbmon announces nothing */
};

#endif
