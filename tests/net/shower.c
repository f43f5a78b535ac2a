/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shower - sends UDP packets to many VIPs through a balancer and judges each one that comes back in a tunnel.
 *
 *   shower DEV MAC VIPS RATE        until SIGTERM, or until its parent dies
 *
 * Sends RATE packets a second from DEV to MAC, to 203.0.113.1 .. 203.0.113.VIPS, port 53. A packet for VIP i is right
 * when its outer destination is 10.N.i.x, any N and x: so a test gives each VIP a pool with such reals, and N tells
 * which configuration chose. No more are on their way at once than a queue of veth holds: where the kernel is late, so is
 * the shower, and a packet that does not come back was dropped. Prints, at the beginning and at the end,
 * `sent S received R wrong W lost-here L` and for each N seen `net N COUNT`; on SIGUSR1 the same line at once, counters
 * going on. Exit status 1 when a packet was wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD 16
#define FRAME_LEN (14 + 20 + 8 + PAYLOAD)
#define BURST_NS 1000000 /* packets go out in bursts, one a millisecond */
#define ROOM 128 /* packets on their way; veth has room for 256 */
#define GONE_NS 500000000 /* those for which nothing came so long are lost */
#define LAST_NS 2000000000 /* the same at the end */

static volatile sig_atomic_t stop, report;

static struct {
	uint64_t sent, received, wrong, lost, net[256];
} count;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		report = 1;
	else
		stop = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "shower: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static uint16_t csum(const void *data, size_t len)
{
	const uint16_t *w = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *w++;
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

/* IPIP only: what we send is not to come back on the same socket's queue. */
static void filter_ipip(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_IPIP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 256),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(*code), code};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		die("filter");
}

static int open_socket(const char *dev, int protocol, uint8_t mac[6])
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol)};
	struct ifreq ifr = {0};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0), room = 64 << 20;

	if (fd < 0)
		die("packet socket");
	strncpy(ifr.ifr_name, dev, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr))
		die(dev);
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	/* The answers are taken from any device: the balancer may send by another than it was asked by. */
	ll.sll_ifindex = protocol ? 0 : if_nametoindex(dev);
	if (protocol) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
		filter_ipip(fd);
	}
	if (bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		die("bind");
	return fd;
}

static void make_frame(uint8_t f[FRAME_LEN], const uint8_t to[6], const uint8_t from[6])
{
	struct iphdr *ip = (void *)(f + 14);
	struct udphdr *udp = (void *)(ip + 1);

	memset(f, 0, FRAME_LEN);
	memcpy(f, to, 6);
	memcpy(f + 6, from, 6);
	f[12] = 0x08;
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_UDP;
	ip->tot_len = htons(FRAME_LEN - 14);
	udp->dest = htons(53);
	udp->len = htons(8 + PAYLOAD);
}

static void send_one(int fd, uint8_t f[FRAME_LEN], uint32_t vips)
{
	struct iphdr *ip = (void *)(f + 14);
	struct udphdr *udp = (void *)(ip + 1);
	uint32_t n = count.sent;

	ip->saddr = htonl(0xc6336400 | (n * 7 % 250 + 1)); /* 198.51.100.x */
	ip->daddr = htonl(0xcb007100 | (n % vips + 1)); /* 203.0.113.x */
	ip->check = 0;
	ip->check = csum(ip, 20);
	udp->source = htons(1024 + n % 60000);
	if (send(fd, f, FRAME_LEN, 0) == FRAME_LEN)
		count.sent++;
}

static void judge(const uint8_t *f, ssize_t len)
{
	const uint8_t *outer = f + 14, *inner = f + 34;

	count.received++;
	if (len < FRAME_LEN + 20 || inner[0] != 0x45 || inner[16] != 203 || outer[16] != 10 ||
	    outer[18] != inner[19] || csum(outer, 20))
		count.wrong++;
	else
		count.net[outer[17]]++;
}

static void receive_all(int fd)
{
	uint8_t f[256];
	ssize_t len;

	while ((len = recv(fd, f, sizeof(f), 0)) > 0)
		judge(f, len);
}

static void print_report(int rx)
{
	struct tpacket_stats st = {0};
	socklen_t len = sizeof(st);
	int i;

	if (!getsockopt(rx, SOL_PACKET, PACKET_STATISTICS, &st, &len))
		count.lost += st.tp_drops;
	printf("sent %llu received %llu wrong %llu lost-here %llu", (unsigned long long)count.sent,
	       (unsigned long long)count.received, (unsigned long long)count.wrong,
	       (unsigned long long)count.lost);
	for (i = 0; i < 256; i++)
		if (count.net[i])
			printf(" net %d %llu", i, (unsigned long long)count.net[i]);
	printf("\n");
	fflush(stdout);
}

static void rain(int tx, int rx, uint8_t frame[FRAME_LEN], uint32_t vips, uint64_t rate)
{
	uint64_t start = now_ns(), base = count.sent, had = 0, heard = start, gone = 0;

	while (!stop) {
		const struct timespec pause = {.tv_nsec = BURST_NS};
		uint64_t due = (now_ns() - start) / 1000 * rate / 1000000;

		/* We were stopped: do not catch up in one flood. */
		if (due > count.sent - base + rate / 20)
			base = count.sent - due + rate / 20;
		while (count.sent - base < due && count.sent < count.received + gone + ROOM &&
		       !stop)
			send_one(tx, frame, vips);
		receive_all(rx);
		if (count.received != had)
			heard = now_ns();
		else if (now_ns() - heard > GONE_NS)
			gone = count.sent - count.received;
		had = count.received;
		if (report) {
			report = 0;
			print_report(rx);
		}
		nanosleep(&pause, NULL);
	}
}

/* What is still on its way; and a moment for what should not be. */
static void receive_last(int rx)
{
	uint64_t had, heard = now_ns();

	usleep(200000);
	do {
		had = count.received;
		receive_all(rx);
		if (count.received != had)
			heard = now_ns();
		usleep(10000);
	} while (count.received < count.sent && now_ns() - heard < LAST_NS);
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};
	uint8_t mine[6], to[6], frame[FRAME_LEN];
	int tx, rx;

	if (argc != 5 || sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &to[0], &to[1], &to[2],
				&to[3], &to[4], &to[5]) != 6) {
		fprintf(stderr, "usage: shower DEV MAC VIPS RATE\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	tx = open_socket(argv[1], 0, mine);
	rx = open_socket(argv[1], ETH_P_IP, mine);
	make_frame(frame, to, mine);
	print_report(rx);
	rain(tx, rx, frame, strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
	receive_last(rx);
	print_report(rx);
	return count.wrong != 0;
}
