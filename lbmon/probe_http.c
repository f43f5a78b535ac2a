// SPDX-License-Identifier: GPL-2.0
/*
 * probe_http.c - a GET over http or https, by libcurl's multi interface on our loop.
 *
 * The URL has the host's name, for Host and SNI; CURLOPT_CONNECT_TO leads it to the literal address. The connection ends
 * as soon as the outcome is known, so that a body without end costs nothing.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lbmon/linger.h"
#include "lbmon/probe_internal.h"

#define HEADERS_MAX (64u << 10) /* bytes; and so much of a body is looked at */
#define BODY_MAX (64u << 10)
#define SPARE_MAX 512 /* easy handles kept for the next probes */

struct http_all {
	struct loop *loop;
	CURLM *multi;
	struct timer *timer;
	struct lingers *lingers;
	struct curl_slist *close; /* the header "Connection: close" */
	CURL *spare[SPARE_MAX];
	size_t spares;
};

struct http {
	CURL *easy;
	struct curl_slist *connect_to;
	int fd;
	long status; /* of the final response; 0: not there yet */
	size_t headers, body; /* bytes seen */
	bool found; /* what is expected */
	char tail[sizeof(
		((struct lb_m_check *)0)->expect)]; /* of the body: a text may span two reads */
	size_t tail_len;
	char failure[PROBE_TEXT]; /* ours, not libcurl's */
	bool unasked; /* ... for want of a socket */
};

static bool status_good(const struct probe *probe)
{
	const struct http *h = probe->own;
	const struct lb_m_check *check = &probe->target.check;

	return h->status >= check->status_min && h->status <= check->status_max;
}

/* A line of a header. Returning 0 ends the transfer: with the last one, when the body does not matter. */
static size_t take_header(char *data, size_t size, size_t n, void *arg)
{
	struct probe *probe = arg;
	struct http *h = probe->own;
	long status = 0;

	(void)size; /* 1 */
	h->headers += n;
	if (h->headers > HEADERS_MAX) {
		snprintf(h->failure, sizeof(h->failure), "headers of more than 64 KiB");
		return 0;
	}
	if (h->status || (data[0] != '\r' && data[0] != '\n'))
		return n;
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 == 1) /* 100, 103: the answer is still to come */
		return n;
	h->status = status;
	return status_good(probe) && probe->target.check.expect[0] ? n : 0;
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	static char window[sizeof(((struct http *)0)->tail) + BODY_MAX];
	struct probe *probe = arg;
	struct http *h = probe->own;
	const char *expect = probe->target.check.expect;
	size_t want = strlen(expect), len, got = n < BODY_MAX - h->body ? n : BODY_MAX - h->body;

	(void)size;
	memcpy(window, h->tail, h->tail_len);
	memcpy(window + h->tail_len, data, got);
	len = h->tail_len + got;
	h->body += got;
	h->found = memmem(window, len, expect, want);
	if (h->found || h->body == BODY_MAX)
		return 0;
	h->tail_len = len < want - 1 ? len : want - 1;
	memcpy(h->tail, window + len - h->tail_len, h->tail_len);
	return n;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct probe *probe = arg;
	struct http *h = probe->own;

	(void)purpose;
	(void)address; /* is the target's */
	h->fd = probe_socket(probe, SOCK_STREAM, h->failure);
	h->unasked = h->fd < 0;
	return h->fd < 0 ? CURL_SOCKET_BAD : h->fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
	struct lingers *lingers = arg;

	linger(lingers, fd);
	return 0;
}

static void say_failure(struct probe *probe, CURLcode code)
{
	struct http *h = probe->own;
	long err = 0;

	curl_easy_getinfo(h->easy, CURLINFO_OS_ERRNO, &err);
	if (code == CURLE_SSL_CONNECT_ERROR)
		probe_end(probe, PROBE_BAD, "TLS handshake failed");
	else if (code == CURLE_GOT_NOTHING)
		probe_end(probe, PROBE_BAD, "closed without an answer");
	else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
		probe_end(probe, PROBE_BAD, "answer is not HTTP");
	else if (err && (code == CURLE_COULDNT_CONNECT || code == CURLE_RECV_ERROR ||
			 code == CURLE_SEND_ERROR))
		probe_end(probe, probe_blame((int)err), "%s", probe_strerror((int)err));
	else
		probe_end(probe, PROBE_BAD, "libcurl: %s", curl_easy_strerror(code));
}

static void conclude(struct probe *probe, CURLcode code)
{
	const struct http *h = probe->own;
	const struct lb_m_check *check = &probe->target.check;

	if (h->failure[0])
		probe_end(probe, h->unasked ? PROBE_UNASKED : PROBE_BAD, "%s", h->failure);
	else if (!h->status)
		say_failure(probe, code);
	else if (!status_good(probe) && check->status_min == check->status_max)
		probe_end(probe, PROBE_BAD, "status %ld, not %u", h->status, check->status_min);
	else if (!status_good(probe))
		probe_end(probe, PROBE_BAD, "status %ld, not %u-%u", h->status, check->status_min,
			  check->status_max);
	else if (h->found || !check->expect[0])
		probe_end(probe, PROBE_GOOD, "%ld in %llu ms", h->status, probe_took(probe));
	else if (code == CURLE_OK || h->body == BODY_MAX)
		probe_end(probe, PROBE_BAD, "body does not contain \"%s\"", check->expect);
	else
		say_failure(probe, code);
}

/* Lets libcurl work on a descriptor, or on its timers, and takes what came to an end. */
static void act(struct http_all *all, curl_socket_t fd, int what)
{
	CURLMsg *msg;
	char *probe;
	int n;

	curl_multi_socket_action(all->multi, fd, what, &n);
	while ((msg = curl_multi_info_read(all->multi, &n))) {
		if (msg->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &probe))
			continue;
		conclude((struct probe *)probe, msg->data.result);
	}
}

