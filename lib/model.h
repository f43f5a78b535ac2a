/* SPDX-License-Identifier: GPL-2.0 */
/*
 * model.h - the configuration as a value: pools, reals, VIPs.
 *
 * One run of lbtool reads it from the maps (lib/maps.h), edits it in memory with the functions here,
 * checks it whole (lib/check.h) and writes it back in one commit. So a batch is a transaction
 * and a bad word leaves the kernel untouched. Nothing here knows the kernel or the maps' layout.
 *
 * The arrays are sorted at all times: pools by name, reals by pool name, then address, VIPs by service. Names of pools are
 * the references, since ids are the maps' affair (`id` is kept for whoever writes them).
 */
#ifndef LIB_MODEL_H
#define LIB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/parse.h"

enum lb_m_state { LB_M_UP, LB_M_DRAIN, LB_M_DOWN };
enum lb_m_encap {
	LB_M_ENCAP_DEFAULT,
	LB_M_ENCAP_IPIP,
	LB_M_ENCAP_GUE,
	LB_M_ENCAP_DSCP,
	LB_M_ENCAP_L2,
};
extern const char *const lb_state_names[]; /* "up", "drain", "down", NULL */
/* "default", "ipip", "gue", "dscp", "l2", NULL; "default" is the pool's */
extern const char *const lb_encap_names[];

/* How a pool's reals are asked whether they serve. Texts end with NUL; "" is none given. */
enum lb_m_check_kind {
	LB_M_CHECK_NONE,
	LB_M_CHECK_TCP,
	LB_M_CHECK_HTTP,
	LB_M_CHECK_HTTPS,
	LB_M_CHECK_UDP,
	LB_M_CHECK_EXEC,
};
extern const char *const lb_check_names[]; /* "none", "tcp", "http", "https", "udp", "exec", NULL */

struct lb_m_check {
	enum lb_m_check_kind kind;
	bool direct; /* asks the real's own address, not the VIP through the tunnel */
	uint16_t port; /* 0: that of the pool's first VIP */
	uint32_t interval, timeout; /* milliseconds */
	uint8_t rise, fall; /* so many answers alike change the health */
	uint16_t status_min, status_max; /* HTTP statuses that are good */
	char host[128]; /* Host and SNI; "": the address asked */
	char path[128]; /* HTTP */
	char send[64],
		expect[64]; /* UDP: datagram and what the answer contains; expect: HTTP body, too */
	char command[128]; /* exec: an absolute path; called with ADDRESS and PORT */
};
extern const struct lb_m_check
	lb_check_default; /* kind none, 2 s, 1 s, rise 2, fall 3, 200-399, "/" */

/* An order of checks: 0 when they ask the same in the same way. */
int lb_m_check_cmp(const struct lb_m_check *a, const struct lb_m_check *b);

enum lb_m_health { LB_M_UNKNOWN, LB_M_HEALTHY, LB_M_SICK };
extern const char *const lb_health_names[]; /* "unknown", "up", "down", NULL */
#define LB_WHY_LEN 48 /* with the final NUL */

/* By what a service's flows are placed, and what becomes of fragments. */
enum lb_m_hash { LB_M_HASH_5TUPLE, LB_M_HASH_SRC };
enum lb_m_fragments { LB_M_FRAGMENTS_DROP, LB_M_FRAGMENTS_HASH, LB_M_FRAGMENTS_TRACK };
extern const char *const lb_hash_names[]; /* "5tuple", "src", NULL */
extern const char *const lb_fragments_names[]; /* "drop", "hash", "track", NULL */

#define LB_NO_ID UINT32_MAX
#define LB_WEIGHT_MAX 65535u
#define LB_DRAIN_DEFAULT 300u
#define LB_DRAIN_MAX 65535u
#define LB_GUE_PORT_DEFAULT 6080u
#define LB_DSCP_MAX 63u

struct lb_m_pool {
	char name[LB_NAME_MAX + 1];
	uint32_t slots; /* of the table, a prime */
	enum lb_m_encap encap; /* never DEFAULT */
	uint16_t min; /* healthy reals that an announced VIP needs, 1 or more */
	uint8_t panic; /* percent: when fewer are up, health is not heeded; 0: never */
	/* For reals reached by GUE: seconds for which a slot that changed names the real it had before, and the UDP port. */
	uint16_t drain, gue_port;
	struct lb_m_check check;
	uint32_t id; /* in the maps, or LB_NO_ID when it is new */
};

struct lb_m_real {
	char pool[LB_NAME_MAX + 1];
	struct lb_addr addr;
	uint16_t weight; /* 0-LB_WEIGHT_MAX; 0 takes no new flows */
	uint16_t mptcp; /* TCP port of its own on its pool's VIPs (lib/own.h); 0: none */
	enum lb_m_state state; /* what the administrator wants */
	enum lb_m_encap encap; /* DEFAULT: the pool's */
	/* lbmon's fields, never written by lbtool: */
	enum lb_m_health health;
	uint64_t since; /* of that health, seconds, CLOCK_REALTIME; 0: never set */
	char why[LB_WHY_LEN]; /* what the last check said */
	bool sick; /* out of the table: health says down, and the pool does not panic */
	uint32_t id;
};

struct lb_m_vip {
	struct lb_service svc;
	char pool[LB_NAME_MAX + 1];
	bool session;
	bool always; /* its address is announced whatever the health of its reals */
	enum lb_m_hash hash;
	enum lb_m_fragments fragments;
	uint8_t dscp; /* 1-LB_DSCP_MAX: names the address to reals that are reached by dscp; 0: none */
	uint32_t id;
};

