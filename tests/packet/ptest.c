// SPDX-License-Identifier: GPL-2.0
#include "tests/packet/ptest.h"

#include <bpf/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

/* VIPs of the tables and where they lead; world.h has the routes. */
static const struct {
	const char *svc, *real;
} served[] = {
	{"203.0.113.1:80/tcp", "10.0.0.1"},	  {"203.0.113.1:53/udp", "10.0.0.1"},
	{"203.0.113.2:80/tcp", "fd00::1"},	  {"[2001:db8:f::1]:80/tcp", "fd00::1"},
	{"[2001:db8:f::1]:53/udp", "fd00::1"},	  {"[2001:db8:f::2]:80/tcp", "10.0.0.1"},
	{"203.0.113.3:80/tcp", "10.1.0.1"},	  {"[2001:db8:f::3]:80/tcp", "fd00:1::1"},
	{"203.0.113.13:80/tcp", "fd00:1::1"},	  {"[2001:db8:f::13]:80/tcp", "10.1.0.1"},
	{"203.0.113.4:any/tcp", "10.0.0.4"},	  {"203.0.113.4:443/tcp", "10.0.0.5"},
	{"203.0.113.4:443/udp", "10.0.0.6"},	  {"[2001:db8:f::4]:any/tcp", "10.0.0.4"},
	{"[2001:db8:f::4]:443/tcp", "10.0.0.5"},  {"[2001:db8:f::4]:443/udp", "10.0.0.6"},
	{"203.0.113.6:80/tcp", "10.2.0.1"},	  {"[2001:db8:f::6]:80/tcp", "fd00:2::1"},
	{"203.0.113.7:80/tcp", "10.3.0.1"},	  {"[2001:db8:f::7]:80/tcp", "fd00:3::1"},
	{"203.0.113.8:80/tcp", "10.4.0.1"},	  {"[2001:db8:f::8]:80/tcp", "fd00:4::1"},
	{"203.0.113.9:80/tcp", "10.6.0.1"},	  {"203.0.113.10:80/tcp", "10.5.0.1"},
	{"[2001:db8:f::10]:80/tcp", "fd00:5::1"}, {"203.0.113.11:80/tcp", "10.7.0.1"},
	{"[2001:db8:f::11]:80/tcp", "fd00:7::1"}, {"203.0.113.12:80/tcp", "192.0.2.1"},
};

void ptest_root(void)
{
	const char *strict = getenv("LB_REQUIRE_ROOT");

	if (geteuid() == 0)
		return;
	if (strict && *strict == '1')
		cr_fatal("needs root");
	cr_skip("needs root");
}

void ptest_served(struct world *w)
{
	struct lb_err err;

	ptest_root();
	must(world_net(&err));
	must(world_load(w, "served", NULL, &err));
	for (size_t i = 0; i < sizeof(served) / sizeof(*served); i++)
		must(world_serve(w, served[i].svc, served[i].real, &err));
	must(world_pool(w, "empty", 251, &err));
	must(world_pool(w, "resting", 251, &err));
	must(world_real(w, "resting", "10.0.0.10", 1, LB_M_DOWN, &err));
	must(world_real(w, "resting", "10.0.0.11", 1, LB_M_DRAIN, &err));
	must(world_real(w, "resting", "10.0.0.12", 0, LB_M_UP, &err));
	must(world_vip(w, "203.0.113.5:80/tcp", "empty", true, &err));
	must(world_vip(w, "203.0.113.5:81/tcp", "resting", true, &err));
	must(world_vip(w, "[2001:db8:f::5]:80/tcp", "empty", false, &err));
	must(world_commit(w, &err));
}

enum lb_why ptest_send(struct world *w, const struct pkt *in, struct pkt *out, const char *what)
{
	enum lb_why why = world_send(w, in, out);

	cr_expect(why != LB_NEXT, "%s: %s; sent:%s", what, w->wrong, pkt_dump(in));
	return why;
}

