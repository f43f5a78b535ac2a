/* SPDX-License-Identifier: GPL-2.0 */
/* That something changed, and the state of what may have: carriers and neighbours. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/nl_lab.h"

static int fd;

/* Until nothing was told for so long. */
static void quiet(int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (poll(&p, 1, ms) == 1)
		lb_nl_news_read(fd);
}

/*
 * A new carrier is told of up to a second later, and a link-local address when the kernel has looked for its like: these go, lest
 * a busy machine do so in the middle of a test.
 */
static void news_up(void)
{
	lab_up();
	sh("ip addr add 10.1.0.1/24 dev veth0 && ip link set veth0 addrgenmode none && "
	   "ip link set veth1 addrgenmode none && ip -6 addr flush dev veth0 && "
	   "ip -6 addr flush dev veth1");
	sh("until [ $(ip -br link show type veth | grep -c ' UP ') = 2 ]; do sleep 0.1; done");
	fd = lb_nl_news_open(&err);
	cr_assert(ge(int, fd, 0), "%s", err.msg);
	quiet(1500);
}

static void news_down(void)
{
	close(fd);
	lab_down();
}

TestSuite(nl_news, .init = news_up, .fini = news_down, .timeout = 60);

/* What is told of a command, and nothing else, but that news of a link may be late. */
static void told(const char *cmd, unsigned int want)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	unsigned int got = 0;

	quiet(100);
	cr_expect(eq(uint, lb_nl_news_read(fd), 0));
	sh("%s", cmd);
	while ((got & want) != want && poll(&p, 1, 10000) == 1)
		got |= lb_nl_news_read(fd);
	cr_expect(eq(uint, got & (want | ~(unsigned int)LB_NEWS_LINK), want), "%s", cmd);
}

Test(nl_news, kinds)
{
	told("ip link set veth0 mtu 1400", LB_NEWS_LINK);
	told("ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 dev veth0", LB_NEWS_NEIGH);
	told("ip neigh replace 10.1.0.9 lladdr 02:00:00:00:00:08 dev veth0", LB_NEWS_NEIGH);
	told("ip neigh del 10.1.0.9 dev veth0", LB_NEWS_NEIGH | LB_NEWS_NEIGH_GONE);
	told("ip route add 10.9.0.0/16 via 10.1.0.9", LB_NEWS_ROUTE);
	told("ip route del 10.9.0.0/16", LB_NEWS_ROUTE);
	told("ip addr add 10.1.0.2/32 dev lo", LB_NEWS_LINK | LB_NEWS_ROUTE);
}

Test(nl_news, lost_is_everything)
{
	/* More than the socket's buffer takes. */
	sh("for i in $(seq 2000); do echo link set veth0 mtu $((1200 + i %% 2)); done | ip -batch "
	   "-");
	cr_expect(eq(uint, lb_nl_news_read(fd), ~0u));
}

Test(nl_news, carrier)
{
	cr_expect(dev("veth0").running);
	sh("ip link set veth1 down");
	cr_expect(dev("veth0").up);
	cr_expect(eq(int, dev("veth0").running, false));
	sh("ip link set veth1 up && ip link set veth0 down");
	cr_expect(eq(int, dev("veth0").running, false));
}

static struct lb_neigh neigh(const char *word)
{
	struct lb_addr addr = ip(word);
	struct lb_neigh n;

	memset(&n, 0xaa, sizeof(n));
	cr_assert(lb_nl_neigh(nl, dev("veth0").ifindex, &addr, &n, &err) == 0, "%s", err.msg);
	return n;
}

Test(nl_news, neighbours)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9}, none[6];
	static const char *const usable[] = {"permanent", "reachable", "stale", "noarp"};
	struct lb_neigh n = neigh("10.1.0.9");

	cr_expect(eq(int, n.resolved, false), "nobody knows it");
	cr_expect(zero(int, memcmp(n.lladdr, none, 6)));
	for (size_t i = 0; i < sizeof(usable) / sizeof(*usable); i++) {
		sh("ip neigh replace 10.1.0.9 lladdr 02:00:00:00:00:09 dev veth0 nud %s",
		   usable[i]);
		n = neigh("10.1.0.9");
		cr_expect(n.resolved, "%s", usable[i]);
		cr_expect(zero(int, memcmp(n.lladdr, mac, 6)));
	}
	sh("ip neigh replace 10.1.0.9 dev veth0 nud failed");
	n = neigh("10.1.0.9");
	cr_expect(eq(int, n.resolved, false), "failed");
	cr_expect(zero(int, memcmp(n.lladdr, none, 6)));
	sh("ip neigh replace fe80::9 lladdr 02:00:00:00:00:09 dev veth0");
	cr_expect(neigh("fe80::9").resolved);
}

Test(nl_news, neighbour_of_no_device)
{
	struct lb_addr addr = ip("10.1.0.9");
	struct lb_neigh n;

	cr_expect(eq(int, lb_nl_neigh(nl, 999, &addr, &n, &err), -1));
	cr_expect(eq(int, n.resolved, false));
}
