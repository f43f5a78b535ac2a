// SPDX-License-Identifier: GPL-2.0
#include "tests/packet/asked.h"

#include <stdio.h>
#include <string.h>

static struct lb_err err;

/* Where packets go: services, ports of one real alone, and what nobody serves. */
static const struct {
	const char *dst;
	uint16_t dport;
	uint8_t proto;
} to[2][10] = {
	{{"203.0.113.1", 80, IPPROTO_TCP},
	 {"203.0.113.1", 53, IPPROTO_UDP},
	 {"203.0.113.2", 443, IPPROTO_TCP},
	 {"203.0.113.2", 80, IPPROTO_TCP},
	 {"203.0.113.3", 80, IPPROTO_TCP},
	 {"203.0.113.4", 80, IPPROTO_TCP},
	 {"203.0.113.1", 7002, IPPROTO_TCP},
	 {"203.0.113.1", 7003, IPPROTO_TCP},
	 {"203.0.113.1", 81, IPPROTO_TCP},
	 {"203.0.113.9", 80, IPPROTO_TCP}},
	{{"2001:db8:f::1", 80, IPPROTO_TCP},
	 {"2001:db8:f::1", 53, IPPROTO_UDP},
	 {"2001:db8:f::2", 443, IPPROTO_TCP},
	 {"2001:db8:f::2", 80, IPPROTO_TCP},
	 {"2001:db8:f::3", 80, IPPROTO_TCP},
	 {"2001:db8:f::4", 80, IPPROTO_TCP},
	 {"2001:db8:f::1", 7102, IPPROTO_TCP},
	 {"2001:db8:f::1", 7103, IPPROTO_TCP},
	 {"2001:db8:f::1", 81, IPPROTO_TCP},
	 {"2001:db8:f::9", 80, IPPROTO_TCP}},
};

static void pool_of(struct world *w, const char *name, enum lb_m_encap encap)
{
	struct lb_m_pool *p;

	must(world_pool(w, name, ASKED_SLOTS, &err));
	p = lb_model_pool(&w->model, name);
	p->encap = encap;
	p->drain = 300;
	p->gue_port = 6080;
}

/* Its number, for who is reached by dscp, is the last byte of its address. */
static void vip_of(struct world *w, const char *svc, const char *pool, bool session)
{
	struct lb_m_vip *v;
	struct lb_service s;

	must(world_vip(w, svc, pool, session, &err));
	must(parse_service(svc, &s, &err));
	v = lb_model_vip(&w->model, &s);
	v->fragments = LB_M_FRAGMENTS_HASH;
	v->dscp = s.addr.b[s.addr.family == 4 ? 3 : 15];
	v->hash = v->dscp == 3 ? LB_M_HASH_SRC : LB_M_HASH_5TUPLE;
}

/* The i-th real's address: behind the gateways, or on the links. */
static struct lb_addr real_addr(int i, bool v6, enum lb_m_encap encap)
{
	bool out = i % 2, near = encap == LB_M_ENCAP_L2;
	struct lb_addr addr;
	char text[32];

	if (v6)
		snprintf(text, sizeof(text), near ? "2001:db8:%d::2%d" : "fd00:%d::%d",
			 near ? 1 + out : out, i);
	else if (near)
		snprintf(text, sizeof(text), out ? "198.51.100.2%d" : "192.0.2.2%d", i);
	else
		snprintf(text, sizeof(text), "10.%d.0.%d", out, i);
	must(parse_addr(text, &addr, &err));
	return addr;
}

static void real_of(struct world *w, const char *pool, int i, bool v6, enum lb_m_encap encap)
{
	struct lb_addr addr = real_addr(i, v6, encap);
	char text[LB_ADDR_STRLEN], neigh[128];

	format_addr(&addr, text);
	must(world_real(w, pool, text, i, LB_M_UP, &err));
	lb_model_real(&w->model, pool, &addr)->mptcp = 7000 + 100 * v6 + i;
	if (encap != LB_M_ENCAP_L2)
		return;
	snprintf(neigh, sizeof(neigh),
		 "neigh add %s lladdr 02:00:00:00:1%d:0%d dev %s nud permanent\n", text, v6, i,
		 world_link[i % 2 ? WORLD_OUT : WORLD_IN].name);
	must(world_ip(neigh, &err));
}

