/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parse.h - one word to one value, and values to words.
 *
 * Every parse_ function returns 0, or -1 with *err a usage error that quotes the word and names
 * what would be right: `"70000": must be 1-65535`. The output is written only on success.
 * What a format_ function writes, its parse_ function reads back to the same value.
 */
#ifndef LIB_PARSE_H
#define LIB_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* An IP address. IPv4 in the first four bytes, the other twelve zero, so that memcmp() compares. */
struct lb_addr {
	uint8_t family; /* 4 or 6; 0: none */
	uint8_t b[16]; /* network order */
};

struct lb_net {
	struct lb_addr addr; /* host bits are zero */
	uint8_t len; /* 0-32 or 0-128 */
};

/* ADDRESS:PORT/PROTO, the name of a service. */
struct lb_service {
	struct lb_addr addr;
	uint16_t port; /* host order; 0: any */
	uint8_t proto; /* IPPROTO_TCP or IPPROTO_UDP */
};

#define LB_ADDR_STRLEN 46
#define LB_SERVICE_STRLEN 64
#define LB_TIME_STRLEN 16
#define LB_NAME_MAX 31 /* characters of a pool's or an instance's name */

/* Decimal, no sign, no leading blanks, min <= value <= max. */
int parse_u32(const char *word, uint32_t min, uint32_t max, uint32_t *val, struct lb_err *err);
/* 1-16 hexadecimal digits, with or without 0x. */
int parse_hex64(const char *word, uint64_t *val, struct lb_err *err);
/* 500ms, 2s, 1m; a number needs its unit. min_ms <= *ms <= max_ms. */
int parse_time(const char *word, uint32_t min_ms, uint32_t max_ms, uint32_t *ms,
	       struct lb_err *err);
/* The same in whole seconds. */
int parse_seconds(const char *word, uint32_t min, uint32_t max, uint32_t *seconds,
		  struct lb_err *err);
/* Letters, digits, '-' and '_', first a letter or digit, at most LB_NAME_MAX: fits a bpffs path. */
int parse_name(const char *word, struct lb_err *err);
/* One of the words of a list that ends with NULL; *val is its index. The error lists all words. */
int parse_choice(const char *word, const char *const *words, int *val, struct lb_err *err);
/* Unicast IPv4 in dotted decimal or IPv6 (RFC 4291), no prefix, no zone. Refuses the unspecified
 * address, multicast, broadcast, and IPv4-mapped IPv6. Brackets around IPv6 are taken. */
int parse_addr(const char *word, struct lb_addr *addr, struct lb_err *err);
/* ADDRESS[/LEN] with zero host bits; "any" is refused here (the caller knows what it means). */
int parse_net(const char *word, struct lb_net *net, struct lb_err *err);
/* 192.0.2.1:80/tcp, [2001:db8::1]:any/udp. IPv6 needs its brackets. */
int parse_service(const char *word, struct lb_service *svc, struct lb_err *err);
/* One end of a flow: 198.51.100.7:40000, [2001:db8::7]:40000. Host order. */
int parse_end(const char *word, struct lb_addr *addr, uint16_t *port, struct lb_err *err);

/* In the largest unit that leaves a whole number. */
void format_time(uint32_t ms, char buf[LB_TIME_STRLEN]);
void format_addr(const struct lb_addr *addr, char buf[LB_ADDR_STRLEN]);
void format_net(const struct lb_net *net, char buf[LB_ADDR_STRLEN + 4]);
void format_service(const struct lb_service *svc, char buf[LB_SERVICE_STRLEN]);
void format_end(const struct lb_addr *addr, uint16_t port, char buf[LB_SERVICE_STRLEN]);

/* Orders, for qsort() and bsearch(): family, then bytes; then port, then protocol. */
int lb_addr_cmp(const struct lb_addr *a, const struct lb_addr *b);
int lb_service_cmp(const struct lb_service *a, const struct lb_service *b);
/* The prefix of that length that the address is in. */
struct lb_net lb_net_of(const struct lb_addr *addr, uint8_t len);
bool lb_net_has(const struct lb_net *net, const struct lb_addr *addr);
bool lb_net_same(const struct lb_net *a, const struct lb_net *b);

#endif
