/* SPDX-License-Identifier: GPL-2.0 */
/* lbmon - checks the reals, keeps the tables to the healthy ones, tells ExaBGP which VIPs to announce; see lbmon(8). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lbmon/announce.h"
#include "lbmon/bgp.h"
#include "lbmon/options.h"
#include "lbmon/privs.h"
#include "lbmon/report.h"
#include "lbmon/status.h"
#include "lbmon/watch.h"
#include "lib/nl.h"
#include "lib/version.h"

#define LEAVE 1800u /* milliseconds for withdrawing before the end */
#define RESPAWN_WAIT 15000 /* milliseconds: ExaBGP gives up on a process that ends too often */

struct mon {
	struct options opt;
	struct loop *loop;
	struct watch *watch;
	struct announce *announce;
	struct routes *routes; /* NULL: nothing is announced */
	struct bgp *bgp; /* NULL: nobody listens */
	struct status *status; /* NULL: of no interest to others */
	struct announce_result last;
	struct timer *again, *leave;
	bool leaving, asked; /* asked: ExaBGP knows what we want */
	bool said_hop[2]; /* that IPv4, IPv6 has no next hop */
	struct lb_err err;
};

static int by_addr(const void *a, const void *b)
{
	return lb_addr_cmp(a, b);
}

static void log_route(void *arg, const struct lb_addr *addr, bool on)
{
	char text[LB_ADDR_STRLEN];

	(void)arg;
	format_addr(addr, text);
	log_event("route", "address", text, "state", on ? "announced" : "withdrawn", NULL);
}

/* -dry-run: what would be said goes to stdout, and all is well. */
static void pretend(struct mon *m)
{
	char line[ROUTE_LINE];
	const char *failed;

	while (routes_next(m->routes, line)) {
		bool asks = !strncmp(line, "show ", 5);

		if (!asks)
			fputs(line, stdout);
		if (!strncmp(line, "show neighbor", 13))
			routes_answer(m->routes, "Peer  ", &failed);
		routes_answer(m->routes, "done", &failed);
	}
	fflush(stdout);
}

/* An lbmon that was started again leaves alone what its predecessor announced, until it knows better. */
static bool too_early(const struct mon *m, const struct announce_state *state,
		      const struct announce_result *result)
{
	if (m->asked || m->leaving || state->drained)
		return false;
	return watch_pending(m->watch) || (state->ready && !result->n && result->again);
}

static bool has_hop(const struct mon *m, const struct lb_addr *addr)
{
	return addr->family == 6 ? m->opt.attrs.hop6.family : m->opt.attrs.hop4.family;
}

/* An address of a family without a next hop cannot be announced: said once a family. */
static size_t leave_out(struct mon *m, struct lb_addr *addr, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < n; i++) {
		bool v6 = addr[i].family == 6;

		if (has_hop(m, &addr[i])) {
			addr[kept++] = addr[i];
		} else if (!m->said_hop[v6]) {
			m->said_hop[v6] = true;
			log_event("route", "error",
				  v6 ? "IPv6 VIPs are not announced: no next-hop for them"
				     : "IPv4 VIPs are not announced: no next-hop for them",
				  NULL);
		}
	}
	return kept;
}

static int update(struct mon *m, const struct announce_state *state)
{
	struct announce_result result;

	if (announce_update(m->announce, loop_now(m->loop), state, &result, log_route, m, &m->err))
		return -1;
	m->last = result;
	if (result.again)
		timer_set(m->again, result.again - loop_now(m->loop));
	if (too_early(m, state, &result))
		return 0;
	m->asked = true;
	return routes_want(m->routes, result.addr, result.n, result.shut, &m->err);
}

static void announce(void *arg)
{
	struct announce_state state = {0};
	struct lb_addr *addr = NULL;
	struct mon *m = arg;
	int ret = 0;

	status_changed(m->status);
	if (!m->routes)
		return;
	state.ready = !m->leaving && watch_ready(m->watch);
	state.drained = watch_drained(m->watch);
	if (state.ready)
		ret = watch_addrs(m->watch, &addr, &state.n, &m->err);
	state.n = leave_out(m, addr, state.n);
	state.addr = addr;
	if (ret || update(m, &state)) {
		log_event("announce", "error", m->err.msg, NULL);
		timer_set(m->again, 1000);
	}
	free(addr);
	if (m->bgp)
		bgp_kick(m->bgp);
	else
		pretend(m);
}

static void stop(void *arg)
{
	struct mon *m = arg;

	loop_stop(m->loop);
}

/* SIGTERM, SIGINT: first take back what was announced. */
static void leave(void *arg)
{
	struct mon *m = arg;

	log_event("end", "instance", m->opt.instance, "reason", "signal", NULL);
	if (!m->bgp || m->leaving) {
		loop_stop(m->loop);
		return;
	}
	m->leaving = true;
	timer_set(m->leave, LEAVE);
	announce(m);
	if (routes_settled(m->routes))
		loop_stop(m->loop);
}

static void said(void *arg)
{
	struct mon *m = arg;

	status_changed(m->status);
	if (m->leaving && routes_settled(m->routes))
		loop_stop(m->loop);
}

static void gone(void *arg)
{
	struct mon *m = arg;

	log_event("end", "instance", m->opt.instance, "reason", "end of input", NULL);
	loop_stop(m->loop);
}

static bool is_in(const struct lb_addr *list, size_t n, const struct lb_addr *addr)
{
	return n && bsearch(addr, list, n, sizeof(*list), by_addr);
}

static enum lb_mon_node node_now(const struct mon *m)
{
	if (!watch_model(m->watch))
		return LB_MON_UNLOADED;
	if (!watch_on_device(m->watch))
		return LB_MON_DETACHED;
	if (watch_drained(m->watch))
		return LB_MON_DRAINED;
	return watch_ready(m->watch) ? LB_MON_READY : LB_MON_ASKING;
}

