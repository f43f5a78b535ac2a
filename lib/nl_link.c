/* SPDX-License-Identifier: GPL-2.0 */
/* nl_link.c - devices. */
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nl_internal.h"

#define ALT_NAME_SIZE 128 /* ALTIFNAMSIZ, whose header does not go with <net/if.h> */

static void parse_kind(const struct nlattr *info, struct lb_link *link)
{
	const struct nlattr *tb[IFLA_INFO_DATA + 1], *vlan[IFLA_VLAN_PROTOCOL + 1];
	const char *kind;

	nl_nest(info, tb, IFLA_INFO_DATA);
	if (!tb[IFLA_INFO_KIND])
		return;
	kind = mnl_attr_get_str(tb[IFLA_INFO_KIND]);
	if (!strcmp(kind, "vti") || !strcmp(kind, "vti6")) /* IPsec, of the tunnels' types */
		link->tunnel = false;
	if (!tb[IFLA_INFO_DATA] || strcmp(kind, "vlan") != 0)
		return;
	nl_nest(tb[IFLA_INFO_DATA], vlan, IFLA_VLAN_PROTOCOL);
	if (!vlan[IFLA_VLAN_ID] || !vlan[IFLA_VLAN_PROTOCOL])
		return;
	link->vlan_id = mnl_attr_get_u16(vlan[IFLA_VLAN_ID]);
	link->vlan_proto = be16toh(mnl_attr_get_u16(vlan[IFLA_VLAN_PROTOCOL]));
}

static void parse_xdp(const struct nlattr *nest, struct lb_link *link)
{
	static const enum lb_xdp_mode modes[] = {
		[XDP_ATTACHED_NONE] = LB_XDP_NONE,   [XDP_ATTACHED_DRV] = LB_XDP_NATIVE,
		[XDP_ATTACHED_SKB] = LB_XDP_GENERIC, [XDP_ATTACHED_HW] = LB_XDP_OFFLOAD,
		[XDP_ATTACHED_MULTI] = LB_XDP_MULTI,
	};
	/* PROG_ID is there unless several are attached. */
	static const uint16_t ids[] = {IFLA_XDP_PROG_ID, IFLA_XDP_DRV_PROG_ID, IFLA_XDP_SKB_PROG_ID,
				       IFLA_XDP_HW_PROG_ID};
	const struct nlattr *tb[IFLA_XDP_HW_PROG_ID + 1];
	uint8_t attached;

	nl_nest(nest, tb, IFLA_XDP_HW_PROG_ID);
	attached = tb[IFLA_XDP_ATTACHED] ? mnl_attr_get_u8(tb[IFLA_XDP_ATTACHED]) : 0;
	if (attached == XDP_ATTACHED_NONE || attached > XDP_ATTACHED_MULTI)
		return;
	link->xdp_mode = modes[attached];
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]) && !link->xdp_prog; i++)
		if (tb[ids[i]])
			link->xdp_prog = mnl_attr_get_u32(tb[ids[i]]);
}

int nl_link_parse(const struct nlmsghdr *nlh, struct lb_link *link)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFLA_XDP + 1];

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return EPROTO;
	nl_attrs(nlh, sizeof(*ifi), tb, IFLA_XDP);
	if (!tb[IFLA_IFNAME])
		return EPROTO;
	memset(link, 0, sizeof(*link));
	link->ifindex = (uint32_t)ifi->ifi_index;
	link->up = ifi->ifi_flags & IFF_UP;
	link->running = link->up && ifi->ifi_flags & IFF_RUNNING;
	link->ether = ifi->ifi_type == ARPHRD_ETHER || ifi->ifi_type == ARPHRD_LOOPBACK;
	link->loopback = ifi->ifi_flags & IFF_LOOPBACK;
	link->arp = !(ifi->ifi_flags & (IFF_NOARP | IFF_LOOPBACK));
	link->tunnel = ifi->ifi_type == ARPHRD_TUNNEL || ifi->ifi_type == ARPHRD_TUNNEL6 ||
		       ifi->ifi_type == ARPHRD_SIT;
	snprintf(link->name, sizeof(link->name), "%s", mnl_attr_get_str(tb[IFLA_IFNAME]));
	if (tb[IFLA_MTU])
		link->mtu = mnl_attr_get_u32(tb[IFLA_MTU]);
	if (tb[IFLA_LINKINFO])
		parse_kind(tb[IFLA_LINKINFO], link);
	/* With a namespace id the index is one of another namespace. */
	if (link->vlan_proto && tb[IFLA_LINK] && !tb[IFLA_LINK_NETNSID])
		link->lower = mnl_attr_get_u32(tb[IFLA_LINK]);
	if (tb[IFLA_XDP])
		parse_xdp(tb[IFLA_XDP], link);
	return 0;
}

