/* SPDX-License-Identifier: GPL-2.0 */
/* Counters, reasons and devices. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/maps_internal.h"

static void add_vip(struct lb_counts *sum, const struct lb_count_vip *c)
{
	sum->packets += c->packets[LB_CACHE_UNASKED] + c->packets[LB_CACHE_HIT] +
			c->packets[LB_CACHE_MISS];
	sum->bytes += c->bytes;
	sum->hits += c->packets[LB_CACHE_HIT];
	sum->misses += c->packets[LB_CACHE_MISS];
}

int lb_maps_count(const struct lb_maps *m, enum lb_counter which, uint32_t id,
		  struct lb_counts *count, struct lb_err *err)
{
	const int fd[] = {
		[LB_COUNT_VIP] = m->count_vip,
		[LB_COUNT_REAL] = m->count_real,
		[LB_COUNT_WHY] = m->count_why,
	};
	/* Room for the larger of the two. */
	struct lb_count_vip *vip = calloc(m->cpus, sizeof(*vip));
	const struct lb_count *cpu = (const struct lb_count *)vip;
	int ret = vip ? bpf_map_lookup_elem(fd[which], &id, vip) : -ENOMEM, i;

	*count = (struct lb_counts){0};
	for (i = 0; !ret && i < m->cpus; i++) {
		if (which == LB_COUNT_VIP) {
			add_vip(count, &vip[i]);
			continue;
		}
		count->packets += cpu[i].packets;
		count->bytes += cpu[i].bytes;
	}
	free(vip);
	return ret ? lb_fail(err, "reading a counter: %s", strerror(-ret)) : 0;
}

static const struct {
	const char *name, *text;
} whys[] = {[LB_NEXT] = {"next", ""},
#define X(id, name_, text_) [LB_##id] = {name_, text_},
	    LB_WHYS(X)
#undef X
};

uint32_t lb_why_count(void)
{
	return LB_WHY_MAX;
}

const char *lb_why_name(uint32_t why)
{
	return why < LB_WHY_MAX ? whys[why].name : "?";
}

const char *lb_why_text(uint32_t why)
{
	return why < LB_WHY_MAX ? whys[why].text : "?";
}

/* Has any device `via`? Then next hops hold for their device only. */
static void set_via_flag(struct lb_maps *m)
{
	struct lb_dev_conf dev;
	uint32_t ifindex = 0;
	bool via = false;

	while (lb_maps_dev_next(m, &ifindex))
		via |= lb_maps_dev_get(m, ifindex, &dev) && dev.via.family;
	if (via)
		__atomic_or_fetch(&m->meta->flags, LB_META_VIA, __ATOMIC_RELEASE);
	else
		__atomic_and_fetch(&m->meta->flags, ~LB_META_VIA, __ATOMIC_RELEASE);
}

int lb_maps_dev_put(struct lb_maps *m, const struct lb_dev_conf *dev, struct lb_err *err)
{
	struct lb_dev d = {
		.lower = dev->lower,
		.via_family = dev->via.family,
		.attached = dev->attached,
	};
	int ret, i;

	for (i = 0; i < 2; i++) {
		d.tag[i][0] = htons(dev->tag[i].tpid);
		d.tag[i][1] = htons(dev->tag[i].tci);
	}
	memcpy(d.via, dev->via.b, sizeof(d.via));
	memcpy(d.saddr4, dev->src4.b, sizeof(d.saddr4));
	memcpy(d.saddr6, dev->src6.b, sizeof(d.saddr6));
	/* First, in case that this ends in between: next hops by that device are for it alone. */
	if (d.via_family)
		__atomic_or_fetch(&m->meta->flags, LB_META_VIA, __ATOMIC_RELEASE);
	ret = bpf_map_update_elem(m->dev, &dev->ifindex, &d, BPF_ANY);
	if (ret)
		return lb_fail(err, "writing the device: %s", strerror(-ret));
	set_via_flag(m);
	return 0;
}

int lb_maps_dev_del(struct lb_maps *m, uint32_t ifindex, struct lb_err *err)
{
	int ret = bpf_map_delete_elem(m->dev, &ifindex);

	if (ret && ret != -ENOENT)
		return lb_fail(err, "deleting the device: %s", strerror(-ret));
	set_via_flag(m);
	return 0;
}

static void get_addr(struct lb_addr *addr, uint8_t family, const uint8_t *bytes)
{
	static const uint8_t none[16];
	size_t len = family == 4 ? 4 : 16;

	*addr = (struct lb_addr){0};
	if (!family || !memcmp(bytes, none, len))
		return;
	addr->family = family;
	memcpy(addr->b, bytes, len);
}

bool lb_maps_dev_get(const struct lb_maps *m, uint32_t ifindex, struct lb_dev_conf *dev)
{
	struct lb_dev d;
	int i;

	if (bpf_map_lookup_elem(m->dev, &ifindex, &d))
		return false;
	*dev = (struct lb_dev_conf){
		.ifindex = ifindex,
		.lower = d.lower,
		.attached = d.attached,
	};
	for (i = 0; i < 2; i++) {
		dev->tag[i].tpid = ntohs(d.tag[i][0]);
		dev->tag[i].tci = ntohs(d.tag[i][1]);
	}
	get_addr(&dev->via, d.via_family, d.via);
	get_addr(&dev->src4, 4, d.saddr4);
	get_addr(&dev->src6, 6, d.saddr6);
	return true;
}

bool lb_maps_dev_next(const struct lb_maps *m, uint32_t *ifindex)
{
	return !bpf_map_get_next_key(m->dev, *ifindex ? ifindex : NULL, ifindex);
}
