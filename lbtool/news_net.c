/* SPDX-License-Identifier: GPL-2.0 */
/* Devices that the program has to do with, the routes to the reals, and the neighbours that these lead by. */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/devs.h"
#include "lbtool/news.h"

/* The way to an address. */
struct hop {
	struct lb_addr to;
	bool found, seen; /* seen: looked at before */
	struct lb_addr via;
	uint32_t ifindex;
};

/* A neighbour that some way leads by. */
struct near {
	struct lb_addr via;
	uint32_t ifindex;
	bool seen;
	struct lb_neigh neigh;
};

struct news_net {
	struct tool *t;
	struct devs devs;
	struct hop *hop; /* sorted, each once */
	struct near *near; /* likewise */
	size_t hops, nears;
};

static int by_to(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;

	return lb_addr_cmp(&x->to, &y->to);
}

static int by_via(const void *a, const void *b)
{
	const struct near *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return lb_addr_cmp(&x->via, &y->via);
}

/*
 * Sorts the n new entries, each once, and puts what was known of them, old entries, in their place. Returns how many
 * are left.
 */
static size_t carry_over(void *new, size_t n, const void *old, size_t olds, size_t size,
			 int (*cmp)(const void *, const void *))
{
	char *to = new;
	size_t kept = 0;

	qsort(new, n, size, cmp);
	for (size_t i = 0; i < n; i++) {
		const char *from = to + i * size;
		const void *was;

		if (kept && !cmp(to + (kept - 1) * size, from))
			continue;
		was = olds ? bsearch(from, old, olds, size, cmp) : NULL;
		memmove(to + kept++ * size, was ? was : from, size);
	}
	return kept;
}

static void show_addr(struct tool *t, const char *key, const struct lb_addr *addr)
{
	char text[LB_ADDR_STRLEN];

	format_addr(addr, text);
	lb_out_str(t->out, key, text, LB_ADDRESS);
}

static void show_dev(struct tool *t, const char *key, uint32_t ifindex)
{
	char name[IFNAMSIZ];

	if (!if_indextoname(ifindex, name))
		snprintf(name, sizeof(name), "#%u", ifindex);
	lb_out_str(t->out, key, name, LB_NAME);
}

static void begin_addr(struct tool *t, const char *event, const char *key,
		       const struct lb_addr *addr)
{
	char text[LB_ADDR_STRLEN];

	news_begin(t, event);
	format_addr(addr, text);
	lb_out_name(t->out, key, text, LB_ADDRESS);
}

static void show_hop(struct tool *t, const struct hop *is, const struct hop *was)
{
	begin_addr(t, "route", "to", &is->to);
	if (is->found) {
		show_addr(t, "via", &is->via);
		show_dev(t, "dev", is->ifindex);
	} else {
		lb_out_note(t->out, "none", LB_BAD);
	}
	if (was->found) {
		show_addr(t, "was_via", &was->via);
		show_dev(t, "was_dev", was->ifindex);
	}
	lb_out_end(t->out);
}

static void look_at_hop(struct tool *t, struct hop *h)
{
	struct hop is = {.to = h->to, .seen = true};
	struct lb_route route;
	struct lb_err ignored;

	if (!lb_nl_route(t->nl, &h->to, &route, &ignored)) {
		is.found = true;
		is.via = route.via;
		is.ifindex = route.ifindex;
	}
	if (h->seen &&
	    (is.found != h->found || is.ifindex != h->ifindex || lb_addr_cmp(&is.via, &h->via)))
		show_hop(t, &is, h);
	*h = is;
}

static void show_mac(struct tool *t, const char *key, const uint8_t *m)
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	lb_out_str(t->out, key, text, LB_PLAIN);
}

static void show_near(struct tool *t, const struct near *n, const struct lb_neigh *was)
{
	begin_addr(t, "neigh", "neigh", &n->via);
	show_dev(t, "dev", n->ifindex);
	if (n->neigh.resolved)
		show_mac(t, "lladdr", n->neigh.lladdr);
	else
		lb_out_note(t->out, "unresolved", LB_BAD);
	if (was->resolved)
		show_mac(t, "was_lladdr", was->lladdr);
	lb_out_end(t->out);
}

/* One that a way leads by only now is told of when it is not resolved: `first` is not now, but the start. */
static void look_at_near(struct tool *t, struct near *n, bool first)
{
	struct lb_neigh was = n->neigh;
	struct lb_err ignored;

	if (lb_nl_neigh(t->nl, n->ifindex, &n->via, &n->neigh, &ignored))
		n->neigh = (struct lb_neigh){0};
	if (n->seen ? was.resolved != n->neigh.resolved ||
			      memcmp(was.lladdr, n->neigh.lladdr, sizeof(was.lladdr)) != 0
		    : !first && !n->neigh.resolved)
		show_near(t, n, &was);
	n->seen = true;
}

