/* SPDX-License-Identifier: GPL-2.0 */
#include "lbmon/privs.h"

#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "lbmon/log.h"

static const struct {
	unsigned int cap;
	const char *name, *without;
} needed[] = {
	{CAP_BPF, "cap_bpf", "the maps cannot be opened"},
	{CAP_NET_ADMIN, "cap_net_admin",
	 "no checks through tunnels, next hops are not kept resolved"},
};

int privs_drop(struct lb_err *err)
{
	size_t i;
	bool bound;

	if (capng_get_caps_process())
		return lb_fail(err, "reading the capabilities: %s", strerror(errno));
	bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	bool have[sizeof(needed) / sizeof(*needed)];
	for (i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		have[i] = capng_have_capability(CAPNG_PERMITTED, needed[i].cap);
	capng_clear(CAPNG_SELECT_BOTH);
	for (i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (have[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, needed[i].cap);
		else
			log_event("privileges", "lacks", needed[i].name, "so", needed[i].without,
				  NULL);
	}
	capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, CAP_NET_RAW);
	/* Ambient ones, by which a service manager gave us ours, would go on to the commands. */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (capng_apply(bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS))
		return lb_fail(err, "giving up capabilities: %s", strerror(errno));
	return 0;
}
