/* SPDX-License-Identifier: GPL-2.0 */
#include <stdio.h>
#include <string.h>

#include "lbtool/pool_check.h"
#include "lib/parse.h"
#include "lib/quote.h"

#define INTERVAL_MIN 100 /* milliseconds */
#define INTERVAL_MAX 3600000
#define TIMEOUT_MIN 50
#define TIMEOUT_MAX 60000
#define RISE_MAX 100 /* of fall, too */

static const char *const off_on[] = {"off", "on", NULL};

const struct lb_key pool_keys[] = {
	[KEY_TABLE] = {"table", "SIZE", false},
	[KEY_ENCAP] = {"encap", "ipip|gue|dscp|l2", false},
	[KEY_MIN] = {"min", "N", false},
	[KEY_PANIC] = {"panic", "PERCENT", false},
	[KEY_DRAIN] = {"drain", "TIME", false},
	[KEY_GUE_PORT] = {"gue-port", "N", false},
	[KEY_CHECK] = {"check", "KIND", false},
	[KEY_DIRECT] = {"direct", "on|off", false},
	[KEY_PORT] = {"port", "N|vip", false},
	[KEY_INTERVAL] = {"interval", "TIME", false},
	[KEY_TIMEOUT] = {"timeout", "TIME", false},
	[KEY_RISE] = {"rise", "N", false},
	[KEY_FALL] = {"fall", "N", false},
	[KEY_STATUS] = {"status", "RANGE", false},
	[KEY_HOST] = {"host", "HOST", false},
	[KEY_PATH] = {"path", "PATH", false},
	[KEY_SEND] = {"send", "TEXT", false},
	[KEY_EXPECT] = {"expect", "TEXT", false},
	[KEY_COMMAND] = {"command", "PATH", false},
	[KEY_MAX] = {NULL, NULL, false},
};

#define KIND(k) (1u << LB_M_CHECK_##k)
#define WEB (KIND(HTTP) | KIND(HTTPS))
#define EVERY (WEB | KIND(TCP) | KIND(UDP) | KIND(EXEC))
#define FIELD(f) offsetof(struct lb_m_check, f), sizeof(((struct lb_m_check *)0)->f)

/* Where a keyword's value is, and which kinds it means something to. */
static const struct {
	size_t at, size;
	unsigned int kinds;
} settings[KEY_MAX] = {
	[KEY_CHECK] = {FIELD(kind), EVERY | KIND(NONE)},
	[KEY_DIRECT] = {FIELD(direct), EVERY},
	[KEY_PORT] = {FIELD(port), EVERY},
	[KEY_INTERVAL] = {FIELD(interval), EVERY},
	[KEY_TIMEOUT] = {FIELD(timeout), EVERY},
	[KEY_RISE] = {FIELD(rise), EVERY},
	[KEY_FALL] = {FIELD(fall), EVERY},
	/* Two fields that stand side by side. */
	[KEY_STATUS] = {offsetof(struct lb_m_check, status_min), 2 * sizeof(uint16_t), WEB},
	[KEY_HOST] = {FIELD(host), WEB},
	[KEY_PATH] = {FIELD(path), WEB},
	[KEY_SEND] = {FIELD(send), KIND(UDP)},
	[KEY_EXPECT] = {FIELD(expect), WEB | KIND(UDP)},
	[KEY_COMMAND] = {FIELD(command), KIND(EXEC)},
};
_Static_assert(offsetof(struct lb_m_check, status_max) ==
		       offsetof(struct lb_m_check, status_min) + sizeof(uint16_t),
	       "status is one setting");

/* Printable ASCII. A batch has no way to write a word with both kinds of quotes. */
static int parse_text(const char *word, char first, char *to, size_t size, struct lb_err *err)
{
	const char *p = word;

	while (*p >= first && *p <= '~')
		p++;
	if (*p)
		return lb_bad_word(err, word, "must be printable ASCII%s",
				   first > ' ' ? " without blanks" : "");
	if (strchr(word, '"') && strchr(word, '\''))
		return lb_bad_word(err, word, "must not have both kinds of quotes");
	if (strlen(word) >= size)
		return lb_bad_word(err, word, "must be at most %zu characters", size - 1);
	memcpy(to, word, strlen(word) + 1);
	return 0;
}

static int parse_path(const char *word, char *to, size_t size, struct lb_err *err)
{
	if (word[0] != '/')
		return lb_bad_word(err, word, "must begin with \"/\"");
	return parse_text(word, '!', to, size, err);
}

