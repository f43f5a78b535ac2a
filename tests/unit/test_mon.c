/* SPDX-License-Identifier: GPL-2.0 */
/* What lbmon says of itself, written and read. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/mon.h"

static char top[] = "/tmp/lb-mon-XXXXXX";
static char dir[64], path[96];
static struct lb_err err;
static struct lb_mon mon;

static void setup(void)
{
	cr_assert(ne(ptr, mkdtemp(top), NULL));
	snprintf(dir, sizeof(dir), "%s/lb", top);
	snprintf(path, sizeof(path), "%s/main.lbmon", dir);
}

static void teardown(void)
{
	lb_mon_free(&mon);
	unlink(path);
	rmdir(dir);
	rmdir(top);
}

TestSuite(mon, .init = setup, .fini = teardown);

Test(mon, round_trip)
{
	struct lb_mon_vip vip[] = {
		{{.family = 4, .b = {203, 0, 113, 1}}, LB_MON_HELD},
		{{.family = 6, .b = {0x20, 1, [15] = 1}}, LB_MON_ANNOUNCED},
	};
	struct lb_mon say = {.pid = 7, .node = LB_MON_DRAINED, .vip = vip, .vips = 2};

	memset(say.cannot, 'x', sizeof(say.cannot) - 1);
	cr_assert(eq(int, lb_mon_read(dir, "main", &mon), 0));
	cr_assert(eq(int, lb_mon_write(dir, "main", &say, &err), 0), "%s", err.msg);
	cr_assert(lb_mon_read(dir, "main", &mon));
	cr_assert(eq(int, mon.pid, 7));
	cr_assert(eq(int, mon.node, LB_MON_DRAINED));
	cr_assert(not(mon.alone));
	cr_assert(eq(str, mon.cannot, say.cannot));
	cr_assert(eq(sz, mon.vips, 2));
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, lb_addr_cmp(&mon.vip[i].addr, &vip[i].addr), 0));
		cr_assert(eq(int, mon.vip[i].route, vip[i].route));
	}
	lb_mon_remove(dir, "main");
	cr_assert(not(lb_mon_read(dir, "main", &mon)));
}

Test(mon, every_word)
{
	for (int i = 0; lb_mon_route_names[i]; i++) {
		struct lb_mon_vip vip = {{.family = 4, .b = {10}}, i};
		struct lb_mon say = {.alone = true, .vip = &vip, .vips = 1};

		lb_mon_free(&mon);
		cr_assert(eq(int, lb_mon_write(dir, "main", &say, &err), 0), "%s", err.msg);
		cr_assert(lb_mon_read(dir, "main", &mon) && mon.alone);
		cr_assert(eq(int, mon.vip[0].route, i));
	}
	for (int i = 0; lb_mon_node_names[i]; i++) {
		struct lb_mon say = {.node = i};

		lb_mon_free(&mon);
		cr_assert(eq(int, lb_mon_write(dir, "main", &say, &err), 0), "%s", err.msg);
		cr_assert(lb_mon_read(dir, "main", &mon));
		cr_assert(eq(int, mon.node, i));
	}
}

Test(mon, heartbeat)
{
	struct timespec old[2] = {{.tv_sec = time(NULL) - 100}, {.tv_sec = time(NULL) - 100}};
	struct lb_mon say = {.pid = 7};

	cr_assert(not(lb_mon_beat(dir, "main")));
	cr_assert(eq(int, lb_mon_write(dir, "main", &say, &err), 0), "%s", err.msg);
	cr_assert(eq(int, utimensat(AT_FDCWD, path, old, 0), 0));
	cr_assert(lb_mon_read(dir, "main", &mon) && mon.age >= 100 && mon.age < 110);
	cr_assert(lb_mon_beat(dir, "main"));
	cr_assert(lb_mon_read(dir, "main", &mon) && mon.age < 10);
}

/* Of a later version, or of nobody. */
Test(mon, junk)
{
	FILE *f;

	cr_assert(eq(int, mkdir(dir, 0755), 0));
	f = fopen(path, "w");
	cr_assert(ne(ptr, f, NULL));
	fputs("\nnode\nnode well\nvip 10.0.0.1\nvip no announced\nvip 10.0.0.1 sold\nvip 10.0.0.2 "
	      "said\nnews of today\nprocess x",
	      f);
	fclose(f);
	cr_assert(lb_mon_read(dir, "main", &mon));
	cr_assert(eq(int, mon.pid, 0));
	cr_assert(eq(int, mon.node, LB_MON_READY));
	cr_assert(eq(sz, mon.vips, 1));
	cr_assert(eq(int, mon.vip[0].route, LB_MON_SAID));
}

/* A link in its place, or in that of the file that is to take it, leads nowhere. */
Test(mon, link)
{
	char victim[96], new[128];
	struct lb_mon say = {.pid = 7};
	struct stat st;

	snprintf(victim, sizeof(victim), "%s/victim", top);
	snprintf(new, sizeof(new), "%s.new", path);
	cr_assert(eq(int, mkdir(dir, 0755), 0));
	cr_assert(eq(int, symlink(victim, path) | symlink(victim, new), 0));
	cr_assert(eq(int, lb_mon_write(dir, "main", &say, &err), 0), "%s", err.msg);
	cr_assert(eq(int, lstat(path, &st) || !S_ISREG(st.st_mode), 0));
	cr_assert(ne(int, access(victim, F_OK), 0));
	cr_assert(ne(int, lstat(new, &st), 0));
}
