/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lock.h - one writer at a time: /run/lb/INSTANCE.lock, held by flock(2), so that it goes with its process.
 */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

#include <stdbool.h>

#include "lib/err.h"

#define LB_LOCK_DIR "/run/lb"

/*
 * Takes the lock of the instance, waiting up to wait_ms milliseconds (0 or less: trying once) for another holder; makes
 * /run/lb when it is missing. The file keeps the holder's process id for the message that the one who
 * waits in vain gets. Returns a descriptor (close() or the end of the process gives the lock back; close-on-exec is set), or
 * -1 with *err.
 */
int lb_lock(const char *instance, int wait_ms, struct lb_err *err);

/* The same in another directory than LB_LOCK_DIR, which the tests must not touch. */
int lb_lock_at(const char *dir, const char *instance, int wait_ms, struct lb_err *err);

/*
 * Does somebody hold the lock, now and all of wait_ms milliseconds? Takes it for moments, makes nothing. *pid: the holder's
 * process, 0 when that is not known.
 */
bool lb_lock_held(const char *instance, int wait_ms, int *pid);

#endif
