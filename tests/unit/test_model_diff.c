/* SPDX-License-Identifier: GPL-2.0 */
/* The lines that make one model of another, and their order. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/typist.h"

static struct lb_err err;

static const char *const base[] = {
	"pool add web table 65537 encap ipip",
	"pool add api table 251 encap ipip",
	"real add 10.0.0.1 pool web weight 1 state up",
	"real add 10.0.0.2 pool web weight 1 state up",
	"real add 2001:db8::1 pool web weight 0 state drain encap ipip",
	"vip add 192.0.2.1:80/tcp pool web session on",
	"vip add 192.0.2.2:any/udp pool web session off",
	"vip add [2001:db8::80]:443/tcp pool api session on",
	NULL,
};

Test(diff, all_of_it_is_canonical)
{
	struct lb_model none, m;
	struct typist t;

	lb_model_init(&none);
	type_lines(&m, base);
	type_diff(&t, &none, &m);
	cr_expect(eq(str, t.text,
		     "pool add api table 251 encap ipip\n"
		     "pool add web table 65537 encap ipip\n"
		     "real add 10.0.0.1 pool web weight 1 state up\n"
		     "real add 10.0.0.2 pool web weight 1 state up\n"
		     "real add 2001:db8::1 pool web weight 0 state drain encap ipip\n"
		     "vip add 192.0.2.1:80/tcp pool web session on\n"
		     "vip add 192.0.2.2:any/udp pool web session off\n"
		     "vip add [2001:db8::80]:443/tcp pool api session on\n"));
	lb_model_free(&t.m);
	type_diff(&t, &m, &none);
	cr_expect(eq(str, t.text,
		     "vip del 192.0.2.1:80/tcp\n"
		     "vip del 192.0.2.2:any/udp\n"
		     "vip del [2001:db8::80]:443/tcp\n"
		     "real del 10.0.0.1 pool web\n"
		     "real del 10.0.0.2 pool web\n"
		     "real del 2001:db8::1 pool web\n"
		     "pool del api\n"
		     "pool del web\n"));
	lb_model_free(&t.m);
	lb_model_free(&m);
}

Test(diff, changes)
{
	static const char *const changed[] = {
		"pool add web table 503 encap ipip",
		"pool add new table 251 encap ipip",
		"real add 10.0.0.1 pool web weight 65535 state up",
		"real add 10.0.0.2 pool web weight 1 state up",
		"real add 2001:db8::1 pool web weight 0 state drain",
		"real add 10.0.0.1 pool new weight 1 state down",
		"vip add 192.0.2.1:80/tcp pool web session off",
		"vip add 192.0.2.2:any/tcp pool web session off",
		"vip add [2001:db8::80]:443/tcp pool new session on",
		NULL,
	};
	struct lb_model from, to;
	struct typist t;

	type_lines(&from, base);
	type_lines(&to, changed);
	type_diff(&t, &from, &to);
	/* Pool api goes last: until then a VIP stands on it. */
	cr_expect(eq(str, t.text,
		     "vip del 192.0.2.2:any/udp\n"
		     "pool add new table 251 encap ipip\n"
		     "pool replace web table 503 encap ipip\n"
		     "real add 10.0.0.1 pool new weight 1 state down\n"
		     "real replace 10.0.0.1 pool web weight 65535 state up\n"
		     "real replace 2001:db8::1 pool web weight 0 state drain encap default\n"
		     "vip replace 192.0.2.1:80/tcp pool web session off\n"
		     "vip add 192.0.2.2:any/tcp pool web session off\n"
		     "vip replace [2001:db8::80]:443/tcp pool new session on\n"
		     "pool del api\n"));
	lb_model_free(&t.m);
	lb_model_free(&from);
	lb_model_free(&to);
}

/* A pool that no VIP moves away from goes first: it makes room for those that come. */
Test(diff, pools_make_room)
{
	static const char *const before[] = {
		"pool add a table 251 encap ipip",
		"pool add b table 251 encap ipip",
		"real add 10.0.0.1 pool a weight 1 state up",
		"vip add 192.0.2.1:80/tcp pool a session on",
		NULL,
	};
	static const char *const after[] = {
		"pool add c table 251 encap ipip",
		"pool add d table 251 encap ipip",
		"vip add 192.0.2.1:81/tcp pool c session on",
		NULL,
	};
	struct lb_model from, to;
	struct typist t;

	type_lines(&from, before);
	type_lines(&to, after);
	type_diff(&t, &from, &to);
	cr_expect(eq(str, t.text,
		     "vip del 192.0.2.1:80/tcp\n"
		     "real del 10.0.0.1 pool a\n"
		     "pool del a\n"
		     "pool del b\n"
		     "pool add c table 251 encap ipip\n"
		     "pool add d table 251 encap ipip\n"
		     "vip add 192.0.2.1:81/tcp pool c session on\n"));
	lb_model_free(&t.m);
	lb_model_free(&from);
	lb_model_free(&to);
}

