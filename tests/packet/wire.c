// SPDX-License-Identifier: GPL-2.0
/* wire.c - the balancer's packets, then the others' (wire.h). Usage: wire FILE */
#include "tests/packet/wire.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MF 0x2000u
#define CUT "cut "
#define UDP .proto = IPPROTO_UDP
#define NO4 5
#define NO6 63

static struct world w;
static struct lb_err err;
static FILE *pcap;

void wire_die(const char *form, ...)
{
	va_list ap;

	va_start(ap, form);
	fputs("wire: ", stderr);
	vfprintf(stderr, form, ap);
	fputc('\n', stderr);
	va_end(ap);
	world_unload(&w);
	exit(1);
}

static void pcap_open(const char *path)
{
	const uint32_t head[] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1 /* Ethernet */};

	pcap = fopen(path, "we");
	if (!pcap || fwrite(head, sizeof(head), 1, pcap) != 1)
		wire_die("%s: cannot be written", path);
}

void wire_put(const struct pkt *p, const char *layers, const char *what)
{
	static uint32_t frame;
	const uint32_t head[] = {frame++, 0, p->len, p->len};
	bool cut = !strncmp(layers, CUT, strlen(CUT));
	uint16_t type;
	uint32_t tags = (pkt_l3(p, &type) - 14) / 4;

	if (fwrite(head, sizeof(head), 1, pcap) != 1 || fwrite(p->b, p->len, 1, pcap) != 1)
		wire_die("the file cannot be written");
	printf("%s\t%seth:ethertype:", what, cut ? CUT : "");
	while (tags--)
		printf("vlan:ethertype:");
	printf("%s\n", cut ? layers + strlen(CUT) : layers);
}

/* What the packets to a real are wrapped in; where the families must be the same, of `only`. */
static const struct way {
	const char *name, *layers, *real, *before;
	enum lb_m_encap encap;
	uint8_t only;
} ways[] = {
	{"ipip", "ip:", "10.0.0.1", NULL, LB_M_ENCAP_IPIP, 0},
	{"ipip", "ipv6:", "fd00::1", NULL, LB_M_ENCAP_IPIP, 0},
	{"gue", "ip:udp:gue:", "10.0.0.1", NULL, LB_M_ENCAP_GUE, 0},
	{"gue", "ipv6:udp:gue:", "fd00::1", NULL, LB_M_ENCAP_GUE, 0},
	{"gue, previous named", "ip:udp:gue:", "10.0.0.2", "10.0.0.1", LB_M_ENCAP_GUE, 0},
	{"gue, previous named", "ipv6:udp:gue:", "fd00::2", "fd00::1", LB_M_ENCAP_GUE, 0},
	{"dscp", "", "10.0.0.1", NULL, LB_M_ENCAP_DSCP, 4},
	{"dscp", "", "fd00::1", NULL, LB_M_ENCAP_DSCP, 6},
	{"l2", "", "192.0.2.254", NULL, LB_M_ENCAP_L2, 0},
	{"l2", "", "2001:db8:1::fe", NULL, LB_M_ENCAP_L2, 0},
};
#define WAYS (sizeof(ways) / sizeof(*ways))
#define NAMED4 4
#define NAMED6 5

static void vip(const char *svc, const char *pool, uint8_t dscp)
{
	struct lb_service s;
	struct lb_m_vip *v;

	wire_must(world_vip(&w, svc, pool, false, &err));
	wire_must(parse_service(svc, &s, &err));
	v = lb_model_vip(&w.model, &s);
	v->dscp = dscp;
	v->fragments = LB_M_FRAGMENTS_TRACK;
}

/* Way N is behind 203.0.113.N and 2001:db8:f::N, decimal. */
static void serve(unsigned int n)
{
	const struct way *y = &ways[n];
	bool dscp = y->encap == LB_M_ENCAP_DSCP;
	char name[8], svc[48];

	snprintf(name, sizeof(name), "w%u", n);
	wire_must(world_pool(&w, name, 251, &err));
	lb_model_pool(&w.model, name)->encap = y->encap;
	wire_must(world_real(&w, name, y->before ? y->before : y->real, 1, LB_M_UP, &err));
	for (int i = 0; i < 4; i++) {
		snprintf(svc, sizeof(svc),
			 i & 2 ? "[2001:db8:f::%u]:any/%s" : "203.0.113.%u:any/%s", n,
			 i & 1 ? "udp" : "tcp");
		if (!y->only || (y->only == 6) == !!(i & 2))
			vip(svc, name, !dscp ? 0 : i & 2 ? NO6 : NO4);
	}
}

/* The real before takes no more: the other has its slots. */
static void change(unsigned int n)
{
	char name[8];

	if (!ways[n].before)
		return;
	snprintf(name, sizeof(name), "w%u", n);
	wire_must(world_real(&w, name, ways[n].before, 1, LB_M_DRAIN, &err));
	wire_must(world_real(&w, name, ways[n].real, 1, LB_M_UP, &err));
}

