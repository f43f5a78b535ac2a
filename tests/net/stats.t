#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stats.t - counters and rates under steady traffic, against what the sender says that it sent.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
VIPS=4 RATE=5000
need_root

config() {
	local i

	for ((i = 1; i <= VIPS; i++)); do
		echo "pool add p$i table 251"
		echo "real add 10.1.$i.1 pool p$i"
		echo "real add 10.1.$i.2 pool p$i"
		echo "vip add 203.0.113.$i:53/udp pool p$i session $([ $i = 1 ] && echo off || echo on)"
	done
}

sum() { # KEY: of the stats in JSON on stdin
	jq "map(.$1 // 0) | add"
}

is_near() { # GOT WANTED: within a tenth
	jq -en "$2 > 0 and ($1 - $2 | fabs) * 10 <= $2" >/dev/null
}

near() { # GOT WANTED TEXT
	is_near "$1" "$2"
	ok $? "$3" "got $1, wanted about $2"
}

of() { # FILE WHAT: the lines of one kind
	jq "map(select(.$2))" "$TMP/$1"
}

pair_up
lbt prog load reals 64 vips 16 pools 16 tables 4 sessions 1048576
config >"$TMP/config"
lbt -b "$TMP/config" && lbt dev add eth0
ok $? "$VIPS services, one of them without sessions"
shower_start $VIPS $RATE
shower_flows 1000
# On a machine with other work the shower's pace need not be even: what it was just outside the two seconds is in one rate
# and not in the other. So up to ten times.
for _ in {1..10}; do
	first=$(field sent "$(shower_report)") began=$(date +%s%N)
	lbt -j stats show rate 2s >"$TMP/rate"
	last=$(field sent "$(shower_report)") ended=$(date +%s%N)
	rate=$(((last - first) * 1000000000 / (ended - began)))
	! is_near "$(of rate vip | sum packets_per_s)" "$rate" || break
done
shower_stop
lbt -j stats show >"$TMP/all"
near "$(of rate vip | sum packets_per_s)" "$rate" "packets a second of the services are those that were sent"
near "$(of rate real | sum packets_per_s)" "$rate" "those of the reals, too"
near "$(of rate vip | sum bytes_per_s)" $((rate * 58)) "bytes a second"
is "$(of rate why | jq -r '.[].why' | grep -v ^pass)" tx "of the reasons, tx"
is "$(jq -c 'map(keys - ["vip", "real", "pool", "why"] | .[]) | unique' "$TMP/rate")" \
	'["bytes_per_s","hits_per_s","misses_per_s","packets_per_s"]' "rates are shown, and no sums"
is "$(jq -c 'map(.packets_per_s | type) | unique' "$TMP/rate")" '["number"]' "they are numbers"

sent=$(field sent "$LAST")
is "$(of all vip | sum packets)" "$sent" "each packet is counted for its service"
is "$(of all real | sum packets)" "$sent" "and for its real"
is "$(of all vip | jq 'map(has("hits")) | map(tostring) | join(" ")')" '"false true true true"' \
	"hits and misses are shown where there are sessions"
is "$(of all vip | jq 'map(select(has("hits")) | .packets == .hits + .misses) | all')" true \
	"every packet was a hit or a miss"
is "$(lbt -j stats show vip 203.0.113.2 | jq '.[0].misses')" \
	"$(lbt -j session show pool p2 | sum entries)" "a miss for each flow, when all found room in the cache"
is "$(lbt -j stats show vip rate 100ms | sum packets_per_s)" 0 "afterwards all stands still"
is "$(lbt stats show why rate 100ms | grep '^why tx')" "" "reasons that did not occur meanwhile are hidden"
like "$(lbt stats show why tx rate 100ms)" '^why tx packets_per_s 0.000 bytes_per_s 0.000$' "but not when named"
is "$(lbt -j stats show rx 2>&1 | head -c 7)" "lbtool:" "without a receiver there are no counters of one"
lbt dev del eth0
plan_done
