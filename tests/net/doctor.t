#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# doctor.t - faults of the machine, of what is loaded and of devices, planted one by one.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
# shellcheck source=tests/net/doctor.sh
. ./doctor.sh
need_root

NODE=$NS-b
pair_up
: >"$TMP/mend"
like "$(wrong; echo "$STATUS")" "^fault loaded $NS"$'\n4$' "nothing is loaded"

lbt prog load reals 64 vips 16 pools 16 tables 4 sessions 1024
like "$(wrong)" '^fault attached -' "no device has the program"
printf '%s\n' 'pool add web check tcp interval 1s timeout 1s' 'real add 10.1.1.1 pool web' 'real add 2001:db8:10::1 pool web encap gue' \
	'vip add 203.0.113.1:80/tcp pool web' 'vip add [2001:db8:113::1]:443/tcp pool web' >"$TMP/config"
lbt -b "$TMP/config" && lbt dev add eth0
ok $? "a balancer"
serve
soon_sound "nothing is wrong with it" || exit 1
is "$(lbt doctor | grep -vc '^ok ')" 0 "as text, too"

# The machine.
found "fault kernel -" "an old kernel" setarch --uname-2.6
found "fault kernel btf" "a kernel without BTF" privately "mount -t tmpfs tmpfs /sys/kernel/btf"
like "$(wrong privately 'umount /sys/fs/bpf')" '^fault bpffs /sys/fs/bpf$' "no bpffs"
mkdir "$TMP/core" "$TMP/kernel" "$TMP/netns"
echo 0 >"$TMP/core/bpf_jit_enable"
echo 1 >"$TMP/kernel/bpf_stats_enabled"
found "fault jit -" "programs are not compiled" privately "mount --bind $TMP/core /proc/sys/net/core"
found "warning jit stats" "programs are measured" privately "mount --bind $TMP/kernel /proc/sys/kernel"
found "fault privileges -" "a privilege is missing" setpriv --bounding-set -perfmon --inh-caps -perfmon
chmod o+w /run/lb
found "warning lock /run/lb" "anybody may hold the lock"
mended "anybody may hold the lock"
found "fault lock /run/lb" "locks cannot be written" privately "mount --bind /run/lb /run/lb && mount -o remount,bind,ro /run/lb"
found "fault lock /run/lb
warning lbmon -" "no directory for locks" privately "mount --rbind /run/netns $TMP/netns &&
	mount -t tmpfs tmpfs /run && touch /run/lb && mkdir /run/netns && mount --rbind $TMP/netns /run/netns"
perl -e 'use Fcntl ":flock"; open F, "+<", $ARGV[0] or die; flock F, LOCK_EX; truncate F, 0; syswrite F, "$$\n"; sleep 600' \
	"/run/lb/$NS.lock" &
PIDS+=($!)
wait_for 30 grep -q "^${PIDS[-1]}$" "/run/lb/$NS.lock"
found "warning lock $NS" "somebody keeps the lock"
like "$REMEDY" "^kill ${PIDS[-1]}$" "and is named"
mended "somebody keeps the lock"

# What is loaded.
version=$(lbt -j prog show | jq -r '.[0].abi // 3')
meta_byte 68 99
like "$(wrong)" "^fault maps $NS$" "maps of another version"
meta_byte 68 "$version"
sound "and of this one again"
meta_byte 112 120
found "warning program lb" "another lbtool loaded it"
mended "another lbtool loaded it"
bpftool prog pin pinned "/sys/fs/bpf/lb/$NS/prog/lb" "/sys/fs/bpf/lb/$NS/prog/lb_new"
found "warning program lb_new" "a reload that was killed"
mended "a reload that was killed"
rm "/sys/fs/bpf/lb/$NS/prog/hc"
found "fault program hc" "a program's pin is gone"
mended "a program's pin is gone"

# Devices.
ip -n "$NODE" link set dev eth0 xdpdrv off
found "fault attached eth0" "the program was taken off"
mended "the program was taken off"
ip -n "$NODE" link set dev eth0 xdpdrv off
pass_attach "$NODE" eth0
found "fault attached eth0" "a foreign program"
mended "a foreign program"
ip link add eth1 netns "$NS-a" type veth peer name eth1 netns "$NODE"
ip -n "$NS-a" link set eth1 up
ip -n "$NODE" link set eth1 up
lbt dev add eth1
sound "another device"
ip -n "$NODE" link set eth1 down
found "fault link eth1" "a device is down"
mended "a device is down"
ip -n "$NS-a" link set eth1 down
no_carrier() { ip -n "$NODE" link show eth1 | grep -q NO-CARRIER; }
wait_for 30 no_carrier
found "fault link eth1" "no carrier"
ip -n "$NS-a" link set eth1 up
soon_sound "a carrier again"
for ip in ipv4 ipv6; do
	in_b sysctl -qw net/$ip/conf/eth1/forwarding=0
	found "fault forwarding eth1" "no forwarding, $ip"
	mended "no forwarding, $ip"
done
in_b sysctl -qw net/ipv4/conf/eth1/rp_filter=1
found "warning rp_filter eth1" "a strict device"
mended "a strict device"
in_b sysctl -qw net/ipv4/conf/all/rp_filter=1
found "warning rp_filter eth0" "strict for all"
mended "strict for all"
lbt dev replace eth1 mode generic
found "warning mode eth1
warning offload eth1" "generic, which does not see VLAN tags"
mended "generic, which does not see VLAN tags"
ip -n "$NODE" link set eth1 mtu 1300
found "fault mtu eth1" "a small MTU"
mended "a small MTU"
in_b tc filter del dev eth0 egress
found "fault hc eth0" "checks do not get into the tunnel"
mended "checks do not get into the tunnel"
ip -n "$NODE" addr add 192.0.2.9/24 dev eth1
found "warning source eth1" "another address"
mended "another address"
ip -n "$NODE" link del eth1
like "$(wrong)" '^fault attached #[0-9]+$' "a device is gone"
REMEDY=$(jq -r '.[] | .remedy // empty' "$TMP/doctor")
mended "a device is gone"

is "$(lbt doctor no 2>&1; echo $?)" 'lbtool: doctor: "no": nothing more is taken here
2' "no words are taken"
plan_done
