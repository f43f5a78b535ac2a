#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# upgrade.t - prog reload over maps of another ABI version (old.sh): under connections, with an lbmon of that version beside it,
# and killed at any moment. KILLS says how often.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
KILLS=${KILLS:-20}
CONNS=60 PORT=7 VIP4=203.0.113.10 VIP6=2001:db8:113::10
LAB=upgrade$$
OLD=$B/tests/net/old
VERSION=$(sed -n 's/#define LB_ABI_VERSION //p' ../../bpf/lb_abi.h)
need_root

both_down() {
	local pid

	for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null; done
	wait 2>/dev/null
	[ ! -e "/run/lb-lab/$LAB" ] || ./lab.sh down -p "$LAB"
	pair_down
}

l4() { # TOOL WORD...
	"$1" -n "$LAB-l4-1" -i "$LAB-l4-1" "${@:2}"
}

old() { "$OLD/lbtool" -n "$NS-b" -i "$NS" "$@"; }

let_go() {
	eval "exec ${HOLD[1]}>&-"
	wait "$hold"
}

sessions() { # TOOL: of the drained real
	l4 "$1" -j session show | jq '.[] | select(.real == "10.7.1.2").entries'
}

count() { # sets said
	echo >&"${HOLD[1]}"
	read -r -t 120 said <&"${HOLD[0]}"
}

# Connections: some to a real that is drained, so that nothing but the session cache knows them.
trap both_down EXIT
trap 'exit 130' INT TERM
LBTOOL=$OLD/lbtool ./lab.sh up -p "$LAB" -B -q -c 1 -l 1 -r 3 -f 4 -t 4093 >"$TMP/lab" 2>&1
ok $? "a lab of the version before stands" "$(cat "$TMP/lab")"
for i in 1 2 3; do
	nsenter --net="/run/netns/$LAB-l7-$i" "$B/tests/net/steady" serve $PORT &
	PIDS+=($!)
done
l4 "$OLD/lbtool" -b - <<-END
	pool replace web check tcp port $PORT interval 1s timeout 1s fall 2
	pool add gone table 251 encap gue drain 5m min 2 panic 30 check http host a.example path /x interval 1m
	real add 10.7.9.9 pool gone weight 7
	real add 10.7.9.8 pool gone weight 300 state drain
	node source spread 10.4.200.0/24
	vip add $VIP4:$PORT/tcp pool web session on
	vip add [$VIP6]:$PORT/tcp pool web session on fragments hash
	vip add $VIP4:any/udp pool gone hash src announce always
END
ok $? "and is configured"
nsenter --net="/run/netns/$LAB-l4-1" "$OLD/lbmon" -i "$LAB-l4-1" -alone 2>"$TMP/lbmon" &
mon=$!
PIDS+=("$mon")
healthy() { [ "$(l4 "$1" -j real show | jq '[.[] | select(.health == "'"$2"'")] | length')" = "$3" ]; }
wait_for 30 healthy "$OLD/lbtool" up 3
ok $? "its lbmon finds the reals healthy" "$(cat "$TMP/lbmon")"
coproc HOLD { exec nsenter --net="/run/netns/$LAB-c1" "$B/tests/net/steady" hold $CONNS $PORT $VIP4 $VIP6; }
hold=$HOLD_PID
PIDS+=("$hold")
read -r -t 120 said <&"${HOLD[0]}"
is "$said" "open $CONNS" "connections stand"
sleep 0.5
l4 "$OLD/lbtool" real replace 10.7.1.2 pool web state drain
l4 "$OLD/lbtool" real replace 10.7.2.2 pool web weight 2
l4 "$OLD/lbtool" dev replace eth0 via 10.4.1.1
l4 "$OLD/lbtool" save >"$TMP/was"
l4 "$OLD/lbtool" -d -o dev show | sed 's/prog .* mtu/mtu/' >"$TMP/dev"
l4 "$OLD/lbtool" -d real show >"$TMP/real"
l4 "$OLD/lbtool" digest >"$TMP/digest"
was=$(sessions "$OLD/lbtool")
count
out=$(l4 "$LBTOOL" pool show 2>&1)
is "$? $out" "1 lbtool: pool show: the maps of instance \"$LAB-l4-1\" have ABI version $((VERSION - 1)), this tool has $VERSION: \"lbtool prog reload\" moves what is in them" \
	"another command says what to do"
