// SPDX-License-Identifier: GPL-2.0
/* test_lb_listen.c - what the program tells listeners of the packets that pass by. */
#include <poll.h>
#include <string.h>

#include "tests/packet/hear.h"

#define BIT(why) (1ull << (why))
#define MANY 20000

static struct lb_err err;

TestSuite(lb_listen, .init = hear_setup, .fini = hear_teardown, .timeout = 60);

static bool is_end(const struct lb_addr *addr, uint16_t port, const char *word)
{
	char buf[LB_SERVICE_STRLEN];

	format_end(addr, port, buf);
	return !strcmp(buf, word);
}

Test(lb_listen, a_forwarded_packet)
{
	struct lb_listen *l = hear_open(WISH());
	struct pollfd p = {.fd = lb_listen_fd(l), .events = POLLIN};

	SEND(.src = "192.0.2.77", .dst = "203.0.113.1", .sport = 4711, .payload = 9, .flags = 0x12);
	cr_assert(eq(int, poll(&p, 1, 1000), 1), "nobody is woken");
	cr_assert(eq(u32, hear_told(l), 1));
	cr_expect(eq(u32, hear_last.why, LB_TX));
	cr_expect(is_end(&hear_last.src, hear_last.sport, "192.0.2.77:4711"));
	cr_expect(is_end(&hear_last.dst, hear_last.dport, "203.0.113.1:80"));
	cr_expect(is_end(&hear_last.vip.addr, hear_last.vip.port, "203.0.113.1:80"));
	cr_expect(eq(u8, hear_last.vip.proto, IPPROTO_TCP));
	cr_expect(eq(u8, hear_last.tcp_flags, 0x12));
	cr_expect(eq(u32, hear_last.len, 49));
	cr_expect(eq(u32, hear_last.frame, 63));
	cr_expect(eq(u32, hear_last.in, hear_w.in));
	cr_expect(eq(u32, hear_last.out, hear_w.in));
	cr_expect(eq(str, hear_last.pool, (char *)"p10-0-0-1"));
	cr_expect(ptest_is(&hear_last.real, "10.0.0.1"));
	cr_expect(ptest_is(&hear_last.table, "10.0.0.1"));
	cr_expect(ptest_is(&hear_last.outer_dst, "10.0.0.1"));
	cr_expect(ptest_is(&hear_last.outer_src, "192.0.2.1"));
	cr_expect(eq(str, (char *)hear_last.encap, (char *)"ipip"));
	cr_expect(zero(int, memcmp(hear_last.lladdr, world_link[WORLD_IN].gw_mac, 6)));
	cr_expect(eq(u32, hear_last.slots, 251));
	cr_expect(eq(u64, lb_listen_lost(l), 0));
	lb_listen_close(l);
}

/* Whatever became of a packet before, its record says nothing of that. */
Test(lb_listen, records_do_not_mix)
{
	struct lb_listen *l = hear_open(WISH());

	SEND(.dst = "203.0.113.1");
	SEND(.dst = "203.0.113.5");
	cr_assert(eq(u32, hear_told(l), 2));
	cr_expect(eq(u32, hear_last.why, LB_DROP_NO_REAL));
	cr_expect(eq(str, hear_last.pool, (char *)"empty"));
	cr_expect(eq(u8, hear_last.real.family, 0));
	cr_expect(eq(u8, hear_last.table.family, 0));
	cr_expect(eq(u8, hear_last.outer_dst.family, 0));
	cr_expect(eq(int, hear_last.hop, false));
	SEND(.dst = "203.0.113.1");
	SEND(.dst = "203.0.113.1", .dport = 99);
	cr_assert(eq(u32, hear_told(l), 2));
	cr_expect(eq(u32, hear_last.why, LB_DROP_NO_SERVICE));
	cr_expect(eq(u8, hear_last.vip.addr.family, 0));
	cr_expect(eq(u32, hear_last.slots, 0));
	SEND(.dst = "203.0.113.1", .ethertype = 0x0806);
	cr_assert(eq(u32, hear_told(l), 1));
	cr_expect(eq(u32, hear_last.why, LB_PASS_NOT_IP));
	cr_expect(eq(u8, hear_last.src.family, 0));
	lb_listen_close(l);
}

Test(lb_listen, port_of_one_real_alone)
{
	struct lb_listen *l = hear_open(WISH());
	struct lb_addr addr;

	must(parse_addr("10.0.0.1", &addr, &err));
	lb_model_real(&hear_w.model, "p10-0-0-1", &addr)->mptcp = 7001;
	must(world_commit(&hear_w, &err));
	SEND(.dst = "203.0.113.1");
	SEND(.dst = "203.0.113.1", .dport = 7001);
	cr_assert(eq(u32, hear_told(l), 2));
	cr_expect(eq(u32, hear_last.why, LB_TX));
	cr_expect(eq(int, hear_last.by, LB_BY_PORT));
	cr_expect(eq(str, hear_last.pool, (char *)"p10-0-0-1"));
	cr_expect(ptest_is(&hear_last.real, "10.0.0.1"));
	cr_expect(eq(u8, hear_last.table.family, 0));
	cr_expect(eq(u32, hear_last.slots, 0));
	lb_listen_close(l);
}

/* One of each kind, of which a listener gets those that it wants. */
static void send_kinds(void)
{
	SEND(.src = "192.0.2.10", .dst = "203.0.113.1");
	SEND(.src = "192.0.2.20", .dst = "203.0.113.1", .proto = IPPROTO_UDP, .dport = 53);
	SEND(.src = "192.0.2.20", .dst = "203.0.113.5");
	SEND(.src = "192.0.3.20", .dst = "203.0.113.4", .dport = 4444);
	SEND(.src = "2001:db8:c::1", .dst = "2001:db8:f::1");
	SEND(.src = "2001:db8:c:1::1", .dst = "2001:db8:f::5");
	SEND(.dst = "198.51.100.99");
}

