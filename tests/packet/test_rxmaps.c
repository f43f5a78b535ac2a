// SPDX-License-Identifier: GPL-2.0
/* test_rxmaps.c - the receiver's maps: what is written is read back, and read by the program. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "bpf/lb_abi.h"
#include "lib/prog.h"
#include "lib/rxmaps.h"
#include "tests/packet/ptest.h"
#include "tests/packet/rxrun.h"

static char instance[32];
static struct lb_rx *rx;

static void setup(void)
{
	struct lb_err err;
	bool made;

	ptest_root();
	snprintf(instance, sizeof(instance), "rxmaps-%d", getpid());
	must(lb_prog_rx_load(instance, &made, &err));
	must(lb_rx_open(instance, &rx, &err));
}

static void teardown(void)
{
	struct lb_err ignored;

	lb_rx_close(rx);
	lb_prog_rx_unload(instance, &ignored);
}

TestSuite(rxmaps, .init = setup, .fini = teardown);

static int open_map(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/%s", instance, name);
	return bpf_obj_get(path);
}

static int entries(const char *map)
{
	char key[64], next[64], *prev = NULL;
	int fd = open_map(map), n = 0;

	cr_assert(fd >= 0, "map %s", map);
	for (; !bpf_map_get_next_key(fd, prev, next); prev = key, n++)
		memcpy(key, next, sizeof(key));
	close(fd);
	return n;
}

/* A receiver from words; the list of prefixes ends with NULL. */
static void put(uint32_t ifindex, uint32_t mss, const char *const *from)
{
	static struct lb_receiver recv;
	struct lb_err err;

	memset(&recv, 0, sizeof(recv));
	recv.ifindex = ifindex;
	recv.mtu = 1500;
	recv.mss = mss;
	for (; *from; from++)
		must(parse_net(*from, &recv.from[recv.froms++], &err));
	must(lb_rx_put(rx, &recv, &err));
}

#define FROM(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOBODY ((const char *const[]){NULL})

/* The prefixes of a device in one line, as they are sorted. */
static const char *froms(uint32_t ifindex)
{
	static char text[LB_FROM_MAX * 52];
	static struct lb_receiver recv;
	char net[LB_ADDR_STRLEN + 4];
	size_t i, n = 0;

	text[0] = 0;
	if (!lb_rx_get(rx, ifindex, &recv))
		return "none";
	for (i = 0; i < recv.froms; i++) {
		format_net(&recv.from[i], net);
		n += snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "", net);
	}
	return text;
}

static void locals(const char *const *word)
{
	struct lb_addr addr[16] = {0};
	struct lb_err err;
	size_t n = 0;

	for (; word[n]; n++)
		must(parse_addr(word[n], &addr[n], &err));
	must(lb_rx_locals(rx, addr, n, &err));
}

/* The pinned program on device 1: what becomes of a tunnel's packet from there to there. */
static const char *verdict(const char *src, const char *dst)
{
	struct lb_counts old[LB_RX_WHY_MAX] = {0}, now;
	struct pkt_spec outer = {.src = src, .dst = dst}, inner = {.dst = "203.0.113.1"};
	struct lb_err err;
	static struct pkt in, out;
	uint32_t why;
	int fd = lb_prog_open(instance, "rx", &err);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.b, .data_out = out.b,
		    .data_size_out = sizeof(out.b), .repeat = 1);

	cr_assert(fd >= 0, "%s", err.msg);
	rx_build(&in, &outer, &inner);
	opts.data_size_in = in.len;
	for (why = 0; why < lb_rx_why_count(); why++)
		must(lb_rx_count(rx, why, &old[why], &err));
	cr_assert(bpf_prog_test_run_opts(fd, &opts) == 0);
	close(fd);
	for (why = 0; why < lb_rx_why_count(); why++) {
		must(lb_rx_count(rx, why, &now, &err));
		if (now.packets == old[why].packets + 1 && now.bytes == old[why].bytes + in.len)
			return lb_rx_why_name(why);
	}
	return "not counted";
}

#define is(a, b) cr_expect(eq(str, (char *)(a), (char *)(b)))

Test(rxmaps, not_loaded)
{
	struct lb_rx *none = NULL;
	struct lb_err err;

	cr_assert(lb_rx_open("no-such-one", &none, &err) == -1);
	cr_expect(none == NULL);
	cr_expect(eq(int, err.status, LB_FAILED));
	is(err.msg, "no receiver in instance \"no-such-one\": add one with "
		    "\"lbtool receiver add DEV from PREFIX\"");
}

Test(rxmaps, round_trip)
{
	static struct lb_receiver in, out;
	struct lb_err err;

	in = (struct lb_receiver){.ifindex = 7, .mtu = 9000, .mss = 1400, .made_clsact = true};
	must(parse_net("2001:db8::/32", &in.from[0], &err));
	must(parse_net("10.0.0.0/8", &in.from[1], &err));
	in.froms = 2;
	cr_expect(lb_rx_get(rx, 7, &out) == false);
	must(lb_rx_put(rx, &in, &err));
	cr_assert(lb_rx_get(rx, 7, &out));
	cr_expect(out.ifindex == 7 && out.mtu == 9000 && out.mss == 1400 && out.made_clsact);
	is(froms(7), "10.0.0.0/8 2001:db8::/32");
	cr_expect(lb_rx_get(rx, 8, &out) == false);
}

