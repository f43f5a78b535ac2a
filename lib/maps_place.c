/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services into buckets (see "Services" in bpf/lb_abi.h). At a load of 1/4 entry a slot the first multiplier mostly
 * serves; when a bucket would overflow, the next is tried.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/maps_internal.h"

#define TRIES 4096

/* One family's buckets while they are being filled. */
struct fill {
	const struct lb_model *m;
	size_t first, last; /* VIPs of this family: [first, last) */
	uint8_t family;
	uint32_t buckets;
	uint64_t mul;
	uint8_t *used; /* entries in each bucket */
	uint16_t *want; /* services whose home it is */
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

static uint32_t far_of(const struct fill *f, const struct lb_service *svc)
{
	__u64 w[2];

	if (f->family == 4)
		return lb_far4(word4(&svc->addr), htons(svc->port), svc->proto, f->mul, f->buckets);
	words6(w, &svc->addr);
	return lb_far6(w, htons(svc->port), svc->proto, f->mul, f->buckets);
}

static bool put(struct fill *f, uint32_t bucket, const struct lb_addr *addr,
		const struct lb_svc *svc)
{
	uint32_t i = f->used[bucket];

	if (i == LB_BUCKET_ENTRIES)
		return false;
	f->used[bucket]++;
	if (f->family == 4) {
		f->b4[bucket].addr[i] = word4(addr);
		f->b4[bucket].svc[i] = *svc;
	} else {
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
			 (v->always ? LB_SVC_ALWAYS : 0),
		.vip = v->id,
		.pool = lb_model_pool(m, v->pool)->id,
	};
}

/* The end of the VIPs that have the address of the one at i. */
static size_t group_end(const struct fill *f, size_t i)
{
	size_t j = i + 1;

	while (j < f->last && !lb_addr_cmp(&f->m->vip[i].svc.addr, &f->m->vip[j].svc.addr))
		j++;
	return j;
}

/* Does the group sit in its home bucket? A single service takes no more room there than a FAR entry. */
static bool is_near(const struct fill *f, size_t i, size_t end, uint32_t home)
{
	return end - i == 1 || f->want[home] <= LB_BUCKET_ENTRIES;
}

static bool fill_homes(struct fill *f)
{
	const struct lb_svc far = {.flags = LB_SVC_USED | LB_SVC_FAR};
	size_t i, j, end;

	for (i = f->first; i < f->last; i = end) {
		const struct lb_addr *addr = &f->m->vip[i].svc.addr;
		uint32_t home = home_of(f, addr);

		end = group_end(f, i);
		if (!is_near(f, i, end, home)) {
			if (!put(f, home, addr, &far))
				return false;
			continue;
		}
		for (j = i; j < end; j++) {
			struct lb_svc svc = entry_of(f->m, &f->m->vip[j]);

			if (!put(f, home, addr, &svc))
				return false;
		}
	}
	return true;
}

static bool fill_far(struct fill *f)
{
	size_t i, j, end;

	for (i = f->first; i < f->last; i = end) {
		const struct lb_m_vip *v = &f->m->vip[i];

		end = group_end(f, i);
		if (is_near(f, i, end, home_of(f, &v->svc.addr)))
			continue;
		for (j = i; j < end; j++, v++) {
			struct lb_svc svc = entry_of(f->m, v);

			if (!put(f, far_of(f, &v->svc), &v->svc.addr, &svc))
				return false;
		}
	}
	return true;
}

static bool try_fill(struct fill *f)
{
	size_t i;

	memset(f->used, 0, f->buckets);
	memset(f->want, 0, f->buckets * sizeof(*f->want));
	if (f->b4)
		memset(f->b4, 0, f->buckets * sizeof(*f->b4));
	if (f->b6)
		memset(f->b6, 0, f->buckets * sizeof(*f->b6));
	for (i = f->first; i < f->last; i++) {
		uint16_t *want = &f->want[home_of(f, &f->m->vip[i].svc.addr)];

		if (*want <= LB_BUCKET_ENTRIES)
			++*want;
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
	int ret = -1;

	/* VIPs are sorted by family first. */
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
