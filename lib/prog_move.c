/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Maps of another ABI version under an instance's name. The new ones are made whole in a directory beside the instance's, of a
 * name that nobody can type, and the two directories are exchanged in one step (renameat2(2), which bpffs has since 5.16). Killed
 * before it, the old maps are in force, and what stands aside is cleared away by the next one; killed after it, the new
 * ones are, and what stands aside is by which the programs on the devices are still known as this instance's.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/lb_abi.h"
#include "lib/maps.h"
#include "lib/prog.h"
#include "lib/prog_internal.h"
#include "lib/ring.h"

int lb_meta_check(const struct lb_meta *meta, const char *instance, struct lb_err *err)
{
	if (meta->magic == LB_META_MAGIC && meta->version == LB_ABI_VERSION)
		return 0;
	if (meta->magic == LB_META_MAGIC && meta->version >= LB_ABI_OLDEST &&
	    meta->version < LB_ABI_VERSION)
		return lb_fail(err,
			       "the maps of instance \"%s\" have ABI version %u, this tool has %u: "
			       "\"lbtool prog reload\" moves what is in them",
			       instance, meta->version, LB_ABI_VERSION);
	return lb_fail(
		err,
		"the maps of instance \"%s\" have ABI version %u, this tool has %u: use the tool "
		"that loaded them, or \"lbtool prog unload\" and load anew",
		instance, meta->version, LB_ABI_VERSION);
}

void lb_pin_aside(char aside[LB_ASIDE_LEN], const char *instance)
{
	snprintf(aside, LB_ASIDE_LEN, "+%s", instance);
}

/* With the receiver's: the instance keeps its own pins of those. */
int lb_pin_clear_aside(const char *instance, struct lb_err *err)
{
	char aside[LB_ASIDE_LEN];

	lb_pin_aside(aside, instance);
	return lb_pin_clear(aside, false, err) || lb_pin_clear(aside, true, err) ? -1 : 0;
}

/* As it was asked for at the first load, or more room, or defaults where an older version did not ask. */
static struct lb_sizes sizes_of(const struct lb_info *info)
{
	const uint32_t table = LB_TABLE_ROOM(1);

	return (struct lb_sizes){
		.reals = info->limits.reals,
		.vips = info->limits.vips,
		.pools = info->limits.pools,
		.tables = (info->limits.slots + table - 1) / table,
		.sessions = info->sessions,
		.idle_tcp = info->idle_tcp ? info->idle_tcp : lb_sizes_default.idle_tcp,
		.idle_udp = info->idle_udp ? info->idle_udp : lb_sizes_default.idle_udp,
		.seed = info->seed,
	};
}

static int pin_at(const char *from, const char *to, struct lb_err *err)
{
	int fd = bpf_obj_get(from), ret;

	if (fd < 0)
		return lb_pin_fail(err, errno, from);
	ret = bpf_obj_pin(fd, to);
	close(fd);
	return ret ? lb_pin_fail(err, errno, to) : 0;
}

/* The receiver stays what it is: its pins go along. */
static int take_receiver(const char *instance, const char *aside, const char *dir,
			 struct lb_err *err)
{
	char from[LB_PIN_LEN], to[LB_PIN_LEN];
	struct dirent *e;
	int ret = 0;
	DIR *d;

	lb_pin_path(from, instance, dir, "");
	d = opendir(from);
	if (!d)
		return lb_pin_fail(err, errno, from);
	while (!ret && (e = readdir(d))) {
		if (!lb_pin_is_rx(e->d_name))
			continue;
		lb_pin_path(from, instance, dir, e->d_name);
		lb_pin_path(to, aside, dir, e->d_name);
		ret = pin_at(from, to, err);
	}
	closedir(d);
	return ret;
}

static int lend(const char *from, const char *to, struct lb_err *err)
{
	struct stat was;

	if (stat(from, &was))
		return lb_pin_fail(err, errno, from);
	return chown(to, was.st_uid, was.st_gid) || chmod(to, was.st_mode & 07777)
		       ? lb_pin_fail(err, errno, to)
		       : 0;
}

