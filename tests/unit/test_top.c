/* SPDX-License-Identifier: GPL-2.0 */
/* test_top.c - what is drawn of two readings: numbers, order, bars, and that it fits. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbtool/top.h"

static struct lb_err err;

static void ok(int bad)
{
	cr_assert(eq(int, bad, 0), "%s", err.msg);
}

static void number(double value, const char *text)
{
	char buf[16];

	top_number(value, buf);
	cr_assert(eq(str, buf, (char *)text), "%f", value);
}

Test(top, numbers_are_short)
{
	number(0, "0");
	number(999, "999");
	number(999.6, "1.0k");
	number(1234, "1.2k");
	number(99940, "99.9k");
	number(123456, "123k");
	number(999999, "1.0M");
	number(3.4e9, "3.4G");
	number(1.8e19, "18.0E");
}

static struct reading before, now;
static struct top_view view;
static struct top_screen screen;

/* Services and reals 1 to n; the first real has all slots, the last one is sick; number i has i packets a second. */
static void make(int n)
{
	char text[64];

	before = now = (struct reading){0};
	now.at = 1000000000;
	now.vip = calloc((size_t)n + 1, sizeof(*now.vip));
	now.real = calloc((size_t)n + 1, sizeof(*now.real));
	now.slots = calloc((size_t)n + 1, sizeof(*now.slots));
	now.why = calloc(lb_why_count(), sizeof(*now.why));
	before.why = calloc(lb_why_count(), sizeof(*before.why));
	lb_model_init(&before.model);
	lb_model_init(&now.model);
	for (int i = 1; i <= n; i++) {
		struct lb_m_vip v = {.pool = "web", .id = i};
		struct lb_m_real r = {.pool = "web", .id = i, .health = i == n ? LB_M_SICK : 0};

		snprintf(text, sizeof(text), "192.0.2.%d:80/tcp", i);
		ok(parse_service(text, &v.svc, &err));
		snprintf(text, sizeof(text), "2001:db8:1234:5678:9abc:def0:1234:%d", i);
		ok(parse_addr(text, &r.addr, &err));
		ok(lb_model_put_vip(&now.model, &v, &err) ||
		   lb_model_put_real(&now.model, &r, &err));
		now.vip[i - 1] = now.real[i - 1] = (struct lb_counts){.packets = i, .bytes = 100};
	}
	now.slots[0] = 251;
	now.why[lb_why_count() - 1].packets = 7;
	view = (struct top_view){.instance = "main", .rows = 24, .cols = 80};
}

static void draw(void)
{
	top_free(&screen);
	ok(top_draw(&before, &now, &view, &screen));
	for (size_t i = 0; i < screen.n; i++)
		cr_assert(le(sz, strlen(screen.line[i].text), view.cols), "%s",
			  screen.line[i].text);
}

static void unmake(void)
{
	top_free(&screen);
	free(before.why);
	lb_model_free(&before.model);
	reading_free(&now);
}

/* The first line that begins so. */
static const struct top_line *find(const char *begin)
{
	for (size_t i = 0; i < screen.n; i++)
		if (!strncmp(screen.line[i].text, begin, strlen(begin)))
			return &screen.line[i];
	cr_assert(false, "no line %s", begin);
	return NULL;
}

static bool says(const char *begin, const char *what)
{
	return strstr(find(begin)->text, what);
}

Test(top, what_it_shows)
{
	make(3);
	draw();
	cr_assert(
		says("to reals 6 packets/s 2.4k bit/s, dropped 7/s  in 1.0 s  lb main ready", ""));
	cr_assert(says("192.0.2.2:80/tcp", " 2 "));
	cr_assert(says("2001:db8:1234:5678:9a", "~ web "));
	cr_assert(says("2001:db8:1234:5678:9a", "[##########] 100.0%"));
	cr_assert(eq(int, find("drop_")->style, TOP_WARN));
	cr_assert(eq(int, find("q quit")->style, TOP_HEAD));
	unmake();
}

Test(top, sorts)
{
	make(3);
	view.sort = TOP_PACKETS;
	draw();
	cr_assert(eq(ptr, &screen.line[2], (void *)find("192.0.2.3")));
	view.sort = TOP_NAME;
	draw();
	cr_assert(eq(ptr, &screen.line[2], (void *)find("192.0.2.1")));
	view.sort = TOP_HEALTH;
	draw();
	cr_assert(eq(int, find("2001:")->style, TOP_BAD));
	view.sort = TOP_SHARE;
	draw();
	cr_assert(eq(int, find("2001:")->style, TOP_PLAIN));
	unmake();
}

/* Every size: no more lines than rows, all of a list or a heading that says what is seen of it. */
Test(top, fits_any_screen)
{
	make(60);
	for (view.rows = 1; view.rows < 150; view.rows++) {
		for (view.cols = 1; view.cols < 300; view.cols += 13) {
			unsigned int cols = view.cols;

			draw();
			cr_assert(le(sz, screen.n, view.rows));
			view.cols = cols;
		}
		view.cols = 80;
		draw();
		if (view.rows >= 8 && view.rows < 125)
			cr_assert(says("REAL", " of 60 ") || says("VIP", " of 60 "));
	}
	unmake();
}

Test(top, scrolls_to_the_end_and_no_further)
{
	make(60);
	view.skip = 1000;
	draw();
	cr_assert(lt(sz, view.skip, 60));
	cr_assert(says("192.0.2.60:80/tcp", "60"));
	unmake();
}

Test(top, all_of_it_without_a_screen)
{
	make(60);
	view.rows = 0;
	draw();
	cr_assert(eq(sz, screen.n, 1 + 61 + 61 + 2));
	unmake();
}
