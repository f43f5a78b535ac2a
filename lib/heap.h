/* SPDX-License-Identifier: GPL-2.0 */
/*
 * heap.h - room for large models.
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

/*
 * From now on malloc() takes its room from huge pages, where the kernel has them, and keeps what it got until the process ends.
 * A model of some thousand reals and VIPs, read, copied and compared, touches hundreds of pages, and the faults take longer than
 * all the rest: for a command that ends at once. Nothing depends on it.
 */
void lb_heap_large(void);

#endif
