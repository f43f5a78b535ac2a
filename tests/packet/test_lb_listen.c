// SPDX-License-Identifier: GPL-2.0
/* test_lb_listen.c - what the program tells listeners of the packets that pass by. */
#include <bpf/bpf.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bpf/lb_event.h"
#include "lib/listen.h"
#include "tests/packet/ptest.h"

static struct world w;
static struct lb_err err;

/* 203.0.113.1:80/tcp and :53/udp have a real, 203.0.113.5:80/tcp has none; so in IPv6. */
static void setup(void)
{
	ptest_served(&w);
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_listen, .init = setup, .fini = teardown, .timeout = 60);

#define ALL (~0ull)
#define BIT(why) (1ull << (why))

static struct lb_listen *listen_to(struct lb_wish wish)
{
	struct lb_listen *l;

	wish.sample = wish.sample ? wish.sample : 1;
	wish.rate = wish.rate ? wish.rate : LB_LISTEN_RATE_MAX;
	wish.whys = wish.whys ? wish.whys : ALL;
	must(lb_listen_open(w.maps, w.instance, &wish, &l, &err));
	return l;
}

/* What was told since the last look: how many, and the last of them. */
static struct lb_seen last;

static int note(void *arg, const struct lb_seen *s)
{
	++*(uint32_t *)arg;
	last = *s;
	return 0;
}

static uint32_t told(struct lb_listen *l)
{
	uint32_t n = 0;

	memset(&last, 0, sizeof(last));
	cr_assert(zero(int, lb_listen_read(l, note, &n)));
	return n;
}

static void send_spec(const struct pkt_spec *s)
{
	struct pkt in, out;

	pkt_build(&in, s);
	ptest_send(&w, &in, &out, "live");
}

#define SEND(...) send_spec(&(const struct pkt_spec){__VA_ARGS__})

static uint32_t watch(void)
{
	struct lb_meta meta;
	uint32_t zero = 0;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/meta", w.instance);
	fd = bpf_obj_get(path);
	cr_assert(ge(int, fd, 0));
	cr_assert(zero(int, bpf_map_lookup_elem(fd, &zero, &meta)));
	close(fd);
	return meta.watch;
}

static void pause_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static bool is_end(const struct lb_addr *addr, uint16_t port, const char *word)
{
	char buf[LB_SERVICE_STRLEN];

	format_end(addr, port, buf);
	return !strcmp(buf, word);
}

Test(lb_listen, a_forwarded_packet)
{
	struct lb_listen *l = listen_to((struct lb_wish){0});
	struct pollfd p = {.fd = lb_listen_fd(l), .events = POLLIN};

	SEND(.src = "192.0.2.77", .dst = "203.0.113.1", .sport = 4711, .payload = 9, .flags = 0x12);
	cr_assert(eq(int, poll(&p, 1, 1000), 1), "nobody is woken");
	cr_assert(eq(u32, told(l), 1));
	cr_expect(eq(u32, last.why, LB_TX));
	cr_expect(is_end(&last.src, last.sport, "192.0.2.77:4711"));
	cr_expect(is_end(&last.dst, last.dport, "203.0.113.1:80"));
	cr_expect(is_end(&last.vip.addr, last.vip.port, "203.0.113.1:80"));
	cr_expect(eq(u8, last.vip.proto, IPPROTO_TCP));
	cr_expect(eq(u8, last.tcp_flags, 0x12));
	cr_expect(eq(u32, last.len, 49));
	cr_expect(eq(u32, last.frame, 63));
	cr_expect(eq(u32, last.in, w.in));
	cr_expect(eq(u32, last.out, w.in));
	cr_expect(eq(str, last.pool, (char *)"p10-0-0-1"));
	cr_expect(ptest_is(&last.real, "10.0.0.1"));
	cr_expect(ptest_is(&last.table, "10.0.0.1"));
	cr_expect(ptest_is(&last.outer_dst, "10.0.0.1"));
	cr_expect(ptest_is(&last.outer_src, "192.0.2.1"));
	cr_expect(eq(str, (char *)last.encap, (char *)"ipip"));
	cr_expect(zero(int, memcmp(last.lladdr, world_link[WORLD_IN].gw_mac, 6)));
	cr_expect(eq(u32, last.slots, 251));
	cr_expect(eq(u64, lb_listen_lost(l), 0));
	lb_listen_close(l);
}

