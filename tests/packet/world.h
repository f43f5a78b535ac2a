/* SPDX-License-Identifier: GPL-2.0 */
/*
 * world.h - what the packet tests and the bench run in: a network namespace of the process's own with
 * two links, routes and permanent neighbours, and instances of the balancer loaded by lb_prog_load().
 *
 * Two links, WORLD_IN and WORLD_OUT, each with a gateway ".254" / "::fe". Destinations, X any of the rest:
 *   10.0.X.X fd00:0::X  by IN        10.1.X.X fd00:1::X  by OUT
 *   10.2.X.X fd00:2::X  by IN, a gateway that nobody resolves
 *   10.3.X.X fd00:3::X  no route     10.4.X.X fd00:4::X  by IN, MTU 1400 (locked)
 *   10.5.X.X fd00:5::X  blackhole    10.6.X.X            by IN, an IPv6 gateway (RFC 8950)
 *   10.7.X.X fd00:7::X  by OUT with another source address (world_src4, world_src6)
 */
#ifndef TESTS_PACKET_WORLD_H
#define TESTS_PACKET_WORLD_H

#include "bpf/lb_abi.h"
#include "lib/err.h"
#include "lib/maps.h"
#include "lib/model.h"
#include "lib/prog.h"
#include "tests/packet/packet.h"

enum { WORLD_IN, WORLD_OUT, WORLD_LINKS };

/* Microseconds after which no next hop is in use that was made before. */
#define WORLD_HOP_LIFE (1500000 / LB_NEXTHOP_HZ)

/* Addresses of the links and of their gateways. */
struct world_link {
	const char *name, *addr4, *addr6;
	uint8_t mac[6], gw_mac[6];
};
extern const struct world_link world_link[WORLD_LINKS];
extern const char world_src4[], world_src6[];

struct world {
	char instance[LB_NAME_MAX + 1];
	struct lb_maps *maps;
	struct lb_model model; /* edited by world_config.h, in force after world_commit() */
	int prog, why_map;
	uint32_t in; /* ifindex that packets come by */
	uint32_t cpus;
	uint32_t
		front; /* bytes that `prog` puts in front of the packet before the balancer's turn */
	int guard, guard_pid;
	char wrong[256]; /* what world_send() objects to */
};

/* Moves the process into a new network namespace and sets it up. Once a process. */
int world_net(struct lb_err *err);
/* Commands of ip(8), a line each. */
int world_ip(const char *batch, struct lb_err *err);
/* /proc/sys/net/PATH = value, in the namespace. */
int world_sysctl(const char *path, const char *value, struct lb_err *err);

/* Loads the instance "ptest-PID-NAME". It is removed by world_unload(), or by a guardian process when this one dies.
 * sizes NULL: small ones. */
int world_load(struct world *w, const char *name, const struct lb_sizes *sizes, struct lb_err *err);
void world_unload(struct world *w);
/* A pinned map, to be closed; -1 with *err. */
int world_map(const struct world *w, const char *name, struct lb_err *err);

/*
 * Sends one packet in by WORLD_IN and returns why it left. LB_NEXT with w->wrong filled when what always holds
 * did not: exactly one reason is counted, one packet and the frame's bytes; the action is the reason's;
 * a packet that passes is untouched.
 */
enum lb_why world_send(struct world *w, const struct pkt *in, struct pkt *out);
const char *world_why_name(enum lb_why why); /* "wrong" for LB_NEXT */

#endif
