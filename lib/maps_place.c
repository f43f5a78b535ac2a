/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services into buckets (see "Services" in bpf/lb_abi.h). At a load of 1/4 entry a slot the first multiplier mostly
 * serves; when a bucket would overflow, the next is tried.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/maps_commit.h"
#include "lib/mix.h"
#include "lib/model_own.h"

#define TRIES 4096
#define PROTOS 2 /* TCP, UDP */

/* One family's buckets while they are being filled. */
struct fill {
	const struct lb_model *m;
	size_t first, last; /* VIPs of this family: [first, last) */
	const struct lb_own *own; /* ports of one real alone, of this family */
	size_t owns;
	uint8_t family;
	uint32_t buckets;
	uint64_t mul;
	uint8_t *used; /* entries in each bucket */
	uint16_t *want; /* entries whose home it is, as far as that matters */
	struct lb_bucket4 *b4;
	struct lb_bucket6 *b6;
};

static uint64_t multiplier(uint32_t n)
{
	return lb_mix64((n + 1) * 0x9e3779b97f4a7c15ull) | 1;
}

static void words6(__u64 w[2], const struct lb_addr *addr)
{
	memcpy(w, addr->b, 16);
}

static uint32_t word4(const struct lb_addr *addr)
{
	uint32_t w;

	memcpy(&w, addr->b, 4);
	return w;
}

static uint32_t home_of(const struct fill *f, const struct lb_addr *addr)
{
	__u64 w[2];

	if (f->family == 4)
		return lb_home4(word4(addr), f->mul, f->buckets);
	words6(w, addr);
	return lb_home6(w, f->mul, f->buckets);
}

static uint32_t far_of(const struct fill *f, const struct lb_addr *addr, const struct lb_svc *svc)
{
	__u64 w[2];

	if (f->family == 4)
		return lb_far4(word4(addr), svc->port, svc->proto, f->mul, f->buckets);
	words6(w, addr);
	return lb_far6(w, svc->port, svc->proto, f->mul, f->buckets);
}

static bool put(struct fill *f, uint32_t bucket, const struct lb_addr *addr,
		const struct lb_svc *svc)
{
	uint32_t i = f->used[bucket];

	if (i == LB_BUCKET_ENTRIES)
		return false;
	f->used[bucket]++;
	if (f->b4) {
		f->b4[bucket].addr[i] = word4(addr);
		f->b4[bucket].svc[i] = *svc;
	}
	if (f->b6) {
		words6(f->b6[bucket].addr[i], addr);
		f->b6[bucket].svc[i] = *svc;
	}
	return true;
}

static struct lb_svc entry_of(const struct lb_model *m, const struct lb_m_vip *v)
{
	return (struct lb_svc){
		.port = htons(v->svc.port),
		.proto = v->svc.proto,
		.flags = LB_SVC_USED | (v->session ? LB_SVC_SESSION : 0) |
			 (v->always ? LB_SVC_ALWAYS : 0) |
			 (v->hash == LB_M_HASH_SRC ? LB_SVC_SRC : 0) |
			 (v->fragments != LB_M_FRAGMENTS_DROP ? LB_SVC_FRAGMENTS : 0) |
			 (v->fragments == LB_M_FRAGMENTS_TRACK ? LB_SVC_TRACK : 0),
		.vip = v->id,
		.pool = lb_model_pool(m, v->pool)->id,
		.dscp = v->dscp,
	};
}

static struct lb_svc own_entry(const struct lb_own *o)
{
	return (struct lb_svc){
		.port = htons(o->svc.port),
		.proto = o->svc.proto,
		.flags = LB_SVC_USED | LB_SVC_REAL,
		.vip = o->vip->id,
		.real = o->real->id,
		.dscp = o->vip->dscp,
	};
}

/* The VIPs of one address, which stand together, by port. */
struct group {
	size_t first, end; /* indices of VIPs: [first, end) */
	size_t own, own_end; /* of ports of one real alone */
	/* Who gets the fragments of TCP and of UDP: the lowest port that takes them, or NULL. */
	const struct lb_m_vip *fragments[PROTOS];
	bool track[PROTOS]; /* one of those that take them tracks them */
	uint32_t entries;
	uint32_t home;
	uint8_t dscp; /* of those that have a number */
};

