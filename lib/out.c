// SPDX-License-Identifier: GPL-2.0
/* out.c - one print call for text and for JSON: jansson keeps the one, a buffer the other. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/out.h"

#define JSON_SPACES 4 /* as iproute2's -pretty */
#define REAL_DIGITS 15 /* that a double holds for certain: 0.33 stays 0.33 */
#define NUMBER_LEN 352 /* the longest double, "%.17f" of 1e308 */

struct lb_out {
	struct lb_out_options opt;
	json_t *array, *object; /* object: between begin and end, owned by array */
	FILE *text; /* writes to buf */
	char *buf;
	size_t len;
	bool open; /* between begin and end */
	bool more; /* the next word begins a line */
	bool words; /* the line has some */
	int failed; /* errno of the first thing that went wrong */
};

static void fail(struct lb_out *o, int error)
{
	if (!o->failed)
		o->failed = error;
}

struct lb_out *lb_out_new(const struct lb_out_options *opt)
{
	struct lb_out *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->opt = *opt;
	if (opt->json)
		o->array = json_array();
	else
		o->text = open_memstream(&o->buf, &o->len);
	if (!o->array && !o->text) {
		free(o);
		return NULL;
	}
	return o;
}

void lb_out_free(struct lb_out *o)
{
	if (!o)
		return;
	json_decref(o->array);
	if (o->text)
		fclose(o->text);
	free(o->buf);
	free(o);
}

/* Names come from the kernel too, and a device may be called anything: control characters, and in
 * JSON bytes that are no UTF-8, are written as \xNN. NULL when memory is short. */
static char *clean(const char *s, bool ascii)
{
	char *to = malloc(strlen(s) * 4 + 1), *p = to;

	if (!to)
		return NULL;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == 0x7f || (ascii && c >= 0x80))
			p += sprintf(p, "\\x%02x", c);
		else
			*p++ = (char)c;
	}
	*p = '\0';
	return to;
}

/* Does the key belong here? Calls out of order are a fault of the caller's, and flush() says so. */
static bool ready(struct lb_out *o)
{
	if (!o->open)
		fail(o, EINVAL);
	return o->open;
}

static void set(struct lb_out *o, const char *key, json_t *value)
{
	if (!value || json_object_set_new(o->object, key, value) < 0)
		fail(o, ENOMEM);
}

static json_t *string(const char *value)
{
	json_t *s = json_string(value);
	char *copy;

	if (s)
		return s;
	copy = clean(value, true);
	if (copy)
		s = json_string(copy);
	free(copy);
	return s;
}

/* iproute2's colours: interfaces cyan, IPv4 magenta, IPv6 blue, up green, down red. */
static const char *escape(const char *value, enum lb_color color)
{
	switch (color) {
	case LB_NAME:
		return "\033[36m";
	case LB_ADDRESS:
		return strchr(value, ':') != strrchr(value, ':') ? "\033[34m" : "\033[35m";
	case LB_GOOD:
		return "\033[32m";
	case LB_WARN:
		return "\033[33m";
	case LB_BAD:
		return "\033[31m";
	case LB_PLAIN:
		break;
	}
	return "";
}

/* What stands between two words: a blank, or what begins a further line. */
static void separate(struct lb_out *o)
{
	if (o->more)
		fputs(o->opt.oneline ? "\\\t" : "\n\t", o->text);
	else if (o->words)
		fputc(' ', o->text);
	o->more = false;
	o->words = true;
}

/* "key value", or the value alone when there is no key. */
static void text(struct lb_out *o, const char *key, const char *value, enum lb_color color)
{
	const char *begin = o->opt.color ? escape(value, color) : "";
	char *copy = clean(value, false);

	if (!copy) {
		fail(o, ENOMEM);
		return;
	}
	separate(o);
	if (key)
		fprintf(o->text, "%s ", key);
	fprintf(o->text, "%s%s%s", begin, copy, *begin ? "\033[0m" : "");
	free(copy);
}

void lb_out_begin(struct lb_out *o)
{
	if (o->open)
		fail(o, EINVAL);
	o->open = true;
	o->words = o->more = false;
	if (!o->opt.json)
		return;
	o->object = json_object();
	if (!o->object || json_array_append_new(o->array, o->object) < 0)
		fail(o, ENOMEM);
}

void lb_out_end(struct lb_out *o)
{
	if (!ready(o))
		return;
	o->open = false;
	o->object = NULL;
	if (o->text)
		fputc('\n', o->text);
}

