// SPDX-License-Identifier: GPL-2.0
/* rxmaps_dev.c - receiving devices, whom they hear, and the addresses at which tunnels end. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/lb_abi.h"
#include "lib/rxmaps.h"
#include "lib/rxmaps_dscp.h"
#include "lib/rxmaps_internal.h"

static struct lb_rx_from from_key(uint32_t ifindex, const struct lb_net *net)
{
	struct lb_rx_from key = {
		.prefixlen = 64 + net->len,
		.ifindex = htonl(ifindex),
		.family = htonl(net->addr.family),
	};

	memcpy(key.addr, net->addr.b, sizeof(key.addr));
	return key;
}

static struct lb_net from_net(const struct lb_rx_from *key)
{
	struct lb_net net = {
		.addr.family = ntohl(key->family),
		.len = key->prefixlen - 64,
	};

	memcpy(net.addr.b, key->addr, sizeof(net.addr.b));
	return net;
}

static int net_cmp(const void *a, const void *b)
{
	const struct lb_net *x = a, *y = b;
	int d = lb_addr_cmp(&x->addr, &y->addr);

	return d ? d : x->len - y->len;
}

/* The prefixes of a device, sorted and distinct: the caller's to free(). */
static int read_froms(const struct lb_rx *rx, uint32_t ifindex, struct lb_net **nets, size_t *n,
		      struct lb_err *err)
{
	struct lb_rx_from *key;
	struct lb_net *all;
	size_t keys, i;
	void *p;

	if (lb_rx_keys(rx, RX_FROM, &p, &keys, err))
		return -1;
	key = p;
	all = calloc(keys + 1, sizeof(*all));
	*n = 0;
	for (i = 0; all && i < keys; i++)
		if (key[i].ifindex == htonl(ifindex))
			all[(*n)++] = from_net(&key[i]);
	free(key);
	if (!all) {
		lb_fail(err, "out of memory");
		return -1;
	}
	qsort(all, *n, sizeof(*all), net_cmp);
	for (i = 1, keys = *n ? 1 : 0; i < *n; i++)
		if (net_cmp(&all[i], &all[keys - 1]))
			all[keys++] = all[i];
	*n = keys;
	*nets = all;
	return 0;
}

static bool listed(const struct lb_net *net, const struct lb_net *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (net_cmp(net, &list[i]) == 0)
			return true;
	return false;
}

/* Removes the prefixes of a device that are not in the list. */
static int prune_froms(struct lb_rx *rx, uint32_t ifindex, const struct lb_net *keep, size_t keeps,
		       struct lb_err *err)
{
	struct lb_net *net;
	int ret = 0;
	size_t n, i;

	if (read_froms(rx, ifindex, &net, &n, err))
		return -1;
	for (i = 0; !ret && i < n; i++) {
		struct lb_rx_from key = from_key(ifindex, &net[i]);

		if (!listed(&net[i], keep, keeps) && bpf_map_delete_elem(rx->fd[RX_FROM], &key) &&
		    errno != ENOENT)
			ret = lb_rx_map_fail(err, RX_FROM, errno);
	}
	free(net);
	return ret;
}

int lb_rx_put(struct lb_rx *rx, const struct lb_receiver *recv, struct lb_err *err)
{
	struct lb_rx_dev dev = {
		.mss = recv->mss,
		.mtu = recv->mtu,
		.made_clsact = recv->made_clsact,
		.gue_port = htons(recv->gue_port),
		.version = LB_RX_ABI_VERSION,
	};
	__u8 yes = 1;
	size_t i;

	if (recv->froms > LB_FROM_MAX)
		return lb_fail(err, "%zu prefixes: at most %u", recv->froms, LB_FROM_MAX);
	for (i = 0; i < recv->froms; i++) {
		struct lb_rx_from key = from_key(recv->ifindex, &recv->from[i]);

		if (bpf_map_update_elem(rx->fd[RX_FROM], &key, &yes, BPF_ANY))
			return lb_rx_map_fail(err, RX_FROM, errno);
	}
	if (bpf_map_update_elem(rx->fd[RX_DEV], &recv->ifindex, &dev, BPF_ANY))
		return lb_rx_map_fail(err, RX_DEV, errno);
	if (lb_rx_dscp_put(rx, recv->ifindex, recv, err))
		return -1;
	return prune_froms(rx, recv->ifindex, recv->from, recv->froms, err);
}

