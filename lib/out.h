/* SPDX-License-Identifier: GPL-2.0 */
/*
 * out.h - one print call for text and for JSON, in iproute2's way.
 *
 * Text is one line an object: words that can be typed back, then, with -stats or -details, further
 * lines that begin with a tab (a backslash takes the line break's place under -oneline).
 * JSON is one document: an array of objects, keys as the keywords, numbers as numbers.
 * All is kept in memory until lb_out_flush(), so that stdout is whole or empty.
 */
#ifndef LIB_OUT_H
#define LIB_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/err.h"
#include "lib/parse.h"

struct lb_out;

enum lb_color { LB_PLAIN, LB_NAME, LB_ADDRESS, LB_GOOD, LB_WARN, LB_BAD };

struct lb_out_options {
	bool json, pretty, oneline, color;
	bool lines; /* JSON: each object a document of its own, on a line, for output without an end */
};

/* NULL when memory is short. Ended by lb_out_free(). */
struct lb_out *lb_out_new(const struct lb_out_options *opt);
void lb_out_free(struct lb_out *o);

/* One object of the top array; calls must pair. The text line ends with lb_out_end(). */
void lb_out_begin(struct lb_out *o);
void lb_out_end(struct lb_out *o);

/* The object's own name: text prints the value alone, JSON "key": "value". */
void lb_out_name(struct lb_out *o, const char *key, const char *value, enum lb_color color);
/* Text "key value", JSON "key": value. lb_out_note: text only in the given words, e.g. "(foreign)".
 * Control characters are written as \xNN; in JSON also bytes that are no UTF-8. */
void lb_out_str(struct lb_out *o, const char *key, const char *value, enum lb_color color);
void lb_out_note(struct lb_out *o, const char *note, enum lb_color color);
/* JSON: exact up to 2^63 - 1, above that the nearest double (jansson's integers are signed). */
void lb_out_u64(struct lb_out *o, const char *key, uint64_t value);
/* Rounded to so many decimals in both forms; what is no number (nan, inf) is left out. */
void lb_out_real(struct lb_out *o, const char *key, double value, int decimals);
void lb_out_bool(struct lb_out *o, const char *key, bool value); /* text "key on", JSON true */
/* A value of a list: text "key value" each time, JSON "key": [ ... ] with all of them. */
void lb_out_item(struct lb_out *o, const char *key, const char *value, enum lb_color color);
/* What follows, up to the end of the object, stands on a line of its own in text. JSON: nothing. */
void lb_out_more(struct lb_out *o);

/*
 * Writes everything to the stream and checks that it arrived: 0, or -1 with *err (a full disk, a closed
 * pipe, no memory, calls that did not pair). What was written is forgotten: a later flush writes what came after.
 */
int lb_out_flush(struct lb_out *o, FILE *to, struct lb_err *err);

#endif
