/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nl_internal.h - what lib/nl*.c share among themselves, and with their test. Nobody else includes it.
 */
#ifndef LIB_NL_INTERNAL_H
#define LIB_NL_INTERNAL_H

#include <linux/netlink.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/nl.h"

struct mnl_socket;

struct lb_nl {
	struct mnl_socket *sock;
	uint32_t seq;
	char text[256]; /* the kernel's explanation of the last refusal, "" if it gave none */
	_Alignas(struct nlmsghdr) char req[1024]; /* the request: one at a time */
	_Alignas(struct nlmsghdr) char buf
		[65536]; /* answers; messages of a dump have at most 32 KiB */
};

/*
 * Takes one message of the answer; returns 0 or a positive errno. Called with nlh NULL before the
 * first message, and once more each time a dump starts over: forget what came so far.
 */
typedef int nl_each(const struct nlmsghdr *nlh, void *arg);

/* The next request, its payload a zeroed header of the family of `len` bytes. */
struct nlmsghdr *nl_request(struct lb_nl *nl, uint16_t type, uint16_t flags, size_t len);
/* Sends it and takes the whole answer; each may be NULL. 0 or a positive errno. */
int nl_ask(struct lb_nl *nl, struct nlmsghdr *nlh, nl_each *each, void *arg);

/* Attributes by type: of a message behind its header of `offset` bytes, and of a nest. tb has max + 1 entries. */
void nl_attrs(const struct nlmsghdr *nlh, size_t offset, const struct nlattr **tb, uint16_t max);
void nl_nest(const struct nlattr *nest, const struct nlattr **tb, uint16_t max);

/* A list that a dump fills. The next item, zeroed, or NULL when memory is short. */
struct nl_list {
	void *item;
	size_t n, room, size; /* size: of an item */
};
void *nl_list_next(struct nl_list *list);

/* Fails with `what: why`, why being the kernel's explanation, or else what the errno means. */
int nl_fail(const struct lb_nl *nl, int error, struct lb_err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

int nl_link_parse(const struct nlmsghdr *nlh, struct lb_link *link);
/* For messages: 0 or a positive errno, nl->text stays as it was. */
int nl_link_by_index(struct lb_nl *nl, uint32_t ifindex, struct lb_link *link);
/* For messages: the device's name, or "#7" when there is none of that index. nl->text stays. */
const char *nl_name(struct lb_nl *nl, uint32_t ifindex, char name[IFNAMSIZ]);

#endif