static enum lb_mon_route route_now(const struct mon *m, const struct lb_addr *addr, bool served)
{
	if (!is_in(m->last.addr, m->last.n, addr)) {
		if (!has_hop(m, addr))
			return LB_MON_HOPLESS;
		if (node_now(m) != LB_MON_READY)
			return LB_MON_WITHDRAWN;
		return served ? LB_MON_HELD : LB_MON_UNSERVED;
	}
	if (routes_told(m->routes, addr))
		return LB_MON_ANNOUNCED;
	return routes_refused(m->routes, addr) ? LB_MON_REFUSED : LB_MON_SAID;
}

/* Without memory it says nothing of VIPs. */
static void report(void *arg, struct lb_mon *to)
{
	const struct mon *m = arg;
	const struct lb_model *model = watch_model(m->watch);
	struct lb_addr *served = NULL;
	struct lb_err ignored;
	size_t n;

	to->alone = m->opt.alone;
	to->node = node_now(m);
	snprintf(to->cannot, sizeof(to->cannot), "%s", watch_cannot(m->watch));
	if (!m->routes || !model || watch_addrs(m->watch, &served, &n, &ignored))
		return;
	to->vip = calloc(model->vips + 1, sizeof(*to->vip));
	for (size_t i = 0; to->vip && i < model->vips; i++) {
		const struct lb_addr *addr = &model->vip[i].svc.addr;

		if (i && !lb_addr_cmp(addr, &model->vip[i - 1].svc.addr))
			continue;
		to->vip[to->vips++] = (struct lb_mon_vip){
			*addr, route_now(m, addr, is_in(served, n, addr))};
	}
	free(served);
}

static void nothing(void *arg)
{
	(void)arg;
}

static int set_up_routes(struct mon *m)
{
	if (m->opt.once || m->opt.alone)
		return 0;
	m->announce = announce_new(&m->opt.delays, &m->err);
	m->routes = m->announce ? routes_new(&m->opt.attrs, &m->err) : NULL;
	if (!m->routes)
		return -1;
	if (m->opt.dry_run)
		return 0;
	m->bgp = bgp_new(m->loop, STDIN_FILENO, STDOUT_FILENO, m->routes, gone, said, m, &m->err);
	return m->bgp ? 0 : -1;
}

/* A descriptor a check that is under way: all that may be had. */
static void want_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int set_up(struct mon *m)
{
	struct watch_options opt = {
		.instance = m->opt.instance,
		.dry_run = m->opt.dry_run,
		.once = m->opt.once,
		.changed = announce,
		.settled = m->opt.once ? stop : NULL,
		.arg = m,
	};

	want_descriptors();
	if (m->opt.netns && lb_netns_enter(m->opt.netns, &m->err))
		return -1;
	m->loop = loop_new(&m->err);
	m->again = m->loop ? timer_new(m->loop, announce, m, &m->err) : NULL;
	m->leave = m->again ? timer_new(m->loop, stop, m, &m->err) : NULL;
	if (!m->leave || loop_signal(m->loop, SIGTERM, leave, m, &m->err) ||
	    loop_signal(m->loop, SIGINT, leave, m, &m->err) ||
	    loop_signal(m->loop, SIGHUP, nothing, m, &m->err) || privs_drop(&m->err) ||
	    set_up_routes(m))
		return -1;
	m->watch = watch_new(m->loop, &opt, &m->err);
	if (!m->watch || m->opt.once || m->opt.dry_run)
		return m->watch ? 0 : -1;
	m->status = status_new(m->loop, m->opt.instance, report, m, &m->err);
	return m->status ? 0 : -1;
}

static void tear_down(struct mon *m)
{
	status_free(m->status);
	bgp_free(m->bgp);
	watch_free(m->watch);
	routes_free(m->routes);
	announce_free(m->announce);
	timer_free(m->again);
	timer_free(m->leave);
	loop_free(m->loop);
}

/* Who started us through a pipe starts us again: slowly, please. */
static void wait_for_respawn(const struct options *o)
{
	struct pollfd in = {.fd = STDIN_FILENO}; /* its end: nobody starts us again */
	struct stat st;

	if (o->once || o->alone || o->dry_run || fstat(STDIN_FILENO, &st) ||
	    !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return;
	poll(&in, 1, RESPAWN_WAIT);
}

static int run(struct mon *m)
{
	if (set_up(m) || loop_run(m->loop, &m->err))
		return -1;
	if (m->opt.once)
		return report_health(watch_model(m->watch), m->opt.json, &m->err)
			       ? -1
			       : watch_any_down(m->watch);
	watch_log_stats(m->watch);
	return 0;
}

/* Standard descriptors that were closed would be given to maps and sockets. */
static void hold_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	struct mon m = {0};
	int status;

	hold_standard_fds();
	signal(SIGPIPE, SIG_IGN);
	if (options_parse(&m.opt, argc, argv, &m.err)) {
		fprintf(stderr, "lbmon: %s\n", m.err.msg);
		wait_for_respawn(&m.opt);
		return m.err.status;
	}
	if (m.opt.version || m.opt.help) {
		if (m.opt.version)
			printf("lbmon %s\n", LB_VERSION);
		else
			options_usage(stdout);
		return fflush(stdout) ? LB_FAILED : LB_DONE;
	}
	log_json(m.opt.json);
	log_quiet(m.opt.once);
	status = run(&m);
	tear_down(&m); /* signals end us again from here on */
	if (status < 0) {
		fprintf(stderr, "lbmon: %s\n", m.err.msg);
		status = m.err.status;
		wait_for_respawn(&m.opt);
	}
	return status;
}
