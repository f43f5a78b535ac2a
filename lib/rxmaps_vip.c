/* SPDX-License-Identifier: GPL-2.0 */
/* rxmaps_vip.c - which VIPs have come through tunnels, and whether an address is this host's. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rxmaps.h"
#include "lib/rxmaps_internal.h"

bool lb_rx_ends(const struct lb_rx *rx, const struct lb_addr *addr)
{
	struct lb_rx_addr key = lb_rx_key(addr);
	__u8 yes;

	return !bpf_map_lookup_elem(rx->fd[RX_LOCAL], &key, &yes);
}

static int by_vip(const void *a, const void *b)
{
	return lb_addr_cmp(&((const struct lb_rx_came *)a)->vip,
			   &((const struct lb_rx_came *)b)->vip);
}

int lb_rx_came(const struct lb_rx *rx, struct lb_rx_came **came, size_t *n, struct lb_err *err)
{
	struct lb_rx_came *all;
	struct lb_rx_addr *key;
	struct lb_rx_vip vip;
	size_t keys, i;
	void *p;

	if (lb_rx_keys(rx, RX_VIP, &p, &keys, err))
		return -1;
	key = p;
	all = calloc(keys + 1, sizeof(*all));
	*n = 0;
	for (i = 0; all && i < keys; i++) {
		if (bpf_map_lookup_elem(rx->fd[RX_VIP], &key[i], &vip))
			continue;
		all[*n].vip.family = (uint8_t)key[i].family;
		memcpy(all[*n].vip.b, key[i].addr, sizeof(all[*n].vip.b));
		all[(*n)++].outer = vip.outer_len;
	}
	free(p);
	if (!all)
		return lb_fail(err, "out of memory");
	qsort(all, *n, sizeof(*all), by_vip);
	*came = all;
	return 0;
}

int lb_rx_forget(struct lb_rx *rx, struct lb_err *err)
{
	struct lb_rx_addr *key;
	size_t keys, i;
	int ret = 0;
	__u8 yes;
	void *p;

	if (lb_rx_keys(rx, RX_VIP, &p, &keys, err))
		return -1;
	for (i = 0, key = p; !ret && i < keys; i++)
		if (bpf_map_lookup_elem(rx->fd[RX_LOCAL], &key[i], &yes) &&
		    bpf_map_delete_elem(rx->fd[RX_VIP], &key[i]) && errno != ENOENT)
			ret = lb_rx_map_fail(err, RX_VIP, errno);
	free(p);
	return ret;
}