/* Steps on to the next group, which begins at g->end; false: no more. */
static bool next_group(const struct fill *f, struct group *g)
{
	const struct lb_addr *addr;
	size_t i = g->end;

	if (i == f->last)
		return false;
	addr = &f->m->vip[i].svc.addr;
	*g = (struct group){
		.first = i,
		.own = g->own_end,
		.own_end = g->own_end,
		.home = home_of(f, addr),
	};
	for (; i < f->last && !lb_addr_cmp(addr, &f->m->vip[i].svc.addr); i++) {
		const struct lb_m_vip *v = &f->m->vip[i];
		bool udp = v->svc.proto == IPPROTO_UDP;
		const struct lb_m_vip **taker = &g->fragments[udp];

		g->entries++;
		if (v->dscp)
			g->dscp = v->dscp;
		g->track[udp] |= v->fragments == LB_M_FRAGMENTS_TRACK;
		if (v->fragments != LB_M_FRAGMENTS_DROP && !*taker) {
			*taker = v;
			g->entries++;
		}
	}
	g->end = i;
	while (g->own_end < f->owns && !lb_addr_cmp(addr, &f->own[g->own_end].svc.addr))
		g->own_end++;
	g->entries += g->own_end - g->own;
	return true;
}

static struct group no_group(const struct fill *f)
{
	return (struct group){.end = f->first};
}

/* Does the group sit in its home bucket? A single entry takes no more room there than a FAR one. */
static bool is_near(const struct fill *f, const struct group *g)
{
	return g->entries == 1 || f->want[g->home] <= LB_BUCKET_ENTRIES;
}

static bool put_group(struct fill *f, const struct group *g, bool near)
{
	const struct lb_addr *addr = &f->m->vip[g->first].svc.addr;
	struct lb_svc svc;
	size_t i;

	for (i = g->first; i < g->end; i++) {
		svc = entry_of(f->m, &f->m->vip[i]);
		if (!put(f, near ? g->home : far_of(f, addr, &svc), addr, &svc))
			return false;
	}
	for (i = g->own; i < g->own_end; i++) {
		svc = own_entry(&f->own[i]);
		if (!put(f, near ? g->home : far_of(f, addr, &svc), addr, &svc))
			return false;
	}
	for (i = 0; i < PROTOS; i++) {
		if (!g->fragments[i])
			continue;
		svc = entry_of(f->m, g->fragments[i]);
		svc.port = 0;
		svc.proto |= LB_SVC_FRAGMENT;
		svc.flags &= ~(LB_SVC_SESSION | LB_SVC_TRACK);
		svc.flags |= g->track[i] ? LB_SVC_TRACK : 0;
		if (!put(f, near ? g->home : far_of(f, addr, &svc), addr, &svc))
			return false;
	}
	return true;
}

static bool fill_homes(struct fill *f)
{
	struct lb_svc far = {.flags = LB_SVC_USED | LB_SVC_FAR};
	struct group g = no_group(f);

	while (next_group(f, &g)) {
		far.dscp = g.dscp;
		if (is_near(f, &g) ? !put_group(f, &g, true)
				   : !put(f, g.home, &f->m->vip[g.first].svc.addr, &far))
			return false;
	}
	return true;
}

static bool fill_far(struct fill *f)
{
	struct group g = no_group(f);

	while (next_group(f, &g))
		if (!is_near(f, &g) && !put_group(f, &g, false))
			return false;
	return true;
}

static bool try_fill(struct fill *f)
{
	struct group g = no_group(f);

	memset(f->used, 0, f->buckets);
	memset(f->want, 0, f->buckets * sizeof(*f->want));
	while (next_group(f, &g)) {
		uint32_t want = f->want[g.home] + g.entries;

		f->want[g.home] = want <= LB_BUCKET_ENTRIES ? want : LB_BUCKET_ENTRIES + 1;
	}
	return fill_homes(f) && fill_far(f);
}

/* What a try that failed has filled: fresh ones are empty, and their pages need not be touched. */
static void empty(struct fill *f)
{
	if (f->b4)
		memset(f->b4, 0, f->buckets * sizeof(*f->b4));
	if (f->b6)
		memset(f->b6, 0, f->buckets * sizeof(*f->b6));
}

static int fill_family(struct fill *f, struct lb_err *err)
{
	uint32_t n;

	if (f->first == f->last)
		return 0; /* its multiplier is 0 */
	for (n = 0; n < TRIES; n++) {
		f->mul = multiplier(n);
		if (try_fill(f))
			return 0;
		empty(f);
	}
	return lb_fail(err,
		       "the IPv%u VIPs do not fit %u buckets: load the instance with a larger "
		       "\"vips\"",
		       f->family, f->buckets);
}

/* Lines that are right already are left alone: most are, and clean ones stay shared by the CPUs' caches. */
static void copy_lines(void *to, const void *from, uint32_t n, size_t size)
{
	for (size_t i = 0; i < n * size; i += size)
		if (memcmp((char *)to + i, (const char *)from + i, size) != 0)
			memcpy((char *)to + i, (const char *)from + i, size);
}

