/* SPDX-License-Identifier: GPL-2.0 */
/* The difference of two models: typed line by line, it makes the one of the other. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/check.h"
#include "lib/model.h"

#define WORDS_MAX 12

static struct lb_err err;

/* A small lbtool ----------------------------------------------------------------------------------- */

static const struct lb_limits no_limits = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

struct typist {
	struct lb_model m;
	size_t lines;
	char text[4096]; /* all of them, a newline behind each */
};

/* The word behind a keyword; NULL when the line has none. */
static const char *value(char **word, const char *key)
{
	for (; *word; word++) {
		if (strcmp(*word, key) == 0)
			return word[1];
	}
	return NULL;
}

/* The number, which must be there. */
static uint32_t number(char **word, const char *key)
{
	uint32_t n = 0;

	cr_assert(ne(ptr, (void *)value(word, key), NULL), "%s", key);
	cr_assert(eq(int, parse_u32(value(word, key), 0, UINT32_MAX, &n, &err), 0));
	return n;
}

static int choice(char **word, const char *key, const char *const *names)
{
	int n = 0;

	if (value(word, key))
		cr_assert(eq(int, parse_choice(value(word, key), names, &n, &err), 0), "%s",
			  err.msg);
	return n;
}

/* add wants it not there, replace and del want it there; what a replace does not name stays. */
static void expect_there(const char *verb, const void *found, const char *line)
{
	cr_assert(eq(int, found != NULL, strcmp(verb, "add") != 0), "%s", line);
}

static void type_pool(struct lb_model *m, const char *verb, char **word, const char *line)
{
	struct lb_m_pool *found = lb_model_pool(m, word[0]), pool = {.id = LB_NO_ID};

	expect_there(verb, found, line);
	if (strcmp(verb, "del") == 0) {
		cr_assert(eq(int, lb_check_pool_unused(m, word[0], &err), 0), "%s: %s", line,
			  err.msg);
		lb_model_del_pool(m, found);
		return;
	}
	cr_assert(eq(int, parse_name(word[0], &err), 0));
	snprintf(pool.name, sizeof(pool.name), "%s", word[0]);
	pool.slots = number(word, "table");
	pool.encap = (enum lb_m_encap)choice(word, "encap", lb_encap_names);
	cr_assert(eq(int, lb_model_put_pool(m, &pool, &err), 0));
}

static void type_real(struct lb_model *m, const char *verb, char **word, const char *line)
{
	struct lb_m_real *found, real = {.id = LB_NO_ID};

	cr_assert(eq(int, parse_addr(word[0], &real.addr, &err), 0));
	snprintf(real.pool, sizeof(real.pool), "%s", value(word, "pool"));
	found = lb_model_real(m, real.pool, &real.addr);
	expect_there(verb, found, line);
	if (strcmp(verb, "del") == 0) {
		lb_model_del_real(m, found);
		return;
	}
	if (found)
		real = *found;
	real.weight = (uint16_t)number(word, "weight");
	real.state = (enum lb_m_state)choice(word, "state", lb_state_names);
	if (value(word, "encap"))
		real.encap = (enum lb_m_encap)choice(word, "encap", lb_encap_names);
	cr_assert(eq(int, lb_model_put_real(m, &real, &err), 0));
}

static void type_vip(struct lb_model *m, const char *verb, char **word, const char *line)
{
	static const char *const off_on[] = {"off", "on", NULL};
	struct lb_m_vip *found, vip = {.id = LB_NO_ID};

	cr_assert(eq(int, parse_service(word[0], &vip.svc, &err), 0));
	found = lb_model_vip(m, &vip.svc);
	expect_there(verb, found, line);
	if (strcmp(verb, "del") == 0) {
		lb_model_del_vip(m, found);
		return;
	}
	snprintf(vip.pool, sizeof(vip.pool), "%s", value(word, "pool"));
	vip.session = choice(word, "session", off_on);
	cr_assert(eq(int, lb_model_put_vip(m, &vip, &err), 0));
}

