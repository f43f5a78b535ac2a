/* SPDX-License-Identifier: GPL-2.0 */
/* Devices and namespaces. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/nl_internal.h"
#include "tests/unit/nl_lab.h"

#define ALT "a-name-that-is-longer-than-interfaces-may-have"

TestSuite(nl, .init = lab_up, .fini = lab_down, .timeout = 60);

Test(nl, link_by_name)
{
	struct lb_link link;

	sh("ip link set veth0 mtu 1400 && ip link set veth1 down");
	link = dev("veth0");
	cr_assert(eq(str, link.name, "veth0"));
	cr_assert(eq(u32, link.ifindex, if_nametoindex("veth0")));
	cr_assert(eq(u32, link.mtu, 1400));
	cr_assert(link.up);
	cr_assert(dev("veth1").up == false);
	cr_assert(eq(u32, link.lower, 0), "a veth's IFLA_LINK is its peer");
	cr_assert(eq(int, link.xdp_mode, LB_XDP_NONE));
	cr_assert(eq(u32, link.xdp_prog, 0));
	cr_assert(eq(str, dev("lo").name, "lo"));
	cr_assert(dev("lo").loopback && !dev("lo").arp && !dev("lo").tunnel);

	sh("ip link set veth1 name fifteen-letters");
	cr_assert(eq(str, dev("fifteen-letters").name, "fifteen-letters"));
}

Test(nl, link_by_alternative_name)
{
	sh("ip link property add dev veth0 altname up0 altname " ALT);
	cr_assert(eq(str, dev(ALT).name, "veth0"));
	cr_assert(eq(str, dev("up0").name, "veth0"));
}

Test(nl, link_missing)
{
	char name[301] = "";
	struct lb_link link;

	cr_assert(eq(int, lb_nl_link(nl, "eth7", &link, &err), -1));
	cr_assert(eq(str, err.msg, "device \"eth7\": does not exist in this network namespace"));
	cr_assert(eq(int, err.status, LB_FAILED));
	cr_assert(eq(int, lb_nl_link(nl, "", &link, &err), -1));
	cr_assert(eq(int, lb_nl_link(nl, ALT, &link, &err), -1));
	memset(name, 'x', sizeof(name) - 1);
	cr_assert(eq(int, lb_nl_link(nl, name, &link, &err), -1));
	cr_assert(strstr(err.msg, "does not exist") != NULL);
}

static size_t count_stable(const struct lb_link *links, size_t n)
{
	size_t stable = 0;

	for (size_t i = 0; i < n; i++) {
		cr_assert(i == 0 || links[i - 1].ifindex < links[i].ifindex, "not ascending");
		stable += links[i].name[0] == 's';
	}
	return stable;
}

static void many_links(void)
{
	sh("for i in $(seq 200); do echo link add s$i numtxqueues 1 numrxqueues 1 type veth "
	   "peer name s$i.p numtxqueues 1 numrxqueues 1; done | ip -batch -");
}

static void links_are_whole(size_t more)
{
	struct lb_link *links;
	size_t n;

	cr_assert(lb_nl_links(nl, &links, &n, &err) == 0, "%s", err.msg);
	cr_assert(eq(sz, count_stable(links, n), 400));
	cr_assert(n >= 403 && n <= 403 + more);
	free(links);
}

Test(nl, many_links)
{
	many_links();
	links_are_whole(0);
}

static int count_starts(const struct nlmsghdr *nlh, void *arg)
{
	*(int *)arg += nlh == NULL;
	return 0;
}

/* A dump of 400 links takes several reads; some of them meet a change in between. */
Test(nl, links_while_they_change)
{
	int asked = 0, starts = 0;
	char script[256];
	pid_t child;

	many_links();
	/* Ends by itself should this process fail. */
	snprintf(script, sizeof(script),
		 "while kill -0 %d 2>/dev/null; do echo link add t0 type bridge; echo link del t0; "
		 "sleep 0.2; done | ip -batch -",
		 (int)getpid());
	child = fork();
	cr_assert(child >= 0);
	if (child == 0) {
		setpgid(0, 0);
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(1);
	}
	setpgid(child, child);
	for (; asked < 20 || (starts == asked && asked < 5000); asked++) {
		struct nlmsghdr *nlh = nl_request(nl, RTM_GETLINK, NLM_F_DUMP,
						  sizeof(struct ifinfomsg));

		cr_assert(nl_ask(nl, nlh, count_starts, &starts) == 0, "%s", nl->text);
		links_are_whole(1);
	}
	kill(-child, SIGKILL);
	waitpid(child, NULL, 0);
	cr_assert(starts > asked, "no dump started over");
}

Test(nl, acts_where_it_was_opened)
{
	struct lb_link link;

	cr_assert(unshare(CLONE_NEWNET) == 0);
	cr_assert(eq(str, dev("veth0").name, "veth0"));
	lb_nl_close(nl);
	nl = lb_nl_open(&err);
	cr_assert(eq(int, lb_nl_link(nl, "veth0", &link, &err), -1));
}