/* The device's record goes last: killed in between, it is still seen and can be deleted again. */
int lb_rx_del(struct lb_rx *rx, uint32_t ifindex, struct lb_err *err)
{
	if (prune_froms(rx, ifindex, NULL, 0, err) || lb_rx_dscp_put(rx, ifindex, NULL, err))
		return -1;
	if (bpf_map_delete_elem(rx->fd[RX_DEV], &ifindex) && errno != ENOENT)
		return lb_rx_map_fail(err, RX_DEV, errno);
	return 0;
}

bool lb_rx_get(const struct lb_rx *rx, uint32_t ifindex, struct lb_receiver *recv)
{
	struct lb_err ignored;
	struct lb_rx_dev dev;
	struct lb_net *net;
	size_t n;

	if (bpf_map_lookup_elem(rx->fd[RX_DEV], &ifindex, &dev) ||
	    read_froms(rx, ifindex, &net, &n, &ignored))
		return false;
	if (n > LB_FROM_MAX)
		n = LB_FROM_MAX;
	memset(recv, 0, sizeof(*recv));
	recv->ifindex = ifindex;
	recv->mtu = dev.mtu;
	recv->mss = dev.mss;
	recv->made_clsact = dev.made_clsact;
	recv->gue_port = ntohs(dev.gue_port);
	recv->froms = n;
	memcpy(recv->from, net, n * sizeof(*net));
	free(net);
	lb_rx_dscp_get(rx, recv);
	return true;
}

/* The least ifindex above: unlike the map's own order, this one does not change under the walk. */
bool lb_rx_next(const struct lb_rx *rx, uint32_t *ifindex)
{
	struct lb_err ignored;
	uint32_t best = 0;
	__u32 *key;
	size_t n, i;
	void *p;

	if (lb_rx_keys(rx, RX_DEV, &p, &n, &ignored))
		return false;
	for (i = 0, key = p; i < n; i++)
		if (key[i] > *ifindex && (!best || key[i] < best))
			best = key[i];
	free(p);
	*ifindex = best ? best : *ifindex;
	return best;
}

static int key_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_rx_addr));
}

/* New ones first, so that an address in both lists never fails. */
int lb_rx_locals(struct lb_rx *rx, const struct lb_addr *addr, size_t n, struct lb_err *err)
{
	struct lb_rx_addr *want = calloc(n + 1, sizeof(*want)), *have;
	size_t haves = 0, i;
	void *p = NULL;
	__u8 yes = 1;
	int ret = -1;

	if (!want)
		return lb_fail(err, "out of memory");
	for (i = 0; i < n; i++) {
		want[i] = lb_rx_key(&addr[i]);
		if (bpf_map_update_elem(rx->fd[RX_LOCAL], &want[i], &yes, BPF_ANY)) {
			lb_rx_map_fail(err, RX_LOCAL, errno);
			goto out;
		}
	}
	qsort(want, n, sizeof(*want), key_cmp);
	if (lb_rx_keys(rx, RX_LOCAL, &p, &haves, err))
		goto out;
	for (i = 0, have = p; i < haves; i++) {
		if (bsearch(&have[i], want, n, sizeof(*want), key_cmp))
			continue;
		if (bpf_map_delete_elem(rx->fd[RX_LOCAL], &have[i]) && errno != ENOENT) {
			lb_rx_map_fail(err, RX_LOCAL, errno);
			goto out;
		}
	}
	ret = 0;
out:
	free(p);
	free(want);
	return ret;
}
