// SPDX-License-Identifier: GPL-2.0
#include "tests/bench/ear.h"

#include "lib/listen.h"

#define RATE 1000 /* what lbtool asks for by default */

static struct lb_listen *ear;

int ear_open(struct world *w, uint32_t sample, struct lb_err *err)
{
	const struct lb_wish wish = {.whys = ~0ull, .sample = sample, .rate = RATE};

	return sample ? lb_listen_open(w->maps, w->instance, &wish, &ear, err) : 0;
}

static int forget(void *arg, const struct lb_seen *seen)
{
	(void)arg;
	(void)seen;
	return 0;
}

int ear_empty(struct lb_err *err)
{
	if (!ear)
		return 0;
	lb_listen_read(ear, forget, NULL);
	return lb_listen_keep(ear, err);
}

void ear_close(void)
{
	lb_listen_close(ear);
	ear = NULL;
}
