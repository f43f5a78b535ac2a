/* SPDX-License-Identifier: GPL-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lbtool/candidates.h"
#include "lbtool/reading.h"

void candidates_init(struct candidates *c, const char *begin)
{
	memset(c, 0, sizeof(*c));
	tool_init(&c->tool);
	c->begin = begin;
}

void candidates_free(struct candidates *c)
{
	while (c->n)
		free(c->line[--c->n]);
	free(c->line);
	tool_close(&c->tool);
}

static void put(struct candidates *c, char *line)
{
	if (line && c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 64;
		char **more = realloc(c->line, room * sizeof(*more));

		if (more) {
			c->line = more;
			c->room = room;
		}
	}
	if (!line || c->n == c->room) {
		free(line);
		c->full = true;
		return;
	}
	c->line[c->n++] = line;
}

void candidates_add(struct candidates *c, const char *word, size_t len, const char *brief)
{
	char *line;
	int ret;

	if (strlen(c->begin) > len || strncmp(word, c->begin, strlen(c->begin)) != 0)
		return;
	ret = asprintf(&line, "%.*s%s%s", (int)len, word, brief ? "\t" : "", brief ? brief : "");
	put(c, ret < 0 ? NULL : line);
}

void candidates_expect(struct candidates *c, const char *name, size_t len)
{
	char *line;

	put(c, asprintf(&line, "\t%.*s", (int)len, name) < 0 ? NULL : line);
}

static void add_addr(struct candidates *c, const struct lb_addr *addr)
{
	char buf[LB_ADDR_STRLEN];

	format_addr(addr, buf);
	candidates_add(c, buf, strlen(buf), NULL);
}

static bool read_model(struct candidates *c, struct lb_model *m)
{
	struct lb_err ignored;

	lb_model_init(m);
	return !tool_maps(&c->tool) && !lb_maps_read(c->tool.maps, m, &ignored);
}

void candidates_pools(struct candidates *c)
{
	struct lb_model m;

	if (read_model(c, &m))
		for (size_t i = 0; i < m.pools; i++)
			candidates_add(c, m.pool[i].name, strlen(m.pool[i].name), NULL);
	lb_model_free(&m);
}

void candidates_reals(struct candidates *c)
{
	struct lb_model m;

	if (read_model(c, &m))
		for (size_t i = 0; i < m.reals; i++)
			add_addr(c, &m.real[i].addr);
	lb_model_free(&m);
}

void candidates_vips(struct candidates *c)
{
	char buf[LB_SERVICE_STRLEN];
	struct lb_model m;

	if (read_model(c, &m))
		for (size_t i = 0; i < m.vips; i++) {
			format_service(&m.vip[i].svc, buf);
			candidates_add(c, buf, strlen(buf), NULL);
		}
	lb_model_free(&m);
}

void candidates_peers(struct candidates *c)
{
	struct lb_model m;

	if (read_model(c, &m))
		for (size_t i = 0; i < m.peers; i++)
			add_addr(c, &m.peer[i]);
	lb_model_free(&m);
}

/* Those whose frames the programs understand. */
void candidates_devs(struct candidates *c)
{
	struct lb_link *link = NULL;
	struct lb_err ignored;
	size_t n = 0;

	if (tool_nl(&c->tool) || lb_nl_links(c->tool.nl, &link, &n, &ignored))
		return;
	for (size_t i = 0; i < n; i++)
		if (link[i].ether)
			candidates_add(c, link[i].name, strlen(link[i].name), NULL);
	free(link);
}

void candidates_whys(struct candidates *c, bool rx)
{
	const struct reasons *r = rx ? &reasons_rx : &reasons_lb;

	for (uint32_t i = r->first; i < r->count(); i++)
		candidates_add(c, r->name(i), strlen(r->name(i)), r->text(i));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int candidates_print(struct candidates *c, FILE *to, struct lb_err *err)
{
	if (c->full)
		return lb_fail(err, "out of memory");
	if (c->n)
		qsort(c->line, c->n, sizeof(*c->line), by_text);
	for (size_t i = 0; i < c->n; i++)
		if (!i || strcmp(c->line[i], c->line[i - 1]) != 0)
			fprintf(to, "%s\n", c->line[i]);
	return 0;
}
