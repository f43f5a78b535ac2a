/* SPDX-License-Identifier: GPL-2.0 */
/*
 * recent.h - flows that the session cache was found to have at the table's real, in this tick: a note of 32 bits for each.
 *
 * A flow whose entry is of this tick and says what the table says has nothing to ask of the cache, and nothing to write there.
 * But its line comes from far away when there are many flows: notes, of which many fit into a line, stay near. The real's id is
 * part of the note: it says nothing of a flow whose table has changed since, nor of one that is kept elsewhere. Whoever is taken
 * for another one by mistake, as seldom as in the cache itself, goes by the table. Flows that come once make no note.
 */
#ifndef LB_RECENT_H
#define LB_RECENT_H

#include "bpf/session.h"

/* Of a note: three bits of the tick, and 1, lest it be 0, which is no note. */
#define LB_NOTE_TICK 0xfu

static __always_inline __u32 lb_note(__u64 hash, __u32 id, __u32 tick)
{
	__u64 x = hash ^ id ^ (__u64)tick << 16;

	x = x * 0x9e3779b97f4a7c15ull >> 32;
	return (x & ~LB_NOTE_TICK) | (tick << 1 & LB_NOTE_TICK) | 1;
}

/* A word for each line of the cache. NULL: none are taken. */
static __always_inline __u64 *lb_notes(__u64 hash)
{
	__u32 at = lb_scale(hash >> 32, lb_cfg.sessions);

	return lb_cfg.trace ? NULL : bpf_map_lookup_elem(&recent, &at);
}

/* id: the table's real. */
static __always_inline bool lb_noted(__u64 hash, __u32 id)
{
	const __u64 *notes = lb_notes(hash);
	__u32 note = lb_note(hash, id, lb_tick());
	__u64 both;

	if (!notes)
		return false;
	both = LB_READ_ONCE(*notes);
	return (__u32)both == note || both >> 32 == note;
}

/*
 * The older of two is forgotten; but seldom in its own tick: where three flows share a word, each would write it again and
 * again, and take the line from other CPUs (two cores with 65,536 flows each: 60 ns a packet in place of 75).
 */
static __always_inline void lb_take_note(__u64 hash, __u32 id, __u32 tick)
{
	__u64 *notes = lb_notes(hash), both, note = lb_note(hash, id, tick);

	if (!notes)
		return;
	both = LB_READ_ONCE(*notes);
	if (((both >> 32 ^ note) & LB_NOTE_TICK) == 0 && (hash ^ bpf_jiffies64()) & 7)
		return;
	LB_WRITE_ONCE(*notes, both << 32 | note);
}

#endif
