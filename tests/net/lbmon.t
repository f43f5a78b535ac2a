#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# lbmon.t - lbmon behind a scripted ExaBGP (lbmon.py), on a small data centre: checks through the tunnel, what is announced
# and when, and all that can go wrong on its pipes and with its maps.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
# shellcheck source=tests/net/lib.sh
. ./lib.sh # with lbt() for a lab's nodes
# shellcheck source=tests/net/build.sh
. ./build.sh
need_root
HOPS="next-hop 10.4.1.2 next-hop 2001:db8:4:1::2"
EXA='' JOBS=()
WAIT=20
# So long that a check does not fail because this machine has other work.
CALM=(interval 500ms timeout 500ms rise 2 fall 2)

at_exit() {
	local pid

	for pid in $EXA "${JOBS[@]}" $(cat "$TMP/pid" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
	./lab.sh down -p "$PREFIX"
	rm -rf "$TMP"
}

# lbmon behind the scripted ExaBGP; what it logs is in $TMP/log.
mon_start() { # MODE WORD...
	echo "$1" >"$TMP/mode"
	rm -f "$TMP/status" "$TMP/junk" "$TMP/pid"
	nsenter --net="$NETNS_DIR/$PREFIX-l4-1" python3 ./lbmon.py "$TMP" "$LBMON" -i "$PREFIX-l4-1" \
		"${@:2}" 2>>"$TMP/log" &
	EXA=$!
	wait_until test -s "$TMP/pid"
	MON=$(cat "$TMP/pid")
}

mode() { echo "$1" >"$TMP/mode"; }

# The addresses that this ExaBGP has of it: "46", "4", "6" or "".
rib() {
	awk '/^announce route 203.0.113.10\/32 next-hop 10.4.1.2/ { a = 4 }
		/^announce route 2001:db8:113::10\/128 next-hop 2001:db8:4:1::2/ { b = 6 }
		END { print a b }' "$TMP/rib"
}

rib_is() { [ "$(rib)" = "$1" ]; }

becomes() { # WANTED-RIB TEXT [SECONDS]
	WAIT=${3:-20} wait_until rib_is "$1"
	is "$(rib)" "$1" "$2"
}

logs() { grep -cE "$1" "$TMP/log"; }

logged() { # PATTERN TEXT [SECONDS]
	WAIT=${3:-20} wait_until grep -qE "$1" "$TMP/log"
	ok $? "$2" "$(tail -n 8 "$TMP/log")"
	: >"$TMP/log"
}

fds() { find "/proc/$MON/fd" -mindepth 1 | wc -l; }

fds_are() { [ "$(fds)" = "$1" ]; }

ended() { [ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

slots() { # L7LB
	lbt l4-1 -d -j real show "$(real_addr "$1")" pool web | jq '.[0].slots'
}

slots_zero() { [ "$(slots "$1")" = 0 ]; }
slots_some() { [ "$(slots "$1")" -gt 0 ]; }

real_is() { # L7LB down|up TEXT
	local want=some

	[ "$2" = up ] || want=zero
	wait_until "slots_$want" "$1"
	ok $? "$3" "$(lbt l4-1 -d real show)"
}

vip_off() { ip -n "$PREFIX-$1" addr del "$VIP4/32" dev lo; }
vip_on() { ip -n "$PREFIX-$1" addr add "$VIP4/32" dev lo; }
pool() { lbt l4-1 pool replace web "$@"; }

test_checks() {
	becomes 46 "all well: both VIPs are announced"
	vip_off l7-2
	real_is l7-2 down "the VIP is missing on a real: out of the table"
	logged "address=2001:db8:7:2::2 health=down .*why=.+" "and it is said why"
	like "$(lbt l4-1 -d real show "$(real_addr l7-2)")" 'health down since .* why [^ ]+' "lbtool has the reason"
	pool direct on
	real_is l7-2 up "direct on: its own address answers"
	pool direct off
	real_is l7-2 down "direct off: not through the tunnel"
	vip_on l7-2
	real_is l7-2 up "it has the VIP again: back"
	lbt l7-1 receiver del eth0
	real_is l7-1 down "the receiver is missing"
	becomes 46 "one real is enough to announce"
	config_l7lb l7-1
	real_is l7-1 up "it is back"
}

test_announce() {
	pool min 2
	vip_off l7-2
	becomes "" "min 2 and one real: withdrawn"
	lbt l4-1 vip replace "$VIP4:80/tcp" pool web announce always
	becomes 4 "announce always: this one is announced"
	lbt l4-1 vip replace "$VIP4:80/tcp" pool web announce auto
	becomes "" "announce auto: not any more"
	pool min 1 panic 60
	logged "pool=web panic=on" "panic is said"
	real_is l7-2 up "and all serve"
	becomes 46 "and it is announced"
	vip_on l7-2
	logged "pool=web panic=off" "its end, too"
	pool panic 0
	lbt l4-1 node drain
	wait_until grep -q "med 4294967295 .*65535:0" "$TMP/rib"
	ok $? "drained: announced with GRACEFUL_SHUTDOWN and a high MED" "$(cat "$TMP/rib")"
	becomes "" "then withdrawn"
	lbt l4-1 node ready
	becomes 46 "ready: announced again"
	is "$(grep -c 65535:0 "$TMP/rib")" 0 "without the community"
}

test_answers() {
	mode error
	lbt l4-1 vip replace "$VIP4:80/tcp" pool web announce always
	pool min 3
	logged "exabgp error=refused command=.withdraw route 2001:db8:113::10" "an error is said"
	mode good
	pool min 1
	lbt l4-1 vip replace "$VIP4:80/tcp" pool web announce auto
	# Until it has seen that, it may once more say what was refused.
	logged "route address=2001:db8:113::10 state=announced" "what is wanted by now is seen"
	becomes 46 "after errors, all is as it should be"
	: >"$TMP/junk"
	kill -USR1 $EXA
	WAIT=30 wait_until test -s "$TMP/junk"
	pool min 3
	becomes "" "after 100,000 lines of junk, it is heard and hears"
	pool min 1
	becomes 46 "and again"
}

# An ExaBGP that stands still: lbmon goes on with all the rest.
test_stopped() {
	kill -STOP $EXA
	vip_off l7-2
	real_is l7-2 down "ExaBGP is stopped: the table follows health"
	pool min 2
	sleep 0.7
	vip_on l7-2
	real_is l7-2 up "there and back"
	lbt l4-1 node drain
	sleep 0.5
	kill -CONT $EXA
	becomes "" "it goes on: what is wanted by now is said"
	mode hold
	lbt l4-1 node ready
	pool min 1
	logged "exabgp error=.no answer" "no answer is said" 40
	mode good
	becomes 46 "late answers are not taken for others'"
}

test_maps() {
	lbt l4-1 dev del eth0 >/dev/null
	becomes "" "the program is detached: withdrawn"
	lbt l4-1 prog unload >/dev/null
	logged "maps instance=.* state=gone" "the maps are gone, and it is said"
	config_l4lb l4-1 >/dev/null
	pool check http path / "${CALM[@]}"
	becomes 46 "loaded anew: announced again"
	vip_off l7-1
	real_is l7-1 down "and checked"
	vip_on l7-1
	real_is l7-1 up "both ways"
}

said_of() { # L7LB down|up: of its health, at last
	grep -F "address=$(real_addr "$1") health=" "$TMP/log" | tail -n 1 | grep -q "health=$2"
}

test_flapping() {
	local i before began took

	pool interval 100ms timeout 100ms rise 1 fall 1
	sleep 1.2
	before=$(logs '^table .*rebuilt')
	began=${EPOCHREALTIME/./}
	for i in 1 2 3 4 5 6 7 8; do
		vip_off l7-2
		wait_until said_of l7-2 down
		vip_on l7-2
		wait_until said_of l7-2 up
	done
	i=$(($(logs '^table .*rebuilt') - before)) took=$(((${EPOCHREALTIME/./} - began) / 1000000))
	[ "$i" -ge 1 ] && [ "$i" -le $((took + 2)) ] # 3.2 s where nothing else runs
	ok $? "a flapping real: $i tables in $took s, $(logs '^real .*health=down') times down"
	[ "$(logs '^real .*health=down')" -gt 4 ]
	ok $? "it did flap"
	pool "${CALM[@]}"
	real_is l7-2 up "it calms down"
}

test_end() {
	local begin=${EPOCHREALTIME/./}

	kill -TERM "$MON"
	wait_until test -s "$TMP/status"
	[ $((${EPOCHREALTIME/./} - begin)) -lt 5000000 ]
	ok $? "SIGTERM: it has gone within 5 s"
	is "$(cat "$TMP/rib" "$TMP/status")" 0 "and has withdrawn all"
	wait $EXA
	# shellcheck disable=SC2086 # words
	mon_start deaf $HOPS
	vip_off l7-2
	real_is l7-2 down "nobody reads a full pipe: the checks go on"
	vip_on l7-2
	mode good
	becomes 46 "it is read: announced"
	kill -9 $EXA
	wait $EXA 2>/dev/null
	EXA=''
	wait_until ended "$MON"
	ok $? "the end of its input ends it"
}

once() { in_node l4-1 timeout 60 "$LBMON" -i "$PREFIX-l4-1" -once "$@" 2>>"$TMP/log"; }

test_once() {
	pool interval 3s timeout 3s
	once >"$TMP/once"
	is "$?" 0 "-once: all up"
	is "$(grep -c 'health up' "$TMP/once")" 2 "-once names both"
	vip_off l7-2
	once -json >"$TMP/once"
	is "$?" 1 "-once: one is down"
	is "$(jq -c '[.[].health]' "$TMP/once")" '["up","down"]' "-once -json"
	vip_on l7-2
	pool "${CALM[@]}"
}

digest() { # INSTANCE
	"$LBTOOL" -n "$PREFIX-l4-1" -i "$1" -d -j pool show web | jq -r '.[0].digest'
}

same_digests() { [ "$(digest "$PREFIX-l4-1")" = "$(digest "$PREFIX-x")" ]; }

# sick REAL [ 0|1 ]: what packets read of its health; or writes it there, as who is killed half way would leave it.
sick() {
	local map=/sys/fs/bpf/lb/$PREFIX-l4-1/map/real key value

	key=$(perl -e 'print join " ", unpack "C*", pack "L<", shift' \
		"$(lbt l4-1 -d -j real show "$(real_addr "$1")" | jq '.[0].id')")
	# shellcheck disable=SC2086 # bytes
	value=$(bpftool -j map lookup pinned "$map" key $key | jq -r '.value | map(ltrimstr("0x")) | join(" ")')
	[ $# = 2 ] || { cut -d ' ' -f 37 <<<"$value"; return; }
	# shellcheck disable=SC2086,SC2046
	bpftool map update pinned "$map" key $key value hex $(awk -v to="0$2" '{ $37 = to } 1' <<<"$value")
}

sick_is() { [ "$(sick "$1")" = "0$2" ]; }

# Killed while it writes, and lbtool writes, too: the table is what configuration and health give.
test_killed() {
	local i pid writer

	for ((i = 0; ; i++)); do
		lbt l4-1 real replace "$(real_addr l7-1)" pool web weight $((1 + i % 3))
	done >/dev/null 2>&1 &
	writer=$!
	JOBS+=("$writer")
	pool interval 100ms timeout 100ms rise 1 fall 1
	for i in {1..20}; do
		nsenter --net="$NETNS_DIR/$PREFIX-l4-1" "$LBMON" -i "$PREFIX-l4-1" -alone 2>>"$TMP/log" &
		pid=$!
		sleep "0.$((RANDOM % 2))$((RANDOM % 10))"
		if [ $((i % 2)) = 0 ]; then vip_on l7-2; else vip_off l7-2; fi
		sleep "0.0$((RANDOM % 10))"
		{ kill -9 $pid; wait $pid; } 2>/dev/null
		lbt l4-1 -d pool show >/dev/null || ok 1 "round $i: the maps can be read"
	done
	kill $writer
	wait $writer 2>/dev/null
	pool "${CALM[@]}"
	sick l7-1 1
	sick_is l7-1 1
	ok $? "packets think a healthy real sick"
	nsenter --net="$NETNS_DIR/$PREFIX-l4-1" "$LBMON" -i "$PREFIX-l4-1" -alone 2>>"$TMP/log" &
	JOBS+=($!)
	lbt l4-1 real replace "$(real_addr l7-1)" pool web weight 2
	real_is l7-2 up "lbmon was killed 20 times at work: the last one puts it right"
	wait_until sick_is l7-1 0
	ok $? "and packets know of it"
	# Another instance, of the same configuration, which never knew another.
	"$LBTOOL" -n "$PREFIX-l4-1" -i "$PREFIX-x" prog load reals 64 vips 16 pools 8 tables 4 sessions 0 \
		seed "$(lbt l4-1 -d -j prog show | jq -r '.[0].seed // empty')"
	"$LBTOOL" -n "$PREFIX-l4-1" -i "$PREFIX-x" -b - <<-END2
		pool add web table $TABLE
		real add $(real_addr l7-1) pool web weight 2
		real add $(real_addr l7-2) pool web weight 1
	END2
	like "$(digest "$PREFIX-l4-1")" '^[0-9a-f]{16}$' "it has a table"
	# A pool's table is made anew once a second at the most.
	WAIT=30 wait_until same_digests
	is "$(digest "$PREFIX-l4-1")" "$(digest "$PREFIX-x")" "its table is that of the configuration"
	"$LBTOOL" -n "$PREFIX-l4-1" -i "$PREFIX-x" prog unload >/dev/null
	rm -f "/run/lb/$PREFIX-x.lock"
}

use_prefix "ogm$$"
trap at_exit EXIT
trap 'exit 130' INT TERM
: >"$TMP/log"
# It takes 15 s to say no to a pipe; meanwhile, the rest.
mkfifo "$TMP/pipe"
(
	begin=${EPOCHREALTIME/./}
	"$LBMON" nonsense <>"$TMP/pipe" 2>/dev/null
	echo "$? $(((${EPOCHREALTIME/./} - begin) / 1000000))" >"$TMP/usage"
) &
JOBS+=($!)
"$LBMON" nonsense </dev/null 2>/dev/null
is "$?" 2 "a usage error ends it at once when nobody would start it again"
./lab.sh up -q -B -c 1 -l 1 -r 2 -t 4099 -p "$PREFIX" || exit 1
load_conf
pool check http path / "${CALM[@]}"
# shellcheck disable=SC2086 # words
mon_start good $HOPS damping 100ms drain-community 3s
test_checks
FDS=$(fds)
test_announce
test_answers
test_stopped
test_maps
test_flapping
wait_until fds_are "$FDS"
is "$(fds)" "$FDS" "no descriptor is lost"
test_end
test_once
test_killed
WAIT=30 wait_until test -s "$TMP/usage"
like "$(cat "$TMP/usage")" '^2 (1[5-9]|2[0-9])$' "... and after 15 s when it is a pipe"
plan_done
