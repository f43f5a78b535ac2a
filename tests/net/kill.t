#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kill.t - kill -9 of lbtool at random moments of a batch of more than 500 lines, under traffic: each time the
# configuration is wholly the old or wholly the new one, no packet goes to a place of neither, and the next command works.
# KILLS says how often.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
KILLS=${KILLS:-20}
VIPS=50
need_root

# Configuration N: VIP i goes to pool nNiI with four reals 10.N.i.1-4, of various weights.
config() { # N
	local i x

	for ((i = 1; i <= VIPS; i++)); do
		echo "pool add n${1}i$i table 4093"
		for x in 1 2 3 4; do
			echo "real add 10.$1.$i.$x pool n${1}i$i weight $x"
		done
	done
}

vips() { # N VERB
	local i

	for ((i = 1; i <= VIPS; i++)); do echo "vip $2 203.0.113.$i:53/udp pool n${1}i$i"; done
}

drop() { # N
	config "$1" | sed -E 's/add/del/; s/ (weight|table) .*//' | sort -r
}

show() {
	lbt pool show && lbt real show && lbt vip show
}

# The net of all packets that came within the next moment, or when they do; they may be of one configuration only.
net_now() {
	local a b

	a=$(shower_report)
	for _ in {1..300}; do
		sleep 0.03
		b=$(shower_report)
		[ "$(field received "$a")" = "$(field received "$b")" ] || break
	done
	for net in 1 2; do
		[ "$(field "net $net" "$a")" = "$(field "net $net" "$b")" ] || echo $net
	done
}

pair_up
lbt prog load reals 1000 vips 100 pools 200 tables 40 sessions 4096
{ config 1 && vips 1 add; } >"$TMP/first"
{ config 2 && vips 2 replace && drop 1; } >"$TMP/to2"
{ config 1 && vips 1 replace && drop 2; } >"$TMP/to1"
lbt -b "$TMP/first" && lbt dev add eth0
ok $? "the first configuration is written"
like "$(wc -l <"$TMP/to2")" '^[5-9][0-9][0-9]$' "the batch has 500 lines and more"
show >"$TMP/is1"
lbt -b "$TMP/to2" && show >"$TMP/is2" && lbt -b "$TMP/to1" && show | cmp - "$TMP/is1"
ok $? "two batches lead there and back"
start=${EPOCHREALTIME/./}
lbt -b "$TMP/to2" && lbt -b "$TMP/to1"
whole=$(((${EPOCHREALTIME/./} - start) / 2))

shower_start $VIPS 20000
shower_flows 5000
is "$(net_now)" 1 "packets go where the first configuration says"

now=1 latest=$whole moved=0 mixed=0 stuck=0 astray=0
for ((k = 0; k < KILLS; k++)); do
	next=$((3 - now))
	# Not through lbt(): the kill would hit a shell.
	"$LBTOOL" -n "$NS-b" -i "$NS" -b "$TMP/to$next" 2>"$TMP/err" &
	pid=$!
	usleep=$((RANDOM * RANDOM % latest))
	sleep "$((usleep / 1000000)).$(printf %06d $((usleep % 1000000)))"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	show >"$TMP/is"
	if cmp -s "$TMP/is" "$TMP/is$next"; then
		now=$next
		moved=$((moved + 1))
		latest=$((latest * 3 / 4 + 1000))
	elif ! cmp -s "$TMP/is" "$TMP/is$now"; then
		mixed=$((mixed + 1))
		cp "$TMP/is" "$TMP/mixed"
	fi
	# About as many come too late as do not, whatever else the machine does.
	[ $now = $next ] || latest=$((latest * 5 / 4))
	[ "$(net_now)" = $now ] || astray=$((astray + 1))
	lbt real replace 10.$now.1.1 pool n${now}i1 weight 9 &&
		lbt real replace 10.$now.1.1 pool n${now}i1 weight 1 && show | cmp -s - "$TMP/is$now" ||
		stuck=$((stuck + 1))
done
is $mixed 0 "$KILLS kills: always wholly one configuration"
is $stuck 0 "$KILLS kills: the next command works"
is $astray 0 "$KILLS kills: all packets go where the configuration in force says"
ok $((moved == 0 || moved == KILLS)) "some batches came before the kill, some did not" "$moved of $KILLS did"
shower_stop
is "$(field wrong "$LAST")" 0 "no packet went to a place of neither configuration"
is "$(field received "$LAST")" "$(field sent "$LAST")" "none was lost"
echo "# batch of $(wc -l <"$TMP/to2") lines takes $((whole / 1000)) ms; $moved of $KILLS kills came too late; $LAST"
lbt dev del eth0
plan_done