Test(rxmaps, prefixes)
{
	put(7, LB_MSS_AUTO, FROM("::/0", "10.0.0.0/8", "10.0.0.0/16", "0.0.0.0/0", "10.0.0.1/32"));
	put(0x07000000, LB_MSS_LEAVE, FROM("10.0.0.0/8", "fd00::1/128"));
	is(froms(7), "0.0.0.0/0 10.0.0.0/8 10.0.0.0/16 10.0.0.1/32 ::/0");
	is(froms(0x07000000), "10.0.0.0/8 fd00::1/128");

	put(7, LB_MSS_AUTO, FROM("10.0.0.0/16", "192.0.2.0/24"));
	is(froms(7), "10.0.0.0/16 192.0.2.0/24");
	is(froms(0x07000000), "10.0.0.0/8 fd00::1/128");

	put(7, LB_MSS_AUTO, NOBODY);
	is(froms(7), "");
	cr_expect(eq(int, entries("rx_from"), 2));
}

Test(rxmaps, most_prefixes)
{
	static struct lb_receiver recv, back;
	struct lb_err err;

	recv.ifindex = 3;
	for (recv.froms = 0; recv.froms < LB_FROM_MAX; recv.froms++) {
		recv.from[recv.froms].addr.family = 4;
		recv.from[recv.froms].addr.b[0] = 10;
		recv.from[recv.froms].addr.b[2] = 255 - recv.froms;
		recv.from[recv.froms].len = 24;
	}
	must(lb_rx_put(rx, &recv, &err));
	cr_assert(lb_rx_get(rx, 3, &back));
	cr_expect(eq(sz, back.froms, LB_FROM_MAX));
	for (size_t i = 0; i < back.froms; i++)
		cr_expect(back.from[i].addr.b[2] == i && back.from[i].len == 24);
	recv.froms++;
	cr_expect(lb_rx_put(rx, &recv, &err) == -1);
}

Test(rxmaps, deleted)
{
	struct lb_err err;

	put(7, 0, FROM("10.0.0.0/8", "::/0"));
	put(9, 0, FROM("10.0.0.0/8"));
	must(lb_rx_del(rx, 7, &err));
	is(froms(7), "none");
	is(froms(9), "10.0.0.0/8");
	cr_expect(eq(int, entries("rx_from"), 1));
	must(lb_rx_del(rx, 7, &err));
	must(lb_rx_del(rx, 9, &err));
	cr_expect(eq(int, entries("rx_from"), 0));
	cr_expect(eq(int, entries("rx_dev"), 0));
}

Test(rxmaps, walk)
{
	static const uint32_t sorted[] = {1, 2, 77, 256, 65536, 0x80000000, 0xfffffffe};
	uint32_t ifindex = 0;

	cr_expect(lb_rx_next(rx, &ifindex) == false);
	for (size_t i = 7; i--;)
		put(sorted[i], 0, NOBODY);
	for (size_t i = 0; i < 7; i++)
		cr_expect(lb_rx_next(rx, &ifindex) && ifindex == sorted[i], "%u", ifindex);
	cr_expect(lb_rx_next(rx, &ifindex) == false);
}