/* "" is none. */
static int parse_host(const char *word, char *to, size_t size, struct lb_err *err)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	struct lb_err ignored;
	struct lb_addr addr;

	if (word[strspn(word, allowed)] && parse_addr(word, &addr, &ignored))
		return lb_bad_word(
			err, word,
			"must be letters, digits, \".\", \"-\" and \"_\", or an address");
	return parse_text(word, '!', to, size, err);
}

static int parse_port(const char *word, uint16_t *port, struct lb_err *err)
{
	struct lb_err ignored;
	uint32_t n = 0;

	if (strcmp(word, "vip") != 0 && parse_u32(word, 1, UINT16_MAX, &n, &ignored))
		return lb_bad_word(err, word, "must be 1-65535 or vip");
	*port = (uint16_t)n;
	return 0;
}

static int parse_count(const char *word, uint8_t *to, struct lb_err *err)
{
	uint32_t n;

	if (parse_u32(word, 1, RISE_MAX, &n, err))
		return -1;
	*to = (uint8_t)n;
	return 0;
}

static int parse_status(const char *word, struct lb_m_check *c, struct lb_err *err)
{
	size_t len = strcspn(word, "-");
	struct lb_err ignored;
	uint32_t min, max;
	char first[4];

	if (len >= sizeof(first))
		goto bad;
	memcpy(first, word, len);
	first[len] = '\0';
	if (parse_u32(first, 100, 599, &min, &ignored) ||
	    parse_u32(word[len] ? word + len + 1 : first, 100, 599, &max, &ignored) || min > max)
		goto bad;
	c->status_min = (uint16_t)min;
	c->status_max = (uint16_t)max;
	return 0;
bad:
	return lb_bad_word(err, word, "must be a status of 100-599 or a range, like 200-399");
}

static int parse_enum(const char *word, const char *const *words, int *which, struct lb_err *err)
{
	*which = 0;
	return parse_choice(word, words, which, err);
}

int pool_check_parse(struct lb_m_check *c, enum pool_key key, const char *word, struct lb_err *err)
{
	int which, bad;

	switch (key) {
	case KEY_CHECK:
		bad = parse_enum(word, lb_check_names, &which, err);
		c->kind = (enum lb_m_check_kind)which;
		return bad;
	case KEY_DIRECT:
		bad = parse_enum(word, off_on, &which, err);
		c->direct = which;
		return bad;
	case KEY_PORT:
		return parse_port(word, &c->port, err);
	case KEY_INTERVAL:
		return parse_time(word, INTERVAL_MIN, INTERVAL_MAX, &c->interval, err);
	case KEY_TIMEOUT:
		return parse_time(word, TIMEOUT_MIN, TIMEOUT_MAX, &c->timeout, err);
	case KEY_RISE:
		return parse_count(word, &c->rise, err);
	case KEY_FALL:
		return parse_count(word, &c->fall, err);
	case KEY_STATUS:
		return parse_status(word, c, err);
	case KEY_HOST:
		return parse_host(word, c->host, sizeof(c->host), err);
	case KEY_PATH:
		return parse_path(word, c->path, sizeof(c->path), err);
	case KEY_SEND:
		return parse_text(word, ' ', c->send, sizeof(c->send), err);
	case KEY_EXPECT:
		return parse_text(word, ' ', c->expect, sizeof(c->expect), err);
	default:
		return parse_path(word, c->command, sizeof(c->command), err);
	}
}

/* "http or https" */
static void list_kinds(unsigned int kinds, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (int k = 0; lb_check_names[k] && len < size; k++) {
		unsigned int rest = kinds >> k >> 1;

		if (kinds & 1u << k)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", lb_check_names[k],
						!rest		    ? ""
						: rest & (rest - 1) ? ", "
								    : " or ");
	}
}

int pool_check_suits(enum lb_m_check_kind kind, uint32_t given, struct lb_err *err)
{
	char kinds[64];

	for (int key = KEY_CHECK; key < KEY_MAX; key++) {
		if (!(given & 1u << key) || settings[key].kinds & 1u << kind)
			continue;
		list_kinds(settings[key].kinds, kinds, sizeof(kinds));
		return lb_bad_word(err, pool_keys[key].word,
				   "means nothing to \"check %s\": is for check %s",
				   lb_check_names[kind], kinds);
	}
	return 0;
}

