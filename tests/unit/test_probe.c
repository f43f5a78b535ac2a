// SPDX-License-Identifier: GPL-2.0
/* TCP and UDP checks, and what all kinds have in common: turns, timeouts, cancelling, descriptors. */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/probe_lab.h"

TestSuite(probe, .init = lab_up, .fini = lab_down, .timeout = 120);

static void hang_up(int fd)
{
	(void)fd;
}

static void never_answer(int fd)
{
	char c;

	while (read(fd, &c, 1) > 0)
		;
}

static void answer_200(int fd)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	char buf[1024];

	if (read(fd, buf, sizeof(buf)) > 0 && write(fd, ok, sizeof(ok) - 1) > 0 &&
	    !shutdown(fd, SHUT_WR))
		(void)!read(fd, buf, sizeof(buf));
}

static ssize_t echo(char *buf, size_t len, size_t room)
{
	(void)buf;
	(void)room;
	return (ssize_t)len;
}

static ssize_t nothing(char *buf, size_t len, size_t room)
{
	(void)buf;
	(void)len;
	(void)room;
	return -1;
}

static ssize_t binary(char *buf, size_t len, size_t room)
{
	(void)len;
	(void)room;
	memcpy(buf, "\0\xff\1yes\n", 7);
	return 7;
}

Test(probe, tcp)
{
	struct probe_target t = target(LB_M_CHECK_TCP, tcp_server(hang_up));

	cr_expect_str_eq(ask(&t), "+ connected in N ms");
	t.port = closed_port();
	cr_expect_str_eq(ask(&t), "- connection refused");
	t.port = full_port();
	t.check.timeout = 300;
	cr_expect_str_eq(ask(&t), "- no answer in 300ms");
	t.check.timeout = 10000;
	memset(t.addr.b, 255, 4);
	cr_expect_str_eq(ask(&t), "- network is unreachable");
}

Test(probe, tcp_ipv6)
{
	struct probe_target t = target(LB_M_CHECK_TCP, closed_port());

	t.addr = (struct lb_addr){.family = 6, .b = {[15] = 1}};
	cr_expect_str_eq(ask(&t), "- connection refused");
}

Test(probe, mark)
{
	struct probe_target t = target(LB_M_CHECK_TCP, tcp_server(answer_200));
	struct probe_target h = t;

	t.mark = h.mark = 0x1001;
	h.check.kind = LB_M_CHECK_HTTP;
	if (!geteuid()) {
		cr_expect_str_eq(ask(&t), "+ connected in N ms");
		cr_expect_str_eq(ask(&h), "+ 200 in N ms");
		cr_assert(!seteuid(65534));
	}
	cr_expect_str_eq(ask(&t), "? no permission to set SO_MARK (CAP_NET_ADMIN)");
	cr_expect_str_eq(ask(&h), "? no permission to set SO_MARK (CAP_NET_ADMIN)");
	(void)!seteuid(0);
}

Test(probe, udp)
{
	struct probe_target t = target(LB_M_CHECK_UDP, udp_server(echo));

	cr_expect_str_eq(ask(&t), "+ answer in N ms");
	strcpy(t.check.send, "are you there");
	strcpy(t.check.expect, "you");
	cr_expect_str_eq(ask(&t), "+ answer in N ms");
	strcpy(t.check.expect, "YOU");
	t.check.timeout = 2000;
	cr_expect_str_eq(ask(&t), "- answer does not contain \"YOU\"");
	t.port = udp_server(binary);
	cr_expect_str_eq(ask(&t), "- answer does not contain \"YOU\"");
	strcpy(t.check.expect, "yes");
	cr_expect_str_eq(ask(&t), "+ answer in N ms");
	t.check.timeout = 200;
	t.port = udp_server(nothing);
	cr_expect_str_eq(ask(&t), "- no answer in 200ms");
	t.check.expect[0] = '\0';
	cr_expect_str_eq(ask(&t), "- no answer in 200ms");
	t.check.timeout = 10000;
	t.port = closed_port();
	cr_expect_str_eq(ask(&t), "- connection refused");
}

Test(probe, none_is_not_asked)
{
	struct probe_target t = target(LB_M_CHECK_NONE, 1);

	cr_expect_null(probe_start(probes, &t, answered, NULL));
	t.check.kind = 99;
	cr_expect_null(probe_start(probes, &t, answered, NULL));
}

/* One of each kind; http and https both at a port that hangs. */
static struct probe_target any(int i, uint16_t tcp, uint16_t udp)
{
	struct probe_target t = target(1 + i % 5, i % 5 == 3 ? udp : tcp);

	strcpy(t.check.command, "/bin/true");
	t.check.timeout = 300;
	return t;
}