static const struct kind {
	const char *what, *layers;
	struct pkt_spec spec; /* dst: some address of the family */
} kinds[] = {
#define V4 .dst = "4", .dport = 7777
#define V6 .dst = ":", .dport = 7777
	{"tcp", "ip:tcp", {V4}},
	{"tcp, 1 byte", "ip:tcp", {V4, .payload = 1, .tos = 0xfe, .ttl = 2}},
	{"tcp, 1360 bytes", "ip:tcp", {V4, .payload = 1360, .frag = 0x4000}},
	{"tcp, options", "ip:tcp", {V4, .options = 10, .payload = 33}},
	{"tcp, syn", "ip:tcp", {V4, .flags = 2}},
	{"tcp, tag", "ip:tcp", {V4, .tag = {7}, .payload = 5}},
	{"tcp, two tags", "ip:tcp", {V4, .tag = {7, 9}, .payload = 5}},
	{"udp", "ip:udp", {V4, UDP, .payload = 9}},
	{"udp, empty", "ip:udp", {V4, UDP}},
	{"first fragment", CUT "ip:udp", {V4, UDP, .payload = 64, .frag = MF}},
	{"later fragment", CUT "ip", {V4, UDP, .payload = 64, .frag = 185}},
	{"tcp", "ipv6:tcp", {V6}},
	{"tcp, 1 byte", "ipv6:tcp", {V6, .payload = 1, .tos = 0xfe, .ttl = 2}},
	{"tcp, 1360 bytes", "ipv6:tcp", {V6, .payload = 1360}},
	{"tcp, headers", "ipv6:ipv6.hopopts:ipv6.dstopts:tcp", {V6, .ext = "hd", .payload = 33}},
	{"tcp, two tags", "ipv6:tcp", {V6, .tag = {7, 9}, .payload = 5}},
	{"udp", "ipv6:udp", {V6, UDP, .payload = 9}},
	{"first fragment", CUT "ipv6:ipv6.fraghdr:udp", {V6, UDP, .ext = "f", .payload = 64}},
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* Sends it: it must leave for that reason or for its like. The outcome is put down behind the way's layers. */
static void pass(const struct pkt *in, struct pkt *out, const struct way *y, const char *layers,
		 const char *what)
{
	bool cut = !strncmp(layers, CUT, strlen(CUT));
	enum lb_why why = world_send(&w, in, out);
	char text[128], all[128];

	if (why != LB_TX && why != LB_TX_REDIRECT && why != LB_TX_PEER)
		wire_die("%s, %s: %s %s", y->name, what, world_why_name(why), w.wrong);
	snprintf(text, sizeof(text), "%s, %s", y->name, what);
	snprintf(all, sizeof(all), "%s%s%s", cut ? CUT : "", y->layers,
		 cut ? layers + strlen(CUT) : layers);
	wire_put(out, all, text);
}

/* A fragment header that says: more follow. */
static void build(struct pkt *p, const struct pkt_spec *s)
{
	pkt_build(p, s);
	if (s->ext && *s->ext == 'f')
		p->b[14 + 40 + 3] = 1;
}

static const char *vip_of(char text[48], const char *dst, unsigned int n)
{
	snprintf(text, 48, *dst == ':' ? "2001:db8:f::%u" : "203.0.113.%u", n);
	return text;
}

static void one(unsigned int n, const struct kind *k, struct pkt *out)
{
	struct pkt_spec s = k->spec;
	char dst[48];
	struct pkt in;

	if (ways[n].only && (ways[n].only == 6) != (*s.dst == ':'))
		return;
	s.dst = vip_of(dst, s.dst, n);
	build(&in, &s);
	pass(&in, out, &ways[n], k->layers, k->what);
}

/* An ICMP error about what the VIP has sent, all of which it quotes. */
static void quoting(unsigned int n, bool v6)
{
	char addr[48];
	const char *a = vip_of(addr, v6 ? ":" : "4", n);
	struct pkt_spec quoted = {.src = a,
				  .dst = v6 ? "2001:db8:c::10" : "192.0.2.10",
				  .sport = 7777,
				  .payload = 200},
			error = {.src = v6 ? "2001:db8:18::1" : "198.18.0.1",
				 .dst = a,
				 .proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				 .flags = v6 ? 2 : 3,
				 .code = v6 ? 0 : 4,
				 .dport = 1400};
	struct pkt in, out, q;
	uint32_t head = v6 ? 40 : 20, len;
	uint8_t *icmp = in.b + 14 + head;

	if (ways[n].only && (ways[n].only == 6) != v6)
		return;
	pkt_build(&q, &quoted);
	len = q.len - 14;
	error.payload = len;
	pkt_build(&in, &error);
	memcpy(icmp + 8, q.b + 14, len);
	icmp[2] = icmp[3] = 0;
	len = pkt_fold(pkt_sum(icmp, 8 + len) +
		       (v6 ? pkt_sum(in.b + 14 + 8, 32) + IPPROTO_ICMPV6 + 8 + len : 0));
	icmp[2] = len >> 8;
	icmp[3] = len;
	pass(&in, &out, &ways[n], v6 ? "ipv6:icmpv6:ipv6:tcp" : "ip:icmp:ip:tcp",
	     "an error passed on");
}

/* What the node itself answers. */
static void answers(void)
{
	static const struct kind all[] = {
		{"echo reply", "ip:icmp", {V4, .proto = IPPROTO_ICMP, .flags = 8, .payload = 56}},
		{"echo reply, odd",
		 "ip:icmp",
		 {V4, .proto = IPPROTO_ICMP, .flags = 8, .payload = 57, .tag = {7}}},
		{"echo reply",
		 "ipv6:icmpv6",
		 {V6, .proto = IPPROTO_ICMPV6, .flags = 128, .payload = 56}},
		{"fragmentation needed",
		 CUT "ip:icmp:ip:tcp",
		 {V4, .frag = 0x4000, .payload = 1460}},
		{"fragmentation needed, udp",
		 CUT "ip:icmp:ip:udp",
		 {V4, UDP, .payload = 1472, .tag = {7, 9}}},
		{"packet too big", CUT "ipv6:icmpv6:ipv6:tcp", {V6, .payload = 1440}},
	};
	struct pkt in, out;
	char dst[48];

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct pkt_spec s = all[i].spec;
		enum lb_why why;

		s.dst = vip_of(dst, s.dst, *s.dst == ':' ? 1 : 0);
		pkt_build(&in, &s);
		why = world_send(&w, &in, &out);
		if (why != LB_TX_ECHO && why != LB_TX_TOO_BIG)
			wire_die("%s: %s %s", all[i].what, world_why_name(why), w.wrong);
		wire_put(&out, all[i].layers, all[i].what);
	}
}

