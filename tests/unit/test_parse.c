/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers, names and choices, and what is said of words that are none. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "lib/parse.h"
#include "tests/unit/words.h"

Test(parse_u32, takes)
{
	static const struct {
		const char *word;
		uint32_t min, max, val;
	} rows[] = {
		{"0", 0, 0, 0},
		{"1", 1, 65535, 1},
		{"65535", 1, 65535, 65535},
		{"4294967295", 0, UINT32_MAX, UINT32_MAX},
		{"70000", 70000, 70000, 70000},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t val = ~rows[i].val;

		cr_expect(
			eq(int, parse_u32(rows[i].word, rows[i].min, rows[i].max, &val, &err), 0));
		cr_expect(eq(u32, val, rows[i].val), "%s", rows[i].word);
	}
}

Test(parse_u32, refuses)
{
	static const char *const words[] = {"",
					    "0",
					    "65536",
					    "70000",
					    "4294967296",
					    "4294967297",
					    "18446744073709551617",
					    "-1",
					    "+1",
					    " 1",
					    "1 ",
					    "0x10",
					    "1e3",
					    "1.0",
					    "1,000",
					    "ten",
					    "1a",
					    "99999999999999999999999999999999999"};
	uint32_t val;

	memset(&val, NOTHING, sizeof(val));
	for (size_t i = 0; i < COUNT(words); i++) {
		refused(parse_u32(words[i], 1, 65535, &val, &err), words[i], "must be 1-65535");
	}
	refused(parse_u32("010", 0, 99, &val, &err), "010", "leading zero: must be 0-99");
	refused(parse_u32("00", 0, 99, &val, &err), "00", "leading zero: must be 0-99");
	refused(parse_u32("\xd9\xa3", 0, 9, &val, &err), "\\xd9\\xa3", "must be 0-9");
	cr_expect(untouched(&val, sizeof(val)));
}

