/* SPDX-License-Identifier: GPL-2.0 */
/* ptest.h - Criterion around world.h. */
#ifndef TESTS_PACKET_PTEST_H
#define TESTS_PACKET_PTEST_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/packet/world_config.h"

/* A call that fills a `struct lb_err err`, which must be in sight, when it fails. */
#define must(call) \
	do { \
		if (call) \
			cr_fatal("%s:%d: %s", __FILE__, __LINE__, err.msg); \
	} while (0)

/* A test of two suites, which differ by their setups. */
#define PTEST_OF_BOTH(one, other, name) \
	static void name(void); \
	Test(one, name) \
	{ \
		name(); \
	} \
	Test(other, name) \
	{ \
		name(); \
	} \
	static void name(void)

/* Skips without root; under LB_REQUIRE_ROOT=1 that is a failure. */
void ptest_root(void);

/* Network and an instance with the VIPs that the tables speak of. */
void ptest_served(struct world *w);

/* Sends, and says by reason what became of it; what always holds is checked. */
enum lb_why ptest_send(struct world *w, const struct pkt *in, struct pkt *out, const char *what);
/* Sends a packet that must be forwarded rightly; returns where to. */
struct lb_addr ptest_real(struct world *w, const struct pkt *in, const char *what);
/* A map of the instance, all of it; munmap() is the end of the process. */
void *ptest_map(const struct world *w, const char *name);

/* When the pool's table last changed, see map `mixed`: with PTEST_LONG_AGO in it, no entry of the session cache counts that differs. */
uint64_t *ptest_mixed(const struct world *w, const char *pool);
#define PTEST_LONG_AGO 1 /* jiffies: the kernel's begin above */

/* The session cache, all of it; munmap() is the end of the process. */
struct lb_session *ptest_cache(const struct world *w, uint32_t *buckets);
/* Makes each of its entries so many ticks older. */
void ptest_age(struct lb_session *cache, uint32_t buckets, uint32_t ticks);
/* What waits on this CPU to be written to the cache (bpf/pending.h) is written, by a packet to that VIP's port 80, of a settled pool. */
void ptest_write_pending(struct world *w, const char *vip);
/* Some jiffies pass, on every kernel. */
void ptest_wait_a_jiffy(void);
/* Next hops of a pool's reals are fresh on this CPU, so that packets go the short way: by packets to that VIP's port 80, which has no session cache. */
void ptest_know_next_hops(struct world *w, const char *vip);
/* The first entry of the cache; NULL: it is empty. */
uint64_t *ptest_entry(struct lb_session *cache, uint32_t buckets);
/* From now on on one CPU, which has one cache of next hops. */
void ptest_one_cpu(void);
bool ptest_is(const struct lb_addr *got, const char *addr);

#endif
