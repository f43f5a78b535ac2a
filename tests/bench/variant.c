// SPDX-License-Identifier: GPL-2.0
/* Another object on the same maps: what a stage costs is seen by leaving it out. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/rig.h"

/* libbpf puts names of objects before those of data sections, which begin with a dot. */
static bool same_name(const char *a, const char *b)
{
	const char *dot_a = strchr(a, '.'), *dot_b = strchr(b, '.');

	return !strcmp(dot_a ? dot_a : a, dot_b ? dot_b : b);
}

/* The map of that name which the loaded program uses. */
static int map_of(const struct world *w, const char *name)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info), ids[64];

	info.nr_map_ids = sizeof(ids) / sizeof(*ids);
	info.map_ids = (uintptr_t)ids;
	if (bpf_obj_get_info_by_fd(w->prog, &info, &len))
		return -1;
	for (uint32_t i = 0; i < info.nr_map_ids; i++) {
		struct bpf_map_info map = {0};
		int fd = bpf_map_get_fd_by_id(ids[i]);

		len = sizeof(map);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &map, &len))
			return -1;
		if (same_name(map.name, name))
			return fd;
		close(fd);
	}
	return -1;
}

/* The constants of the program in force, whatever they are. */
static int copy_rodata(const struct world *w, struct bpf_map *to)
{
	char bytes[4096];
	uint32_t zero = 0;
	size_t len = bpf_map__value_size(to);
	int fd = map_of(w, bpf_map__name(to)), ret = -1;

	if (fd >= 0 && len <= sizeof(bytes) && !bpf_map_lookup_elem(fd, &zero, bytes))
		ret = bpf_map__set_initial_value(to, bytes, len);
	if (fd >= 0)
		close(fd);
	return ret;
}

int rig_variant(const struct world *w, const char *path, struct lb_err *err)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	struct bpf_map *map;
	int fd, ret;

	if (!obj)
		return lb_fail(err, "%s: %s", path, strerror(errno));
	bpf_object__for_each_map(map, obj)
	{
		const char *name = bpf_map__name(map);

		if (strstr(name, ".rodata")) {
			ret = copy_rodata(w, map);
		} else {
			fd = map_of(w, name);
			/* What the program in force has none of is for user space, or the variant's own. */
			ret = fd < 0 ? 0 : bpf_map__reuse_fd(map, fd);
			if (fd >= 0)
				close(fd);
		}
		if (ret) {
			lb_fail(err, "%s: map \"%s\" does not fit the balancer's", path, name);
			bpf_object__close(obj);
			return -1;
		}
	}
	fd = -1;
	if (!bpf_object__load(obj))
		fd = dup(bpf_program__fd(bpf_object__find_program_by_name(obj, "lb")));
	bpf_object__close(obj);
	return fd < 0 ? lb_fail(err, "%s: not loaded", path) : fd;
}
