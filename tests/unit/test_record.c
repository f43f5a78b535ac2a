/* SPDX-License-Identifier: GPL-2.0 */
/* lib/record: two layouts, described as the kernel describes those of maps. */
#include <bpf/btf.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/record.h"

struct old_part {
	uint8_t state;
	uint16_t weight;
};

struct old {
	char name[8];
	uint16_t n;
	uint32_t gone;
	struct old_part part[3];
	union {
		uint16_t pool, real;
	};
	char text[12];
	uint32_t wide;
};

struct new_part {
	uint32_t weight, added;
	uint8_t state;
};

struct new
{
	uint64_t n, added;
	struct new_part part[2];
	char text[6];
	uint16_t pool;
	uint16_t wide;
	char name[16];
};

struct member {
	const char *name;
	int type;
	size_t at; /* bytes */
};

static struct btf *btf;
static int u8, u16, u32, u64, chr;

static int array(int type, uint32_t n)
{
	return btf__add_array(btf, u32, type, (int)n);
}

static int record(const char *name, size_t size, const struct member *m, bool is_union)
{
	int id = is_union ? btf__add_union(btf, name, size) : btf__add_struct(btf, name, size);

	for (; m->type; m++)
		cr_assert(btf__add_field(btf, m->name, m->type, m->at * 8, 0) == 0);
	return id;
}

#define AT(type, member) offsetof(struct type, member)

static int old_type(void)
{
	const struct member part[] = {
		{"state", u8, AT(old_part, state)}, {"weight", u16, AT(old_part, weight)}, {0}};
	const struct member either[] = {{"pool", u16, 0}, {"real", u16, 0}, {0}};
	int a = array(record("part", sizeof(struct old_part), part, false), 3);
	int name = array(chr, 8), text = array(chr, 12);
	const struct member all[] = {{"name", name, AT(old, name)},
				     {"n", u16, AT(old, n)},
				     {"gone", u32, AT(old, gone)},
				     {"part", a, AT(old, part)},
				     {"", record("", 2, either, true), AT(old, pool)},
				     {"text", text, AT(old, text)},
				     {"wide", u32, AT(old, wide)},
				     {0}};

	return record("old", sizeof(struct old), all, false);
}

static int new_type(void)
{
	const struct member part[] = {{"weight", u32, AT(new_part, weight)},
				      {"added", u32, AT(new_part, added)},
				      {"state", u8, AT(new_part, state)},
				      {0}};
	int a = array(record("part", sizeof(struct new_part), part, false), 2);
	const struct member all[] = {{"n", u64, AT(new, n)},
				     {"added", u64, AT(new, added)},
				     {"part", a, AT(new, part)},
				     {"text", array(chr, 6), AT(new, text)},
				     {"pool", btf__add_typedef(btf, "id", u16), AT(new, pool)},
				     {"wide", u16, AT(new, wide)},
				     {"name", array(chr, 16), AT(new, name)},
				     {0}};

	return record("new", sizeof(struct new), all, false);
}

static struct lb_layout from, to;
static struct lb_err err;

static void begin(void)
{
	btf = btf__new_empty();
	u8 = btf__add_int(btf, "u8", 1, 0);
	u16 = btf__add_int(btf, "u16", 2, 0);
	u32 = btf__add_int(btf, "u32", 4, 0);
	u64 = btf__add_int(btf, "u64", 8, 0);
	chr = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	from = (struct lb_layout){btf, (uint32_t)old_type()};
	to = (struct lb_layout){btf, (uint32_t)new_type()};
}

static void end(void)
{
	btf__free(btf);
}

TestSuite(record, .init = begin, .fini = end);

static const struct old some = {
	.name = "web",
	.n = 0xffff,
	.gone = 7,
	.part = {{1, 300}, {2, 400}},
	.pool = 9,
	.text = "12345",
	.wide = 65535,
};

static int copy(const struct old *was, struct new *is)
{
	struct lb_record *r = lb_record_new(&from, &to, &err);
	int ret;

	cr_assert(r != NULL, "%s", err.msg);
	cr_expect(lb_record_from(r) == sizeof(*was) && lb_record_to(r) == sizeof(*is));
	memset(is, 0xaa, sizeof(*is));
	ret = lb_record_copy(r, was, is, &err);
	lb_record_free(r);
	return ret;
}

Test(record, members_by_name)
{
	struct new is;

	cr_assert(copy(&some, &is) == 0, "%s", err.msg);
	cr_expect(eq(u64, is.n, 0xffff));
	cr_expect(eq(u64, is.added, 0));
	cr_expect(eq(str, is.name, "web"));
	cr_expect(eq(str, is.text, "12345"));
	cr_expect(is.part[0].weight == 300 && is.part[1].weight == 400);
	cr_expect(is.part[0].state == 1 && is.part[1].state == 2 && is.part[0].added == 0);
	cr_expect(is.pool == 9 && is.wide == 65535);
}

Test(record, all_bytes_of_the_same_layout)
{
	struct lb_record *r = lb_record_new(&from, &from, &err);
	struct old is;

	cr_assert(r && !lb_record_copy(r, &some, &is, &err));
	cr_expect(is.part[1].weight == 400 && is.gone == 7 && is.real == 9);
	lb_record_free(r);
}

Test(record, what_does_not_fit)
{
	struct old was = some;
	struct new is;

	was.wide = 65536;
	cr_expect(copy(&was, &is) == -1);
	cr_expect(eq(str, err.msg, "wide: does not fit"));
	was = some;
	was.part[2].state = 1;
	cr_expect(copy(&was, &is) == -1);
	cr_expect(eq(str, err.msg, "part: does not fit"));
	was = some;
	strcpy(was.text, "123456"); /* its NUL would have no place */
	cr_expect(copy(&was, &is) == -1);
	cr_expect(eq(str, err.msg, "text: does not fit"));
}

Test(record, another_kind)
{
	const struct member odd[] = {{"part", u32, 0}, {0}};
	const struct lb_layout other = {btf, (uint32_t)record("odd", 4, odd, false)};

	cr_expect(lb_record_new(&from, &other, &err) == NULL);
	cr_expect(eq(str, err.msg, "part: of another kind"));
	cr_expect(lb_record_new(&from, &(struct lb_layout){btf, 9999}, &err) == NULL);
}

Test(record, bit_fields_are_refused)
{
	int id = btf__add_struct(btf, "bits", 4);
	const struct lb_layout bits = {btf, (uint32_t)id};

	cr_assert(btf__add_field(btf, "n", u32, 0, 3) == 0);
	cr_expect(lb_record_new(&from, &bits, &err) == NULL);
	cr_expect(eq(str, err.msg, "n: a bit field"));
}

Test(record, questions)
{
	uint32_t size = 0;
	uint64_t n = 0;

	cr_expect(lb_layout_has(&from, "name") && lb_layout_has(&from, "real"));
	cr_expect(not(lb_layout_has(&from, "added")));
	cr_expect(not(lb_layout_has(&from, "state")), "of a structure within");
	cr_expect(lb_layout_number(&from, &some, "gone", &n) && n == 7);
	cr_expect(lb_layout_number(&from, &some, "real", &n) && n == 9);
	cr_expect(not(lb_layout_number(&from, &some, "part", &n)));
	cr_expect(lb_layout_array(&from, "part", &size) == 3 && size == sizeof(struct old_part));
	cr_expect(lb_layout_array(&from, "n", &size) == 0);
}
