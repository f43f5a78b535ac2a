/* SPDX-License-Identifier: GPL-2.0 */
/* A receiver: what is in the tunnels is for VIPs, which this host must have, and nobody may hear of. */
#include <stdio.h>
#include <string.h>

#include "lbtool/doctor.h"
#include "lbtool/recv.h"
#include "lib/host.h"

static uint8_t whole(const struct lb_addr *addr)
{
	return addr->family == 4 ? 32 : 128;
}

static void missing(struct doctor *d, const struct lb_addr *addr)
{
	char text[LB_ADDR_STRLEN];
	struct lb_route route;
	struct lb_err ignored;

	if (!lb_nl_route(d->t->nl, addr, &route, &ignored) && route.local)
		return;
	format_addr(addr, text);
	doctor_remedy(d, "%s address add %s/%u dev lo", d->ip, text, whole(addr));
	doctor_find(d, DOCTOR_FAULT, text,
		    "packets or a DSCP name it as a VIP, but it is no address of this host: what "
		    "is for it is lost; if it has moved away, \"receiver replace\" forgets it");
}

/* An address that is where it should not be, or takes more than itself along. */
static void misplaced(struct doctor *d, const struct lb_nl_addr *a, const struct lb_link *link)
{
	const struct doctor_vip *vip = doctor_vip(d, &a->addr);
	char text[LB_ADDR_STRLEN];
	bool wide = link->loopback && a->len != whole(&a->addr);

	if (!vip || recv_loops(&a->addr) || (!wide && !(link->arp && vip->named)))
		return;
	format_addr(&a->addr, text);
	/* One with a prefix may be how the host is reached: packets may say what they like. */
	if (link->loopback || a->len == whole(&a->addr))
		doctor_remedy(d, "%s address del %s/%u dev %s; %s address add %s/%u dev lo", d->ip,
			      text, a->len, link->name, d->ip, text, whole(&a->addr));
	if (wide)
		doctor_find(d, DOCTOR_WARNING, text,
			    "stands on %s with /%u: this host takes the whole prefix for its own",
			    link->name, a->len);
	else
		doctor_find(d, DOCTOR_WARNING, text,
			    "the VIP stands on %s, not on lo: neighbours there hear of it, and may "
			    "send to this host past the balancers",
			    link->name);
}

static void vips(struct doctor *d)
{
	for (size_t i = 0; i < d->vips; i++)
		if (d->vip[i].named)
			missing(d, &d->vip[i].addr);
	for (size_t i = 0; i < d->devs.addrs; i++) {
		const struct lb_link *link = devs_link(&d->devs, d->devs.addr[i].ifindex);

		if (link)
			misplaced(d, &d->devs.addr[i], link);
	}
	if (d->vips)
		return;
	doctor_remedy(d, "%s address add VIP/32 dev lo", d->ip);
	doctor_find(d, DOCTOR_WARNING, NULL,
		    "lo has no address but the loopback's: this host takes packets of no VIP");
}

/* A VIP in the prefix of the device: neighbours there may ask for it by ARP. */
static const struct lb_addr *shares(const struct doctor *d, const struct lb_link *link)
{
	for (size_t i = 0; i < d->devs.addrs; i++) {
		const struct lb_nl_addr *a = &d->devs.addr[i];
		const struct lb_net net = lb_net_of(&a->addr, a->len);

		if (a->ifindex != link->ifindex || a->addr.family != 4)
			continue;
		for (size_t k = 0; k < d->vips; k++)
			if (lb_net_has(&net, &d->vip[k].addr) &&
			    lb_addr_cmp(&a->addr, &d->vip[k].addr) != 0)
				return &d->vip[k].addr;
	}
	return NULL;
}

