/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fuzz_parse - one word through the parsers. The first byte chooses which; the rest is the word.
 *
 * What is accepted must come back from its format function and be read to the same value; addresses must agree with
 * inet_pton(3), numbers with strtoull(3), in both directions.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>

#include "lib/parse.h"
#include "tests/fuzz/must.h"

#define WORD_MAX 600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same rules in other words: what unicast addresses are. */
static int unicast(int family, const uint8_t *b)
{
	static const uint8_t zero[16], mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (family == 4)
		return memcmp(b, zero, 4) != 0 && memcmp(b, "\xff\xff\xff\xff", 4) != 0 &&
		       (b[0] < 224 || b[0] > 239);
	return memcmp(b, zero, 16) != 0 && b[0] != 0xff && memcmp(b, mapped, 12) != 0;
}

static void word_addr(const char *word)
{
	struct lb_addr a, again;
	char text[LB_ADDR_STRLEN];
	struct lb_err err = {0};
	uint8_t b[16] = {0};
	int family = inet_pton(AF_INET, word, b) == 1	 ? 4
		     : inet_pton(AF_INET6, word, b) == 1 ? 6
							 : 0;

	memset(&a, 0xa5, sizeof(a));
	if (parse_addr(word, &a, &err)) {
		must_be_said(&err, 0);
		must(!family || !unicast(family, b));
		must(a.family == 0xa5); /* written on success only */
		return;
	}
	must(a.family == 4 || a.family == 6);
	must(unicast(a.family, a.b));
	if (word[0] != '[')
		must(a.family == family && !memcmp(a.b, b, sizeof(b)));
	format_addr(&a, text);
	must(!parse_addr(text, &again, &err) && !lb_addr_cmp(&a, &again));
}

static void word_net(const char *word)
{
	struct lb_net n, again;
	char text[LB_ADDR_STRLEN + 4];
	struct lb_err err = {0};

	if (parse_net(word, &n, &err)) {
		must_be_said(&err, 0);
		return;
	}
	must(n.len <= (n.addr.family == 4 ? 32 : 128));
	must(lb_net_has(&n, &n.addr)); /* no host bits */
	format_net(&n, text);
	must(!parse_net(text, &again, &err));
	must(!lb_addr_cmp(&n.addr, &again.addr) && n.len == again.len);
}

static void word_service(const char *word)
{
	struct lb_service s, again;
	char text[LB_SERVICE_STRLEN];
	struct lb_err err = {0};

	if (parse_service(word, &s, &err)) {
		must_be_said(&err, 0);
		return;
	}
	must(unicast(s.addr.family, s.addr.b));
	must(s.proto == IPPROTO_TCP || s.proto == IPPROTO_UDP);
	must((s.addr.family == 6) == (word[0] == '['));
	format_service(&s, text);
	must(!parse_service(text, &again, &err) && !lb_service_cmp(&s, &again));
}

static int only(const char *word, const char *set)
{
	return *word && !word[strspn(word, set)];
}

static void word_number(const char *word)
{
	uint32_t val = 77, min = 5, max = 4000000000u;
	struct lb_err err = {0};
	unsigned long long v;
	int right;

	errno = 0;
	v = strtoull(word, NULL, 10);
	right = only(word, "0123456789") && !errno && v >= min && v <= max;
	if (parse_u32(word, min, max, &val, &err)) {
		must_be_said(&err, 0);
		must(val == 77);
		must(!right || (word[0] == '0' && word[1])); /* it may refuse leading zeros */
		return;
	}
	must(right && val == v);
}

static void word_hex(const char *word)
{
	const char *digits = word + (word[0] == '0' && (word[1] == 'x' || word[1] == 'X') ? 2 : 0);
	int right = only(digits, "0123456789abcdefABCDEF") && strlen(digits) <= 16;
	struct lb_err err = {0};
	uint64_t val;

	if (parse_hex64(word, &val, &err)) {
		must_be_said(&err, 0);
		must(!right || word[1] == 'X');
		return;
	}
	must(right && val == strtoull(digits, NULL, 16));
}

static void word_name(const char *word)
{
	struct lb_err err = {0};
	int right = strlen(word) <= LB_NAME_MAX && word[0] != '-' && word[0] != '_' &&
		    only(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	if (parse_name(word, &err)) {
		must_be_said(&err, 0);
		must(!right);
	} else {
		must(right);
	}
}

static void word_choice(const char *word)
{
	static const char *const words[] = {"add", "replace", "del", "show", "help", NULL};
	struct lb_err err = {0};
	int val;

	if (parse_choice(word, words, &val, &err))
		must_be_said(&err, 0);
	else
		must(!strcmp(word, words[val]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const word[])(const char *) = {
		word_addr, word_net, word_service, word_number, word_hex, word_name, word_choice};
	char buf[WORD_MAX];

	if (!size || size > sizeof(buf))
		return 0;
	memcpy(buf, data + 1, size - 1);
	buf[size - 1] = '\0';
	word[data[0] % (sizeof(word) / sizeof(word[0]))](buf);
	return 0;
}
