/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/magic.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/host.h"
#include "lib/prog.h"

bool lb_host_sysctl(const char *name, long *value)
{
	char path[256], text[32], *end;
	bool good;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	good = fgets(text, sizeof(text), f);
	fclose(f);
	if (!good)
		return false;
	*value = strtol(text, &end, 10);
	return end != text;
}

bool lb_host_conf(const char *family, const char *dev, const char *key, long *value)
{
	char name[128];

	snprintf(name, sizeof(name), "net/%s/conf/%s/%s", family, dev, key);
	return lb_host_sysctl(name, value);
}

bool lb_host_conf_max(const char *family, const char *dev, const char *key, long *value)
{
	long all;

	if (!lb_host_conf(family, dev, key, value))
		return false;
	if (lb_host_conf(family, "all", key, &all) && all > *value)
		*value = all;
	return true;
}

struct lb_release lb_host_release(void)
{
	struct lb_release r = {0};
	struct utsname u;
	char *end;

	if (uname(&u))
		return r;
	r.major = strtoul(u.release, &end, 10);
	if (*end == '.')
		r.minor = strtoul(end + 1, &end, 10);
	return r;
}

bool lb_host_btf(void)
{
	return !access("/sys/kernel/btf/vmlinux", R_OK);
}

bool lb_host_bpffs(void)
{
	struct statfs fs;

	return !statfs(LB_BPFFS, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/* Of /proc/self/status; all when it does not say. */
static uint64_t effective(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long caps = ~0ull;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "CapEff:", 7))
			caps = strtoull(line + 7, NULL, 16);
	if (f)
		fclose(f);
	return caps;
}

void lb_host_lacks(char *names, int len)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} needed[] = {
		{CAP_BPF, "CAP_BPF"},
		{CAP_PERFMON, "CAP_PERFMON"},
		{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
		{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
	};
	uint64_t have = effective();
	int at = 0;

	*names = '\0';
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed) && at < len; i++)
		if (!(have >> needed[i].bit & 1))
			at += snprintf(names + at, len - at, "%s%s", at ? ", " : "",
				       needed[i].name);
}

bool lb_host_offloads(const char *dev, struct lb_offloads *o)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq req = {.ifr_data = (void *)&flags};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool good;

	if (fd < 0)
		return false;
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", dev);
	good = !ioctl(fd, SIOCETHTOOL, &req);
	close(fd);
	o->lro = good && flags.data & ETH_FLAG_LRO;
	o->rxvlan = good && flags.data & ETH_FLAG_RXVLAN;
	return good;
}