l4 "$LBTOOL" prog reload
ok $? "prog reload moves all to maps of this version"
like "$(l4 "$LBTOOL" prog show)" " abi $VERSION " "which are pinned now"
is "$(l4 "$LBTOOL" save | diff "$TMP/was" -)" "" "the configuration is the same"
is "$(l4 "$LBTOOL" -d real show | diff "$TMP/real" -)" "" "the reals have their ids and their health"
is "$(l4 "$LBTOOL" -d -o dev show | sed 's/prog .* mtu/mtu/' | diff "$TMP/dev" -)" "" "the device is as it was"
is "$(l4 "$LBTOOL" digest | diff "$TMP/digest" -)" "" "the tables are the same"
ok $((was == 0 || $(sessions "$LBTOOL") < was)) "the drained real has its sessions ($was)"
is "$(find /sys/fs/bpf/lb -name '+*')" "" "nothing stands aside"
sleep 4.3 # a stall is 4
count
is "$said" "broken 0 stalled 0" "no connection broke"

let_go

# What the old lbmon knows holds; a new one takes over.
wait_for 30 grep -q 'moved' "$TMP/lbmon"
ok $? "the old lbmon sees that it is too old" "$(cat "$TMP/lbmon")"
ok "$(grep -c gone "$TMP/lbmon")" "and goes on" "$(cat "$TMP/lbmon")"
kill $mon
nsenter --net="/run/netns/$LAB-l4-1" "$LBMON" -i "$LAB-l4-1" -alone 2>"$TMP/lbmon2" &
PIDS+=($!)
kill "${PIDS[1]}"
wait_for 30 healthy "$LBTOOL" down 1
ok $? "the new one writes health" "$(cat "$TMP/lbmon2"; l4 "$LBTOOL" real show)"

for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null; done
wait

# Killed at any moment of it, with packets for two pools on their way.
config() {
	local i

	for i in 1 2; do
		echo "pool add n1i$i table 251"
		echo "real add 10.1.$i.1 pool n1i$i"
		echo "real add 10.1.$i.2 pool n1i$i weight 2"
		echo "vip add 203.0.113.$i:53/udp pool n1i$i session on"
	done
}

begin_old() {
	old prog load reals 16 vips 8 pools 4 tables 4 sessions 1024 idle-tcp 20m seed 5 && old -b "$TMP/config" && old dev add eth0
}

again_old() {
	lbt dev del eth0
	lbt prog unload
	begin_old
}

# Do packets go on, and only where they should?
flows() {
	local a b

	a=$(shower_report)
	for _ in {1..300}; do
		sleep 0.03
		b=$(shower_report)
		(($(field "net 1" "$b") <= $(field "net 1" "$a"))) || break
	done
	(($(field "net 1" "$b") > $(field "net 1" "$a"))) && [ "$(field wrong "$b")" = 0 ]
}

# whole TOOL: the configuration, and the pinned program is the attached one
whole() {
	"$1" -n "$NS-b" -i "$NS" save | cmp -s - "$TMP/saved" && ! "$1" -n "$NS-b" -i "$NS" dev show | grep -q outdated
}

# A reload to which strace does something at a system call. It sees no other namespaces: there would be more calls.
at_point() { # SYSCALL:N WHAT
	# shellcheck disable=SC2016 # expanded within
	nsenter --net="/run/netns/$NS-b" unshare -m sh -c 'mount -t tmpfs none /run/netns && exec "$@"' sh \
		strace -o "$TMP/strace" -e trace="${1%:*}" -e inject="${1%:*}:$2:when=${1#*:}" \
		"$LBTOOL" -i "$NS" prog reload 2>&1
}

# Moments that chance would rarely find: before the exchange, before and after the swap of the program, and while the rest goes.
POINTS=(renameat2:1 sendto:3 sendto:4 unlink:1 unlinkat:5)

kill_reload() { # [ POINT ]
	local pid

	if [ -n "$1" ]; then
		at_point "$1" signal=KILL
		[ $? = 137 ] || missed="$missed $1"
		return
	fi
	"$LBTOOL" -n "$NS-b" -i "$NS" prog reload &
	pid=$!
	sleep "0.$(printf %06d $((RANDOM * RANDOM % took * 3 / 4 % 1000000)))"
	kill -9 $pid
	wait $pid
}

