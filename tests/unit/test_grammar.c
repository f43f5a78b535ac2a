/* SPDX-License-Identifier: GPL-2.0 */
/* test_grammar.c - what may follow the words of a command, by its usage. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "lbtool/grammar.h"

static char got[512];

static void offer(void *arg, const struct grammar_word *w, const char *key)
{
	size_t len = strlen(got);

	(void)arg;
	snprintf(got + len, sizeof(got) - len, "%s%.*s", len ? " " : "", (int)w->len, w->s);
	if (grammar_is_value(w) && *key) {
		len = strlen(got);
		snprintf(got + len, sizeof(got) - len, "(%s)", key);
	}
}

/* line: words with blanks between; what is offered behind them. */
static void next(const char *usage, const char *line, const char *offered)
{
	const char *word[16];
	char copy[128];
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
		word[n++] = w;
	*got = '\0';
	grammar_next(usage, word, n, offer, NULL);
	cr_expect(eq(str, got, (char *)offered), "%s: behind \"%s\"", usage, line);
}

Test(grammar, words_come_in_order)
{
	next("load", "", "load");
	next("load", "load", "");
	next("del DEV", "del", "DEV(del)");
	next("del DEV", "del eth0", "");
	next("del DEV", "add", "");
	next("FROM TO [ in DEV ]", "", "FROM");
	next("FROM TO [ in DEV ]", "a", "TO");
	next("FROM TO [ in DEV ]", "a b", "in");
	next("", "", "");
}

Test(grammar, groups_come_in_any_order)
{
	const char *u = "add NAME [ min N ] [ encap ipip|gue ] [ port N|vip ]";

	next(u, "add x", "min encap port");
	next(u, "add x encap", "ipip gue");
	next(u, "add x encap gue", "min port");
	next(u, "add x port 3 min 4", "encap");
	next(u, "add x port", "N(port) vip");
	next(u, "add x port 3 min 4 encap gue", "");
	next(u, "add x bogus", "");
}

Test(grammar, what_must_come_is_first)
{
	const char *u = "add ADDRESS pool NAME [ weight N ]";

	next(u, "add a", "pool");
	next(u, "add a weight 3", "pool");
	next(u, "add a pool", "NAME(pool)");
	next(u, "add a pool p", "weight");
}

Test(grammar, what_may_come_more_than_once)
{
	const char *u = "add DEV [ from PREFIX ]... [ mss N|auto ]";

	next(u, "add e from a", "from mss");
	next(u, "add e from a from b mss auto", "from");
}

Test(grammar, values_that_may_be_left_out)
{
	const char *u = "show [ ADDRESS ] [ pool NAME ]";

	next(u, "show", "ADDRESS(show) pool");
	next(u, "show a", "pool");
	next(u, "show pool p", "ADDRESS(pool)");
}

Test(grammar, alternatives)
{
	const char *u = "peer [ show | add ADDRESS | del ADDRESS ]";
	const char *deep = "show [ vip [ VIP ] [ pool NAME ] | why [ REASON ] | rx ] [ rate TIME ]";

	next(u, "peer", "show add del");
	next(u, "peer del", "ADDRESS(del)");
	next(u, "peer show", "");
	next(deep, "show", "vip why rx rate");
	next(deep, "show vip", "VIP(vip) pool rate");
	next(deep, "show vip a pool p", "rate");
	next(deep, "show vip rate 1s", "");
	next(deep, "show rate", "TIME(rate)");
	next(deep, "show rate 1s why", "REASON(why)");
}
