/* SPDX-License-Identifier: GPL-2.0 */
/* nl_news.c - tells that something changed in the kernel's network; what, the caller asks himself. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/nl_internal.h"

#define GROUP(n) (1u << ((n)-1))

int lb_nl_news_open(struct lb_err *err)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = GROUP(RTNLGRP_LINK) | GROUP(RTNLGRP_NEIGH) |
			     GROUP(RTNLGRP_IPV4_ROUTE) | GROUP(RTNLGRP_IPV6_ROUTE) |
			     GROUP(RTNLGRP_IPV4_IFADDR) | GROUP(RTNLGRP_IPV6_IFADDR),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	lb_fail(err, "netlink: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static unsigned int news_of(uint16_t type)
{
	switch (type) {
	case RTM_NEWNEIGH:
		return LB_NEWS_NEIGH;
	case RTM_DELNEIGH:
		return LB_NEWS_NEIGH_GONE;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return LB_NEWS_ROUTE;
	default:
		return LB_NEWS_LINK;
	}
}

unsigned int lb_nl_news_read(int fd)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	unsigned int news = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0 || (n < 0 && errno == ENOBUFS)) {
		const struct nlmsghdr *nlh = (const void *)buf;

		if (n < 0)
			news = ~0u;
		for (; n > 0 && NLMSG_OK(nlh, n); nlh = NLMSG_NEXT(nlh, n))
			news |= news_of(nlh->nlmsg_type);
	}
	return news;
}
