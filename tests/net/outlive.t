#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# outlive.t - outlive.sh in short: two reals drained at once, alone and while a node goes, and a flood of SYNs.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root
trap 'rm -rf "$TMP"' EXIT

CONNS=300 FLOOD=300000 ./outlive.sh -q >"$TMP/said" 2>&1
rc=$?
row() { awk -v what="$1" 'index($0, what "  ") == 1 { print $(NF - 2), $(NF - 1), $NF }' "$TMP/said"; }
read -r nothing cache both <<<"$(row two-drained)"
ok $((${nothing:-0} == 0)) "two reals drained: without help some connections break ($nothing)" "$(cat "$TMP/said")"
is "$cache $both" "0 0" "with the session cache none, nor with the second hop"
read -r nothing cache both <<<"$(row 'two-drained, a node gone')"
ok $((${cache:-0} == 0)) "a node gone as well: the cache alone is not enough ($nothing, $cache)"
is "$both" 0 "with the second hop none breaks"
like "$(tail -n 1 "$TMP/said")" 'broken 0 stalled 0' "a flood of SYNs breaks none"
ok $rc "and makes no entry in the session caches" "$(cat "$TMP/said")"
plan_done
