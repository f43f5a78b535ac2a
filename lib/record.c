/* SPDX-License-Identifier: GPL-2.0 */
#include "lib/record.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 16 /* structures within structures */

enum what {
	BYTES, /* as they are */
	NUMBER, /* of another width */
	NOTHING, /* has no place: must be zero */
};

struct step {
	enum what what;
	uint32_t from, to; /* offsets */
	uint32_t len, to_len;
	const char *member;
};

struct lb_record {
	size_t from, to; /* bytes */
	struct step *step;
	size_t n, room;
};

/* Some member, or all, of a record. */
struct part {
	const struct btf *btf;
	uint32_t type, at;
	const char *name;
};

static const struct btf_type *type_of(const struct part *p)
{
	int id = btf__resolve_type(p->btf, p->type);

	return id < 0 ? NULL : btf__type_by_id(p->btf, (uint32_t)id);
}

static bool is_number(const struct btf_type *t)
{
	return btf_is_int(t) || btf_is_any_enum(t);
}

static struct part member_at(const struct part *whole, const struct btf_type *t, uint32_t i)
{
	const struct btf_member *m = &btf_members(t)[i];

	return (struct part){
		.btf = whole->btf,
		.type = m->type,
		.at = whole->at + btf_member_bit_offset(t, i) / 8,
		.name = btf__name_by_offset(whole->btf, m->name_off),
	};
}

static bool find(const struct part *whole, const char *name, struct part *found, int depth)
{
	const struct btf_type *t = type_of(whole);

	if (!t || !btf_is_composite(t) || depth == DEPTH)
		return false;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		struct part m = member_at(whole, t, i);

		if (!*m.name && find(&m, name, found, depth + 1))
			return true;
		if (!strcmp(m.name, name)) {
			*found = m;
			return true;
		}
	}
	return false;
}

static int add(struct lb_record *r, const struct step *s, struct lb_err *err)
{
	struct step *last = r->n ? &r->step[r->n - 1] : NULL, *more;

	if (last && s->what == BYTES && last->what == BYTES && last->from + last->len == s->from &&
	    last->to + last->len == s->to) {
		last->len += s->len;
		return 0;
	}
	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 32;
		more = realloc(r->step, r->room * sizeof(*more));
		if (!more)
			return lb_fail(err, "%s", strerror(ENOMEM));
		r->step = more;
	}
	r->step[r->n++] = *s;
	return 0;
}

static int add_number(struct lb_record *r, const struct part *from, uint32_t len,
		      const struct part *to, uint32_t to_len, struct lb_err *err)
{
	const struct step s = {
		.what = len == to_len ? BYTES : NUMBER,
		.from = from->at,
		.to = to->at,
		.len = len,
		.to_len = to_len,
		.member = to->name,
	};

	return add(r, &s, err);
}

static int walk(struct lb_record *r, const struct part *from, const struct part *to, int depth,
		struct lb_err *err);

/* Elements that are in both; the others of *from must be zero. */
static int walk_array(struct lb_record *r, const struct part *from, const struct btf_array *a,
		      const struct part *to, const struct btf_array *b, int depth,
		      struct lb_err *err)
{
	int64_t size = btf__resolve_size(from->btf, a->type),
		to_size = btf__resolve_size(to->btf, b->type);
	struct step rest = {.what = NOTHING, .member = to->name};
	uint32_t i;

	if (size <= 0 || to_size <= 0)
		return lb_fail(err, "%s: of no size", to->name);
	for (i = 0; i < a->nelems && i < b->nelems; i++) {
		struct part e = {from->btf, a->type, from->at + i * (uint32_t)size, from->name};
		struct part f = {to->btf, b->type, to->at + i * (uint32_t)to_size, to->name};

		if (walk(r, &e, &f, depth + 1, err))
			return -1;
	}
	if (i == a->nelems)
		return 0;
	/* A text keeps its NUL. */
	i -= size == 1;
	rest.from = from->at + i * (uint32_t)size;
	rest.len = (a->nelems - i) * (uint32_t)size;
	return add(r, &rest, err);
}

static int walk_members(struct lb_record *r, const struct part *from, const struct part *to,
			const struct btf_type *t, int depth, struct lb_err *err)
{
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		struct part m = member_at(to, t, i), was = *from;

		if (btf_member_bitfield_size(t, i))
			return lb_fail(err, "%s: a bit field", m.name);
		/* What is in a nameless part counts as the whole's own. */
		if (*m.name && !find(from, m.name, &was, 0))
			continue;
		if (walk(r, &was, &m, depth + 1, err))
			return -1;
	}
	return 0;
}

