/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nl.h - the network part of the kernel: links, XDP, clsact, routes, neighbours; by netlink (libmnl).
 *
 * All functions act in the network namespace that the process was in when lb_nl_open() was called.
 * They return 0, or -1 with *err, which holds the kernel's own explanation (NLMSGERR_ATTR_MSG) where it gave one.
 */
#ifndef LIB_NL_H
#define LIB_NL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/parse.h"

struct lb_nl;

struct lb_nl *lb_nl_open(struct lb_err *err);
void lb_nl_close(struct lb_nl *nl);

/* Moves the process into /run/netns/NAME: the network namespace only, so that bpffs stays in sight. */
int lb_netns_enter(const char *name, struct lb_err *err);

enum lb_xdp_mode { LB_XDP_NONE, LB_XDP_NATIVE, LB_XDP_GENERIC, LB_XDP_OFFLOAD, LB_XDP_MULTI };
/* "none", "native", "generic", "offload", "multi", NULL */
extern const char *const lb_xdp_mode_names[];

struct lb_link {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	uint32_t mtu;
	bool up, running; /* by the administrator, and with a carrier besides */
	bool ether; /* frames begin with an Ethernet header; lo's do */
	bool loopback, arp; /* arp: asks its neighbours, and answers them */
	bool tunnel; /* one of the kernel's own for IP in IP: ipip, sit, ip6tnl */
	uint32_t lower; /* IFLA_LINK of a VLAN device (0: in another namespace), else 0 */
	uint16_t vlan_proto, vlan_id; /* host order; proto 0: not a VLAN device */
	enum lb_xdp_mode xdp_mode;
	uint32_t xdp_prog; /* id of the attached program, 0: none; in mode multi the native one's */
};

/* One device by name. A missing one is a failure that names it. */
int lb_nl_link(struct lb_nl *nl, const char *name, struct lb_link *link, struct lb_err *err);
/* All devices, ascending by ifindex; *links is the caller's to free(). */
int lb_nl_links(struct lb_nl *nl, struct lb_link **links, size_t *n, struct lb_err *err);

/*
 * Attaches prog_fd (or detaches, prog_fd -1). With expected_fd >= 0 the kernel does it only while
 * that program is the attached one (XDP_FLAGS_REPLACE); with -1 only while none is (XDP_FLAGS_UPDATE_IF_NOEXIST). So a foreign
 * program is never replaced. mode: NATIVE, GENERIC or OFFLOAD.
 */
int lb_nl_xdp_set(struct lb_nl *nl, const struct lb_link *link, enum lb_xdp_mode mode, int prog_fd,
		  int expected_fd, struct lb_err *err);

/* clsact: *made tells whether this call made it. Deleting is refused by nobody: ask lb_nl_tc_empty() first;
 * none there is no error, and the older ingress qdisc, which sits in the same place, stays. */
int lb_nl_clsact_add(struct lb_nl *nl, uint32_t ifindex, bool *made, struct lb_err *err);
int lb_nl_clsact_del(struct lb_nl *nl, uint32_t ifindex, struct lb_err *err);

/*
 * A direct-action cls_bpf filter, protocol all, preference `pref`, handle 1. set: adds it, or swaps the program of the one that
 * is there atomically. An entry of that preference that is not a bpf filter called `name` is foreign: refused.
 * get: the id of our program in *prog_id, 0 when there is none. del: none there is no error.
 */
int lb_nl_tc_set(struct lb_nl *nl, uint32_t ifindex, bool egress, uint16_t pref, const char *name,
		 int prog_fd, struct lb_err *err);
int lb_nl_tc_get(struct lb_nl *nl, uint32_t ifindex, bool egress, uint16_t pref, const char *name,
		 uint32_t *prog_id, struct lb_err *err);
int lb_nl_tc_del(struct lb_nl *nl, uint32_t ifindex, bool egress, uint16_t pref, const char *name,
		 struct lb_err *err);
/* No filter left, neither ingress nor egress. */
int lb_nl_tc_empty(struct lb_nl *nl, uint32_t ifindex, bool *empty, struct lb_err *err);

/* The addresses of this namespace, those of one device with ifindex != 0. Link-local ones and
 * those still tentative are left out. *addrs is the caller's to free(). */
struct lb_nl_addr {
	struct lb_addr addr;
	uint32_t ifindex;
	uint8_t len; /* of the prefix */
	uint8_t scope; /* RT_SCOPE_UNIVERSE 0, RT_SCOPE_HOST 254, ... */
};
int lb_nl_addrs(struct lb_nl *nl, uint32_t ifindex, struct lb_nl_addr **addrs, size_t *n,
		struct lb_err *err);

/* The way to an address: RTM_GETROUTE. No route is a failure. */
struct lb_route {
	uint32_t ifindex;
	/* The neighbour to resolve: the gateway, or the address itself on link; may be of the other
	 * family (RFC 8950). */
	struct lb_addr via;
	struct lb_addr src; /* preferred source; family 0: the kernel did not say */
	bool local; /* the address is this host's own */
};
int lb_nl_route(struct lb_nl *nl, const struct lb_addr *to, struct lb_route *route,
		struct lb_err *err);

/*
 * Has the kernel resolve a neighbour and keep it so: NTF_EXT_MANAGED (5.16), which is what XDP
 * needs, since its packets do not trigger resolution; where the kernel refuses that, one NTF_USE. A permanent entry is left alone.
 */
int lb_nl_neigh_keep(struct lb_nl *nl, uint32_t ifindex, const struct lb_addr *addr,
		     struct lb_err *err);

/* What the kernel knows of a neighbour; of one that it does not know, nothing. */
struct lb_neigh {
	bool resolved; /* packets can be sent to it */
	uint8_t lladdr[6];
};
int lb_nl_neigh(struct lb_nl *nl, uint32_t ifindex, const struct lb_addr *addr,
		struct lb_neigh *neigh, struct lb_err *err);

/*
 * News of links, addresses, routes and neighbours: a descriptor to poll for input, non-blocking, the caller's to close(); -1 with *err.
 * lb_nl_news_read() empties it and says what they were of, LB_NEWS_ bits: all, when some were lost.
 */
enum {
	LB_NEWS_LINK = 1, /* and addresses */
	LB_NEWS_ROUTE = 2,
	LB_NEWS_NEIGH = 4, /* came or changed, which often is our own doing */
	LB_NEWS_NEIGH_GONE = 8,
};
int lb_nl_news_open(struct lb_err *err);
unsigned int lb_nl_news_read(int fd);

#endif