/* Types one line, after which the configuration must be whole. */
static void type(void *arg, const char *line)
{
	char *word[WORDS_MAX + 1] = {0}, copy[256], *rest = copy;
	struct typist *t = arg;
	size_t used = strlen(t->text);

	snprintf(t->text + used, sizeof(t->text) - used, "%s\n", line);
	t->lines++;
	snprintf(copy, sizeof(copy), "%s", line);
	for (int i = 0; i < WORDS_MAX; i++)
		word[i] = strsep(&rest, " ");
	cr_assert(ne(ptr, word[2], NULL), "%s", line);
	if (strcmp(word[0], "pool") == 0)
		type_pool(&t->m, word[1], word + 2, line);
	else if (strcmp(word[0], "real") == 0)
		type_real(&t->m, word[1], word + 2, line);
	else if (strcmp(word[0], "vip") == 0)
		type_vip(&t->m, word[1], word + 2, line);
	else
		cr_fatal("%s", line);
	cr_assert(eq(int, lb_check(&t->m, &no_limits, &err), 0), "%s: %s", line, err.msg);
}

/* What is typed to come from one model to the other. */
static void diff(struct typist *t, const struct lb_model *from, const struct lb_model *to)
{
	cr_assert(eq(int, lb_model_copy(&t->m, from, &err), 0));
	t->lines = 0;
	t->text[0] = '\0';
	lb_model_diff(from, to, type, t);
}

static void run(struct lb_model *m, const char *const *lines)
{
	struct typist t = {0};

	for (; *lines; lines++)
		type(&t, *lines);
	*m = t.m;
}

/* The lines themselves --------------------------------------------------------------------------- */

static const char *const base[] = {
	"pool add web table 65537 encap ipip",
	"pool add api table 251 encap ipip",
	"real add 10.0.0.1 pool web weight 1 state up",
	"real add 10.0.0.2 pool web weight 1 state up",
	"real add 2001:db8::1 pool web weight 0 state drain encap ipip",
	"vip add 192.0.2.1:80/tcp pool web session on",
	"vip add 192.0.2.2:any/udp pool web session off",
	"vip add [2001:db8::80]:443/tcp pool api session on",
	NULL,
};

Test(diff, all_of_it_is_canonical)
{
	struct lb_model none, m;
	struct typist t;

	lb_model_init(&none);
	run(&m, base);
	diff(&t, &none, &m);
	cr_expect(eq(str, t.text,
		     "pool add api table 251 encap ipip\n"
		     "pool add web table 65537 encap ipip\n"
		     "real add 10.0.0.1 pool web weight 1 state up\n"
		     "real add 10.0.0.2 pool web weight 1 state up\n"
		     "real add 2001:db8::1 pool web weight 0 state drain encap ipip\n"
		     "vip add 192.0.2.1:80/tcp pool web session on\n"
		     "vip add 192.0.2.2:any/udp pool web session off\n"
		     "vip add [2001:db8::80]:443/tcp pool api session on\n"));
	lb_model_free(&t.m);
	diff(&t, &m, &none);
	cr_expect(eq(str, t.text,
		     "vip del 192.0.2.1:80/tcp\n"
		     "vip del 192.0.2.2:any/udp\n"
		     "vip del [2001:db8::80]:443/tcp\n"
		     "real del 10.0.0.1 pool web\n"
		     "real del 10.0.0.2 pool web\n"
		     "real del 2001:db8::1 pool web\n"
		     "pool del api\n"
		     "pool del web\n"));
	lb_model_free(&t.m);
	lb_model_free(&m);
}

Test(diff, changes)
{
	static const char *const changed[] = {
		"pool add web table 503 encap ipip",
		"pool add new table 251 encap ipip",
		"real add 10.0.0.1 pool web weight 65535 state up",
		"real add 10.0.0.2 pool web weight 1 state up",
		"real add 2001:db8::1 pool web weight 0 state drain",
		"real add 10.0.0.1 pool new weight 1 state down",
		"vip add 192.0.2.1:80/tcp pool web session off",
		"vip add 192.0.2.2:any/tcp pool web session off",
		"vip add [2001:db8::80]:443/tcp pool new session on",
		NULL,
	};
	struct lb_model from, to;
	struct typist t;

	run(&from, base);
	run(&to, changed);
	diff(&t, &from, &to);
	/* Pool api goes last: until then a VIP stands on it. */
	cr_expect(eq(str, t.text,
		     "vip del 192.0.2.2:any/udp\n"
		     "pool add new table 251 encap ipip\n"
		     "pool replace web table 503 encap ipip\n"
		     "real add 10.0.0.1 pool new weight 1 state down\n"
		     "real replace 10.0.0.1 pool web weight 65535 state up\n"
		     "real replace 2001:db8::1 pool web weight 0 state drain encap default\n"
		     "vip replace 192.0.2.1:80/tcp pool web session off\n"
		     "vip add 192.0.2.2:any/tcp pool web session off\n"
		     "vip replace [2001:db8::80]:443/tcp pool new session on\n"
		     "pool del api\n"));
	lb_model_free(&t.m);
	lb_model_free(&from);
	lb_model_free(&to);
}

