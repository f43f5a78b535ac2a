/* SPDX-License-Identifier: GPL-2.0 */
/* One print call for text and for JSON: the bytes that reach the stream. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/out.h"

static const struct lb_out_options text = {0}, json = {.json = true};
static const struct lb_out_options oneline = {.oneline = true}, color = {.color = true};
static const struct lb_out_options pretty = {.json = true, .pretty = true};

static struct lb_err err;

/* What show() prints under the options must be `want`, byte for byte. */
static void expect(const struct lb_out_options *opt, void (*show)(struct lb_out *o),
		   const char *want)
{
	struct lb_out *o = lb_out_new(opt);
	char *got = NULL;
	size_t len;
	FILE *to = open_memstream(&got, &len);

	cr_assert(ne(ptr, o, NULL));
	show(o);
	cr_expect(eq(int, lb_out_flush(o, to, &err), 0), "%s", err.msg);
	fclose(to);
	cr_expect(eq(str, got, (char *)want));
	lb_out_free(o);
	free(got);
}

static void nothing(struct lb_out *o)
{
	(void)o;
}

Test(out, nothing)
{
	expect(&text, nothing, "");
	expect(&oneline, nothing, "");
	expect(&json, nothing, "[]\n");
	expect(&pretty, nothing, "[]\n");
	lb_out_free(NULL);
}

static void two_vips(struct lb_out *o)
{
	lb_out_begin(o);
	lb_out_name(o, "vip", "192.0.2.1:80/tcp", LB_ADDRESS);
	lb_out_str(o, "pool", "web", LB_NAME);
	lb_out_bool(o, "session", true);
	lb_out_note(o, "(new)", LB_WARN);
	lb_out_more(o);
	lb_out_u64(o, "packets", 0);
	lb_out_u64(o, "bytes", 1500);
	lb_out_more(o);
	lb_out_real(o, "share", 33.333, 2);
	lb_out_end(o);
	lb_out_begin(o);
	lb_out_name(o, "vip", "[2001:db8::1]:any/udp", LB_ADDRESS);
	lb_out_bool(o, "session", false);
	lb_out_str(o, "state", "up", LB_GOOD);
	lb_out_str(o, "health", "down", LB_BAD);
	lb_out_end(o);
}

Test(out, text_lines)
{
	expect(&text, two_vips,
	       "192.0.2.1:80/tcp pool web session on (new)\n"
	       "\tpackets 0 bytes 1500\n"
	       "\tshare 33.33\n"
	       "[2001:db8::1]:any/udp session off state up health down\n");
}

static void one_vip(struct lb_out *o)
{
	lb_out_begin(o);
	lb_out_name(o, "vip", "192.0.2.1:80/tcp", LB_ADDRESS);
	lb_out_end(o);
	lb_out_begin(o);
	lb_out_u64(o, "lost", 3);
	lb_out_end(o);
}

Test(out, without_an_end)
{
	static const struct lb_out_options lines = {.json = true, .lines = true},
					   plain = {.lines = true};

	expect(&lines, one_vip, "{\"vip\":\"192.0.2.1:80/tcp\"}\n{\"lost\":3}\n");
	expect(&lines, nothing, "");
	expect(&plain, one_vip, "192.0.2.1:80/tcp\nlost 3\n");
}

Test(out, one_line)
{
	expect(&oneline, two_vips,
	       "192.0.2.1:80/tcp pool web session on (new)\\\tpackets 0 bytes 1500\\\tshare 33.33\n"
	       "[2001:db8::1]:any/udp session off state up health down\n");
}

Test(out, colours)
{
	expect(&color, two_vips,
	       "\033[35m192.0.2.1:80/tcp\033[0m pool \033[36mweb\033[0m session on "
	       "\033[33m(new)\033[0m\n"
	       "\tpackets 0 bytes 1500\n"
	       "\tshare 33.33\n"
	       "\033[34m[2001:db8::1]:any/udp\033[0m session off state \033[32mup\033[0m "
	       "health \033[31mdown\033[0m\n");
}

/* Keys in the order of the calls; what is text's only (notes, colours, breaks) leaves no trace. */
Test(out, json_document)
{
	struct lb_out_options opt = {.json = true, .color = true, .oneline = true};
	const char *want = "[{\"vip\":\"192.0.2.1:80/tcp\",\"pool\":\"web\",\"session\":true,"
			   "\"packets\":0,\"bytes\":1500,\"share\":33.33},"
			   "{\"vip\":\"[2001:db8::1]:any/udp\",\"session\":false,\"state\":\"up\","
			   "\"health\":\"down\"}]\n";

	expect(&json, two_vips, want);
	expect(&opt, two_vips, want);
}

