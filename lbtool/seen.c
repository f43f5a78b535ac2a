/* SPDX-License-Identifier: GPL-2.0 */
#include "lbtool/seen.h"

#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "lib/flow.h"

static void addr_word(struct tool *t, const char *key, const struct lb_addr *addr)
{
	char text[LB_ADDR_STRLEN];

	if (!addr->family)
		return;
	format_addr(addr, text);
	lb_out_str(t->out, key, text, LB_ADDRESS);
}

/* A device that is gone since, or another namespace's, has but its number. */
static void dev_word(struct tool *t, const char *key, uint32_t ifindex)
{
	char name[IFNAMSIZ];

	if (!ifindex)
		return;
	if (!if_indextoname(ifindex, name))
		snprintf(name, sizeof(name), "#%u", ifindex);
	lb_out_str(t->out, key, name, LB_NAME);
}

static enum lb_color color_of(const struct lb_seen *s)
{
	if (lb_seen_sent(s))
		return LB_GOOD;
	return strncmp(lb_why_name(s->why), "drop", 4) ? LB_PLAIN : LB_BAD;
}

static void choice_words(struct tool *t, const struct lb_seen *s)
{
	char vip[LB_SERVICE_STRLEN];

	if (!s->vip.addr.family)
		return;
	format_service(&s->vip, vip);
	lb_out_str(t->out, "vip", vip, LB_ADDRESS);
	lb_out_str(t->out, "pool", s->pool, LB_NAME);
	if (s->slots)
		lb_out_u64(t->out, "slot", s->slot);
	if (!s->real.family)
		return;
	addr_word(t, "real", &s->real);
	lb_out_str(t->out, "by", lb_by_names[s->by], LB_PLAIN);
	addr_word(t, "prev", &s->prev);
}

static void way_words(struct tool *t, const struct lb_seen *s)
{
	char mac[18];

	if (s->hop) {
		lb_out_str(t->out, "encap", s->encap, LB_PLAIN);
		addr_word(t, "src", &s->outer_src);
		addr_word(t, "dst", &s->outer_dst);
		if (s->dscp)
			lb_out_u64(t->out, "dscp", s->dscp);
		if (s->port)
			lb_out_u64(t->out, "port", s->port);
	}
	addr_word(t, "via", &s->via);
	if (s->hop) {
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", s->lladdr[0],
			 s->lladdr[1], s->lladdr[2], s->lladdr[3], s->lladdr[4], s->lladdr[5]);
		lb_out_str(t->out, "lladdr", mac, LB_PLAIN);
	}
	dev_word(t, "dev", s->hop ? s->out : s->via_out);
	if (s->hop && (!lb_seen_sent(s) || t->details))
		lb_out_u64(t->out, "mtu", s->mtu);
}

static void detail_words(struct tool *t, const struct lb_seen *s)
{
	char hash[19];

	lb_out_more(t->out);
	lb_out_u64(t->out, "frame", s->frame);
	if (!s->vip.addr.family)
		return;
	snprintf(hash, sizeof(hash), "0x%016" PRIx64, s->hash);
	lb_out_str(t->out, "hash", hash, LB_PLAIN);
	if (s->slots)
		lb_out_u64(t->out, "slots", s->slots);
	addr_word(t, "table", &s->table);
}

void seen_words(struct tool *t, const struct lb_seen *s)
{
	dev_word(t, "in", s->in);
	lb_out_str(t->out, "why", lb_why_name(s->why), color_of(s));
	choice_words(t, s);
	way_words(t, s);
	if (t->details)
		detail_words(t, s);
}

void seen_flags(struct tool *t, uint8_t flags)
{
	char text[LB_TCP_FLAGS_STRLEN];

	format_tcp_flags(flags, text);
	if (*text)
		lb_out_str(t->out, "flags", text, LB_PLAIN);
}
