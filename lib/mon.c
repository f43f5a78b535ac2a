/* SPDX-License-Identifier: GPL-2.0 */
#include "lib/mon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE (LB_ERR_LEN + 16)

const char *const lb_mon_node_names[] = {
	[LB_MON_READY] = "ready",   [LB_MON_UNLOADED] = "unloaded", [LB_MON_DETACHED] = "detached",
	[LB_MON_ASKING] = "asking", [LB_MON_DRAINED] = "drained",   NULL,
};
const char *const lb_mon_route_names[] = {
	[LB_MON_ANNOUNCED] = "announced", [LB_MON_SAID] = "said",
	[LB_MON_REFUSED] = "refused",	  [LB_MON_HELD] = "held",
	[LB_MON_UNSERVED] = "unserved",	  [LB_MON_HOPLESS] = "hopeless",
	[LB_MON_WITHDRAWN] = "withdrawn", NULL,
};

static void path_of(const char *dir, const char *instance, const char *suffix, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s.lbmon%s", dir, instance, suffix);
}

static void put(FILE *f, const struct lb_mon *mon)
{
	char addr[LB_ADDR_STRLEN];

	fprintf(f, "process %d\nroutes %s\nnode %s\n", mon->pid, mon->alone ? "none" : "exabgp",
		lb_mon_node_names[mon->node]);
	if (mon->cannot[0])
		fprintf(f, "cannot %s\n", mon->cannot);
	for (size_t i = 0; i < mon->vips; i++) {
		format_addr(&mon->vip[i].addr, addr);
		fprintf(f, "vip %s %s\n", addr, lb_mon_route_names[mon->vip[i].route]);
	}
}

/* Never into a file that is there: it may be a link, or another user's. */
static FILE *create(const char *dir, const char *path)
{
	FILE *f;
	int fd;

	if (mkdir(dir, 0755) && errno != EEXIST)
		return NULL;
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return NULL;
	f = fdopen(fd, "w");
	if (!f)
		close(fd);
	return f;
}

int lb_mon_write(const char *dir, const char *instance, const struct lb_mon *mon,
		 struct lb_err *err)
{
	char path[PATH_MAX], new[PATH_MAX];
	FILE *f;

	path_of(dir, instance, "", path);
	path_of(dir, instance, ".new", new);
	f = create(dir, new);
	if (!f)
		return lb_fail(err, "%s: %s", new, strerror(errno));
	put(f, mon);
	if (ferror(f) | fclose(f) || rename(new, path)) {
		lb_fail(err, "%s: %s", path, strerror(errno));
		unlink(new);
		return -1;
	}
	return 0;
}

bool lb_mon_beat(const char *dir, const char *instance)
{
	char path[PATH_MAX];

	path_of(dir, instance, "", path);
	return !utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

void lb_mon_remove(const char *dir, const char *instance)
{
	char path[PATH_MAX];

	path_of(dir, instance, "", path);
	unlink(path);
}

/* Index of a word, or -1. */
static int word_in(const char *const *names, const char *word)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], word))
			return i;
	return -1;
}

static void take_vip(struct lb_mon *mon, const char *addr, const char *route)
{
	struct lb_mon_vip vip, *more;
	int n = word_in(lb_mon_route_names, route);
	struct lb_err ignored;

	if (n < 0 || parse_addr(addr, &vip.addr, &ignored))
		return;
	more = realloc(mon->vip, (mon->vips + 1) * sizeof(*more));
	if (!more)
		return;
	vip.route = (enum lb_mon_route)n;
	mon->vip = more;
	more[mon->vips++] = vip;
}

/* A line that a later lbmon may have is passed over. */
static void take(struct lb_mon *mon, char *line)
{
	char *value = strchr(line, ' '), *more;
	int n;

	if (!value)
		return;
	*value++ = '\0';
	more = strchr(value, ' ');
	if (!strcmp(line, "process"))
		mon->pid = atoi(value);
	else if (!strcmp(line, "routes"))
		mon->alone = !strcmp(value, "none");
	else if (!strcmp(line, "node") && (n = word_in(lb_mon_node_names, value)) >= 0)
		mon->node = (enum lb_mon_node)n;
	else if (!strcmp(line, "cannot"))
		snprintf(mon->cannot, sizeof(mon->cannot), "%s", value);
	else if (!strcmp(line, "vip") && more) {
		*more++ = '\0';
		take_vip(mon, value, more);
	}
}

bool lb_mon_read(const char *dir, const char *instance, struct lb_mon *mon)
{
	char path[PATH_MAX], line[LINE];
	time_t now = time(NULL);
	struct stat st;
	FILE *f;

	*mon = (struct lb_mon){0};
	path_of(dir, instance, "", path);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		take(mon, line);
	}
	if (!fstat(fileno(f), &st) && now > st.st_mtime)
		mon->age = (uint32_t)(now - st.st_mtime);
	fclose(f);
	return true;
}

void lb_mon_free(struct lb_mon *mon)
{
	free(mon->vip);
	*mon = (struct lb_mon){0};
}
