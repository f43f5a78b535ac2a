/* SPDX-License-Identifier: GPL-2.0 */
/* The balancer's devices, and what hinders its packets there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lbtool/doctor.h"
#include "lib/devconf.h"
#include "lib/host.h"

#define INNER_LEAST 1280u /* what each IPv6 host may send without asking: RFC 8200 */

/* Listed as having the program, in the maps. */
static void listed(struct doctor *d, uint32_t ifindex)
{
	const struct lb_link *link = devs_link(&d->devs, ifindex), *first = devs_first(&d->devs);
	char number[16];

	if (!link) {
		snprintf(number, sizeof(number), "#%" PRIu32, ifindex);
		/* Which brings the entries of all devices up to date. */
		doctor_remedy(d, "%s dev %s %s", d->lbtool, first ? "replace" : "add",
			      first ? first->name : "DEV");
		doctor_find(d, DOCTOR_FAULT, number,
			    "a device that the program was on is gone, or in another network "
			    "namespace");
	} else if (!link->xdp_prog) {
		doctor_remedy(d, "%s dev add %s", d->lbtool, link->name);
		doctor_find(d, DOCTOR_FAULT, link->name,
			    "somebody took the program off the device: no packet is balanced "
			    "there");
	} else if (!d->devs.ours[link - d->devs.link]) {
		doctor_remedy(d, "%s link set dev %s %s off; %s dev add %s", d->ip, link->name,
			      devs_mode(link) == LB_XDP_GENERIC ? "xdpgeneric" : "xdpdrv",
			      d->lbtool, link->name);
		doctor_find(d, DOCTOR_FAULT, link->name,
			    "another program (id %" PRIu32 ") sits in the balancer's place: no "
			    "packet is balanced there",
			    link->xdp_prog);
	} else if (link->xdp_prog != d->prog) {
		doctor_remedy(d, "%s prog reload", d->lbtool);
		doctor_find(d, DOCTOR_WARNING, link->name,
			    "an older program than the loaded one is attached");
	}
}

static void attached(struct doctor *d)
{
	struct lb_dev_conf conf;
	uint32_t ifindex = 0;
	size_t n = 0;

	while (lb_maps_dev_next(d->t->maps, &ifindex))
		if (lb_maps_dev_get(d->t->maps, ifindex, &conf) && conf.attached) {
			listed(d, ifindex);
			n++;
		}
	for (size_t i = 0; i < d->devs.n; i++) {
		if (!d->devs.ours[i] ||
		    (lb_maps_dev_get(d->t->maps, d->devs.link[i].ifindex, &conf) && conf.attached))
			continue;
		doctor_remedy(d, "%s dev replace %s", d->lbtool, d->devs.link[i].name);
		doctor_find(d, DOCTOR_FAULT, d->devs.link[i].name,
			    "has the program, but no entry in the maps");
		n++;
	}
	if (n)
		return;
	doctor_remedy(d, "%s dev add DEV", d->lbtool);
	doctor_find(d, DOCTOR_FAULT, NULL, "no device has the program: no packet is balanced");
}

void doctor_link(struct doctor *d, const struct lb_link *link)
{
	if (!link->up) {
		doctor_remedy(d, "%s link set dev %s up", d->ip, link->name);
		doctor_find(d, DOCTOR_FAULT, link->name, "is down");
	} else if (!link->running) {
		doctor_remedy(d, "%sethtool %s", d->run, link->name);
		doctor_find(d, DOCTOR_FAULT, link->name,
			    "has no carrier: look at cable and switch");
	}
}

static void link_of(struct doctor *d, const struct lb_link *link, const struct lb_dev_conf *conf)
{
	(void)conf;
	doctor_link(d, link);
}

static void mode_of(struct doctor *d, const struct lb_link *link, const struct lb_dev_conf *conf)
{
	(void)conf;
	if (devs_mode(link) != LB_XDP_GENERIC)
		return;
	doctor_remedy(d, "%s dev replace %s mode native", d->lbtool, link->name);
	doctor_find(d, DOCTOR_WARNING, link->name,
		    "is in mode generic: some times slower than native, which its driver may have");
}

static bool has_real(const struct doctor *d, uint8_t family)
{
	for (size_t i = 0; i < d->model.reals; i++)
		if (d->model.real[i].addr.family == family)
			return true;
	return false;
}

/* bpf_fib_lookup() answers only while the device on which packets come forwards that family. */
static void forwarding_of(struct doctor *d, const struct lb_link *link,
			  const struct lb_dev_conf *conf)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		const char *ip = family == 4 ? "ipv4" : "ipv6";
		long on;

		if (!(conf->via.family ? conf->via.family == family : has_real(d, family)) ||
		    !lb_host_conf(ip, link->name, "forwarding", &on) || on)
			continue;
		doctor_remedy(d, "%ssysctl -w net/%s/conf/%s/forwarding=1", d->run, ip, link->name);
		doctor_find(
			d, DOCTOR_FAULT, link->name,
			"does not forward IPv%u: the kernel tells XDP no way to such reals, and "
			"their packets are dropped",
			family);
	}
}

