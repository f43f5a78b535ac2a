/* SPDX-License-Identifier: GPL-2.0 */
#include <netinet/in.h>
#include <string.h>

#include "lbtool/cmd.h"
#include "lbtool/edit.h"
#include "lbtool/show.h"
#include "lib/parse.h"

enum { KEY_POOL, KEY_SESSION, KEY_HASH, KEY_FRAGMENTS, KEY_DSCP, KEY_ANNOUNCE };
static const struct lb_key keys[] = {
	[KEY_POOL] = {"pool", "NAME", false},
	[KEY_SESSION] = {"session", "on|off", false},
	[KEY_HASH] = {"hash", "5tuple|src", false},
	[KEY_FRAGMENTS] = {"fragments", "drop|hash|track", false},
	[KEY_DSCP] = {"dscp", "N|none", false},
	[KEY_ANNOUNCE] = {"announce", "auto|always", false},
	{NULL, NULL, false},
};
static const char *const off_on[] = {"off", "on", NULL};
static const char *const auto_always[] = {"auto", "always", NULL};

static bool given(const struct edit *e, int key)
{
	return e->given & 1u << key;
}

static int parse_dscp(const char *word, uint8_t *dscp, struct lb_err *err)
{
	struct lb_err ignored;
	uint32_t n = 0;

	if (strcmp(word, "none") != 0 && parse_u32(word, 1, LB_DSCP_MAX, &n, &ignored))
		return lb_bad_word(err, word, "must be 1-%u or none", LB_DSCP_MAX);
	*dscp = (uint8_t)n;
	return 0;
}

static int parse(struct edit *e, struct lb_args *a, struct lb_err *err)
{
	struct lb_m_vip *v = &e->vip;
	int key, on = 0, hash = 0, fragments = 0, always = 0, bad = 0;
	const char *word;

	*v = (struct lb_m_vip){.id = LB_NO_ID};
	if (lb_args_next(a, "ADDRESS:PORT/PROTO", &word, err) || parse_service(word, &v->svc, err))
		return -1;
	while ((key = lb_args_pair(a, keys, &e->given, &word, err)) >= 0) {
		if (key == KEY_POOL)
			bad = parse_pool(word, v->pool, err);
		else if (key == KEY_SESSION)
			bad = parse_choice(word, off_on, &on, err);
		else if (key == KEY_HASH)
			bad = parse_choice(word, lb_hash_names, &hash, err);
		else if (key == KEY_FRAGMENTS)
			bad = parse_choice(word, lb_fragments_names, &fragments, err);
		else if (key == KEY_DSCP)
			bad = parse_dscp(word, &v->dscp, err);
		else if (key == KEY_ANNOUNCE)
			bad = parse_choice(word, auto_always, &always, err);
		if (bad)
			return lb_args_label(err, keys[key].word);
	}
	if (key != LB_ARGS_END)
		return -1;
	v->always = always;
	v->hash = (enum lb_m_hash)hash;
	v->fragments = (enum lb_m_fragments)fragments;
	v->session = given(e, KEY_SESSION) ? on : v->svc.proto == IPPROTO_TCP;
	if (e->verb == EDIT_DEL || given(e, KEY_POOL))
		return 0;
	return lb_usage(err, "pool NAME is missing");
}

static int apply_del(const struct edit *e, struct lb_model *m, struct lb_m_vip *old,
		     const char *name, struct lb_err *err)
{
	if (given(e, KEY_POOL) && strcmp(old->pool, e->vip.pool) != 0)
		return edit_differs(name, "pool", err);
	if (given(e, KEY_SESSION) && old->session != e->vip.session)
		return edit_differs(name, "session setting", err);
	if (given(e, KEY_HASH) && old->hash != e->vip.hash)
		return edit_differs(name, "hash", err);
	if (given(e, KEY_FRAGMENTS) && old->fragments != e->vip.fragments)
		return edit_differs(name, "fragments setting", err);
	if (given(e, KEY_DSCP) && old->dscp != e->vip.dscp)
		return edit_differs(name, "dscp", err);
	if (given(e, KEY_ANNOUNCE) && old->always != e->vip.always)
		return edit_differs(name, "announce setting", err);
	lb_model_del_vip(m, old);
	return 0;
}

static int apply(const struct edit *e, struct lb_model *m, struct lb_err *err)
{
	struct lb_m_vip *old = lb_model_vip(m, &e->vip.svc);
	struct lb_m_vip new = e->vip;
	char name[LB_SERVICE_STRLEN];

	format_service(&e->vip.svc, name);
	if (old && e->verb == EDIT_ADD)
		return edit_exists(e, name, err);
	if (e->verb == EDIT_DEL)
		return old ? apply_del(e, m, old, name, err) : edit_missing(name, err);
	if (!lb_model_pool(m, new.pool))
		return edit_no_pool(new.pool, err);
	if (old) {
		new.id = old->id;
		if (!given(e, KEY_SESSION))
			new.session = old->session;
		if (!given(e, KEY_HASH))
			new.hash = old->hash;
		if (!given(e, KEY_FRAGMENTS))
			new.fragments = old->fragments;
		if (!given(e, KEY_DSCP))
			new.dscp = old->dscp;
		if (!given(e, KEY_ANNOUNCE))
			new.always = old->always;
	}
	return lb_model_put_vip(m, &new, err);
}

