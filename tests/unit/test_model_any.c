/* SPDX-License-Identifier: GPL-2.0 */
/* Any model to any other: the lines of their difference, typed one by one, make it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/typist.h"

static struct lb_err err;

/* One of a few addresses, VIPs' and reals' alike, so that they meet and change roles. */
static struct lb_addr random_addr(void)
{
	struct lb_addr addr = {.family = rand() % 2 ? 4 : 6, .b = {10}};

	addr.b[addr.family == 4 ? 3 : 15] = (uint8_t)(1 + rand() % 5);
	return addr;
}

static bool is_whole(const struct lb_model *m)
{
	return lb_check(m, &no_limits, &err) == 0;
}

static void random_real(struct lb_model *m, const char *pool)
{
	struct lb_m_real real = {.addr = random_addr(), .id = LB_NO_ID};

	snprintf(real.pool, sizeof(real.pool), "%s", pool);
	real.weight = (uint16_t)(rand() % 3);
	real.state = (enum lb_m_state)(rand() % 3);
	real.encap = (enum lb_m_encap)(rand() % 2);
	/* A host's own, so that none passes from one to another. */
	if (rand() % 2)
		real.mptcp = 8000 + real.addr.family * 10 +
			     real.addr.b[real.addr.family == 4 ? 3 : 15];
	cr_assert(eq(int, lb_model_put_real(m, &real, &err), 0));
	if (!is_whole(m))
		lb_model_del_real(m, lb_model_real(m, pool, &real.addr));
}

static void random_vip(struct lb_model *m, const char *pool)
{
	struct lb_m_vip vip = {.svc = {.addr = random_addr()}, .id = LB_NO_ID};

	vip.svc.port = (uint16_t)(rand() % 2 * 80);
	vip.svc.proto = rand() % 2 ? 6 : 17;
	vip.session = rand() % 2;
	vip.always = rand() % 2;
	vip.hash = (enum lb_m_hash)(rand() % 2);
	vip.fragments = (enum lb_m_fragments)(rand() % 2);
	snprintf(vip.pool, sizeof(vip.pool), "%s", pool);
	cr_assert(eq(int, lb_model_put_vip(m, &vip, &err), 0));
	if (!is_whole(m))
		lb_model_del_vip(m, lb_model_vip(m, &vip.svc));
}

static const char *any(const char *const *of, int n)
{
	return of[rand() % n];
}

