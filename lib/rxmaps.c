// SPDX-License-Identifier: GPL-2.0
/* rxmaps.c - the receiver's maps: opened, walked, and what they count. Devices: rxmaps_dev.c. */
#include "lib/rxmaps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/lb_abi.h"
#include "lib/prog_internal.h"
#include "lib/rxmaps_internal.h"

static const struct {
	const char *name;
	__u32 type, key, value, room;
} kind[RX_MAPS] = {
	[RX_DEV] = {"rx_dev", BPF_MAP_TYPE_HASH, sizeof(__u32), sizeof(struct lb_rx_dev),
		    LB_DEVS_MAX},
	[RX_LOCAL] = {"rx_local", BPF_MAP_TYPE_HASH, sizeof(struct lb_rx_addr), sizeof(__u8),
		      LB_RX_LOCALS_MAX},
	[RX_FROM] = {"rx_from", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct lb_rx_from), sizeof(__u8),
		     LB_RX_FROMS_MAX},
	[RX_DSCP] = {"rx_dscp", BPF_MAP_TYPE_HASH, sizeof(struct lb_rx_number),
		     sizeof(struct lb_rx_addr), LB_RX_DSCPS_MAX},
	[RX_VIP] = {"rx_vip", BPF_MAP_TYPE_LRU_HASH, sizeof(struct lb_rx_addr),
		    sizeof(struct lb_rx_vip), LB_RX_VIPS_MAX},
	[RX_COUNT] = {"count_rx", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(__u32), sizeof(struct lb_count),
		      LB_RX_WHY_MAX},
};

_Static_assert(LB_MSS_LEAVE == 0 && LB_MSS_AUTO == LB_RX_MSS_AUTO, "the same words");

int lb_rx_map_fail(struct lb_err *err, enum rx_map map, int error)
{
	const char *do_what = "";

	if (error == EPERM)
		do_what = ": run as root, or with CAP_BPF and CAP_NET_ADMIN";
	else if (error == ENOSPC || error == E2BIG)
		do_what = ": the map is full";
	return lb_fail(err, "map %s: %s%s", kind[map].name, strerror(error), do_what);
}

static int same_kind(int fd, enum rx_map map, const char *instance, struct lb_err *err)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return lb_rx_map_fail(err, map, errno);
	if (info.type == kind[map].type && info.key_size == kind[map].key &&
	    info.value_size == kind[map].value && info.max_entries == kind[map].room)
		return 0;
	return lb_fail(err,
		       "the receiver in instance \"%s\" was loaded by another version of lbtool "
		       "(map %s differs): delete its devices with that version",
		       instance, kind[map].name);
}

/* Each device's record tells whose meaning it has. */
static int same_version(const struct lb_rx *rx, const char *instance, struct lb_err *err)
{
	__u32 key, *prev = NULL;
	struct lb_rx_dev dev;

	for (; !bpf_map_get_next_key(rx->fd[RX_DEV], prev, &key); prev = &key)
		if (!bpf_map_lookup_elem(rx->fd[RX_DEV], &key, &dev) &&
		    dev.version != LB_RX_ABI_VERSION)
			return lb_fail(err,
				       "the receiver in instance \"%s\" has ABI version %u, this "
				       "lbtool %u: delete its devices with that version",
				       instance, dev.version, LB_RX_ABI_VERSION);
	return 0;
}

static int open_map(struct lb_rx *rx, enum rx_map map, const char *instance, struct lb_err *err)
{
	char none[160];

	snprintf(none, sizeof(none),
		 "no receiver in instance \"%s\": add one with \"lbtool receiver add DEV from "
		 "PREFIX\"",
		 instance);
	rx->fd[map] = lb_pin_open(instance, "map", kind[map].name, err, none);
	return rx->fd[map] < 0 ? -1 : same_kind(rx->fd[map], map, instance, err);
}

int lb_rx_open(const char *instance, struct lb_rx **out, struct lb_err *err)
{
	struct lb_rx *rx = malloc(sizeof(*rx));
	int map;

	if (!rx)
		return lb_fail(err, "out of memory");
	for (map = 0; map < RX_MAPS; map++)
		rx->fd[map] = -1;
	rx->cpus = libbpf_num_possible_cpus();
	if (rx->cpus < 1) {
		lb_fail(err, "the number of CPUs: %s", strerror(-rx->cpus));
		goto fail;
	}
	for (map = 0; map < RX_MAPS; map++)
		if (open_map(rx, map, instance, err))
			goto fail;
	if (same_version(rx, instance, err))
		goto fail;
	*out = rx;
	return 0;
fail:
	lb_rx_close(rx);
	return -1;
}

void lb_rx_close(struct lb_rx *rx)
{
	int map;

	if (!rx)
		return;
	for (map = 0; map < RX_MAPS; map++)
		if (rx->fd[map] >= 0)
			close(rx->fd[map]);
	free(rx);
}

struct lb_rx_addr lb_rx_key(const struct lb_addr *addr)
{
	struct lb_rx_addr key = {.family = addr->family};

	memcpy(key.addr, addr->b, sizeof(key.addr));
	return key;
}

int lb_rx_keys(const struct lb_rx *rx, enum rx_map map, void **keys, size_t *n, struct lb_err *err)
{
	size_t size = kind[map].key, room = 0;
	char *all = NULL, *more;

	for (*n = 0; *n < kind[map].room; (*n)++) {
		if (*n == room) {
			room = room ? 2 * room : 64;
			more = realloc(all, room * size);
			if (!more) {
				free(all);
				return lb_fail(err, "out of memory");
			}
			all = more;
		}
		if (bpf_map_get_next_key(rx->fd[map], *n ? all + (*n - 1) * size : NULL,
					 all + *n * size))
			break;
	}
	*keys = all;
	return 0;
}

static const struct {
	const char *name, *text;
} why_words[] = {
#define X(id, name, text) {name, text},
	LB_RX_WHYS(X)
#undef X
};

uint32_t lb_rx_why_count(void)
{
	return LB_RX_WHY_MAX;
}

const char *lb_rx_why_name(uint32_t why)
{
	return why < LB_RX_WHY_MAX ? why_words[why].name : "?";
}

const char *lb_rx_why_text(uint32_t why)
{
	return why < LB_RX_WHY_MAX ? why_words[why].text : "?";
}

int lb_rx_count(const struct lb_rx *rx, uint32_t why, struct lb_counts *count, struct lb_err *err)
{
	struct lb_count *each = calloc(rx->cpus, sizeof(*each));
	int ret, cpu;

	if (!each)
		return lb_fail(err, "out of memory");
	ret = bpf_map_lookup_elem(rx->fd[RX_COUNT], &why, each);
	if (ret)
		ret = lb_rx_map_fail(err, RX_COUNT, errno);
	count->packets = count->bytes = 0;
	for (cpu = 0; !ret && cpu < rx->cpus; cpu++) {
		count->packets += each[cpu].packets;
		count->bytes += each[cpu].bytes;
	}
	free(each);
	return ret;
}
