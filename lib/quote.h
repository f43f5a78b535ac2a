/* SPDX-License-Identifier: GPL-2.0 */
/* quote.h - a text as one word of a batch (lib/batch.h), or of a shell. */
#ifndef LIB_QUOTE_H
#define LIB_QUOTE_H

#include <stddef.h>

/*
 * Puts the text into quotes when it needs them: ' unless it holds one, else ". A text with both kinds cannot be quoted and
 * stands as it is. buf has room for strlen(text) + 3 bytes; what does not fit in `size` is cut. Returns buf.
 */
const char *lb_quote(const char *text, char *buf, size_t size);

#endif