static void http_ready(void *arg, uint32_t events)
{
	struct probe *probe = arg;
	struct http *h = probe->own;

	act(probe->shared, h->fd,
	    (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		    (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
}

static void http_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl: wait for this. -1 would be the end of all transfers: what cannot be watched runs into its timeout. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct http_all *all = arg;
	struct lb_err err;
	char *probe = NULL;
	uint32_t events = 0;

	(void)unused;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	if (events)
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &probe);
	loop_fd(all->loop, fd, probe ? events : 0, http_ready, probe, &err);
	return 0;
}

static int watch_timer(CURLM *multi, long ms, void *arg)
{
	struct http_all *all = arg;

	(void)multi;
	if (ms < 0)
		timer_stop(all->timer);
	else
		timer_set(all->timer, (uint64_t)ms);
	return 0;
}

/* With all that is the same for each probe. */
static CURL *easy_new(const struct http_all *all)
{
	CURL *e = curl_easy_init();

	if (!e)
		return NULL;
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "lbmon");
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(e, CURLOPT_CAINFO, NULL); /* reading them takes 30 ms a connection */
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, all->lingers);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, all->close);
	return e;
}

/* What is this probe's own. 0 or -1. */
static int aim(struct probe *probe)
{
	struct http *h = probe->own;
	const struct probe_target *t = &probe->target;
	const char *host = t->check.host;
	char url[512], to[LB_ADDR_STRLEN + 16], addr[LB_ADDR_STRLEN],
		name[sizeof(t->check.host) + 2];

	format_addr(&t->addr, addr);
	snprintf(to, sizeof(to), t->addr.family == 6 ? "::[%s]:%u" : "::%s:%u", addr, t->port);
	h->connect_to = curl_slist_append(NULL, to);
	if (!host[0])
		host = addr;
	if (strchr(host, ':') && host[0] != '[') {
		snprintf(name, sizeof(name), "[%s]", host);
		host = name;
	}
	snprintf(url, sizeof(url), "%s://%s:%u%s",
		 t->check.kind == LB_M_CHECK_HTTPS ? "https" : "http", host, t->port,
		 t->check.path);
	if (!h->connect_to || curl_easy_setopt(h->easy, CURLOPT_URL, url))
		return -1;
	curl_easy_setopt(h->easy, CURLOPT_CONNECT_TO, h->connect_to);
	curl_easy_setopt(h->easy, CURLOPT_PRIVATE, probe);
	curl_easy_setopt(h->easy, CURLOPT_HEADERDATA, probe);
	curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, probe);
	curl_easy_setopt(h->easy, CURLOPT_OPENSOCKETDATA, probe);
	return 0;
}

static void http_free(struct http_all *all, struct http *h)
{
	if (h->easy && all->spares < SPARE_MAX)
		all->spare[all->spares++] = h->easy;
	else
		curl_easy_cleanup(h->easy);
	curl_slist_free_all(h->connect_to);
	free(h);
}

static int http_start(struct probe *probe, char text[PROBE_TEXT])
{
	struct http_all *all = probe->shared;
	struct http *h = calloc(1, sizeof(*h));

	probe->own = h;
	if (!h)
		goto no_memory;
	h->fd = -1;
	h->easy = all->spares ? all->spare[--all->spares] : easy_new(all);
	if (h->easy && !aim(probe) && !curl_multi_add_handle(all->multi, h->easy))
		return 0;
	http_free(all, h);
no_memory:
	snprintf(text, PROBE_TEXT, "%s", probe_strerror(ENOMEM));
	return PROBE_START_UNASKED;
}

static void http_stop(struct probe *probe)
{
	struct http_all *all = probe->shared;
	struct http *h = probe->own;

	curl_multi_remove_handle(all->multi, h->easy);
	http_free(all, h);
}

static void http_close(void *shared)
{
	struct http_all *all = shared;

	while (all->spares)
		curl_easy_cleanup(all->spare[--all->spares]);
	curl_multi_cleanup(all->multi);
	curl_slist_free_all(all->close);
	lingers_free(all->lingers);
	timer_free(all->timer);
	free(all);
	curl_global_cleanup();
}

static void *http_open(struct loop *l, struct lb_err *err)
{
	struct http_all *all;

	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		lb_fail(err, "libcurl cannot be used");
		return NULL;
	}
	all = calloc(1, sizeof(*all));
	if (!all) {
		lb_fail(err, "%s", strerror(ENOMEM));
		curl_global_cleanup();
		return NULL;
	}
	all->loop = l;
	all->timer = timer_new(l, http_timer, all, err);
	all->lingers = all->timer ? lingers_new(l, err) : NULL;
	all->close = curl_slist_append(NULL, "Connection: close");
	all->multi = curl_multi_init();
	if (!all->lingers || !all->close || !all->multi) {
		if (all->lingers)
			lb_fail(err, "libcurl: %s", strerror(ENOMEM));
		http_close(all);
		return NULL;
	}
	curl_multi_setopt(all->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(all->multi, CURLMOPT_SOCKETDATA, all);
	curl_multi_setopt(all->multi, CURLMOPT_TIMERFUNCTION, watch_timer);
	curl_multi_setopt(all->multi, CURLMOPT_TIMERDATA, all);
	return all;
}

/*
 * A check takes a tenth of a millisecond of a core: with more under way than this, those that are would be late by our own doing, and
 * the reals would look dead. Who waits in vain was not asked, which says nothing of it.
 */
const struct probe_kind probe_http = {
	.burst = 32,
	.most = 4096,
	.open = http_open,
	.close = http_close,
	.start = http_start,
	.stop = http_stop,
};
