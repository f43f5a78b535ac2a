// SPDX-License-Identifier: GPL-2.0
/* HTTP and HTTPS checks against servers that answer rightly, wrongly, by halves and without end. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/probe_lab.h"

TestSuite(probe_http, .init = lab_up, .fini = lab_down, .timeout = 120);

static char request[4096];

static bool take_request(int fd)
{
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(request) - 1 &&
	       (n = read(fd, request + len, sizeof(request) - 1 - len)) > 0) {
		len += (size_t)n;
		request[len] = '\0';
		if (strstr(request, "\r\n\r\n"))
			return true;
	}
	return false;
}

static bool say(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static void wait_for_end(int fd)
{
	char c;

	while (read(fd, &c, 1) > 0)
		;
}

/* Says again and again until the client has gone. */
static void without_end(int fd, const char *text)
{
	while (say(fd, text))
		;
}

/* What is said depends on the path: one server for all cases. */
static void talk(int fd)
{
	static const struct {
		const char *path, *answer;
	} fixed[] = {
		{"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nall is well\n"},
		{"/none", "HTTP/1.1 204 No Content\r\n\r\n"},
		{"/sorry", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno"},
		{"/moved", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
			   "Content-Length: 0\r\n\r\n"},
		{"/early",
		 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
		 "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell"},
		{"/half", "HTTP/1.1 200 OK\r\nContent-Le"},
		{"/half-body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nwe"},
		{"/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			    "3\r\na w\r\n3\r\nell\r\n0\r\nT: all gone\r\n\r\n"},
		{"/junk", "\x1b[31m\xff\xfe SSH-2.0-lbd\r\n\r\n"},
		{"/old", "HTTP/1.0 200 OK\r\n\r\nwell"},
		{"/nul", "HTTP/1.1 200 OK\r\nX: \x01\x02\r\nContent-Length: 0\r\n\r\n"},
	};

	if (!take_request(fd))
		return;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		size_t n = strlen(fixed[i].path);

		if (!strncmp(request + 4, fixed[i].path, n) && request[4 + n] == ' ')
			say(fd, fixed[i].answer);
	}
	if (strstr(request, "GET /stalled-body "))
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
	if (strstr(request, "GET /stalled"))
		wait_for_end(fd);
	if (strstr(request, "GET /headers ") && say(fd, "HTTP/1.1 200 OK\r\n"))
		without_end(fd, "X-Filler: and so on and so on and so on\r\n");
	if (strstr(request, "GET /early-for-ever "))
		without_end(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	if (strstr(request, "GET /huge ") &&
	    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"))
		without_end(fd, "and so on and so on and so on and so on and so on and so on\n");
	if (strstr(request, "GET /x/../mirror?a=b ")) {
		say(fd, "HTTP/1.1 200 OK\r\n\r\n");
		say(fd, request);
	}
	/* Would keep the connection. */
	if (strstr(request, "GET /keep ")) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst");
		while (take_request(fd))
			say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain");
	}
	/* A text in two parts, the second later. */
	if (strstr(request, "GET /parts ")) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nit is we");
		usleep(20000);
		say(fd, "ll");
	}
}

static const struct {
	const char *path, *expect, *want;
} rows[] = {
	{"/ok", "", "+ 200 in N ms"},
	{"/ok", "well", "+ 200 in N ms"},
	{"/ok", "all is well\n", "+ 200 in N ms"},
	{"/ok", "ill", "- body does not contain \"ill\""},
	{"/none", "", "+ 204 in N ms"},
	{"/none", "x", "- body does not contain \"x\""},
	{"/sorry", "", "- status 503, not 200-399"},
	{"/sorry", "no", "- status 503, not 200-399"},
	{"/moved", "", "+ 302 in N ms"},
	{"/early", "", "+ 200 in N ms"},
	{"/early", "well", "+ 200 in N ms"},
	{"/half-body", "", "+ 200 in N ms"},
	{"/half-body", "we", "+ 200 in N ms"},
	{"/chunks", "well", "+ 200 in N ms"},
	{"/chunks", "gone", "- body does not contain \"gone\""},
	{"/old", "well", "+ 200 in N ms"},
	{"/parts", "is we", "+ 200 in N ms"},
	{"/stalled-body", "", "+ 200 in N ms"},
	{"/stalled-body", "x", "- no answer in 500ms"},
	{"/stalled", "", "- no answer in 500ms"},
	{"/close", "", "- closed without an answer"},
	{"/headers", "", "- headers of more than 64 KiB"},
	{"/early-for-ever", "", "- headers of more than 64 KiB"},
	{"/huge", "", "+ 200 in N ms"},
	{"/huge", "so on\nand", "+ 200 in N ms"},
	{"/huge", "the end", "- body does not contain \"the end\""},
	{"/keep", "first", "+ 200 in N ms"},
	{"/keep", "first", "+ 200 in N ms"},
	{"/keep", "again", "- body does not contain \"again\""},
	{"/junk", "", "- answer is not HTTP"},
};

Test(probe_http, answers)
{
	struct probe_target t = target(LB_M_CHECK_HTTP, tcp_server(talk));

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *said;

		t.check.timeout = strstr(rows[i].want, "500ms") ? 500 : 10000;
		strcpy(t.check.path, rows[i].path);
		strcpy(t.check.expect, rows[i].expect);
		said = ask(&t);
		cr_expect_str_eq(said, rows[i].want, "%s \"%s\": %s", rows[i].path, rows[i].expect,
				 said);
	}
}

