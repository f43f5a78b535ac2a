// SPDX-License-Identifier: GPL-2.0
/*
 * test_lb_plain.c - the short way (bpf/plain.h) against the long one: two instances of one configuration get the same
 * packets, whole ones and damaged ones. At the second one somebody seems to listen, so it takes the long way always.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/packet/asked.h"

#define PACKETS 20000

static struct world w[2];
static struct lb_meta *meta; /* of the second */
static struct lb_err err;

static void serve(enum lb_m_encap encap)
{
	char path[128];
	int fd;

	asked_serve(&w[0], encap);
	asked_serve_too(&w[1], "long", encap);
	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/meta", w[1].instance);
	fd = bpf_obj_get(path);
	cr_assert(ge(int, fd, 0));
	meta = mmap(NULL, sizeof(*meta), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(meta != MAP_FAILED);
	close(fd);
}

static void teardown(void)
{
	world_unload(&w[0]);
	world_unload(&w[1]);
}

TestSuite(lb_plain, .fini = teardown, .timeout = 120);

/* A packet like those of asked.h, or with something that is odd: headers, a length, a byte, an end. */
static void any(struct pkt *p, bool v6, uint64_t *seed)
{
	static const char *const ext[] = {"h", "d", "hd", "f", "a"};
	struct asked a;
	uint64_t r;

	asked_any(&a, v6, seed);
	r = pkt_random(seed);
	a.spec.tos = r >> 8;
	if (r % 16 == 1 && !v6)
		a.spec.options = 1 + (r >> 16) % 10;
	if (r % 16 == 2)
		a.spec.tag[0] = 1 + (r >> 16) % 4000;
	if (r % 16 == 3 && v6)
		a.spec.ext = ext[(r >> 16) % 5];
	if (r % 16 == 4)
		a.spec.longer = (int)((r >> 16) % 64) - 32;
	if (r % 16 == 5)
		a.spec.pad = (r >> 16) % 64;
	if (r % 16 == 6)
		a.spec.proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	if (r % 16 == 7)
		a.spec.payload = 0;
	pkt_build(p, &a.spec);
	if (r % 16 == 8)
		p->b[(r >> 16) % (p->len < 80 ? p->len : 80)] ^= 1 << (r >> 32) % 8;
	if (r % 16 == 9)
		p->len = 14 + (r >> 16) % 80;
}

/* Of those that are told that a packet was too big, no more than so many a second are. */
static enum lb_why plain_why(enum lb_why why)
{
	return why == LB_DROP_TOO_BIG_RATE ? LB_TX_TOO_BIG : why;
}

static void same_counters(enum lb_counter kind, uint32_t n)
{
	struct lb_counts of[2];

	for (uint32_t id = 0; id < n; id++) {
		must(lb_maps_count(w[0].maps, kind, id, &of[0], &err));
		must(lb_maps_count(w[1].maps, kind, id, &of[1], &err));
		if (kind == LB_COUNT_WHY && (id == LB_TX_TOO_BIG || id == LB_DROP_TOO_BIG_RATE))
			continue;
		cr_expect(memcmp(&of[0], &of[1], sizeof(of[0])) == 0, "counters %d of id %u differ",
			  kind, id);
	}
}

/* How many were forwarded. */
static uint32_t agree(bool v6, uint64_t seed)
{
	struct pkt in, out[2];
	uint32_t sent = 0;

	for (int i = 0; i < PACKETS; i++) {
		enum lb_why why[2];

		any(&in, v6, &seed);
		why[0] = ptest_send(&w[0], &in, &out[0], "short");
		meta->watch = UINT32_MAX;
		why[1] = ptest_send(&w[1], &in, &out[1], "long");
		cr_assert(eq(int, plain_why(why[0]), plain_why(why[1])), "packet %d: %s, %s: %s", i,
			  world_why_name(why[0]), world_why_name(why[1]), pkt_dump(&in));
		if (why[0] != why[1])
			continue;
		sent += why[0] == LB_TX || why[0] == LB_TX_REDIRECT;
		cr_assert(eq(u32, out[0].len, out[1].len));
		cr_assert(memcmp(out[0].b, out[1].b, out[0].len) == 0, "packet %d: %s, and %s", i,
			  pkt_dump(&out[0]), pkt_dump(&out[1]));
	}
	same_counters(LB_COUNT_WHY, LB_WHY_MAX);
	same_counters(LB_COUNT_VIP, 16);
	same_counters(LB_COUNT_REAL, 32);
	return sent;
}

/* Again after a change of the table: then the session cache has its say. */
static void agree_twice(enum lb_m_encap encap, bool v6)
{
	serve(encap);
	cr_expect(gt(u32, agree(v6, 1), PACKETS / 3));
	asked_drain(&w[0], encap);
	asked_drain(&w[1], encap);
	cr_expect(gt(u32, agree(v6, 1), PACKETS / 3));
}

Test(lb_plain, ipip_of_ipv4)
{
	agree_twice(LB_M_ENCAP_IPIP, false);
}

Test(lb_plain, ipip_of_ipv6)
{
	agree_twice(LB_M_ENCAP_IPIP, true);
}

Test(lb_plain, gue_of_ipv4)
{
	agree_twice(LB_M_ENCAP_GUE, false);
}

Test(lb_plain, gue_of_ipv6)
{
	agree_twice(LB_M_ENCAP_GUE, true);
}
