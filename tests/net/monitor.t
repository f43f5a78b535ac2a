#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# monitor.t - `lbtool monitor`: packets that really came, shown as they were treated; listeners that end, die, are
# paused or too many; `monitor events`: what changes while it runs.
set -u
. "$(dirname "$0")/tap.sh"

VIP=203.0.113.10
NOBODY=203.0.113.11 # its pool is empty

# listen FILE WORDS...: a listener in the background, PID in $LAST_PID, its output in $TMP/FILE.
listen() {
	local file=$1
	shift
	# Not lbt(): $! would be a shell's.
	"$LBTOOL" -n "$NS-b" -i "$NS" "$@" >"$TMP/$file" 2>"$TMP/$file.err" &
	LAST_PID=$!
	PIDS+=("$LAST_PID")
}

watch() { # the word of meta that packets look at
	bpftool -j map lookup pinned "/sys/fs/bpf/lb/$NS/map/meta" key 0 0 0 0 |
		jq '[.value[40:44][] | ltrimstr("0x")] | reverse | join("") | ltrimstr("000000")' -r
}

watched() { [ "$(watch)" != 00 ]; }
unwatched() { [ "$(watch)" = 00 ]; }

# So many listeners, each with a good part of its lease before it.
listening() { # N
	[ "$(bpftool -j map dump pinned "/sys/fs/bpf/lb/$NS/map/listener" | python3 -c 'import json, sys, time
least = time.monotonic_ns() + 200000000
print(sum(int.from_bytes(bytes(int(b, 16) for b in e["value"][:8]), "little") > least for e in json.load(sys.stdin)))')" = "$1" ]
}

# What `monitor events` says is awaited: it says nothing of when it begins to look.
eventful() { # COMMAND...
	lbt node drain
	lbt node ready
	"$@"
}

lines() { [ "$(wc -l <"$TMP/$1")" -ge "$2" ]; } # FILE N
drops() { [ "$(grep -c drop_no_service "$TMP/$1")" = "$2" ]; } # FILE N
lines_of() { wc -l <"$TMP/$1"; }
ended() { ! kill -0 "$1" 2>/dev/null; }

# udp ADDRESS PORT N: N datagrams, each of a socket of its own when N is small, so of a flow of its own.
udp() {
	in_a python3 -c '
import socket, sys
addr, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for i in range(n):
    if i < 20:
        s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"x" * 10, (addr, port))' "$@"
}

stop() { # PID: as Ctrl-C does; its status in $RC
	kill -INT "$1"
	wait "$1"
	RC=$?
}

set_up() {
	pair_up
	lbt prog load reals 64 vips 64 pools 8 tables 4 sessions 1024 seed 1
	printf '%s\n' 'pool add web' 'pool add empty' 'real add 10.0.0.2 pool web' 'real add 10.0.0.3 pool web' \
		"vip add $VIP:53/udp pool web" "vip add $NOBODY:53/udp pool empty" \
		'vip add [2001:db8:113::10]:53/udp pool web' | lbt -batch -
	lbt dev add eth0
	wait_for 20 lbt get "198.51.100.7:1" "$VIP:53/udp"
	wait_for 20 resolved
	ok $? "a pair of hosts, and next hops that are resolved"
}

resolved() { lbt get 198.51.100.7:1 "$VIP:53/udp" | grep -q ' why tx '; }

