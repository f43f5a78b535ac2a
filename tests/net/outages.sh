#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# outages.sh - what it costs when this or that dies: on a data centre of three L4LBs, with downloads and new requests
# running, one thing after the other is killed and returned. Prints a table, or with -j JSON, of downloads broken,
# requests failed, and seconds until the router or the tables had changed; the exit status is 0 when all is
# within its limits. Needs root, and about four minutes. All happens in namespaces, and is removed at the end.
#
#   outages.sh [ -j ] [ -d DOWNLOADS ] [ -n REQUESTS-A-SECOND ] [ -k ONLY-STEPS-THAT-MATCH ]
set -eu

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/watch.sh
. "$(dirname "$0")/watch.sh"
# shellcheck source=tests/net/traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=tests/net/build.sh
. "$(dirname "$0")/build.sh"
# shellcheck source=tests/net/bgp.sh
. "$(dirname "$0")/bgp.sh"
# shellcheck source=tests/net/demo_bgp.sh
. "$(dirname "$0")/demo_bgp.sh"
# shellcheck source=tests/net/outages_lib.sh
. "$(dirname "$0")/outages_lib.sh"
LAB=$(dirname "$0")/lab.sh

DOWNLOADS=200 RATE=500 ONLY=. JSON=no
# A download takes twenty seconds, longer than any of the steps.
declare -r BYTES=1600000 PACE=80k
# HEALTH_CHECK is fall 2, interval 500ms: fall x interval + 1 s. Of a killed ExaBGP, the session ends at once; of a
# node that is silent, after BGP's hold time, 3 s here.
declare -r TABLE_LIMIT=2 ROUTE_LIMIT=1 SILENT_LIMIT=4
started=$SECONDS

say() { [ $JSON = yes ] || printf '%s\n' "$*"; }

# One step, in the midst of the traffic. GO and BACK are given NODE; CHANGED and THERE, too, and polled.
step() { # NAME NODE LIMIT GO CHANGED BACK THERE
	local name=$1 node=$2 limit=$3 dead=- begin cut changed back there alive routes own own_broken broken

	[[ $name =~ $ONLY ]] || return 0
	[[ $node != l7-* ]] || dead=$node
	# So many curls need their time.
	WAIT=20 downloads_start $PACE || die "the downloads do not start: $(tail -n 1 "$TMP/errors")"
	routes=$(route_changes)
	begin=$(now)
	sleep 1
	cut=$(now)
	"$4" "$node"
	changed=$(moment 10 "$5" "$node")
	[ "$limit" = - ] || sleep 2
	back=$(now)
	"$6" "$node"
	there=$(moment 30 "$7" "$node")
	[ "$limit" != - ] || there=$changed back=$cut
	sleep 1
	alive=$(downloads_alive "$dead")
	routes=$(($(route_changes) - routes))
	downloads_judge "$dead"
	printf '%s|' "$name" "$node" "$limit" "$begin" "$cut" "${changed:-0}" "$back" "${there:-0}" "$alive" \
		"$routes" "$own" "$own_broken" "$broken" >>"$TMP/steps"
	now >>"$TMP/steps"
	say "  $name ($node): done after $((SECONDS - started)) s"
}

steps() {
	step "kill -9 lbmon" l4-1 - lbmon_dies announced_anew nothing announced_anew
	step "kill -9 exabgp" l4-2 $ROUTE_LIMIT exabgp_dies hop_gone node_restart hop_there
	step "node gone, link down" l4-3 $ROUTE_LIMIT node_dies hop_gone node_boots hop_there
	step "node gone, silent" l4-1 $SILENT_LIMIT swallow hop_gone spit_out hop_there
	step "node drained" l4-2 $ROUTE_LIMIT route_del hop_gone route_add hop_there
	step "backend gone, kill -9" l7-2 $TABLE_LIMIT kill_node out_of_tables start_nginx in_tables
	step "backend gone, link down" l7-3 $TABLE_LIMIT host_dies out_of_tables link_up in_tables
	step "backend without VIP" l7-4 $TABLE_LIMIT vips_del out_of_tables vips_add in_tables
	step "backend without receiver" l7-1 $TABLE_LIMIT receiver_del out_of_tables config_l7lb in_tables
}

