/* SPDX-License-Identifier: GPL-2.0 */
/*
 * maps.h - the pinned maps as the database: read a model, commit a model, counters, devices.
 *
 * The only place in user space that knows bpf/lb_abi.h. An instance's maps are pinned in
 * /sys/fs/bpf/lb/INSTANCE/map; lib/prog.h makes them.
 */
#ifndef LIB_MAPS_H
#define LIB_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/check.h"
#include "lib/err.h"
#include "lib/model.h"

struct lb_maps;

/*
 * Opens the maps of a loaded instance. Fails, each with its own sentence, when bpffs is not
 * mounted, nothing is loaded, privileges are missing, or the maps are of another ABI version. *maps is ended by lb_maps_close().
 */
int lb_maps_open(const char *instance, struct lb_maps **maps, struct lb_err *err);
void lb_maps_close(struct lb_maps *maps);

/* How many reals there are, without a model; while somebody commits, perhaps a few less or more. */
uint32_t lb_maps_reals(const struct lb_maps *maps);

struct lb_info {
	uint32_t version; /* of the ABI */
	uint32_t commits;
	uint64_t seed;
	uint32_t sessions; /* entries of the session cache, 0: none */
	uint32_t idle_tcp, idle_udp; /* of these, seconds: struct lb_sizes */
	uint32_t slots_used; /* by the live tables */
	char object[17]; /* SHA-256 of the object that was loaded, first 16 hex digits */
	struct lb_limits limits;
};
void lb_maps_info(const struct lb_maps *maps, struct lb_info *info);

/*
 * Maps of another ABI version, which their BTF describes. movable: are the pinned ones of an older version that this one
 * understands? old: what they say of themselves. move: fills those of `to`, which
 * were made with the same sizes and seed and are used by nobody, with configuration, health, tables, devices and counters
 * of `from`, whose lock is held; objects keep their ids. move_sessions: the session cache, as far as `to` has room free for its
 * entries. It may be called again when packets have left `from`; when caches differ it does nothing.
 */
bool lb_maps_movable(const char *instance);
int lb_maps_old(const char *instance, struct lb_info *info, struct lb_err *err);
int lb_maps_move(const char *from, const char *to, struct lb_err *err);
void lb_maps_move_sessions(const char *from, const char *to);

/* The live configuration, with ids and health. Takes no lock: a commit in between starts the reading anew. */
int lb_maps_read(const struct lb_maps *m, struct lb_model *model, struct lb_err *err);

/*
 * Makes `to` the live configuration in one store. `from` is what lb_maps_read() returned under the lock that is
 * still held. Ids in `to` are kept where an object of `from` has the same key (and, for a real, encapsulation) and are
 * given to new ones in sorted order. Killed or failed at any moment, either all of it is in force or nothing.
 */
int lb_maps_commit(struct lb_maps *maps, const struct lb_model *from, struct lb_model *to,
		   struct lb_err *err);

/*
 * Health, lbmon's part of the database. `since` in seconds of CLOCK_REALTIME; `why` is cut to LB_WHY_LEN - 1 bytes.
 * It has no effect on the table until lb_maps_rebuild().
 */
void lb_maps_health_put(struct lb_maps *maps, uint32_t real_id, enum lb_m_health health,
			uint64_t since, const char *why);
/* Do packets know it? Not when who wrote it was killed in between. */
bool lb_maps_health_is(const struct lb_maps *maps, uint32_t real_id, enum lb_m_health health);
/* Health, since and why of a real of a model, as they are now; its id is set. */
void lb_maps_health_get(const struct lb_maps *maps, struct lb_m_real *real);
/*
 * Builds the table of one live pool anew from the model's reals, `sick` heeded, and swaps it in with one store, without a commit. *m was
 * read under the lock that is still held. Nothing is written when it would come out the same. 1: changed, 0: not, -1: *err.
 */
int lb_maps_rebuild(struct lb_maps *maps, const struct lb_model *m, const char *pool,
		    struct lb_err *err);

/* The same, whatever is there: for a table whose slots are not what its pool says of it. 0, or -1 with *err. */
int lb_maps_remake(struct lb_maps *maps, const struct lb_model *m, const char *pool,
		   struct lb_err *err);
/*
 * How many slots of a pool's live table name another real than configuration and health, as the model has them, ask for; all when it
 * has another size. While somebody is about to rebuild it, that is no fault: ask again.
 */
int lb_maps_stray(struct lb_maps *m, const struct lb_model *model, const char *pool,
		  uint32_t *stray, struct lb_err *err);

