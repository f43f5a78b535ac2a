#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# restore.t - restore of 4,096 VIPs with one change: what it asks of the kernel, counted by strace, and what of the maps is
# another after it. That it stores to nothing else, too, tests/packet/test_lb_stores.c sees.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
POOLS=64 REALS=8 SLOTS=4093
need_root
trap 'lbt_here prog unload; rm -rf "$TMP" "/run/lb/$NS.lock"; rmdir /run/lb 2>/dev/null' EXIT
trap 'exit 130' INT TERM

# No device, and so no namespaces.
lbt_here() { "$LBTOOL" -i "$NS" "$@"; }

config() {
	local p r v

	for ((p = 0; p < POOLS; p++)); do
		echo "pool add p$p table $SLOTS"
		for ((r = 1; r <= REALS; r++)); do echo "real add 10.1.$p.$r pool p$p weight 10"; done
	done
	for ((v = 0; v < 4096; v++)); do
		if ((v % 2)); then
			echo "vip add 203.0.$((v / 256)).$((v % 256)):443/tcp pool p$((v % POOLS))"
		else
			echo "vip add [2001:db8::$v]:443/tcp pool p$((v % POOLS))"
		fi
	done
}

snapshot() { python3 ./snapshot.py take "$NS" "$TMP/$1"; }

# Elements that differ between two snapshots, map by map: "pool 1 real 1"; nothing without any.
differ() { python3 ./snapshot.py differ "$TMP/$1" "$TMP/$2"; }

# restore FILE: milliseconds in $MS.
restore() {
	local begin=${EPOCHREALTIME/./}

	lbt_here restore "$1" || return
	MS=$(((${EPOCHREALTIME/./} - begin) / 1000))
}

# traced FILE: how often it waited for packets in $BARRIERS, updated maps by calls in $UPDATES.
traced() {
	strace -f -o "$TMP/trace" -e trace=bpf,membarrier "$LBTOOL" -i "$NS" restore "$1" || return
	BARRIERS=$(grep -c membarrier "$TMP/trace")
	UPDATES=$(grep -cE 'BPF_MAP_(UPDATE|DELETE)' "$TMP/trace")
	return 0
}

config >"$TMP/typed"
lbt_here prog load pools 256 vips 4096 reals 4096 tables 16
restore "$TMP/typed"
ok $? "4,096 VIPs, $POOLS pools, $((POOLS * REALS)) reals are restored"
echo "# all new: $MS ms"
lbt_here save >"$TMP/first"
sed 's/^\(real add 10.1.7.3 .*\) weight 10/\1 weight 11/' "$TMP/first" >"$TMP/weight"
sed 's/^\(vip add 203.0.7.9:.*\) session on/\1 session off/' "$TMP/first" >"$TMP/setting"
is "$(diff "$TMP/first" "$TMP/weight" | grep -c '^>') $(diff "$TMP/first" "$TMP/setting" | grep -c '^>')" "1 1" \
	"files with one line changed"
# Twice, so that both halves hold the same, and both of the services but for one setting.
lbt_here vip replace 203.0.7.11:443/tcp pool p11 session off && lbt_here vip replace 203.0.7.11:443/tcp pool p11 session on
lbt_here pool replace p0 min 2 && lbt_here pool replace p0 min 1 && lbt_here pool replace p1 min 2 &&
	lbt_here pool replace p1 min 1 && lbt_here pool replace p1 min 2 && lbt_here pool replace p1 min 1
restore "$TMP/first"
lbt_here save | cmp - "$TMP/first"
ok $? "what is loaded is what is saved"

snapshot a
traced "$TMP/first"
is "$? $BARRIERS $UPDATES" "0 0 0" "restore of what is loaded waits for nobody and updates nothing"
snapshot b
is "$(differ a b)" "" "and no map is another after it"
restore "$TMP/first"
echo "# nothing changed: $MS ms"
restore "$TMP/typed"
snapshot c
is "$(differ a c)" "" "nor does another way to write the same"

traced "$TMP/setting"
is "$? $BARRIERS $UPDATES" "0 1 0" "one setting of a VIP: one grace period, no call a map"
snapshot d
# The pool: its other half had min 2.
is "$(differ c d)" "meta 1 service4 2 pool 1" "one setting of a VIP: its bucket, and that of the setting before"
traced "$TMP/first"
snapshot e
is "$(differ d e)" "meta 1" "and back: the other half has it so"
restore "$TMP/setting"
echo "# one setting of a VIP: $MS ms"
restore "$TMP/first"

snapshot f
traced "$TMP/weight"
is "$? $BARRIERS $UPDATES" "0 1 0" "one weight: one grace period, no call a map"
snapshot g
like "$(differ f g)" "^meta 1 pool 1 table ([0-9]+) real 1\$" "one weight: one pool, one real, one table"
ok $((BASH_REMATCH[1] > (SLOTS + 15) / 16)) "which is $(((SLOTS + 15) / 16)) lines at most"
traced "$TMP/first"
snapshot h
is "$(differ g h)" "meta 1 pool 1" "and back: its table stands there still"
restore "$TMP/weight"
echo "# one weight: $MS ms"
lbt_here save | cmp - "$TMP/weight"
ok $? "it is in force"
plan_done
