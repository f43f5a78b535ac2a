/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pins. bpffs refuses names with a dot and plain files; rename() over a pin works, which is how a
 * program takes another's place.
 */
#include "lib/prog_internal.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/host.h"
#include "lib/prog.h"

static char last_warning[256];

__attribute__((format(printf, 2, 0))) static int remember(enum libbpf_print_level level,
							  const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN) {
		vsnprintf(last_warning, sizeof(last_warning), fmt, ap);
		last_warning[strcspn(last_warning, "\n")] = '\0';
	}
	return 0;
}

void lb_libbpf_quiet(void)
{
	libbpf_set_print(remember);
}

int lb_pin_fail(struct lb_err *err, int error, const char *what)
{
	/* EACCES is also what a verifier says that does not like a program. */
	if (error == EPERM || (error == EACCES && geteuid()))
		return lb_fail(
			err, "%s: %s: run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN",
			what, strerror(error));
	return lb_fail(err, "%s: %s%s%s%s", what, strerror(error), *last_warning ? " (" : "",
		       last_warning, *last_warning ? ")" : "");
}

void lb_pin_path(char path[LB_PIN_LEN], const char *instance, const char *dir, const char *name)
{
	snprintf(path, LB_PIN_LEN, "%s/%s%s%s%s%s", LB_PIN_ROOT, instance, *dir ? "/" : "", dir,
		 *name ? "/" : "", name);
}

int lb_pin_bpffs(struct lb_err *err)
{
	if (lb_host_bpffs())
		return 0;
	return lb_fail(err, "%s is not a bpf file system: mount -t bpf bpf %s", LB_BPFFS, LB_BPFFS);
}

int lb_pin_open(const char *instance, const char *dir, const char *name, struct lb_err *err,
		const char *what)
{
	char path[LB_PIN_LEN];
	int fd;

	if (lb_pin_bpffs(err))
		return -1;
	lb_libbpf_quiet();
	lb_pin_path(path, instance, dir, name);
	fd = bpf_obj_get(path);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return lb_fail(err, "%s", what);
	return lb_pin_fail(err, errno, path);
}

static int make_dir(const char *path, struct lb_err *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return lb_pin_fail(err, errno, path);
}

/* Of an instance. Another one's end takes LB_PIN_ROOT away when nobody has a directory in it yet. */
static int make_top_dir(const char *path, struct lb_err *err)
{
	for (int tries = 0; tries < 100; tries++) {
		if (make_dir(LB_PIN_ROOT, err))
			return -1;
		if (mkdir(path, 0700) == 0 || errno != ENOENT)
			break;
	}
	return make_dir(path, err);
}

int lb_pin_mkdirs(const char *instance, struct lb_err *err)
{
	static const char *const dirs[] = {"prog", "map"};
	char path[LB_PIN_LEN];
	size_t i;

	lb_pin_path(path, instance, "", "");
	if (lb_pin_bpffs(err) || make_top_dir(path, err))
		return -1;
	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		lb_pin_path(path, instance, dirs[i], "");
		if (make_dir(path, err))
			return -1;
	}
	return 0;
}

/* prog/rx, prog/rx_mss, map/rx_*, map/count_rx. */
bool lb_pin_is_rx(const char *name)
{
	return strncmp(name, "rx", 2) == 0 || strcmp(name, "count_rx") == 0;
}

static int clear_dir(const char *instance, const char *dir, bool rx, struct lb_err *err)
{
	char path[LB_PIN_LEN];
	struct dirent *e;
	int ret = 0;
	DIR *d;

	lb_pin_path(path, instance, dir, "");
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : lb_pin_fail(err, errno, path);
	while (!ret && (e = readdir(d))) {
		if (e->d_name[0] == '.' || lb_pin_is_rx(e->d_name) != rx)
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) && errno != ENOENT)
			ret = lb_pin_fail(err, errno, path);
	}
	closedir(d);
	return ret;
}

int lb_pin_clear(const char *instance, bool rx, struct lb_err *err)
{
	static const char *const dirs[] = {"prog", "map", ""};
	char path[LB_PIN_LEN];
	size_t i;

	/* prog first: without it the rest counts as not loaded. */
	if (clear_dir(instance, "prog", rx, err) || clear_dir(instance, "map", rx, err))
		return -1;
	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		lb_pin_path(path, instance, dirs[i], "");
		if (rmdir(path))
			return 0; /* not empty: the other half of the instance is there */
	}
	rmdir(LB_PIN_ROOT);
	return 0;
}

