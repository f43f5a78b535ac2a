/* SPDX-License-Identifier: GPL-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lbtool/cmd.h"
#include "lbtool/devs.h"
#include "lbtool/reload.h"
#include "lbtool/show.h"
#include "lib/parse.h"
#include "lib/prog.h"
#include "lib/ring.h"

enum {
	KEY_REALS,
	KEY_VIPS,
	KEY_POOLS,
	KEY_TABLES,
	KEY_SESSIONS,
	KEY_IDLE_TCP,
	KEY_IDLE_UDP,
	KEY_SEED
};
static const struct lb_key keys[] = {
	[KEY_REALS] = {"reals", "N", false},
	[KEY_VIPS] = {"vips", "N", false},
	[KEY_POOLS] = {"pools", "N", false},
	[KEY_TABLES] = {"tables", "N", false},
	[KEY_SESSIONS] = {"sessions", "N", false},
	[KEY_IDLE_TCP] = {"idle-tcp", "TIME", false},
	[KEY_IDLE_UDP] = {"idle-udp", "TIME", false},
	[KEY_SEED] = {"seed", "HEX", false},
	{NULL, NULL, false},
};

static int parse_size(int key, const char *word, struct lb_sizes *s, struct lb_err *err)
{
	const struct lb_sizes *min = &lb_sizes_min, *max = &lb_sizes_max;

	switch (key) {
	case KEY_REALS:
		return parse_u32(word, min->reals, max->reals, &s->reals, err);
	case KEY_VIPS:
		return parse_u32(word, min->vips, max->vips, &s->vips, err);
	case KEY_POOLS:
		return parse_u32(word, min->pools, max->pools, &s->pools, err);
	case KEY_TABLES:
		return parse_u32(word, min->tables, max->tables, &s->tables, err);
	case KEY_SESSIONS:
		return parse_u32(word, min->sessions, max->sessions, &s->sessions, err);
	case KEY_IDLE_TCP:
		return parse_seconds(word, min->idle_tcp, max->idle_tcp, &s->idle_tcp, err);
	case KEY_IDLE_UDP:
		return parse_seconds(word, min->idle_udp, max->idle_udp, &s->idle_udp, err);
	default:
		return parse_hex64(word, &s->seed, err);
	}
}

static int prog_load(struct tool *t, struct lb_args *a)
{
	struct lb_sizes sizes = lb_sizes_default;
	uint32_t seen = 0;
	const char *word;
	int key;

	while ((key = lb_args_pair(a, keys, &seen, &word, &t->err)) >= 0)
		if (parse_size(key, word, &sizes, &t->err))
			return lb_args_label(&t->err, keys[key].word);
	if (key != LB_ARGS_END || tool_no_dry_run(t) || tool_enter(t) || tool_lock(t))
		return -1;
	return lb_prog_load(t->instance, &sizes, &t->err);
}

static void put_idle(struct tool *t, const char *key, const char *json, uint32_t seconds)
{
	char text[LB_TIME_STRLEN];

	format_time(seconds * 1000, text);
	if (t->look.json)
		lb_out_u64(t->out, json, seconds * 1000);
	else
		lb_out_str(t->out, key, text, LB_PLAIN);
}

void prog_words(struct tool *t, const struct lb_info *info)
{
	char seed[19];

	snprintf(seed, sizeof(seed), "0x%016" PRIx64, info->seed);
	lb_out_u64(t->out, "reals", info->limits.reals);
	lb_out_u64(t->out, "vips", info->limits.vips);
	lb_out_u64(t->out, "pools", info->limits.pools);
	lb_out_u64(t->out, "tables", info->limits.slots / LB_RING_DEFAULT);
	lb_out_u64(t->out, "sessions", info->sessions);
	put_idle(t, "idle-tcp", "idle_tcp_ms", info->idle_tcp);
	put_idle(t, "idle-udp", "idle_udp_ms", info->idle_udp);
	lb_out_str(t->out, "seed", seed, LB_PLAIN);
}

static int show_instance(struct tool *t)
{
	struct lb_info info;

	if (tool_maps(t))
		return -1;
	lb_maps_info(t->maps, &info);
	lb_out_str(t->out, "object", info.object, LB_PLAIN);
	lb_out_u64(t->out, "abi", info.version);
	lb_out_u64(t->out, "commits", info.commits);
	prog_words(t, &info);
	if (t->details) {
		lb_out_more(t->out);
		lb_out_u64(t->out, "slots", info.limits.slots);
		lb_out_u64(t->out, "slots_used", info.slots_used);
	}
	return 0;
}

static int show_one(struct tool *t, const char *name, int fd)
{
	struct lb_prog_info info;

	if (lb_prog_info(fd, &info, &t->err))
		return -1;
	lb_out_begin(t->out);
	lb_out_name(t->out, "prog", name, LB_NAME);
	lb_out_u64(t->out, "id", info.id);
	lb_out_str(t->out, "tag", info.tag, LB_PLAIN);
	if (!strcmp(name, "lb")) {
		if (show_instance(t))
			return -1;
	} else if (t->details) {
		lb_out_more(t->out);
	}
	if (t->details)
		lb_out_u64(t->out, "jited", info.jited);
	lb_out_end(t->out);
	return 0;
}

/* Whatever is there; when nothing is, the balancer's absence is the failure. */
static int prog_show(struct tool *t, struct lb_args *a)
{
	static const char *const names[] = {"lb", "hc", "rx", "rx_mss"};
	struct lb_err err;
	int shown = 0;

	if (lb_args_end(a, &t->err) || tool_enter(t) || tool_out(t))
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = lb_prog_open(t->instance, names[i], i ? &err : &t->err), bad;

		if (fd < 0)
			continue;
		bad = show_one(t, names[i], fd);
		close(fd);
		if (bad)
			return -1;
		shown++;
	}
	return shown ? 0 : -1;
}

