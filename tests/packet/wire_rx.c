// SPDX-License-Identifier: GPL-2.0
/* wire_rx.c - the receiver's packets: out of a tunnel, with the VIP's address back, sent on, with a lower MSS. */
#include <arpa/inet.h>
#include <string.h>

#include "tests/packet/rxrun.h"
#include "tests/packet/wire.h"

#define VIP4 "203.0.113.1"
#define VIP6 "2001:db8:f::1"

static struct rxrun r;
static struct lb_err err;

static void take(const struct pkt *in, enum lb_rx_why want, const char *layers, const char *what)
{
	struct pkt out;
	enum lb_rx_why why = rxrun_send(&r, in, &out, NULL);

	if (why != want)
		wire_die("%s: %s, not %s %s", what, rxrun_why(why), rxrun_why(want), r.wrong);
	wire_put(&out, layers, what);
}

/* CE outside: within, it is written down, and the checksum mended. */
static void decap(void)
{
	static const struct {
		const char *outer, *inner;
		const char *layers, *what;
	} all[] = {
		{RX_LOCAL4, VIP4, "ip:tcp", "4in4 taken out"},
		{RX_LOCAL6, VIP4, "ip:tcp", "4in6 taken out"},
		{RX_LOCAL4, VIP6, "ipv6:tcp", "6in4 taken out"},
		{RX_LOCAL6, VIP6, "ipv6:tcp", "6in6 taken out"},
	};
	struct pkt in;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		rx_build(&in, &(struct pkt_spec){.dst = all[i].outer, .tos = 3},
			 &(struct pkt_spec){
				 .dst = all[i].inner, .dport = 7777, .tos = 2, .payload = 9});
		take(&in, LB_RX_OK_DECAP, all[i].layers, all[i].what);
	}
}

static void numbered(void)
{
	struct pkt_spec s = {
		.dst = RX_LOCAL4, .dmac = rx_mac, .dport = 7777, .tos = 5 << 2, .payload = 9};
	struct pkt in;

	wire_must(rxrun_number(&r, 5, VIP4, &err));
	wire_must(rxrun_number(&r, 63, VIP6, &err));
	pkt_build(&in, &s);
	take(&in, LB_RX_OK_DSCP, "ip:tcp", "dscp, readdressed");
	s.dst = RX_LOCAL6;
	s.tos = 63 << 2 | 1;
	s.proto = IPPROTO_UDP;
	pkt_build(&in, &s);
	take(&in, LB_RX_OK_DSCP, "ipv6:udp", "dscp, readdressed");
}

/* The balancer's own packet, as from a source that the receiver has heard of. */
static void send_on(const struct pkt *named, const char *layers)
{
	struct pkt in = *named;
	uint8_t *ip = in.b + 14;

	memcpy(in.b, rx_mac, 6);
	if (ip[0] >> 4 == 4)
		inet_pton(AF_INET, RX_L4LB4, ip + 12);
	else
		inet_pton(AF_INET6, RX_L4LB6, ip + 8);
	rx_mend_outer(&in);
	take(&in, LB_RX_OK_SENT_ON, layers, "sent on to the previous real");
}

static void lower_mss(bool v6, uint32_t at)
{
	struct pkt_spec s = {.src = v6 ? VIP6 : VIP4,
			     .dst = v6 ? "2001:db8:c::10" : "192.0.2.10",
			     .dmac = rx_mac,
			     .sport = 7777,
			     .flags = 0x12,
			     .payload = 8};
	uint32_t head = v6 ? 40 : 20, sum;
	struct pkt in, out;
	uint8_t *ip = in.b + 14, *tcp = ip + head;

	pkt_build(&in, &s);
	tcp[12] = 7 << 4;
	memset(tcp + 20, 1, 8);
	memcpy(tcp + 20 + at, "\2\4\5\xb4", 4);
	tcp[16] = tcp[17] = 0;
	sum = pkt_fold(pkt_sum(tcp, 28) + pkt_sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8) + IPPROTO_TCP +
		       28);
	tcp[16] = sum >> 8;
	tcp[17] = sum;
	if (rxrun_leave(&r, &in, &out) != 1)
		wire_die("MSS not lowered: %s", r.wrong);
	wire_put(&out, v6 ? "ipv6:tcp" : "ip:tcp", "SYN-ACK with a lower MSS");
}

void wire_receiver(const struct pkt *named4, const struct pkt *named6)
{
	wire_must(rxrun_load(&r, &err));
	wire_must(rxrun_dev(&r, LB_RX_MSS_AUTO, 1500, &err));
	wire_must(rxrun_set_vip(&r, VIP4, 20, &err));
	wire_must(rxrun_set_vip(&r, VIP6, 40, &err));
	decap();
	numbered();
	send_on(named4, "ip:udp:gue:ip:tcp");
	send_on(named6, "ipv6:udp:gue:ip:tcp");
	for (uint32_t at = 1; at < 3; at++) {
		lower_mss(false, at);
		lower_mss(true, at);
	}
	rxrun_unload(&r);
}