# One line of $TMP/steps as JSON, and whether it is within its limits.
row() {
	local name=$1 node=$2 limit=$3 begin=$4 cut=$5 changed=$6 back=$7 there=$8 alive=$9
	local routes=${10} own=${11} own_broken=${12} broken=${13} end=${14} drain=false later=0

	[ "$name" != "node drained" ] || drain=true
	[ "$changed" = 0 ] || later=$(asks "$changed" "$end" failed)
	jq -nc --arg step "$name" --arg node "$node" --arg limit "$limit" '
		def sec(a; b): if b > 0 then (b - a) * 100 | round / 100 else null end;
		{step: $step, node: $node, downloads: '"$DOWNLOADS, broken: $broken, own: $own"',
		 own_broken: '"$own_broken, alive: $alive"',
		 requests: '"$(asks "$begin" "$end" all), failed: $(asks "$begin" "$end" failed)"',
		 failed_later: '"$later"',
		 rate: ('"$(asks "$begin" "$end" all) / ($end - $begin) | round"'),
		 slowest: '"$(slowest_of "$begin" "$end")"',
		 changed: (if $limit == "-" then null else '"sec($cut; $changed)"' end),
		 limit: (if $limit == "-" then null else ($limit | tonumber) end),
		 route_changes: '"$routes, back: sec($back; $there)"'}
		| .good = (.broken == 0 and .requests > 0 and .failed_later == 0 and .back != null
			and .alive + .own >= .downloads - .broken
			and ('$drain' == false or .failed == 0)
			and (if $limit == "-" then .route_changes == 0 and .failed == 0
				else .changed != null and .changed <= .limit end))'
}

rows() {
	local line fields

	while IFS= read -r line; do
		IFS='|' read -ra fields <<<"$line"
		row "${fields[@]}"
	done <"$TMP/steps"
}

table() { # of rows on stdin
	printf '\n%-25s %-5s %10s %9s %9s %7s %7s %8s %8s %6s %7s  %s\n' '' '' downloads 'on a dead' '' '' \
		after slowest changed limit 'back in' ''
	printf '%-25s %-5s %10s %9s %9s %7s %7s %8s %8s %6s %7s\n' "what dies" where broken backend requests \
		failed change s 'after s' s s
	jq -r '[.step, .node, "\(.broken)/\(.downloads - .own)",
		(if .own > 0 then "\(.own_broken)/\(.own)" else "-" end), .requests, .failed, .failed_later,
		.slowest, (.changed // "-"), (.limit // "-"), (.back // "never"),
		(if .good then "ok" else "MISSED" end)] | map(tostring) | join("|")' |
		awk -F'|' '{ printf "%-25s %-5s %10s %9s %9s %7s %7s %8s %8s %6s %7s  %s\n",
			$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 }'
}

report() {
	local good=yes total

	rows >"$TMP/rows"
	jq -se 'length > 0 and all(.good)' "$TMP/rows" >/dev/null || good=no
	total=$(jq -s '(map(.requests) | add) as $n | map(.requests / .rate) | $n / add | round' "$TMP/rows")
	if [ $JSON = yes ]; then
		jq -s . "$TMP/rows"
	else
		table <"$TMP/rows"
		cat <<-END

			$DOWNLOADS downloads at ${PACE}B/s; $RATE requests a second wanted from $CLIENTS clients, $total reached.
			"on a dead backend": broken of those that the backend had when it died. "after change": failed, of
			the requests that began after the change. Checks: "$HEALTH_CHECK".
			kill -9 lbmon: ExaBGP starts it again, the routes stay; "back in": until it has announced anew.
		END
		awk '$2 != 0 { n[$2]++ } END { for (i in n) print "failed, as curl numbers it: " i ", " n[i] " times" }' \
			"$TMP/asked"
		[ $good = yes ] && printf '\nall within limits, in %d s\n' $((SECONDS - started)) ||
			printf '\nnot all within limits\n'
	fi
	[ $good = yes ]
}

at_exit() {
	local status=$? pid

	trap - EXIT
	trap '' INT TERM HUP
	for pid in "${dl_pids[@]}" "${ask_pids[@]}"; do kill "$pid" 2>/dev/null || :; done
	# Not for all children: an ExaBGP that was started again is one, too.
	for pid in "${dl_pids[@]}" "${ask_pids[@]}"; do wait "$pid" 2>/dev/null || :; done
	"$LAB" down -p "$PREFIX" || status=1
	rm -rf "$TMP"
	exit "$status"
}

while getopts :jd:n:k: opt; do
	case $opt in
	j) JSON=yes ;;
	d) need_number downloads "$OPTARG" 8 400; DOWNLOADS=$OPTARG ;;
	n) need_number requests "$OPTARG" 4 5000; RATE=$OPTARG ;;
	k) ONLY=$OPTARG ;;
	*) die "usage: outages.sh [ -j ] [ -d DOWNLOADS ] [ -n REQUESTS-A-SECOND ] [ -k STEPS ]" ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 0 ] || die "\"$1\": not expected"
need_tools ip nginx ethtool nsenter openssl flock bpftool curl jq nft bird exabgp
[ -x "$B/tests/net/asker" ] || die "no $B/tests/net/asker; \"make tests\" builds it"
use_prefix "og$$"
dl_pids=() ask_pids=()
TMP=$(mktemp -d)
: >"$TMP/errors"
: >"$TMP/steps"
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

"$LAB" up -q -p "$PREFIX" -c 4 -l 3 -r 4 -z $BYTES >&2
load_conf
routes_watch
askers_start "$RATE"
say "$DOWNLOADS downloads, $RATE requests a second; a lab of $L4LBS L4LBs and $REALS L7LBs."
sleep 1
steps
# The last requests may fail late.
sleep 8
askers_stop
report
