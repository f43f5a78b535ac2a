/* SPDX-License-Identifier: GPL-2.0 */
#include "lbtool/cmd.h"
#include "lbtool/peer.h"
#include "lbtool/show.h"
#include "lbtool/source.h"

/* --dry-run prints the command that changes something, as others do. */
static int set(struct tool *t, struct lb_args *a, bool drained)
{
	if (lb_args_end(a, &t->err) || tool_maps(t) || (t->dry_run ? tool_out(t) : tool_lock(t)))
		return -1;
	if (lb_maps_drained(t->maps) == drained)
		return 0;
	if (!t->dry_run) {
		lb_maps_drain(t->maps, drained);
		return 0;
	}
	lb_out_begin(t->out);
	lb_out_name(t->out, "change", drained ? "node drain" : "node ready", LB_PLAIN);
	lb_out_end(t->out);
	return 0;
}

static int node_drain(struct tool *t, struct lb_args *a)
{
	return set(t, a, true);
}

static int node_ready(struct tool *t, struct lb_args *a)
{
	return set(t, a, false);
}

static void print(struct tool *t, const struct lb_model *m)
{
	bool drained = lb_maps_drained(t->maps);

	lb_out_begin(t->out);
	lb_out_str(t->out, "state", drained ? "drained" : "ready", drained ? LB_WARN : LB_GOOD);
	if (!source_is_node(m))
		lb_out_note(t->out, "source", LB_PLAIN);
	source_words(t, m);
	lb_out_end(t->out);
}

static int node_show(struct tool *t, struct lb_args *a)
{
	return show_all(t, a, print);
}

static const struct cmd node_cmds[] = {
	{"drain", node_drain, "drain"},
	{"ready", node_ready, "ready"},
	{"show", node_show, "show"},
	{"peer", node_peer, "peer [ show | add ADDRESS | replace ADDRESS | del ADDRESS ]"},
	{"source", node_source, "source [ show | node | spread PREFIX [ spread PREFIX ] ]"},
	{NULL, NULL, NULL},
};

const struct object node_object = {
	"node",
	"does this node announce its VIPs, which others are there, what do tunnels come from",
	node_cmds,
	"drain: lbmon withdraws all VIPs, so that routers send new packets to other nodes;\n"
	"       what comes here all the same is served\n"
	"ready: the VIPs are announced again\n"
	"peer: the addresses of all nodes, this one's too, among which the fragments of a "
	"datagram\n"
	"      meet (\"vip ... fragments track\"); the same list on each of them, at most 64\n"
	"source: the outer source of tunnels: the node's own address, or one of PREFIX by the "
	"flow's\n"
	"        hash, which spreads a node's packets over the queues of a real's network card\n"
	"PREFIX: IPv4 of length 8-31, IPv6 of 32-127, one of each; nobody's addresses, which\n"
	"        the reals' receivers take packets from (\"receiver ... from PREFIX\")\n",
};
