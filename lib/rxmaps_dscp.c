/* SPDX-License-Identifier: GPL-2.0 */
/* The numbers of a device: which VIP a DSCP means (bpf/rx_dscp.h). */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "bpf/lb_abi.h"
#include "lib/rxmaps_dscp.h"

static const uint8_t families[] = {4, 6};

static struct lb_rx_number key_of(uint32_t ifindex, uint8_t family, uint8_t dscp)
{
	return (struct lb_rx_number){.ifindex = ifindex, .family = family, .dscp = dscp};
}

static const struct lb_rx_dscp *listed(const struct lb_receiver *recv, uint8_t family, uint8_t dscp)
{
	size_t i;

	for (i = 0; recv && i < recv->dscps; i++)
		if (recv->dscp[i].dscp == dscp && recv->dscp[i].vip.family == family)
			return &recv->dscp[i];
	return NULL;
}

static int put_one(struct lb_rx *rx, uint32_t ifindex, const struct lb_rx_dscp *d,
		   struct lb_err *err)
{
	struct lb_rx_number key = key_of(ifindex, d->vip.family, d->dscp);
	struct lb_rx_addr vip = lb_rx_key(&d->vip);

	return bpf_map_update_elem(rx->fd[RX_DSCP], &key, &vip, BPF_ANY)
		       ? lb_rx_map_fail(err, RX_DSCP, errno)
		       : 0;
}

int lb_rx_dscp_put(struct lb_rx *rx, uint32_t ifindex, const struct lb_receiver *recv,
		   struct lb_err *err)
{
	for (size_t f = 0; f < 2; f++) {
		for (uint8_t dscp = 1; dscp <= LB_DSCP_MAX; dscp++) {
			const struct lb_rx_dscp *d = listed(recv, families[f], dscp);
			struct lb_rx_number key = key_of(ifindex, families[f], dscp);

			if (d && put_one(rx, ifindex, d, err))
				return -1;
			if (!d && bpf_map_delete_elem(rx->fd[RX_DSCP], &key) && errno != ENOENT)
				return lb_rx_map_fail(err, RX_DSCP, errno);
		}
	}
	return 0;
}

void lb_rx_dscp_get(const struct lb_rx *rx, struct lb_receiver *recv)
{
	recv->dscps = 0;
	for (size_t f = 0; f < 2; f++) {
		for (uint8_t dscp = 1; dscp <= LB_DSCP_MAX; dscp++) {
			struct lb_rx_number key = key_of(recv->ifindex, families[f], dscp);
			struct lb_rx_dscp *d = &recv->dscp[recv->dscps];
			struct lb_rx_addr vip;

			if (bpf_map_lookup_elem(rx->fd[RX_DSCP], &key, &vip))
				continue;
			*d = (struct lb_rx_dscp){.dscp = dscp, .vip.family = families[f]};
			memcpy(d->vip.b, vip.addr, sizeof(d->vip.b));
			recv->dscps++;
		}
	}
}
