/* SPDX-License-Identifier: GPL-2.0 */
/* nl.c - the netlink socket: one request, its whole answer, and the kernel's reasons. */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/nl_internal.h"

#define NETNS_DIR "/run/netns" /* where `ip netns` keeps them */
#define DUMP_TRIES 100

struct lb_nl *lb_nl_open(struct lb_err *err)
{
	struct lb_nl *nl = calloc(1, sizeof(*nl));
	int one = 1;

	if (!nl) {
		lb_fail(err, "out of memory");
		return NULL;
	}
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID)) {
		lb_fail(err, "netlink: %s", strerror(errno));
		lb_nl_close(nl);
		return NULL;
	}
	/* A kernel without one of these still answers, only less well. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return nl;
}

void lb_nl_close(struct lb_nl *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

struct nlmsghdr *nl_request(struct lb_nl *nl, uint16_t type, uint16_t flags, size_t len)
{
	struct nlmsghdr *nlh;

	memset(nl->req, 0, sizeof(nl->req));
	nlh = mnl_nlmsg_put_header(nl->req);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	if ((flags & NLM_F_DUMP) != NLM_F_DUMP)
		nlh->nlmsg_flags |= NLM_F_ACK;
	mnl_nlmsg_put_extra_header(nlh, len);
	return nlh;
}

struct round {
	uint32_t seq;
	nl_each *each;
	void *arg;
	int error;
	bool done, torn;
};

/* The explanation in an acknowledgement or at the end of a dump, without a closing full stop. */
static void take_text(struct lb_nl *nl, const struct nlmsghdr *nlh, size_t offset)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MSG + 1];
	size_t len;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	nl_attrs(nlh, offset, tb, NLMSGERR_ATTR_MSG);
	if (!tb[NLMSGERR_ATTR_MSG])
		return;
	snprintf(nl->text, sizeof(nl->text), "%.*s",
		 (int)mnl_attr_get_payload_len(tb[NLMSGERR_ATTR_MSG]),
		 mnl_attr_get_str(tb[NLMSGERR_ATTR_MSG]));
	len = strlen(nl->text);
	while (len && strchr(".\n ", nl->text[len - 1]))
		nl->text[--len] = '\0';
}

static int take_end(struct lb_nl *nl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *ack = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(ack->error);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(ack->error))
		return nlh->nlmsg_type == NLMSG_DONE ? 0 : EPROTO;
	if (ack->error >= 0)
		return 0;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		offset = sizeof(*ack);
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
			offset += NLMSG_ALIGN(ack->msg.nlmsg_len) - sizeof(ack->msg);
	}
	take_text(nl, nlh, offset);
	return -ack->error;
}

static void take(struct lb_nl *nl, struct round *r, const struct nlmsghdr *nlh)
{
	int error = 0;

	if (nlh->nlmsg_seq != r->seq) /* of a request that was given up */
		return;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		r->torn = true;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		r->done = true;
		error = take_end(nl, nlh);
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && r->each && !r->error) {
		error = r->each(nlh, r->arg);
	}
	if (!r->error)
		r->error = error;
}

/* mnl_cb_run() is not used: it stops at NLM_F_DUMP_INTR, and leaves the rest of the dump in the socket. */
static int ask_once(struct lb_nl *nl, struct nlmsghdr *nlh, struct round *r)
{
	nlh->nlmsg_seq = r->seq = ++nl->seq;
	nl->text[0] = '\0';
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return errno;
	while (!r->done) {
		ssize_t got = mnl_socket_recvfrom(nl->sock, nl->buf, sizeof(nl->buf));
		const struct nlmsghdr *m = (const struct nlmsghdr *)nl->buf;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? errno : EPROTO;
		for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
			take(nl, r, m);
	}
	return r->error;
}

int nl_ask(struct lb_nl *nl, struct nlmsghdr *nlh, nl_each *each, void *arg)
{
	for (int i = 0; i < DUMP_TRIES; i++) {
		struct round r = {.each = each, .arg = arg};
		int error;

		if (each && (error = each(NULL, arg)))
			return error;
		error = ask_once(nl, nlh, &r);
		if (!r.torn)
			return error;
	}
	snprintf(nl->text, sizeof(nl->text), "kept changing while it was read, try again");
	return EAGAIN;
}

struct table {
	const struct nlattr **tb;
	uint16_t max;
};

static int put_attr(const struct nlattr *attr, void *arg)
{
	const struct table *t = arg;

	if (mnl_attr_get_type(attr) <= t->max)
		t->tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

void nl_attrs(const struct nlmsghdr *nlh, size_t offset, const struct nlattr **tb, uint16_t max)
{
	struct table t = {tb, max};

	for (int i = 0; i <= max; i++)
		tb[i] = NULL;
	mnl_attr_parse(nlh, (unsigned int)offset, put_attr, &t);
}

void nl_nest(const struct nlattr *nest, const struct nlattr **tb, uint16_t max)
{
	struct table t = {tb, max};

	for (int i = 0; i <= max; i++)
		tb[i] = NULL;
	mnl_attr_parse_nested(nest, put_attr, &t);
}

void *nl_list_next(struct nl_list *list)
{
	char *item = list->item;

	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 16;

		item = reallocarray(list->item, room, list->size);
		if (!item)
			return NULL;
		list->item = item;
		list->room = room;
	}
	item += list->n++ * list->size;
	return memset(item, 0, list->size);
}

int nl_fail(const struct lb_nl *nl, int error, struct lb_err *err, const char *fmt, ...)
{
	const char *why = nl->text[0] ? nl->text : strerror(error);
	char what[LB_ERR_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (error == EPERM)
		why = "not permitted: needs CAP_NET_ADMIN (run as root)";
	return lb_fail(err, "%s: %s", what, why);
}

int lb_netns_enter(const char *name, struct lb_err *err)
{
	char path[sizeof(NETNS_DIR) + NAME_MAX + 1];
	int fd, rc = 0;

	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ||
	    strlen(name) > NAME_MAX)
		return lb_usage(err, "network namespace \"%s\": must be a name as in \"ip netns\"",
				name);
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return lb_fail(err,
			       "network namespace \"%s\": does not exist: \"ip netns\" lists those "
			       "that do",
			       name);
	if (fd < 0)
		return lb_fail(err, "network namespace \"%s\": %s", name, strerror(errno));
	if (setns(fd, CLONE_NEWNET)) {
		if (errno == EINVAL)
			rc = lb_fail(err, "network namespace \"%s\": %s is not one", name, path);
		else if (errno == EPERM)
			rc = lb_fail(err,
				     "network namespace \"%s\": not permitted: needs CAP_SYS_ADMIN "
				     "(run as root)",
				     name);
		else
			rc = lb_fail(err, "network namespace \"%s\": %s", name, strerror(errno));
	}
	close(fd);
	return rc;
}
