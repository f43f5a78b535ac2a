#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# swap.t - programs and devices: reload under traffic, generic mode, foreign XDP programs, two instances side by side,
# and what is left at the end.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

fill() { # N TOOL: one VIP to reals in 10.N
	"$2" -b - <<-END
		pool add web
		real add 10.$1.1.1 pool web
		real add 10.$1.1.2 pool web
		vip add 203.0.113.1:53/udp pool web
	END
}

prog_of() { # DEV MODE: id of the attached program
	ip -n "$NS-b" -j -d link show "$1" | jq -r '.[0].xdp.prog.id // .[0].xdp.attached[0].prog.id // empty'
}

resolved() { ip -n "$NS-b" neigh show 10.8.0.1 dev eth1 | grep -q lladdr; }

pair_up
lbt prog load reals 100 vips 10 pools 4 tables 8 sessions 4096
fill 1 lbt
lbt dev add eth0
shower_start 1 20000
shower_flows 1000
was=$(prog_of eth0)
pins=/sys/fs/bpf/lb/$NS/prog
chmod 640 "$pins/lb" && chgrp 65534 "$pins/hc"
before=$(lbt -j stats show vip | jq '.[0].packets')
for _ in 1 2 3 4 5 6 7 8 9 10; do
	lbt prog reload || break
done
ok $? "ten reloads under traffic"
is "$(stat -c %a:%g "$pins/lb") $(stat -c %a:%g "$pins/hc")" "640:0 600:65534" \
	"who might open the programs still may"
ok $(($(prog_of eth0) == was)) "the device has another program"
is "$(lbt -j prog show | jq -r '.[] | select(.prog == "lb").id')" "$(prog_of eth0)" \
	"the pinned program is the attached one"
ok $(($(lbt -j stats show vip | jq '.[0].packets') < before)) "counters went on"
shower_stop
ok $? "no packet went astray"
is "$(field received "$LAST")" "$(field sent "$LAST")" "no packet was lost"
is "$(lbt vip show)" "203.0.113.1:53/udp pool web session off" "the configuration stayed"

lbt dev replace eth0 mode generic
ok $? "replace changes the mode"
is "$(lbt dev show)" "eth0 mode generic" "generic mode"
shower_start 1 5000
shower_flows 2000
shower_stop
ok $? "generic mode: right"
is "$(field received "$LAST")" "$(field sent "$LAST")" "generic mode: complete"
lbt dev del eth0
is "$(prog_of eth0)" "" "del detaches"
is "$(lbt dev show)" "" "and show shows nothing"

# A foreign program.
pass_attach "$NS-b" eth0
foreign=$(prog_of eth0)
out=$(lbt dev add eth0 2>&1)
is $? 1 "add: a foreign program is respected"
like "$out" "$foreign" "and named"
lbt dev replace eth0 2>/dev/null
is $? 1 "replace: respected too"
lbt dev del eth0 2>/dev/null
is $? 1 "del: too"
is "$(prog_of eth0)" "$foreign" "it is still there"
ip -n "$NS-b" link set eth0 xdp off

# Two instances, a device each.
ip link add eth1 netns "$NS-a" type veth peer name eth1 netns "$NS-b"
pair_link eth1 10.8.0
ip -n "$NS-b" route add 10.2.0.0/16 via 10.8.0.1
two() { "$LBTOOL" -n "$NS-b" -i "$NS-two" "$@"; }
two prog load reals 100 vips 10 pools 4 tables 8 sessions 0 seed 77
fill 2 two
lbt dev add eth0
two dev add eth1
ok $? "two instances on one machine"
shower_start 1 5000
shower_flows 2000
shower_stop
is "$(field "net 1" "$LAST")" "$(field sent "$LAST")" "the first one's packets go to its reals"
is "$(two -j stats show vip | jq '.[0].packets')" 0 "the second one saw none"
out=$(two dev add eth0 2>&1)
is $? 1 "one does not take the other's device"
two dev del eth1
two prog unload
is "$(lbt dev show)" "eth0 mode native" "unloading one leaves the other"

# Two arms: what comes by eth0 leaves by eth1, which the routes say, and only there.
ip -n "$NS-b" route replace 10.0.0.0/8 via 10.8.0.1
ip -n "$NS-b" neigh replace 10.8.0.1 dev eth1 managed
wait_for 20 resolved
shower_start 1 5000
shower_flows 2000
shower_stop
ok $? "two arms: right"
is "$(field received "$LAST")" "$(field sent "$LAST")" "two arms: complete"
like "$(lbt stats show why)" "tx_redirect packets $(field sent "$LAST") " "by another device"

out=$(lbt prog unload 2>&1)
is $? 1 "unload refuses while a device is attached"
like "$out" eth0 "and names it"
lbt dev del eth0
lbt prog unload
ok $? "unload"
[ ! -e "/sys/fs/bpf/lb/$NS" ]
ok $? "no pins are left"
# Where bpffs is not mounted, each command says what to do.
bare() { unshare -m sh -c 'mount -t tmpfs none /sys/fs/bpf && exec "$@"' sh "$LBTOOL" -i "$NS" "$@" 2>&1; }
for cmd in "prog load" "prog show" "vip show" "pool add web" "receiver add lo"; do
	# shellcheck disable=SC2086 # words
	out=$(bare $cmd)
	is "$? $out" "1 lbtool: $(cut -d" " -f1,2 <<<"$cmd"): /sys/fs/bpf is not a bpf file system: mount -t bpf bpf /sys/fs/bpf" \
		"$cmd without bpffs"
done
rm -f "/run/lb/$NS-two.lock"
plan_done