static void expect_told(struct lb_wish wish, const char *vip, const char *from, uint32_t n)
{
	struct lb_listen *l;

	if (vip)
		must(parse_addr(vip, &wish.vip, &err));
	if (from)
		must(parse_net(from, &wish.from, &err));
	l = hear_open(wish);
	send_kinds();
	cr_expect(eq(u32, hear_told(l), n), "vip %s from %s", vip, from);
	cr_expect(eq(u64, lb_listen_lost(l), 0));
	lb_listen_close(l);
}

Test(lb_listen, filters)
{
	expect_told(WISH(), NULL, NULL, 7);
	expect_told(WISH(.whys = BIT(LB_DROP_NO_REAL)), NULL, NULL, 2);
	expect_told(WISH(.whys = BIT(LB_TX) | BIT(LB_PASS_NO_VIP)), NULL, NULL, 5);
	expect_told(WISH(.whys = BIT(LB_DROP_SHORT)), NULL, NULL, 0);
	expect_told(WISH(), "203.0.113.1", NULL, 2);
	expect_told(WISH(.port = 80, .proto = IPPROTO_TCP), "203.0.113.1", NULL, 1);
	expect_told(WISH(.port = 53, .proto = IPPROTO_TCP), "203.0.113.1", NULL, 0);
	expect_told(WISH(.proto = IPPROTO_UDP), "203.0.113.1", NULL, 1);
	expect_told(WISH(), "203.0.113.9", NULL, 0);
	expect_told(WISH(), "2001:db8:f::1", NULL, 1);
	expect_told(WISH(), NULL, "192.0.2.20", 2);
	expect_told(WISH(), NULL, "192.0.2.0/27", 4);
	expect_told(WISH(), NULL, "192.0.2.0/23", 5);
	expect_told(WISH(), NULL, "192.0.3.0/24", 1);
	expect_told(WISH(), NULL, "0.0.0.0/0", 5);
	expect_told(WISH(), NULL, "::/0", 2);
	expect_told(WISH(), NULL, "2001:db8:c::/48", 2);
	expect_told(WISH(), NULL, "2001:db8:c::/64", 1);
	expect_told(WISH(), NULL, "2001:db8:d::/48", 0);
	expect_told(WISH(), "203.0.113.5", "192.0.2.16/28", 1);
	expect_told(WISH(.whys = BIT(LB_TX)), "203.0.113.5", "192.0.2.16/28", 0);
}

/* As long as it takes: the places are kept. */
static void send_very_many(struct lb_listen *a, struct lb_listen *b, uint32_t n)
{
	for (; n; n -= 500) {
		must(lb_listen_keep(a, &err));
		if (b)
			must(lb_listen_keep(b, &err));
		hear_send_many(500, 80);
	}
}

static void expect_about_200(uint32_t n)
{
	cr_expect(gt(u32, n, 130), "deviation 14");
	cr_expect(lt(u32, n, 280), "deviation 14");
}

/* Drops come all, of the others about one in so many, also beside a listener that wants more of them. */
Test(lb_listen, samples)
{
	struct lb_listen *l = hear_open(WISH(.sample = 100)), *all;
	uint32_t n = 0;

	cr_expect(eq(u32, hear_watch(), 100));
	send_very_many(l, NULL, MANY);
	expect_about_200(hear_told(l));
	hear_send_many(300, 81);
	cr_expect(eq(u32, hear_told(l), 300));
	all = hear_open(WISH(.sample = 10));
	cr_expect(eq(u32, hear_watch(), 10));
	for (int i = 0; i < 40; i++) {
		send_very_many(l, all, MANY / 40);
		n += hear_told(l);
		hear_told(all);
	}
	expect_about_200(n);
	lb_listen_close(all);
	lb_listen_close(l);
	cr_expect(eq(u32, hear_watch(), 0));
}

/* Above the rate nothing is told, and all that was not is counted. */
Test(lb_listen, rate)
{
	struct lb_listen *l = hear_open(WISH(.rate = 80));
	uint32_t n;

	hear_send_many(500, 81);
	n = hear_told(l);
	cr_expect(ge(u32, n, 10), "an eighth of a second's at once");
	cr_expect(lt(u32, n, 100));
	cr_expect(eq(u64, lb_listen_lost(l), 500 - n));
	cr_expect(eq(u64, lb_listen_lost(l), 0));
	hear_pause(300);
	hear_send_many(100, 81);
	cr_expect(ge(u32, hear_told(l), 10));
	lb_listen_close(l);
}

Test(lb_listen, slowest_rate)
{
	struct lb_listen *l = hear_open(WISH(.rate = 1));

	hear_send_many(3, 81);
	cr_expect(eq(u32, hear_told(l), 1));
	cr_expect(eq(u64, lb_listen_lost(l), 2));
	lb_listen_close(l);
}

/* A ring holds some hundreds; who does not read loses the rest, and it is counted. */
Test(lb_listen, full_ring)
{
	struct lb_listen *l = hear_open(WISH());
	uint32_t n, room = LB_LISTEN_RING / (sizeof(struct lb_event) + 8);

	hear_send_many(3000, 81);
	n = hear_told(l);
	cr_expect(eq(u32, n, room));
	cr_expect(eq(u64, lb_listen_lost(l), 3000 - n));
	hear_send_many(1, 81);
	cr_expect(eq(u32, hear_told(l), 1));
	lb_listen_close(l);
}