#define ANY(to, ...) \
	snprintf(to, sizeof(to), "%s", \
		 any((const char *const[]){__VA_ARGS__}, \
		     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

/* What the kind has no use for is as usual. */
static void random_check(struct lb_m_check *c)
{
	*c = lb_check_default;
	c->kind = (enum lb_m_check_kind)(rand() % 6);
	if (c->kind == LB_M_CHECK_NONE)
		return;
	c->direct = rand() % 2;
	c->port = (uint16_t)(rand() % 2 * 8080);
	c->interval = rand() % 2 ? c->interval : 60000 * (uint32_t)(1 + rand() % 60);
	c->timeout = rand() % 2 ? c->timeout : 50 + (uint32_t)(rand() % 1950);
	c->rise = (uint8_t)(1 + rand() % 100);
	c->fall = rand() % 2 ? c->fall : (uint8_t)(1 + rand() % 100);
	if (c->kind == LB_M_CHECK_HTTP || c->kind == LB_M_CHECK_HTTPS) {
		c->status_min = rand() % 2 ? 200 : 204;
		c->status_max = rand() % 2 ? 399 : 204;
		ANY(c->host, "", "www.example.com", "2001:db8::1");
		ANY(c->path, "/", "/health?a=1&b=2", "/it's#", "/end\\", "/\"");
	}
	if (c->kind == LB_M_CHECK_UDP)
		ANY(c->send, "", "ping", " # x ", "'", "check");
	if (c->kind != LB_M_CHECK_TCP && c->kind != LB_M_CHECK_EXEC)
		ANY(c->expect, "", "it's up", "say \"ok\"", "\\", "always");
	if (c->kind == LB_M_CHECK_EXEC)
		ANY(c->command, "/bin/true", "/x\"", "/$HOME");
}

static void random_model(struct lb_model *m)
{
	lb_model_init(m);
	for (int i = rand() % 5; i > 0; i--) {
		struct lb_m_pool pool = {.encap = LB_M_ENCAP_IPIP,
					 .drain = LB_DRAIN_DEFAULT,
					 .gue_port = LB_GUE_PORT_DEFAULT,
					 .id = LB_NO_ID};

		snprintf(pool.name, sizeof(pool.name), "p%d", rand() % 5);
		pool.slots = rand() % 2 ? 251 : 503;
		pool.min = rand() % 2 ? 1 : 65535;
		pool.panic = rand() % 2 ? 0 : 100;
		random_check(&pool.check);
		cr_assert(eq(int, lb_model_put_pool(m, &pool, &err), 0));
	}
	for (int i = m->pools ? rand() % 16 : 0; i > 0; i--) {
		const char *pool = m->pool[(size_t)rand() % m->pools].name;

		if (rand() % 2)
			random_real(m, pool);
		else
			random_vip(m, pool);
	}
}

static bool same_check(const struct lb_m_check *a, const struct lb_m_check *b)
{
	return a->kind == b->kind && a->direct == b->direct && a->port == b->port &&
	       a->interval == b->interval && a->timeout == b->timeout && a->rise == b->rise &&
	       a->fall == b->fall && a->status_min == b->status_min &&
	       a->status_max == b->status_max && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->path, b->path) == 0 && strcmp(a->send, b->send) == 0 &&
	       strcmp(a->expect, b->expect) == 0 && strcmp(a->command, b->command) == 0;
}

static bool same_pool(const struct lb_m_pool *a, const struct lb_m_pool *b)
{
	return strcmp(a->name, b->name) == 0 && a->slots == b->slots && a->encap == b->encap &&
	       a->min == b->min && a->panic == b->panic && same_check(&a->check, &b->check);
}

static bool same_real(const struct lb_m_real *a, const struct lb_m_real *b)
{
	return strcmp(a->pool, b->pool) == 0 && lb_addr_cmp(&a->addr, &b->addr) == 0 &&
	       a->weight == b->weight && a->state == b->state && a->encap == b->encap &&
	       a->mptcp == b->mptcp;
}

static bool same_vip(const struct lb_m_vip *a, const struct lb_m_vip *b)
{
	return lb_service_cmp(&a->svc, &b->svc) == 0 && strcmp(a->pool, b->pool) == 0 &&
	       a->session == b->session && a->always == b->always && a->hash == b->hash &&
	       a->fragments == b->fragments;
}

/* Written without lb_model_diff(), which is on trial. */
static bool same(const struct lb_model *a, const struct lb_model *b)
{
	bool ok = a->pools == b->pools && a->reals == b->reals && a->vips == b->vips;

	for (size_t i = 0; ok && i < a->pools; i++)
		ok = same_pool(&a->pool[i], &b->pool[i]);
	for (size_t i = 0; ok && i < a->reals; i++)
		ok = same_real(&a->real[i], &b->real[i]);
	for (size_t i = 0; ok && i < a->vips; i++)
		ok = same_vip(&a->vip[i], &b->vip[i]);
	return ok;
}

Test(diff, makes_any_of_any, .timeout = 60)
{
	struct lb_model from, to;
	struct typist t;
	size_t lines = 0;

	srand(3);
	for (int i = 0; i < 20000; i++) {
		random_model(&from);
		random_model(&to);
		type_diff(&t, &from, &to);
		cr_assert(same(&t.m, &to), "round %d:\n%s", i, t.text);
		lines += t.lines;
		lb_model_free(&t.m);
		lb_model_free(&from);
		lb_model_free(&to);
	}
	cr_expect(gt(sz, lines, 100000), "the models were not all alike");
}
