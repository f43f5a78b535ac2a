// SPDX-License-Identifier: GPL-2.0
/* parse.c - numbers, names and choices; addresses are in parse_addr.c. */
#include <stdio.h>
#include <string.h>

#include "lib/parse.h"

#define HEX64_DIGITS 16
#define NEAR 2 /* letters that a mistyped word may be away from the one it was meant to be */
#define NEAR_LEN 32 /* words longer than this are not compared */
#define NEAR_FROM 4 /* words that a list needs before the right one is worth pointing out */

/* strtoul() and its like take blanks, signs and other bases; isdigit() asks the locale. */
static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The value of a hexadecimal digit, or -1. */
static int hex(char c)
{
	if (digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int parse_u32(const char *word, uint32_t min, uint32_t max, uint32_t *val, struct lb_err *err)
{
	uint64_t v = 0;
	const char *p;

	for (p = word; digit(*p) && v <= UINT32_MAX; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	/* 010 is 8 to some tools and 10 to others. */
	if (p > word && !*p && word[0] == '0' && word[1])
		return lb_bad_word(err, word, "leading zero: must be %u-%u", min, max);
	if (p == word || *p || v < min || v > max)
		return lb_bad_word(err, word, "must be %u-%u", min, max);
	*val = (uint32_t)v;
	return 0;
}

int parse_hex64(const char *word, uint64_t *val, struct lb_err *err)
{
	const char *first = word, *p;
	uint64_t v = 0;

	if (first[0] == '0' && (first[1] == 'x' || first[1] == 'X'))
		first += 2;
	for (p = first; hex(*p) >= 0 && p - first < HEX64_DIGITS; p++)
		v = v << 4 | (uint64_t)hex(*p);
	if (p == first || *p)
		return lb_bad_word(err, word, "must be 1-%d hexadecimal digits", HEX64_DIGITS);
	*val = v;
	return 0;
}

static const struct {
	const char *name;
	uint32_t ms;
} time_units[] = {{"m", 60000}, {"s", 1000}, {"ms", 1}};

#define TIME_UNITS (sizeof(time_units) / sizeof(*time_units))

void format_time(uint32_t ms, char buf[LB_TIME_STRLEN])
{
	size_t i = 0;

	while (i + 1 < TIME_UNITS && (!ms || ms % time_units[i].ms))
		i++;
	snprintf(buf, LB_TIME_STRLEN, "%u%s", ms / time_units[i].ms, time_units[i].name);
}

int parse_time(const char *word, uint32_t min_ms, uint32_t max_ms, uint32_t *ms, struct lb_err *err)
{
	char min[LB_TIME_STRLEN], max[LB_TIME_STRLEN];
	uint64_t v = 0;
	const char *p;
	size_t i;

	for (p = word; digit(*p) && v <= UINT32_MAX; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	for (i = 0; i < TIME_UNITS && strcmp(p, time_units[i].name) != 0; i++)
		;
	v *= i < TIME_UNITS ? time_units[i].ms : 0;
	format_time(min_ms, min);
	format_time(max_ms, max);
	if (p == word || i == TIME_UNITS || (word[0] == '0' && digit(word[1])) || v < min_ms ||
	    v > max_ms)
		return lb_bad_word(err, word, "must be a time of %s to %s, like 500ms, 2s or 1m",
				   min, max);
	*ms = (uint32_t)v;
	return 0;
}

int parse_seconds(const char *word, uint32_t min, uint32_t max, uint32_t *seconds,
		  struct lb_err *err)
{
	uint32_t ms = 0;

	if (parse_time(word, min * 1000, max * 1000, &ms, err))
		return -1;
	if (ms % 1000)
		return lb_bad_word(err, word, "must be whole seconds");
	*seconds = ms / 1000;
	return 0;
}

int parse_name(const char *word, struct lb_err *err)
{
	const char *p = word;

	while (digit(*p) || letter(*p) || (p > word && (*p == '-' || *p == '_')))
		p++;
	if (p == word || *p)
		return lb_bad_word(err, word,
				   "must be letters, digits, \"-\" and \"_\", the first one a "
				   "letter or digit");
	if (p - word > LB_NAME_MAX)
		return lb_bad_word(err, word, "must be at most %d characters", LB_NAME_MAX);
	return 0;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time. Words longer than NEAR_LEN are far. */
static unsigned int distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b), i, j;
	unsigned int row[NEAR_LEN + 1], diagonal, above;

	if (a_len > NEAR_LEN || b_len > NEAR_LEN)
		return NEAR + 1;
	for (j = 0; j <= b_len; j++)
		row[j] = j;
	for (i = 1; i <= a_len; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= b_len; j++) {
			above = row[j];
			row[j] = least(least(above, row[j - 1]) + 1,
				       diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_len];
}

/* The one word that was most likely meant, or NULL: "on" is no likely "up" or "down", though both are 2 away. */
static const char *nearest(const char *word, const char *const *words)
{
	unsigned int best = NEAR + 1;
	const char *found = NULL;

	for (; *words; words++) {
		unsigned int d = distance(word, *words);

		if (d > best || d > NEAR || d >= strlen(*words) || d >= strlen(word))
			continue;
		found = d < best ? *words : NULL;
		best = d;
	}
	return found;
}

/* "must be up, drain or down", as far as it goes; lb_bad_word() shows that a list was cut. */
static void list(const char *const *words, char *buf, size_t size)
{
	size_t len = 0;
	int n;

	buf[0] = '\0';
	for (; *words && len < size; words++, len += (size_t)n) {
		const char *sep = !words[1] ? "" : !words[2] ? " or " : ", ";

		n = snprintf(buf + len, size - len, "%s%s", *words, sep);
		if (n < 0)
			return;
	}
}

int parse_choice(const char *word, const char *const *words, int *val, struct lb_err *err)
{
	char all[LB_ERR_LEN];
	const char *near;
	int n;

	for (n = 0; words[n]; n++) {
		if (strcmp(word, words[n]) == 0) {
			*val = n;
			return 0;
		}
	}
	list(words, all, sizeof(all));
	near = nearest(word, words);
	if (near && n >= NEAR_FROM)
		return lb_bad_word(err, word, "did you mean \"%s\"? must be %s", near, all);
	return lb_bad_word(err, word, "must be %s", all);
}
