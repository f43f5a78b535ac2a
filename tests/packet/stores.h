/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stores.h - which elements of mapped maps this process stores to, whether or not a store changes anything.
 *
 * The mappings of BPF maps are known by a mmap() that stands before libc's. From stores_begin() to stores_end() they are
 * read-only: each store faults, is noted, and is done in a single step. Where the machine cannot step
 * itself (all but x86-64), only the first store to a page is noted.
 */
#ifndef TESTS_PACKET_STORES_H
#define TESTS_PACKET_STORES_H

#include <stddef.h>

void stores_begin(void);
void stores_end(void);

/*
 * The n-th store from now on kills this process by SIGKILL before it is done; 0: none does. Where stores are not stepped,
 * they are counted by page.
 */
void stores_kill_at(size_t n);

/* Elements of the map of that name ("meta", "pool", ...) that were stored to since stores_begin(), each counted once. */
size_t stores_to(const char *map);
/* Each counted as often as it was stored to; where stores are not stepped, less. */
size_t stores_times(const char *map);
/* Of all maps. */
size_t stores_to_any(void);

#endif