/* A pool that no VIP moves away from goes first: it makes room for those that come. */
Test(diff, pools_make_room)
{
	static const char *const before[] = {
		"pool add a table 251 encap ipip",
		"pool add b table 251 encap ipip",
		"real add 10.0.0.1 pool a weight 1 state up",
		"vip add 192.0.2.1:80/tcp pool a session on",
		NULL,
	};
	static const char *const after[] = {
		"pool add c table 251 encap ipip",
		"pool add d table 251 encap ipip",
		"vip add 192.0.2.1:81/tcp pool c session on",
		NULL,
	};
	struct lb_model from, to;
	struct typist t;

	run(&from, before);
	run(&to, after);
	diff(&t, &from, &to);
	cr_expect(eq(str, t.text,
		     "vip del 192.0.2.1:80/tcp\n"
		     "real del 10.0.0.1 pool a\n"
		     "pool del a\n"
		     "pool del b\n"
		     "pool add c table 251 encap ipip\n"
		     "pool add d table 251 encap ipip\n"
		     "vip add 192.0.2.1:81/tcp pool c session on\n"));
	lb_model_free(&t.m);
	lb_model_free(&from);
	lb_model_free(&to);
}

/* Ids, health and the seed are not the administrator's: no line is made of them. */
Test(diff, of_the_same_is_nothing)
{
	struct lb_model from, to;
	struct typist t;

	run(&from, base);
	cr_assert(eq(int, lb_model_copy(&to, &from, &err), 0));
	to.seed = 7;
	to.pool[0].id = to.real[0].id = to.vip[0].id = 3;
	to.real[1].sick = true;
	diff(&t, &from, &to);
	cr_expect(eq(str, t.text, ""));
	lb_model_free(&t.m);
	lb_model_free(&from);
	lb_model_free(&to);
}

/* Any model to any other ------------------------------------------------------------------------- */

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
	snprintf(vip.pool, sizeof(vip.pool), "%s", pool);
	cr_assert(eq(int, lb_model_put_vip(m, &vip, &err), 0));
	if (!is_whole(m))
		lb_model_del_vip(m, lb_model_vip(m, &vip.svc));
}

static void random_model(struct lb_model *m)
{
	lb_model_init(m);
	for (int i = rand() % 5; i > 0; i--) {
		struct lb_m_pool pool = {.encap = LB_M_ENCAP_IPIP, .id = LB_NO_ID};

		snprintf(pool.name, sizeof(pool.name), "p%d", rand() % 5);
		pool.slots = rand() % 2 ? 251 : 503;
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

static bool same_pool(const struct lb_m_pool *a, const struct lb_m_pool *b)
{
	return strcmp(a->name, b->name) == 0 && a->slots == b->slots && a->encap == b->encap;
}

static bool same_real(const struct lb_m_real *a, const struct lb_m_real *b)
{
	return strcmp(a->pool, b->pool) == 0 && lb_addr_cmp(&a->addr, &b->addr) == 0 &&
	       a->weight == b->weight && a->state == b->state && a->encap == b->encap;
}

static bool same_vip(const struct lb_m_vip *a, const struct lb_m_vip *b)
{
	return lb_service_cmp(&a->svc, &b->svc) == 0 && strcmp(a->pool, b->pool) == 0 &&
	       a->session == b->session;
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
		diff(&t, &from, &to);
		cr_assert(same(&t.m, &to), "round %d:\n%s", i, t.text);
		lines += t.lines;
		lb_model_free(&t.m);
		lb_model_free(&from);
		lb_model_free(&to);
	}
	cr_expect(gt(sz, lines, 100000), "the models were not all alike");
}
