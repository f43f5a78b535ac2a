// SPDX-License-Identifier: GPL-2.0
#include "tests/packet/stores.h"

#include <bpf/bpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define MAPPINGS 512
#define TRAP_FLAG 0x100

static struct mapping {
	uint8_t *at; /* NULL: ended, but what was stored is known until the next stores_begin() */
	size_t len, size; /* bytes; of an element */
	size_t first; /* byte of the map that it begins with */
	char name[BPF_OBJ_NAME_LEN];
	unsigned int *stored; /* how often, by element */
} mapping[MAPPINGS];
static size_t mappings;
static bool watching;
static size_t kill_at; /* stores until this process ends itself; 0: it does not */
static struct sigaction old_segv, old_trap;
/* Pages that the store under way needs: two when it straddles. */
static uint8_t *open_page[2];
static int open_pages;

static size_t elements(const struct mapping *m)
{
	return (m->len + m->size - 1) / m->size + 1; /* it may begin and end within one */
}

static void note_mapping(void *at, size_t len, int fd, size_t first)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	struct mapping *m = &mapping[mappings];

	if (mappings == MAPPINGS)
		abort();
	if (bpf_obj_get_info_by_fd(fd, &info, &size) || !info.value_size)
		return;
	*m = (struct mapping){
		.at = at, .len = len, .size = (info.value_size + 7) & ~7u, .first = first};
	m->stored = calloc(elements(m), sizeof(*m->stored));
	memcpy(m->name, info.name, sizeof(m->name));
	if (!m->stored)
		return;
	mappings++;
	if (watching)
		mprotect(at, len, PROT_READ);
}

static void forget(size_t i)
{
	free(mapping[i].stored);
	mapping[i] = mapping[--mappings];
}

/* These two stand before libc's own. */
void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *at = (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);

	if (at != MAP_FAILED && fd >= 0 && flags & MAP_SHARED && prot & PROT_WRITE)
		note_mapping(at, len, fd, (size_t)offset);
	return at;
}

int munmap(void *addr, size_t len)
{
	size_t i;

	for (i = mappings; i--;) {
		if (mapping[i].at < (uint8_t *)addr || mapping[i].at >= (uint8_t *)addr + len)
			continue;
		mapping[i].at = NULL;
		if (!watching)
			forget(i);
	}
	return (int)syscall(SYS_munmap, addr, len);
}

static void stored(int sig, siginfo_t *info, void *context)
{
	uint8_t *at = info->si_addr;
	size_t page = sysconf(_SC_PAGESIZE), i;
	ucontext_t *uc = context;

	for (i = mappings; i--;)
		if (mapping[i].at && at >= mapping[i].at && at < mapping[i].at + mapping[i].len)
			break;
	if (i == SIZE_MAX || open_pages == 2) {
		sigaction(sig, &old_segv, NULL);
		return;
	}
	if (kill_at && !--kill_at)
		kill(getpid(), SIGKILL);
	mapping[i].stored[(mapping[i].first % mapping[i].size + (size_t)(at - mapping[i].at)) /
			  mapping[i].size]++;
	at -= (uintptr_t)at % page;
	mprotect(at, page, PROT_READ | PROT_WRITE);
#ifdef __x86_64__
	open_page[open_pages++] = at;
	uc->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
#else
	(void)uc;
#endif
}

static void stepped(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	while (open_pages)
		mprotect(open_page[--open_pages], sysconf(_SC_PAGESIZE), PROT_READ);
#ifdef __x86_64__
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
#else
	(void)uc;
#endif
}

void stores_begin(void)
{
	struct sigaction segv = {.sa_sigaction = stored, .sa_flags = SA_SIGINFO};
	struct sigaction trap = {.sa_sigaction = stepped, .sa_flags = SA_SIGINFO};
	size_t i;

	sigaction(SIGSEGV, &segv, &old_segv);
	sigaction(SIGTRAP, &trap, &old_trap);
	watching = true;
	for (i = mappings; i--;)
		if (!mapping[i].at)
			forget(i);
	for (i = 0; i < mappings; i++) {
		memset(mapping[i].stored, 0, elements(&mapping[i]) * sizeof(*mapping[i].stored));
		mprotect(mapping[i].at, mapping[i].len, PROT_READ);
	}
}

void stores_kill_at(size_t n)
{
	kill_at = n;
}

void stores_end(void)
{
	size_t i;

	watching = false;
	for (i = 0; i < mappings; i++)
		if (mapping[i].at)
			mprotect(mapping[i].at, mapping[i].len, PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &old_segv, NULL);
	sigaction(SIGTRAP, &old_trap, NULL);
}

/* The section of meta is named by the object: "lb.data.meta", or what the kernel kept of it. */
static bool is_named(const struct mapping *m, const char *map)
{
	return !strcmp(map, "meta") ? strstr(m->name, ".data") != NULL : !strcmp(m->name, map);
}

size_t stores_to(const char *map)
{
	size_t i, e, n = 0;

	for (i = 0; i < mappings; i++)
		for (e = 0; (!map || is_named(&mapping[i], map)) && e < elements(&mapping[i]); e++)
			n += mapping[i].stored[e] > 0;
	return n;
}

size_t stores_to_any(void)
{
	return stores_to(NULL);
}

size_t stores_times(const char *map)
{
	size_t i, e, n = 0;

	for (i = 0; i < mappings; i++)
		for (e = 0; is_named(&mapping[i], map) && e < elements(&mapping[i]); e++)
			n += mapping[i].stored[e];
	return n;
}
