/* SPDX-License-Identifier: GPL-2.0 */
/*
 * record.h - a record of one layout into one of another, by the names of its members.
 *
 * Maps carry a description of what they hold (BTF), and keep it when another version of the tool finds them. A member of the
 * new layout gets what the old one has under its name, whatever offset, width or place in an array it has there; what
 * the old one does not know becomes zero, what the new one does not know is left out. Pure.
 */
#ifndef LIB_RECORD_H
#define LIB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct btf;
struct lb_record;

/* A type of a description, which must outlive the records made of it. */
struct lb_layout {
	const struct btf *btf;
	uint32_t type;
};

/*
 * How records of `from` become records of `to`. The caller's, ended by lb_record_free(); NULL with *err when a member is a
 * number here and a structure there, a bit field, or not described.
 */
struct lb_record *lb_record_new(const struct lb_layout *from, const struct lb_layout *to,
				struct lb_err *err);
void lb_record_free(struct lb_record *r);

/* Writes all of *to. Fails, naming the member, when a number or a text of *from does not fit. */
int lb_record_copy(const struct lb_record *r, const void *from, void *to, struct lb_err *err);

/* Bytes of a record on either side. */
size_t lb_record_from(const struct lb_record *r);
size_t lb_record_to(const struct lb_record *r);

/* Has the structure a member of that name, also in a nameless part of it? */
bool lb_layout_has(const struct lb_layout *l, const char *member);

/* The number that a record has in a member; false: there is none of that name, or it is no number. */
bool lb_layout_number(const struct lb_layout *l, const void *record, const char *member,
		      uint64_t *n);

/* How many elements a member has, an array; 0: there is no such. *size: bytes of one. */
uint32_t lb_layout_array(const struct lb_layout *l, const char *member, uint32_t *size);

#endif
