// SPDX-License-Identifier: GPL-2.0
/* route_text.c - what is said to ExaBGP about a route, and what it lists. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbmon/route_text.h"

#define SHUT_COMMUNITY "65535:0" /* RFC 8326 */
#define SHUT_MED UINT32_MAX

#define NEIGHBORS_MAX 256 /* words of one letter that route_attrs.neighbors holds */
#define LONGEST "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

/* Appends; false when it does not fit. */
__attribute__((format(printf, 2, 3))) static bool add(char text[ROUTE_LINE], const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text + len, ROUTE_LINE - len, fmt, ap);
	va_end(ap);
	return n >= 0 && (size_t)n < ROUTE_LINE - len;
}

/* Without an as-path, ExaBGP puts its own AS there; with one, it leaves it alone. */
static bool add_attrs(char tail[ROUTE_LINE], const struct route_attrs *attrs, bool shut)
{
	uint32_t med = shut ? SHUT_MED : attrs->med;
	bool fits = true;

	if (med)
		fits &= add(tail, " med %u", med);
	if (attrs->community[0] || shut)
		fits &= add(tail, " community [%s%s%s ]", attrs->community[0] ? " " : "",
			    attrs->community, shut ? " " SHUT_COMMUNITY : "");
	if (attrs->prepend) {
		fits &= add(tail, " as-path [");
		for (int i = 0; i <= attrs->prepend; i++)
			fits &= add(tail, " %u", attrs->as);
		fits &= add(tail, " ]");
	}
	return fits;
}

/* ExaBGP knows a neighbor by its address as written in its configuration: hence not by format_addr(). */
static int set_neighbors(struct route_text *t, const char *words, struct lb_err *err)
{
	char copy[sizeof(((struct route_attrs *)0)->neighbors)], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", words);
	t->neighbor = calloc(NEIGHBORS_MAX, sizeof(*t->neighbor));
	if (!t->neighbor)
		return lb_fail(err, "out of memory");
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (parse_addr(w, &t->neighbor[t->neighbors], err) < 0)
			return lb_prefix(err, "neighbor");
		if (w[0] == '[')
			return lb_bad_word(err, w, "must be an address without brackets");
		if (!add(t->head, "%sneighbor %s", t->neighbors++ ? ", " : "", w))
			return lb_usage(err, "too many neighbors");
	}
	if (t->neighbors && !add(t->head, " "))
		return lb_usage(err, "too many neighbors");
	return 0;
}

int route_text_init(struct route_text *t, const struct route_attrs *attrs, struct lb_err *err)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz:- ";
	size_t good = strspn(attrs->community, letters);
	char line[ROUTE_LINE] = "";

	if (attrs->community[good])
		return lb_bad_word(err, attrs->community, "must be communities like 65000:1");
	if (attrs->hop6.family == 4)
		return lb_usage(err, "an IPv6 prefix cannot have an IPv4 next hop");
	if (attrs->prepend && !attrs->as)
		return lb_usage(err, "prepend needs the AS number");
	t->hop4 = attrs->hop4;
	t->hop6 = attrs->hop6;
	if (set_neighbors(t, attrs->neighbors, err) < 0)
		return -1;
	if (!add_attrs(t->tail[0], attrs, false) || !add_attrs(t->tail[1], attrs, true) ||
	    !add(line, "%sannounce route " LONGEST "/128 next-hop " LONGEST "%s\n", t->head,
		 t->tail[1]))
		return lb_usage(
			err,
			"too many neighbors, communities and prepends for a line of %d characters",
			ROUTE_LINE - 1);
	return 0;
}

void route_text_free(struct route_text *t)
{
	free(t->neighbor);
}

const struct lb_addr *route_text_hop(const struct route_text *t, const struct lb_addr *addr)
{
	return addr->family == 4 ? &t->hop4 : &t->hop6;
}

static void say(const struct route_text *t, const char *verb, const struct lb_addr *addr,
		const struct lb_addr *hop, const char *tail, char line[ROUTE_LINE])
{
	char a[LB_ADDR_STRLEN], h[LB_ADDR_STRLEN];

	format_addr(addr, a);
	format_addr(hop, h);
	line[0] = '\0';
	/* route_text_init() saw to it that the longest one fits. */
	add(line, "%s%s route %s/%d next-hop %s%s\n", t->head, verb, a,
	    addr->family == 4 ? 32 : 128, h, tail);
}

void route_text_announce(const struct route_text *t, const struct lb_addr *addr,
			 const struct lb_addr *hop, bool shut, char line[ROUTE_LINE])
{
	say(t, "announce", addr, hop, t->tail[shut], line);
}

void route_text_withdraw(const struct route_text *t, const struct lb_addr *addr,
			 const struct lb_addr *hop, char line[ROUTE_LINE])
{
	say(t, "withdraw", addr, hop, "", line);
}

static bool is_neighbor(const struct route_text *t, const char *word)
{
	struct lb_addr addr;
	struct lb_err ignored;

	if (!t->neighbors)
		return true;
	if (parse_addr(word, &addr, &ignored) < 0)
		return false;
	for (size_t i = 0; i < t->neighbors; i++)
		if (lb_addr_cmp(&addr, &t->neighbor[i]) == 0)
			return true;
	return false;
}

bool route_text_listed(const struct route_text *t, const char *line, struct lb_addr *addr,
		       struct lb_addr *hop)
{
	char neighbor[64], prefix[64], next[64], *slash;
	struct lb_err ignored;

	if (sscanf(line, "neighbor %63s %*s unicast %63s next-hop %63s", neighbor, prefix, next) <
	    3)
		return false;
	slash = strchr(prefix, '/');
	if (!slash || !is_neighbor(t, neighbor))
		return false;
	*slash++ = '\0';
	if (parse_addr(prefix, addr, &ignored) < 0 || parse_addr(next, hop, &ignored) < 0)
		return false;
	if (strcmp(slash, addr->family == 4 ? "32" : "128") != 0)
		return false;
	return lb_addr_cmp(hop, &t->hop4) == 0 || lb_addr_cmp(hop, &t->hop6) == 0;
}