/* /run/netns of its own, so that no name is left behind. */
Test(nl, netns_enter)
{
	struct lb_link link;

	cr_assert(unshare(CLONE_NEWNS) == 0);
	cr_assert(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	cr_assert(mount("lab", "/run", "tmpfs", 0, NULL) == 0);
	sh("ip netns add other.one && ip -n other.one link add inside type bridge");
	cr_assert(lb_netns_enter("other.one", &err) == 0, "%s", err.msg);
	lb_nl_close(nl);
	nl = lb_nl_open(&err);
	cr_assert(lb_nl_link(nl, "inside", &link, &err) == 0, "%s", err.msg);

	cr_assert(eq(int, lb_netns_enter("nowhere", &err), -1));
	cr_assert(eq(
		str, err.msg,
		"network namespace \"nowhere\": does not exist: \"ip netns\" lists those that do"));
	cr_assert(eq(int, err.status, LB_FAILED));
	sh("touch /run/netns/file");
	cr_assert(eq(int, lb_netns_enter("file", &err), -1));
	cr_assert(eq(str, err.msg, "network namespace \"file\": /run/netns/file is not one"));
	cr_assert(eq(int, lb_netns_enter("../netns/other.one", &err), -1));
	cr_assert(eq(int, err.status, LB_USAGE));
	cr_assert(eq(int, lb_netns_enter("", &err), -1));
	cr_assert(eq(int, seteuid(65534), 0));
	cr_assert(eq(int, lb_netns_enter("other.one", &err), -1));
	cr_assert(strstr(err.msg, "run as root") != NULL, "%s", err.msg);
}

/* A message as the kernel would send it: VLAN devices and offload are not to be had everywhere. */
static uint16_t begin(struct nlmsghdr *nlh, uint16_t type)
{
	struct nlattr *attr = (void *)((char *)nlh + nlh->nlmsg_len);
	uint16_t at = (uint16_t)nlh->nlmsg_len;

	attr->nla_type = type;
	nlh->nlmsg_len += NLA_HDRLEN;
	return at;
}

static void end(struct nlmsghdr *nlh, uint16_t at)
{
	((struct nlattr *)((char *)nlh + at))->nla_len = (uint16_t)(nlh->nlmsg_len - at);
	nlh->nlmsg_len = NLMSG_ALIGN(nlh->nlmsg_len);
}

static void put(struct nlmsghdr *nlh, uint16_t type, const void *val, size_t len)
{
	uint16_t at = begin(nlh, type);

	memcpy((char *)nlh + nlh->nlmsg_len, val, len);
	nlh->nlmsg_len += (uint32_t)len;
	end(nlh, at);
}

#define PUT(nlh, type, ctype, val) put(nlh, type, &(ctype){val}, sizeof(ctype))

static void vlan_message(struct nlmsghdr *nlh, bool foreign_lower)
{
	uint16_t info, data;

	*nlh = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
				 .nlmsg_type = RTM_NEWLINK};
	((struct ifinfomsg *)NLMSG_DATA(nlh))->ifi_index = 9;
	put(nlh, IFLA_IFNAME, "v5", 3);
	PUT(nlh, IFLA_LINK, uint32_t, 4);
	if (foreign_lower)
		PUT(nlh, IFLA_LINK_NETNSID, uint32_t, 0);
	info = begin(nlh, IFLA_LINKINFO);
	put(nlh, IFLA_INFO_KIND, "vlan", 5);
	data = begin(nlh, IFLA_INFO_DATA);
	PUT(nlh, IFLA_VLAN_ID, uint16_t, 5);
	PUT(nlh, IFLA_VLAN_PROTOCOL, uint16_t, htobe16(0x88a8));
	end(nlh, data);
	end(nlh, info);
}

Test(nl_parse, vlan)
{
	_Alignas(struct nlmsghdr) char buf[512] = {0};
	struct nlmsghdr *nlh = (void *)buf;
	struct lb_link link;

	vlan_message(nlh, false);
	cr_assert(eq(int, nl_link_parse(nlh, &link), 0));
	cr_assert(eq(u32, link.ifindex, 9));
	cr_assert(eq(u32, link.lower, 4));
	cr_assert(eq(u16, link.vlan_id, 5));
	cr_assert(eq(u16, link.vlan_proto, 0x88a8));
	memset(buf, 0, sizeof(buf));
	vlan_message(nlh, true);
	cr_assert(eq(int, nl_link_parse(nlh, &link), 0));
	cr_assert(eq(u32, link.lower, 0));
	cr_assert(eq(u16, link.vlan_id, 5));
}

Test(nl_parse, several_xdp_programs)
{
	_Alignas(struct nlmsghdr) char buf[512] = {0};
	struct nlmsghdr *nlh = (void *)buf;
	struct lb_link link;
	uint16_t nest;

	vlan_message(nlh, false);
	nest = begin(nlh, IFLA_XDP | NLA_F_NESTED);
	PUT(nlh, IFLA_XDP_ATTACHED, uint8_t, XDP_ATTACHED_MULTI);
	PUT(nlh, IFLA_XDP_HW_PROG_ID, uint32_t, 33);
	PUT(nlh, IFLA_XDP_DRV_PROG_ID, uint32_t, 44);
	end(nlh, nest);
	cr_assert(eq(int, nl_link_parse(nlh, &link), 0));
	cr_assert(eq(int, link.xdp_mode, LB_XDP_MULTI));
	cr_assert(eq(u32, link.xdp_prog, 44));
}
