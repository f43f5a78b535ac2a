/* SPDX-License-Identifier: GPL-2.0 */
/* The doctor: opens what there is to look at, has the checks run, prints what they find. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lbtool/cmd.h"
#include "lbtool/doctor.h"
#include "lib/host.h"
#include "lib/prog.h"

#define SAID_MAX 16 /* findings of a status that a check says one by one */

/* Exit statuses beside those of all commands. */
enum { STATUS_WARNING = 3, STATUS_FAULT = 4 };

static const char *const status_names[] = {"ok", "warning", "fault"};

static void print(struct doctor *d, enum doctor_status status, const char *object, const char *text)
{
	static const enum lb_color colors[] = {LB_GOOD, LB_WARN, LB_BAD};
	struct lb_out *out = d->t->out;
	char head[LB_SERVICE_STRLEN + 64];

	lb_out_begin(out);
	lb_out_name(out, "status", status_names[status], colors[status]);
	if (d->t->look.json) {
		lb_out_name(out, "check", d->check, LB_PLAIN);
		if (object)
			lb_out_name(out, "object", object, LB_PLAIN);
		lb_out_name(out, "text", text, LB_PLAIN);
	} else {
		snprintf(head, sizeof(head), "%s%s%s:", d->check, object ? " " : "",
			 object ? object : "");
		lb_out_note(out, head, LB_NAME);
		lb_out_note(out, text, LB_PLAIN);
	}
	if (d->remedy[0]) {
		lb_out_more(out);
		lb_out_name(out, "remedy", d->remedy, LB_PLAIN);
	}
	lb_out_end(out);
	d->remedy[0] = '\0';
}

void doctor_remedy(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->remedy, sizeof(d->remedy), fmt, ap);
	va_end(ap);
}

void doctor_sound(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->sound, sizeof(d->sound), fmt, ap);
	va_end(ap);
}

void doctor_find(struct doctor *d, enum doctor_status status, const char *object, const char *fmt,
		 ...)
{
	char text[LB_ERR_LEN];
	va_list ap;

	if (status > d->worst)
		d->worst = status;
	if (d->found[status]++ >= SAID_MAX && !d->t->details) {
		d->remedy[0] = '\0';
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print(d, status, object, text);
}

static void say_more(struct doctor *d, enum doctor_status status)
{
	char text[64];

	if (d->found[status] <= SAID_MAX || d->t->details)
		return;
	snprintf(text, sizeof(text), "%u more likewise: -d shows them",
		 d->found[status] - SAID_MAX);
	print(d, status, NULL, text);
}

static void each_dev(struct doctor *d, const struct doctor_check *check)
{
	struct lb_dev_conf conf;

	for (size_t i = 0; i < d->devs.n; i++) {
		if (!d->devs.ours[i])
			continue;
		if (!lb_maps_dev_get(d->t->maps, d->devs.link[i].ifindex, &conf))
			memset(&conf, 0, sizeof(conf));
		check->dev(d, &d->devs.link[i], &conf);
	}
}

static void each_recv(struct doctor *d, const struct doctor_check *check)
{
	for (size_t i = 0; i < d->recvs; i++) {
		const struct lb_link *link = devs_link(&d->devs, d->recv[i].ifindex);

		if (link)
			check->recv(d, link, &d->recv[i]);
	}
}

static void run_list(struct doctor *d, const struct doctor_check *list)
{
	for (; list->word; list++) {
		if ((list->needs & d->have) != list->needs || (list->dev && !d->ours))
			continue;
		d->check = list->word;
		memset(d->found, 0, sizeof(d->found));
		d->sound[0] = '\0';
		if (list->dev)
			each_dev(d, list);
		else if (list->recv)
			each_recv(d, list);
		else
			list->run(d);
		say_more(d, DOCTOR_WARNING);
		say_more(d, DOCTOR_FAULT);
		if (!d->found[DOCTOR_OK] && !d->found[DOCTOR_WARNING] && !d->found[DOCTOR_FAULT])
			print(d, DOCTOR_OK, NULL, d->sound[0] ? d->sound : list->sound);
	}
}

static void name_commands(struct doctor *d)
{
	const struct tool *t = d->t;
	bool named = strcmp(t->instance, "main") != 0;
	char netns[48] = "", where[88];

	if (t->netns)
		snprintf(netns, sizeof(netns), " -n %.40s", t->netns);
	snprintf(where, sizeof(where), "%s%s%s", netns, named ? " -i " : "",
		 named ? t->instance : "");
	snprintf(d->lbtool, sizeof(d->lbtool), "lbtool%s", where);
	snprintf(d->lbmon, sizeof(d->lbmon), "lbmon%s", where);
	snprintf(d->ip, sizeof(d->ip), "ip%s", netns);
	if (t->netns)
		snprintf(d->run, sizeof(d->run), "ip netns exec %.40s ", t->netns);
}

/* What cannot be opened, a check says. */
static int open_all(struct doctor *d)
{
	struct tool *t = d->t;
	struct lb_prog_info info;
	int fd;

	if (lb_host_bpffs())
		d->have |= HAVE_BPFFS;
	if (tool_nl(t) || devs_read(t, &d->devs))
		return -1;
	for (size_t i = 0; i < d->devs.n; i++)
		d->ours += d->devs.ours[i];
	doctor_rx_open(d);
	if (!lb_prog_pinned(t->instance, "lb"))
		return 0;
	d->have |= HAVE_PIN;
	fd = lb_prog_open(t->instance, "lb", &t->err);
	if (fd >= 0 && !lb_prog_info(fd, &info, &t->err) && !tool_maps(t) &&
	    !lb_maps_read(t->maps, &d->model, &t->err)) {
		lb_maps_info(t->maps, &d->info);
		d->prog = info.id;
		d->have |= HAVE_LB;
	} else {
		snprintf(d->maps_why, sizeof(d->maps_why), "%s", t->err.msg);
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

static int status_of(enum doctor_status worst)
{
	if (worst == DOCTOR_FAULT)
		return STATUS_FAULT;
	return worst == DOCTOR_WARNING ? STATUS_WARNING : LB_DONE;
}

static int doctor(struct tool *t, struct lb_args *a)
{
	struct doctor *d;
	int ret = -1;

	if (lb_args_end(a, &t->err) || tool_no_dry_run(t) || tool_out(t))
		return -1;
	d = calloc(1, sizeof(*d));
	if (!d)
		return lb_fail(&t->err, "out of memory");
	d->t = t;
	lb_model_init(&d->model);
	name_commands(d);
	/* In the namespace that we were started in: some of what the machine says is told there alone. */
	run_list(d, doctor_host);
	if (!open_all(d)) {
		run_list(d, doctor_prog);
		run_list(d, doctor_dev);
		run_list(d, doctor_mon);
		run_list(d, doctor_conf);
		run_list(d, doctor_way);
		run_list(d, doctor_rx);
		run_list(d, doctor_rx_vip);
		t->status = status_of(d->worst);
		ret = 0;
	}
	doctor_rx_close(d);
	devs_free(&d->devs);
	lb_model_free(&d->model);
	lb_mon_free(&d->mon);
	free(d);
	return ret;
}

static const struct cmd doctor_cmds[] = {
	{"", doctor, ""},
	{NULL, NULL, NULL},
};

const struct object doctor_object = {
	"doctor",
	"what usually goes wrong, and what to do about it",
	doctor_cmds,
	"a line each: ok, warning or fault, and what was found; below it, what to type\n"
	"exit status: 0 all is sound, 3 warnings, 4 faults; 1, 2: it could not look\n",
};
