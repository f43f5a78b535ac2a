/* SPDX-License-Identifier: GPL-2.0 */
/* The receiver's programs: loaded with the first receiving device, gone with the last. */
#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "bpf/lb_abi.h"
#include "lib/prog.h"
#include "lib/prog_internal.h"
#include "object_hash.h"
#include "rx.skel.h"

const char lb_rx_object_sha256[] = RX_OBJECT_SHA256;

int lb_prog_rx_load(const char *instance, bool *made, struct lb_err *err)
{
	struct lb_err ignored;
	struct rx_bpf *skel;
	int fd = lb_prog_open(instance, "rx", &ignored), ret = -1;

	*made = false;
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	/* Without the pin prog/rx, which comes last, other pins are what a killed load left. */
	if (lb_pin_bpffs(err) || lb_pin_clear(instance, true, err))
		return -1;
	skel = rx_bpf__open_and_load();
	if (!skel)
		return lb_pin_fail(err, errno, "loading the receiver");
	if (lb_pin_mkdirs(instance, err) || lb_pin_maps(skel->obj, instance, err) ||
	    lb_pin_prog(bpf_program__fd(skel->progs.lb_rx_mss), instance, "rx_mss", err) ||
	    lb_pin_prog(bpf_program__fd(skel->progs.lb_rx), instance, "rx", err)) {
		lb_pin_clear(instance, true, &ignored);
		goto out;
	}
	*made = true;
	ret = 0;
out:
	rx_bpf__destroy(skel);
	return ret;
}

int lb_prog_rx_unload(const char *instance, struct lb_err *err)
{
	return lb_pin_clear(instance, true, err);
}