one_by_one() {
	local line words

	is "$(watch)" 00 "nobody listens: packets are told so"
	listen m monitor
	wait_for 20 watched
	ok $? "somebody listens: packets are told so"
	udp $VIP 53 1
	udp $NOBODY 53 1
	udp $VIP 54 1
	udp 2001:db8:113::10 53 1
	in_a ping -c 1 -W 10 $VIP >/dev/null
	wait_for 20 lines m 5
	ok $? "each is shown at once" "$(cat "$TMP/m")"
	line=$(sed -n 1p "$TMP/m")
	like "$line" "^20[0-9-]*T[0-9:]*\.[0-9]{6}Z 10\.9\.0\.1:[0-9]+ $VIP:53/udp len 38 in eth0 why tx vip $VIP:53/udp \
pool web slot [0-9]+ real 10\.0\.0\.[23] by table encap ipip src 10\.9\.0\.2 dst 10\.0\.0\.[23] \
lladdr [0-9a-f:]{17} dev eth0$" "a forwarded packet"
	read -ra words <<<"${line%% why *}"
	is "$(lbt get "${words[@]:1}" | grep -o ' slot.* by ')" "$(grep -o ' slot.* by ' <<<"$line")" \
		"its words can be typed behind get, which says the same"
	like "$(sed -n 2p "$TMP/m")" " $NOBODY:53/udp len 38 in eth0 why drop_no_real vip $NOBODY:53/udp pool empty$" \
		"a dropped one"
	like "$(sed -n 3p "$TMP/m")" " $VIP:54/udp len 38 in eth0 why drop_no_service$" "one without a service"
	like "$(sed -n 4p "$TMP/m")" " \[2001:db8:9::1\]:[0-9]+ \[2001:db8:113::10\]:53/udp len 58 .* encap ipip " "IPv6"
	like "$(sed -n 5p "$TMP/m")" " 10\.9\.0\.1 $VIP/icmp len 84 in eth0 why tx_echo$" "a ping"
	udp 10.9.0.2 9 1
	sleep 0.3
	lines m 6
	is $? 1 "what is not for a VIP is not shown"
	stop "$LAST_PID"
	is "$RC" 0 "Ctrl-C ends it well"
	is "$(cat "$TMP/m.err")" "" "and in silence"
	is "$(watch)" 00 "nobody listens any more"
}

chosen() {
	listen a monitor why drop
	listen b -j monitor vip $VIP from 10.9.0.0/24
	listen c monitor why pass_no_vip count 2
	local c=$LAST_PID
	listen d monitor vip $VIP:53/udp why drop
	wait_for 20 listening 4
	udp $VIP 53 3
	udp $VIP 54 2
	udp $NOBODY 53 1
	udp 10.9.0.2 9 2
	wait_for 20 lines b 5
	is "$(grep -o 'why [a-z_]*' "$TMP/a" | sort | uniq -c | xargs)" "1 why drop_no_real 2 why drop_no_service" \
		"by reason"
	is "$(jq -r '.why' "$TMP/b" | sort | uniq -c | xargs)" "2 drop_no_service 3 tx" "by VIP and client, an object a line"
	is "$(jq -r 'select(.why == "tx") | .vip, .pool, .encap, .dev' "$TMP/b" | sort -u | xargs)" \
		"$VIP:53/udp eth0 ipip web" "with the words of the text as keys"
	wait_for 20 ended "$c"
	wait "$c"
	is "$? $(grep -c pass_no_vip "$TMP/c")" "0 2" "an end after so many"
	is "$(cat "$TMP/d")" "" "by service, too"
	stop "${PIDS[-4]}"
	stop "${PIDS[-3]}"
	stop "${PIDS[-1]}"
	is "$(watch)" 00 "the last one has gone"
}

# Of 20,000 forwarded ones about 200 (deviation 14), and all the drops.
sampled() {
	local n

	listen m monitor sample 100 rate 100000
	wait_for 20 watched
	udp $VIP 53 20000
	udp $VIP 54 100
	wait_for 20 drops m 100
	ok $? "all drops"
	n=$(grep -c 'why tx ' "$TMP/m")
	[ "$n" -gt 120 ] && [ "$n" -lt 290 ]
	ok $? "one in a hundred of the others" "$n of 20000"
	stop "$LAST_PID"
}

all_told() { [ "$(jq -s 'map(if .why then 1 else .lost // 0 end) | add' "$TMP/m")" = 3000 ]; }