Test(probe, cancel_at_any_moment)
{
	uint16_t tcp = tcp_server(never_answer), udp = udp_server(echo);
	struct probe_target t;
	struct answer a[50] = {0};
	struct probe *p[50];
	unsigned int before, round, i;

	srandom(3);
	for (round = 0; round < 100; round++) {
		before = answers();
		for (i = 0; i < 50; i++) {
			t = any((int)i, tcp, udp);
			a[i].calls = 0;
			p[i] = probe_start(probes, &t, answered, &a[i]);
			cr_assert(p[i]);
		}
		if (round % 4)
			run_for((unsigned int)random() % 4);
		for (i = 0; i < 50; i++)
			if (!a[i].calls)
				probe_cancel(p[i]);
	}
	before = answers();
	run_for(500);
	cr_expect_eq(answers(), before, "a call after probe_cancel()");
}

/* What still runs at the end goes without a call; lab_down() counts the descriptors. */
Test(probe, free_while_running)
{
	uint16_t tcp = tcp_server(never_answer), udp = udp_server(nothing);
	struct probe_target t;
	struct answer a = {0};
	int i;

	for (i = 0; i < 500; i++) {
		t = any(i, tcp, udp);
		cr_assert(probe_start(probes, &t, answered, &a));
	}
	run_for(5);
}

static struct probe *other;

static void cancel_other(void *arg, enum probe_answer answer, const char *text)
{
	if (other)
		probe_cancel(other);
	other = NULL;
	answered(arg, answer, text);
}

/* Two that end in the same round: the first one's call cancels the second. */
Test(probe, cancel_from_done)
{
	for (int kind = LB_M_CHECK_TCP; kind <= LB_M_CHECK_HTTP; kind++) {
		struct probe_target t = target(kind, closed_port());
		struct answer a = {0};
		unsigned int before = answers();

		cr_assert(probe_start(probes, &t, cancel_other, &a));
		other = probe_start(probes, &t, answered, &a);
		cr_assert(other);
		run_until(before + 1, 20000);
		run_for(50);
		cr_expect_eq(answers(), before + 1);
	}
}

Test(probe, no_descriptor_left)
{
	static const int kinds[] = {LB_M_CHECK_TCP, LB_M_CHECK_UDP, LB_M_CHECK_HTTP,
				    LB_M_CHECK_EXEC};
	uint16_t tcp = tcp_server(answer_200), udp = udp_server(echo);
	int used[1024], n = 0, i;
	struct rlimit limit = {256, 256};
	struct probe_target t;

	cr_assert(!setrlimit(RLIMIT_NOFILE, &limit));
	while ((used[n] = dup(0)) >= 0)
		n++;
	for (i = 0; i < 4; i++) {
		t = target(kinds[i], kinds[i] == LB_M_CHECK_UDP ? udp : tcp);
		strcpy(t.check.command, "/bin/true");
		cr_expect_str_eq(ask(&t), "? too many open files");
	}
	while (n)
		close(used[--n]);
	for (i = 0; i < 4; i++) {
		t = target(kinds[i], kinds[i] == LB_M_CHECK_UDP ? udp : tcp);
		strcpy(t.check.command, "/bin/true");
		cr_expect_eq(ask(&t)[0], '+', "%s", ask(&t));
	}
}

/* Sockets in TIME_WAIT at this port: they would use up the ports towards one VIP. */
static int lingering(uint16_t port)
{
	char line[256], end[16];
	FILE *f = fopen("/proc/net/tcp", "re");
	int n = 0;

	cr_assert_not_null(f);
	snprintf(end, sizeof(end), ":%04X 06 ", port);
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, end);
	fclose(f);
	return n;
}

/* Thousands at once: all are answered, none blocks the loop. The bound is generous: machines are slow. */
static void at_once(int kind, uint16_t port, unsigned int n)
{
	struct probe_target t = target(kind, port);
	struct answer *a = calloc(n, sizeof(*a));
	unsigned int i, good = 0, before = answers();

	t.check.timeout = 40000;
	longest_gap();
	for (i = 0; i < n; i++)
		cr_assert(probe_start(probes, &t, answered, &a[i]));
	run_until(before + n, 50000);
	for (i = 0; i < n; i++)
		good += a[i].ok;
	cr_expect_eq(good, n);
	i = longest_gap();
	cr_log_info("kind %d: longest gap %u ms", kind, i);
	cr_expect(i < 200, "the loop stood still for %u ms", i);
	cr_expect_eq(lingering(port), 0, "kind %d: %d in TIME_WAIT", kind, lingering(port));
	free(a);
}

Test(probe, many_at_once)
{
	at_once(LB_M_CHECK_TCP, tcp_server(hang_up), 2000);
	at_once(LB_M_CHECK_HTTP, tcp_server(answer_200), 2000);
}
