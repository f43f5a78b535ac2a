/* SPDX-License-Identifier: GPL-2.0 */
/* nl_tc.c - the clsact qdisc and one direct-action BPF filter at a side of it. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "lib/nl_internal.h"

#define OUR_HANDLE 1

/* One filter: where it is, and what a look at that place found. */
struct filter {
	uint32_t ifindex, parent;
	uint16_t pref;
	const char *name;
	bool ours; /* the bpf filter called name is there */
	uint32_t prog_id; /* its program */
	bool foreign; /* something else has that preference: */
	char kind[32], label[64];
};

static struct nlmsghdr *tc_request(struct lb_nl *nl, uint16_t type, uint16_t flags,
				   uint32_t ifindex, uint32_t parent)
{
	struct nlmsghdr *nlh = nl_request(nl, type, flags, sizeof(struct tcmsg));
	struct tcmsg *tc = mnl_nlmsg_get_payload(nlh);

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)ifindex;
	tc->tcm_parent = parent;
	return nlh;
}

static uint32_t clsact_parent(bool egress)
{
	return TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

static struct nlmsghdr *clsact_request(struct lb_nl *nl, uint16_t type, uint16_t flags,
				       uint32_t ifindex)
{
	struct nlmsghdr *nlh = tc_request(nl, type, flags, ifindex, TC_H_CLSACT);
	struct tcmsg *tc = mnl_nlmsg_get_payload(nlh);

	tc->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(nlh, TCA_KIND, "clsact");
	return nlh;
}

struct qdisc_look {
	int ifindex;
	bool ingress;
};

/* The older ingress qdisc sits in clsact's place. */
static int find_ingress(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[TCA_KIND + 1];
	struct qdisc_look *look = arg;
	const struct tcmsg *tc;

	if (!nlh)
		return 0;
	tc = mnl_nlmsg_get_payload(nlh);
	nl_attrs(nlh, sizeof(*tc), tb, TCA_KIND);
	if (tc->tcm_ifindex == look->ifindex && tb[TCA_KIND] &&
	    !strcmp(mnl_attr_get_str(tb[TCA_KIND]), "ingress"))
		look->ingress = true;
	return 0;
}

int lb_nl_clsact_add(struct lb_nl *nl, uint32_t ifindex, bool *made, struct lb_err *err)
{
	struct qdisc_look look = {.ifindex = (int)ifindex};
	char name[IFNAMSIZ];
	struct nlmsghdr *nlh;
	int error;

	*made = false;
	nlh = clsact_request(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);
	error = nl_ask(nl, nlh, NULL, NULL);
	if (!error) {
		*made = true;
		return 0;
	}
	if (error != EEXIST)
		return nl_fail(nl, error, err, "device \"%s\": clsact", nl_name(nl, ifindex, name));
	error = nl_ask(nl, tc_request(nl, RTM_GETQDISC, NLM_F_DUMP, 0, 0), find_ingress, &look);
	if (error)
		return nl_fail(nl, error, err, "device \"%s\": list of qdiscs",
			       nl_name(nl, ifindex, name));
	if (!look.ingress)
		return 0;
	nl_name(nl, ifindex, name);
	return lb_fail(err,
		       "device \"%s\": has an ingress qdisc in the place of clsact: "
		       "\"tc qdisc del dev %s ingress\" removes it, with its filters",
		       name, name);
}

int lb_nl_clsact_del(struct lb_nl *nl, uint32_t ifindex, struct lb_err *err)
{
	int error = nl_ask(nl, clsact_request(nl, RTM_DELQDISC, 0, ifindex), NULL, NULL);
	char name[IFNAMSIZ];

	/* EINVAL: no qdisc there, or one that is not clsact. */
	if (!error || error == ENOENT || error == EINVAL)
		return 0;
	return nl_fail(nl, error, err, "device \"%s\": clsact", nl_name(nl, ifindex, name));
}

static void look_at_bpf(const struct nlattr *options, struct filter *f, bool ours)
{
	const struct nlattr *bpf[TCA_BPF_ID + 1] = {0};
	const char *label = "";

	if (options)
		nl_nest(options, bpf, TCA_BPF_ID);
	if (bpf[TCA_BPF_NAME])
		label = mnl_attr_get_str(bpf[TCA_BPF_NAME]);
	if (!ours || strcmp(label, f->name) != 0) {
		f->foreign = true;
		snprintf(f->label, sizeof(f->label), " \"%.60s\"", label);
		return;
	}
	f->ours = true;
	f->prog_id = bpf[TCA_BPF_ID] ? mnl_attr_get_u32(bpf[TCA_BPF_ID]) : 0;
}

static int look_at(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[TCA_CHAIN + 1];
	const struct tcmsg *tc;
	struct filter *f = arg;
	const char *kind;

	if (!nlh) {
		f->ours = f->foreign = false;
		f->kind[0] = f->label[0] = '\0';
		return 0;
	}
	tc = mnl_nlmsg_get_payload(nlh);
	nl_attrs(nlh, sizeof(*tc), tb, TCA_CHAIN);
	if (nlh->nlmsg_type != RTM_NEWTFILTER || TC_H_MAJ(tc->tcm_info) >> 16 != f->pref ||
	    (tb[TCA_CHAIN] && mnl_attr_get_u32(tb[TCA_CHAIN])))
		return 0;
	kind = tb[TCA_KIND] ? mnl_attr_get_str(tb[TCA_KIND]) : "";
	if (strcmp(kind, "bpf") != 0)
		f->foreign = true;
	else if (tc->tcm_handle) /* handle 0 heads the filters of a preference */
		look_at_bpf(tb[TCA_OPTIONS], f,
			    tc->tcm_handle == OUR_HANDLE &&
				    TC_H_MIN(tc->tcm_info) == htons(ETH_P_ALL));
	if (f->foreign && !f->kind[0])
		snprintf(f->kind, sizeof(f->kind), "%.31s", kind);
	return 0;
}

static const char *side(const struct filter *f)
{
	return f->parent == clsact_parent(true) ? "egress" : "ingress";
}

static int tc_fail(struct lb_nl *nl, const struct filter *f, int error, struct lb_err *err)
{
	char name[IFNAMSIZ];

	return nl_fail(nl, error, err, "device \"%s\": tc %s filter", nl_name(nl, f->ifindex, name),
		       side(f));
}

static int look(struct lb_nl *nl, struct filter *f, uint32_t ifindex, bool egress,
		struct lb_err *err)
{
	struct nlmsghdr *nlh;
	int error;

	f->ifindex = ifindex;
	f->parent = clsact_parent(egress);
	nlh = tc_request(nl, RTM_GETTFILTER, NLM_F_DUMP, ifindex, f->parent);
	error = nl_ask(nl, nlh, look_at, f);
	return error ? tc_fail(nl, f, error, err) : 0;
}

static struct nlmsghdr *filter_request(struct lb_nl *nl, uint16_t type, uint16_t flags,
				       const struct filter *f)
{
	struct nlmsghdr *nlh = tc_request(nl, type, flags, f->ifindex, f->parent);
	struct tcmsg *tc = mnl_nlmsg_get_payload(nlh);

	tc->tcm_handle = OUR_HANDLE;
	tc->tcm_info = TC_H_MAKE((uint32_t)f->pref << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
	return nlh;
}

int lb_nl_tc_set(struct lb_nl *nl, uint32_t ifindex, bool egress, uint16_t pref, const char *name,
		 int prog_fd, struct lb_err *err)
{
	struct filter f = {.pref = pref, .name = name};
	char dev[IFNAMSIZ];
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	int error;

	if (look(nl, &f, ifindex, egress, err))
		return -1;
	if (f.foreign) {
		nl_name(nl, ifindex, dev);
		return lb_fail(
			err,
			"device \"%s\": preference %u of tc %s belongs to a foreign %s filter%s: "
			"\"tc filter show dev %s %s\" shows it",
			dev, pref, side(&f), f.kind, f.label, dev, side(&f));
	}
	/*
	 * A filter that is there is changed in place: cls_bpf puts the new one where the old one was
	 * with one store (list_replace_rcu), so that every packet meets one of them. EXCL for a new
	 * one, lest it change one that came meanwhile.
	 */
	nlh = filter_request(nl, RTM_NEWTFILTER, NLM_F_CREATE | (f.ours ? 0 : NLM_F_EXCL), &f);
	nest = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	mnl_attr_put_u32(nlh, TCA_BPF_FD, (uint32_t)prog_fd);
	mnl_attr_put_strz(nlh, TCA_BPF_NAME, name);
	mnl_attr_put_u32(nlh, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(nlh, nest);
	error = nl_ask(nl, nlh, NULL, NULL);
	return error ? tc_fail(nl, &f, error, err) : 0;
}

int lb_nl_tc_get(struct lb_nl *nl, uint32_t ifindex, bool egress, uint16_t pref, const char *name,
		 uint32_t *prog_id, struct lb_err *err)
{
	struct filter f = {.pref = pref, .name = name};

	if (look(nl, &f, ifindex, egress, err))
		return -1;
	*prog_id = f.ours ? f.prog_id : 0;
	return 0;
}

int lb_nl_tc_del(struct lb_nl *nl, uint32_t ifindex, bool egress, uint16_t pref, const char *name,
		 struct lb_err *err)
{
	struct filter f = {.pref = pref, .name = name};
	int error;

	if (look(nl, &f, ifindex, egress, err))
		return -1;
	if (!f.ours)
		return 0;
	error = nl_ask(nl, filter_request(nl, RTM_DELTFILTER, 0, &f), NULL, NULL);
	return error && error != ENOENT ? tc_fail(nl, &f, error, err) : 0;
}

static int any_filter(const struct nlmsghdr *nlh, void *arg)
{
	*(bool *)arg = nlh != NULL;
	return 0;
}

int lb_nl_tc_empty(struct lb_nl *nl, uint32_t ifindex, bool *empty, struct lb_err *err)
{
	for (int egress = 0; egress < 2; egress++) {
		struct filter f = {.ifindex = ifindex, .parent = clsact_parent(egress)};
		struct nlmsghdr *nlh = tc_request(nl, RTM_GETTFILTER, NLM_F_DUMP, ifindex,
						  f.parent);
		bool some = false;
		int error = nl_ask(nl, nlh, any_filter, &some);

		if (error)
			return tc_fail(nl, &f, error, err);
		if (some) {
			*empty = false;
			return 0;
		}
	}
	*empty = true;
	return 0;
}