/* Who might open the old ones may open the new ones; what is new altogether is as the first of its kind. */
static int lend_dir(const char *instance, const char *aside, const char *dir, const char *first,
		    struct lb_err *err)
{
	char from[LB_PIN_LEN], to[LB_PIN_LEN];
	struct dirent *e;
	int ret;
	DIR *d;

	lb_pin_path(from, instance, dir, "");
	lb_pin_path(to, aside, dir, "");
	ret = lend(from, to, err);
	d = ret ? NULL : opendir(to);
	if (!d)
		return ret ? -1 : lb_pin_fail(err, errno, to);
	while (!ret && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		lb_pin_path(to, aside, dir, e->d_name);
		lb_pin_path(from, instance, dir, e->d_name);
		if (access(from, F_OK))
			lb_pin_path(from, instance, dir, first);
		ret = lend(from, to, err);
	}
	closedir(d);
	return ret;
}

/* "lb_new" is the other program that may be on a device: here the old one. */
static int pin_old(const char *instance, const char *aside, struct lb_err *err)
{
	char from[LB_PIN_LEN], to[LB_PIN_LEN];

	lb_pin_path(from, instance, "prog", "lb");
	lb_pin_path(to, aside, "prog", "lb_new");
	return pin_at(from, to, err);
}

static int lend_all(const char *instance, const char *aside, struct lb_err *err)
{
	char from[LB_PIN_LEN], to[LB_PIN_LEN];

	lb_pin_path(from, instance, "", "");
	lb_pin_path(to, aside, "", "");
	return lend(from, to, err) || lend_dir(instance, aside, "prog", "lb", err) ||
			       lend_dir(instance, aside, "map", "meta", err)
		       ? -1
		       : 0;
}

static int exchange(const char *instance, const char *aside, struct lb_err *err)
{
	char a[LB_PIN_LEN], b[LB_PIN_LEN];

	lb_pin_path(a, instance, "", "");
	lb_pin_path(b, aside, "", "");
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE)
		       ? lb_pin_fail(err, errno, "exchanging the pins")
		       : 0;
}

int lb_prog_move(const char *instance, struct lb_err *err)
{
	char aside[LB_ASIDE_LEN];
	struct lb_sizes sizes;
	struct lb_info info;
	struct lb_err ignored;

	lb_pin_aside(aside, instance);
	if (lb_maps_old(instance, &info, err) || lb_pin_clear_aside(instance, err))
		return -1;
	sizes = sizes_of(&info);
	if (lb_prog_load(aside, &sizes, err))
		goto fail;
	if (take_receiver(instance, aside, "prog", err) ||
	    take_receiver(instance, aside, "map", err) || lb_maps_move(instance, aside, err) ||
	    pin_old(instance, aside, err) || lend_all(instance, aside, err))
		goto fail;
	lb_maps_move_sessions(instance, aside);
	if (!exchange(instance, aside, err))
		return 0;
fail:
	lb_pin_clear_aside(instance, &ignored);
	return lb_prefix(err, "moving the maps of ABI version %u", info.version);
}

void lb_prog_move_back(const char *instance)
{
	char aside[LB_ASIDE_LEN];
	struct lb_err ignored;

	lb_pin_aside(aside, instance);
	if (!exchange(instance, aside, &ignored))
		lb_pin_clear_aside(instance, &ignored);
}

bool lb_prog_half_moved(const char *instance)
{
	char aside[LB_ASIDE_LEN], path[LB_PIN_LEN];

	lb_pin_aside(aside, instance);
	lb_pin_path(path, aside, "map", "meta");
	return !access(path, F_OK);
}

int lb_prog_reload_clear(const char *instance, struct lb_err *err)
{
	return lb_pin_clear_aside(instance, err);
}

int lb_prog_move_done(const char *instance, struct lb_err *err)
{
	char aside[LB_ASIDE_LEN];

	lb_pin_aside(aside, instance);
	/* What came in while the devices were changed over. */
	lb_maps_move_sessions(aside, instance);
	lb_prog_reload_undo(instance);
	return lb_pin_clear_aside(instance, err);
}