static void offload_of(struct doctor *d, const struct lb_link *link, const struct lb_dev_conf *conf)
{
	struct lb_offloads o;

	(void)conf;
	if (!lb_host_offloads(link->name, &o))
		return;
	if (o.lro) {
		doctor_remedy(d, "%sethtool -K %s lro off", d->run, link->name);
		doctor_find(d, DOCTOR_FAULT, link->name,
			    "joins packets before the program sees them (LRO): they do not fit "
			    "into the tunnel");
	}
	if (o.rxvlan && devs_mode(link) == LB_XDP_GENERIC) {
		doctor_remedy(d, "%sethtool -K %s rxvlan off", d->run, link->name);
		doctor_find(d, DOCTOR_WARNING, link->name,
			    "takes VLAN tags out of frames (rxvlan): in mode generic the program "
			    "does not see them");
	}
}

static uint32_t most_room(const struct doctor *d)
{
	uint32_t most = 0;

	for (size_t i = 0; i < d->model.reals; i++) {
		const struct lb_m_real *r = &d->model.real[i];
		uint32_t one = lb_encap_room(lb_real_encap(&d->model, r), r->addr.family);

		if (one > most)
			most = one;
	}
	return most;
}

static void mtu_of(struct doctor *d, const struct lb_link *link, const struct lb_dev_conf *conf)
{
	uint32_t most = most_room(d), room = link->mtu > most ? link->mtu - most : 0;
	bool six = d->model.vips && d->model.vip[d->model.vips - 1].svc.addr.family == 6;

	(void)conf;
	if (room >= INNER_LEAST) {
		doctor_find(d, DOCTOR_OK, link->name,
			    "MTU %" PRIu32 ": packets of up to %" PRIu32 " bytes go to all reals",
			    link->mtu, room);
		return;
	}
	doctor_remedy(d, "%s link set dev %s mtu %" PRIu32, d->ip, link->name, INNER_LEAST + most);
	doctor_find(d, six ? DOCTOR_FAULT : DOCTOR_WARNING, link->name,
		    "MTU %" PRIu32 ": packets of more than %" PRIu32 " bytes do not fit into the "
		    "tunnel%s",
		    link->mtu, room, six ? ", and IPv6 need not make them smaller than 1280" : "");
}

bool doctor_tunnelled(const struct lb_m_pool *p)
{
	return p->check.kind != LB_M_CHECK_NONE && p->check.kind != LB_M_CHECK_EXEC &&
	       !p->check.direct;
}

static bool checks_through_tunnel(const struct doctor *d)
{
	for (size_t i = 0; i < d->model.pools; i++)
		if (doctor_tunnelled(&d->model.pool[i]))
			return true;
	return false;
}

static void rp_filter_of(struct doctor *d, const struct lb_link *link,
			 const struct lb_dev_conf *conf)
{
	long strict;

	(void)conf;
	if (!checks_through_tunnel(d) ||
	    !lb_host_conf_max("ipv4", link->name, "rp_filter", &strict) || strict != 1)
		return;
	doctor_remedy(d, "%ssysctl -w net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/%s/rp_filter=2",
		      d->run, link->name);
	doctor_find(
		d, DOCTOR_WARNING, link->name,
		"reverse path filtering is strict: answers to checks through the tunnel come from "
		"VIPs, and are dropped unless the route to those is by this device");
}

static void hc_of(struct doctor *d, const struct lb_link *link, const struct lb_dev_conf *conf)
{
	(void)conf;
	if (!checks_through_tunnel(d) || devs_hc(d->t, link))
		return;
	doctor_remedy(d, "%s dev replace %s", d->lbtool, link->name);
	doctor_find(
		d, DOCTOR_FAULT, link->name,
		"the filter that puts health checks into the tunnel is missing: checks that leave "
		"by it go astray");
}

static void source_of(struct doctor *d, const struct lb_link *link, const struct lb_dev_conf *conf)
{
	const struct lb_devs all = {d->devs.link, d->devs.ours, d->devs.n, d->devs.addr,
				    d->devs.addrs};
	struct lb_dev_conf now;

	if (!lb_devconf(&all, link - d->devs.link, &now) ||
	    (!lb_addr_cmp(&now.src4, &conf->src4) && !lb_addr_cmp(&now.src6, &conf->src6)))
		return;
	doctor_remedy(d, "%s dev replace %s", d->lbtool, link->name);
	doctor_find(
		d, DOCTOR_WARNING, link->name,
		"addresses have changed since the program was attached: tunnels may have the old "
		"ones as their source, which receivers may refuse");
}

const struct doctor_check doctor_dev[] = {
	{"attached", HAVE_LB, attached, "on each of its devices", NULL, NULL},
	{"link", HAVE_LB, NULL, "up, with a carrier", link_of, NULL},
	{"mode", HAVE_LB, NULL, "native", mode_of, NULL},
	{"forwarding", HAVE_LB, NULL, "on where XDP needs it", forwarding_of, NULL},
	{"offload", HAVE_LB, NULL, "none that hides packets from the program", offload_of, NULL},
	{"mtu", HAVE_LB, NULL, "room for all", mtu_of, NULL},
	{"rp_filter", HAVE_LB, NULL, "lets in the answers to checks", rp_filter_of, NULL},
	{"hc", HAVE_LB, NULL, "checks get into the tunnel", hc_of, NULL},
	{"source", HAVE_LB, NULL, "addresses are as they were when the program was attached",
	 source_of, NULL},
	{NULL, 0, NULL, NULL, NULL, NULL},
};
