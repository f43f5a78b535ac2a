#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vlan.t - VLAN devices: the program is attached to the device below them. Packets come tagged, untagged and
# with two tags, and leave with the tags of the VLAN device that the routes name; in native and in generic mode.
set -u
cd "$(dirname "$0")/../net" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
# shellcheck source=tests/net/lib.sh
. ./lib.sh
# shellcheck source=tests/net/build.sh
. ./build.sh
need_root
use_prefix vlan$$

down() {
	trap '' INT TERM
	./lab.sh down -p "$PREFIX"
	rm -rf "$TMP"
}

# A VLAN device on both ends of the link between the router (l4-1.N there) and the L4LB (eth0.N):
# 10.40.N.1 and .2, 2001:db8:40:N::1 and ::2.
vlan_up() { # N BELOW TAG [ PROTO ], BELOW: "" or ".M" of another one
	local r=l4-1.$1 l=eth0.$1

	ip -n "$PREFIX-r1" link add link "l4-1$2" name "$r" type vlan id "$3" ${4:+proto "$4"}
	ip -n "$PREFIX-l4-1" link add link "eth0$2" name "$l" type vlan id "$3" ${4:+proto "$4"}
	ip -n "$PREFIX-r1" -b - <<-END
		addr add 10.40.$1.1/24 dev $r
		addr add 2001:db8:40:$1::1/64 dev $r
		link set $r up
	END
	ip -n "$PREFIX-l4-1" -b - <<-END
		addr add 10.40.$1.2/24 dev $l
		addr add 2001:db8:40:$1::2/64 dev $l
		link set $l up
	END
}

# VIPs reach the L4LB by VLAN device IN, and by OUT it reaches the reals. 0: without a tag.
ways() { # IN OUT
	local in4=10.40.$1.2 in6=2001:db8:40:$1::2 out4=10.40.$2.1 out6=2001:db8:40:$2::1
	local r=l4-1.$1 l=eth0.$2

	[ "$1" != 0 ] || { in4=$(addr4 l4-1) in6=$(addr6 l4-1) r=l4-1; }
	[ "$2" != 0 ] || { out4=$(addr4 l4-1 1) out6=$(addr6 l4-1 1) l=eth0; }
	ip -n "$PREFIX-r1" route replace $VIP4 via "$in4" dev "$r"
	ip -n "$PREFIX-r1" -6 route replace $VIP6 via "$in6" dev "$r"
	ip -n "$PREFIX-l4-1" route replace 10.7.0.0/16 via "$out4" dev "$l"
	ip -n "$PREFIX-l4-1" -6 route replace 2001:db8:7::/48 via "$out6" dev "$l"
	# The program finds its new way, and lbtool has the kernel find the neighbour.
	lbt l4-1 dev replace eth0
	wait_until resolved4 "$l" "$out4" && wait_until resolved4 "$l" "$out6"
	sleep 0.3
}

resolved4() { # DEV ADDRESS
	ip -n "$PREFIX-l4-1" neigh show "$2" dev "$1" | grep -q lladdr
}

received() { # DEV: packets that the router got by it
	ip -n "$PREFIX-r1" -j -s link show "$1" | jq '.[0].stats64.rx.packets'
}

answering() { # VIP
	in_node c1 curl -s --fail-early --connect-timeout 20 "http://$1/[1-16]" |
		awk '!seen[$1]++ { print $1 }' | sort | paste -sd' '
}

try() { # TEXT OUT-DEV OTHER-DEV: requests are answered, and tunnels come by one device and not by the other
	local vip one two

	one=$(received "$2") two=$(received "$3")
	for vip in $VIP4 "[$VIP6]"; do
		is "$(answering "$vip")" "l7-1 l7-2" "$1: $vip: both L7LBs answer"
	done
	ok $(($(received "$2") - one < 128)) "$1: tunnels come by $2" "$(($(received "$2") - one)) packets"
	# Neighbour discovery and the like may.
	ok $(($(received "$3") - two > 20)) "$1: none by $3" "$(($(received "$3") - two)) packets"
}

all_ways() { # MODE
	lbt l4-1 dev replace eth0 mode "$1"
	ways 100 200
	try "$1, in by VLAN 100, out by 200" l4-1.200 l4-1.100
	ways 100 100
	try "$1, in and out by VLAN 100" l4-1.100 l4-1.200
	ways 0 200
	try "$1, in without a tag, out by VLAN 200" l4-1.200 l4-1.100
	ways 32 31
	try "$1, in by 802.1ad and 802.1Q, out by others" l4-1.31 l4-1.32
	ways 31 200
	try "$1, in by two tags, out by one" l4-1.200 l4-1.31
	ways 200 31
	try "$1, in by one tag, out by two" l4-1.31 l4-1.200
}

modprobe 8021q
trap down EXIT
trap 'exit 130' INT TERM
./lab.sh up -B -p "$PREFIX" -c 1 -l 1 -r 2 -f mixed -z 1000 -s 1024 -q || exit 1
load_conf
# Tags must stand in the frame, as on a cable, and not beside it.
in_node r1 ethtool -K l4-1 txvlan off tx-vlan-stag-hw-insert off >/dev/null
vlan_up 100 '' 100
vlan_up 200 '' 200
vlan_up 30 '' 30 802.1ad
vlan_up 31 .30 31
vlan_up 32 .30 32
for node in l7-1 l7-2; do
	lbt $node receiver replace eth0 from 10.0.0.0/8 from 2001:db8::/32 mss 1380
done
like "$(lbt l4-1 dev replace eth0 2>&1; lbt l4-1 -d dev show eth0)" 'vlan eth0.100.* vlan eth0.200' \
	"dev show names the VLAN devices"
all_ways native
like "$(ip -n "$PREFIX-l4-1" neigh show dev eth0.31)" managed "the kernel keeps the neighbour resolved"
all_ways generic
is "$(lbt l4-1 -j stats show | jq '[.[] | select(.why and (.why | startswith("drop")) and .packets > 0) | .why]' -c)" \
	'[]' "nothing was dropped on the L4LB"

# What the routes say follows the device: the program learns of it with the next change.
ip -n "$PREFIX-l4-1" link del eth0.31
lbt l4-1 dev replace eth0
like "$(lbt l4-1 -d dev show eth0 | grep -c eth0.31)" '^0$' "a VLAN device that is gone is not in dev show"
plan_done
