/* SPDX-License-Identifier: GPL-2.0 */
/* The session cache, seen from outside: who is in it, since when, and its removal. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/maps_internal.h"
#include "lib/prog_internal.h"

const uint32_t lb_idle_from[LB_IDLE_CLASSES] = {0, 60, LB_UDP_IDLE, LB_TCP_IDLE, 3600};

/* Time as entries have it. */
struct ticks {
	uint32_t hz, shift; /* jiffies a second; a tick is 1 << shift of them */
	uint32_t now; /* modulo 2^15 */
	uint32_t from[LB_IDLE_CLASSES]; /* lb_idle_from[] */
};

/*
 * What the packet path would read now. Reckoned from a clock it would be wrong by what the clocks differed when the
 * machine started, so a program of one call asks the same function.
 */
static int read_jiffies(uint32_t *jiffies, struct lb_err *err)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64},
		{.code = BPF_JMP | BPF_EXIT},
	};
	static const char frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));
	int fd, ret;

	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "lb_jiffies", "GPL", insns,
			   sizeof(insns) / sizeof(*insns), NULL);
	if (fd < 0)
		return lb_pin_fail(err, -fd, "loading a program that tells the time");
	ret = bpf_prog_test_run_opts(fd, &run);
	close(fd);
	if (ret)
		return lb_pin_fail(err, -ret, "running a program that tells the time");
	*jiffies = run.retval;
	return 0;
}

static uint32_t seconds(const struct ticks *t, uint32_t ticks)
{
	return ((uint64_t)ticks << t->shift) / t->hz;
}

static int read_ticks(struct ticks *t, struct lb_err *err)
{
	uint32_t jiffies = 0, i;

	if (read_jiffies(&jiffies, err))
		return -1;
	*t = (struct ticks){0};
	t->hz = lb_kernel_hz(&t->shift);
	t->now = jiffies >> t->shift & 0x7fff;
	for (i = 0; i < LB_IDLE_CLASSES; i++)
		while (seconds(t, t->from[i]) < lb_idle_from[i])
			t->from[i]++;
	return 0;
}

/* In ticks. What was written after we asked for the time is of now. */
static uint32_t age_of(const struct ticks *t, uint64_t entry)
{
	uint32_t age = (t->now - (uint32_t)(entry >> 1)) & 0x7fff;

	return age == 0x7fff ? 0 : age;
}

static void count_entry(struct lb_session_use *u, const struct ticks *t, uint64_t entry)
{
	uint32_t age = age_of(t, entry), i = LB_IDLE_CLASSES - 1;

	if (!u->entries || age < u->youngest)
		u->youngest = age;
	if (age > u->oldest)
		u->oldest = age;
	while (age < t->from[i])
		i--;
	u->idle[i]++;
	u->again += entry & 1;
	u->entries++;
}

/* Returns how many of the bucket's entries are in use. */
static uint32_t count_bucket(struct lb_sessions *s, const struct ticks *t,
			     const struct lb_session *bucket)
{
	uint32_t used = 0, w;

	for (w = 0; w < LB_SESSION_WAYS; w++) {
		uint64_t e = __atomic_load_n(&bucket->way[w], __ATOMIC_RELAXED);
		uint32_t id = LB_SESSION_REAL(e);

		if (!e)
			continue;
		count_entry(&s->real[id < s->reals ? id : 0], t, e);
		s->again += e & 1;
		used++;
	}
	return used;
}

int lb_maps_sessions(const struct lb_maps *m, struct lb_sessions **sessions, struct lb_err *err)
{
	const struct lb_meta *meta = m->meta;
	struct lb_stretch cache;
	struct lb_sessions *s;
	struct ticks t;
	uint32_t i, n;

	if (read_ticks(&t, err) || lb_session_map(m, &cache, err))
		return -1;
	s = calloc(1, sizeof(*s) + meta->reals * sizeof(*s->real));
	if (!s) {
		lb_stretch_unmap(&cache);
		return lb_fail(err, "counting the session cache: %s", strerror(ENOMEM));
	}
	s->entries = (uint64_t)meta->sessions * LB_SESSION_WAYS;
	s->bytes = meta->sessions * sizeof(struct lb_session);
	s->buckets = meta->sessions;
	s->reals = meta->reals;
	for (i = 0; i < meta->sessions; i++) {
		n = count_bucket(s, &t, (struct lb_session *)cache.at + i);
		s->used += n;
		s->full += n == LB_SESSION_WAYS;
	}
	lb_stretch_unmap(&cache);
	for (i = 0; i < s->reals; i++) {
		s->real[i].youngest = seconds(&t, s->real[i].youngest);
		s->real[i].oldest = seconds(&t, s->real[i].oldest);
	}
	*sessions = s;
	return 0;
}

/* A packet may write the entry meanwhile: then it is looked at again. */
static bool flush_entry(const struct lb_maps *m, uint64_t *entry, const bool *of)
{
	uint64_t e = __atomic_load_n(entry, __ATOMIC_RELAXED);

	while (e && (!of || (LB_SESSION_REAL(e) < m->meta->reals && of[LB_SESSION_REAL(e)])))
		if (__atomic_compare_exchange_n(entry, &e, 0, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

void lb_session_forget_pending(struct lb_maps *maps)
{
	__atomic_fetch_add(&maps->meta->forgets, 1, __ATOMIC_RELEASE);
	lb_wait_for_packets();
}

int lb_maps_session_flush(struct lb_maps *m, const bool *of, uint64_t *n, struct lb_err *err)
{
	struct lb_stretch cache;
	uint64_t i;

	*n = 0;
	if (lb_session_map(m, &cache, err))
		return -1;
	lb_session_forget_pending(m);
	for (i = 0; i < (uint64_t)m->meta->sessions * LB_SESSION_WAYS; i++)
		*n += flush_entry(m, (uint64_t *)cache.at + i, of);
	lb_stretch_unmap(&cache);
	return 0;
}