#define LB_M_PEERS_MAX 64u
/* Lengths of prefixes for outer sources. */
#define LB_SPREAD4_MIN 8u
#define LB_SPREAD4_MAX 31u
#define LB_SPREAD6_MIN 32u
#define LB_SPREAD6_MAX 127u

struct lb_model {
	uint64_t seed;
	/* Addresses of the nodes among which fragments meet, this one's included; sorted. */
	struct lb_addr peer[LB_M_PEERS_MAX];
	size_t peers;
	/* Prefixes of which the outer source of tunnels is one by the flow's hash; family 0: the node's own address. */
	struct lb_net spread4, spread6;
	struct lb_m_pool *pool;
	struct lb_m_real *real;
	struct lb_m_vip *vip;
	size_t pools, reals, vips; /* how many are there */
	size_t pool_room, real_room, vip_room; /* allocated */
};

/* All memory of a model is its own; lb_model_free() leaves an empty, usable one. lb_model_copy() overwrites
 * *to, which owns no memory then; when it fails, *to is empty. */
void lb_model_init(struct lb_model *m);
void lb_model_free(struct lb_model *m);
int lb_model_copy(struct lb_model *to, const struct lb_model *from, struct lb_err *err);

/* What is not the administrator's, `to` gets from `from`: the seed, and of objects that both have, ids and health. */
void lb_model_inherit(struct lb_model *to, const struct lb_model *from);

/* NULL when it is not there. The pointer holds until the next put or del. O(log n). */
struct lb_m_pool *lb_model_pool(const struct lb_model *m, const char *name);
struct lb_m_real *lb_model_real(const struct lb_model *m, const char *pool,
				const struct lb_addr *addr);
struct lb_m_vip *lb_model_vip(const struct lb_model *m, const struct lb_service *svc);

/* The reals of a pool stand together: the first, and how many in *n (0: the pointer means nothing). */
struct lb_m_real *lb_model_pool_reals(const struct lb_model *m, const char *pool, size_t *n);

/* put: adds the value, or takes the place of the one with the same key. 0, or -1 when memory is
 * short. O(n) worst, O(1) when keys come sorted. */
int lb_model_put_pool(struct lb_model *m, const struct lb_m_pool *pool, struct lb_err *err);
int lb_model_put_real(struct lb_model *m, const struct lb_m_real *real, struct lb_err *err);
int lb_model_put_vip(struct lb_model *m, const struct lb_m_vip *vip, struct lb_err *err);

/* What the array holds, n values in any order with a key each, in place of those that there were. From malloc(), and the
 * model's from now on. */
void lb_model_take_reals(struct lb_model *m, struct lb_m_real *real, size_t n);
void lb_model_take_vips(struct lb_model *m, struct lb_m_vip *vip, size_t n);

/* As put; more than LB_M_PEERS_MAX fail. del: true when it was there. */
int lb_model_put_peer(struct lb_model *m, const struct lb_addr *addr, struct lb_err *err);
bool lb_model_del_peer(struct lb_model *m, const struct lb_addr *addr);
bool lb_model_has_peer(const struct lb_model *m, const struct lb_addr *addr);

/* del: takes out what a find above returned. */
void lb_model_del_pool(struct lb_model *m, struct lb_m_pool *pool);
void lb_model_del_real(struct lb_model *m, struct lb_m_real *real);
void lb_model_del_vip(struct lb_model *m, struct lb_m_vip *vip);

/* How packets get to the real: its own encapsulation, or its pool's; never DEFAULT while the pool is there. */
enum lb_m_encap lb_real_encap(const struct lb_model *m, const struct lb_m_real *real);

/*
 * Is a real, of one pool and address in both models, still the same to packets? Then it keeps its id, and with it the flows
 * that the session cache remembers.
 */
bool lb_real_keeps(const struct lb_model *from, const struct lb_m_real *was,
		   const struct lb_model *to, const struct lb_m_real *is);
/* May packets be sent on to it, for the sake of what it had? Whether it is healthy, each packet asks anew. */
bool lb_real_may_be_prev(const struct lb_model *m, const struct lb_m_real *real);

/* Is the real in its pool's table? Up, of some weight, not sick. */
bool lb_real_serves(const struct lb_m_real *real);

/* Sets `sick` of all reals from their health and the pools' panic thresholds: a pool panics when of its reals
 * that are up by state and have weight less than panic percent are not down. */
void lb_model_health(struct lb_model *m);
/* Does this pool disregard health now? And how many of its reals would serve, heeding health. */
bool lb_pool_panics(const struct lb_model *m, const struct lb_m_pool *pool);
size_t lb_pool_healthy(const struct lb_model *m, const struct lb_m_pool *pool);

/*
 * The commands that make `to` of `from`, in an order in which each could be typed, one call of
 * line() each without the leading "lbtool" and without a newline: outer source, peers, then deletions of VIPs, reals and pools,
 * then pools, reals, VIPs. A pool that a VIP leaves with its `vip replace` is deleted last.
 * `replace` lines name every field that differs from its default before or after, since what is not named is kept.
 * Ports of one real alone that pass from one to another make lines that hold as a batch only.
 * What is not the administrator's (ids, health) and the seed make no lines. From an empty model: the whole of `to`.
 */
void lb_model_diff(const struct lb_model *from, const struct lb_model *to,
		   void (*line)(void *arg, const char *text), void *arg);

#endif
