// SPDX-License-Identifier: GPL-2.0
#include "tests/packet/world.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const struct world_link world_link[WORLD_LINKS] = {
	{"in", "192.0.2.1", "2001:db8:1::1", {2, 0, 0, 0, 1, 1}, {2, 0, 0, 0, 1, 0xfe}},
	{"out", "198.51.100.1", "2001:db8:2::1", {2, 0, 0, 0, 2, 1}, {2, 0, 0, 0, 2, 0xfe}},
};
const char world_src4[] = "198.51.100.77", world_src6[] = "2001:db8:2::77";

static const char links[] =
	"link set lo up\n"
	"link add in address 02:00:00:00:01:01 type veth peer name in-peer\n"
	"link add out address 02:00:00:00:02:01 type veth peer name out-peer\n"
	"link set in-peer up\nlink set out-peer up\nlink set in up\nlink set out up\n"
	"addr add 192.0.2.1/24 dev in\naddr add 2001:db8:1::1/64 dev in nodad\n"
	"addr add 198.51.100.1/24 dev out\naddr add 2001:db8:2::1/64 dev out nodad\n"
	"addr add 198.51.100.77/32 dev out\naddr add 2001:db8:2::77/128 dev out nodad\n"
	"neigh add 192.0.2.254 lladdr 02:00:00:00:01:fe dev in nud permanent\n"
	"neigh add 2001:db8:1::fe lladdr 02:00:00:00:01:fe dev in nud permanent\n"
	"neigh add 198.51.100.254 lladdr 02:00:00:00:02:fe dev out nud permanent\n"
	"neigh add 2001:db8:2::fe lladdr 02:00:00:00:02:fe dev out nud permanent\n";

static const char routes[] =
	"route add 10.0.0.0/16 via 192.0.2.254 dev in\n"
	"route add fd00:0::/32 via 2001:db8:1::fe dev in src 2001:db8:1::1\n"
	"route add 10.1.0.0/16 via 198.51.100.254 dev out\n"
	"route add fd00:1::/32 via 2001:db8:2::fe dev out src 2001:db8:2::1\n"
	"route add 10.2.0.0/16 via 192.0.2.253 dev in\n"
	"route add fd00:2::/32 via 2001:db8:1::fd dev in\n"
	/* Forwarding heeds a route's MTU only when it is locked. */
	"route add 10.4.0.0/16 via 192.0.2.254 dev in mtu lock 1400\n"
	"route add fd00:4::/32 via 2001:db8:1::fe dev in src 2001:db8:1::1 mtu lock 1400\n"
	"route add blackhole 10.5.0.0/16\n"
	"route add blackhole fd00:5::/32\n"
	"route add 10.6.0.0/16 via inet6 2001:db8:1::fe dev in\n"
	"route add 10.7.0.0/16 via 198.51.100.254 dev out src 198.51.100.77\n"
	"route add fd00:7::/32 via 2001:db8:2::fe dev out src 2001:db8:2::77\n";

int world_sysctl(const char *path, const char *value, struct lb_err *err)
{
	char file[256];
	ssize_t n;
	int fd;

	snprintf(file, sizeof(file), "/proc/sys/net/%s", path);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return lb_fail(err, "%s: %s", file, strerror(errno));
	n = write(fd, value, strlen(value));
	close(fd);
	return n < 0 ? lb_fail(err, "%s: %s", file, strerror(errno)) : 0;
}

int world_ip(const char *batch, struct lb_err *err)
{
	FILE *ip = popen("ip -batch -", "we");
	int status;

	if (!ip)
		return lb_fail(err, "ip: %s", strerror(errno));
	fputs(batch, ip);
	status = pclose(ip);
	return status ? lb_fail(err, "ip -batch: status %d of: %.300s", status, batch) : 0;
}

int world_net(struct lb_err *err)
{
	if (unshare(CLONE_NEWNET))
		return lb_fail(err, "a new network namespace: %s", strerror(errno));
	/* No link-local addresses that come by themselves, and nothing to wait for. */
	if (world_sysctl("ipv6/conf/default/addr_gen_mode", "1", err) || world_ip(links, err) ||
	    world_sysctl("ipv4/conf/all/forwarding", "1", err) ||
	    world_sysctl("ipv6/conf/all/forwarding", "1", err) || world_ip(routes, err))
		return -1;
	return 0;
}

/* A child that outlives this process, however that ends, and takes the pins away. */
static int guard(struct world *w, struct lb_err *err)
{
	struct lb_err none;
	int ends[2];
	char c;

	if (pipe2(ends, O_CLOEXEC))
		return lb_fail(err, "pipe: %s", strerror(errno));
	w->guard_pid = fork();
	if (w->guard_pid < 0)
		return lb_fail(err, "fork: %s", strerror(errno));
	if (w->guard_pid == 0) {
		setsid();
		dup2(ends[0], 0);
		close_range(1, ~0u, 0);
		while (read(0, &c, 1) < 0 && errno == EINTR)
			;
		lb_prog_unload(w->instance, &none);
		_exit(0);
	}
	close(ends[0]);
	w->guard = ends[1];
	return 0;
}

int world_map(const struct world *w, const char *name, struct lb_err *err)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%s/map/%s", w->instance, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? lb_fail(err, "%s: %s", path, strerror(errno)) : fd;
}