struct lb_addr ptest_real(struct world *w, const struct pkt *in, const char *what)
{
	struct lb_addr to = {0};
	struct pkt out;
	enum lb_why why = ptest_send(w, in, &out, what);
	const char *wrong;

	if (why != LB_TX && why != LB_TX_REDIRECT) {
		cr_expect(0, "%s: %s %s", what, world_why_name(why), w->wrong);
		return to;
	}
	wrong = pkt_wrong(&out, in, &to);
	cr_expect(wrong == NULL, "%s: %s; sent:%s\ngot:%s", what, wrong, pkt_dump(in),
		  pkt_dump(&out));
	return to;
}

/* info: of the map. */
static void *map_whole(const struct world *w, const char *name, struct bpf_map_info *info)
{
	uint32_t len = sizeof(*info);
	void *at;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/%s", w->instance, name);
	fd = bpf_obj_get(path);
	cr_assert(zero(int, bpf_obj_get_info_by_fd(fd, info, &len)), "%s", name);
	at = mmap(NULL, (size_t)info->value_size * info->max_entries, PROT_READ | PROT_WRITE,
		  MAP_SHARED, fd, 0);
	close(fd);
	cr_assert(at != MAP_FAILED, "%s", name);
	return at;
}

void *ptest_map(const struct world *w, const char *name)
{
	struct bpf_map_info info = {0};

	return map_whole(w, name, &info);
}

uint64_t *ptest_mixed(const struct world *w, const char *pool)
{
	return (uint64_t *)ptest_map(w, "mixed") + lb_model_pool(&w->model, pool)->id;
}

struct lb_session *ptest_cache(const struct world *w, uint32_t *buckets)
{
	struct bpf_map_info info = {0};
	struct lb_session *cache = map_whole(w, "session", &info);

	*buckets = info.max_entries;
	return cache;
}

void ptest_age(struct lb_session *cache, uint32_t buckets, uint32_t ticks)
{
	for (uint32_t i = 0; i < buckets; i++) {
		for (uint32_t k = 0; k < LB_SESSION_WAYS; k++) {
			uint64_t e = cache[i].way[k];
			uint32_t tick = (e >> 1) - ticks;

			if (e)
				cache[i].way[k] = (e & ~0xfffeull) | (tick & 0x7fff) << 1;
		}
	}
}

void ptest_wait_a_jiffy(void)
{
	const struct timespec jiffy = {.tv_nsec = 11000000}; /* and a bit, with HZ=100 */

	nanosleep(&jiffy, NULL);
}

void ptest_know_next_hops(struct world *w, const char *vip)
{
	struct pkt_spec s = {.dst = vip, .flags = 0x10, .sport = 30000};
	struct pkt in;

	for (; s.sport < 30200; s.sport++) {
		pkt_build(&in, &s);
		ptest_real(w, &in, "next hops");
	}
}

uint64_t *ptest_entry(struct lb_session *cache, uint32_t buckets)
{
	for (uint32_t i = 0; i < buckets * LB_SESSION_WAYS; i++)
		if (((uint64_t *)cache)[i])
			return (uint64_t *)cache + i;
	return NULL;
}

void ptest_write_pending(struct world *w, const char *vip)
{
	static uint16_t sport = 40000; /* a flow that was not seen yet */
	struct pkt_spec s = {.dst = vip, .flags = 0x10, .sport = sport};
	struct pkt in;

	sport++;
	ptest_wait_a_jiffy();
	pkt_build(&in, &s);
	ptest_real(w, &in, "to have written what waits");
}

bool ptest_is(const struct lb_addr *got, const char *addr)
{
	struct lb_addr want;
	struct lb_err err;

	return !parse_addr(addr, &want, &err) && !lb_addr_cmp(got, &want);
}

void ptest_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	cr_assert(zero(int, sched_setaffinity(0, sizeof(one), &one)));
}