Test(probe_http, answer_by_halves)
{
	struct probe_target t = target(LB_M_CHECK_HTTP, tcp_server(talk));

	strcpy(t.check.path, "/half");
	cr_expect_eq(ask(&t)[0], '-', "%s", ask(&t));
	strcpy(t.check.path, "/half-body");
	strcpy(t.check.expect, "well");
	cr_expect_eq(ask(&t)[0], '-', "%s", ask(&t));
	strcpy(t.check.path, "/nul");
	(void)ask(&t); /* whatever it is taken for: the text is printable */
}

Test(probe_http, statuses)
{
	struct probe_target t = target(LB_M_CHECK_HTTP, tcp_server(talk));

	t.check.status_min = t.check.status_max = 503;
	strcpy(t.check.path, "/sorry");
	cr_expect_str_eq(ask(&t), "+ 503 in N ms");
	strcpy(t.check.path, "/ok");
	cr_expect_str_eq(ask(&t), "- status 200, not 503");
	t.port = closed_port();
	cr_expect_str_eq(ask(&t), "- connection refused");
	t.port = full_port();
	t.check.timeout = 200;
	cr_expect_str_eq(ask(&t), "- no answer in 200ms");
}

/* The request is what was configured, whatever the environment says. */
Test(probe_http, request)
{
	struct probe_target t = target(LB_M_CHECK_HTTP, tcp_server(talk));
	static const char *const hosts[][2] = {
		{"www.example.org", "www.example.org"},
		{"", "127.0.0.1"},
		{"under_score.example", "under_score.example"},
		{"2001:db8::1", "[2001:db8::1]"},
		{"192.0.2.1", "192.0.2.1"},
		{"localhost", "localhost"},
	};

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	strcpy(t.check.path, "/x/../mirror?a=b");
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		strcpy(t.check.host, hosts[i][0]);
		snprintf(t.check.expect, sizeof(t.check.expect), "Host: %s:%u\r\n", hosts[i][1],
			 t.port);
		cr_expect_str_eq(ask(&t), "+ 200 in N ms", "%s: %s", hosts[i][0], ask(&t));
	}
	strcpy(t.check.expect, "User-Agent: lbmon\r\n");
	cr_expect_str_eq(ask(&t), "+ 200 in N ms");
}

/* What a broken map may hold: a failed probe, and no second line in the request. */
Test(probe_http, bad_words)
{
	struct probe_target t = target(LB_M_CHECK_HTTP, tcp_server(talk));

	strcpy(t.check.path, "/ok\r\nX: y");
	cr_expect_eq(ask(&t)[0], '-', "%s", ask(&t));
	strcpy(t.check.path, "/ok");
	strcpy(t.check.host, "a\r\nb");
	cr_expect_eq(ask(&t)[0], '-', "%s", ask(&t));
	memset(t.check.host, 'a', sizeof(t.check.host) - 1);
	memset(t.check.path + 1, 'b', sizeof(t.check.path) - 2);
	cr_expect_str_eq(ask(&t), "- closed without an answer");
}

static uint16_t tls_server(void)
{
	char command[512], port[16], cert[64], key[64];
	uint16_t n = closed_port();

	snprintf(cert, sizeof(cert), "%s/cert", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	snprintf(port, sizeof(port), "%u", n);
	/* Of its own making, another name's, and expired as soon as it is made. */
	snprintf(
		command, sizeof(command),
		"cd %s && openssl req -newkey rsa:2048 -nodes -keyout key -subj /CN=other -out req "
		">log 2>&1 && openssl x509 -req -in req -signkey key -days -1 -out cert >>log 2>&1 "
		"&& "
		"! openssl x509 -in cert -noout -checkend 0 >>log",
		dir);
	cr_assert_eq(system(command), 0, "no certificate");
	background((const char *[]){"openssl", "s_server", "-quiet", "-www", "-accept", port,
				    "-cert", cert, "-key", key, "-cert2", cert, "-key2", key,
				    "-servername", "www.example.org", "-servername_fatal", NULL});
	return n;
}

Test(probe_http, tls)
{
	struct probe_target t = target(LB_M_CHECK_HTTPS, tls_server());
	int i;

	strcpy(t.check.host, "www.example.org");
	for (i = 0; i < 50 && ask(&t)[0] == '-'; i++)
		usleep(50000);
	cr_expect_str_eq(ask(&t), "+ 200 in N ms");
	strcpy(t.check.expect, "s_server");
	cr_expect_str_eq(ask(&t), "+ 200 in N ms");
	strcpy(t.check.host, "www.example.com"); /* so the name is in the handshake */
	cr_expect_str_eq(ask(&t), "- TLS handshake failed");
	t.port = tcp_server(talk);
	cr_expect_eq(ask(&t)[0], '-', "%s", ask(&t));
	t.port = closed_port();
	cr_expect_str_eq(ask(&t), "- connection refused");
}

/* A body without end to a hundred at once: nobody waits. */
Test(probe_http, loop_is_not_blocked)
{
	struct probe_target t = target(LB_M_CHECK_HTTP, tcp_server(talk));
	struct answer a[100] = {0};
	unsigned int before = answers(), ms;
	int i;

	strcpy(t.check.path, "/huge");
	strcpy(t.check.expect, "the end");
	t.check.timeout = 30000;
	longest_gap();
	for (i = 0; i < 100; i++)
		probe_start(probes, &t, answered, &a[i]);
	run_until(before + 100, 40000);
	for (i = 0; i < 100; i++)
		cr_expect_str_eq(a[i].text, "body does not contain \"the end\"");
	ms = longest_gap();
	cr_expect(ms < 200, "the loop stood still for %u ms", ms);
}