limited() {
	local shown lost begin most

	listen m -j monitor rate 80
	wait_for 20 watched
	begin=$SECONDS
	udp $VIP 54 3000
	wait_for 20 all_told
	stop "$LAST_PID"
	most=$((80 * (SECONDS - begin + 4)))
	shown=$(jq -s 'map(select(.why)) | length' "$TMP/m")
	lost=$(jq -s 'map(.lost // 0) | add' "$TMP/m")
	is $((shown + lost)) 3000 "shown and lost are all that came" "$shown and $lost"
	[ "$shown" -ge 10 ] && [ "$shown" -lt $most ] && [ "$shown" -lt 2000 ]
	ok $? "not more than the rate" "$shown"
}

# Who is killed holds its place for 2 s, and the next packet clears the word.
killed() {
	listen m monitor sample 1000
	wait_for 20 watched
	kill -9 "$LAST_PID"
	wait "$LAST_PID" 2>/dev/null
	sleep 2.2
	udp $VIP 54 1
	wait_for 20 unwatched
	is "$(watch)" 00 "a killed listener is forgotten"
}

paused() {
	listen m monitor
	wait_for 20 watched
	kill -STOP "$LAST_PID"
	sleep 2.2
	udp $VIP 54 1
	wait_for 20 unwatched
	is "$(watch)" 00 "who is stopped does not listen"
	kill -CONT "$LAST_PID"
	wait_for 20 watched
	udp $VIP 54 1
	wait_for 20 lines m 1
	ok $? "and listens again when it goes on"
	stop "$LAST_PID"
}

each_told() { [ "$(cat "$TMP"/m[1-8] | wc -l)" = 8 ]; }

crowd() {
	local i first

	for i in 1 2 3 4 5 6 7 8; do
		listen "m$i" monitor
	done
	first=${PIDS[-8]}
	wait_for 20 listening 8
	is "$(lbt monitor count 1 2>&1)" "lbtool: monitor: 8 others listen already, and no more can" "places are eight"
	udp $VIP 54 1
	wait_for 20 lines m8 1
	wait_for 20 each_told
	is "$(cat "$TMP"/m[1-8] | wc -l)" 8 "and each is told"
	kill -9 "$first"
	wait "$first" 2>/dev/null
	sleep 2.2
	listen m monitor count 1
	wait_for 20 listening 8
	udp $VIP 54 1
	wait_for 20 lines m 1
	ok $? "the place of a killed one is free again"
	for i in "${PIDS[@]: -8:7}"; do
		stop "$i"
	done
}

readers() {
	(
		"$LBTOOL" -n "$NS-b" -i "$NS" monitor 2>"$TMP/m.err"
		echo "status $?" >"$TMP/status"
	) | head -n 1 >"$TMP/m" &
	PIDS+=($!)
	wait_for 20 watched
	udp $VIP 54 1
	wait_for 20 test -s "$TMP/status"
	is "$(cat "$TMP/status") $(cat "$TMP/m.err")" "status 0 " "it ends well when nobody reads any more"
	is "$(wc -l <"$TMP/m")" 1 "which had what it wanted"
	"$LBTOOL" -n "$NS-b" -i "$NS" monitor events >/dev/full 2>"$TMP/m.err" &
	local pid=$!
	PIDS+=("$pid")
	wait_for 20 eventful ended "$pid"
	wait "$pid"
	is "$? $(cat "$TMP/m.err")" "1 lbtool: monitor events: cannot write the output: No space left on device" \
		"a full disk is a failure"
}

news() { # FILE without the times
	sed -E 's/^[^ ]+ //; s/[0-9a-f:]{17}$/MAC/; s/[0-9a-f:]{17}/MAC/g' "$TMP/$1"
}

health() { # REAL STATE: as lbmon writes it, with the time 0
	local id

	id=$(lbt -j -d real show "$1" | jq '.[0].id')
	# shellcheck disable=SC2046,SC2012 # bytes
	bpftool map update pinned "/sys/fs/bpf/lb/$NS/map/health" key "$id" 0 0 0 value "$2" 0 0 0 0 0 0 0 \
		0 0 0 0 0 0 0 0 $(printf 'no luck' | od -An -v -tu1 -w48) $(yes 0 | head -n 41)
}

