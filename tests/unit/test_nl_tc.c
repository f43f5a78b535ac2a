/* SPDX-License-Identifier: GPL-2.0 */
/* clsact and the filters on it. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/nl_lab.h"

#define PREF 7
#define NAME "lb_test"

static uint32_t veth0;

static void tc_up(void)
{
	lab_up();
	veth0 = dev("veth0").ifindex;
}

TestSuite(nl_tc, .init = tc_up, .fini = lab_down, .timeout = 60);

static bool add_clsact(void)
{
	bool made = false;

	cr_assert(lb_nl_clsact_add(nl, veth0, &made, &err) == 0, "%s", err.msg);
	return made;
}

static void set(bool egress, uint16_t pref, const char *name, int fd)
{
	cr_assert(lb_nl_tc_set(nl, veth0, egress, pref, name, fd, &err) == 0, "%s", err.msg);
}

static uint32_t get(bool egress)
{
	uint32_t id = 12345;

	cr_assert(lb_nl_tc_get(nl, veth0, egress, PREF, NAME, &id, &err) == 0, "%s", err.msg);
	return id;
}

static void del(bool egress)
{
	cr_assert(lb_nl_tc_del(nl, veth0, egress, PREF, NAME, &err) == 0, "%s", err.msg);
}

static bool empty(void)
{
	bool is = false;

	cr_assert(lb_nl_tc_empty(nl, veth0, &is, &err) == 0, "%s", err.msg);
	return is;
}

static void refused(bool egress, const char *text)
{
	cr_assert(eq(int, lb_nl_tc_set(nl, veth0, egress, PREF, NAME, tc_prog(0), &err), -1));
	cr_assert(eq(str, err.msg, (char *)text));
	cr_assert(eq(int, err.status, LB_FAILED));
}

Test(nl_tc, clsact)
{
	cr_assert(says("clsact", "tc qdisc show dev veth0") == false);
	cr_assert(add_clsact());
	cr_assert(says("clsact", "tc qdisc show dev veth0"));
	cr_assert(add_clsact() == false);
	cr_assert(lb_nl_clsact_del(nl, veth0, &err) == 0, "%s", err.msg);
	cr_assert(says("clsact", "tc qdisc show dev veth0") == false);
	cr_assert(lb_nl_clsact_del(nl, veth0, &err) == 0, "none there is no error: %s", err.msg);
	cr_assert(add_clsact());
}

Test(nl_tc, ingress_qdisc_in_the_way)
{
	bool made = true;

	sh("tc qdisc add dev veth0 ingress && tc qdisc add dev veth1 clsact");
	cr_assert(eq(int, lb_nl_clsact_add(nl, veth0, &made, &err), -1));
	cr_assert(eq(str, err.msg,
		     "device \"veth0\": has an ingress qdisc in the place of clsact: "
		     "\"tc qdisc del dev veth0 ingress\" removes it, with its filters"));
	cr_assert(made == false);
	lb_nl_clsact_del(nl, veth0, &err);
	cr_assert(says("ingress", "tc qdisc show dev veth0"), "not ours to delete");
	/* One on another device is nobody's concern. */
	veth0 = dev("veth1").ifindex;
	cr_assert(add_clsact() == false);
}

static void life_of_a_filter(bool egress)
{
	const char *side = egress ? "egress" : "ingress";
	int a = tc_prog(TC_ACT_UNSPEC), b = tc_prog(TC_ACT_OK);
	char text[64];

	add_clsact();
	cr_assert(empty());
	cr_assert(eq(u32, get(egress), 0));
	del(egress);
	set(egress, PREF, NAME, a);
	cr_assert(eq(u32, get(egress), prog_id(a)));
	cr_assert(eq(u32, get(!egress), 0));
	cr_assert(empty() == false);
	set(egress, PREF, NAME, b);
	cr_assert(eq(u32, get(egress), prog_id(b)));
	snprintf(text, sizeof(text), "pref 7 bpf chain 0 handle 0x1 %s direct-action", NAME);
	cr_assert(says(text, "tc filter show dev veth0 %s", side));
	snprintf(text, sizeof(text), "id %u ", prog_id(a));
	cr_assert(says(text, "tc filter show dev veth0 %s", side) == false,
		  "the old one is still there");
	del(egress);
	cr_assert(eq(u32, get(egress), 0));
	cr_assert(empty());
}

Test(nl_tc, ingress)
{
	life_of_a_filter(false);
}

Test(nl_tc, egress)
{
	life_of_a_filter(true);
}

Test(nl_tc, both_sides_and_other_preferences)
{
	int a = tc_prog(0), b = tc_prog(0), c = tc_prog(0);

	add_clsact();
	set(false, PREF + 1, "other", c);
	set(false, PREF, NAME, a);
	set(true, PREF, NAME, b);
	cr_assert(eq(u32, get(false), prog_id(a)));
	cr_assert(eq(u32, get(true), prog_id(b)));
	del(false);
	cr_assert(eq(u32, get(false), 0));
	cr_assert(eq(u32, get(true), prog_id(b)));
	del(true);
	cr_assert(empty() == false);
	cr_assert(says("pref 8 bpf", "tc filter show dev veth0 ingress"));
}

