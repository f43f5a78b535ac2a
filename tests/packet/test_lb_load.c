// SPDX-License-Identifier: GPL-2.0
/*
 * test_lb_load.c - what it takes to load the program. The verifier walks a program's ways, a million instructions at most; loading,
 * reloading and each `get` take as long as it walks. A branch or a loop at the wrong place makes it many times as much, which
 * another kernel's verifier may then refuse.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "tests/packet/ptest.h"

#define WALKED_AT_MOST 200000u /* twice what it is */

static struct world w;

static void setup(void)
{
	ptest_served(&w);
}

static void teardown(void)
{
	world_unload(&w);
}

TestSuite(lb_load, .init = setup, .fini = teardown);

Test(lb_load, verifier_has_little_to_walk)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	cr_assert(zero(int, bpf_obj_get_info_by_fd(w.prog, &info, &size)));
	cr_expect(gt(u32, info.verified_insns, 10000));
	cr_expect(lt(u32, info.verified_insns, WALKED_AT_MOST));
}
