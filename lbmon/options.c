/* SPDX-License-Identifier: GPL-2.0 */
#include "lbmon/options.h"

#include <stdlib.h>
#include <string.h>

#include "lib/args.h"

#define HOUR 3600000u

enum {
	NEXT_HOP,
	NEXT_HOP4,
	MED,
	COMMUNITY,
	AS,
	PREPEND,
	NEIGHBOR,
	DELAY,
	DAMPING,
	DRAIN_COMMUNITY
};
static const struct lb_key keys[] = {
	[NEXT_HOP] = {"next-hop", "ADDRESS", true},
	[NEXT_HOP4] = {"next-hop4", "ADDRESS", false},
	[MED] = {"med", "N", false},
	[COMMUNITY] = {"community", "A:B", true},
	[AS] = {"as", "N", false},
	[PREPEND] = {"prepend", "N", false},
	[NEIGHBOR] = {"neighbor", "ADDRESS", true},
	[DELAY] = {"delay", "TIME", false},
	[DAMPING] = {"damping", "TIME", false},
	[DRAIN_COMMUNITY] = {"drain-community", "TIME", false},
	{NULL, NULL, false},
};

static const char usage[] =
	"Usage: lbmon [ OPTIONS ] next-hop ADDRESS [ next-hop ADDRESS ] [ next-hop4 ADDRESS ]\n"
	"             [ med N ] [ community A:B ]... [ as N prepend N ] [ neighbor ADDRESS ]...\n"
	"             [ delay TIME ] [ damping TIME ] [ drain-community TIME ]\n"
	"       lbmon [ OPTIONS ] { -once | -alone }\n"
	"OPTIONS := { -V[ersion] | -h[elp] | -i[nstance] NAME | -n[etns] NAME | -j[son] | -dry-run "
	"}\n"
	"ADDRESS := of this node as the routers reach it; next-hop: IPv4 for IPv4 routes, IPv6 for "
	"IPv6 ones\n"
	"next-hop4: an IPv6 address for IPv4 routes (RFC 8950)\n"
	"TIME := 500ms, 2s, 1m (default delay 0ms, damping 1s, drain-community 0ms)\n";

void options_usage(FILE *to)
{
	fputs(usage, to);
}

static int parse_hop(struct options *o, int key, const char *word, struct lb_err *err)
{
	struct lb_addr hop, *to;

	if (parse_addr(word, &hop, err))
		return -1;
	if (key == NEXT_HOP4 && hop.family != 6)
		return lb_bad_word(err, word,
				   "must be an IPv6 address: \"next-hop\" takes an IPv4 one");
	to = key == NEXT_HOP && hop.family == 6 ? &o->attrs.hop6 : &o->attrs.hop4;
	if (to->family)
		return lb_bad_word(err, word, "IPv%s routes have a next hop already",
				   to == &o->attrs.hop6 ? "6" : "4");
	*to = hop;
	return 0;
}

/* Appends a word to a list that a blank parts. */
static int append(char *list, size_t size, const char *word, struct lb_err *err)
{
	size_t len = strlen(list);

	if (len + strlen(word) + 2 > size)
		return lb_bad_word(err, word, "too many of them");
	if (len)
		list[len++] = ' ';
	memcpy(list + len, word, strlen(word) + 1);
	return 0;
}

static int parse_community(struct options *o, const char *word, struct lb_err *err)
{
	const char *colon = strchr(word, ':');
	char half[16];
	struct lb_err ignored;
	uint32_t n;

	if (colon && colon - word < 8) {
		memcpy(half, word, (size_t)(colon - word));
		half[colon - word] = '\0';
		if (!parse_u32(half, 0, 65535, &n, &ignored) &&
		    !parse_u32(colon + 1, 0, 65535, &n, &ignored))
			return append(o->attrs.community, sizeof(o->attrs.community), word, err);
	}
	return lb_bad_word(err, word, "must be two numbers of 0-65535, like 65000:1");
}

static int parse_neighbor(struct options *o, const char *word, struct lb_err *err)
{
	char text[LB_ADDR_STRLEN];
	struct lb_addr addr;

	if (parse_addr(word, &addr, err))
		return -1;
	format_addr(&addr, text);
	return append(o->attrs.neighbors, sizeof(o->attrs.neighbors), text, err);
}

