// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "lib/quote.h"

/* Characters that mean nothing else to a batch or to a shell, wherever they stand. */
static const char plain[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@%+=";

const char *lb_quote(const char *text, char *buf, size_t size)
{
	const char *quote = strchr(text, '\'') ? "\"" : "'";

	if ((*text && !text[strspn(text, plain)]) || strchr(text, *quote))
		quote = "";
	snprintf(buf, size, "%s%s%s", quote, text, quote);
	return buf;
}
