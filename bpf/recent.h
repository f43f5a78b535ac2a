/* SPDX-License-Identifier: GPL-2.0 */
/*
 * recent.h - flows that the session cache was found to know, in this tick: a note of 16 bits for each.
 *
 * A flow whose entry is of this tick has nothing to write there, and nothing to ask where the pool's table says the same, as it
 * does unless the pool is mixed (lb_session.h). But its line comes from far away when there are many flows: notes are so small
 * that those of all flows of a busy node stay near. Whoever is taken for another one by mistake, one in thousands, has his entry
 * written a tick later. Flows that come once make no note.
 */
#ifndef LB_RECENT_H
#define LB_RECENT_H

#include "bpf/session.h"

/* 1 in each of the four notes of a word. */
#define LB_NOTES 0x0001000100010001ull

/* Never 0, which is no note. */
static __always_inline __u64 lb_note(const struct lb_pkt *p)
{
	return (__u16)((__u32)p->hash + lb_tick() * 0x9e37u + p->svc->pool * 0x79b9u) | 1;
}

static __always_inline __u64 *lb_notes(const struct lb_pkt *p)
{
	__u32 at = lb_scale(p->hash >> 32, lb_cfg.recent);

	return bpf_map_lookup_elem(&recent, &at);
}

static __always_inline bool lb_noted(const struct lb_pkt *p)
{
	const __u64 *notes = lb_notes(p);
	__u64 x;

	if (!lb_cfg.recent || !notes)
		return false;
	x = LB_READ_ONCE(*notes) ^ lb_note(p) * LB_NOTES;
	return (x - LB_NOTES) & ~x & LB_NOTES << 15; /* is one of them 0? */
}

/* The oldest of four is forgotten. */
static __always_inline void lb_take_note(const struct lb_pkt *p)
{
	__u64 *notes = lb_notes(p);

	if (lb_cfg.recent && notes)
		LB_WRITE_ONCE(*notes, LB_READ_ONCE(*notes) << 16 | lb_note(p));
}

/*
 * The real of a flow that is noted, by the table; 0: ask the cache. The date comes after the table: whoever changes that has set
 * the date back before, and neither loads nor stores of x86 overtake their like.
 */
static __always_inline __u32 lb_noted_real(struct lb_pkt *p)
{
	__u32 id = lb_table(p);

	if (!lb_mixed(p->svc->pool))
		return id;
	p->prev = 0;
	return 0;
}

#endif