int pool_check_whole(const struct lb_m_check *c, struct lb_err *err)
{
	char interval[LB_TIME_STRLEN], timeout[LB_TIME_STRLEN];

	if (c->kind == LB_M_CHECK_NONE)
		return 0;
	if (c->kind == LB_M_CHECK_EXEC && !c->command[0])
		return lb_usage(err, "\"check exec\": command PATH is missing");
	if (c->timeout <= c->interval)
		return 0;
	format_time(c->interval, interval);
	format_time(c->timeout, timeout);
	return lb_usage(err, "timeout \"%s\" is longer than interval \"%s\": name both", timeout,
			interval);
}

static void copy(struct lb_m_check *to, const struct lb_m_check *from, int key)
{
	memcpy((char *)to + settings[key].at, (const char *)from + settings[key].at,
	       settings[key].size);
}

void pool_check_merge(struct lb_m_check *c, const struct lb_m_check *named, uint32_t given)
{
	struct lb_m_check old = *c;
	bool change = given & 1u << KEY_CHECK && named->kind != old.kind;

	if (change || old.kind == LB_M_CHECK_NONE)
		*c = lb_check_default;
	for (int key = KEY_CHECK; key < KEY_MAX; key++) {
		bool kept = settings[key].kinds == EVERY && named->kind && old.kind;

		if (given & 1u << key)
			copy(c, named, key);
		else if (change && kept)
			copy(c, &old, key);
	}
}

const char *pool_check_differs(const struct lb_m_check *a, const struct lb_m_check *b,
			       uint32_t given)
{
	for (int key = KEY_CHECK; key < KEY_MAX; key++) {
		const char *x = (const char *)a + settings[key].at;
		const char *y = (const char *)b + settings[key].at;

		if (!(given & 1u << key))
			continue;
		if (key >= KEY_HOST ? strcmp(x, y) : memcmp(x, y, settings[key].size))
			return pool_keys[key].word;
	}
	return NULL;
}

static void show_time(struct tool *t, const char *key, const char *key_ms, uint32_t ms)
{
	char text[LB_TIME_STRLEN];

	format_time(ms, text);
	if (t->look.json)
		lb_out_u64(t->out, key_ms, ms);
	else
		lb_out_str(t->out, key, text, LB_PLAIN);
}

static void show_text(struct tool *t, enum pool_key key, const char *value, const char *usual)
{
	char quoted[sizeof(lb_check_default.host) + 2];

	if (!t->look.json && !strcmp(value, usual))
		return;
	if (!t->look.json)
		value = lb_quote(value, quoted, sizeof(quoted));
	if (value[0])
		lb_out_str(t->out, pool_keys[key].word, value, LB_PLAIN);
}

static void show_status(struct tool *t, const struct lb_m_check *c)
{
	const struct lb_m_check *usual = &lb_check_default;
	char text[16];

	if (!t->look.json && c->status_min == usual->status_min &&
	    c->status_max == usual->status_max)
		return;
	snprintf(text, sizeof(text), "%u-%u", c->status_min, c->status_max);
	if (c->status_min == c->status_max)
		*strchr(text, '-') = '\0';
	lb_out_str(t->out, "status", text, LB_PLAIN);
}

void pool_check_show(struct tool *t, const struct lb_m_check *c)
{
	const struct lb_m_check *usual = &lb_check_default;
	bool web = WEB & 1u << c->kind;

	if (t->look.json || c->kind != LB_M_CHECK_NONE)
		lb_out_str(t->out, "check", lb_check_names[c->kind], LB_PLAIN);
	if (c->kind == LB_M_CHECK_NONE)
		return;
	if (t->look.json || c->direct)
		lb_out_bool(t->out, "direct", c->direct);
	if (c->port)
		lb_out_u64(t->out, "port", c->port);
	show_time(t, "interval", "interval_ms", c->interval);
	show_time(t, "timeout", "timeout_ms", c->timeout);
	lb_out_u64(t->out, "rise", c->rise);
	lb_out_u64(t->out, "fall", c->fall);
	if (web) {
		show_status(t, c);
		show_text(t, KEY_HOST, c->host, usual->host);
		show_text(t, KEY_PATH, c->path, usual->path);
	}
	show_text(t, KEY_SEND, c->send, usual->send);
	show_text(t, KEY_EXPECT, c->expect, usual->expect);
	show_text(t, KEY_COMMAND, c->command, usual->command);
}
