/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fuzz_batch - a batch file's bytes through everything that lbtool does with them short of the kernel: lines,
 * words, commands, edits of a model, the check of the whole.
 *
 * The model must stay sorted and free of twins. What lb_model_diff() prints for it must be a batch that makes the same
 * model of nothing, and nothing of the model again.
 */
#include <stdint.h>

#include "lbtool/edit.h"
#include "lib/batch.h"
#include "lib/check.h"
#include "tests/fuzz/must.h"

#define LINES_MAX 200 /* of a batch: more find nothing new, and take long */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Orders as the model has them: <0, 0, >0. */
static int real_order(const struct lb_m_real *a, const struct lb_m_real *b)
{
	int d = strcmp(a->pool, b->pool);

	return d ? d : lb_addr_cmp(&a->addr, &b->addr);
}

static void must_be_sorted(const struct lb_model *m)
{
	for (size_t i = 1; i < m->pools; i++)
		must(strcmp(m->pool[i - 1].name, m->pool[i].name) < 0);
	for (size_t i = 1; i < m->reals; i++)
		must(real_order(&m->real[i - 1], &m->real[i]) < 0);
	for (size_t i = 1; i < m->vips; i++)
		must(lb_service_cmp(&m->vip[i - 1].svc, &m->vip[i].svc) < 0);
}

static void must_be_same_check(const struct lb_m_check *p, const struct lb_m_check *q)
{
	must(p->kind == q->kind && p->direct == q->direct && p->port == q->port &&
	     p->interval == q->interval && p->timeout == q->timeout && p->rise == q->rise &&
	     p->fall == q->fall && p->status_min == q->status_min &&
	     p->status_max == q->status_max);
	must(!strcmp(p->host, q->host) && !strcmp(p->path, q->path) && !strcmp(p->send, q->send) &&
	     !strcmp(p->expect, q->expect) && !strcmp(p->command, q->command));
	must(p->kind == LB_M_CHECK_NONE || p->timeout <= p->interval);
}

static void must_be_same(const struct lb_model *a, const struct lb_model *b)
{
	must(a->pools == b->pools && a->reals == b->reals && a->vips == b->vips);
	for (size_t i = 0; i < a->pools; i++) {
		const struct lb_m_pool *p = &a->pool[i], *q = &b->pool[i];

		must(!strcmp(p->name, q->name) && p->slots == q->slots && p->encap == q->encap &&
		     p->min == q->min && p->panic == q->panic);
		must_be_same_check(&p->check, &q->check);
	}
	for (size_t i = 0; i < a->reals; i++) {
		const struct lb_m_real *p = &a->real[i], *q = &b->real[i];

		must(!real_order(p, q) && p->weight == q->weight && p->state == q->state &&
		     p->encap == q->encap && p->mptcp == q->mptcp);
	}
	for (size_t i = 0; i < a->vips; i++) {
		const struct lb_m_vip *p = &a->vip[i], *q = &b->vip[i];

		must(!lb_service_cmp(&p->svc, &q->svc) && !strcmp(p->pool, q->pool) &&
		     p->session == q->session && p->always == q->always);
	}
}

/* Applies the lines of a file as they come; -1 at the first that is refused. */
static int run(FILE *in, struct lb_model *m, struct lb_err *err)
{
	struct lb_batch *b = lb_batch_new(in, "fuzz", err);
	const char *const *word;
	int ret, lines = 0;
	size_t n;

	must(b);
	while ((ret = lb_batch_next(b, &word, &n, err)) > 0 && lines++ < LINES_MAX) {
		struct lb_args a = {.word = word, .n = n};
		struct edit e;

		must(n > 0);
		ret = edit_parse(&e, &a, err);
		if (ret) {
			must_be_said(err, 0);
			break;
		}
		ret = e.kind->apply(&e, m, err);
		if (ret) {
			must_be_said(err, 1);
			break;
		}
		must_be_sorted(m);
	}
	lb_batch_free(b);
	return ret < 0 ? -1 : 0;
}

static void print_line(void *arg, const char *text)
{
	fprintf(arg, "%s\n", text);
}

static void no_line(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "not expected: %s\n", text);
	abort();
}

/* The lines that make `to` of `from`, run on `from`: what comes out must be `to`. */
static void must_lead(const struct lb_model *from, const struct lb_model *to)
{
	struct lb_err err = {0};
	struct lb_model m;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	must(f);
	lb_model_diff(from, to, print_line, f);
	must(!fclose(f));
	must(!lb_model_copy(&m, from, &err));
	if (len) {
		f = fmemopen(text, len, "r");
		must(f);
		if (run(f, &m, &err)) {
			fprintf(stderr, "%s\n%s\n", text, err.msg);
			abort();
		}
		fclose(f);
	}
	must_be_same(&m, to);
	lb_model_free(&m);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct lb_limits limits = {
		.pools = 50, .reals = 50, .vips = 50, .slots = 10000000};
	struct lb_model m, none;
	struct lb_err err = {0};
	FILE *in;

	if (!size)
		return 0;
	in = fmemopen((void *)(uintptr_t)data, size, "r");
	must(in);
	lb_model_init(&m);
	lb_model_init(&none);
	if (run(in, &m, &err) == 0 && lb_check(&m, &limits, &err))
		must_be_said(&err, 1);
	fclose(in);
	/* Whatever was refused: what was there before is a model still. */
	must_be_sorted(&m);
	lb_model_diff(&m, &m, no_line, NULL);
	if (m.pools + m.reals + m.vips < LINES_MAX) {
		must_lead(&none, &m);
		must_lead(&m, &none);
	}
	lb_model_free(&m);
	return 0;
}
