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
#include "lib/mon.h"
#include "lib/rxmaps.h"

enum doctor_status { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAULT };

/* What was found on this host: checks that need something else are left out. */
enum {
	HAVE_BPFFS = 1,
	HAVE_PIN = 2, /* a balancer is loaded */
	HAVE_LB = 4, /* its maps: d->model, d->info, d->prog */
	HAVE_RX_PIN = 8, /* a receiver is loaded */
	HAVE_RX = 16, /* its maps: d->rx, d->recv, d->came, d->vip */
};

/* An address that a receiver's packets are for. */
struct doctor_vip {
	struct lb_addr addr;
	bool named; /* by packets that came, or by a DSCP; not only by standing on lo */
};

struct doctor {
	struct tool *t;
	unsigned int have;
	struct devs devs;
	size_t ours; /* devices that have the program */
	struct lb_model model;
	struct lb_info info;
	struct lb_mon mon;
	bool is_peer; /* one of the nodes' addresses is this host's */
	bool monitored, watched; /* there is a d->mon, and it is a recent one */
	uint32_t prog; /* id of the balancer's pinned program */
	char maps_why[LB_ERR_LEN]; /* why there is a balancer, but no HAVE_LB */
	struct lb_rx *rx;
	struct lb_receiver *recv; /* `recvs` of them */
	struct lb_rx_came *came;
	struct doctor_vip *vip; /* sorted */
	size_t recvs, cames, vips;
	char rx_why[LB_ERR_LEN];
	/* How commands begin in the namespace and for the instance that were looked at. */
	char lbtool[96], lbmon[96], ip[64], run[64];
	/* Of the check that runs. */
	const char *check;
	unsigned int found[DOCTOR_FAULT + 1];
	char remedy[512], sound[256];
	enum doctor_status worst; /* of all */
};

struct doctor_check {
	const char *word; /* NULL: the end of a list */
	unsigned int needs; /* HAVE_ bits */
	void (*run)(struct doctor *d); /* or NULL */
	const char *sound; /* what is said when nothing was found */
	/* Instead of run(): called for each device that has the program; *conf is its entry in the maps. */
	void (*dev)(struct doctor *d, const struct lb_link *link, const struct lb_dev_conf *conf);
	/* Or for each device that receives. */
	void (*recv)(struct doctor *d, const struct lb_link *link, const struct lb_receiver *r);
};
extern const struct doctor_check doctor_host[], doctor_prog[], doctor_dev[], doctor_conf[],
	doctor_way[], doctor_mon[], doctor_rx[], doctor_rx_vip[];

/* Sets HAVE_RX and what goes with it, or rx_why; d->devs is read. doctor_rx_close(): frees it. */
void doctor_rx_open(struct doctor *d);
void doctor_rx_close(struct doctor *d);

/* NULL: no packets are known to be for it, and it does not stand on lo. */
const struct doctor_vip *doctor_vip(const struct doctor *d, const struct lb_addr *addr);

/* Up, with a carrier? */
void doctor_link(struct doctor *d, const struct lb_link *link);
/* Is the program pinned, and compiled? again: the command that loads it anew. */
void doctor_program(struct doctor *d, const char *name, const char *again);

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