Test(nl_tc, foreign_name)
{
	int theirs = tc_prog(0);

	add_clsact();
	set(true, PREF, "theirs", theirs);
	refused(true, "device \"veth0\": preference 7 of tc egress belongs to a foreign bpf filter "
		      "\"theirs\": "
		      "\"tc filter show dev veth0 egress\" shows it");
	cr_assert(eq(u32, get(true), 0));
	del(true);
	cr_assert(says("theirs", "tc filter show dev veth0 egress"));
}

Test(nl_tc, foreign_kind)
{
	add_clsact();
	sh("tc filter add dev veth0 ingress pref 7 protocol ip u32 match u32 0 0 classid 1:1");
	refused(false,
		"device \"veth0\": preference 7 of tc ingress belongs to a foreign u32 filter: "
		"\"tc filter show dev veth0 ingress\" shows it");
	cr_assert(eq(u32, get(false), 0));
	del(false);
	cr_assert(says("u32", "tc filter show dev veth0 ingress"));
}

Test(nl_tc, refusals)
{
	bool made;

	refused(false, "device \"veth0\": tc ingress filter: Parent Qdisc doesn't exists");
	cr_assert(empty());
	cr_assert(eq(u32, get(true), 0));
	add_clsact();
	cr_assert(eq(int, lb_nl_tc_set(nl, veth0, true, PREF, NAME, xdp_prog(0), &err), -1));
	cr_assert(eq(str, err.msg, "device \"veth0\": tc egress filter: Invalid argument"));
	cr_assert(eq(int, lb_nl_clsact_add(nl, 999, &made, &err), -1));
	cr_assert(eq(str, err.msg, "device \"#999\": clsact: No such device"));
	cr_assert(eq(int, seteuid(65534), 0));
	cr_assert(eq(int, lb_nl_clsact_add(nl, veth0, &made, &err), -1));
	cr_assert(eq(str, err.msg,
		     "device \"veth0\": clsact: not permitted: needs CAP_NET_ADMIN (run as root)"));
}

/* UDP from 10.9.0.9 to 10.9.0.1:9, sent on veth1, so that it arrives on veth0. */
struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

static atomic_bool stop;

static void *flood(void *arg)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex("veth1")};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	while (!stop)
		sendto(fd, arg, sizeof(struct frame), 0, (void *)&to, sizeof(to));
	close(fd);
	return NULL;
}

static void fill(struct frame *f, int fd)
{
	struct ifreq ifr = {.ifr_name = "veth0"};
	uint32_t sum = 0;

	cr_assert(ioctl(fd, SIOCGIFHWADDR, &ifr) == 0);
	*f = (struct frame){.eth.h_proto = htons(ETH_P_IP)};
	memcpy(f->eth.h_dest, ifr.ifr_hwaddr.sa_data, 6);
	f->ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
	f->ip.tot_len = htons(sizeof(f->ip) + sizeof(f->udp));
	f->ip.saddr = inet_addr("10.9.0.9");
	f->ip.daddr = inet_addr("10.9.0.1");
	f->udp.dest = htons(9);
	f->udp.len = htons(sizeof(f->udp));
	for (int i = 0; i < 10; i++) {
		uint16_t word;

		memcpy(&word, (char *)&f->ip + 2 * i, 2);
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	f->ip.check = (uint16_t) ~(sum + (sum >> 16));
}

static int received(int fd)
{
	char byte;
	int n = 0;

	while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
		n++;
	return n;
}

/* Both programs drop everything: whatever arrives, came while there was none. */
Test(nl_tc, swap_leaves_no_gap)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), n = 0;
	int a = tc_prog(TC_ACT_SHOT), b = tc_prog(TC_ACT_SHOT);
	struct frame frame;
	pthread_t thread;

	sh("ip addr add 10.9.0.1/24 dev veth0 && sysctl -qw net.ipv4.conf.all.rp_filter=0 "
	   "net.ipv4.conf.veth0.rp_filter=0");
	cr_assert(bind(fd, (void *)&at, sizeof(at)) == 0);
	fill(&frame, fd);
	add_clsact();
	cr_assert(pthread_create(&thread, NULL, flood, &frame) == 0);
	for (int i = 0; i < 100 && n < 100; i++, usleep(10000))
		n += received(fd);
	cr_expect(n >= 100, "without a filter they arrive: %d", n);
	set(false, PREF, NAME, a);
	usleep(100000);
	received(fd);
	for (int i = n = 0; i < 3000; i++) {
		set(false, PREF, NAME, i & 1 ? a : b);
		n += received(fd);
	}
	stop = true;
	pthread_join(thread, NULL);
	cr_assert(eq(int, n, 0));
	close(fd);
}