# Another command does the same.
end_it() { # N
	if [ $(($1 % 2)) = 0 ]; then
		lbt prog reload 2>>"$TMP/notes"
	else
		lbt real replace 10.1.1.1 pool n1i1 weight 5 2>&1 | grep -v 'a reload that was killed' >>"$TMP/notes"
		lbt real replace 10.1.1.1 pool n1i1 weight 1
	fi
}

./lab.sh down -p "$LAB"
pair_up
trap both_down EXIT # pair_up set its own
: >"$TMP/notes"
config >"$TMP/config"
begin_old
old save >"$TMP/saved"
shower_start 2 10000
old receiver add eth0 from 10.77.0.0/16 mss auto
old node drain
node=$(old node show)
old receiver show >"$TMP/receiver"
rx=$(old -j prog show | jq -c '[.[] | select(.prog | startswith("rx")).id]')
chmod 640 "/sys/fs/bpf/lb/$NS/map/meta" "/sys/fs/bpf/lb/$NS/prog/hc"
shower_flows 1000
packets() { "$@" -j stats show vip | jq '.[0].packets'; }
was=$(packets old)
start=${EPOCHREALTIME/./}
lbt prog reload
rc=$? took=$((${EPOCHREALTIME/./} - start))
ok $rc "reload under traffic"
ok $((was == 0 || $(packets lbt) < was)) "counters went on"
is "$(lbt node show)" "$node" "the node is drained as before"
is "$(lbt receiver show | diff "$TMP/receiver" -) $(lbt -j prog show | jq -c '[.[] | select(.prog | startswith("rx")).id]')" " $rx" \
	"a receiver beside it stays"
is "$(cd "/sys/fs/bpf/lb/$NS" && stat -c %a map/meta prog/hc map/pool prog/lb | paste -sd' ')" "640 640 600 600" \
	"who might open the old pins may open the new ones"
lbt receiver del eth0
lbt node ready

# What fails in the middle leaves all as it was.
again_old
out=$(at_point renameat2:1 error=EINVAL)
is "$? $out" "1 lbtool: prog reload: moving the maps of ABI version $((VERSION - 1)): exchanging the pins: Invalid argument" \
	"the pins cannot be exchanged: an error"
out=$(at_point sendto:3 error=EINVAL)
like "$? $out" '^1 lbtool: prog reload: .*Invalid argument' "the device refuses: an error"
whole "$OLD/lbtool" && flows && [ -z "$(find /sys/fs/bpf/lb -name '+*')" ]
ok $? "and all is as it was"
out=$(at_point sendto:7 error=EINVAL)
like "$? $out" '^0 lbtool: prog reload: note: health checks .*Invalid argument' "the filter for checks stays out: a note"
is "$(in_b tc filter show dev eth0 egress)" "" "none is left that knows the old maps"
is "$(lbt dev replace eth0 2>&1; in_b tc filter show dev eth0 egress | grep -c lb_hc)" 1 "and dev replace sets it anew"
again_old

before=0 after=0 mixed=0 astray=0 stuck=0 missed='' moved=''
for ((k = 0; k < KILLS; k++)); do
	[ -z "$moved" ] || again_old
	moved=
	kill_reload "${POINTS[k]-}" 2>/dev/null # the shell says "Killed", too
	flows || astray=$((astray + 1))
	if old save 2>/dev/null | cmp -s - "$TMP/saved"; then
		before=$((before + 1))
		continue
	fi
	after=$((after + 1)) moved=yes
	lbt save | cmp -s - "$TMP/saved" || mixed=$((mixed + 1))
	end_it $k && whole "$LBTOOL" && flows && [ -z "$(find /sys/fs/bpf/lb -name '+*')" ] ||
		stuck=$((stuck + 1))
done
echo "# reload takes $((took / 1000)) ms; $before kills before, $after after"
is "$missed" "" "the moments are what they were"
ok $((after == 0 || before == 0)) "some kills came before the exchange, some after it"
is $mixed 0 "$KILLS kills: always wholly one configuration"
is $astray 0 "$KILLS kills: packets go on"
is "$stuck $(cat "$TMP/notes")" "0 " "$KILLS kills: the next reload ends well"
shower_stop
echo "# $LAST"
is "$(field wrong "$LAST")" 0 "no packet went astray"
plan_done
