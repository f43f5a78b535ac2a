#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# top.t - the live picture in a terminal: its size, keys, and that the terminal is as before, however it ends.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

top() { # ROWS COLS KEYS END: the end in $TMP/end, the screen in $TMP/screen
	python3 top.py "$1" "$2" "$3" "$4" "$LBTOOL" -i "$NS" top rate "${RATE:-200ms}" >"$TMP/said"
	head -n 1 "$TMP/said" >"$TMP/end"
	tail -n +2 "$TMP/said" >"$TMP/screen"
}

widest() {
	awk '{ if (length > n) n = length } END { print n }' "$TMP/screen"
}

pair_up
lbt prog load reals 64 vips 64 pools 8 tables 4 sessions 1024
{
	echo 'pool add web table 251'
	for i in {1..9}; do
		echo "vip add 203.0.113.$i:53/udp pool web"
		echo "real add 10.1.1.$i pool web"
	done
	for i in {10..40}; do
		echo "real add 10.1.1.$i pool web state drain"
	done
} >"$TMP/config"
lbt -b "$TMP/config" && lbt dev add eth0
ok $? "9 services, 40 reals"
shower_start 3 2000
shower_flows 1000

RATE=1s top 24 80 - q
is "$(cat "$TMP/end")" "exit 0 raw True restored True" "q ends it"
is "$(wc -l <"$TMP/screen")" 24 "24 lines"
ok "$([ "$(widest)" -le 80 ]; echo $?)" "of at most 80 columns" "$(cat "$TMP/screen")"
like "$(cat "$TMP/screen")" 'VIP 1-[0-9]+ of 9 .*REAL 1-[0-9]+ of 40 .*DROPPED' "what does not fit is told"
like "$(grep '^10.1.1.1 ' "$TMP/screen")" 'web +up +unknown \[#\.{9}\] +1[01]\.[0-9]% +[1-9]' "a real: state, health, share, rate"
top 24 80 h q
like "$(grep -m 1 '^10\.' "$TMP/screen")" '^10.1.1.10 +web +drain' "h: those that do not serve first"
top 24 80 jj q
like "$(grep -m 1 '^10\.' "$TMP/screen")" '^10.1.1.3 ' "j j: two lines further"
top 24 80 jjk q
like "$(grep -m 1 '^10\.' "$TMP/screen")" '^10.1.1.2 ' "k: one back"
top 24 80 R q
is "$(wc -l <"$TMP/screen") $(($(widest) <= 60))" "10 1" "it follows the terminal's size"
for size in "1 1" "2 10" "5 300" "200 80"; do
	# shellcheck disable=SC2086 # two words
	top $size - q
	is "$(cat "$TMP/end")" "exit 0 raw True restored True" "any size: $size"
done
for sig in 1 2 3 15; do
	top 24 80 - $sig
	is "$(cat "$TMP/end")" "signal $sig raw True restored True" "signal $sig ends it, the terminal is restored"
done
shower_stop

lbt top rate 100ms >"$TMP/out"
is "$(grep -c '^10\.' "$TMP/out") $(grep -c '^203\.' "$TMP/out")" "40 9" "without a terminal: all of it, once"
is "$(tr -d '[:print:]\n' <"$TMP/out" | wc -c)" 0 "in plain text"
lbt dev del eth0
plan_done