static void one_list(struct lb_out *o)
{
	lb_out_begin(o);
	lb_out_name(o, "dev", "eth0", LB_NAME);
	lb_out_item(o, "from", "10.0.0.0/8", LB_ADDRESS);
	lb_out_item(o, "from", "2001:db8::/32", LB_ADDRESS);
	lb_out_u64(o, "mss", 1400);
	lb_out_end(o);
}

Test(out, json_pretty)
{
	expect(&pretty, one_list,
	       "[\n"
	       "    {\n"
	       "        \"dev\": \"eth0\",\n"
	       "        \"from\": [\n"
	       "            \"10.0.0.0/8\",\n"
	       "            \"2001:db8::/32\"\n"
	       "        ],\n"
	       "        \"mss\": 1400\n"
	       "    }\n"
	       "]\n");
}

Test(out, lists)
{
	expect(&text, one_list, "eth0 from 10.0.0.0/8 from 2001:db8::/32 mss 1400\n");
	expect(&json, one_list,
	       "[{\"dev\":\"eth0\",\"from\":[\"10.0.0.0/8\",\"2001:db8::/32\"],\"mss\":1400}]\n");
}

static void breaks(struct lb_out *o)
{
	lb_out_begin(o);
	lb_out_more(o);
	lb_out_str(o, "a", "1", LB_PLAIN);
	lb_out_more(o);
	lb_out_more(o);
	lb_out_str(o, "b", "2", LB_PLAIN);
	lb_out_more(o);
	lb_out_end(o);
	lb_out_begin(o);
	lb_out_str(o, "c", "3", LB_PLAIN);
	lb_out_end(o);
}

/* No line is empty: a break is made when something follows it, and not at the object's begin. */
Test(out, breaks_without_words)
{
	expect(&text, breaks, "a 1\n\tb 2\nc 3\n");
	expect(&oneline, breaks, "a 1\\\tb 2\nc 3\n");
}

static void numbers(struct lb_out *o)
{
	lb_out_begin(o);
	lb_out_u64(o, "a", 9007199254740993);
	lb_out_u64(o, "b", INT64_MAX);
	lb_out_real(o, "c", 0.1 + 0.2, 3);
	lb_out_real(o, "d", -1.005, 1);
	lb_out_real(o, "e", NAN, 1);
	lb_out_real(o, "f", INFINITY, 1);
	lb_out_real(o, "g", 2.0 / 3, 0);
	lb_out_end(o);
}

Test(out, numbers)
{
	expect(&text, numbers, "a 9007199254740993 b 9223372036854775807 c 0.300 d -1.0 g 1\n");
	expect(&json, numbers,
	       "[{\"a\":9007199254740993,\"b\":9223372036854775807,\"c\":0.3,\"d\":-1.0,"
	       "\"g\":1.0}]\n");
}

static void big(struct lb_out *o)
{
	lb_out_begin(o);
	lb_out_u64(o, "a", UINT64_MAX);
	lb_out_u64(o, "b", (uint64_t)INT64_MAX + 1);
	lb_out_end(o);
}

/* Above what jansson's integers hold the number stays one, positive, and loses digits only. */
Test(out, numbers_above_63_bits)
{
	expect(&text, big, "a 18446744073709551615 b 9223372036854775808\n");
	expect(&json, big, "[{\"a\":1.84467440737096e19,\"b\":9.22337203685478e18}]\n");
}

static void strange(struct lb_out *o)
{
	lb_out_begin(o);
	lb_out_name(o, "dev", "e\x1b[31m\"\\", LB_NAME);
	lb_out_str(o, "utf", "caf\xc3\xa9", LB_PLAIN);
	lb_out_str(o, "not", "\xff\xc3\n", LB_PLAIN);
	lb_out_item(o, "item", "\x80", LB_PLAIN);
	lb_out_end(o);
}

/* A device may be called anything: nothing of it reaches the terminal as a command, and JSON is UTF-8. */
Test(out, strange_names)
{
	expect(&text, strange, "e\\x1b[31m\"\\ utf caf\xc3\xa9 not \xff\xc3\\x0a item \x80\n");
	expect(&json, strange,
	       "[{\"dev\":\"e\\u001B[31m\\\"\\\\\",\"utf\":\"caf\xc3\xa9\","
	       "\"not\":\"\\\\xff\\\\xc3\\\\x0a\",\"item\":[\"\\\\x80\"]}]\n");
}