int world_load(struct world *w, const char *name, const struct lb_sizes *sizes, struct lb_err *err)
{
	static const struct lb_sizes small = {.reals = 64,
					      .vips = 512,
					      .pools = 32,
					      .tables = 4,
					      .sessions = 4096,
					      .seed = 0x0123456789abcdefull};

	memset(w, 0, sizeof(*w));
	snprintf(w->instance, sizeof(w->instance), "ptest-%d-%s", getpid(), name);
	w->prog = w->why_map = w->guard = -1;
	lb_model_init(&w->model);
	if (guard(w, err) || lb_prog_load(w->instance, sizes ? sizes : &small, err) ||
	    lb_maps_open(w->instance, &w->maps, err) || lb_maps_read(w->maps, &w->model, err))
		goto fail;
	w->prog = lb_prog_open(w->instance, "lb", err);
	if (w->prog < 0)
		goto fail;
	w->why_map = world_map(w, "count_why", err);
	if (w->why_map < 0)
		goto fail;
	w->cpus = libbpf_num_possible_cpus();
	w->in = if_nametoindex(world_link[WORLD_IN].name);
	return 0;
fail:
	world_unload(w);
	return -1;
}

void world_unload(struct world *w)
{
	struct lb_err none;

	if (!w->guard_pid)
		return;
	if (w->maps)
		lb_maps_close(w->maps);
	lb_model_free(&w->model);
	lb_prog_unload(w->instance, &none);
	for (int *fd = (int[]){w->prog, w->why_map, w->guard, -2}; *fd != -2; fd++)
		if (*fd >= 0)
			close(*fd);
	if (w->guard_pid > 0)
		waitpid(w->guard_pid, NULL, 0);
	memset(w, 0, sizeof(*w));
}

static const char *send_wrong(const struct pkt *in, const struct pkt *out, enum lb_why why,
			      uint32_t action)
{
	const char *name = lb_why_name(why);

	if (!strcmp(name, "tx_redirect") || !strcmp(name, "tx_peer"))
		return action == XDP_REDIRECT ? NULL : "redirected, and the action is another";
	if (!strncmp(name, "tx", 2))
		return action == XDP_TX ? NULL : "tx, and the action is another";
	if (!strncmp(name, "drop", 4))
		return action == XDP_DROP ? NULL : "drop, and the action is another";
	if (action != XDP_PASS)
		return "pass, and the action is another";
	return out->len == in->len && !memcmp(out->b, in->b, in->len) ? NULL
								      : "passed, but changed";
}

/* Packets and bytes of all CPUs by reason, in one system call. */
static int read_whys(struct world *w, struct lb_count *sum)
{
	static struct lb_count each[LB_WHY_MAX * 256];
	uint32_t keys[LB_WHY_MAX], n = LB_WHY_MAX, next;

	if (w->cpus > 256)
		return -1;
	if (bpf_map_lookup_batch(w->why_map, NULL, &next, keys, each, &n, NULL) && errno != ENOENT)
		return -1;
	memset(sum, 0, LB_WHY_MAX * sizeof(*sum));
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t c = 0; c < w->cpus; c++) {
			sum[keys[i]].packets += each[i * w->cpus + c].packets;
			sum[keys[i]].bytes += each[i * w->cpus + c].bytes;
		}
	}
	return n == LB_WHY_MAX ? 0 : -1;
}

/* The one reason whose counters grew by one packet of len bytes; LB_NEXT: it was not so. */
static enum lb_why one_why(struct world *w, const struct lb_count *old, const struct lb_count *new,
			   uint32_t len)
{
	enum lb_why why = LB_NEXT;

	for (uint32_t i = 0; i < LB_WHY_MAX; i++) {
		uint64_t packets = new[i].packets - old[i].packets;

		if (!packets && new[i].bytes == old[i].bytes)
			continue;
		if (why || packets != 1 || new[i].bytes - old[i].bytes != len) {
			snprintf(w->wrong, sizeof(w->wrong),
				 "%s and %s: %u packets, %u bytes of %u", world_why_name(why),
				 world_why_name(i), (unsigned int)packets,
				 (unsigned int)(new[i].bytes - old[i].bytes), len);
			return LB_NEXT;
		}
		why = i;
	}
	if (!why)
		snprintf(w->wrong, sizeof(w->wrong), "no reason counted");
	return why;
}

enum lb_why world_send(struct world *w, const struct pkt *in, struct pkt *out)
{
	struct xdp_md md = {.data_end = in->len, .ingress_ifindex = w->in};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in->b, .data_size_in = in->len,
		    .data_out = out->b, .data_size_out = sizeof(out->b), .ctx_in = &md,
		    .ctx_size_in = sizeof(md), .repeat = 1);
	struct lb_count old[LB_WHY_MAX], new[LB_WHY_MAX];
	const char *wrong;
	enum lb_why why;
	int ret;

	w->wrong[0] = 0;
	if (read_whys(w, old)) {
		snprintf(w->wrong, sizeof(w->wrong), "count_why: %s", strerror(errno));
		return LB_NEXT;
	}
	ret = bpf_prog_test_run_opts(w->prog, &run);
	out->len = run.data_size_out;
	if (ret || read_whys(w, new)) {
		snprintf(w->wrong, sizeof(w->wrong), "test run: %s", strerror(errno));
		return LB_NEXT;
	}
	why = one_why(w, old, new, w->front + in->len);
	if (!why)
		return LB_NEXT;
	wrong = send_wrong(in, out, why, run.retval);
	if (wrong)
		snprintf(w->wrong, sizeof(w->wrong), "%s: %s (%u)", lb_why_name(why), wrong,
			 run.retval);
	return wrong ? LB_NEXT : why;
}

const char *world_why_name(enum lb_why why)
{
	return why == LB_NEXT ? "wrong" : lb_why_name(why);
}