const struct edit_kind vip_edit = {"vip", parse, apply};

static int vip_add(struct tool *t, struct lb_args *a)
{
	return edit_run(t, a, &vip_edit, EDIT_ADD);
}

static int vip_replace(struct tool *t, struct lb_args *a)
{
	return edit_run(t, a, &vip_edit, EDIT_REPLACE);
}

static int vip_del(struct tool *t, struct lb_args *a)
{
	return edit_run(t, a, &vip_edit, EDIT_DEL);
}

void vip_words(struct tool *t, const struct lb_m_vip *v)
{
	char name[LB_SERVICE_STRLEN];

	format_service(&v->svc, name);
	lb_out_name(t->out, "vip", name, LB_ADDRESS);
	lb_out_str(t->out, "pool", v->pool, LB_NAME);
	lb_out_bool(t->out, "session", v->session);
	if (t->look.json || v->hash)
		lb_out_str(t->out, "hash", lb_hash_names[v->hash], LB_PLAIN);
	if (t->look.json || v->fragments)
		lb_out_str(t->out, "fragments", lb_fragments_names[v->fragments], LB_PLAIN);
	if (v->dscp)
		lb_out_u64(t->out, "dscp", v->dscp);
	if (t->look.json || v->always)
		lb_out_str(t->out, "announce", auto_always[v->always], LB_PLAIN);
}

static int show_one(struct tool *t, const struct lb_m_vip *v)
{
	struct lb_counts count;

	lb_out_begin(t->out);
	vip_words(t, v);
	if (t->details) {
		lb_out_more(t->out);
		lb_out_u64(t->out, "id", v->id);
	}
	if (t->stats) {
		if (lb_maps_count(t->maps, LB_COUNT_VIP, v->id, &count, &t->err))
			return -1;
		lb_out_more(t->out);
		show_counts(t, &count);
	}
	lb_out_end(t->out);
	return 0;
}

static int vip_show(struct tool *t, struct lb_args *a)
{
	struct select sel;
	struct lb_model m;
	size_t found = 0;
	int ret = -1;

	if (select_vip_parse(&sel, a, &t->err))
		return -1;
	if (show_open(t, &m))
		goto out;
	for (size_t i = 0; i < m.vips; i++) {
		if (!select_vip(&sel, &m.vip[i]))
			continue;
		if (show_one(t, &m.vip[i]))
			goto out;
		found++;
	}
	ret = found ? 0 : select_none(&sel, &m, &t->err);
out:
	lb_model_free(&m);
	return ret;
}

static const struct cmd vip_cmds[] = {
	{"add", vip_add,
	 "add ADDRESS:PORT/PROTO pool NAME [ session on|off ] [ hash 5tuple|src ] "
	 "[ fragments drop|hash|track ] [ dscp N|none ] [ announce auto|always ]"},
	{"replace", vip_replace,
	 "replace ADDRESS:PORT/PROTO pool NAME [ session on|off ] [ hash 5tuple|src ] "
	 "[ fragments drop|hash|track ] [ dscp N|none ] [ announce auto|always ]"},
	{"del", vip_del, "del ADDRESS:PORT/PROTO"},
	{"show", vip_show, "show [ ADDRESS[:PORT/PROTO] ] [ pool NAME ]"},
	{NULL, NULL, NULL},
};

const struct object vip_object = {
	"vip",
	"services: which pool serves an address and port",
	vip_cmds,
	"ADDRESS := IPv4, or IPv6 in brackets: [2001:db8::1]:443/tcp\n"
	"PORT := 1-65535, or any: every port of the protocol that has no service of its own\n"
	"PROTO := { tcp | udp }\n"
	"session on: a flow keeps its real while the pool changes (default on for tcp, off for "
	"udp)\n"
	"hash 5tuple: each flow goes its own way (default); src: all flows of a client go to one "
	"real\n"
	"fragments drop: (default); hash: placed by addresses and protocol, all of a datagram "
	"alike;\n"
	"          track: as their flow is, with \"node peer\"; without peers as hash\n"
	"dscp N := 1-63, by which reals with encap dscp know the address (default none)\n"
	"announce auto: while enough reals are healthy, as its pool says (default); always: "
	"whatever their health\n"
	"replace keeps what is not named\n",
};