/* The reals, and the next hops of devices that have one of their own (`via`). */
static int list_hops(struct news_net *net, const struct lb_model *m)
{
	struct tool *t = net->t;
	struct lb_dev_conf dev;
	uint32_t ifindex = 0;
	size_t n = m->reals;
	struct hop *hop;

	while (lb_maps_dev_next(t->maps, &ifindex))
		n++;
	hop = calloc(n + 1, sizeof(*hop));
	if (!hop)
		return lb_fail(&t->err, "out of memory");
	for (size_t i = 0; i < m->reals; i++)
		hop[i].to = m->real[i].addr;
	ifindex = 0;
	for (size_t i = m->reals; lb_maps_dev_next(t->maps, &ifindex) && i < n;)
		if (lb_maps_dev_get(t->maps, ifindex, &dev) && dev.via.family)
			hop[i++].to = dev.via;
	/* Places that nobody took are of no family, and sort to the front. */
	n = carry_over(hop, n, net->hop, net->hops, sizeof(*hop), by_to);
	if (n && !hop[0].to.family)
		memmove(hop, hop + 1, --n * sizeof(*hop));
	free(net->hop);
	net->hop = hop;
	net->hops = n;
	return 0;
}

static int list_nears(struct news_net *net)
{
	struct near *near = calloc(net->hops + 1, sizeof(*near));
	size_t n = 0;

	if (!near)
		return lb_fail(&net->t->err, "out of memory");
	for (size_t i = 0; i < net->hops; i++) {
		if (!net->hop[i].found)
			continue;
		near[n].via = net->hop[i].via;
		near[n++].ifindex = net->hop[i].ifindex;
	}
	net->nears = carry_over(near, n, net->near, net->nears, sizeof(*near), by_via);
	free(net->near);
	net->near = near;
	return 0;
}

static void begin_dev(struct tool *t, const struct lb_link *link)
{
	news_begin(t, "dev");
	lb_out_name(t->out, "dev", link->name, LB_NAME);
}

static void show_link(struct tool *t, const struct lb_link *link, const char *state)
{
	begin_dev(t, link);
	lb_out_str(t->out, "link", state, strcmp(state, "up") ? LB_BAD : LB_GOOD);
	lb_out_end(t->out);
}

static void show_prog(struct tool *t, const struct lb_link *link, bool attached)
{
	begin_dev(t, link);
	lb_out_str(t->out, "prog", attached ? "attached" : "detached", attached ? LB_GOOD : LB_BAD);
	if (attached)
		lb_out_str(t->out, "mode", lb_xdp_mode_names[link->xdp_mode], LB_PLAIN);
	lb_out_end(t->out);
}

/* Has the program to do with the device: is it there, or does a way lead by it? */
static bool matters(const struct news_net *net, const struct devs *d, size_t i)
{
	struct lb_dev_conf conf;

	if (d->ours[i] || lb_maps_dev_get(net->t->maps, d->link[i].ifindex, &conf))
		return true;
	for (size_t k = 0; k < net->nears; k++)
		if (net->near[k].ifindex == d->link[i].ifindex)
			return true;
	return false;
}

static void compare_dev(struct news_net *net, const struct devs *was, size_t i,
			const struct devs *is, size_t k)
{
	struct tool *t = net->t;
	const struct lb_link *link = &is->link[k];

	if (link->running != was->link[i].running && (matters(net, was, i) || matters(net, is, k)))
		show_link(t, link, link->running ? "up" : "down");
	if (is->ours[k] != was->ours[i] || (is->ours[k] && link->xdp_mode != was->link[i].xdp_mode))
		show_prog(t, link, is->ours[k]);
}

/* Both lists are sorted by ifindex, which is not given to another device soon. */
static int look_at_devs(struct news_net *net)
{
	struct devs is, *was = &net->devs;
	size_t i = 0, k = 0;

	if (devs_read(net->t, &is))
		return -1;
	while (i < was->n || k < is.n) {
		uint32_t x = i < was->n ? was->link[i].ifindex : UINT32_MAX,
			 y = k < is.n ? is.link[k].ifindex : UINT32_MAX;

		if (x == y)
			compare_dev(net, was, i, &is, k);
		else if (x < y && matters(net, was, i))
			show_link(net->t, &was->link[i], "gone");
		else if (y < x && is.ours[k])
			show_prog(net->t, &is.link[k], true);
		i += x <= y;
		k += y <= x;
	}
	devs_free(was);
	*was = is;
	return 0;
}

static int look_at_ways(struct news_net *net, const struct lb_model *m, bool first)
{
	if (list_hops(net, m))
		return -1;
	for (size_t i = 0; i < net->hops; i++)
		look_at_hop(net->t, &net->hop[i]);
	if (list_nears(net))
		return -1;
	for (size_t i = 0; i < net->nears; i++)
		look_at_near(net->t, &net->near[i], first);
	return 0;
}

struct news_net *news_net_open(struct tool *t, const struct lb_model *m)
{
	struct news_net *net = calloc(1, sizeof(*net));

	if (!net) {
		lb_fail(&t->err, "out of memory");
		return NULL;
	}
	net->t = t;
	if (!devs_read(t, &net->devs) && !look_at_ways(net, m, true))
		return net;
	news_net_close(net);
	return NULL;
}

void news_net_close(struct news_net *net)
{
	if (!net)
		return;
	devs_free(&net->devs);
	free(net->hop);
	free(net->near);
	free(net);
}

int news_net_look(struct news_net *net, const struct lb_model *m, unsigned int told)
{
	if (told & LB_NEWS_LINK && look_at_devs(net))
		return -1;
	if (told & (LB_NEWS_LINK | LB_NEWS_ROUTE))
		return look_at_ways(net, m, false);
	for (size_t i = 0; told && i < net->nears; i++)
		look_at_near(net->t, &net->near[i], false);
	return 0;
}
