/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What makes a node choose as another does, in few words: a digest of each pool's table, and one of all: seed, peers, services,
 * ports of single reals, and the tables.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/cmd.h"
#include "lbtool/show.h"
#include "lib/batch.h"

#define HEX_LEN 17

/* A pool and its digest; the last one is the instance's, with no name. */
struct line {
	char pool[LB_NAME_MAX + 1];
	char digest[HEX_LEN];
};

struct digests {
	struct line *line;
	size_t n;
};

/* 64-bit FNV-1a. */
static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *b = bytes;

	while (n--)
		h = (h ^ *b++) * 0x100000001b3ull;
	return h;
}

static uint64_t mix_text(uint64_t h, const char *text)
{
	return mix(h, text, strlen(text) + 1);
}

/*
 * The commands that make the configuration, those of reals and pools apart: these show in the tables. By what source a packet
 * comes to its real is each node's own affair.
 */
static void mix_line(void *arg, const char *text)
{
	uint64_t *h = arg;

	if (strncmp(text, "pool ", 5) != 0 && strncmp(text, "real ", 5) != 0 &&
	    strncmp(text, "node source ", 12) != 0)
		*h = mix_text(*h, text);
}

static uint64_t mix_ports(uint64_t h, const struct lb_model *m)
{
	char addr[LB_ADDR_STRLEN];

	for (size_t i = 0; i < m->reals; i++) {
		const struct lb_m_real *r = &m->real[i];

		if (!r->mptcp)
			continue;
		format_addr(&r->addr, addr);
		h = mix(mix_text(mix_text(h, r->pool), addr), &r->mptcp, sizeof(r->mptcp));
	}
	return h;
}

static int make(struct tool *t, const struct lb_model *m, struct digests *d)
{
	uint64_t all = mix(0xcbf29ce484222325ull, &m->seed, sizeof(m->seed)), one;
	struct lb_model none;

	d->line = calloc(m->pools + 1, sizeof(*d->line));
	if (!d->line)
		return lb_fail(&t->err, "%s", strerror(ENOMEM));
	for (d->n = 0; d->n < m->pools; d->n++) {
		struct line *l = &d->line[d->n];

		memcpy(l->pool, m->pool[d->n].name, sizeof(l->pool));
		if (lb_maps_digest(t->maps, m, l->pool, &one, &t->err))
			return -1;
		snprintf(l->digest, sizeof(l->digest), "%016" PRIx64, one);
		all = mix(mix_text(all, l->pool), &one, sizeof(one));
	}
	lb_model_init(&none);
	lb_model_diff(&none, m, mix_line, &all);
	all = mix_ports(all, m);
	snprintf(d->line[d->n++].digest, HEX_LEN, "%016" PRIx64, all);
	return 0;
}

static int read_own(struct tool *t, struct digests *d)
{
	struct lb_model m;
	int ret = -1;

	if (!show_open(t, &m))
		ret = make(t, &m, d);
	lb_model_free(&m);
	return ret;
}

static int digest_show(struct tool *t, struct lb_args *a)
{
	struct digests d = {0};
	int ret = -1;

	if (lb_args_end(a, &t->err))
		return -1;
	if (!read_own(t, &d)) {
		for (size_t i = 0; i < d.n; i++) {
			lb_out_begin(t->out);
			lb_out_str(t->out, *d.line[i].pool ? "pool" : "all",
				   *d.line[i].pool ? d.line[i].pool : d.line[i].digest, LB_NAME);
			if (*d.line[i].pool)
				lb_out_str(t->out, "digest", d.line[i].digest, LB_PLAIN);
			lb_out_end(t->out);
		}
		ret = 0;
	}
	free(d.line);
	return ret;
}

static bool is_hex(const char *word)
{
	return strlen(word) == HEX_LEN - 1 && strspn(word, "0123456789abcdef") == HEX_LEN - 1;
}

/* pool NAME digest HEX, or all HEX; NULL: not such a line. *digest is the word. */
static const char *line_of(const char *const *word, size_t n, const char **digest)
{
	if (n == 4 && !strcmp(word[0], "pool") && !strcmp(word[2], "digest") && is_hex(word[3])) {
		*digest = word[3];
		return word[1];
	}
	if (n == 2 && !strcmp(word[0], "all") && is_hex(word[1])) {
		*digest = word[1];
		return "";
	}
	return NULL;
}

/* One line of theirs; *differ counts, and those found lose their own digest. */
static void compare(const struct tool *t, struct digests *d, const char *pool, const char *theirs,
		    unsigned int *differ)
{
	size_t i = 0;

	while (i < d->n && strcmp(d->line[i].pool, pool) != 0)
		i++;
	if (i == d->n) {
		tool_note(t, "pool \"%s\": there alone", pool);
		++*differ;
		return;
	}
	if (strcmp(d->line[i].digest, theirs) != 0) {
		++*differ;
		if (*pool)
			tool_note(t, "pool \"%s\": %s here, %s there", pool, d->line[i].digest,
				  theirs);
		else
			tool_note(t, "all: %s here, %s there", d->line[i].digest, theirs);
	}
	*d->line[i].digest = '\0';
}

static int compare_all(struct tool *t, struct digests *d, struct lb_batch *b)
{
	const char *const *word;
	unsigned int differ = 0, lines = 0;
	size_t n;
	int ret;

	for (; (ret = lb_batch_next(b, &word, &n, &t->err)) > 0; lines++) {
		const char *digest, *pool = line_of(word, n, &digest);

		if (!pool)
			return lb_usage(
				&t->err,
				"line %u: must be \"pool NAME digest HEX\" or \"all HEX\", as "
				"lbtool digest prints it",
				lb_batch_line(b));
		compare(t, d, pool, digest, &differ);
	}
	if (ret < 0)
		return -1;
	if (!lines)
		return lb_fail(&t->err, "nothing to compare with: the input is empty");
	for (size_t i = 0; i < d->n; i++) {
		if (!*d->line[i].digest)
			continue;
		tool_note(t, "%s%s: here alone", *d->line[i].pool ? "pool " : "all",
			  d->line[i].pool);
		differ++;
	}
	return differ ? lb_fail(&t->err, "%u differ", differ) : 0;
}

static int digest_check(struct tool *t, struct lb_args *a)
{
	struct digests d = {0};
	struct lb_batch *b = NULL;
	const char *file;
	FILE *in = NULL;
	int ret = -1;

	if (lb_args_next(a, "FILE", &file, &t->err) || lb_args_end(a, &t->err))
		return -1;
	in = !strcmp(file, "-") ? stdin : fopen(file, "re");
	if (!in)
		return lb_fail(&t->err, "%s: cannot open: %s", file, strerror(errno));
	b = lb_batch_new(in, file, &t->err);
	if (b && !read_own(t, &d))
		ret = compare_all(t, &d, b);
	lb_batch_free(b);
	free(d.line);
	if (in != stdin)
		fclose(in);
	return ret;
}

static const struct cmd digest_cmds[] = {
	{"show", digest_show, "show"},
	{"check", digest_check, "check FILE"},
	{NULL, NULL, NULL},
};

const struct object digest_object = {
	"digest",
	"do two nodes choose alike",
	digest_cmds,
	"FILE := what another node printed; -: standard input\n"
	"equal digests: the same real for each packet; check names what differs, and fails then\n",
};
