/* SPDX-License-Identifier: GPL-2.0 */
/* What is loaded: programs, maps, and of which version. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lbtool/doctor.h"
#include "lib/prog.h"

#define OTHERS 8

static void nothing_loaded(struct doctor *d)
{
	char names[OTHERS][32], text[OTHERS * 34] = "";
	int n = lb_prog_instances(names, OTHERS), at = 0;

	for (int i = 0; i < n && i < OTHERS; i++)
		at += snprintf(text + at, sizeof(text) - at, " %s", names[i]);
	doctor_remedy(d, "%s prog load", d->lbtool);
	doctor_find(d, DOCTOR_FAULT, d->t->instance,
		    "nothing is loaded, neither a balancer nor a receiver (on a real: \"lbtool "
		    "receiver add DEV\")%s%s",
		    n ? "; loaded instances:" : "", text);
}

static void loaded(struct doctor *d)
{
	bool lb = lb_prog_pinned(d->t->instance, "lb"), rx = lb_prog_pinned(d->t->instance, "rx");

	if (!lb && !rx)
		nothing_loaded(d);
	else
		doctor_sound(d, "%s",
			     lb && rx ? "a balancer and a receiver"
				      : (lb ? "a balancer" : "a receiver"));
}

static void maps(struct doctor *d)
{
	if (d->have & HAVE_LB)
		return;
	if (lb_maps_movable(d->t->instance))
		doctor_remedy(d, "%s prog reload", d->lbtool);
	else
		doctor_remedy(d, "%s prog unload && %s prog load", d->lbtool, d->lbtool);
	doctor_find(d, DOCTOR_FAULT, d->t->instance, "%s", d->maps_why);
}

void doctor_program(struct doctor *d, const char *name, const char *again)
{
	struct lb_prog_info info;
	int fd = lb_prog_open(d->t->instance, name, &d->t->err);

	if (fd < 0) {
		doctor_remedy(d, "%s", again);
		doctor_find(d, DOCTOR_FAULT, name, "%s", d->t->err.msg);
		return;
	}
	if (!lb_prog_info(fd, &info, &d->t->err) && !info.jited) {
		doctor_remedy(d, "sysctl -w net/core/bpf_jit_enable=1; %s", again);
		doctor_find(d, DOCTOR_FAULT, name,
			    "the program is not compiled: packets take many times as long");
	}
	close(fd);
}

static void program(struct doctor *d)
{
	char again[sizeof(d->lbtool) + 16];

	snprintf(again, sizeof(again), "%s prog reload", d->lbtool);
	doctor_program(d, "lb", again);
	doctor_program(d, "hc", again);
	if (lb_prog_pinned(d->t->instance, "lb_new")) {
		doctor_remedy(d, "%s prog reload", d->lbtool);
		doctor_find(d, DOCTOR_WARNING, "lb_new", "a reload was begun and not ended");
	}
	if (!strncmp(d->info.object, lb_object_sha256, strlen(d->info.object)))
		return;
	doctor_remedy(d, "%s prog reload", d->lbtool);
	doctor_find(d, DOCTOR_WARNING, "lb", "another lbtool loaded it: %s, this one has %.16s",
		    d->info.object, lb_object_sha256);
}

const struct doctor_check doctor_prog[] = {
	{"loaded", HAVE_BPFFS, loaded, "a balancer", NULL, NULL},
	{"maps", HAVE_PIN, maps, "of this lbtool's version, and whole", NULL, NULL},
	{"program", HAVE_LB, program, "compiled, and the one that this lbtool carries", NULL, NULL},
	{NULL, 0, NULL, NULL, NULL, NULL},
};