/* The keys that are written here are the keys that the program looks up. */
Test(rxmaps, program_reads_them)
{
	static const struct {
		const char *from, *in, *out;
	} net[] = {
		{"10.0.0.1/32", "10.0.0.1", "10.0.0.2"},
		{"10.0.0.2/31", "10.0.0.3", "10.0.0.4"},
		{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
		{"128.0.0.0/1", "200.1.1.1", "127.255.255.255"},
		{"0.0.0.0/0", "1.2.3.4", "2001:db8::1"},
		{"fd00::1/128", "fd00::1", "fd00::"},
		{"fd00::2/127", "fd00::3", "fd00::4"},
		{"fd00:0:0:1::/64", "fd00:0:0:1:ffff::1", "fd00:0:0:2::"},
		{"::/0", "2001:db8::1", "1.2.3.4"},
	};

	locals(FROM("192.0.2.1", "2001:db8::2"));
	for (size_t i = 0; i < sizeof(net) / sizeof(*net); i++) {
		bool in6 = strchr(net[i].in, ':'), out6 = strchr(net[i].out, ':');

		put(1, 0, FROM(net[i].from));
		is(verdict(net[i].in, in6 ? "2001:db8::2" : "192.0.2.1"), "decap");
		is(verdict(net[i].out, out6 ? "2001:db8::2" : "192.0.2.1"), "drop_from");
		put(2, 0, FROM(net[i].from));
		put(1, 0, NOBODY);
		is(verdict(net[i].in, in6 ? "2001:db8::2" : "192.0.2.1"), "drop_from");
	}
}

Test(rxmaps, locals)
{
	put(1, 0, FROM("0.0.0.0/0", "::/0"));
	is(verdict("10.0.0.1", "192.0.2.1"), "pass_not_local");
	locals(FROM("192.0.2.1", "2001:db8::2", "192.0.2.1"));
	is(verdict("10.0.0.1", "192.0.2.1"), "decap");
	is(verdict("fd00::1", "2001:db8::2"), "decap");
	is(verdict("fd00::1", "c000:201::"), "pass_not_local");
	locals(FROM("192.0.2.9", "192.0.2.1"));
	is(verdict("10.0.0.1", "192.0.2.1"), "decap");
	is(verdict("10.0.0.1", "192.0.2.9"), "decap");
	is(verdict("fd00::1", "2001:db8::2"), "pass_not_local");
	cr_expect(eq(int, entries("rx_local"), 2));
	locals(NOBODY);
	cr_expect(eq(int, entries("rx_local"), 0));
}

/* Thousands of VIPs may stand on lo. */
Test(rxmaps, many_locals)
{
	static struct lb_addr addr[6000];
	struct lb_err err;

	for (size_t i = 0; i < 6000; i++) {
		addr[i].family = i % 2 ? 4 : 6;
		addr[i].b[0] = 10;
		addr[i].b[2] = i >> 8;
		addr[i].b[3] = i;
	}
	must(lb_rx_locals(rx, addr, 6000, &err));
	cr_expect(eq(int, entries("rx_local"), 6000));
	must(lb_rx_locals(rx, addr + 1000, 1000, &err));
	cr_expect(eq(int, entries("rx_local"), 1000));
}

/* What stands in the old and in the new list is allowed at every moment. */
Test(rxmaps, replaced_without_a_gap)
{
	uint32_t wrong = 0;
	int status, stop[2];
	pid_t child;
	char c;

	locals(FROM("192.0.2.1"));
	put(1, 0, FROM("10.0.0.0/8"));
	cr_assert(pipe2(stop, O_NONBLOCK) == 0);
	child = fork();
	cr_assert(child >= 0);
	if (child == 0) {
		while (read(stop[0], &c, 1) < 0)
			wrong += strcmp(verdict("10.0.0.1", "192.0.2.1"), "decap") != 0;
		_exit(wrong ? 1 : 0);
	}
	for (int i = 0; i < 500; i++) {
		if (i % 2)
			put(1, 0, FROM("10.0.0.0/16", "10.0.0.0/8", "172.16.0.0/12"));
		else
			put(1, 0, FROM("10.0.0.0/8", "0.0.0.0/1", "::/0"));
	}
	cr_assert(write(stop[1], "x", 1) == 1);
	cr_assert(waitpid(child, &status, 0) == child);
	cr_expect(status == 0);
}

Test(rxmaps, reasons)
{
	struct lb_counts count;
	struct lb_err err;

	cr_expect(eq(u32, lb_rx_why_count(), LB_RX_WHY_MAX));
	is(lb_rx_why_name(LB_RX_PASS_OTHER), "pass_other");
	is(lb_rx_why_name(LB_RX_OK_MSS), "mss");
	is(lb_rx_why_name(LB_RX_WHY_MAX), "?");
	is(lb_rx_why_text(LB_RX_OK_DECAP), "taken out of the tunnel");
	for (uint32_t i = 0; i < lb_rx_why_count(); i++) {
		must(lb_rx_count(rx, i, &count, &err));
		cr_expect(count.packets == 0 && count.bytes == 0);
	}
	cr_expect(lb_rx_count(rx, LB_RX_WHY_MAX, &count, &err) == -1);
}

Test(rxmaps, another_version)
{
	struct lb_rx_dev dev = {.version = LB_RX_ABI_VERSION + 1};
	uint32_t key = 5;
	struct lb_rx *two;
	struct lb_err err;
	int fd = open_map("rx_dev");

	cr_assert(fd >= 0 && bpf_map_update_elem(fd, &key, &dev, BPF_ANY) == 0);
	close(fd);
	cr_expect(lb_rx_open(instance, &two, &err) == -1);
	cr_expect(strstr(err.msg, "ABI version") != NULL, "%s", err.msg);
}

Test(rxmaps, another_kind)
{
	char path[128];
	struct lb_rx *two;
	struct lb_err err;
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "rx_dev", 4, 24, LB_DEVS_MAX, NULL);

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/rx_dev", instance);
	cr_assert(fd >= 0 && unlink(path) == 0 && bpf_obj_pin(fd, path) == 0);
	close(fd);
	cr_expect(lb_rx_open(instance, &two, &err) == -1);
	cr_expect(strstr(err.msg, "another version of lbtool (map rx_dev differs)") != NULL, "%s",
		  err.msg);
}

Test(rxmaps, without_privileges)
{
	struct lb_rx *two;
	struct lb_err err;
	int status;
	pid_t child = fork();

	cr_assert(child >= 0);
	if (child == 0) {
		if (setuid(65534) || lb_rx_open(instance, &two, &err) != -1)
			_exit(1);
		_exit(strstr(err.msg, "run as root, or with CAP_BPF") ? 0 : 2);
	}
	cr_assert(waitpid(child, &status, 0) == child);
	cr_expect(status == 0, "%x", status);
}