/* Whatever became of a packet before, its record says nothing of that. */
Test(lb_listen, records_do_not_mix)
{
	struct lb_listen *l = listen_to((struct lb_wish){0});

	SEND(.dst = "203.0.113.1");
	SEND(.dst = "203.0.113.5");
	cr_assert(eq(u32, told(l), 2));
	cr_expect(eq(u32, last.why, LB_DROP_NO_REAL));
	cr_expect(eq(str, last.pool, (char *)"empty"));
	cr_expect(eq(u8, last.real.family, 0));
	cr_expect(eq(u8, last.table.family, 0));
	cr_expect(eq(u8, last.outer_dst.family, 0));
	cr_expect(eq(int, last.hop, false));
	SEND(.dst = "203.0.113.1");
	SEND(.dst = "203.0.113.1", .dport = 99);
	cr_assert(eq(u32, told(l), 2));
	cr_expect(eq(u32, last.why, LB_DROP_NO_SERVICE));
	cr_expect(eq(u8, last.vip.addr.family, 0));
	cr_expect(eq(u32, last.slots, 0));
	SEND(.dst = "203.0.113.1", .ethertype = 0x0806);
	cr_assert(eq(u32, told(l), 1));
	cr_expect(eq(u32, last.why, LB_PASS_NOT_IP));
	cr_expect(eq(u8, last.src.family, 0));
	lb_listen_close(l);
}

Test(lb_listen, port_of_one_real_alone)
{
	struct lb_listen *l = listen_to((struct lb_wish){0});
	struct lb_addr addr;

	must(parse_addr("10.0.0.1", &addr, &err));
	lb_model_real(&w.model, "p10-0-0-1", &addr)->mptcp = 7001;
	must(world_commit(&w, &err));
	SEND(.dst = "203.0.113.1");
	SEND(.dst = "203.0.113.1", .dport = 7001);
	cr_assert(eq(u32, told(l), 2));
	cr_expect(eq(u32, last.why, LB_TX));
	cr_expect(eq(int, last.by, LB_BY_PORT));
	cr_expect(eq(str, last.pool, (char *)"p10-0-0-1"));
	cr_expect(ptest_is(&last.real, "10.0.0.1"));
	cr_expect(eq(u8, last.table.family, 0));
	cr_expect(eq(u32, last.slots, 0));
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
	l = listen_to(wish);
	send_kinds();
	cr_expect(eq(u32, told(l), n), "vip %s from %s", vip, from);
	cr_expect(eq(u64, lb_listen_lost(l), 0));
	lb_listen_close(l);
}

#define WISH(...) ((struct lb_wish){__VA_ARGS__})

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

#define MANY 20000

static void send_many(uint32_t n, uint16_t dport)
{
	for (uint32_t i = 0; i < n; i++)
		SEND(.dst = "203.0.113.1", .dport = dport, .sport = 1 + i);
}