static int parse_value(struct options *o, int key, const char *word, struct lb_err *err)
{
	uint32_t n;

	switch (key) {
	case NEXT_HOP:
	case NEXT_HOP4:
		return parse_hop(o, key, word, err);
	case MED:
		return parse_u32(word, 0, UINT32_MAX, &o->attrs.med, err);
	case COMMUNITY:
		return parse_community(o, word, err);
	case AS:
		return parse_u32(word, 1, UINT32_MAX, &o->attrs.as, err);
	case PREPEND:
		if (parse_u32(word, 1, 10, &n, err))
			return -1;
		o->attrs.prepend = (uint8_t)n;
		return 0;
	case NEIGHBOR:
		return parse_neighbor(o, word, err);
	case DELAY:
		return parse_time(word, 0, HOUR, &o->delays.first, err);
	case DAMPING:
		return parse_time(word, 0, HOUR, &o->delays.damping, err);
	default:
		return parse_time(word, 0, HOUR, &o->delays.drain, err);
	}
}

static int parse_name_of(const char **to, const char *word, struct lb_args *a, struct lb_err *err)
{
	const char *value;

	if (*to)
		return lb_bad_word(err, word, "given twice");
	if (lb_args_next(a, "NAME", &value, err))
		return lb_bad_word(err, word, "NAME is missing after it");
	*to = value;
	return 0;
}

/* One word that begins with a dash; one or two dashes are the same. */
static int parse_option(struct options *o, const char *word, struct lb_args *a, struct lb_err *err)
{
	const struct {
		const char *word, *letter;
		bool *flag;
	} flags[] = {
		{"Version", "V", &o->version}, {"version", "V", &o->version},
		{"help", "h", &o->help},       {"json", "j", &o->json},
		{"once", NULL, &o->once},      {"dry-run", NULL, &o->dry_run},
		{"alone", NULL, &o->alone},
	};
	const char *name = word + 1 + (word[1] == '-'), *value;
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (!strcmp(name, flags[i].word) ||
		    (flags[i].letter && !strcmp(name, flags[i].letter))) {
			*flags[i].flag = true;
			return 0;
		}
	if (!strcmp(name, "i") || !strcmp(name, "instance"))
		return parse_name_of(&o->instance, word, a, err);
	if (!strcmp(name, "n") || !strcmp(name, "netns"))
		return parse_name_of(&o->netns, word, a, err);
	if (!strcmp(name, "drain-community")) {
		if (lb_args_next(a, "TIME", &value, err))
			return lb_bad_word(err, word, "TIME is missing after it");
		return parse_value(o, DRAIN_COMMUNITY, value, err) ? lb_args_label(err, word) : 0;
	}
	return lb_bad_word(err, word,
			   "must be -i[nstance] NAME, -n[etns] NAME, -once, -alone, -dry-run, "
			   "-j[son], -h[elp] or -V[ersion]");
}

/* What no single word can tell. */
static int check(struct options *o, struct lb_err *err)
{
	const char *env = getenv("LB_INSTANCE");

	if (!o->instance)
		o->instance = env && *env ? env : "main";
	if (parse_name(o->instance, err))
		return lb_args_label(err, "instance");
	if (o->once && o->alone)
		return lb_usage(err, "-once and -alone exclude each other");
	if (!o->attrs.as != !o->attrs.prepend)
		return lb_usage(err, "\"as\" and \"prepend\" need each other");
	if (o->once || o->alone || o->attrs.hop4.family || o->attrs.hop6.family)
		return 0;
	return lb_usage(err, "next-hop ADDRESS is missing: the address by which routers reach this "
			     "node; without BGP: -alone");
}

int options_parse(struct options *o, int argc, char **argv, struct lb_err *err)
{
	struct lb_args a = {.word = (const char *const *)argv, .n = argc, .at = argc > 0};
	const char *word;
	uint32_t seen = 0;
	int key;

	*o = (struct options){.delays.damping = 1000};
	while ((word = lb_args_peek(&a)) && word[0] == '-' && word[1]) {
		a.at++;
		if (parse_option(o, word, &a, err))
			return -1;
	}
	if (o->help || o->version)
		return 0;
	word = lb_args_peek(&a);
	if (word && (o->once || o->alone))
		return lb_bad_word(err, word, "not with -%s, which announces nothing",
				   o->once ? "once" : "alone");
	while ((key = lb_args_pair(&a, keys, &seen, &word, err)) >= 0)
		if (parse_value(o, key, word, err))
			return lb_args_label(err, keys[key].word);
	return key == LB_ARGS_END ? check(o, err) : -1;
}
