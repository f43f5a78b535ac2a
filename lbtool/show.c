/* SPDX-License-Identifier: GPL-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lbtool/show.h"
#include "lib/args.h"
#include "lib/parse.h"

int show_open(struct tool *t, struct lb_model *m)
{
	lb_model_init(m);
	if (tool_enter(t) || tool_maps(t) || tool_out(t))
		return -1;
	return lb_maps_read(t->maps, m, &t->err);
}

int show_all(struct tool *t, struct lb_args *a,
	     void (*print)(struct tool *t, const struct lb_model *m))
{
	struct lb_model m;
	int ret;

	if (lb_args_end(a, &t->err))
		return -1;
	ret = show_open(t, &m);
	if (!ret)
		print(t, &m);
	lb_model_free(&m);
	return ret;
}

void show_counts(struct tool *t, const struct lb_counts *count)
{
	lb_out_u64(t->out, "packets", count->packets);
	lb_out_u64(t->out, "bytes", count->bytes);
}

int show_shares(struct tool *t, const struct lb_model *m, const char *pool, uint32_t **count,
		size_t *n)
{
	lb_model_pool_reals(m, pool, n);
	*count = calloc(*n + 1, sizeof(**count));
	if (!*count)
		return lb_fail(&t->err, "out of memory");
	if (!*n || !lb_maps_shares(t->maps, m, pool, *count, *n, &t->err))
		return 0;
	free(*count);
	*count = NULL;
	return -1;
}

bool select_real(const struct select *s, const struct lb_m_real *r)
{
	return (!s->by_addr || !lb_addr_cmp(&s->addr, &r->addr)) &&
	       (!s->by_pool || !strcmp(s->pool, r->pool)) && (!s->by_state || s->state == r->state);
}

bool select_vip(const struct select *s, const struct lb_m_vip *v)
{
	return (!s->by_addr || !lb_addr_cmp(&s->addr, &v->svc.addr)) &&
	       (!s->by_service || !lb_service_cmp(&s->svc, &v->svc)) &&
	       (!s->by_pool || !strcmp(s->pool, v->pool));
}

int parse_pool(const char *word, char name[LB_NAME_MAX + 1], struct lb_err *err)
{
	if (parse_name(word, err))
		return -1;
	memcpy(name, word, strlen(word) + 1);
	return 0;
}

int parse_state(const char *word, enum lb_m_state *state, struct lb_err *err)
{
	int which;

	if (parse_choice(word, lb_state_names, &which, err))
		return -1;
	*state = (enum lb_m_state)which;
	return 0;
}

enum { KEY_POOL, KEY_STATE };
static const struct lb_key real_keys[] = {
	[KEY_POOL] = {"pool", "NAME", false},
	[KEY_STATE] = {"state", "STATE", false},
	{NULL, NULL, false},
};
static const struct lb_key vip_keys[] = {
	[KEY_POOL] = {"pool", "NAME", false},
	{NULL, NULL, false},
};

static int parse_keys(struct select *s, struct lb_args *a, const struct lb_key *keys,
		      struct lb_err *err)
{
	uint32_t seen = 0;
	const char *word;
	int key, bad = 0;

	while ((key = lb_args_pair(a, keys, &seen, &word, err)) >= 0) {
		if (key == KEY_POOL)
			bad = parse_pool(word, s->pool, err);
		else if (key == KEY_STATE)
			bad = parse_state(word, &s->state, err);
		if (bad)
			return lb_args_label(err, keys[key].word);
	}
	s->by_pool = seen & 1u << KEY_POOL;
	s->by_state = seen & 1u << KEY_STATE;
	return key == LB_ARGS_END ? 0 : -1;
}

int select_real_parse(struct select *s, struct lb_args *a, struct lb_err *err)
{
	const char *word;

	memset(s, 0, sizeof(*s));
	if (lb_args_peek(a) && !lb_args_at_key(a, real_keys)) {
		if (lb_args_next(a, "ADDRESS", &word, err) || parse_addr(word, &s->addr, err))
			return -1;
		s->by_addr = true;
	}
	return parse_keys(s, a, real_keys, err);
}

int select_vip_parse(struct select *s, struct lb_args *a, struct lb_err *err)
{
	const char *word;

	memset(s, 0, sizeof(*s));
	if (lb_args_peek(a) && !lb_args_at_key(a, vip_keys)) {
		if (lb_args_next(a, "SERVICE", &word, err))
			return -1;
		s->by_service = strchr(word, '/');
		s->by_addr = !s->by_service;
		if (s->by_service ? parse_service(word, &s->svc, err)
				  : parse_addr(word, &s->addr, err))
			return -1;
	}
	return parse_keys(s, a, vip_keys, err);
}

int select_none(const struct select *s, const struct lb_model *m, struct lb_err *err)
{
	char buf[LB_SERVICE_STRLEN];

	if (s->by_pool && !lb_model_pool(m, s->pool))
		return lb_fail(err, "pool \"%s\" does not exist", s->pool);
	if (!s->by_service && !s->by_addr)
		return 0;
	if (s->by_service)
		format_service(&s->svc, buf);
	else
		format_addr(&s->addr, buf);
	if (s->by_pool || s->by_state)
		return lb_fail(err, "\"%s\": none is like this", buf);
	return lb_fail(err, "\"%s\" does not exist", buf);
}
