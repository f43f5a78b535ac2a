/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nl_lab.h - what the tests of lib/nl*.c stand on: each runs in a network namespace of its own, which
 * goes with its process, so that nothing is left behind.
 */
#ifndef TESTS_UNIT_NL_LAB_H
#define TESTS_UNIT_NL_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/nl.h"

extern struct lb_nl *nl;
extern struct lb_err err;

/* Criterion fixtures: a namespace with lo and the veth pair veth0, veth1, all up, and nl open in it. */
void lab_up(void);
void lab_down(void);

/* Runs a command in the shell; it has to succeed. */
void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Does its output hold the text? */
bool says(const char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct lb_link dev(const char *name); /* has to be there */
struct lb_addr ip(const char *word);

/* A descriptor of a new program that returns `verdict`, and its id. */
int xdp_prog(int verdict);
int tc_prog(int verdict);
uint32_t prog_id(int fd);

#endif