# step TEXT WANTED COMMAND...: what it is told of the command.
step() {
	local text=$1 wanted=$2 had

	shift 2
	had=$(wc -l <"$TMP/e")
	"$@" >/dev/null
	[ -z "$wanted" ] || wait_for 20 lines e $((had + $(wc -l <<<"$wanted")))
	sleep 0.5
	is "$(news e | tail -n +$((had + 1)))" "$wanted" "$text"
}

events() {
	ip link add eth1 netns "$NS-b" type veth peer name eth1 netns "$NS-a"
	ip -n "$NS-b" addr add 10.8.0.2/24 dev eth1
	ip -n "$NS-b" link set eth1 up
	ip -n "$NS-a" link set eth1 up
	ip -n "$NS-b" neigh add 10.8.0.9 lladdr 02:00:00:00:00:09 dev eth1
	listen e monitor events
	local pid=$LAST_PID
	wait_for 20 eventful lines e 2
	still 1 lines_of e
	step "a commit" "config real add 10.0.0.4 pool web weight 1 state up" lbt real add 10.0.0.4 pool web
	step "nothing changed, nothing said" "" lbt real replace 10.0.0.4 pool web weight 1
	step "health" "real 10.0.0.4 pool web health down was unknown why no luck" health 10.0.0.4 2
	step "and back" "real 10.0.0.4 pool web health up was down why no luck" health 10.0.0.4 1
	step "a drained node" "config node drain" lbt node drain
	step "a node that is ready" "config node ready" lbt node ready
	step "a route" "route 10.0.0.4 via 10.8.0.9 dev eth1 was_via 10.9.0.1 was_dev eth0" \
		ip -n "$NS-b" route add 10.0.0.4 via 10.8.0.9
	step "a neighbour that moves" "neigh 10.8.0.9 dev eth1 lladdr MAC was_lladdr MAC" \
		ip -n "$NS-b" neigh replace 10.8.0.9 lladdr 02:00:00:00:00:19 dev eth1
	step "a neighbour that is lost" "neigh 10.8.0.9 dev eth1 unresolved was_lladdr MAC" \
		ip -n "$NS-b" neigh del 10.8.0.9 dev eth1
	step "no carrier" "dev eth1 link down" ip -n "$NS-a" link set eth1 down
	step "a carrier" "dev eth1 link up" ip -n "$NS-a" link set eth1 up
	step "another mode" "dev eth0 prog attached mode generic" lbt dev replace eth0 mode generic
	step "no program" "dev eth0 prog detached" lbt dev del eth0
	step "a program on a device" "dev eth0 prog attached mode native" lbt dev add eth0
	step "no route" "route 10.0.0.4 none was_via 10.8.0.9 was_dev eth1" \
		ip -n "$NS-b" route replace unreachable 10.0.0.4
	step "a deleted real" "config real del 10.0.0.4 pool web" lbt real del 10.0.0.4 pool web
	stop "$pid"
	is "$RC" 0 "Ctrl-C ends it well"
}

unloaded() {
	listen m monitor
	local pid=$LAST_PID
	wait_for 20 listening 1
	listen e monitor events
	wait_for 20 eventful lines e 2
	lbt dev del eth0
	lbt prog unload
	wait_for 20 ended "$pid"
	wait "$pid"
	is "$? $(cat "$TMP/m.err")" "1 lbtool: monitor: instance \"$NS\" was unloaded" "unloaded while it listens"
	wait "$LAST_PID"
	is "$? $(cat "$TMP/e.err")" "1 lbtool: monitor events: instance \"$NS\" was unloaded" "and while it waits for events"
}

need_root
set_up
one_by_one
chosen
sampled
limited
killed
paused
crowd
readers
events
unloaded
plan_done
