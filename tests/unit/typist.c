/* SPDX-License-Identifier: GPL-2.0 */
/* typist.c - a small lbtool: pool, real, vip with add, replace, del. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/batch.h"
#include "tests/unit/typist.h"

#define WORDS_MAX 48

static struct lb_err err;
static const char *const off_on[] = {"off", "on", NULL};

const struct lb_limits no_limits = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

/* The word behind a keyword, which come in pairs behind the name; NULL when the line has none. */
static const char *value(const char *const *word, const char *key)
{
	for (word++; word[0] && word[1]; word += 2) {
		if (strcmp(*word, key) == 0)
			return word[1];
	}
	return NULL;
}

/* The number, which must be there. */
static uint32_t number(const char *const *word, const char *key)
{
	uint32_t n = 0;

	cr_assert(ne(ptr, (void *)value(word, key), NULL), "%s", key);
	cr_assert(eq(int, parse_u32(value(word, key), 0, UINT32_MAX, &n, &err), 0));
	return n;
}

static int choice(const char *const *word, const char *key, const char *const *names)
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

static uint32_t milliseconds(const char *const *word, const char *key)
{
	uint32_t n = 0;

	cr_assert(ne(ptr, (void *)value(word, key), NULL), "%s", key);
	cr_assert(eq(int, parse_time(value(word, key), 0, 65535000, &n, &err), 0));
	return n;
}

static void text(const char *const *word, const char *key, char *to, size_t size)
{
	if (value(word, key))
		snprintf(to, size, "%s", value(word, key));
}

/* Another kind keeps what every kind has. */
static void new_kind(struct lb_m_check *c, enum lb_m_check_kind kind)
{
	struct lb_m_check old = *c;

	if (old.kind == kind)
		return;
	*c = lb_check_default;
	c->kind = kind;
	if (!kind || !old.kind)
		return;
	c->direct = old.direct;
	c->port = old.port;
}

static void type_check(struct lb_m_check *c, const char *const *word)
{
	const char *port = value(word, "port"), *status = value(word, "status");

	if (value(word, "check"))
		new_kind(c, (enum lb_m_check_kind)choice(word, "check", lb_check_names));
	if (value(word, "direct"))
		c->direct = choice(word, "direct", off_on);
	if (port)
		c->port = strcmp(port, "vip") == 0 ? 0 : (uint16_t)number(word, "port");
	if (value(word, "interval")) {
		c->interval = milliseconds(word, "interval");
		c->timeout = milliseconds(word, "timeout");
		c->rise = (uint8_t)number(word, "rise");
		c->fall = (uint8_t)number(word, "fall");
	}
	if (status && sscanf(status, "%hu-%hu", &c->status_min, &c->status_max) == 1)
		c->status_max = c->status_min;
	text(word, "host", c->host, sizeof(c->host));
	text(word, "path", c->path, sizeof(c->path));
	text(word, "send", c->send, sizeof(c->send));
	text(word, "expect", c->expect, sizeof(c->expect));
	text(word, "command", c->command, sizeof(c->command));
}

static void type_pool(struct lb_model *m, const char *verb, const char *const *word,
		      const char *line)
{
	struct lb_m_pool *found = lb_model_pool(m, word[0]);
	struct lb_m_pool pool = {.min = 1,
				 .drain = LB_DRAIN_DEFAULT,
				 .gue_port = LB_GUE_PORT_DEFAULT,
				 .check = lb_check_default,
				 .id = LB_NO_ID};

	expect_there(verb, found, line);
	if (strcmp(verb, "del") == 0) {
		cr_assert(eq(int, lb_check_pool_unused(m, word[0], &err), 0), "%s: %s", line,
			  err.msg);
		lb_model_del_pool(m, found);
		return;
	}
	if (found)
		pool = *found;
	cr_assert(eq(int, parse_name(word[0], &err), 0));
	snprintf(pool.name, sizeof(pool.name), "%s", word[0]);
	pool.slots = number(word, "table");
	pool.encap = (enum lb_m_encap)choice(word, "encap", lb_encap_names);
	if (value(word, "min"))
		pool.min = (uint16_t)number(word, "min");
	if (value(word, "panic"))
		pool.panic = (uint8_t)number(word, "panic");
	if (value(word, "drain"))
		pool.drain = (uint16_t)(milliseconds(word, "drain") / 1000);
	if (value(word, "gue-port"))
		pool.gue_port = (uint16_t)number(word, "gue-port");
	type_check(&pool.check, word);
	cr_assert(eq(int, lb_model_put_pool(m, &pool, &err), 0));
}

