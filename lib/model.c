// SPDX-License-Identifier: GPL-2.0
/* model.c - the configuration as a value: three sorted arrays. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model.h"
#include "lib/model_internal.h"

#define ROOM_FIRST 16

const char *const lb_state_names[] = {"up", "drain", "down", NULL};
const char *const lb_encap_names[] = {"default", "ipip", "gue", "dscp", "l2", NULL};
const char *const lb_check_names[] = {"none", "tcp", "http", "https", "udp", "exec", NULL};
const char *const lb_health_names[] = {"unknown", "up", "down", NULL};
const char *const lb_hash_names[] = {"5tuple", "src", NULL};
const char *const lb_fragments_names[] = {"drop", "hash", "track", NULL};

const struct lb_m_check lb_check_default = {
	.kind = LB_M_CHECK_NONE,
	.interval = 2000,
	.timeout = 1000,
	.rise = 2,
	.fall = 3,
	.status_min = 200,
	.status_max = 399,
	.path = "/",
};

int lb_m_check_cmp(const struct lb_m_check *a, const struct lb_m_check *b)
{
	const int64_t numbers[] = {
		(int64_t)a->kind - b->kind,
		(int64_t)a->direct - b->direct,
		(int64_t)a->port - b->port,
		(int64_t)a->interval - b->interval,
		(int64_t)a->timeout - b->timeout,
		(int64_t)a->rise - b->rise,
		(int64_t)a->fall - b->fall,
		(int64_t)a->status_min - b->status_min,
		(int64_t)a->status_max - b->status_max,
	};
	const int texts[] = {
		strcmp(a->host, b->host),	strcmp(a->path, b->path),
		strcmp(a->send, b->send),	strcmp(a->expect, b->expect),
		strcmp(a->command, b->command),
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i])
			return numbers[i] < 0 ? -1 : 1;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i])
			return texts[i];
	return 0;
}

typedef int (*cmp_fn)(const void *a, const void *b);

int lb_model_pool_cmp(const void *a, const void *b)
{
	const struct lb_m_pool *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int lb_model_real_cmp(const void *a, const void *b)
{
	const struct lb_m_real *x = a, *y = b;
	int d = strcmp(x->pool, y->pool);

	return d ? d : lb_addr_cmp(&x->addr, &y->addr);
}

int lb_model_vip_cmp(const void *a, const void *b)
{
	const struct lb_m_vip *x = a, *y = b;

	return lb_service_cmp(&x->svc, &y->svc);
}

/*
 * Where key stands, or would, in a sorted array; *found tells which. First is looked where the last one stood, and behind
 * it: who asks for all asks in order, mostly. Then at the end: what comes from `lbtool save` is in order too.
 */
