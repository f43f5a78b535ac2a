/* SPDX-License-Identifier: GPL-2.0 */
/* malloc() on huge pages. */
#include "lib/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE (2ul << 20)
#define ROOM (4 * HUGE_PAGE)
#define USUAL_PAD (128 << 10) /* DEFAULT_TOP_PAD */
#define HEADER 4096 /* more than malloc() keeps beside a piece, and at the beginning of the heap */

void lb_heap_large(void)
{
	/* For good, and never touched: what is left of the page that the heap ends in. */
	static void *skipped;
	uintptr_t first, end = (uintptr_t)sbrk(0);

	if (skipped)
		return;
	mallopt(M_MMAP_THRESHOLD, ROOM);
	mallopt(M_TRIM_THRESHOLD, 2 * ROOM);
	mallopt(M_TOP_PAD, ROOM);
	/* Its successor's header is written now, and must not be the first one to touch a page that is to be huge. */
	end += HEADER;
	skipped = malloc(HUGE_PAGE - end % HUGE_PAGE);
	mallopt(M_TOP_PAD, USUAL_PAD); /* near a limit, room to spare would be asked for in vain */
	first = (end + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	end = (uintptr_t)sbrk(0) & ~(HUGE_PAGE - 1);
	if (first < end)
		madvise((void *)first, end - first, MADV_HUGEPAGE);
}