/*
 * One family's. Multiplier 0: it has none, and where that is so already nothing is touched, not even read. known: the half
 * that c->services names is as its multipliers say.
 */
static int copy_family(const struct commit *c, const struct fill *f, const void *from, size_t size,
		       bool known)
{
	struct lb_meta *meta = c->maps->meta;
	__u64 *mul = &(f->family == 4 ? meta->mul4 : meta->mul6)[c->services];
	struct lb_stretch to;

	if (known && !*mul && !f->mul)
		return 0;
	if (lb_services_map(c->maps, f->family, c->services, &to, c->err))
		return -1;
	copy_lines(to.at, from, f->buckets, size);
	*mul = f->mul;
	lb_stretch_unmap(&to);
	return 0;
}

static uint64_t mix_entry(uint64_t h, const struct lb_addr *addr, const struct lb_svc *svc)
{
	uint64_t w[4] = {0};

	memcpy(w, addr->b, sizeof(addr->b));
	memcpy(&w[2], svc, sizeof(*svc));
	w[3] |= (uint64_t)addr->family << 32; /* an entry has 12 bytes */
	for (int i = 0; i < 4; i++)
		h = lb_mix64(h ^ w[i]);
	return h;
}

/* All that the buckets are made of: never 0. */
static uint64_t services_of(const struct lb_model *m, const struct lb_own *own, size_t owns)
{
	uint64_t h = 0x9e3779b97f4a7c15ull;
	struct lb_svc svc;

	for (size_t i = 0; i < m->vips; i++) {
		svc = entry_of(m, &m->vip[i]);
		h = mix_entry(h, &m->vip[i].svc.addr, &svc);
	}
	for (size_t i = 0; i < owns; i++) {
		svc = own_entry(&own[i]);
		h = mix_entry(h, &own[i].svc.addr, &svc);
	}
	return h ? h : 1;
}

/* Both lists are sorted by family first. */
static void share_out(struct fill *f4, struct fill *f6, const struct lb_model *m,
		      const struct lb_own *own, size_t owns)
{
	f4->own = own;
	while (f4->owns < owns && own[f4->owns].svc.addr.family == 4)
		f4->owns++;
	f6->own = own + f4->owns;
	f6->owns = owns - f4->owns;
	while (f4->last < m->vips && m->vip[f4->last].svc.addr.family == 4)
		f4->last++;
	f6->first = f4->last;
	f6->last = m->vips;
}

static int place(const struct commit *c, const struct lb_own *own, size_t owns, bool known)
{
	uint32_t n = c->maps->meta->buckets;
	struct fill f4 = {.m = c->to, .family = 4, .buckets = n};
	struct fill f6 = {.m = c->to, .family = 6, .buckets = n};
	int ret = -1;

	share_out(&f4, &f6, c->to, own, owns);
	f4.b4 = calloc(n, sizeof(*f4.b4));
	f6.b6 = calloc(n, sizeof(*f6.b6));
	f4.used = f6.used = malloc(n);
	f4.want = f6.want = malloc(n * sizeof(*f4.want));
	if (!f4.b4 || !f6.b6 || !f4.used || !f4.want) {
		lb_fail(c->err, "placing the services: %s", strerror(ENOMEM));
	} else if (!fill_family(&f4, c->err) && !fill_family(&f6, c->err) &&
		   !copy_family(c, &f4, f4.b4, sizeof(*f4.b4), known) &&
		   !copy_family(c, &f6, f6.b6, sizeof(*f6.b6), known)) {
		ret = 0;
	}
	free(f4.b4);
	free(f6.b6);
	free(f4.used);
	free(f4.want);
	return ret;
}

int lb_commit_services(struct commit *c)
{
	struct lb_meta *meta = c->maps->meta;
	struct lb_own *own;
	size_t owns;
	uint64_t hash;
	bool known = false;
	int ret = 0;

	if (lb_model_own(c->to, meta->buckets, &own, &owns, c->err))
		return -1;
	hash = services_of(c->to, own, owns);
	if (meta->in_buckets[c->services] != hash) {
		c->services = !c->services;
		known = meta->in_buckets[c->services];
	}
	if (meta->in_buckets[c->services] != hash) {
		/* Killed before the end, nobody knows what is there. */
		__atomic_store_n(&meta->in_buckets[c->services], 0, __ATOMIC_RELAXED);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		ret = place(c, own, owns, known);
		if (!ret)
			__atomic_store_n(&meta->in_buckets[c->services], hash, __ATOMIC_RELEASE);
	}
	free(own);
	return ret;
}
