/* SPDX-License-Identifier: GPL-2.0 */
/* version.h - the toolkit's version, the only place that names it. */
#ifndef LIB_VERSION_H
#define LIB_VERSION_H

#define LB_VERSION "0.1.0"

#endif