static void type_real(struct lb_model *m, const char *verb, const char *const *word,
		      const char *line)
{
	struct lb_m_real *found, real = {.id = LB_NO_ID};

	cr_assert(eq(int, parse_addr(word[0], &real.addr, &err), 0));
	text(word, "pool", real.pool, sizeof(real.pool));
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
	if (value(word, "mptcp"))
		real.mptcp = strcmp(value(word, "mptcp"), "none") == 0
				     ? 0
				     : (uint16_t)number(word, "mptcp");
	cr_assert(eq(int, lb_model_put_real(m, &real, &err), 0));
}

static void type_peer(struct lb_model *m, const char *verb, const char *const *word)
{
	struct lb_addr addr;

	cr_assert(eq(int, parse_addr(word[0], &addr, &err), 0));
	if (strcmp(verb, "del") == 0)
		cr_assert(lb_model_del_peer(m, &addr));
	else
		cr_assert(eq(int, lb_model_put_peer(m, &addr, &err), 0));
}

static void type_source(struct lb_model *m, const char *const *word)
{
	struct lb_net net;

	m->spread4 = m->spread6 = (struct lb_net){0};
	if (strcmp(word[0], "node") == 0)
		return;
	for (; *word; word += 2) {
		cr_assert(eq(str, (char *)word[0], "spread"));
		cr_assert(eq(int, parse_net(word[1], &net, &err), 0));
		*(net.addr.family == 4 ? &m->spread4 : &m->spread6) = net;
	}
}

static void type_vip(struct lb_model *m, const char *verb, const char *const *word,
		     const char *line)
{
	static const char *const auto_always[] = {"auto", "always", NULL};
	struct lb_m_vip *found, vip = {.id = LB_NO_ID};

	cr_assert(eq(int, parse_service(word[0], &vip.svc, &err), 0));
	found = lb_model_vip(m, &vip.svc);
	expect_there(verb, found, line);
	if (strcmp(verb, "del") == 0) {
		lb_model_del_vip(m, found);
		return;
	}
	text(word, "pool", vip.pool, sizeof(vip.pool));
	vip.session = choice(word, "session", off_on);
	vip.always = found && found->always;
	vip.hash = found ? found->hash : LB_M_HASH_5TUPLE;
	if (value(word, "hash"))
		vip.hash = (enum lb_m_hash)choice(word, "hash", lb_hash_names);
	vip.fragments = found ? found->fragments : LB_M_FRAGMENTS_DROP;
	if (value(word, "fragments"))
		vip.fragments = (enum lb_m_fragments)choice(word, "fragments", lb_fragments_names);
	if (value(word, "announce"))
		vip.always = choice(word, "announce", auto_always);
	cr_assert(eq(int, lb_model_put_vip(m, &vip, &err), 0));
}

/* Types one line, after which the configuration must be whole. */
static void type(void *arg, const char *line)
{
	FILE *in = fmemopen((void *)(uintptr_t)line, strlen(line), "r");
	const char *word[WORDS_MAX + 1] = {0};
	const char *const *words = NULL;
	struct typist *t = arg;
	struct lb_batch *b;
	size_t n = 0;
	size_t used = strlen(t->text);

	snprintf(t->text + used, sizeof(t->text) - used, "%s\n", line);
	t->lines++;
	cr_assert(ne(ptr, in, NULL));
	b = lb_batch_new(in, "typist", &err);
	cr_assert(eq(int, lb_batch_next(b, &words, &n, &err), 1), "%s", line);
	cr_assert(gt(sz, n, 2), "%s", line);
	cr_assert(lt(sz, n, WORDS_MAX), "%s", line);
	memcpy(word, words, n * sizeof(*word));
	if (strcmp(word[0], "pool") == 0)
		type_pool(&t->m, word[1], word + 2, line);
	else if (strcmp(word[0], "real") == 0)
		type_real(&t->m, word[1], word + 2, line);
	else if (strcmp(word[0], "vip") == 0)
		type_vip(&t->m, word[1], word + 2, line);
	else if (strcmp(word[0], "node") == 0 && strcmp(word[1], "source") == 0)
		type_source(&t->m, word + 2);
	else if (strcmp(word[0], "node") == 0)
		type_peer(&t->m, word[2], word + 3);
	else
		cr_fatal("%s", line);
	cr_assert(eq(int, lb_check(&t->m, &no_limits, &err), 0), "%s: %s", line, err.msg);
	lb_batch_free(b);
	fclose(in);
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
