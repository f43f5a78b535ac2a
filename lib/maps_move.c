/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From the maps of another ABI version into new ones of this. BTF says where the members of both lie, so no layout of the
 * past is kept here. State goes over record by record, under the same ids: reals, health, tables and whom
 * their slots had before, sessions, counters. What follows from the configuration is read back and committed anew: it is then
 * as this version writes it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/check.h"
#include "lib/maps_internal.h"
#include "lib/maps_pair.h"
#include "lib/prog_internal.h"

enum how { WHOLE, LIVE_HALF, SERVICES, HASH, PERCPU };

/* Without the members that are named, a configuration would be another one. */
static const struct {
	const char *map;
	enum how how;
	const char *needs;
} moved[] = {
	{"pool", LIVE_HALF, "name slots table encap min"},
	{"check", LIVE_HALF, "kind interval timeout port"},
	{"service4", SERVICES, "addr svc"},
	{"service6", SERVICES, "addr svc"},
	{"peers", LIVE_HALF, "peer n"},
	{"real", WHOLE, "addr pool family encap half used"},
	{"health", WHOLE, "state since"},
	{"table", WHOLE, "slot"},
	{"dev", HASH, "lower tag via attached"},
	{"count_vip", PERCPU, "packets bytes"},
	{"count_real", PERCPU, "packets bytes"},
	{"count_why", PERCPU, "packets bytes"},
};
static const char meta_needs[] = "root flags magic version seed reals vips pools slots sessions";

static int check_needs(const struct lb_layout *l, const char *needs, struct lb_err *err)
{
	char words[128], *word, *rest = NULL;

	strncpy(words, needs, sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (!lb_layout_has(l, word))
			return lb_fail(err, "has no \"%s\"", word);
	return 0;
}

static uint32_t number(const struct lb_side *meta, const char *member)
{
	uint64_t n = 0;

	lb_layout_number(&meta->layout, meta->at, member, &n);
	return (uint32_t)n;
}

int lb_maps_old(const char *instance, struct lb_info *info, struct lb_err *err)
{
	struct lb_side meta;
	int ret = -1;

	if (lb_side_open(&meta, instance, "meta", err))
		goto out;
	if (!meta.at) {
		lb_fail(err, "cannot be mapped");
		goto out;
	}
	if (check_needs(&meta.layout, meta_needs, err))
		goto out;
	*info = (struct lb_info){
		.version = number(&meta, "version"),
		.commits = number(&meta, "root") & LB_ROOT_COMMITS,
		.sessions = number(&meta, "sessions") * LB_SESSION_WAYS,
		.idle_tcp = number(&meta, "idle_tcp"),
		.idle_udp = number(&meta, "idle_udp"),
		.limits =
			{
				.pools = number(&meta, "pools"),
				.reals = number(&meta, "reals") - 1,
				.vips = number(&meta, "vips"),
				.slots = number(&meta, "slots"),
			},
	};
	lb_layout_number(&meta.layout, meta.at, "seed", &info->seed);
	ret = 0;
out:
	lb_side_close(&meta);
	return ret ? lb_prefix(err, "map meta") : 0;
}

static int move_map(const char *from, const char *to, size_t i, uint32_t root, struct lb_err *err)
{
	const int half[] = {
		[WHOLE] = -1, [LIVE_HALF] = root & 1, [SERVICES] = (int)lb_root_services(root)};
	struct lb_pair p;
	int ret;

	if (lb_pair_open(&p, from, to, moved[i].map, err))
		return -1;
	ret = check_needs(&p.from.layout, moved[i].needs, err);
	if (ret)
		lb_prefix(err, "map %s", moved[i].map);
	else if (moved[i].how == HASH)
		ret = lb_pair_hash(&p, err);
	else if (moved[i].how == PERCPU)
		ret = lb_pair_percpu(&p, err);
	else
		ret = lb_pair_array(&p, half[moved[i].how], err);
	lb_pair_close(&p);
	return ret;
}

/* Up to ABI 7, which had no "in_buckets", the live half of the services was that of the pools. */
static uint32_t root_of(const struct lb_side *from, uint32_t root)
{
	if (lb_layout_has(&from->layout, "in_buckets"))
		return root;
	return (root & LB_ROOT_COMMITS) | root << 31;
}

/* Which halves are live, the node's state, and the outer sources; sizes and seed are there. */
static int move_meta(const char *from, const char *to, uint32_t *root, struct lb_err *err)
{
	struct lb_meta was, *is;
	struct lb_pair p;
	int ret;

	if (lb_pair_open(&p, from, to, "meta", err))
		return -1;
	is = p.to.at;
	ret = lb_record_copy(p.record, p.from.at, &was, err);
	if (ret) {
		lb_prefix(err, "map meta");
	} else {
		is->root = root_of(&p.from, was.root);
		/* Some: what lies where is not known until it is placed anew. */
		is->mul4[lb_root_services(is->root)] = is->mul6[lb_root_services(is->root)] = 1;
		is->flags = was.flags;
		memcpy(is->source, was.source, sizeof(is->source));
		*root = is->root;
	}
	lb_pair_close(&p);
	return ret;
}

/* What was read of the records is made the configuration once more. */
static int commit_again(const char *instance, struct lb_err *err)
{
	struct lb_model from, to;
	struct lb_maps *maps;
	struct lb_info info;
	int ret = -1;

	if (lb_maps_open(instance, &maps, err))
		return -1;
	lb_model_init(&from);
	lb_model_init(&to);
	lb_maps_info(maps, &info);
	if (!lb_maps_read(maps, &from, err) && !lb_model_copy(&to, &from, err) &&
	    !lb_check(&to, &info.limits, err))
		ret = lb_maps_commit(maps, &from, &to, err);
	lb_model_free(&from);
	lb_model_free(&to);
	lb_maps_close(maps);
	return ret;
}

int lb_maps_move(const char *from, const char *to, struct lb_err *err)
{
	uint32_t root;

	if (move_meta(from, to, &root, err))
		return -1;
	for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++)
		if (move_map(from, to, i, root, err))
			return -1;
	return commit_again(to, err);
}

static bool same_cache(const struct lb_pair *p)
{
	uint32_t size = 0;

	return p->from.at && p->from.size == p->to.size && p->from.entries == p->to.entries &&
	       lb_layout_array(&p->from.layout, "way", &size) == LB_SESSION_WAYS &&
	       size == sizeof(((struct lb_session *)0)->way[0]);
}

void lb_maps_move_sessions(const char *from, const char *to)
{
	struct lb_err ignored;
	struct lb_pair p;

	if (lb_pair_open(&p, from, to, "session", &ignored))
		return;
	for (uint32_t i = 0; same_cache(&p) && i < p.from.entries; i++) {
		const struct lb_session *was = lb_side_at(&p.from, i);
		struct lb_session *is = lb_side_at(&p.to, i);

		for (uint32_t w = 0; w < LB_SESSION_WAYS; w++) {
			__u64 e = __atomic_load_n(&was->way[w], __ATOMIC_RELAXED), none = 0;

			if (e)
				__atomic_compare_exchange_n(&is->way[w], &none, e, false,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		}
	}
	lb_pair_close(&p);
}
