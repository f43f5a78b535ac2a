/* SPDX-License-Identifier: GPL-2.0 */
/* `stats export`: reads all, then writes it to stdout, or in one step in the place of a file. */
#include "lbtool/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0644 /* whoever collects it is not root */

static int read_digests(struct tool *t, struct export *e)
{
	const struct lb_model *m = &e->r.model;

	e->digest = calloc(m->pools + 1, sizeof(*e->digest));
	if (!e->digest)
		return lb_fail(&t->err, "out of memory");
	for (size_t i = 0; i < m->pools; i++)
		if (lb_maps_digest(t->maps, m, m->pool[i].name, &e->digest[i], &t->err))
			return -1;
	return 0;
}

static int read_sessions(struct tool *t, struct export *e)
{
	struct lb_sessions *s;

	if (!e->r.info.sessions)
		return 0;
	if (lb_maps_sessions(t->maps, &s, &t->err))
		return -1;
	e->sessions = s->used;
	free(s);
	return 0;
}

static int read_all(struct tool *t, struct export *e)
{
	unsigned int what = reading_there(t, READ_ALL);

	e->instance = t->instance;
	e->lb = what & READ_LB;
	e->rx = what & READ_RX;
	if (reading_take(t, what, &e->r))
		return -1;
	if (!e->lb)
		return 0;
	e->drained = lb_maps_drained(t->maps);
	return tool_nl(t) || devs_read(t, &e->devs) || read_digests(t, e) || read_sessions(t, e)
		       ? -1
		       : 0;
}

static int fail_file(struct tool *t, const char *file, const char *what)
{
	return lb_fail(&t->err, "to \"%s\": %s: %s", file, what, strerror(errno));
}

static int write_out(struct tool *t, int fd, const char *temp, const char *file, const char *text,
		     size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return fail_file(t, file, "cannot write");
		text += n;
		len -= (size_t)n;
	}
	if (fchmod(fd, FILE_MODE))
		return fail_file(t, file, "cannot set its mode");
	if (rename(temp, file))
		return fail_file(t, file, "cannot rename to it");
	return 0;
}

/* Readers see the old text or the new one, never half of it; node_exporter passes over what is not called *.prom. */
static int write_file(struct tool *t, const char *file, const char *text, size_t len)
{
	char *temp;
	int fd, bad;

	if (asprintf(&temp, "%s.%d", file, (int)getpid()) < 0)
		return lb_fail(&t->err, "out of memory");
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (fd < 0) {
		free(temp);
		return fail_file(t, file, "cannot write beside it");
	}
	bad = write_out(t, fd, temp, file, text, len);
	close(fd);
	if (bad)
		unlink(temp);
	free(temp);
	return bad;
}

static int parse(struct lb_args *a, const char **file, struct lb_err *err)
{
	static const struct lb_key keys[] = {{"to", "FILE", false}, {NULL, NULL, false}};
	uint32_t seen = 0;
	const char *word;
	int key;

	while ((key = lb_args_pair(a, keys, &seen, &word, err)) >= 0)
		*file = word;
	return key == LB_ARGS_END ? 0 : -1;
}

static int write_text(struct tool *t, const struct export *e, const char *file)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	int ret;

	if (!to)
		return lb_fail(&t->err, "out of memory");
	export_write(e, to);
	if (fclose(to))
		ret = lb_fail(&t->err, "out of memory");
	else if (file)
		ret = write_file(t, file, text, len);
	else
		ret = fwrite(text, 1, len, stdout) == len
			      ? 0
			      : lb_fail(&t->err, "cannot write to stdout: %s", strerror(errno));
	free(text);
	return ret;
}

int stats_export(struct tool *t, struct lb_args *a)
{
	struct export e = {0};
	const char *file = NULL;
	int ret = -1;

	if (parse(a, &file, &t->err))
		return -1;
	if (t->look.json)
		return lb_usage(&t->err, "\"-json\": the export is text for Prometheus, \"-json "
					 "stats show\" is JSON");
	if (!tool_enter(t) && !read_all(t, &e))
		ret = write_text(t, &e, file);
	devs_free(&e.devs);
	free(e.digest);
	reading_free(&e.r);
	return ret;
}
