/* SPDX-License-Identifier: GPL-2.0 */
/* Whose program is that, and which? An instance's own ones are known by the maps they use. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/prog.h"
#include "lib/prog_internal.h"

/* Far above what our programs use. */
#define MAPS_MAX 64

static uint32_t meta_id(const char *instance)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	struct lb_err ignored;
	int fd = lb_pin_open(instance, "map", "meta", &ignored, "");

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.id = 0;
	close(fd);
	return info.id;
}

bool lb_prog_pinned(const char *instance, const char *name)
{
	char path[LB_PIN_LEN];

	lb_pin_path(path, instance, "prog", name);
	return !access(path, F_OK);
}

int lb_prog_ours(const char *instance, uint32_t id)
{
	uint32_t maps[MAPS_MAX], len, meta = meta_id(instance), other;
	struct bpf_prog_info info = {0};
	char aside[LB_ASIDE_LEN];
	int fd;

	if (!meta)
		return -1;
	lb_pin_aside(aside, instance);
	other = meta_id(aside);
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return -1;
	info.nr_map_ids = MAPS_MAX;
	info.map_ids = (uintptr_t)maps;
	len = sizeof(info);
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
			if (maps[i] == meta || (other && maps[i] == other))
				return fd;
	close(fd);
	return -1;
}

int lb_prog_info(int fd, struct lb_prog_info *info, struct lb_err *err)
{
	struct bpf_prog_info kernel = {0};
	uint32_t len = sizeof(kernel);
	size_t i;

	if (bpf_obj_get_info_by_fd(fd, &kernel, &len))
		return lb_pin_fail(err, errno, "asking about the program");
	*info = (struct lb_prog_info){
		.id = kernel.id,
		.jited = kernel.jited_prog_len,
		.loaded_at = kernel.load_time,
	};
	for (i = 0; i < sizeof(kernel.tag); i++)
		sprintf(info->tag + 2 * i, "%02x", kernel.tag[i]);
	return 0;
}

uint32_t lb_prog_pinned_id(const char *instance, const char *name)
{
	struct lb_prog_info info = {0};
	struct lb_err ignored;
	int fd = lb_prog_open(instance, name, &ignored);

	if (fd < 0)
		return 0;
	if (lb_prog_info(fd, &info, &ignored))
		info.id = 0;
	close(fd);
	return info.id;
}
