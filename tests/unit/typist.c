/* SPDX-License-Identifier: GPL-2.0 */
/* typist.c - a small lbtool: pool, real, vip with add, replace, del. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/typist.h"

#define WORDS_MAX 12

static struct lb_err err;

const struct lb_limits no_limits = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

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

void type_diff(struct typist *t, const struct lb_model *from, const struct lb_model *to)
{
	cr_assert(eq(int, lb_model_copy(&t->m, from, &err), 0));
	t->lines = 0;
	t->text[0] = '\0';
	lb_model_diff(from, to, type, t);
}

void type_lines(struct lb_model *m, const char *const *lines)
{
	struct typist t = {0};

	for (; *lines; lines++)
		type(&t, *lines);
	*m = t.m;
}