/* Bytes that the way to a real of that family takes of the MTU: 0 without a tunnel. */
uint32_t lb_encap_room(enum lb_m_encap encap, uint8_t family);

/* The mark (SO_MARK) of a socket whose packets the program `hc` sends through the tunnel to that real. */
uint32_t lb_maps_mark(uint32_t real_id);

/* Is the node drained (`lbtool node drain`)? Writing needs the lock. */
bool lb_maps_drained(const struct lb_maps *maps);
void lb_maps_drain(struct lb_maps *maps, bool drained);

/* Are these still the maps that are pinned for the instance? False after `prog unload`, with or without another load. */
bool lb_maps_current(const struct lb_maps *maps, const char *instance);
/* And if not: have maps of another ABI version taken their place? */
bool lb_maps_moved(const struct lb_maps *maps, const char *instance);

/* Slots of the live table of a pool that each of its reals has; count[] as lb_model_pool_reals() orders them, n entries. */
int lb_maps_shares(struct lb_maps *m, const struct lb_model *model, const char *pool,
		   uint32_t *count, uint32_t n, struct lb_err *err);

/* 64-bit FNV-1a over the addresses that the slots of a live table name, slot by slot: equal on
 * all nodes that choose alike, whatever ids they use. */
int lb_maps_digest(struct lb_maps *m, const struct lb_model *model, const char *pool,
		   uint64_t *digest, struct lb_err *err);

/*
 * The session cache as it stands, while packets go on writing. An entry knows its real, by id, and when its flow's last packet
 * came; it knows neither VIP nor client. Times are seconds, told in ticks of 16.4 s (20.5 s with HZ=100); after 6 days they
 * begin anew at 0.
 */
#define LB_IDLE_CLASSES 5
extern const uint32_t lb_idle_from[LB_IDLE_CLASSES]; /* a class goes from here up to the next one */
struct lb_session_use {
	uint32_t entries, again; /* again: of flows that came a second time */
	uint32_t youngest, oldest; /* 0 without entries */
	uint32_t idle[LB_IDLE_CLASSES];
};
struct lb_sessions {
	uint64_t entries, bytes; /* room and memory; 0: there is no cache */
	uint64_t used, again;
	uint32_t buckets, full; /* full: of 8 entries in use */
	uint32_t reals; /* length of real[] */
	/* By id; 0: of no real at all. An id that the model lacks is that of a deleted real. */
	struct lb_session_use real[];
};
/* *sessions is the caller's to free(). */
int lb_maps_sessions(const struct lb_maps *maps, struct lb_sessions **sessions, struct lb_err *err);
/*
 * Removes the entries of the reals whose id is set in of[limits.reals + 1], all there are when it is NULL; *n: how many. Needs
 * the lock: else an id may get another real meanwhile. A packet under way may write its entry back.
 */
int lb_maps_session_flush(struct lb_maps *maps, const bool *of, uint64_t *n, struct lb_err *err);

struct lb_counts {
	uint64_t packets, bytes; /* of all CPUs; bytes of frames as they came */
	uint64_t hits,
		misses; /* VIPs: packets whose real the session cache was asked for, and knew or not */
};
enum lb_counter { LB_COUNT_VIP, LB_COUNT_REAL, LB_COUNT_WHY };
int lb_maps_count(const struct lb_maps *maps, enum lb_counter which, uint32_t id,
		  struct lb_counts *count, struct lb_err *err);

/* Reasons: number 1..lb_why_count()-1; name for scripts, text for people. */
uint32_t lb_why_count(void);
const char *lb_why_name(uint32_t why);
const char *lb_why_text(uint32_t why);

/* What the program must know of a device beside what the kernel tells it (struct lb_dev in lb_abi.h). */
struct lb_dev_conf {
	uint32_t ifindex;
	uint32_t lower; /* VLAN device: the device below, else 0 */
	struct {
		uint16_t tpid, tci;
	} tag[2]; /* host order, outermost first, tpid 0: none */
	struct lb_addr via; /* family 0: ask the routes */
	struct lb_addr src4, src6; /* outer source where the kernel cannot tell; family 0: none */
	bool attached;
};
int lb_maps_dev_put(struct lb_maps *maps, const struct lb_dev_conf *dev, struct lb_err *err);
int lb_maps_dev_del(struct lb_maps *maps, uint32_t ifindex, struct lb_err *err); /* none there: 0 */
bool lb_maps_dev_get(const struct lb_maps *maps, uint32_t ifindex, struct lb_dev_conf *dev);
/* The first device after ifindex (0: the first of all) in no stated order; false: no more. */
bool lb_maps_dev_next(const struct lb_maps *maps, uint32_t *ifindex);

#endif