static void reals_of(struct world *w, enum lb_m_encap encap)
{
	static const char *const lost[] = {"10.2.0.1", "10.3.0.1",  "10.4.0.1", "fd00:2::1",
					   "10.5.0.1", "fd00:4::1", "10.6.0.1"};

	for (int i = 1; i <= ASKED_REALS; i++) {
		real_of(w, "four", i, false, encap);
		real_of(w, "six", i, true, encap);
	}
	for (size_t i = 0; i < sizeof(lost) / sizeof(*lost); i++)
		must(world_real(w, "lost", lost[i], 1, LB_M_UP, &err));
}

/* By dscp a VIP is served by reals of its own family. */
void asked_serve_too(struct world *w, const char *name, enum lb_m_encap encap)
{
	bool dscp = encap == LB_M_ENCAP_DSCP;
	const char *other4 = dscp ? "four" : "six", *other6 = dscp ? "six" : "four";

	must(world_load(w, name, NULL, &err));
	pool_of(w, "four", encap);
	pool_of(w, "six", encap);
	pool_of(w, "lost", encap);
	reals_of(w, encap);
	vip_of(w, "203.0.113.1:80/tcp", "four", true);
	vip_of(w, "203.0.113.1:53/udp", "four", true);
	vip_of(w, "203.0.113.2:443/tcp", "four", false);
	vip_of(w, "203.0.113.2:any/tcp", other4, true);
	vip_of(w, "203.0.113.3:80/tcp", other4, true);
	vip_of(w, "203.0.113.4:80/tcp", "lost", false);
	vip_of(w, "[2001:db8:f::1]:80/tcp", "six", true);
	vip_of(w, "[2001:db8:f::1]:53/udp", "six", true);
	vip_of(w, "[2001:db8:f::2]:443/tcp", "six", false);
	vip_of(w, "[2001:db8:f::2]:any/tcp", other6, true);
	vip_of(w, "[2001:db8:f::3]:80/tcp", other6, true);
	vip_of(w, "[2001:db8:f::4]:80/tcp", "lost", false);
	must(world_commit(w, &err));
}

void asked_serve(struct world *w, enum lb_m_encap encap)
{
	ptest_root();
	must(world_net(&err));
	asked_serve_too(w, "asked", encap);
}

void asked_drain(struct world *w, enum lb_m_encap encap)
{
	struct lb_addr four = real_addr(3, false, encap), six = real_addr(3, true, encap);

	lb_model_real(&w->model, "four", &four)->state = LB_M_DRAIN;
	lb_model_real(&w->model, "six", &six)->state = LB_M_DRAIN;
	must(world_commit(w, &err));
}

static void fragment(struct asked *a, bool v6, bool later)
{
	a->flow.fragment = later ? LB_FLOW_LATER : LB_FLOW_FIRST;
	a->spec.frag = later ? 185 : 0x2000;
	a->spec.ext = v6 ? "f" : NULL;
}

void asked_any(struct asked *a, bool v6, uint64_t *seed)
{
	static const uint8_t flags[] = {0x10, 0x18, 0x02, 0x11, 0x14};
	uint64_t r = pkt_random(seed), s = pkt_random(seed);
	int which = r % 10;

	memset(a, 0, sizeof(*a));
	snprintf(a->src, sizeof(a->src), v6 ? "2001:db8:c::%x:%x" : "%u.0.2.%u",
		 192 + (uint32_t)(s >> 8) % 16, 1 + (uint32_t)(s >> 16) % 250);
	if (!(s % 50))
		strcpy(a->src, v6 ? "::1" : "127.0.0.1");
	a->spec = (struct pkt_spec){
		.src = a->src,
		.dst = to[v6][which].dst,
		.sport = 1024 + (r >> 8) % 50000,
		.dport = to[v6][which].dport,
		.proto = to[v6][which].proto,
		.flags = flags[(r >> 32) % sizeof(flags)],
		.payload = (r >> 40) % 100 ? (r >> 40) % 1300 : 1450,
	};
	if (a->spec.proto == IPPROTO_UDP)
		a->spec.flags = 0;
	must(parse_addr(a->spec.dst, &a->flow.dst.addr, &err));
	must(parse_addr(a->src, &a->flow.src, &err));
	a->flow.sport = a->spec.sport;
	a->flow.dst.port = a->spec.dport;
	a->flow.dst.proto = a->spec.proto;
	a->flow.tcp_flags = a->spec.flags;
	if (!((r >> 56) % 16))
		fragment(a, v6, r >> 63);
	a->flow.len = lb_flow_least(&a->flow) + a->spec.payload;
}