static int prog_reload(struct tool *t, struct lb_args *a)
{
	if (lb_args_end(a, &t->err) || tool_no_dry_run(t) || tool_nl(t) || tool_lock(t))
		return -1;
	return reload_all(t);
}

static int fail_attached(struct tool *t, const struct devs *d)
{
	char names[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < d->n && len < sizeof(names); i++)
		if (d->ours[i])
			len += snprintf(names + len, sizeof(names) - len, "%s\"%s\"",
					len ? ", " : "", d->link[i].name);
	return len ? lb_fail(&t->err, "attached to %s: \"dev del\" first", names) : 0;
}

static int prog_unload(struct tool *t, struct lb_args *a)
{
	struct devs d;
	int bad, fd;

	if (lb_args_end(a, &t->err) || tool_no_dry_run(t) || tool_nl(t) || tool_lock(t))
		return -1;
	fd = lb_prog_open(t->instance, "lb", &t->err);
	if (fd < 0)
		return -1;
	close(fd);
	if (devs_not_elsewhere(t) || devs_read(t, &d))
		return -1;
	bad = fail_attached(t, &d);
	/* Of devices that lost the balancer in another way than by "dev del". */
	for (size_t i = 0; !bad && i < d.n; i++)
		if (devs_hc_del(t, &d.link[i]))
			tool_note(t, "the filter for health checks stays: %s", t->err.msg);
	devs_free(&d);
	return bad ? -1 : lb_prog_unload(t->instance, &t->err);
}

static const struct cmd prog_cmds[] = {
	{"load", prog_load,
	 "load [ reals N ] [ vips N ] [ pools N ] [ tables N ] [ sessions N ]\n"
	 "                        [ idle-tcp TIME ] [ idle-udp TIME ] [ seed HEX ]"},
	{"show", prog_show, "show"},
	{"reload", prog_reload, "reload"},
	{"unload", prog_unload, "unload"},
	{NULL, NULL, NULL},
};

const struct object prog_object = {
	"prog",
	"the programs in the kernel and their maps",
	prog_cmds,
	"reals, vips, pools: most of each; tables: room for that many tables of 65537 slots, new "
	"and old\n"
	"sessions: entries of the session cache, 0 for none\n"
	"TIME := 30s-240m, whole seconds of silence:\n"
	"        idle-tcp, until a connection counts no more (default 15m)\n"
	"        idle-udp, until a UDP flow counts as a new one (default 2m)\n"
	"seed: nodes that are to choose alike have the same one\n"
	"reload swaps the program of all devices for the one built into this lbtool and keeps the "
	"maps,\n"
	"or moves what is in them to new ones when they are of an older version\n"
	"unload removes program and configuration; detach it first: \"lbtool dev del DEV\"\n",
};
