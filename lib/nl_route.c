/* SPDX-License-Identifier: GPL-2.0 */
/* nl_route.c - addresses, the way to an address, and neighbours. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nl_internal.h"

static uint8_t family_of(const struct lb_addr *addr)
{
	return addr->family == 6 ? AF_INET6 : AF_INET;
}

static uint16_t size_of(const struct lb_addr *addr)
{
	return addr->family == 6 ? 16 : 4;
}

/* An address of a kernel message; family 0 in *addr when it is none. */
static void take_addr(uint8_t family, const void *bytes, size_t len, struct lb_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (family == AF_INET && len >= 4)
		addr->family = 4;
	else if (family == AF_INET6 && len >= 16)
		addr->family = 6;
	else
		return;
	memcpy(addr->b, bytes, size_of(addr));
}

static bool link_local(const struct lb_addr *addr)
{
	if (addr->family == 6)
		return addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80;
	return addr->b[0] == 169 && addr->b[1] == 254;
}

struct addr_list {
	struct nl_list list;
	uint32_t ifindex;
};

static int add_addr(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[IFA_FLAGS + 1], *attr;
	struct addr_list *a = arg;
	const struct ifaddrmsg *ifa;
	struct lb_nl_addr *item;
	struct lb_addr addr;
	uint32_t flags;

	if (!nlh) {
		a->list.n = 0;
		return 0;
	}
	ifa = mnl_nlmsg_get_payload(nlh);
	nl_attrs(nlh, sizeof(*ifa), tb, IFA_FLAGS);
	/* With a peer ADDRESS is the peer's. */
	attr = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	flags = tb[IFA_FLAGS] ? mnl_attr_get_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	if (!attr || (a->ifindex && ifa->ifa_index != a->ifindex) ||
	    flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))
		return 0;
	take_addr(ifa->ifa_family, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr),
		  &addr);
	if (!addr.family || link_local(&addr))
		return 0;
	item = nl_list_next(&a->list);
	if (!item)
		return ENOMEM;
	item->addr = addr;
	item->ifindex = ifa->ifa_index;
	item->len = ifa->ifa_prefixlen;
	item->scope = ifa->ifa_scope;
	return 0;
}

int lb_nl_addrs(struct lb_nl *nl, uint32_t ifindex, struct lb_nl_addr **addrs, size_t *n,
		struct lb_err *err)
{
	struct addr_list a = {.list.size = sizeof(**addrs), .ifindex = ifindex};
	struct nlmsghdr *nlh = nl_request(nl, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	int error;

	ifa->ifa_index = ifindex; /* under strict checking the kernel selects by it */
	error = nl_ask(nl, nlh, add_addr, &a);
	if (error) {
		char name[IFNAMSIZ];

		free(a.list.item);
		return ifindex ? nl_fail(nl, error, err, "device \"%s\": list of addresses",
					 nl_name(nl, ifindex, name))
			       : nl_fail(nl, error, err, "list of addresses");
	}
	*addrs = a.list.item;
	*n = a.list.n;
	return 0;
}

struct route_answer {
	struct lb_route route;
	uint8_t type; /* RTN_UNSPEC: no answer */
};

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[RTA_VIA + 1];
	struct route_answer *r = arg;
	const struct rtmsg *rtm;

	memset(r, 0, sizeof(*r));
	if (!nlh)
		return 0;
	rtm = mnl_nlmsg_get_payload(nlh);
	nl_attrs(nlh, sizeof(*rtm), tb, RTA_VIA);
	r->type = rtm->rtm_type;
	r->route.local = rtm->rtm_type == RTN_LOCAL;
	if (tb[RTA_OIF])
		r->route.ifindex = mnl_attr_get_u32(tb[RTA_OIF]);
	if (tb[RTA_PREFSRC])
		take_addr(rtm->rtm_family, mnl_attr_get_payload(tb[RTA_PREFSRC]),
			  mnl_attr_get_payload_len(tb[RTA_PREFSRC]), &r->route.src);
	if (tb[RTA_GATEWAY]) {
		take_addr(rtm->rtm_family, mnl_attr_get_payload(tb[RTA_GATEWAY]),
			  mnl_attr_get_payload_len(tb[RTA_GATEWAY]), &r->route.via);
	} else if (tb[RTA_VIA]) { /* RFC 8950: a next hop of the other family */
		const struct rtvia *via = mnl_attr_get_payload(tb[RTA_VIA]);

		take_addr((uint8_t)via->rtvia_family, via->rtvia_addr,
			  mnl_attr_get_payload_len(tb[RTA_VIA]) - sizeof(*via), &r->route.via);
	}
	return 0;
}

/* The kind of a route that leads nowhere, NULL for others. IPv4 answers with an errno, IPv6 with the route. */
static const char *dead_end(int error, uint8_t type)
{
	if (error == EINVAL || (!error && type == RTN_BLACKHOLE))
		return "blackhole";
	if (error == EHOSTUNREACH || (!error && type == RTN_UNREACHABLE))
		return "unreachable";
	if (error == EACCES || (!error && type == RTN_PROHIBIT))
		return "prohibit";
	return NULL;
}

