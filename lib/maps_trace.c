/* SPDX-License-Identifier: GPL-2.0 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/maps_seen.h"
#include "lib/prog.h"
#include "lib/prog_internal.h"
#include "lib/trace.h"

struct lb_trace {
	int prog;
	struct lb_event *event;
};

static int is_same(const char *instance, int prog, bool *same, struct lb_err *err)
{
	int fd = lb_prog_open(instance, "lb", err), ret;
	struct lb_prog_info loaded, ours;

	if (fd < 0)
		return -1;
	ret = lb_prog_info(fd, &loaded, err) || lb_prog_info(prog, &ours, err) ? -1 : 0;
	close(fd);
	*same = !ret && !strcmp(loaded.tag, ours.tag);
	return ret;
}

int lb_trace_open(const char *instance, struct lb_trace **trace, bool *same, struct lb_err *err)
{
	struct lb_trace *t = calloc(1, sizeof(*t));
	int event;

	if (!t)
		return lb_fail(err, "out of memory");
	t->event = MAP_FAILED;
	t->prog = lb_prog_trace_load(instance, &event, err);
	if (t->prog < 0)
		goto fail;
	t->event = mmap(NULL, sizeof(*t->event), PROT_READ | PROT_WRITE, MAP_SHARED, event, 0);
	close(event);
	if (t->event == MAP_FAILED) {
		lb_pin_fail(err, errno, "event");
		goto fail;
	}
	if (is_same(instance, t->prog, same, err))
		goto fail;
	*trace = t;
	return 0;
fail:
	lb_trace_close(t);
	return -1;
}

void lb_trace_close(struct lb_trace *t)
{
	if (!t)
		return;
	if (t->event != MAP_FAILED)
		munmap(t->event, sizeof(*t->event));
	if (t->prog >= 0)
		close(t->prog);
	free(t);
}

int lb_trace_ask(struct lb_trace *t, const struct lb_flow *flow, uint32_t ifindex,
		 struct lb_seen *seen, struct lb_err *err)
{
	uint8_t frame[LB_FLOW_LEN_MAX + 14];
	struct xdp_md md = {.ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .ctx_in = &md,
		    .ctx_size_in = sizeof(md), .repeat = 1);
	int ret;

	run.data_size_in = md.data_end = lb_flow_frame(flow, frame);
	memset(t->event, 0, sizeof(*t->event));
	ret = bpf_prog_test_run_opts(t->prog, &run);
	if (ret)
		return lb_pin_fail(err, -ret, "running the program");
	if (!t->event->why)
		return lb_fail(err, "the program left no record");
	lb_seen_of(t->event, seen);
	return 0;
}
