// SPDX-License-Identifier: GPL-2.0
/*
 * nomtu.bpf.c - the balancer whose short way does not ask whether a packet fits its path: what the question costs.
 *
 * A path that takes a million bytes more is one that every packet fits, which the compiler sees.
 */
#include "bpf/encap.h"
#include "bpf/lookup.h"
#include "bpf/nexthop.h"
#include "bpf/parse.h"
#include "bpf/pick.h"
#define fits fits + (1u << 20)
#include "bpf/plain.h"
#undef fits
#include "bpf/lb.bpf.c"