static void one_arp(struct doctor *d, const struct lb_link *link)
{
	const struct lb_addr *vip = link->arp && link->up ? shares(d, link) : NULL;
	char text[LB_ADDR_STRLEN];
	long ignore, announce;

	if (!vip || !lb_host_conf_max("ipv4", link->name, "arp_ignore", &ignore) ||
	    !lb_host_conf_max("ipv4", link->name, "arp_announce", &announce))
		return;
	/* 3 ignores addresses of scope host alone. */
	if ((ignore == 1 || ignore == 2 || ignore == 8) && announce == 2)
		return;
	format_addr(vip, text);
	doctor_remedy(d,
		      "%ssysctl -w net/ipv4/conf/%s/arp_ignore=1 net/ipv4/conf/%s/arp_announce=2",
		      d->run, link->name, link->name);
	doctor_find(
		d, DOCTOR_WARNING, link->name,
		"neighbours there may ask for the VIP %s, and this host answers (arp_ignore %ld), "
		"or tells it when it asks itself (arp_announce %ld): past the balancers",
		text, ignore, announce);
}

static void arp(struct doctor *d)
{
	for (size_t i = 0; i < d->devs.n; i++)
		one_arp(d, &d->devs.link[i]);
}

static bool has_vip(const struct doctor *d, uint8_t family)
{
	for (size_t i = 0; i < d->vips; i++)
		if (d->vip[i].addr.family == family)
			return true;
	return false;
}

/* What comes out of a tunnel comes from a client, by the device that the tunnel came by. */
static void rp_filter_of(struct doctor *d, const struct lb_link *link, const struct lb_receiver *r)
{
	/* Nobody in particular: an address for documentation. */
	static const struct lb_addr client = {.family = 4, .b = {198, 51, 100, 7}};
	struct lb_route route;
	long strict;

	(void)r;
	if (!has_vip(d, 4) || !lb_host_conf_max("ipv4", link->name, "rp_filter", &strict) ||
	    strict != 1)
		return;
	if (!lb_nl_route(d->t->nl, &client, &route, &d->t->err) && route.ifindex == link->ifindex)
		return;
	doctor_remedy(d, "%ssysctl -w net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/%s/rp_filter=2",
		      d->run, link->name);
	/* No fault for sure: clients may be few and near, and routes by rules or with many next hops are not seen. */
	doctor_find(d, DOCTOR_WARNING, link->name,
		    "reverse path filtering is strict, and the way to the world (198.51.100.7, "
		    "say) is not by this device: what its clients send is dropped out of the "
		    "tunnel");
}

/* The device drops IPv6 then, also what comes out of IPv4. */
static void ipv6_of(struct doctor *d, const struct lb_link *link, const struct lb_receiver *r)
{
	bool wanted = has_vip(d, 6);
	long off;

	for (size_t i = 0; i < r->froms && !wanted; i++)
		wanted = r->from[i].addr.family == 6 && r->from[i].len;
	if (!wanted || !lb_host_conf("ipv6", link->name, "disable_ipv6", &off) || !off)
		return;
	doctor_remedy(d, "%ssysctl -w net/ipv6/conf/%s/disable_ipv6=0", d->run, link->name);
	doctor_find(d, DOCTOR_FAULT, link->name,
		    "IPv6 is off there: neither do IPv6 tunnels come, nor is what is in tunnels "
		    "taken for IPv6 VIPs");
}

/* They come after the receiver, and get what is not for it. */
static void tunnels(struct doctor *d)
{
	for (size_t i = 0; i < d->devs.n; i++) {
		const struct lb_link *link = &d->devs.link[i];

		if (!link->tunnel || !link->up)
			continue;
		doctor_remedy(d, "%s link set dev %s down", d->ip, link->name);
		doctor_find(d, DOCTOR_WARNING, link->name,
			    "a tunnel device of the kernel is up: it takes tunnels that the "
			    "receiver leaves alone, those of other devices, whoever sent them");
	}
}

const struct doctor_check doctor_rx_vip[] = {
	{"rx_vip", HAVE_RX, vips, "on this host, each alone, on lo", NULL, NULL},
	{"rx_arp", HAVE_RX, arp, "no neighbour hears of a VIP", NULL, NULL},
	{"rx_rp_filter", HAVE_RX, NULL, "lets in what comes out of tunnels", NULL, rp_filter_of},
	{"rx_ipv6", HAVE_RX, NULL, "on where it comes", NULL, ipv6_of},
	{"rx_tunnel", HAVE_RX, tunnels, "no tunnel device of the kernel is up", NULL, NULL},
	{NULL, 0, NULL, NULL, NULL, NULL},
};
