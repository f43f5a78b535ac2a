/* SPDX-License-Identifier: GPL-2.0 */
/* The machine: kernel, file systems, privileges. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lbtool/doctor.h"
#include "lib/host.h"
#include "lib/lock.h"
#include "lib/prog.h"

#define OLDEST_MAJOR 6u
#define OLDEST_MINOR 1u
#define LOCK_WAIT 1000 /* milliseconds: no change takes that long */

static void kernel(struct doctor *d)
{
	struct lb_release r = lb_host_release();

	if (r.major < OLDEST_MAJOR || (r.major == OLDEST_MAJOR && r.minor < OLDEST_MINOR)) {
		doctor_remedy(d, "apt-get install linux-image-amd64");
		doctor_find(d, DOCTOR_FAULT, NULL,
			    "this is kernel %u.%u, the oldest supported is %u.%u", r.major, r.minor,
			    OLDEST_MAJOR, OLDEST_MINOR);
	}
	if (!lb_host_btf()) {
		doctor_remedy(d, "grep CONFIG_DEBUG_INFO_BTF /boot/config-$(uname -r)");
		doctor_find(d, DOCTOR_FAULT, "btf",
			    "/sys/kernel/btf/vmlinux is missing: the programs load on kernels "
			    "built with CONFIG_DEBUG_INFO_BTF only");
	}
}

static void bpffs(struct doctor *d)
{
	if (lb_host_bpffs())
		return;
	doctor_remedy(d, "mount -t bpf bpf %s", LB_BPFFS);
	doctor_find(d, DOCTOR_FAULT, LB_BPFFS,
		    "no bpf file system is mounted there: nothing can be loaded, and what is "
		    "loaded is not seen");
}

/* Told in the machine's first network namespace alone; of the loaded program the kernel says it anywhere. */
static void jit(struct doctor *d)
{
	long on, stats;

	if (lb_host_sysctl("net/core/bpf_jit_enable", &on) && !on) {
		doctor_remedy(d, "sysctl -w net/core/bpf_jit_enable=1");
		doctor_find(d, DOCTOR_FAULT, NULL,
			    "the kernel's compiler for programs is off: packets take many times "
			    "as long; programs that are loaded already stay as they are until "
			    "\"lbtool prog reload\"");
	}
	if (lb_host_sysctl("kernel/bpf_stats_enabled", &stats) && stats) {
		doctor_remedy(d, "sysctl -w kernel/bpf_stats_enabled=0");
		doctor_find(d, DOCTOR_WARNING, "stats",
			    "the kernel measures each run of a program, which costs each packet "
			    "about 40 ns");
	}
}

static void privileges(struct doctor *d)
{
	char lacks[128];

	lb_host_lacks(lacks, sizeof(lacks));
	if (!*lacks)
		return;
	doctor_remedy(d, "sudo %s doctor", d->lbtool);
	doctor_find(d, DOCTOR_FAULT, NULL,
		    "this process lacks %s: what it may not see counts as not there", lacks);
}

/* Is the directory fit for locks? It need not be there: the first writer makes it. */
static bool lock_dir(struct doctor *d)
{
	struct stat st;

	if (stat(LB_LOCK_DIR, &st))
		return false;
	if (!S_ISDIR(st.st_mode)) {
		doctor_remedy(d, "mv %s %s.old", LB_LOCK_DIR, LB_LOCK_DIR);
		doctor_find(d, DOCTOR_FAULT, LB_LOCK_DIR,
			    "is no directory: nothing can be changed without a lock in it");
		return false;
	}
	if (st.st_mode & S_IWOTH) {
		doctor_remedy(d, "chmod o-w %s", LB_LOCK_DIR);
		doctor_find(d, DOCTOR_WARNING, LB_LOCK_DIR,
			    "everybody may write there, and so keep the lock from others");
	}
	if (access(LB_LOCK_DIR, W_OK)) {
		doctor_remedy(d, "mount -t tmpfs -o mode=755 tmpfs %s", LB_LOCK_DIR);
		doctor_find(d, DOCTOR_FAULT, LB_LOCK_DIR,
			    "cannot be written: nothing can be changed without a lock in it");
	}
	return true;
}

static void lock(struct doctor *d)
{
	char comm[32] = "a process that is not known", path[64];
	int pid;
	FILE *f;

	if (!lock_dir(d) || !lb_lock_held(d->t->instance, LOCK_WAIT, &pid))
		return;
	if (!pid) {
		doctor_remedy(d, "fuser -v %s/%s.lock", LB_LOCK_DIR, d->t->instance);
		doctor_find(d, DOCTOR_WARNING, d->t->instance,
			    "somebody has held the lock for a second or more: nobody else can "
			    "change anything");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f && fgets(comm, sizeof(comm), f))
		comm[strcspn(comm, "\n")] = '\0';
	if (f)
		fclose(f);
	doctor_remedy(d, "kill %d", pid);
	doctor_find(d, DOCTOR_WARNING, d->t->instance,
		    "%s (process %d) has held the lock for a second or more: nobody else can "
		    "change anything",
		    comm, pid);
}

const struct doctor_check doctor_host[] = {
	{"kernel", 0, kernel, "of a supported version, with BTF", NULL, NULL},
	{"bpffs", 0, bpffs, "mounted on " LB_BPFFS, NULL, NULL},
	{"jit", 0, jit, "programs are compiled, and not measured", NULL, NULL},
	{"privileges", 0, privileges, "all that lbtool needs", NULL, NULL},
	{"lock", 0, lock, "free", NULL, NULL},
	{NULL, 0, NULL, NULL, NULL, NULL},
};