/* As long as it takes: the places are kept. */
static void send_very_many(struct lb_listen *a, struct lb_listen *b, uint32_t n)
{
	for (; n; n -= 500) {
		must(lb_listen_keep(a, &err));
		if (b)
			must(lb_listen_keep(b, &err));
		send_many(500, 80);
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
	struct lb_listen *l = listen_to(WISH(.sample = 100)), *all;
	uint32_t n = 0;

	cr_expect(eq(u32, watch(), 100));
	send_very_many(l, NULL, MANY);
	expect_about_200(told(l));
	send_many(300, 81);
	cr_expect(eq(u32, told(l), 300));
	all = listen_to(WISH(.sample = 10));
	cr_expect(eq(u32, watch(), 10));
	for (int i = 0; i < 40; i++) {
		send_very_many(l, all, MANY / 40);
		n += told(l);
		told(all);
	}
	expect_about_200(n);
	lb_listen_close(all);
	lb_listen_close(l);
	cr_expect(eq(u32, watch(), 0));
}

Test(lb_listen, least_of_the_samples_is_watched)
{
	struct lb_listen *a = listen_to(WISH(.sample = 500)), *b = listen_to(WISH(.sample = 7)), *c;

	cr_expect(eq(u32, watch(), 7));
	lb_listen_close(b);
	cr_expect(eq(u32, watch(), 500));
	c = listen_to(WISH(.sample = 1000000));
	cr_expect(eq(u32, watch(), 500));
	lb_listen_close(a);
	cr_expect(eq(u32, watch(), LB_WATCH_MAX));
	lb_listen_close(c);
	cr_expect(eq(u32, watch(), 0));
}

/* Above the rate nothing is told, and all that was not is counted. */
Test(lb_listen, rate)
{
	struct lb_listen *l = listen_to(WISH(.rate = 80));
	uint32_t n;

	send_many(500, 81);
	n = told(l);
	cr_expect(ge(u32, n, 10), "an eighth of a second's at once");
	cr_expect(lt(u32, n, 100));
	cr_expect(eq(u64, lb_listen_lost(l), 500 - n));
	cr_expect(eq(u64, lb_listen_lost(l), 0));
	pause_ms(300);
	send_many(100, 81);
	cr_expect(ge(u32, told(l), 10));
	lb_listen_close(l);
}

Test(lb_listen, slowest_rate)
{
	struct lb_listen *l = listen_to(WISH(.rate = 1));

	send_many(3, 81);
	cr_expect(eq(u32, told(l), 1));
	cr_expect(eq(u64, lb_listen_lost(l), 2));
	lb_listen_close(l);
}

/* A ring holds some hundreds; who does not read loses the rest, and it is counted. */
Test(lb_listen, full_ring)
{
	struct lb_listen *l = listen_to(WISH());
	uint32_t n, room = LB_LISTEN_RING / (sizeof(struct lb_event) + 8);

	send_many(3000, 81);
	n = told(l);
	cr_expect(eq(u32, n, room));
	cr_expect(eq(u64, lb_listen_lost(l), 3000 - n));
	send_many(1, 81);
	cr_expect(eq(u32, told(l), 1));
	lb_listen_close(l);
}

Test(lb_listen, places_are_few)
{
	struct lb_wish wish = WISH(.sample = 1, .rate = 1, .whys = ALL);
	struct lb_listen *l[LB_LISTENERS], *more;

	for (uint32_t i = 0; i < LB_LISTENERS; i++)
		l[i] = listen_to(WISH());
	send_many(1, 81);
	for (uint32_t i = 0; i < LB_LISTENERS; i++)
		cr_expect(eq(u32, told(l[i]), 1), "listener %u", i);
	cr_expect(eq(int, lb_listen_open(w.maps, w.instance, &wish, &more, &err), -1));
	cr_expect(eq(str, err.msg, (char *)"8 others listen already, and no more can"));
	lb_listen_close(l[3]);
	l[3] = listen_to(WISH());
	send_many(1, 81);
	for (uint32_t i = 0; i < LB_LISTENERS; i++) {
		cr_expect(eq(u32, told(l[i]), 1), "listener %u", i);
		lb_listen_close(l[i]);
	}
}

/* Who does not renew its place loses it, and the first packet after that is the last to notice. */
Test(lb_listen, lease_ends)
{
	struct lb_listen *l = listen_to(WISH()), *other;

	pause_ms(2100);
	cr_expect(eq(u32, watch(), 1));
	send_many(1, 81);
	cr_expect(eq(u32, watch(), 0));
	cr_expect(eq(u32, told(l), 0));
	must(lb_listen_keep(l, &err));
	cr_expect(eq(u32, watch(), 1), "its place was free still");
	send_many(1, 81);
	cr_expect(eq(u32, told(l), 1));
	pause_ms(2100);
	other = listen_to(WISH(.whys = BIT(LB_TX)));
	must(lb_listen_keep(l, &err));
	send_many(2, 81);
	send_many(1, 80);
	cr_expect(eq(u32, told(l), 3), "in another place");
	cr_expect(eq(u32, told(other), 1));
	lb_listen_close(l);
	lb_listen_close(other);
}

Test(lb_listen, kept)
{
	struct lb_listen *l = listen_to(WISH());

	for (int i = 0; i < 6; i++) {
		pause_ms(450);
		must(lb_listen_keep(l, &err));
	}
	send_many(1, 81);
	cr_expect(eq(u32, told(l), 1));
	lb_listen_close(l);
}

Test(lb_listen, unloaded)
{
	struct lb_listen *l = listen_to(WISH());

	must(lb_prog_unload(w.instance, &err));
	pause_ms(LB_LISTEN_KEEP_MS + 50);
	cr_expect(eq(int, lb_listen_keep(l, &err), -1));
	cr_expect(strstr(err.msg, "was unloaded") != NULL, "%s", err.msg);
	lb_listen_close(l);
}
