/* SPDX-License-Identifier: GPL-2.0 */
/* The program of the health checks: it works on the balancer's maps, and comes and goes with it. */
#include <errno.h>
#include <fcntl.h>

#include "bpf/lb_abi.h"
#include "hc.skel.h"
#include "lib/prog.h"
#include "lib/prog_internal.h"

int lb_prog_hc_load(const char *instance, struct lb_err *err)
{
	struct hc_bpf *skel = hc_bpf__open();
	int ret, fd = -1;

	if (!skel)
		return lb_pin_fail(err, errno, "opening the program for health checks");
	if (lb_pin_reuse(skel->obj, instance, NULL, err))
		goto out;
	/* Two halves of buckets. */
	((typeof(skel->rodata->lb_cfg) *)&skel->rodata->lb_cfg)->buckets =
		bpf_map__max_entries(skel->maps.service4) / 2;
	ret = hc_bpf__load(skel);
	if (ret) {
		lb_pin_fail(err, -ret, "loading the program for health checks");
		goto out;
	}
	fd = fcntl(bpf_program__fd(skel->progs.lb_hc), F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		lb_pin_fail(err, errno, "the program's descriptor");
out:
	hc_bpf__destroy(skel);
	return fd;
}