static int one_link(const struct nlmsghdr *nlh, void *arg)
{
	return nlh ? nl_link_parse(nlh, arg) : 0;
}

static struct nlmsghdr *link_request(struct lb_nl *nl, uint16_t flags, uint32_t ifindex)
{
	struct nlmsghdr *nlh = nl_request(nl, RTM_GETLINK, flags, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	ifi->ifi_index = (int)ifindex;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return nlh;
}

int nl_link_by_index(struct lb_nl *nl, uint32_t ifindex, struct lb_link *link)
{
	char text[sizeof(nl->text)];
	int error;

	memcpy(text, nl->text, sizeof(text));
	error = nl_ask(nl, link_request(nl, 0, ifindex), one_link, link);
	memcpy(nl->text, text, sizeof(text));
	return error;
}

const char *nl_name(struct lb_nl *nl, uint32_t ifindex, char name[IFNAMSIZ])
{
	struct lb_link link;

	if (nl_link_by_index(nl, ifindex, &link))
		snprintf(name, IFNAMSIZ, "#%u", ifindex);
	else
		memcpy(name, link.name, IFNAMSIZ);
	return name;
}

int lb_nl_link(struct lb_nl *nl, const char *name, struct lb_link *link, struct lb_err *err)
{
	struct nlmsghdr *nlh = link_request(nl, 0, 0);
	size_t len = strlen(name);
	int error = ENODEV;

	if (len && len < ALT_NAME_SIZE) {
		/* The kernel finds a short alternative name under IFLA_IFNAME, too. */
		mnl_attr_put_strz(nlh, len < IFNAMSIZ ? IFLA_IFNAME : IFLA_ALT_IFNAME, name);
		error = nl_ask(nl, nlh, one_link, link);
	}
	if (error == ENODEV)
		return lb_fail(err, "device \"%s\": does not exist in this network namespace",
			       name);
	return error ? nl_fail(nl, error, err, "device \"%s\"", name) : 0;
}

static int add_link(const struct nlmsghdr *nlh, void *arg)
{
	struct nl_list *list = arg;
	struct lb_link *link;

	if (!nlh) {
		list->n = 0;
		return 0;
	}
	link = nl_list_next(list);
	return link ? nl_link_parse(nlh, link) : ENOMEM;
}

static int by_index(const void *a, const void *b)
{
	uint32_t x = ((const struct lb_link *)a)->ifindex, y = ((const struct lb_link *)b)->ifindex;

	return (x > y) - (x < y);
}

int lb_nl_links(struct lb_nl *nl, struct lb_link **links, size_t *n, struct lb_err *err)
{
	struct nl_list list = {.size = sizeof(**links)};
	int error = nl_ask(nl, link_request(nl, NLM_F_DUMP, 0), add_link, &list);

	if (error) {
		free(list.item);
		return nl_fail(nl, error, err, "list of devices");
	}
	if (list.n)
		qsort(list.item, list.n, sizeof(**links), by_index);
	*links = list.item;
	*n = list.n;
	return 0;
}
