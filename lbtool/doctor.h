/* SPDX-License-Identifier: GPL-2.0 */
/*
 * doctor.h - checks of what usually goes wrong, and how they say what they found.
 *
 * A check calls doctor_find() for each thing that it found wrong. When it called it for none, all was sound, and that is said in a
 * line. Checks look and change nothing.
 */
#ifndef LBTOOL_DOCTOR_H
#define LBTOOL_DOCTOR_H

#include "lbtool/devs.h"
#include "lbtool/tool.h"
#include "lib/model.h"

enum doctor_status { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAULT };

/* What was found on this host: checks that need something else are left out. */
enum {
	HAVE_BPFFS = 1,
	HAVE_NET = 2, /* d->devs */
	HAVE_PIN = 4, /* a balancer is loaded */
	HAVE_LB = 8, /* the maps: d->model, d->info, d->prog, and HAVE_NET */
};

struct doctor {
	struct tool *t;
	unsigned int have;
	struct devs devs;
	size_t ours; /* devices that have the program */
	struct lb_model model;
	struct lb_info info;
	uint32_t prog; /* id of the balancer's pinned program */
	char maps_why[LB_ERR_LEN]; /* why there is a balancer, but no HAVE_LB */
	/* How commands begin in the namespace and for the instance that were looked at. */
	char lbtool[96], lbmon[96], ip[64], run[64];
	/* Of the check that runs. */
	const char *check;
	unsigned int found[DOCTOR_FAULT + 1];
	char remedy[256], sound[256];
	enum doctor_status worst; /* of all */
};

struct doctor_check {
	const char *word; /* NULL: the end of a list */
	unsigned int needs; /* HAVE_ bits */
	void (*run)(struct doctor *d); /* or NULL */
	const char *sound; /* what is said when nothing was found */
	/* Instead of run(): called for each device that has the program; *conf is its entry in the maps. */
	void (*dev)(struct doctor *d, const struct lb_link *link, const struct lb_dev_conf *conf);
};
extern const struct doctor_check doctor_host[], doctor_prog[], doctor_dev[], doctor_conf[],
	doctor_way[];

/* Are the pool's reals asked through the tunnel, at a VIP? */
bool doctor_tunnelled(const struct lb_m_pool *p);

/* What to type against what the next doctor_find() says. */
void doctor_remedy(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The object may be NULL. Of many alike, in one check, some are said and the others counted. */
void doctor_find(struct doctor *d, enum doctor_status status, const char *object, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
/* Instead of the list's words, when nothing is found. */
void doctor_sound(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
