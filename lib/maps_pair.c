/* SPDX-License-Identifier: GPL-2.0 */
#include "lib/maps_pair.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/prog_internal.h"

#define KEY_MAX 64

/* A data section holds one variable: its type. */
static uint32_t value_type(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	if (!t || !btf_is_datasec(t) || !btf_vlen(t))
		return id;
	t = btf__type_by_id(btf, btf_var_secinfos(t)->type);
	return t ? t->type : 0;
}

static int map_all(struct lb_side *s, struct lb_err *err)
{
	size_t page = sysconf(_SC_PAGESIZE);

	s->len = (s->stride * s->entries + page - 1) / page * page;
	s->at = mmap(NULL, s->len, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->at != MAP_FAILED)
		return 0;
	s->at = NULL;
	return lb_pin_fail(err, errno, "mapping it");
}

int lb_side_open(struct lb_side *s, const char *instance, const char *name, struct lb_err *err)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	*s = (struct lb_side){.fd = lb_pin_open(instance, "map", name, err, "is missing")};
	if (s->fd < 0)
		return -1;
	if (bpf_obj_get_info_by_fd(s->fd, &info, &len))
		return lb_pin_fail(err, errno, "asking about it");
	if (!info.btf_id)
		return lb_fail(err, "has no description (BTF)");
	s->btf = btf__load_from_kernel_by_id(info.btf_id);
	if (!s->btf)
		return lb_pin_fail(err, errno, "its description (BTF)");
	s->entries = info.max_entries;
	s->size = info.value_size;
	s->key = info.key_size;
	s->stride = (info.value_size + 7) & ~7ul;
	s->layout = (struct lb_layout){s->btf, value_type(s->btf, info.btf_value_type_id)};
	return info.map_flags & BPF_F_MMAPABLE ? map_all(s, err) : 0;
}

void lb_side_close(struct lb_side *s)
{
	if (s->at)
		munmap(s->at, s->len);
	btf__free(s->btf);
	if (s->fd >= 0)
		close(s->fd);
}

void *lb_side_at(const struct lb_side *s, uint32_t i)
{
	return (char *)s->at + s->stride * i;
}

void lb_pair_close(struct lb_pair *p)
{
	lb_record_free(p->record);
	lb_side_close(&p->from);
	lb_side_close(&p->to);
}

int lb_pair_open(struct lb_pair *p, const char *from, const char *to, const char *name,
		 struct lb_err *err)
{
	*p = (struct lb_pair){.name = name, .to.fd = -1};
	if (!lb_side_open(&p->from, from, name, err) && !lb_side_open(&p->to, to, name, err))
		p->record = lb_record_new(&p->from.layout, &p->to.layout, err);
	if (p->record && lb_record_from(p->record) == p->from.size &&
	    lb_record_to(p->record) == p->to.size && p->from.key == p->to.key &&
	    p->from.key <= KEY_MAX && !p->from.at == !p->to.at)
		return 0;
	if (p->record)
		lb_fail(err, "is of another kind");
	lb_pair_close(p);
	return lb_prefix(err, "map %s", name);
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

static int copy(const struct lb_pair *p, const void *from, void *to, struct lb_err *err)
{
	return lb_record_copy(p->record, from, to, err) ? lb_prefix(err, "map %s", p->name) : 0;
}

/* What is zero there is zero here: large maps are mostly empty. */
int lb_pair_array(const struct lb_pair *p, int half, struct lb_err *err)
{
	uint32_t n = p->from.entries, room = p->to.entries, at = 0, to = 0;

	if (!p->from.at)
		return lb_fail(err, "map %s: cannot be mapped", p->name);
	if (half >= 0) {
		n /= 2;
		room /= 2;
		at = half * n;
		to = half * room;
	}
	for (uint32_t i = 0; i < n; i++) {
		const void *from = lb_side_at(&p->from, at + i);

		if (is_zero(from, p->from.size))
			continue;
		if (i >= room)
			return lb_fail(err, "map %s: holds more than %u", p->name, room);
		if (copy(p, from, lb_side_at(&p->to, to + i), err))
			return -1;
	}
	return 0;
}

static int map_fail(const struct lb_pair *p, struct lb_err *err)
{
	lb_pin_fail(err, errno, "copying it");
	return lb_prefix(err, "map %s", p->name);
}

int lb_pair_hash(const struct lb_pair *p, struct lb_err *err)
{
	char key[KEY_MAX], *prev = NULL, *from = malloc(p->from.size), *to = malloc(p->to.size);
	int ret = -1;

	if (!from || !to) {
		lb_fail(err, "%s", strerror(ENOMEM));
		goto out;
	}
	for (; !bpf_map_get_next_key(p->from.fd, prev, key); prev = key) {
		if (bpf_map_lookup_elem(p->from.fd, key, from))
			continue;
		if (copy(p, from, to, err))
			goto out;
		if (bpf_map_update_elem(p->to.fd, key, to, BPF_ANY)) {
			map_fail(p, err);
			goto out;
		}
	}
	ret = 0;
out:
	free(from);
	free(to);
	return ret;
}

static int copy_cpus(const struct lb_pair *p, uint32_t i, int cpus, char *from, char *to,
		     struct lb_err *err)
{
	if (bpf_map_lookup_elem(p->from.fd, &i, from))
		return map_fail(p, err);
	if (is_zero((uint8_t *)from, cpus * p->from.stride))
		return 0;
	for (int cpu = 0; cpu < cpus; cpu++)
		if (copy(p, from + cpu * p->from.stride, to + cpu * p->to.stride, err))
			return -1;
	return bpf_map_update_elem(p->to.fd, &i, to, BPF_ANY) ? map_fail(p, err) : 0;
}

int lb_pair_percpu(const struct lb_pair *p, struct lb_err *err)
{
	int cpus = libbpf_num_possible_cpus(), ret = -1;
	char *from = calloc(cpus, p->from.stride), *to = calloc(cpus, p->to.stride);

	if (!from || !to) {
		lb_fail(err, "%s", strerror(ENOMEM));
		goto out;
	}
	for (uint32_t i = 0; i < p->from.entries && i < p->to.entries; i++)
		if (copy_cpus(p, i, cpus, from, to, err))
			goto out;
	ret = 0;
out:
	free(from);
	free(to);
	return ret;
}
