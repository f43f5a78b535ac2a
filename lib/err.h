/* SPDX-License-Identifier: GPL-2.0 */
/*
 * err.h - how a library function says what went wrong.
 *
 * Library code neither prints nor exits: it fills a struct lb_err and returns -1. main() prints
 * `lbtool: ` and the message, and exits with the status.
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#define LB_ERR_LEN 512

enum { LB_DONE = 0, LB_FAILED = 1, LB_USAGE = 2 }; /* exit statuses */

struct lb_err {
	int status; /* LB_FAILED or LB_USAGE once filled */
	char msg[LB_ERR_LEN]; /* lower case, no full stop, the offending word in double quotes; printable
			       * ASCII, since the functions below write other bytes as \xNN */
};

/* Both fill *err, cutting the message when it is too long, and return -1, so that
 * `return lb_fail(err, ...)` is the way out. lb_fail: the system refused. lb_usage: the words were wrong. */
int lb_fail(struct lb_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int lb_usage(struct lb_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A usage error about one word: `"WORD": ...`. An overlong word is shown by its beginning. */
int lb_bad_word(struct lb_err *err, const char *word, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of the message: who failed, e.g. "vip add" or "FILE:40". Returns -1. */
int lb_prefix(struct lb_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
