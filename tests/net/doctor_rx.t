#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# doctor_rx.t - faults of a host that receives, planted one by one.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
# shellcheck source=tests/net/doctor.sh
. ./doctor.sh
need_root

NODE=$NS-b
VIP=203.0.113.1
VIP6=2001:db8:113::1

rx_down() {
	lbt receiver del eth0 2>/dev/null
	lbt receiver del eth1 2>/dev/null
	pair_down
}

on_b() { # SYSCTL...
	in_b sysctl -qw "$@"
}

# A connection to each VIP in a tunnel: so the receiver knows them.
connect() {
	in_a tc qdisc add dev eth0 clsact
	in_a tc filter add dev eth0 egress bpf direct-action obj "$B/tests/net/encap.bpf.o" sec to4
	for vip in $VIP $VIP6; do
		in_a timeout 3 bash -c ": <>/dev/tcp/$vip/80" 2>/dev/null
	done
	in_a tc qdisc del dev eth0 clsact
}

pair_up
trap rx_down EXIT
: >"$TMP/mend"
ip -n "$NODE" addr add $VIP/32 dev lo
ip -n "$NODE" addr add $VIP6/128 dev lo nodad
ip -n "$NODE" route add 192.0.2.0/24 via 10.9.0.1
lbt receiver add eth0 from 10.9.0.1 from 2001:db8:9::1 mss auto gue-port 6081
sound "nothing is wrong with it" || exit 1
like "$(lbt doctor)" $'\nok loaded: a receiver\nok rx: ' "as text, too"
connect
sound "nor after packets" || exit 1

