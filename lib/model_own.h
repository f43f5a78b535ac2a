/* SPDX-License-Identifier: GPL-2.0 */
/*
 * model_own.h - ports of one real alone (`real ... mptcp PORT`): the services that they make.
 */
#ifndef LIB_MODEL_OWN_H
#define LIB_MODEL_OWN_H

#include "lib/model.h"

struct lb_own {
	struct lb_service svc;
	const struct lb_m_vip
		*vip; /* under which it counts: its pool's first over TCP on that address */
	const struct lb_m_real *real;
};

/*
 * One for each real with a port of its own and each address on which its pool has a service over TCP, sorted by service. A host
 * that stands in two such pools with the same port makes one. *own is the caller's to free(), and points into the model.
 * 0, or -1 with *err when there are more than `most`, or memory is short.
 */
int lb_model_own(const struct lb_model *m, size_t most, struct lb_own **own, size_t *n,
		 struct lb_err *err);

#endif
