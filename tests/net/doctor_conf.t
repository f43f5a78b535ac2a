#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# doctor_conf.t - faults of a configuration, of tables, health and the way to the reals, planted one by one.
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
# Kept by the kernel, once it was asked.
in_b ping -qc 1 -W 5 10.9.0.1 >/dev/null
in_b ping -qc 1 -W 5 2001:db8:9::1 >/dev/null
lbt prog load reals 64 vips 16 pools 16 tables 4 sessions 1024
lbt dev add eth0
found "warning vip -" "a balancer without a VIP"
printf '%s\n' 'pool add web table 1021' 'real add 10.1.1.1 pool web' 'real add 10.1.1.2 pool web' \
	'real add 2001:db8:10::1 pool web encap gue' 'vip add 203.0.113.1:80/tcp pool web' \
	'vip add 203.0.113.1:any/udp pool web' 'vip add [2001:db8:113::1]:443/tcp pool web' >"$TMP/config"
lbt -b "$TMP/config"
ok $? "a configuration"
soon_sound "nothing is wrong with it"

# VIPs and pools.
ip -n "$NODE" addr add 203.0.113.1/32 dev lo
found "fault vip 203.0.113.1" "the balancer has the VIP itself"
mended "the balancer has the VIP itself"
ip -n "$NODE" route add local 203.0.113.0/24 dev lo
found "fault vip 203.0.113.1" "a local route to the VIP"
ip -n "$NODE" route del local 203.0.113.0/24 dev lo
lbt pool add spare
found "warning pool spare" "a pool without reals"
lbt vip add 203.0.113.2:80/tcp pool spare
found "fault pool spare" "which a VIP has"
lbt real add 10.1.1.3 pool spare state drain
found "fault pool spare" "with a drained real"
mended "with a drained real"
lbt real replace 10.1.1.3 pool spare weight 0
found "fault pool spare" "with a real of no weight"
mended "with a real of no weight"
lbt pool replace spare min 2
found "warning pool spare" "fewer reals than VIPs are announced with"
lbt pool replace spare min 1
sound "enough"

# Tables.
table=/sys/fs/bpf/lb/$NS/map/table
# shellcheck disable=SC2046 # bytes
bpftool map update pinned "$table" key 0 0 0 0 value $(yes 0 | head -64)
found "fault table web" "slots of a table are lost"
like "$(jq -r '.[] | select(.check == "table") | .text' "$TMP/doctor")" '^16 slots' "and counted"
mended "slots of a table are lost"

# Health.
LBMON=${LBTOOL%/*}/lbmon
listen() {
	# Not through in_a(): $! would be a shell's.
	# shellcheck disable=SC2016 # perl's
	nsenter --net="/run/netns/$NS-a" perl -MIO::Socket::INET -e 'while (1) {
		$s //= IO::Socket::INET->new(Listen => 9, LocalPort => 8080, ReuseAddr => 1) or next;
		$c = $s->accept }' >"$TMP/listen" 2>&1 &
	LISTENER=$!
	PIDS+=("$LISTENER")
}
listen
lbt pool replace spare check tcp direct on port 8080 interval 500ms timeout 500ms rise 1 fall 3 panic 0
lbt real add 10.9.0.1 pool spare
lbt real del 10.1.1.3 pool spare
found "warning lbmon -" "nobody checks"
"$LBMON" -n "$NODE" -i "$NS" -alone 2>"$TMP/lbmon" &
MON=$!
PIDS+=("$MON")
soon_sound "now somebody does"
kill "$LISTENER"
wait_for 30 wrong_is "fault pool spare"$'\n'"warning health 10.9.0.1"
found "fault pool spare
warning health 10.9.0.1" "the only real is down"
listen
soon_sound "it is up again"
lbt real add 10.1.1.9 pool spare
is_down() { lbt -d -o real show 10.1.1.9 pool spare | grep -q 'health down'; }
wait_for 30 is_down
found "warning health 10.1.1.9" "one of two is down"
lbt pool replace spare panic 60
found "warning pool spare
warning health 10.1.1.9" "so many are down that health is not heeded"
lbt real del 10.1.1.9 pool spare
soon_sound "none is down"
kill "$MON"
wait "$MON"
lbt pool replace spare direct off
found "warning lbmon -
fault vip 203.0.113.2" "checks at a VIP without a route"
ip -n "$NODE" route add 203.0.113.0/24 via 10.9.0.1
found "warning lbmon -" "with one"
lbt pool replace spare check none

# The way.
ip -n "$NODE" route del 10.0.0.0/8
found "fault way 10.1.1.1
fault way 10.1.1.2" "no route to two reals"
ip -n "$NODE" route add 10.0.0.0/8 via 10.9.0.1
ip -n "$NODE" neigh del 10.9.0.1 dev eth0
found "fault way 10.1.1.1
fault way 10.1.1.2
fault way 10.9.0.1" "a next hop is not resolved"
mended "a next hop is not resolved"
lbt dev replace eth0 via 10.9.0.99
found "fault way eth0" "nor is the one of a device"
ip -n "$NS-a" addr add 10.9.0.99/24 dev eth0
mended "nor is the one of a device"
lbt dev replace eth0 via none
ip -n "$NODE" addr add 10.1.1.1/32 dev lo
found "fault way 10.1.1.1" "a real is this host itself"
ip -n "$NODE" addr del 10.1.1.1/32 dev lo
lbt node peer add 10.9.0.1
found "warning peer -" "this node is not among the peers"
lbt node peer add 10.9.0.2
sound "now it is"
lbt pool add near encap l2
lbt real add 10.1.1.1 pool near
lbt vip add 203.0.113.3:80/tcp pool near
found "fault packet 203.0.113.3:80/tcp" "the program cannot send to a real on another segment"
like "$(jq -r '.[] | select(.check == "packet") | .text' "$TMP/doctor")" ': drop_gateway, ' "and says why"
like "$(bash -c "$REMEDY" 2>&1)" ' why drop_gateway ' "so does what it says to type"
lbt vip del 203.0.113.3:80/tcp
lbt pool del near 2>"$TMP/said" || { lbt real del 10.1.1.1 pool near && lbt pool del near; }
sound "without it"

# Of many alike some are said.
for i in $(seq 1 20); do echo "real add 172.16.0.$i pool web"; done >"$TMP/many"
lbt -b "$TMP/many" 2>"$TMP/said"
wrong >"$TMP/few"
is "$(grep -c 172 "$TMP/few") $(tail -n 1 "$TMP/few")" "16 fault way -" "sixteen of twenty, and that there are more"
like "$(jq -r '.[] | select(.check == "way") | .text' "$TMP/doctor")" '4 more likewise' "four more"
is "$(lbt -d doctor | grep -c '^fault way 172')" 20 "all with -d"
plan_done