int lb_nl_route(struct lb_nl *nl, const struct lb_addr *to, struct lb_route *route,
		struct lb_err *err)
{
	struct nlmsghdr *nlh = nl_request(nl, RTM_GETROUTE, 0, sizeof(struct rtmsg));
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	char word[LB_ADDR_STRLEN];
	struct route_answer r;
	const char *dead;
	int error;

	format_addr(to, word);
	rtm->rtm_family = family_of(to);
	rtm->rtm_dst_len = (uint8_t)(size_of(to) * 8);
	mnl_attr_put(nlh, RTA_DST, size_of(to), to->b);
	error = nl_ask(nl, nlh, take_route, &r);
	if (error == ENETUNREACH)
		return lb_fail(err, "no route to %s", word);
	dead = dead_end(error, r.type);
	if (dead)
		return lb_fail(err, "no way to %s: its route is of type %s", word, dead);
	if (error)
		return nl_fail(nl, error, err, "route to %s", word);
	if (r.type != RTN_UNICAST && r.type != RTN_LOCAL)
		return lb_fail(err, "no way to %s: it is a broadcast, multicast or anycast address",
			       word);
	if (!r.route.via.family)
		r.route.via = *to;
	*route = r.route;
	return 0;
}

struct neigh_look {
	bool found;
	uint16_t state;
	uint8_t flags;
	uint8_t lladdr[6];
};

static int take_neigh(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[NDA_LLADDR + 1];
	struct neigh_look *look = arg;
	const struct ndmsg *ndm;

	memset(look, 0, sizeof(*look));
	if (!nlh)
		return 0;
	ndm = mnl_nlmsg_get_payload(nlh);
	look->found = true;
	look->state = ndm->ndm_state;
	look->flags = ndm->ndm_flags;
	nl_attrs(nlh, sizeof(*ndm), tb, NDA_LLADDR);
	if (tb[NDA_LLADDR] && mnl_attr_get_payload_len(tb[NDA_LLADDR]) == sizeof(look->lladdr))
		memcpy(look->lladdr, mnl_attr_get_payload(tb[NDA_LLADDR]), sizeof(look->lladdr));
	return 0;
}

static struct nlmsghdr *neigh_request(struct lb_nl *nl, uint16_t type, uint16_t flags,
				      uint32_t ifindex, const struct lb_addr *addr)
{
	struct nlmsghdr *nlh = nl_request(nl, type, flags, sizeof(struct ndmsg));
	struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);

	ndm->ndm_family = family_of(addr);
	ndm->ndm_ifindex = (int)ifindex;
	mnl_attr_put(nlh, NDA_DST, size_of(addr), addr->b);
	return nlh;
}

static int neigh_fail(struct lb_nl *nl, uint32_t ifindex, const struct lb_addr *addr, int error,
		      struct lb_err *err)
{
	char word[LB_ADDR_STRLEN], name[IFNAMSIZ];

	format_addr(addr, word);
	return nl_fail(nl, error, err, "device \"%s\": neighbour %s", nl_name(nl, ifindex, name),
		       word);
}

/*
 * Called twice, the second call changes nothing but that a resolution which has failed is begun at once
 * instead of at the kernel's next turn (5 s). The state of an entry stays in any case, and so does
 * its MAC, except that PERMANENT would be lost: hence the look first.
 */
int lb_nl_neigh_keep(struct lb_nl *nl, uint32_t ifindex, const struct lb_addr *addr,
		     struct lb_err *err)
{
	struct neigh_look look;
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;
	int error;

	error = nl_ask(nl, neigh_request(nl, RTM_GETNEIGH, 0, ifindex, addr), take_neigh, &look);
	if (error && error != ENOENT)
		return neigh_fail(nl, ifindex, addr, error, err);
	if (look.found && look.state & (NUD_PERMANENT | NUD_NOARP))
		return 0;
	/* USE rules where the kernel does not know the attribute (before 5.16). EXT_LEARNED is lost if not said again. */
	nlh = neigh_request(nl, RTM_NEWNEIGH, NLM_F_CREATE, ifindex, addr);
	ndm = mnl_nlmsg_get_payload(nlh);
	ndm->ndm_flags = NTF_USE | (look.flags & NTF_EXT_LEARNED);
	mnl_attr_put_u32(nlh, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	error = nl_ask(nl, nlh, NULL, NULL);
	return error ? neigh_fail(nl, ifindex, addr, error, err) : 0;
}

#define NUD_USABLE (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

int lb_nl_neigh(struct lb_nl *nl, uint32_t ifindex, const struct lb_addr *addr,
		struct lb_neigh *neigh, struct lb_err *err)
{
	struct neigh_look look;
	int error = nl_ask(nl, neigh_request(nl, RTM_GETNEIGH, 0, ifindex, addr), take_neigh,
			   &look);

	*neigh = (struct lb_neigh){0};
	if (error == ENOENT)
		return 0;
	if (error)
		return neigh_fail(nl, ifindex, addr, error, err);
	neigh->resolved = look.found && look.state & NUD_USABLE;
	if (neigh->resolved)
		memcpy(neigh->lladdr, look.lladdr, sizeof(neigh->lladdr));
	return 0;
}
