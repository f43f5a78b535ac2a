/* SPDX-License-Identifier: GPL-2.0 */
/* Ports of one real alone: on which addresses they stand, under which VIP they count, and what they may not be. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/check.h"
#include "lib/model_own.h"
#include "tests/unit/typist.h"

static struct lb_err err;
static struct lb_model m;

static void teardown(void)
{
	lb_model_free(&m);
}

TestSuite(own, .fini = teardown);

/* All of them: "SERVICE REAL VIP" a line. */
static void expect(const char *want)
{
	char text[1024] = "", svc[LB_SERVICE_STRLEN], vip[LB_SERVICE_STRLEN], real[LB_ADDR_STRLEN];
	struct lb_own *own;
	size_t n, at = 0;

	cr_assert(zero(int, lb_model_own(&m, 100, &own, &n, &err)), "%s", err.msg);
	for (size_t i = 0; i < n; i++) {
		format_service(&own[i].svc, svc);
		format_service(&own[i].vip->svc, vip);
		format_addr(&own[i].real->addr, real);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s %s\n", svc, real, vip);
	}
	free(own);
	cr_expect(eq(str, text, (char *)want));
}

static const char *const base[] = {
	"pool add api table 251 encap ipip",
	"pool add web table 251 encap ipip",
	"real add 10.0.0.1 pool web weight 1 state up mptcp 8001",
	"real add 10.0.0.2 pool web weight 1 state up mptcp 8002",
	"real add 10.0.0.3 pool web weight 1 state up",
	"real add 10.0.0.1 pool api weight 1 state up mptcp 8001",
	"real add 2001:db8::1 pool api weight 1 state up mptcp 7001",
	"vip add 192.0.2.1:80/tcp pool web session on",
	"vip add 192.0.2.1:443/tcp pool web session on",
	"vip add 192.0.2.1:444/tcp pool api session on",
	"vip add 192.0.2.2:80/udp pool web session on",
	"vip add 192.0.2.3:any/tcp pool api session on",
	"vip add [2001:db8::80]:443/tcp pool web session on",
	NULL,
};

Test(own, nothing_of_nothing)
{
	lb_model_init(&m);
	expect("");
}

Test(own, one_a_real_and_address)
{
	type_lines(&m, base);
	expect("192.0.2.1:7001/tcp 2001:db8::1 192.0.2.1:444/tcp\n"
	       "192.0.2.1:8001/tcp 10.0.0.1 192.0.2.1:80/tcp\n"
	       "192.0.2.1:8002/tcp 10.0.0.2 192.0.2.1:80/tcp\n"
	       "192.0.2.3:7001/tcp 2001:db8::1 192.0.2.3:any/tcp\n"
	       "192.0.2.3:8001/tcp 10.0.0.1 192.0.2.3:any/tcp\n"
	       "[2001:db8::80]:8001/tcp 10.0.0.1 [2001:db8::80]:443/tcp\n"
	       "[2001:db8::80]:8002/tcp 10.0.0.2 [2001:db8::80]:443/tcp\n");
}

static void faulty(const struct lb_limits *limits, const char *why)
{
	err = (struct lb_err){0};
	cr_expect(eq(int, lb_check(&m, limits, &err), -1), "%s", why);
	cr_expect(eq(int, err.status, LB_FAILED));
	cr_expect(eq(str, err.msg, (char *)why));
}

static void set_port(const char *pool, const char *word, uint16_t port)
{
	struct lb_addr addr;

	cr_assert(zero(int, parse_addr(word, &addr, &err)));
	lb_model_real(&m, pool, &addr)->mptcp = port;
}

Test(own, no_two_reals)
{
	type_lines(&m, base);
	set_port("web", "10.0.0.3", 8002);
	faulty(&no_limits,
	       "real \"10.0.0.3\" of pool \"web\": mptcp port 8002 is that of real \"10.0.0.2\" of "
	       "pool \"web\" on 192.0.2.1: each needs one of its own");
	set_port("web", "10.0.0.3", 7001);
	faulty(&no_limits,
	       "real \"2001:db8::1\" of pool \"api\": mptcp port 7001 is that of real \"10.0.0.3\" "
	       "of pool \"web\" on 192.0.2.1: each needs one of its own");
}

Test(own, no_service)
{
	type_lines(&m, base);
	set_port("web", "10.0.0.3", 443);
	faulty(&no_limits, "real \"10.0.0.3\" of pool \"web\": mptcp port 443 is that of vip "
			   "\"192.0.2.1:443/tcp\": use one that no service has");
}

/* Where the pool does not serve, and where the protocol is another, there is no conflict. */
Test(own, no_false_alarm)
{
	type_lines(&m, base);
	set_port("web", "10.0.0.3", 444);
	faulty(&no_limits, "real \"10.0.0.3\" of pool \"web\": mptcp port 444 is that of vip "
			   "\"192.0.2.1:444/tcp\": use one that no service has");
	set_port("web", "10.0.0.3", 0);
	set_port("api", "2001:db8::1", 53);
	cr_expect(zero(int, lb_check(&m, &no_limits, &err)), "%s", err.msg);
}

/* They count as VIPs do. */
Test(own, room)
{
	struct lb_limits limits = no_limits;

	type_lines(&m, base);
	limits.vips = 13;
	/* The host that two pools share counts as two here. */
	faulty(&limits, "8 ports of reals (mptcp) on addresses of VIPs: there is room for 7 more "
			"services: load the instance with a larger \"vips\"");
	limits.vips = 14;
	cr_expect(zero(int, lb_check(&m, &limits, &err)), "%s", err.msg);
}

Test(own, lines_of_a_difference)
{
	struct lb_model to;
	struct typist t;

	type_lines(&m, base);
	cr_assert(zero(int, lb_model_copy(&to, &m, &err)));
	type_diff(&t, &m, &to);
	cr_expect(eq(str, t.text, ""));
	lb_model_free(&t.m);
	lb_model_free(&to);
	type_lines(&to, (const char *const[]){
				"pool add web table 251 encap ipip",
				"real add 10.0.0.1 pool web weight 1 state up",
				"real add 10.0.0.2 pool web weight 1 state drain mptcp 8002",
				"real add 10.0.0.3 pool web weight 1 state up mptcp 8001", NULL});
	type_diff(&t, &m, &to);
	cr_expect(eq(str, t.text,
		     "vip del 192.0.2.1:80/tcp\n"
		     "vip del 192.0.2.1:443/tcp\n"
		     "vip del 192.0.2.1:444/tcp\n"
		     "vip del 192.0.2.2:80/udp\n"
		     "vip del 192.0.2.3:any/tcp\n"
		     "vip del [2001:db8::80]:443/tcp\n"
		     "real del 10.0.0.1 pool api\n"
		     "real del 2001:db8::1 pool api\n"
		     "pool del api\n"
		     "real replace 10.0.0.1 pool web weight 1 state up mptcp none\n"
		     "real replace 10.0.0.2 pool web weight 1 state drain mptcp 8002\n"
		     "real replace 10.0.0.3 pool web weight 1 state up mptcp 8001\n"));
	lb_model_free(&t.m);
	lb_model_free(&to);
}