static int walk(struct lb_record *r, const struct part *from, const struct part *to, int depth,
		struct lb_err *err)
{
	const struct btf_type *a = type_of(from), *b = type_of(to);

	if (!a || !b || depth == DEPTH)
		return lb_fail(err, "%s: not described", to->name);
	if (is_number(a) && is_number(b))
		return add_number(r, from, a->size, to, b->size, err);
	if (btf_is_array(a) && btf_is_array(b))
		return walk_array(r, from, btf_array(a), to, btf_array(b), depth, err);
	if (btf_is_composite(a) && btf_is_composite(b))
		return walk_members(r, from, to, b, depth, err);
	return lb_fail(err, "%s: of another kind", to->name);
}

struct lb_record *lb_record_new(const struct lb_layout *from, const struct lb_layout *to,
				struct lb_err *err)
{
	const struct part a = {from->btf, from->type, 0, "record"},
			  b = {to->btf, to->type, 0, "record"};
	int64_t size = btf__resolve_size(from->btf, from->type),
		to_size = btf__resolve_size(to->btf, to->type);
	struct lb_record *r = calloc(1, sizeof(*r));

	if (!r) {
		lb_fail(err, "%s", strerror(ENOMEM));
		return NULL;
	}
	if (size > 0 && to_size > 0 && !walk(r, &a, &b, 0, err)) {
		r->from = (size_t)size;
		r->to = (size_t)to_size;
		return r;
	}
	if (size <= 0 || to_size <= 0)
		lb_fail(err, "record: of no size");
	lb_record_free(r);
	return NULL;
}

void lb_record_free(struct lb_record *r)
{
	if (r)
		free(r->step);
	free(r);
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return !n || (!*p && !memcmp(p, p + 1, n - 1));
}

static uint64_t number(const void *p, uint32_t len)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (len) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		memcpy(&u16, p, sizeof(u16));
		return u16;
	case 4:
		memcpy(&u32, p, sizeof(u32));
		return u32;
	default:
		memcpy(&u64, p, sizeof(u64));
		return u64;
	}
}

static void put_number(void *p, uint32_t len, uint64_t n)
{
	const uint8_t u8 = (uint8_t)n;
	const uint16_t u16 = (uint16_t)n;
	const uint32_t u32 = (uint32_t)n;

	memcpy(p,
	       len == 1	  ? (const void *)&u8
	       : len == 2 ? &u16
	       : len == 4 ? &u32
			  : (void *)&n,
	       len);
}

int lb_record_copy(const struct lb_record *r, const void *from, void *to, struct lb_err *err)
{
	memset(to, 0, r->to);
	for (size_t i = 0; i < r->n; i++) {
		const struct step *s = &r->step[i];
		const uint8_t *a = (const uint8_t *)from + s->from;
		uint8_t *b = (uint8_t *)to + s->to;

		if (s->what == BYTES)
			memcpy(b, a, s->len);
		else if (s->what == NUMBER)
			put_number(b, s->to_len, number(a, s->len));
		if ((s->what == NUMBER && number(b, s->to_len) != number(a, s->len)) ||
		    (s->what == NOTHING && !is_zero(a, s->len)))
			return lb_fail(err, "%s: does not fit", s->member);
	}
	return 0;
}

size_t lb_record_from(const struct lb_record *r)
{
	return r->from;
}

size_t lb_record_to(const struct lb_record *r)
{
	return r->to;
}

bool lb_layout_has(const struct lb_layout *l, const char *member)
{
	const struct part whole = {l->btf, l->type, 0, ""};
	struct part found;

	return find(&whole, member, &found, 0);
}

bool lb_layout_number(const struct lb_layout *l, const void *record, const char *member,
		      uint64_t *n)
{
	const struct part whole = {l->btf, l->type, 0, ""};
	const struct btf_type *t;
	struct part found;

	if (!find(&whole, member, &found, 0))
		return false;
	t = type_of(&found);
	if (!t || !is_number(t))
		return false;
	*n = number((const char *)record + found.at, t->size);
	return true;
}

uint32_t lb_layout_array(const struct lb_layout *l, const char *member, uint32_t *size)
{
	const struct part whole = {l->btf, l->type, 0, ""};
	const struct btf_type *t;
	struct part found;

	if (!find(&whole, member, &found, 0))
		return 0;
	t = type_of(&found);
	if (!t || !btf_is_array(t))
		return 0;
	*size = (uint32_t)btf__resolve_size(l->btf, btf_array(t)->type);
	return btf_array(t)->nelems;
}