/* Fragments that meet at another node. */
static void to_peer(const char *addr, const struct way *y)
{
	struct lb_addr a;
	struct pkt out;

	wire_must(parse_addr(addr, &a, &err));
	wire_must(lb_model_put_peer(&w.model, &a, &err));
	wire_must(world_commit(&w, &err));
	for (size_t k = 0; k < KINDS; k++) {
		struct pkt_spec s = kinds[k].spec;
		char dst[48];
		struct pkt in;

		if (!strstr(kinds[k].what, "fragment"))
			continue;
		s.dst = vip_of(dst, s.dst, 0);
		build(&in, &s);
		pass(&in, &out, y, kinds[k].layers, kinds[k].what);
	}
	lb_model_del_peer(&w.model, &a);
}

/* From sources of a prefix, once the next hops from before are no more. */
static void spread(void)
{
	struct pkt out;

	wire_must(parse_net("10.64.0.0/16", &w.model.spread4, &err));
	wire_must(parse_net("fd64::/64", &w.model.spread6, &err));
	wire_must(world_commit(&w, &err));
	usleep(WORLD_HOP_LIFE);
	for (unsigned int n = 0; n < NAMED4; n++)
		for (size_t k = 0; k < KINDS; k++)
			one(n, &kinds[k], &out);
}

int main(int argc, char **argv)
{
	static const struct way peer4 = {.name = "to a peer", .layers = "ip:udp:gue:"},
				peer6 = {.name = "to a peer", .layers = "ipv6:udp:gue:"};
	struct pkt named[2], out;

	if (argc != 2)
		wire_die("usage: wire FILE");
	pcap_open(argv[1]);
	wire_must(world_net(&err));
	wire_must(world_load(&w, "wire", NULL, &err));
	for (unsigned int n = 0; n < WAYS; n++)
		serve(n);
	wire_must(world_commit(&w, &err));
	for (unsigned int n = 0; n < WAYS; n++)
		change(n);
	wire_must(world_commit(&w, &err));
	for (unsigned int n = 0; n < WAYS; n++) {
		for (size_t k = 0; k < KINDS; k++)
			one(n, &kinds[k], &out);
		quoting(n, false);
		quoting(n, true);
	}
	one(NAMED4, &kinds[1], &named[0]);
	one(NAMED6, &kinds[1], &named[1]);
	answers();
	to_peer("10.0.9.9", &peer4);
	to_peer("fd00::9:9", &peer6);
	spread();
	wire_checks(&w);
	wire_receiver(&named[0], &named[1]);
	world_unload(&w);
	return fclose(pcap) ? 1 : 0;
}
