/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/rtnetlink.h>
#include <string.h>

#include "lib/devconf.h"

#define LEVELS 2 /* VLAN tags that the program pushes */

size_t lb_devs_index(const struct lb_devs *d, uint32_t ifindex)
{
	size_t i = 0;

	while (i < d->n && d->link[i].ifindex != ifindex)
		i++;
	return i;
}

static struct lb_addr source(const struct lb_devs *d, uint32_t ifindex, uint8_t family)
{
	const struct lb_nl_addr *other = NULL;

	for (size_t i = 0; i < d->addrs; i++) {
		const struct lb_nl_addr *a = &d->addr[i];

		if (a->addr.family != family || a->scope != RT_SCOPE_UNIVERSE)
			continue;
		if (a->ifindex == ifindex)
			return a->addr;
		if (!other)
			other = a;
	}
	return other ? other->addr : (struct lb_addr){0};
}

/* Down from a VLAN device; each level's tag stands outside those above it. */
static void find_lower(const struct lb_devs *d, size_t at, struct lb_dev_conf *conf)
{
	for (int level = 0; level < LEVELS && d->link[at].lower; level++) {
		conf->tag[1] = conf->tag[0];
		conf->tag[0].tpid = d->link[at].vlan_proto;
		conf->tag[0].tci = d->link[at].vlan_id;
		at = lb_devs_index(d, d->link[at].lower);
		if (at == d->n)
			break;
		if (d->attached[at]) {
			conf->lower = d->link[at].ifindex;
			return;
		}
	}
	memset(conf->tag, 0, sizeof(conf->tag));
}

bool lb_devconf(const struct lb_devs *d, size_t i, struct lb_dev_conf *conf)
{
	*conf = (struct lb_dev_conf){
		.ifindex = d->link[i].ifindex,
		.attached = d->attached[i],
		.src4 = source(d, d->link[i].ifindex, 4),
		.src6 = source(d, d->link[i].ifindex, 6),
	};
	find_lower(d, i, conf);
	return conf->attached || conf->lower;
}
