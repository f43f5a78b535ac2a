/* SPDX-License-Identifier: GPL-2.0 */
/* What lbmon and `lbtool node` write: health and the node's state; and how checks lie in their map. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/maps_internal.h"
#include "lib/prog_internal.h"

_Static_assert(sizeof(((struct lb_m_real *)0)->why) == sizeof(((struct lb_real_health *)0)->why),
	       "a reason fits as it is");
_Static_assert(LB_CHECK_HOST_LEN == sizeof(((struct lb_m_check *)0)->host),
	       "names fit as they are");
_Static_assert(LB_CHECK_TEXT_LEN == sizeof(((struct lb_m_check *)0)->send),
	       "texts fit as they are");

static const uint8_t kinds[] = {
	[LB_M_CHECK_NONE] = LB_CHECK_NONE, [LB_M_CHECK_TCP] = LB_CHECK_TCP,
	[LB_M_CHECK_HTTP] = LB_CHECK_HTTP, [LB_M_CHECK_HTTPS] = LB_CHECK_HTTPS,
	[LB_M_CHECK_UDP] = LB_CHECK_UDP,   [LB_M_CHECK_EXEC] = LB_CHECK_EXEC,
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

void lb_check_put(struct lb_check_conf *to, const struct lb_m_check *check)
{
	struct lb_check_conf c = {
		.interval = check->interval,
		.timeout = check->timeout,
		.port = check->port,
		.status_min = check->status_min,
		.status_max = check->status_max,
		.kind = kinds[check->kind],
		.direct = check->direct,
		.rise = check->rise,
		.fall = check->fall,
	};

	memcpy(c.host, check->host, sizeof(c.host) - 1);
	memcpy(c.path, check->path, sizeof(c.path) - 1);
	memcpy(c.command, check->command, sizeof(c.command) - 1);
	memcpy(c.send, check->send, sizeof(c.send) - 1);
	memcpy(c.expect, check->expect, sizeof(c.expect) - 1);
	if (memcmp(to, &c, sizeof(c)) != 0)
		*to = c;
}

void lb_check_get(const struct lb_check_conf *from, struct lb_m_check *check)
{
	size_t kind = 0;

	while (kind < KINDS && kinds[kind] != from->kind)
		kind++;
	*check = lb_check_default;
	/* A pool's record that lbtool did not write: nobody is asked by guess. */
	if (kind == KINDS || !from->interval || !from->timeout || !from->rise || !from->fall)
		return;
	check->kind = (enum lb_m_check_kind)kind;
	check->direct = from->direct;
	check->port = from->port;
	check->interval = from->interval;
	check->timeout = from->timeout;
	check->rise = from->rise;
	check->fall = from->fall;
	check->status_min = from->status_min;
	check->status_max = from->status_max;
	memcpy(check->host, from->host, sizeof(check->host) - 1);
	memcpy(check->path, from->path, sizeof(check->path) - 1);
	memcpy(check->command, from->command, sizeof(check->command) - 1);
	memcpy(check->send, from->send, sizeof(check->send) - 1);
	memcpy(check->expect, from->expect, sizeof(check->expect) - 1);
}

void lb_maps_health_get(const struct lb_maps *maps, struct lb_m_real *real)
{
	const struct lb_real_health *h = &maps->health[real->id];

	real->health = h->state == LB_HEALTH_UP	    ? LB_M_HEALTHY
		       : h->state == LB_HEALTH_DOWN ? LB_M_SICK
						    : LB_M_UNKNOWN;
	real->since = h->since;
	memcpy(real->why, h->why, sizeof(real->why) - 1);
}

void lb_maps_health_put(struct lb_maps *maps, uint32_t real_id, enum lb_m_health health,
			uint64_t since, const char *why)
{
	static const uint8_t state[] = {
		[LB_M_UNKNOWN] = LB_HEALTH_UNKNOWN,
		[LB_M_HEALTHY] = LB_HEALTH_UP,
		[LB_M_SICK] = LB_HEALTH_DOWN,
	};
	struct lb_real_health *h = &maps->health[real_id];
	uint8_t sick = health == LB_M_SICK;
	char text[sizeof(h->why)] = "";

	strncpy(text, why, sizeof(text) - 1);
	memcpy(h->why, text, sizeof(text));
	h->since = since;
	/* Packets read that line: it is not written without need. */
	if (maps->real[real_id].sick != sick)
		__atomic_store_n(&maps->real[real_id].sick, sick, __ATOMIC_RELEASE);
	__atomic_store_n(&h->state, state[health], __ATOMIC_RELEASE);
}

bool lb_maps_health_is(const struct lb_maps *maps, uint32_t real_id, enum lb_m_health health)
{
	return maps->real[real_id].sick == (health == LB_M_SICK);
}

void lb_maps_health_again(struct lb_maps *maps)
{
	for (uint32_t id = 1; id < maps->meta->reals; id++) {
		uint8_t sick = maps->health[id].state == LB_HEALTH_DOWN;

		if (maps->real[id].sick != sick)
			__atomic_store_n(&maps->real[id].sick, sick, __ATOMIC_RELEASE);
	}
}

uint32_t lb_maps_mark(uint32_t real_id)
{
	return LB_HC_MARK | (real_id & ~LB_HC_MARK_MASK);
}

bool lb_maps_drained(const struct lb_maps *maps)
{
	return __atomic_load_n(&maps->meta->flags, __ATOMIC_RELAXED) & LB_META_DRAINED;
}

void lb_maps_drain(struct lb_maps *maps, bool drained)
{
	if (drained)
		__atomic_or_fetch(&maps->meta->flags, LB_META_DRAINED, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&maps->meta->flags, ~LB_META_DRAINED, __ATOMIC_RELAXED);
}

int lb_meta_id(const char *instance, uint32_t *id, struct lb_err *err)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	int fd = lb_pin_open(instance, "map", "meta", err, "nothing is loaded"), ret;

	if (fd < 0)
		return -1;
	ret = bpf_obj_get_info_by_fd(fd, &info, &len);
	close(fd);
	*id = info.id;
	return ret ? lb_pin_fail(err, -ret, "meta") : 0;
}

bool lb_maps_current(const struct lb_maps *maps, const char *instance)
{
	char prog[LB_PIN_LEN], meta[LB_PIN_LEN];
	struct lb_err ignored;
	uint32_t id;

	lb_pin_path(prog, instance, "prog", "lb");
	lb_pin_path(meta, instance, "map", "meta");
	/* What cannot be looked at for want of a descriptor, or of a right, is not gone. */
	if ((access(prog, F_OK) && errno == ENOENT) || (access(meta, F_OK) && errno == ENOENT))
		return false;
	return lb_meta_id(instance, &id, &ignored) || id == maps->meta_id;
}
