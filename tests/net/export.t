#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# export.t - what Prometheus is told, by its own rules and under traffic, and a dashboard that draws nothing else.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
BOARD=$TOP/man/grafana-lb.json
need_root

value() { # METRIC LABELS: of $TMP/out
	awk -v name="$1{lb=\"$NS\"${2:-}}" 'index($0, name " ") == 1 { print $2 }' "$TMP/out"
}

refused() { # SED TEXT: the checker sees the fault
	sed -E "$1" "$TMP/out" | python3 prom.py check >"$TMP/said"
	[ $? = 1 ]
	ok $? "the checker sees $2"
}

pair_up
lbt prog load reals 64 vips 16 pools 16 tables 4 sessions 65536
printf '%s\n' 'pool add web table 251' 'real add 10.1.1.1 pool web' 'real add 10.1.1.2 pool web weight 3 state drain' \
	'vip add 203.0.113.1:53/udp pool web session on' 'vip add [2001:db8:113::1]:443/tcp pool web' >"$TMP/config"
lbt -b "$TMP/config" && lbt dev add eth0 && lbt receiver add eth0 from any
ok $? "a node that balances and receives"
shower_start 1 2000
shower_flows 1000
shower_stop
lbt stats export >"$TMP/out"
ok $? "export"
is "$(python3 prom.py check <"$TMP/out")" "" "it keeps to the format"
refused '1d' "a missing HELP"
refused '/^# TYPE/d' "missing types"
refused 's/^(lb_real_up.*) 1$/\1 1\n\1 1/' "a line twice"
refused 's/_total /_sum /' "a counter of another name"
refused 's/(lb_commits_total.lb)=/\1/' "a label without a value"
if command -v promtool >/dev/null; then
	said=$(promtool check metrics <"$TMP/out" 2>&1)
	ok $? "promtool has no objection" "$said"
fi
sent=$(field sent "$LAST")
is "$(value lb_vip_packets_total ',vip="203.0.113.1:53/udp",pool="web"')" "$sent" "packets of a service"
is "$(value lb_real_packets_total ',real="10.1.1.1",pool="web"')" "$sent" "packets of a real"
is "$(value lb_real_bytes_total ',real="10.1.1.1",pool="web"')" $((sent * 58)) "and bytes"
is "$(value lb_why_packets_total ',why="tx"')" "$sent" "packets of a reason"
is "$(value lb_vip_session_misses_total ',vip="203.0.113.1:53/udp",pool="web"')" "$sent" "misses"
is "$(value lb_session_entries)" "$(lbt -j session stats | jq '.[0].used')" "entries of the session cache"
is "$(value lb_real_slots ',real="10.1.1.1",pool="web"')" 251 "the one real that is up has all slots"
is "$(value lb_real_slots ',real="10.1.1.2",pool="web"')" 0 "the draining one has none"
is "$(value lb_real_state ',real="10.1.1.2",pool="web",state="drain"')" 1 "and is said to drain"
is "$(value lb_dev_attached ',dev="eth0",mode="native"')" 1 "the device"
is "$(value lb_pool_info ",pool=\"web\",digest=\"$(lbt -j -d pool show | jq -r '.[0].digest')\"")" 1 "the digest of the pool"
is "$(grep -c '^lb_why_packets_total' "$TMP/out")" "$(lbt -j -d stats show why | jq length)" "all reasons"
is "$(grep -c '^lb_rx_packets_total' "$TMP/out")" "$(lbt -j -d stats show rx | jq length)" "those of the receiver"

ln -s out "$TMP/lb.prom"
lbt stats export to "$TMP/lb.prom"
ok $? "to a file"
# The kernel's own packets, ARP and the like, are counted whenever they come; where the exports before and
# after are alike, so is the one between.
for _ in {1..20}; do
	lbt stats export >"$TMP/first"
	lbt stats export to "$TMP/lb.prom"
	lbt stats export | cmp -s "$TMP/first" && break
done
is "$(diff "$TMP/first" "$TMP/lb.prom")" "" "which has the same"
rm "$TMP/first"
is "$(stat -c '%a %F' "$TMP/lb.prom")" "644 regular file" "all may read it, and it took the place of what was there"
is "$(cd "$TMP" && echo lb.prom*)" lb.prom "nothing else is left"
is "$(lbt stats export to "$TMP" 2>&1 | sed 's/[^:]*$//')" "lbtool: stats export: to \"$TMP\": cannot rename to it:" \
	"not where a directory is"
is "$(echo "$TMP".*)" "$TMP.*" "nor is anything left beside it"

is "$(python3 prom.py dashboard "$BOARD" "$TMP/out")" "" "the dashboard draws what there is"
sed 's/lb_real_slots/lb_real_slot/; s/by (why)/by (whyever)/' "$BOARD" >"$TMP/board"
like "$(python3 prom.py dashboard "$TMP/board" "$TMP/out")" 'no metric has the label whyever.*|not exported: lb_real_slot' \
	"a metric or label that there is not is seen"
lbt receiver del eth0
lbt dev del eth0
is "$(lbt stats export | grep -c '^lb_dev_attached')" 0 "a device that is detached is none any more"
plan_done