void lb_out_name(struct lb_out *o, const char *key, const char *value, enum lb_color color)
{
	if (!ready(o))
		return;
	if (o->opt.json)
		set(o, key, string(value));
	else
		text(o, NULL, value, color);
}

void lb_out_str(struct lb_out *o, const char *key, const char *value, enum lb_color color)
{
	if (!ready(o))
		return;
	if (o->opt.json)
		set(o, key, string(value));
	else
		text(o, key, value, color);
}

void lb_out_note(struct lb_out *o, const char *note, enum lb_color color)
{
	if (ready(o) && !o->opt.json)
		text(o, NULL, note, color);
}

void lb_out_u64(struct lb_out *o, const char *key, uint64_t value)
{
	char number[NUMBER_LEN];

	if (!ready(o))
		return;
	if (o->opt.json) {
		set(o, key,
		    value <= INT64_MAX ? json_integer((json_int_t)value)
				       : json_real((double)value));
		return;
	}
	snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
	text(o, key, number, LB_PLAIN);
}

void lb_out_real(struct lb_out *o, const char *key, double value, int decimals)
{
	char number[NUMBER_LEN];

	if (!ready(o) || !isfinite(value))
		return;
	snprintf(number, sizeof(number), "%.*f", decimals, value);
	if (o->opt.json)
		set(o, key, json_real(strtod(number, NULL)));
	else
		text(o, key, number, LB_PLAIN);
}

void lb_out_bool(struct lb_out *o, const char *key, bool value)
{
	if (!ready(o))
		return;
	if (o->opt.json)
		set(o, key, json_boolean(value));
	else
		text(o, key, value ? "on" : "off", LB_PLAIN);
}

void lb_out_item(struct lb_out *o, const char *key, const char *value, enum lb_color color)
{
	json_t *list;

	if (!ready(o))
		return;
	if (!o->opt.json) {
		text(o, key, value, color);
		return;
	}
	list = json_object_get(o->object, key);
	if (!list) {
		set(o, key, json_array());
		list = json_object_get(o->object, key);
	}
	if (json_array_append_new(list, string(value)) < 0)
		fail(o, list && !json_is_array(list) ? EINVAL : ENOMEM);
}

void lb_out_more(struct lb_out *o)
{
	if (ready(o) && !o->opt.json)
		o->more = o->words;
}

/* The array's objects one after the other, a line each. */
static int dump_lines(struct lb_out *o, size_t flags)
{
	FILE *to = open_memstream(&o->buf, &o->len);
	json_t *object;
	size_t i;
	int bad = 0;

	if (!to)
		return -1;
	json_array_foreach(o->array, i, object)
		bad |= json_dumpf(object, to, flags) || fputc('\n', to) == EOF;
	return fclose(to) || bad ? -1 : 0;
}

static int dump(struct lb_out *o)
{
	size_t flags = JSON_REAL_PRECISION(REAL_DIGITS) |
		       (o->opt.pretty ? JSON_INDENT(JSON_SPACES) : JSON_COMPACT);

	free(o->buf);
	o->buf = NULL;
	if (o->opt.lines)
		return dump_lines(o, flags);
	o->buf = json_dumps(o->array, flags);
	o->len = o->buf ? strlen(o->buf) : 0;
	return o->buf ? 0 : -1;
}

/* The whole of the output in o->buf, of o->len bytes. */
static int gather(struct lb_out *o)
{
	if (o->open)
		fail(o, EINVAL);
	if (o->text) {
		if (fflush(o->text) == EOF || ferror(o->text))
			fail(o, ENOMEM);
	} else if (!o->failed && dump(o)) {
		fail(o, ENOMEM);
	}
	return o->failed;
}

int lb_out_flush(struct lb_out *o, FILE *to, struct lb_err *err)
{
	bool newline = o->opt.json && !o->opt.lines;
	int error = gather(o);

	if (error)
		return lb_fail(err, "cannot put the output together: %s", strerror(error));
	errno = 0;
	if (fwrite(o->buf, 1, o->len, to) != o->len || (newline && fputc('\n', to) == EOF) ||
	    fflush(to) == EOF || ferror(to))
		return lb_fail(err, "cannot write the output: %s", strerror(errno ? errno : EIO));
	if (o->text)
		rewind(o->text);
	else
		json_array_clear(o->array);
	return 0;
}