# Programs and devices.
rm "/sys/fs/bpf/lb/$NS/prog/rx_mss"
found "fault rx rx_mss
fault rx_attached eth0" "a program's pin is gone"
mended "a program's pin is gone"
map=/sys/fs/bpf/lb/$NS/map/rx_dev
entry=$(bpftool -j map dump pinned "$map" | jq -r '.[0] | "key \(.key | join(" ")) value \(.value[:12] | join(" "))"')
# shellcheck disable=SC2086 # words
bpftool map update pinned "$map" $entry 0x63 0 0 0
found "fault rx $NS" "maps of another version"
REMEDY=${REMEDY//DEV/eth0}
bash -c "${REMEDY/from PREFIX/from 10.9.0.1 from 2001:db8:9::1 mss auto gue-port 6081}"
sound "maps of another version: the remedy helps"
connect
was=$(lbt receiver show)
is "$was" "eth0 from 10.9.0.1/32 from 2001:db8:9::1/128 mss auto gue-port 6081" "with the same words"
in_b tc filter del dev eth0 ingress
found "fault rx_attached eth0" "the filter was taken off"
mended "the filter was taken off"
in_b tc filter del dev eth0 egress
found "fault rx_attached eth0" "so was that of SYN-ACKs"
mended "so was that of SYN-ACKs"
in_b tc filter del dev eth0 ingress
in_b tc filter del dev eth0 egress
"$LBTOOL" -n "$NODE" -i "${NS}x" receiver add eth0 from 10.9.0.1 mss auto
found "fault rx_attached eth0
fault rx_attached eth0" "another instance took its place"
"$LBTOOL" -n "$NODE" -i "${NS}x" receiver del eth0
rm "/run/lb/${NS}x.lock"
mended "another instance took its place"
ip link add eth1 netns "$NS-a" type veth peer name eth1 netns "$NODE"
ip -n "$NODE" link set eth1 up
lbt receiver add eth1 from 10.0.0.0/8 mss auto
found "fault rx_link eth1" "no carrier"
ip -n "$NS-a" link set eth1 up
wait_for 30 all_sound
ip -n "$NODE" link set eth1 down
found "fault rx_link eth1" "a device is down"
mended "a device is down"
ip -n "$NODE" link del eth1
like "$(wrong)" '^fault rx_attached #[0-9]+$' "a device is gone"
REMEDY=$(jq -r '.[] | .remedy // empty' "$TMP/doctor")
mended "a device is gone"

# Sources, ends, segments.
lbt receiver replace eth0 from any
found "warning rx_from eth0" "everybody may send"
lbt receiver replace eth0 from 10.9.0.1 from 2000::/8
found "warning rx_from eth0" "nearly everybody"
lbt receiver replace eth0 from 10.9.0.1
bpftool -j map dump pinned "/sys/fs/bpf/lb/$NS/map/rx_from" | jq -r '.[].key | join(" ")' |
	xargs bpftool map delete pinned "/sys/fs/bpf/lb/$NS/map/rx_from" key
found "fault rx_from eth0" "nobody may"
lbt receiver replace eth0 from 10.9.0.1 from 2001:db8:9::1
ip -n "$NODE" addr add 10.9.0.22/24 dev eth0
found "warning rx_end 10.9.0.22" "another address"
mended "another address"
ip -n "$NODE" addr add 10.1.1.1/32 dev lo
sound "one on lo may be no tunnel's end"
ip -n "$NS-a" route add 10.1.1.1 via 10.9.0.2
in_a perl -MSocket -e 'socket S, AF_INET, SOCK_RAW, 4 or die; send S, "E" . "\0" x 19, 0, sockaddr_in 0, inet_aton "10.1.1.1" or die'
found "warning rx_end 10.1.1.1" "but now one came"
mended "but now one came"
ip -n "$NODE" link set eth0 mtu 1400
found "warning rx_mss eth0" "another MTU"
mended "another MTU"
ip -n "$NODE" link set eth0 mtu 1500
lbt receiver replace eth0 mss 1460
found "warning rx_mss eth0" "segments do not fit"
lbt receiver replace eth0 mss 1440
found "warning rx_mss eth0" "those of IPv6 do not"
lbt receiver replace eth0 mss 1420
sound "now they do"
lbt receiver replace eth0 mss off
found "warning rx_mss eth0" "nobody tells clients"
ip -n "$NODE" link set eth0 mtu 1520
sound "who need not know where there is room"
ip -n "$NODE" link set eth0 mtu 1500
found "warning rx_mss eth0" "again"
mended "again"

# VIPs.
ip -n "$NODE" addr del $VIP/32 dev lo
found "fault rx_vip $VIP" "a VIP is missing"
mended "a VIP is missing"
ip -n "$NODE" addr del $VIP6/128 dev lo
found "fault rx_vip $VIP6" "an IPv6 VIP is missing"
lbt receiver replace eth0
sound "replace forgets who is not here any more"
ip -n "$NODE" addr add $VIP6/128 dev lo nodad
lbt receiver replace eth0 dscp 5:203.0.113.5
found "fault rx_vip 203.0.113.5" "a DSCP's VIP is missing"
mended "a DSCP's VIP is missing"
ip -n "$NODE" addr del $VIP/32 dev lo
ip -n "$NODE" addr add $VIP/24 dev lo
found "warning rx_vip $VIP" "a VIP with a whole prefix"
mended "a VIP with a whole prefix"
ip -n "$NODE" addr del $VIP/32 dev lo
ip -n "$NODE" addr add $VIP/32 dev eth0
found "warning rx_vip $VIP" "a VIP on a device"
mended "a VIP on a device"
ip -n "$NODE" addr add 10.9.0.100/32 dev lo
lbt receiver replace eth0
found "warning rx_arp eth0" "neighbours may ask for a VIP"
on_b net.ipv4.conf.eth0.arp_ignore=1
found "warning rx_arp eth0" "and be told unasked"
mended "and be told unasked"
on_b net.ipv4.conf.eth0.arp_ignore=3 net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.eth0.arp_announce=0
found "warning rx_arp eth0" "a setting that does not help"
mended "a setting that does not help"
ip -n "$NODE" addr del 10.9.0.100/32 dev lo
on_b net.ipv4.conf.all.rp_filter=1
found "warning rx_rp_filter eth0" "strict, and no way to clients"
ip -n "$NODE" route add default via 10.9.0.1
sound "strict is right where clients are reached by the device"
ip -n "$NODE" route del default via 10.9.0.1
mended "strict, and no way to clients"
on_b net.ipv6.conf.eth0.disable_ipv6=1
found "fault rx_ipv6 eth0" "no IPv6"
mended "no IPv6"
# A device whose type is ARPHRD_TUNNEL, by TUNSETLINK: this kernel need not have ipip.
ip -n "$NODE" tuntap add tunl1 mode tun
# shellcheck disable=SC2016 # perl's
in_b perl -e 'use Fcntl; sysopen F, "/dev/net/tun", O_RDWR or die; $name = pack "Z16 s x22", "tunl1", 0x1001;
	ioctl F, 0x400454ca, $name or die; ioctl F, 0x400454cd, 768 or die "$!"'
ip -n "$NODE" link set tunl1 up
found "warning rx_tunnel tunl1" "a tunnel device of the kernel"
mended "a tunnel device of the kernel"
plan_done
