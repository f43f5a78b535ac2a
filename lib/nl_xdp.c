/* SPDX-License-Identifier: GPL-2.0 */
/* nl_xdp.c - XDP programs on devices, and why the kernel would not have one there. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/nl_internal.h"

const char *const lb_xdp_mode_names[] = {"none", "native", "generic", "offload", "multi", NULL};

/* By ioctl on the netlink socket, which knows its namespace. */
static void driver_of(const struct lb_nl *nl, const struct lb_link *link, char driver[32])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq ifr = {.ifr_data = (void *)&info};

	memcpy(ifr.ifr_name, link->name, IFNAMSIZ);
	if (ioctl(mnl_socket_get_fd(nl->sock), SIOCETHTOOL, &ifr) || !info.driver[0])
		snprintf(driver, 32, "driver unknown");
	else
		snprintf(driver, 32, "%.31s", info.driver);
}

/* Something is in the way: on this device, or on one above it. */
static int fail_taken(struct lb_nl *nl, const struct lb_link *link, enum lb_xdp_mode mode,
		      int error, struct lb_err *err)
{
	const char *text = nl->text[0] ? nl->text : strerror(error);
	struct lb_link now;

	if (nl_link_by_index(nl, link->ifindex, &now) || !now.xdp_prog)
		return nl_fail(nl, error, err, "device \"%s\" (no XDP program is attached)",
			       link->name);
	if (now.xdp_mode != mode)
		return lb_fail(err,
			       "device \"%s\": %s: a program with id %u is attached in mode %s: "
			       "\"bpftool prog show id %u\" shows it",
			       link->name, text, now.xdp_prog, lb_xdp_mode_names[now.xdp_mode],
			       now.xdp_prog);
	return lb_fail(err,
		       "device \"%s\": a foreign XDP program with id %u is attached%s: "
		       "\"bpftool prog show id %u\" shows it",
		       link->name, now.xdp_prog, strstr(text, "link") ? " by a BPF link" : "",
		       now.xdp_prog);
}

/* The driver would not: the kernel's words, and what could be done. */
static int fail_driver(struct lb_nl *nl, const struct lb_link *link, enum lb_xdp_mode mode,
		       int error, struct lb_err *err)
{
	const char *remedy = mode == LB_XDP_NATIVE ? "use \"mode generic\"" : "use \"mode native\"";
	const char *kind = mode == LB_XDP_NATIVE ? "native" : "offloaded";
	const char *text = nl->text;
	char driver[32];
	size_t len;

	driver_of(nl, link, driver);
	len = strlen(driver);
	/* Some explanations begin with the driver's name, which is said already. */
	if (!strncmp(text, driver, len) && !strncmp(text + len, ": ", 2))
		text += len + 2;
	/* The kernel's core says so, or nobody says anything. */
	if (strstr(text, "does not support XDP") ||
	    (!text[0] && (error == EOPNOTSUPP || mode == LB_XDP_OFFLOAD)))
		return lb_fail(err, "device \"%s\" (%s) has no %s XDP: %s", link->name, driver,
			       kind, remedy);
	if (!text[0])
		return lb_fail(err, "device \"%s\" (%s) refuses %s XDP (%s): %s", link->name,
			       driver, kind, strerror(error), remedy);
	if (strcasestr(text, "MTU"))
		return lb_fail(err,
			       "device \"%s\" (%s): %s: lower that MTU (this device has %u), or %s",
			       link->name, driver, text, link->mtu, remedy);
	return lb_fail(err, "device \"%s\" (%s): %s: change that, or %s", link->name, driver, text,
		       remedy);
}

static int fail_xdp(struct lb_nl *nl, const struct lb_link *link, enum lb_xdp_mode mode, int error,
		    struct lb_err *err)
{
	switch (error) {
	case EBUSY:
	case EEXIST:
		return fail_taken(nl, link, mode, error, err);
	case EOPNOTSUPP:
	case EINVAL:
	case ERANGE:
	case ENOSPC:
	case ENOMEM:
		if (mode != LB_XDP_GENERIC)
			return fail_driver(nl, link, mode, error, err);
		break;
	case ENODEV:
		return lb_fail(err, "device \"%s\": does not exist any more", link->name);
	}
	return nl_fail(nl, error, err, "device \"%s\"", link->name);
}

int lb_nl_xdp_set(struct lb_nl *nl, const struct lb_link *link, enum lb_xdp_mode mode, int prog_fd,
		  int expected_fd, struct lb_err *err)
{
	static const uint32_t modes[] = {
		[LB_XDP_NATIVE] = XDP_FLAGS_DRV_MODE,
		[LB_XDP_GENERIC] = XDP_FLAGS_SKB_MODE,
		[LB_XDP_OFFLOAD] = XDP_FLAGS_HW_MODE,
	};
	uint32_t flags = XDP_FLAGS_UPDATE_IF_NOEXIST;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	int error;

	if (mode < LB_XDP_NATIVE || mode > LB_XDP_OFFLOAD)
		return lb_fail(err, "device \"%s\": not a mode to attach in", link->name);
	/* NOEXIST says nothing about detaching; REPLACE with the expected fd -1 does: "none". */
	if (expected_fd >= 0 || prog_fd < 0)
		flags = XDP_FLAGS_REPLACE;
	nlh = nl_request(nl, RTM_SETLINK, 0, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(nlh);
	ifi->ifi_index = (int)link->ifindex;
	nest = mnl_attr_nest_start(nlh, IFLA_XDP);
	mnl_attr_put_u32(nlh, IFLA_XDP_FD, (uint32_t)prog_fd);
	mnl_attr_put_u32(nlh, IFLA_XDP_FLAGS, flags | modes[mode]);
	if (flags & XDP_FLAGS_REPLACE)
		mnl_attr_put_u32(nlh, IFLA_XDP_EXPECTED_FD, (uint32_t)expected_fd);
	mnl_attr_nest_end(nlh, nest);
	error = nl_ask(nl, nlh, NULL, NULL);
	return error ? fail_xdp(nl, link, mode, error, err) : 0;
}