static void many(struct lb_out *o)
{
	for (unsigned int i = 0; i < 100000; i++) {
		lb_out_begin(o);
		lb_out_u64(o, "n", i);
		lb_out_end(o);
	}
}

/* The document is what any reader of JSON reads. */
Test(out, json_reads_back)
{
	struct lb_out *o = lb_out_new(&pretty);
	FILE *to = tmpfile();
	json_t *doc;

	many(o);
	cr_assert(eq(int, lb_out_flush(o, to, &err), 0));
	lb_out_free(o);
	rewind(to);
	doc = json_loadf(to, JSON_REJECT_DUPLICATES, NULL);
	cr_assert(ne(ptr, doc, NULL));
	cr_expect(eq(sz, json_array_size(doc), 100000));
	cr_expect(eq(int, (int)json_integer_value(json_object_get(json_array_get(doc, 77777), "n")),
		     77777));
	json_decref(doc);
	fclose(to);
}

/* Flushed twice, e.g. by a command that goes on: each writes what came since the last. */
static void flush_twice(const struct lb_out_options *opt, const char *want, const char *none)
{
	struct lb_out *o = lb_out_new(opt);
	char *got = NULL;
	size_t len;
	FILE *to = open_memstream(&got, &len);

	two_vips(o);
	one_list(o);
	cr_expect(eq(int, lb_out_flush(o, to, &err), 0));
	rewind(to);
	memset(got, 0, len);
	breaks(o);
	cr_expect(eq(int, lb_out_flush(o, to, &err), 0));
	cr_expect(eq(str, got, (char *)want));
	rewind(to);
	memset(got, 0, len);
	cr_expect(eq(int, lb_out_flush(o, to, &err), 0));
	cr_expect(eq(str, got, (char *)none));
	lb_out_free(o);
	fclose(to);
	free(got);
}

Test(out, flushed_twice)
{
	flush_twice(&text, "a 1\n\tb 2\nc 3\n", "");
	flush_twice(&json, "[{\"a\":\"1\",\"b\":\"2\"},{\"c\":\"3\"}]\n", "[]\n");
}

/* Faults ----------------------------------------------------------------------------------------- */

static void expect_fault(const struct lb_out_options *opt, void (*show)(struct lb_out *o))
{
	struct lb_out *o = lb_out_new(opt);
	char *got = NULL;
	size_t len;
	FILE *to = open_memstream(&got, &len);

	show(o);
	cr_expect(eq(int, lb_out_flush(o, to, &err), -1));
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(str, err.msg, "cannot put the output together: Invalid argument"));
	fclose(to);
	cr_expect(eq(str, got, ""), "whole or empty");
	lb_out_free(o);
	free(got);
}

static void not_ended(struct lb_out *o)
{
	two_vips(o);
	lb_out_begin(o);
}

static void begun_twice(struct lb_out *o)
{
	lb_out_begin(o);
	two_vips(o);
}

static void ended_twice(struct lb_out *o)
{
	two_vips(o);
	lb_out_end(o);
}

static void not_begun(struct lb_out *o)
{
	lb_out_u64(o, "a", 1);
}

static void list_of_a_number(struct lb_out *o)
{
	lb_out_begin(o);
	lb_out_u64(o, "a", 1);
	lb_out_item(o, "a", "b", LB_PLAIN);
	lb_out_end(o);
}

Test(out, calls_that_do_not_pair)
{
	void (*const faults[])(struct lb_out *) = {not_ended, begun_twice, ended_twice, not_begun};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		expect_fault(&text, faults[i]);
		expect_fault(&json, faults[i]);
	}
	expect_fault(&json, list_of_a_number);
}

Test(out, full_disk)
{
	struct lb_out *o = lb_out_new(&text);
	FILE *to = fopen("/dev/full", "w");

	cr_assert(ne(ptr, to, NULL));
	two_vips(o);
	cr_expect(eq(int, lb_out_flush(o, to, &err), -1));
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(str, err.msg, "cannot write the output: No space left on device"));
	lb_out_free(o);
	fclose(to);
}

Test(out, closed_pipe)
{
	struct lb_out *o = lb_out_new(&json);
	int fd[2];
	FILE *to;

	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, pipe(fd), 0));
	close(fd[0]);
	to = fdopen(fd[1], "w");
	many(o);
	cr_expect(eq(int, lb_out_flush(o, to, &err), -1));
	cr_expect(eq(str, err.msg, "cannot write the output: Broken pipe"));
	lb_out_free(o);
	fclose(to);
}
