/* SPDX-License-Identifier: GPL-2.0 */
/*
 * probe_lab.h - what the tests of lbmon/probe*.c stand on: servers on loopback that behave well or badly, and one who asks.
 */
#ifndef TESTS_UNIT_PROBE_LAB_H
#define TESTS_UNIT_PROBE_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lbmon/loop.h"
#include "lbmon/probe.h"

extern struct loop *loop;
extern struct probes *probes;
extern char dir[]; /* a directory for files, removed by lab_down() */

/* Criterion fixtures. lab_down() also sees that no descriptor and no process was lost. */
void lab_up(void);
void lab_down(void);

/* The port of a process of its own that accepts and hands each connection, one after the other, to talk(). */
uint16_t tcp_server(void (*talk)(int fd));
/* Answers each datagram with what talk() makes of it: its length, or -1 for nothing. */
uint16_t udp_server(ssize_t (*talk)(char *buf, size_t len, size_t room));
uint16_t closed_port(void);
/* A port that answers no SYN: its backlog is full. */
uint16_t full_port(void);
/* Runs a command until lab_down(). */
void background(const char *const argv[]);

/* 127.0.0.1 and the port; kind, timeout 1 s; the defaults otherwise. */
struct probe_target target(enum lb_m_check_kind kind, uint16_t port);

struct answer {
	unsigned int calls;
	bool ok; /* PROBE_GOOD */
	enum probe_answer answer;
	char text[128];
};
void answered(void *arg, enum probe_answer answer,
	      const char *text); /* a probe_done for a struct answer */
unsigned int answers(void); /* so many calls so far */

/* Asks and waits; the text, after "+ ", "- " or, unasked, "? ". "200 in 3 ms" is told as "200 in N ms". */
const char *ask(const struct probe_target *t);
void run_for(unsigned int ms);
void run_until(unsigned int answers_in_all, unsigned int ms);
/* The longest time in milliseconds between two rounds of the loop since the last call. Two of under a second do not count: a
 * virtual machine stands still by itself. */
unsigned int longest_gap(void);

size_t descriptors(void);

#endif
