// SPDX-License-Identifier: GPL-2.0
/* parse_addr.c - addresses, prefixes and services. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/parse.h"

#define V4_BYTES 4
#define V6_BYTES 16
#define V4_BITS 32
#define V6_BITS 128
#define MAPPED_LEN 96 /* of ::ffff:0:0/96 */

/* Copies len bytes as a string; false when they do not fit, and then they are no address. */
static bool cut(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

/*
 * The len bytes of text, in brackets or not, as an address. inet_pton() is as strict as we want it:
 * four decimal octets without leading zeros, no zone, nothing behind.
 */
static bool text_to_addr(const char *text, size_t len, struct lb_addr *addr)
{
	bool brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	char buf[INET6_ADDRSTRLEN];
	struct lb_addr a = {0};

	if (!cut(buf, sizeof(buf), brackets ? text + 1 : text, brackets ? len - 2 : len))
		return false;
	if (inet_pton(AF_INET6, buf, a.b) == 1)
		a.family = 6;
	else if (!brackets && inet_pton(AF_INET, buf, a.b) == 1)
		a.family = 4;
	else
		return false;
	*addr = a;
	return true;
}

static bool is_mapped(const struct lb_addr *addr)
{
	static const uint8_t head[12] = {[10] = 0xff, [11] = 0xff};

	return addr->family == 6 && memcmp(addr->b, head, sizeof(head)) == 0;
}

/* Why nobody can be reached at an address, or NULL. Mapped addresses have their own sentence. */
static const char *not_unicast(const struct lb_addr *addr)
{
	static const struct lb_addr broadcast = {4, {0xff, 0xff, 0xff, 0xff}};
	static const uint8_t zero[V6_BYTES];

	if (memcmp(addr->b, zero, sizeof(zero)) == 0)
		return "the unspecified address";
	if (addr->family == 4 ? (addr->b[0] & 0xf0) == 0xe0 : addr->b[0] == 0xff)
		return "a multicast address";
	if (lb_addr_cmp(addr, &broadcast) == 0)
		return "the broadcast address";
	return NULL;
}

/* Refuses what is no unicast address; word is what the message quotes. */
static int need_unicast(const char *word, const struct lb_addr *addr, struct lb_err *err)
{
	const char *why = not_unicast(addr);

	if (why)
		return lb_bad_word(err, word, "%s: must be a unicast address", why);
	if (is_mapped(addr))
		return lb_bad_word(err, word, "an IPv4-mapped address: must be %u.%u.%u.%u",
				   addr->b[12], addr->b[13], addr->b[14], addr->b[15]);
	return 0;
}

int parse_addr(const char *word, struct lb_addr *addr, struct lb_err *err)
{
	size_t len = strlen(word), plain = strcspn(word, "/%");
	struct lb_addr a;

	if (!text_to_addr(word, len, &a)) {
		if (word[plain] && text_to_addr(word, plain, &a))
			return lb_bad_word(err, word, "must be an address without a %s",
					   word[plain] == '/' ? "prefix length" : "zone");
		return lb_bad_word(err, word, "not an IPv4 or IPv6 address");
	}
	if (need_unicast(word, &a, err) < 0)
		return -1;
	*addr = a;
	return 0;
}

/* Zeroes the host bits of net->addr. */
static void clear_host_bits(struct lb_net *net)
{
	for (unsigned int i = 0; i < V6_BYTES; i++) {
		unsigned int kept = net->len > i * 8 ? net->len - i * 8 : 0;

		if (kept < 8)
			net->addr.b[i] &= (uint8_t)(0xff00 >> kept);
	}
}

/* A prefix of which no address is a sender's. 0.0.0.0/0 and ::/0 are everybody. */
static int need_senders(const char *word, const struct lb_net *net, struct lb_err *err)
{
	static const struct lb_addr zero4 = {.family = 4}, zero6 = {.family = 6};
	unsigned int bits = net->addr.family == 4 ? V4_BITS : V6_BITS;
	const struct lb_addr *zero = net->addr.family == 4 ? &zero4 : &zero6;

	if (lb_addr_cmp(&net->addr, zero) == 0) {
		if (net->len == bits)
			return lb_bad_word(err, word, "the unspecified address: everybody is %s",
					   net->addr.family == 4 ? "0.0.0.0/0" : "::/0");
		return 0;
	}
	if (is_mapped(&net->addr))
		return lb_bad_word(err, word, "an IPv4-mapped prefix: must be %u.%u.%u.%u/%u",
				   net->addr.b[12], net->addr.b[13], net->addr.b[14],
				   net->addr.b[15], net->len - MAPPED_LEN);
	return need_unicast(word, &net->addr, err);
}

int parse_net(const char *word, struct lb_net *net, struct lb_err *err)
{
	size_t len = strcspn(word, "/");
	struct lb_net n, given;
	struct lb_err ignored;
	uint32_t bits;

	if (!text_to_addr(word, len, &n.addr))
		return lb_bad_word(err, word,
				   "not an IPv4 or IPv6 address or prefix: ADDRESS[/LENGTH]");
	bits = n.addr.family == 4 ? V4_BITS : V6_BITS;
	if (word[len] && parse_u32(word + len + 1, 0, bits, &bits, &ignored) < 0)
		return lb_bad_word(err, word, "the length of the prefix must be 0-%u", bits);
	n.len = (uint8_t)bits;
	given = n;
	clear_host_bits(&n);
	if (lb_addr_cmp(&n.addr, &given.addr) != 0) {
		char buf[LB_ADDR_STRLEN + 4];

		format_net(&n, buf);
		return lb_bad_word(err, word, "host bits are set: must be %s", buf);
	}
	if (need_senders(word, &n, err) < 0)
		return -1;
	*net = n;
	return 0;
}

/* ADDRESS:PORT and what may follow: a service has a protocol, the end of a flow has none. */
struct ported {
	const char *form; /* for messages */
	const char *ports; /* likewise: which there are */
	size_t addr_len; /* brackets included */
	char port[sizeof("65535")];
	const char *tail; /* "/PROTO" or "" */
};

#define SERVICE_FORM "ADDRESS:PORT/PROTO"
#define SERVICE_PORTS "1-65535 or any"

static int split(const char *word, const char *end, struct ported *w, struct lb_err *err)
{
	const char *colon = memrchr(word, ':', (size_t)(end - word));
	size_t port_len;

	if (!colon || (word[0] == '[' && memchr(colon, ']', (size_t)(end - colon))))
		return lb_bad_word(err, word, "the port is missing: %s", w->form);
	port_len = (size_t)(end - colon) - 1;
	if (!cut(w->port, sizeof(w->port), colon + 1, port_len))
		return lb_bad_word(err, word, "the port must be %s", w->ports);
	w->addr_len = (size_t)(colon - word);
	w->tail = end;
	return 0;
}

/* 2001:db8::1:80/tcp may be meant as [2001:db8::1]:80/tcp: say so where it is that. */
static int need_brackets(const char *word, const struct ported *w, struct lb_err *err)
{
	struct lb_addr addr;

	if (w->port[0] && text_to_addr(word, w->addr_len, &addr))
		return lb_bad_word(err, word, "an IPv6 address needs brackets: [%.*s]:%s%s",
				   (int)w->addr_len, word, w->port, w->tail);
	return lb_bad_word(err, word, "an IPv6 address needs brackets: [ADDRESS]%s",
			   strchr(w->form, ':'));
}

static int ported_addr(const char *word, const struct ported *w, struct lb_addr *addr,
		       struct lb_err *err)
{
	bool brackets = word[0] == '[';

	if (!w->addr_len)
		return lb_bad_word(err, word, "the address is missing: %s", w->form);
	if (!brackets && memchr(word, ':', w->addr_len))
		return need_brackets(word, w, err);
	if (!text_to_addr(word, w->addr_len, addr)) {
		if (brackets && word[w->addr_len - 1] == ']' && w->addr_len > 2 &&
		    text_to_addr(word + 1, w->addr_len - 2, addr))
			return lb_bad_word(err, word,
					   "an IPv4 address takes no brackets: %.*s:%s%s",
					   (int)w->addr_len - 2, word + 1, w->port, w->tail);
		return lb_bad_word(err, word, "\"%.*s\" is not an IPv4 or IPv6 address",
				   w->addr_len > LB_ADDR_STRLEN ? LB_ADDR_STRLEN : (int)w->addr_len,
				   word);
	}
	return need_unicast(word, addr, err);
}

static int ported_port(const char *word, const struct ported *w, uint16_t *port, struct lb_err *err)
{
	struct lb_err ignored;
	uint32_t n;

	if (parse_u32(w->port, 1, UINT16_MAX, &n, &ignored) < 0)
		return lb_bad_word(err, word, "the port must be %s", w->ports);
	*port = (uint16_t)n;
	return 0;
}

int parse_service(const char *word, struct lb_service *svc, struct lb_err *err)
{
	struct ported w = {.form = SERVICE_FORM, .ports = SERVICE_PORTS, .tail = ""};
	const char *slash = strchr(word, '/');
	struct lb_service s = {0};

	if (!slash)
		return lb_bad_word(err, word, "the protocol is missing: " SERVICE_FORM);
	if (split(word, slash, &w, err) < 0 || ported_addr(word, &w, &s.addr, err) < 0)
		return -1;
	if (strcmp(w.port, "any") != 0 && ported_port(word, &w, &s.port, err) < 0)
		return -1;
	if (strcmp(w.tail, "/tcp") == 0)
		s.proto = IPPROTO_TCP;
	else if (strcmp(w.tail, "/udp") == 0)
		s.proto = IPPROTO_UDP;
	else
		return lb_bad_word(err, word, "the protocol must be tcp or udp");
	*svc = s;
	return 0;
}

int parse_end(const char *word, struct lb_addr *addr, uint16_t *port, struct lb_err *err)
{
	struct ported w = {.form = "ADDRESS:PORT", .ports = "1-65535", .tail = ""};
	struct lb_addr a;
	uint16_t p = 0;

	if (split(word, word + strlen(word), &w, err) < 0 || ported_addr(word, &w, &a, err) < 0 ||
	    ported_port(word, &w, &p, err) < 0)
		return -1;
	*addr = a;
	*port = p;
	return 0;
}

void format_addr(const struct lb_addr *addr, char buf[LB_ADDR_STRLEN])
{
	int family = addr->family == 4 ? AF_INET : AF_INET6;

	_Static_assert(LB_ADDR_STRLEN >= INET6_ADDRSTRLEN, "every address fits");
	if (!addr->family || !inet_ntop(family, addr->b, buf, LB_ADDR_STRLEN))
		memcpy(buf, "none", sizeof("none"));
}

void format_net(const struct lb_net *net, char buf[LB_ADDR_STRLEN + 4])
{
	format_addr(&net->addr, buf);
	sprintf(buf + strlen(buf), "/%u", net->len);
}

void format_service(const struct lb_service *svc, char buf[LB_SERVICE_STRLEN])
{
	char addr[LB_ADDR_STRLEN], port[sizeof("65535")] = "any";
	bool v6 = svc->addr.family == 6;

	_Static_assert(sizeof("[]:65535/udp") + LB_ADDR_STRLEN <= LB_SERVICE_STRLEN, "fits");
	format_addr(&svc->addr, addr);
	if (svc->port)
		snprintf(port, sizeof(port), "%u", svc->port);
	snprintf(buf, LB_SERVICE_STRLEN, "%s%s%s:%s/%s", v6 ? "[" : "", addr, v6 ? "]" : "", port,
		 svc->proto == IPPROTO_UDP ? "udp" : "tcp");
}

void format_end(const struct lb_addr *addr, uint16_t port, char buf[LB_SERVICE_STRLEN])
{
	char text[LB_ADDR_STRLEN];

	format_addr(addr, text);
	snprintf(buf, LB_SERVICE_STRLEN, addr->family == 6 ? "[%s]:%u" : "%s:%u", text, port);
}

int lb_addr_cmp(const struct lb_addr *a, const struct lb_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

int lb_service_cmp(const struct lb_service *a, const struct lb_service *b)
{
	int d = lb_addr_cmp(&a->addr, &b->addr);

	if (d)
		return d;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return (a->proto > b->proto) - (a->proto < b->proto);
}

struct lb_net lb_net_of(const struct lb_addr *addr, uint8_t len)
{
	struct lb_net of = {*addr, len};

	clear_host_bits(&of);
	return of;
}

bool lb_net_has(const struct lb_net *net, const struct lb_addr *addr)
{
	struct lb_net of = lb_net_of(addr, net->len);

	return lb_addr_cmp(&net->addr, &of.addr) == 0;
}

bool lb_net_same(const struct lb_net *a, const struct lb_net *b)
{
	return a->len == b->len && !lb_addr_cmp(&a->addr, &b->addr);
}
