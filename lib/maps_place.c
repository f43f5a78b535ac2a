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

#include "lib/maps_internal.h"
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
	uint64_t z = (n + 1) * 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (z ^ (z >> 31)) | 1;
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
	if (f->b4)
		memset(f->b4, 0, f->buckets * sizeof(*f->b4));
	if (f->b6)
		memset(f->b6, 0, f->buckets * sizeof(*f->b6));
	while (next_group(f, &g)) {
		uint32_t want = f->want[g.home] + g.entries;

		f->want[g.home] = want <= LB_BUCKET_ENTRIES ? want : LB_BUCKET_ENTRIES + 1;
	}
	return fill_homes(f) && fill_far(f);
}

static int fill_family(struct fill *f, struct lb_err *err)
{
	uint32_t n;

	for (n = 0; n < TRIES; n++) {
		f->mul = multiplier(n);
		if (try_fill(f))
			return 0;
	}
	return lb_fail(err,
		       "the IPv%u VIPs do not fit %u buckets: load the instance with a larger "
		       "\"vips\"",
		       f->family, f->buckets);
}

int lb_place(struct lb_placed *placed, const struct lb_model *m, uint32_t buckets,
	     struct lb_err *err)
{
	struct fill f4 = {.m = m, .family = 4, .buckets = buckets};
	struct fill f6 = {.m = m, .family = 6, .buckets = buckets};
	struct lb_own *own = NULL;
	size_t owns = 0;
	int ret = -1;

	placed->b4 = NULL;
	placed->b6 = NULL;
	if (lb_model_own(m, buckets, &own, &owns, err))
		return -1;
	/* Both are sorted by family first. */
	f4.own = own;
	while (f4.owns < owns && own[f4.owns].svc.addr.family == 4)
		f4.owns++;
	f6.own = own + f4.owns;
	f6.owns = owns - f4.owns;
	while (f4.last < m->vips && m->vip[f4.last].svc.addr.family == 4)
		f4.last++;
	f6.first = f4.last;
	f6.last = m->vips;
	placed->b4 = f4.b4 = calloc(buckets, sizeof(*f4.b4));
	placed->b6 = f6.b6 = calloc(buckets, sizeof(*f6.b6));
	f4.used = f6.used = malloc(buckets);
	f4.want = f6.want = malloc(buckets * sizeof(*f4.want));
	if (!f4.b4 || !f6.b6 || !f4.used || !f4.want)
		lb_fail(err, "placing the services: %s", strerror(ENOMEM));
	else
		ret = fill_family(&f4, err) || fill_family(&f6, err) ? -1 : 0;
	placed->mul4 = f4.mul;
	placed->mul6 = f6.mul;
	free(f4.used);
	free(f4.want);
	free(own);
	if (ret)
		lb_placed_free(placed);
	return ret;
}

void lb_placed_free(struct lb_placed *placed)
{
	free(placed->b4);
	free(placed->b6);
	placed->b4 = NULL;
	placed->b6 = NULL;
}
