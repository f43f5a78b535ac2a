/* SPDX-License-Identifier: GPL-2.0 */
/*
 * host.h - what this machine says of itself: kernel, sysctls, privileges, offloads of devices. Looks only.
 */
#ifndef LIB_HOST_H
#define LIB_HOST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A number of /proc/sys, named by its path there ("net/ipv4/ip_forward"); those of the network are of the present network
 * namespace. False: it is not there, which for some only means that another namespace has it.
 */
bool lb_host_sysctl(const char *name, long *value);
/* net/FAMILY/conf/DEV/KEY, `family` "ipv4" or "ipv6". */
bool lb_host_conf(const char *family, const char *dev, const char *key, long *value);
/* The larger of that and the one of "all", which is what holds for rp_filter, arp_ignore and arp_announce. */
bool lb_host_conf_max(const char *family, const char *dev, const char *key, long *value);

/* As uname(2) says, 0 when it cannot be read as numbers. */
struct lb_release {
	unsigned int major, minor;
};
struct lb_release lb_host_release(void);
bool lb_host_btf(void);

/* Is the bpf file system mounted where pins are looked for? */
bool lb_host_bpffs(void);

/* Names of the privileges that lbtool uses and this process lacks, ", " between; "" when it has all. */
void lb_host_lacks(char *names, int len);

struct lb_offloads {
	bool lro; /* joins packets before XDP sees them */
	bool rxvlan; /* takes tags out of frames */
};
/* By ethtool's ioctl, of the present network namespace. False: the device does not say. */
bool lb_host_offloads(const char *dev, struct lb_offloads *o);

#endif
