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

bool lb_nl_news_read(int fd)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	bool news = false;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0 || (n < 0 && errno == ENOBUFS)) {
		const struct nlmsghdr *nlh = (const void *)buf;

		if (n < 0)
			news = true;
		/* A neighbour that comes or changes is often our own doing. */
		for (; n > 0 && NLMSG_OK(nlh, n); nlh = NLMSG_NEXT(nlh, n))
			news |= nlh->nlmsg_type != RTM_NEWNEIGH;
	}
	return news;
}