/* What differs from the default is named; what did so before is named once more. */
Test(diff, settings)
{
	static const char *const before[] = {
		"pool add a table 251 encap ipip",
		"pool add b table 251 encap ipip min 2 panic 50 check http direct on port 8080 "
		"interval 500ms timeout 500ms rise 2 fall 3 status 204 host www path /x expect 'a "
		"b'",
		"pool add c table 251 encap ipip check udp interval 2s timeout 1s rise 2 fall 3 "
		"send x",
		"pool add d table 251 encap ipip check tcp interval 2s timeout 1s rise 2 fall 3",
		"vip add 192.0.2.1:80/tcp pool a session on announce always",
		"vip add 192.0.2.2:53/udp pool a session off hash src fragments hash",
		"vip add 192.0.2.3:53/udp pool a session off fragments hash",
		NULL,
	};
	static const char *const after[] = {
		"pool add a table 251 encap ipip min 3 check exec interval 1m timeout 90ms rise 1 "
		"fall 100 command /bin/true",
		"pool add b table 251 encap ipip check http interval 2s timeout 1s rise 2 fall 3",
		"pool add c table 251 encap ipip check https interval 2s timeout 1s rise 2 fall 3 "
		"status 200-299",
		"pool add d table 251 encap gue drain 0ms gue-port 6081",
		"vip add 192.0.2.1:80/tcp pool a session on",
		"vip add 192.0.2.2:53/udp pool a session off",
		"vip add 192.0.2.3:53/udp pool a session off hash src announce always",
		"node peer add 10.0.0.2",
		"node peer add 10.0.0.1",
		NULL,
	};
	struct lb_model from, to;
	struct typist t;

	type_lines(&from, before);
	type_lines(&to, after);
	type_diff(&t, &from, &to);
	cr_expect(eq(
		str, t.text,
		"node peer add 10.0.0.1\n"
		"node peer add 10.0.0.2\n"
		"pool replace a table 251 encap ipip min 3 check exec interval 1m timeout 90ms "
		"rise 1 fall 100 command /bin/true\n"
		"pool replace b table 251 encap ipip min 1 panic 0 check http direct off port vip "
		"interval 2s timeout 1s rise 2 fall 3 status 200-399 host '' path / expect ''\n"
		"pool replace c table 251 encap ipip check https interval 2s timeout 1s rise 2 "
		"fall 3 status 200-299\n"
		"pool replace d table 251 encap gue drain 0ms gue-port 6081 check none\n"
		"vip replace 192.0.2.1:80/tcp pool a session on announce auto\n"
		"vip replace 192.0.2.2:53/udp pool a session off hash 5tuple fragments drop\n"
		"vip replace 192.0.2.3:53/udp pool a session off hash src fragments drop announce "
		"always\n"));
	lb_model_free(&t.m);
	lb_model_free(&from);
	lb_model_free(&to);
}

/* Every text full, everything of the longest: the line is whole, and can be typed. */
Test(diff, the_longest_line)
{
	struct lb_m_pool pool = {
		.slots = 4194301,
		.encap = LB_M_ENCAP_IPIP,
		.drain = LB_DRAIN_DEFAULT,
		.gue_port = LB_GUE_PORT_DEFAULT,
		.min = 65535,
		.panic = 100,
		.check = {.kind = LB_M_CHECK_HTTPS,
			  .direct = true,
			  .port = 65535,
			  .interval = 3599999,
			  .timeout = 59999,
			  .rise = 100,
			  .fall = 100,
			  .status_min = 100,
			  .status_max = 599},
	};
	struct lb_model none, m;
	struct typist t;

	memset(pool.name, 'n', sizeof(pool.name) - 1);
	memset(pool.check.host, 'h', sizeof(pool.check.host) - 1);
	memset(pool.check.path, '/', sizeof(pool.check.path) - 1);
	memset(pool.check.expect, ' ', sizeof(pool.check.expect) - 1);
	memset(pool.check.command, '$', sizeof(pool.check.command) - 1);
	memset(pool.check.send, '#', sizeof(pool.check.send) - 1);
	lb_model_init(&none);
	lb_model_init(&m);
	cr_assert(eq(int, lb_model_put_pool(&m, &pool, &err), 0));
	type_diff(&t, &none, &m);
	cr_expect(eq(int, memcmp(&t.m.pool[0].check, &pool.check, sizeof(pool.check)), 0));
	lb_model_free(&t.m);
	lb_model_free(&m);
}

/* Ids, health and the seed are not the administrator's: no line is made of them. */
Test(diff, of_the_same_is_nothing)
{
	struct lb_model from, to;
	struct typist t;

	type_lines(&from, base);
	cr_assert(eq(int, lb_model_copy(&to, &from, &err), 0));
	to.seed = 7;
	to.pool[0].id = to.real[0].id = to.vip[0].id = 3;
	to.real[1].sick = true;
	to.real[1].health = LB_M_SICK;
	to.real[1].since = 1;
	type_diff(&t, &from, &to);
	cr_expect(eq(str, t.text, ""));
	lb_model_free(&t.m);
	lb_model_free(&from);
	lb_model_free(&to);
}

/* One line says all of it, also what is no more. */
Test(diff, outer_sources)
{
	static const char *const all[][2] = {
		{"node source spread 10.64.0.0/16", NULL},
		{"node source spread fd64::/64", NULL},
		{"node source spread 10.64.0.0/17 spread fd64::/64", NULL},
		{"node source node", NULL},
	};
	struct lb_model from, to;
	struct typist t;
	char want[80];

	for (int i = 0; i < 4; i++) {
		for (int k = 0; k < 4; k++) {
			type_lines(&from, all[i]);
			type_lines(&to, all[k]);
			type_diff(&t, &from, &to);
			snprintf(want, sizeof(want), "%s\n", all[k][0]);
			cr_expect(eq(str, t.text, i == k ? "" : want));
			lb_model_free(&t.m);
			lb_model_free(&from);
			lb_model_free(&to);
		}
	}
}