/* The pin of a map; NULL: not pinned (read-only data and what was seen lately belong to one program alone). */
static const char *pin_name(const struct bpf_map *map)
{
	static const char *const own[] = {"pending", "recent"};
	const char *name = bpf_map__name(map);

	if (strcmp(name, ".data.meta") == 0)
		return "meta";
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcmp(name, own[i]) == 0)
			return NULL;
	return strchr(name, '.') ? NULL : name;
}

int lb_pin_maps(struct bpf_object *obj, const char *instance, struct lb_err *err)
{
	char path[LB_PIN_LEN];
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		const char *name = pin_name(map);

		if (!name)
			continue;
		lb_pin_path(path, instance, "map", name);
		if (bpf_obj_pin(bpf_map__fd(map), path))
			return lb_pin_fail(err, errno, path);
	}
	return 0;
}

int lb_pin_prog(int fd, const char *instance, const char *name, struct lb_err *err)
{
	char path[LB_PIN_LEN];

	lb_pin_path(path, instance, "prog", name);
	return bpf_obj_pin(fd, path) ? lb_pin_fail(err, errno, path) : 0;
}

static void new_path(char path[LB_PIN_LEN], const char *instance, const char *name)
{
	char new[16];

	snprintf(new, sizeof(new), "%s_new", name);
	lb_pin_path(path, instance, "prog", new);
}

int lb_pin_new(int fd, const char *instance, const char *name, struct lb_err *err)
{
	char from[LB_PIN_LEN], to[LB_PIN_LEN];
	struct stat old;

	new_path(from, instance, name);
	lb_pin_path(to, instance, "prog", name);
	unlink(from); /* of a reload that was killed */
	if (bpf_obj_pin(fd, from))
		return lb_pin_fail(err, errno, from);
	/* Who might open the old one may open the new one. */
	if (!stat(to, &old) &&
	    (chown(from, old.st_uid, old.st_gid) || chmod(from, old.st_mode & 07777)))
		return lb_pin_fail(err, errno, from);
	return 0;
}

int lb_pin_swap(int fd, const char *instance, const char *name, struct lb_err *err)
{
	char from[LB_PIN_LEN], to[LB_PIN_LEN];

	if (lb_pin_new(fd, instance, name, err))
		return -1;
	new_path(from, instance, name);
	lb_pin_path(to, instance, "prog", name);
	return rename(from, to) ? lb_pin_fail(err, errno, to) : 0;
}

static bool is_among(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names) != 0)
		names++;
	return *names;
}

int lb_pin_reuse(struct bpf_object *obj, const char *instance, const char *const *only,
		 struct lb_err *err)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		const char *name = pin_name(map);
		int fd, ret;

		if (!name || (only && !is_among(name, only)))
			continue;
		fd = lb_pin_open(instance, "map", name, err, "a map of the instance is missing");
		if (fd < 0)
			return lb_prefix(err, "%s", name);
		ret = bpf_map__reuse_fd(map, fd);
		close(fd);
		if (ret)
			return lb_pin_fail(err, -ret, name);
	}
	return 0;
}

int lb_prog_instances(char (*names)[32], int max)
{
	struct dirent *e;
	DIR *d = opendir(LB_PIN_ROOT);
	int n = 0;

	if (!d)
		return 0;
	while (n < max && (e = readdir(d)))
		if (e->d_name[0] != '.' && e->d_name[0] != '+' && strlen(e->d_name) < 32)
			strcpy(names[n++], e->d_name);
	closedir(d);
	return n;
}

int lb_prog_open(const char *instance, const char *name, struct lb_err *err)
{
	char what[128];

	snprintf(what, sizeof(what), "nothing is loaded as instance \"%s\": \"lbtool prog load\"",
		 instance);
	if (strcmp(name, "hc") == 0)
		snprintf(what, sizeof(what),
			 "no program for health checks in instance \"%s\": \"lbtool prog reload\"",
			 instance);
	else if (strcmp(name, "lb") != 0)
		snprintf(what, sizeof(what),
			 "no receiver in instance \"%s\": \"lbtool receiver add DEV from PREFIX\"",
			 instance);
	return lb_pin_open(instance, "prog", name, err, what);
}
