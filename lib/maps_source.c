/* SPDX-License-Identifier: GPL-2.0 */
/* The outer sources, in the map and in the model. */
#include <arpa/inet.h>
#include <string.h>

#include "lib/maps_internal.h"

/* The bits that are the flow's: those behind the prefix, of the address's last word. */
static __be32 mask_of(const struct lb_net *net)
{
	unsigned int bits = (net->addr.family == 4 ? 32 : 128) - net->len;

	return htonl(bits < 32 ? (1u << bits) - 1 : UINT32_MAX);
}

void lb_source_put(struct lb_source *to, const struct lb_model *m)
{
	memset(to, 0, sizeof(*to));
	if (m->spread4.addr.family) {
		memcpy(&to->addr4, m->spread4.addr.b, sizeof(to->addr4));
		to->mask4 = mask_of(&m->spread4);
		to->len4 = m->spread4.len;
	}
	if (m->spread6.addr.family) {
		memcpy(to->addr6, m->spread6.addr.b, sizeof(to->addr6));
		to->mask6 = mask_of(&m->spread6);
		to->len6 = m->spread6.len;
	}
}

void lb_source_get(const struct lb_source *from, struct lb_model *m)
{
	if (from->mask4) {
		m->spread4 = (struct lb_net){.addr.family = 4, .len = from->len4};
		memcpy(m->spread4.addr.b, &from->addr4, sizeof(from->addr4));
	}
	if (from->mask6) {
		m->spread6 = (struct lb_net){.addr.family = 6, .len = from->len6};
		memcpy(m->spread6.addr.b, from->addr6, sizeof(from->addr6));
	}
}
