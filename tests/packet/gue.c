// SPDX-License-Identifier: GPL-2.0
#include "tests/packet/gue.h"

#include <string.h>

struct world gue_w;
static struct lb_err err;

void gue_setup(void)
{
	ptest_root();
	must(world_net(&err));
	must(world_load(&gue_w, "gue", NULL, &err));
}

void gue_teardown(void)
{
	world_unload(&gue_w);
}

void gue_pool(uint16_t drain, uint16_t port)
{
	struct lb_m_pool p;

	must(world_pool(&gue_w, "web", GUE_SLOTS, &err));
	p = *lb_model_pool(&gue_w.model, "web");
	p.encap = LB_M_ENCAP_GUE;
	p.drain = drain;
	p.gue_port = port;
	must(lb_model_put_pool(&gue_w.model, &p, &err));
}

void gue_real(const char *addr, enum lb_m_state state)
{
	must(world_real(&gue_w, "web", addr, 1, state, &err));
}

void gue_commit(void)
{
	must(world_commit(&gue_w, &err));
}

void gue_serve(uint16_t drain, bool session, const char *const *addr, size_t n)
{
	gue_pool(drain, GUE_PORT);
	for (size_t i = 0; i < n; i++)
		gue_real(addr[i], LB_M_UP);
	must(world_vip(&gue_w, "203.0.113.1:80/tcp", "web", session, &err));
	must(world_vip(&gue_w, "203.0.113.1:53/udp", "web", session, &err));
	must(world_vip(&gue_w, "[2001:db8:f::1]:80/tcp", "web", session, &err));
	gue_commit();
}

/* Of IPIP's packet what GUE makes: 12 bytes between, and the previous real's name. */
static void want(struct pkt *p, uint16_t port, uint16_t sport, const struct lb_addr *prev)
{
	uint16_t type;
	uint32_t l3 = pkt_l3(p, &type), head = type == 0x0800 ? 20 : 40;
	uint32_t name = !prev ? 0 : head == 20 ? 8 : 20;
	uint8_t *ip = p->b + l3, *udp = ip + head, proto = head == 20 ? ip[9] : ip[6];
	uint32_t inner = p->len - l3 - head, len = 12 + name + inner;

	memmove(udp + 12 + name, udp, inner);
	memset(udp, 0, 12 + name);
	udp[0] = sport >> 8;
	udp[1] = sport;
	udp[2] = port >> 8;
	udp[3] = port;
	udp[4] = len >> 8;
	udp[5] = len;
	udp[8] = name / 4;
	udp[9] = proto;
	if (prev) {
		memcpy(udp + 12, "\x4c\x01\x01", 3);
		memcpy(udp + 16, prev->b, name - 4);
	}
	if (head == 20) {
		ip[2] = (20 + len) >> 8;
		ip[3] = 20 + len;
		ip[9] = 17;
		ip[10] = ip[11] = 0;
		len = pkt_fold(pkt_sum(ip, 20));
		ip[10] = len >> 8;
		ip[11] = len;
	} else {
		ip[4] = len >> 8;
		ip[5] = len;
		ip[6] = 17;
	}
	p->len += 12 + name;
}

static uint16_t sport_of(const struct pkt *p, uint32_t l3)
{
	const uint8_t *udp = p->b + l3 + ((p->b[l3] >> 4) == 4 ? 20 : 40);

	return udp[0] << 8 | udp[1];
}

void gue_exact(const struct pkt_spec *spec, const char *to, const char *prev)
{
	struct lb_addr named;
	struct pkt in, out, wanted;
	struct pkt_outer o;
	uint16_t type, sport;

	pkt_build(&in, spec);
	cr_assert(eq(int, ptest_send(&gue_w, &in, &out, to), LB_TX), "%s", to);
	world_outer(&o, WORLD_IN, to);
	pkt_tunnel(&wanted, &in, &o);
	sport = sport_of(&out, pkt_l3(&out, &type));
	cr_expect(sport >= 0xc000, "source port %u", sport);
	if (prev)
		must(parse_addr(prev, &named, &err));
	want(&wanted, GUE_PORT, sport, prev ? &named : NULL);
	pkt_take_label(&out);
	cr_expect(out.len == wanted.len && !memcmp(out.b, wanted.b, out.len), "%s\ngot:%s\nnot:%s",
		  to, pkt_dump(&out), pkt_dump(&wanted));
}

struct gue_sent gue_send(const struct pkt_spec *spec)
{
	struct gue_sent s = {0};
	struct pkt in, out;
	uint16_t type;
	uint32_t l3;
	uint8_t *ip, *udp;

	pkt_build(&in, spec);
	cr_assert(eq(int, ptest_send(&gue_w, &in, &out, "flow"), LB_TX));
	l3 = pkt_l3(&out, &type);
	ip = out.b + l3;
	s.to.family = ip[0] >> 4;
	memcpy(s.to.b, s.to.family == 4 ? ip + 16 : ip + 24, s.to.family == 4 ? 4 : 16);
	udp = ip + (s.to.family == 4 ? 20 : 40);
	if ((s.to.family == 4 ? ip[9] : ip[6]) != 17)
		return s;
	s.sport = sport_of(&out, l3);
	s.dport = udp[2] << 8 | udp[3];
	if (!udp[8])
		return s;
	cr_assert(udp[12] == 0x4c && udp[13] == 1 && udp[14] == 1);
	s.prev.family = s.to.family;
	memcpy(s.prev.b, udp + 16, s.to.family == 4 ? 4 : 16);
	return s;
}

struct gue_sent gue_flow(unsigned int i, uint8_t flags)
{
	return gue_send(&(struct pkt_spec){V4, .sport = 10000 + i, .flags = flags});
}