Test(parse_time, takes)
{
	static const struct {
		const char *word;
		uint32_t ms;
		const char *back;
	} rows[] = {
		{"0ms", 0, "0ms"},	 {"0s", 0, "0ms"},	     {"1ms", 1, "1ms"},
		{"500ms", 500, "500ms"}, {"1500ms", 1500, "1500ms"}, {"2000ms", 2000, "2s"},
		{"2s", 2000, "2s"},	 {"60s", 60000, "1m"},	     {"90s", 90000, "90s"},
		{"1m", 60000, "1m"},	 {"60m", 3600000, "60m"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char back[LB_TIME_STRLEN];
		uint32_t ms = ~rows[i].ms;

		cr_expect(eq(int, parse_time(rows[i].word, 0, 3600000, &ms, &err), 0));
		cr_expect(eq(u32, ms, rows[i].ms), "%s", rows[i].word);
		format_time(ms, back);
		cr_expect(eq(str, back, (char *)rows[i].back));
	}
}

Test(parse_time, refuses)
{
	static const char *const words[] = {
		"",	"s",	 "ms",
		"5",	"5h",	 "5 s",
		"-1s",	"1.5s",	 "99ms",
		"1m1s", "3601s", "4294967297ms",
		"1S",	"00s",	 "18446744073709551617ms",
		"05s",
	};
	uint32_t ms;

	memset(&ms, NOTHING, sizeof(ms));
	for (size_t i = 0; i < COUNT(words); i++)
		refused(parse_time(words[i], 100, 3600000, &ms, &err), words[i],
			"must be a time of 100ms to 60m, like 500ms, 2s or 1m");
	cr_expect(untouched(&ms, sizeof(ms)));
}

Test(parse_seconds, takes_and_refuses)
{
	static const char *const words[] = {"29s", "61m", "60", "29999ms", "1h", ""};
	uint32_t seconds = 0;

	cr_expect(eq(int, parse_seconds("30000ms", 30, 3600, &seconds, &err), 0));
	cr_expect(eq(u32, seconds, 30));
	cr_expect(eq(int, parse_seconds("60m", 30, 3600, &seconds, &err), 0));
	cr_expect(eq(u32, seconds, 3600));
	for (size_t i = 0; i < COUNT(words); i++)
		refused(parse_seconds(words[i], 30, 3600, &seconds, &err), words[i],
			"must be a time of 30s to 60m, like 500ms, 2s or 1m");
	refused(parse_seconds("30500ms", 30, 3600, &seconds, &err), "30500ms",
		"must be whole seconds");
	cr_expect(eq(u32, seconds, 3600));
}

Test(parse_hex64, takes_and_refuses)
{
	static const struct {
		const char *word;
		uint64_t val;
	} good[] = {
		{"0", 0},   {"00000000000000ff", 0xff},	      {"0xDEADbeef", 0xdeadbeef},
		{"0X1", 1}, {"ffffffffffffffff", UINT64_MAX},
	};
	static const char *const bad[] = {"",
					  "0x",
					  "x1",
					  "-1",
					  " 1",
					  "1 ",
					  "12g",
					  "0x0x1",
					  "00000000000000000",
					  "0x10000000000000000"};
	uint64_t val;

	for (size_t i = 0; i < COUNT(good); i++) {
		cr_expect(eq(int, parse_hex64(good[i].word, &val, &err), 0));
		cr_expect(eq(u64, val, good[i].val), "%s", good[i].word);
	}
	memset(&val, NOTHING, sizeof(val));
	for (size_t i = 0; i < COUNT(bad); i++) {
		refused(parse_hex64(bad[i], &val, &err), bad[i], "must be 1-16 hexadecimal digits");
	}
	cr_expect(untouched(&val, sizeof(val)));
}

Test(parse_name, takes)
{
	cr_expect(eq(int, parse_name("a", &err), 0));
	cr_expect(eq(int, parse_name("0-_Z", &err), 0));
	cr_expect(eq(int, parse_name("abcdefghijklmnopqrstuvwxyz01234", &err), 0), "31 characters");
}

Test(parse_name, refuses)
{
	static const char *const bad[] = {"",	 ".",  "..",  "-a",  "_a",   "a.b",	   "a/b",
					  "a b", " a", "a\n", "a:b", "a\"b", "caf\xc3\xa9"};

	for (size_t i = 0; i < COUNT(bad); i++) {
		cr_expect(eq(int, parse_name(bad[i], &err), -1), "%s", bad[i]);
		cr_expect(eq(int, err.status, LB_USAGE));
		cr_expect(ne(ptr, strstr(err.msg, "\": must be letters, digits, \"-\" and \"_\""),
			     NULL));
	}
	refused(parse_name("abcdefghijklmnopqrstuvwxyz012345", &err),
		"abcdefghijklmnopqrstuvwxyz012345", "must be at most 31 characters");
	refused(parse_name("a\x1b[31m", &err), "a\\x1b[31m",
		"must be letters, digits, \"-\" and \"_\", the first one a letter or digit");
}

static const char *const states[] = {"up", "drain", "down", NULL};
static const char *const verbs[] = {"add", "replace", "del", "show", "help", NULL};

Test(parse_choice, takes)
{
	int val = -1;

	cr_expect(eq(int, parse_choice("up", states, &val, &err), 0));
	cr_expect(eq(int, val, 0));
	cr_expect(eq(int, parse_choice("down", states, &val, &err), 0));
	cr_expect(eq(int, val, 2));
}

static void no_choice(const char *word, const char *const *words, const char *why)
{
	int val;

	memset(&val, NOTHING, sizeof(val));
	refused(parse_choice(word, words, &val, &err), word, why);
	cr_expect(untouched(&val, sizeof(val)));
}

#define VERBS "must be add, replace, del, show or help"

Test(parse_choice, refuses_and_suggests)
{
	no_choice("drian", states, "must be up, drain or down");
	no_choice("", states, "must be up, drain or down");
	no_choice("UP", states, "must be up, drain or down");
	no_choice("dr", states, "must be up, drain or down");
	no_choice("up ", states, "must be up, drain or down");
	no_choice("udp", (const char *const[]){"tcp", NULL}, "must be tcp");
	no_choice("on", (const char *const[]){"tcp", "udp", NULL}, "must be tcp or udp");
	no_choice("shwo", verbs, "did you mean \"show\"? " VERBS);
	no_choice("relpace", verbs, "did you mean \"replace\"? " VERBS);
	no_choice("helpp", verbs, "did you mean \"help\"? " VERBS);
	no_choice("list", verbs, VERBS);
	/* As near, but as much would change as there is. */
	no_choice("on", (const char *const[]){"up", "drain", "down", "idle", NULL},
		  "must be up, drain, down or idle");
	no_choice("oft", (const char *const[]){"on", "up", "ex", "by", NULL},
		  "must be on, up, ex or by");
	no_choice("ded", (const char *const[]){"del", "dem", "one", "two", NULL},
		  "must be del, dem, one or two"); /* two as near as each other */
}

Test(parse_choice, long_words_and_lists)
{
	static const char *many[101];
	char word[5000];
	int val;

	for (size_t i = 0; i < COUNT(many) - 1; i++)
		many[i] = "a-rather-long-choice";
	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	cr_expect(eq(int, parse_choice(word, states, &val, &err), -1));
	word[64] = '\0';
	cr_expect(eq(int, strncmp(err.msg + 1, word, 64), 0));
	cr_expect(eq(str, err.msg + 1 + 64, "...\": must be up, drain or down"));
	cr_expect(eq(int, parse_choice("x", many, &val, &err), -1));
	cr_expect(eq(sz, strlen(err.msg), LB_ERR_LEN - 1));
	cr_expect(eq(str, err.msg + LB_ERR_LEN - 4, "..."), "a cut list says so");
}