static size_t place(const void *array, size_t n, size_t size, const void *key, cmp_fn cmp,
		    size_t *last, bool *found)
{
	const char *base = array;
	size_t low = 0, high = n;

	*found = true;
	for (size_t at = *last; at < n && at <= *last + 1; at++)
		if (cmp(base + at * size, key) == 0)
			return *last = at;
	*found = false;
	if (!n || cmp(base + (n - 1) * size, key) < 0)
		return n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int d = cmp(base + mid * size, key);

		if (d == 0) {
			*found = true;
			return *last = mid;
		}
		if (d < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The array with the value in it, moved perhaps; NULL with *err when memory is short, and then the old one still holds. */
static void *put(void *array, size_t *n, size_t *room, size_t size, const void *value, cmp_fn cmp,
		 struct lb_err *err)
{
	bool found;
	size_t last = *n, at = place(array, *n, size, value, cmp, &last, &found);
	char *base = array;

	if (found) {
		memmove(base + at * size, value, size); /* it may be the very same */
		return base;
	}
	if (*n == *room) {
		size_t more = *room ? *room * 2 : ROOM_FIRST;

		base = reallocarray(array, more, size);
		if (!base) {
			lb_fail(err, "%s", strerror(ENOMEM));
			return NULL;
		}
		*room = more;
	}
	memmove(base + (at + 1) * size, base + at * size, (*n - at) * size);
	memcpy(base + at * size, value, size);
	(*n)++;
	return base;
}

static void del(void *array, size_t *n, size_t size, void *item)
{
	char *end = (char *)array + *n * size, *next = (char *)item + size;

	memmove(item, next, end - next);
	(*n)--;
}

void lb_model_init(struct lb_model *m)
{
	*m = (struct lb_model){0};
}

void lb_model_free(struct lb_model *m)
{
	free(m->pool);
	free(m->real);
	free(m->vip);
	lb_model_init(m);
}

static int copy(void *to, const void *from, size_t n, size_t size)
{
	if (n && !to)
		return -1;
	if (n)
		memcpy(to, from, n * size);
	return 0;
}

int lb_model_copy(struct lb_model *to, const struct lb_model *from, struct lb_err *err)
{
	*to = (struct lb_model){
		.seed = from->seed,
		.pool = calloc(from->pools, sizeof(*from->pool)),
		.real = calloc(from->reals, sizeof(*from->real)),
		.vip = calloc(from->vips, sizeof(*from->vip)),
		.pools = from->pools,
		.reals = from->reals,
		.vips = from->vips,
		.pool_room = from->pools,
		.real_room = from->reals,
		.vip_room = from->vips,
		.peers = from->peers,
		.spread4 = from->spread4,
		.spread6 = from->spread6,
	};
	memcpy(to->peer, from->peer, sizeof(to->peer));
	if (copy(to->pool, from->pool, from->pools, sizeof(*from->pool)) < 0 ||
	    copy(to->real, from->real, from->reals, sizeof(*from->real)) < 0 ||
	    copy(to->vip, from->vip, from->vips, sizeof(*from->vip)) < 0) {
		lb_model_free(to);
		return lb_fail(err, "%s", strerror(ENOMEM));
	}
	return 0;
}

/* A name too long for a pool's is nobody's: cut, it would find another's. */
static bool set_name(char to[LB_NAME_MAX + 1], const char *name)
{
	size_t len = strnlen(name, LB_NAME_MAX + 1);

	if (len > LB_NAME_MAX)
		return false;
	memcpy(to, name, len + 1);
	return true;
}

struct lb_m_pool *lb_model_pool(const struct lb_model *m, const char *name)
{
	static size_t last;
	struct lb_m_pool key;
	bool found;
	size_t at;

	if (!set_name(key.name, name))
		return NULL;
	at = place(m->pool, m->pools, sizeof(key), &key, lb_model_pool_cmp, &last, &found);
	return found ? &m->pool[at] : NULL;
}

struct lb_m_real *lb_model_real(const struct lb_model *m, const char *pool,
				const struct lb_addr *addr)
{
	static size_t last;
	struct lb_m_real key = {.addr = *addr};
	bool found;
	size_t at;

	if (!set_name(key.pool, pool))
		return NULL;
	at = place(m->real, m->reals, sizeof(key), &key, lb_model_real_cmp, &last, &found);
	return found ? &m->real[at] : NULL;
}

struct lb_m_vip *lb_model_vip(const struct lb_model *m, const struct lb_service *svc)
{
	static size_t last;
	struct lb_m_vip key = {.svc = *svc};
	bool found;
	size_t at = place(m->vip, m->vips, sizeof(key), &key, lb_model_vip_cmp, &last, &found);

	return found ? &m->vip[at] : NULL;
}

struct lb_m_real *lb_model_pool_reals(const struct lb_model *m, const char *pool, size_t *n)
{
	struct lb_m_real key = {0};
	size_t first, end, last = m->reals;
	bool found;

	*n = 0;
	if (!set_name(key.pool, pool))
		return NULL;
	/* No address is below the empty one, and none is above one of a family that does not exist. */
	first = place(m->real, m->reals, sizeof(key), &key, lb_model_real_cmp, &last, &found);
	key.addr.family = UINT8_MAX;
	end = place(m->real, m->reals, sizeof(key), &key, lb_model_real_cmp, &last, &found);
	*n = end - first;
	return *n ? &m->real[first] : NULL;
}

int lb_model_put_pool(struct lb_model *m, const struct lb_m_pool *pool, struct lb_err *err)
{
	void *array = put(m->pool, &m->pools, &m->pool_room, sizeof(*pool), pool, lb_model_pool_cmp,
			  err);

	if (!array)
		return -1;
	m->pool = array;
	return 0;
}

int lb_model_put_real(struct lb_model *m, const struct lb_m_real *real, struct lb_err *err)
{
	void *array = put(m->real, &m->reals, &m->real_room, sizeof(*real), real, lb_model_real_cmp,
			  err);

	if (!array)
		return -1;
	m->real = array;
	return 0;
}

int lb_model_put_vip(struct lb_model *m, const struct lb_m_vip *vip, struct lb_err *err)
{
	void *array = put(m->vip, &m->vips, &m->vip_room, sizeof(*vip), vip, lb_model_vip_cmp, err);

	if (!array)
		return -1;
	m->vip = array;
	return 0;
}

/* The array of n values, sorted, in place of the old one. Not all the room that it has: lbmon keeps its model. */
static void *take(void *old, void *array, size_t n, size_t size, cmp_fn cmp)
{
	void *less;

	free(old);
	qsort(array, n, size, cmp);
	less = reallocarray(array, n ? n : 1, size);
	if (!less)
		return array;
	return less;
}

void lb_model_take_reals(struct lb_model *m, struct lb_m_real *real, size_t n)
{
	m->real = take(m->real, real, n, sizeof(*real), lb_model_real_cmp);
	m->reals = m->real_room = n;
}

void lb_model_take_vips(struct lb_model *m, struct lb_m_vip *vip, size_t n)
{
	m->vip = take(m->vip, vip, n, sizeof(*vip), lb_model_vip_cmp);
	m->vips = m->vip_room = n;
}

void lb_model_del_pool(struct lb_model *m, struct lb_m_pool *pool)
{
	del(m->pool, &m->pools, sizeof(*pool), pool);
}

void lb_model_del_real(struct lb_model *m, struct lb_m_real *real)
{
	del(m->real, &m->reals, sizeof(*real), real);
}

void lb_model_del_vip(struct lb_model *m, struct lb_m_vip *vip)
{
	del(m->vip, &m->vips, sizeof(*vip), vip);
}

enum lb_m_encap lb_real_encap(const struct lb_model *m, const struct lb_m_real *real)
{
	const struct lb_m_pool *pool;

	if (real->encap != LB_M_ENCAP_DEFAULT)
		return real->encap;
	pool = lb_model_pool(m, real->pool);
	return pool ? pool->encap : LB_M_ENCAP_DEFAULT;
}

bool lb_real_serves(const struct lb_m_real *real)
{
	return real->state == LB_M_UP && real->weight > 0 && !real->sick;
}

/* The pool's reals that would be in the table were all healthy, and those of them that are not down. */
static size_t count_wanted(const struct lb_model *m, const char *pool, size_t *healthy)
{
	size_t i, n, wanted = 0;
	const struct lb_m_real *real = lb_model_pool_reals(m, pool, &n);

	*healthy = 0;
	for (i = 0; i < n; i++) {
		if (real[i].state != LB_M_UP || !real[i].weight)
			continue;
		wanted++;
		*healthy += real[i].health != LB_M_SICK;
	}
	return wanted;
}

size_t lb_pool_healthy(const struct lb_model *m, const struct lb_m_pool *pool)
{
	size_t healthy;

	count_wanted(m, pool->name, &healthy);
	return healthy;
}

bool lb_pool_panics(const struct lb_model *m, const struct lb_m_pool *pool)
{
	size_t healthy, wanted = count_wanted(m, pool->name, &healthy);

	return healthy * 100 < wanted * pool->panic;
}

void lb_model_health(struct lb_model *m)
{
	struct lb_m_real *real;
	size_t i, k, n;

	for (i = 0; i < m->pools; i++) {
		bool heed = !lb_pool_panics(m, &m->pool[i]);

		real = lb_model_pool_reals(m, m->pool[i].name, &n);
		for (k = 0; k < n; k++)
			real[k].sick = heed && real[k].health == LB_M_SICK;
	}
}
