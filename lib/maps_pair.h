/* SPDX-License-Identifier: GPL-2.0 */
/* maps_pair.h - a map of one instance and that of the same name of another one, whose layouts differ; for lib/maps*.c. */
#ifndef LIB_MAPS_PAIR_H
#define LIB_MAPS_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/record.h"

struct lb_side {
	int fd;
	uint32_t entries;
	size_t size, key; /* bytes of a value, and of a key */
	size_t stride, len; /* bytes of an element and of all, mapped */
	void *at; /* NULL: of a kind that is not mapped */
	struct btf *btf;
	struct lb_layout layout; /* of a value */
};

struct lb_pair {
	const char *name;
	struct lb_side from, to;
	struct lb_record *record;
};

/* Ended by lb_pair_close(). Fails when a map is missing, is not described, or cannot become the other. */
int lb_pair_open(struct lb_pair *p, const char *from, const char *to, const char *name,
		 struct lb_err *err);
void lb_pair_close(struct lb_pair *p);

/* One of both alone; lb_side_close() also after a failure. */
int lb_side_open(struct lb_side *s, const char *instance, const char *name, struct lb_err *err);
void lb_side_close(struct lb_side *s);

/* Element i of a mapped one. */
void *lb_side_at(const struct lb_side *s, uint32_t i);

/*
 * All elements, into maps that hold zeros. half: 0 or 1 copies that half of an array of two, -1 an array that is not in halves.
 */
int lb_pair_array(const struct lb_pair *p, int half, struct lb_err *err);
int lb_pair_hash(const struct lb_pair *p, struct lb_err *err);
int lb_pair_percpu(const struct lb_pair *p, struct lb_err *err);

#endif
