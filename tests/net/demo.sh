#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh - a whole data centre on this machine: real HTTP through a real XDP load balancer. Each
# step says what it shows and checks it; the exit status is 0 only when everything was so.
# All of it happens in network namespaces of its own, and is removed at the end, however it ends.
set -eu

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/watch.sh
. "$(dirname "$0")/watch.sh"
LAB=$(dirname "$0")/lab.sh

REQUESTS=6000 DOWNLOADS=40
started=$SECONDS
claims=0 failed=0 removed=no
bold='' good='' bad='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' good=$'\e[32m' bad=$'\e[1;31m' plain=$'\e[0m'
fi

step() { # TITLE MEANING
	printf '\n%s%s%s\n  %s\n\n' "$bold" "$1" "$plain" "$2"
}

# One claim: the command says whether it holds.
claim() { # TEXT COMMAND...
	local text=$1

	shift
	claims=$((claims + 1))
	if "$@"; then
		printf '  %sok%s      %s\n' "$good" "$plain" "$text"
	else
		failed=$((failed + 1))
		printf '  %sFAILED%s  %s\n' "$bad" "$plain" "$text"
	fi
}

# What an L4LB's XDP has counted: packets that ended for the reasons that match the pattern.
xdp_packets() { # NODE PATTERN
	lbt "$1" -j stats show |
		jq "[.[] | select(.why // \"\" | test(\"^($2)\$\")) | .packets] | add // 0"
}

# COUNT requests over one family, each a connection of its own, spread over the clients; who
# answered and whom it saw goes to $TMP/answers.CLIENT.
requests() { # VIP COUNT
	local node pids=() pid each=$((($2 + CLIENTS - 1) / CLIENTS))

	rm -f "$TMP"/answers.*
	for node in $(clients); do
		in_node "$node" curl -sS --no-progress-meter --parallel --parallel-max 20 \
			--max-time 20 "http://$1/[1-$each]" \
			>"$TMP/answers.$node" 2>>"$TMP/errors" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || :; done
	ASKED=$((each * CLIENTS))
	ANSWERED=$(cat "$TMP"/answers.* | wc -l)
}

answers_by() { awk -v n="$1" '$1 == n { c++ } END { print c + 0 }' "$TMP"/answers.*; }

# The share of the table that each real has, as the L4LB says it.
expected_shares() {
	local node

	for node in $(l7lbs); do
		lbt l4-1 -j real show | jq --arg a "$(real_addr "$node")" --arg n "$node" \
			-r '[.[] | {a: .address, s: .slots}] | (map(.s) | add) as $all
			    | .[] | select(.a == $a) | "\($n) \(.s / $all)"'
	done
}

saw_clients() { # did every answer name the address of the client that asked?
	local node address

	for node in $(clients); do
		address=$(if [ "$1" = 6 ]; then addr6 "$node"; else addr4 "$node"; fi)
		awk -v a="$address" '$3 != a { exit 1 } END { if (!NR) exit 1 }' \
			"$TMP/answers.$node" || return 1
	done
}

demo_requests() { # FAMILY VIP
	local node before=$SECONDS

	step "$REQUESTS HTTP requests over IPv$1, each a new connection, to http://$2/" \
		"Every L4LB picks from the same hash table, so the L7LBs get what their weights say."
	requests "$2" "$REQUESTS"
	for node in $(l7lbs); do
		echo "$node $(answers_by "$node")"
	done >"$TMP/got"
	expected_shares >"$TMP/shares"
	bars "$TMP/got" "$TMP/shares" "L7LB"
	claim "all $ASKED requests answered, in $((SECONDS - before)) s" [ "$ANSWERED" = "$ASKED" ]
	claim "spread as expected (chi-square, one false alarm in a million)" \
		spread_is_fair "$TMP/got" "$TMP/shares"
	claim "every L7LB saw the client's own address, not a load balancer's" saw_clients "$1"
}

demo_path() {
	local node seen sent flows packets=0 given=0 unpacked=0

	step "The way of the packets, counted by the router and by XDP" \
		"Requests cross an L4LB, replies do not: so few L4LBs can serve many L7LBs."
	rm -f "$TMP/got" "$TMP/shares"
	printf '  %-7s %12s %18s %18s\n' L4LB connections 'packets given' 'sent on by XDP'
	for node in $(l4lbs); do
		seen=$(watch_packets "to_${node/-/_}")
		sent=$(xdp_packets "$node" 'tx.*')
		flows=$(watch_flows_on "$node")
		printf '  %-7s %12d %18d %18d\n' "$node" "$flows" "$seen" "$sent"
		given=$((given + seen)) packets=$((packets + sent))
		echo "$node $flows" >>"$TMP/got"
		echo "$node $(jq -n "1 / $L4LBS")" >>"$TMP/shares"
	done
	for node in $(l7lbs); do
		unpacked=$((unpacked + $(watch_packets "tunnel_${node/-/_}")))
	done
	printf '\n  %-38s %18d\n' "tunnel packets to the L7LBs" "$unpacked"
	printf '  %-38s %18d\n' "replies, L7LB to client" "$(watch_packets direct)"
	printf '  %-38s %18d\n\n' "replies that met an L4LB" "$(watch_packets astray)"
	claim "the L4LBs share the connections evenly (chi-square)" \
		spread_is_fair "$TMP/got" "$TMP/shares"
	claim "no packet lost: given to L4LBs = sent by XDP = came to L7LBs" \
		all_equal "$given" "$packets" "$unpacked"
	claim "replies went straight from L7LB to client, none by way of an L4LB" \
		replies_are_straight
}

all_equal() { # NUMBER...: and not 0
	local n

	for n; do [ "$n" = "$1" ] || return 1; done
	[ "$1" -gt 0 ]
}

replies_are_straight() {
	[ "$(watch_packets astray)" = 0 ] && [ "$(watch_packets direct)" -gt 0 ]
}

# $DOWNLOADS downloads of /data in the background, half over IPv4 and half over IPv6, from all
# clients: number N has its file in $TMP/dl.N and its head in $TMP/dl.N.head.
downloads_start() { # RATE
	local i node vip list

	rm -f "$TMP"/dl.*
	mapfile -t list < <(clients)
	dl_pids=()
	for ((i = 0; i < DOWNLOADS; i++)); do
		node=${list[i / 2 % CLIENTS]}
		vip=$VIP4
		[ $((i % 2)) = 0 ] || vip="[$VIP6]"
		(exec nsenter --net="$NETNS_DIR/$PREFIX-$node" curl -sS --max-time 60 \
			-D "$TMP/dl.$i.head" -o "$TMP/dl.$i" "http://$vip/data?rate=$1" \
			2>>"$TMP/errors") &
		dl_pids+=($!)
	done
	wait_until downloads_under_way
}

downloads_under_way() {
	[ "$(find "$TMP" -name 'dl.*' ! -name '*.head' -size +0 | wc -l)" = "$DOWNLOADS" ]
}

downloads_live() { # NODE or nothing: how many still run, on that L7LB
	local i n=0

	for ((i = 0; i < DOWNLOADS; i++)); do
		kill -0 "${dl_pids[i]}" 2>/dev/null || continue
		! grep -qs "^X-Real: ${1:-.*}.$" "$TMP/dl.$i.head" || n=$((n + 1))
	done
	echo $n
}

# Waits for all of them, and counts those that came to a good end: complete and unharmed.
downloads_good() {
	local i n=0 sum

	sum=$(sha256sum <"$RUN/www/data")
	for ((i = 0; i < DOWNLOADS; i++)); do
		wait "${dl_pids[i]}" || continue
		[ "$(stat -c %s "$TMP/dl.$i")" = "$SIZE" ] || continue
		[ "$(sha256sum <"$TMP/dl.$i")" != "$sum" ] || n=$((n + 1))
	done
	dl_pids=()
	echo $n >"$TMP/good"
}

downloads_all_good() { # TEXT
	downloads_good
	claim "$1: $(cat "$TMP/good") of $DOWNLOADS complete, by length and SHA-256" \
		[ "$(cat "$TMP/good")" = "$DOWNLOADS" ]
}

set_state() { # L7LB STATE, on every L4LB
	local node

	for node in $(l4lbs); do
		lbt "$node" real replace "$(real_addr "$1")" pool web \
			weight "$(real_weight "$1")" state "$2"
	done
}

demo_drain() {
	local on got=0 asked=0 vip

	step "An L7LB is drained while $DOWNLOADS downloads run" \
		"What it has, it finishes; nothing new comes to it. Now it could be upgraded."
	claim "$DOWNLOADS downloads under way" downloads_start 250k
	on=$(downloads_live l7-1)
	set_state l7-1 drain
	printf '          l7-1 has %s of them; on every L4LB:\n' "$on"
	printf '          lbtool real replace %s pool web ... state drain\n' "$(real_addr l7-1)"
	for vip in "$VIP4" "[$VIP6]"; do
		requests "$vip" 1000
		got=$((got + $(answers_by l7-1)))
		asked=$((asked + ANSWERED))
		claim "$ASKED new requests to $vip answered" [ "$ANSWERED" = "$ASKED" ]
	done
	claim "$got of these $asked came to l7-1" [ "$got" = 0 ]
	claim "its downloads went on meanwhile ($(downloads_live l7-1) of $on)" \
		all_equal "$on" "$(downloads_live l7-1)"
	downloads_all_good "no download broke"
	set_state l7-1 up
	requests "$VIP4" 1000
	claim "set up again, it gets new ones ($(answers_by l7-1) of $ANSWERED)" \
		[ "$(answers_by l7-1)" -gt 0 ]
}

busiest() { watch_flows | cut -d' ' -f1 | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'; }

all_flows_seen() { [ "$(watch_flows_on)" = "$DOWNLOADS" ]; }

# All downloads' packets pass by again, and so many of them (-eq 0, -gt 0) by way of this L4LB.
flows_move() { # NODE -eq|-gt
	sleep 0.3
	watch_forget
	wait_until all_flows_seen && test "$(watch_flows_on "$1")" "$2" 0
}

demo_route() {
	local node on

	step "An L4LB goes, and comes back, while $DOWNLOADS downloads run" \
		"The others have the same table: they send the moved flows where they went before."
	watch_forget
	claim "$DOWNLOADS downloads under way" downloads_start 200k
	claim "the router knows their ways" wait_until all_flows_seen
	node=$(busiest)
	on=$(watch_flows_on "$node")
	route_del "$node"
	printf '          %s carries %d of them; the router has lost its route now\n' "$node" "$on"
	claim "all $DOWNLOADS go on, none through $node: $on connections have moved" \
		flows_move "$node" -eq
	route_add "$node"
	claim "the route is back, and $node has $(flows_back "$node") connections again" \
		[ "$(cat "$TMP/back")" -gt 0 ]
	claim "none has ended meanwhile" all_equal "$DOWNLOADS" "$(downloads_live)"
	downloads_all_good "no download broke, in either change"
}

flows_back() {
	flows_move "$1" -gt || :
	watch_flows_on "$1" | tee "$TMP/back"
}

picture() {
	local i node left right middle n=3

	[ $n -ge "$CLIENTS" ] || n=$CLIENTS
	[ $n -ge "$L4LBS" ] || n=$L4LBS
	printf '  %-16s   %-14s   %s\n\n' clients '    router' 'L4LBs: XDP, the same hash table on each'
	for ((i = 1; i <= n; i++)); do
		left='' right=''
		[ $i -gt 2 ] || left='                  +' right='+'
		[ $i -gt "$CLIENTS" ] || left=$(printf '%-14s ---+' "c$i $(addr4 c$i)")
		[ $i -gt "$L4LBS" ] || right="+--- l4-$i $(addr4 "l4-$i") $(addr6 "l4-$i")"
		case $i in
		1) middle="  .------." ;;
		2) middle="--|  r1  |--" ;;
		3) middle="  '------'" ;;
		*) middle='      |' ;;
		esac
		printf '  %-19s%-12s%s\n' "$left" "$middle" "$right"
	done
	printf '%28s\n' '|'
	for node in $(l7lbs); do
		printf '%28s--- %s %s %s weight %s\n' '+' "$node" "$(addr4 "$node")" \
			"$(addr6 "$node")" "$(real_weight "$node")"
	done
	cat <<-END

	  request   client > router > L4LB =tunnel=> router =tunnel=> L7LB (nginx)
	  reply     client < router < - - - - - - - - - - - - - - - - L7LB
	  VIPs      $VIP4 and $VIP6

	END
}

demo_build() {
	local vip

	step "A data centre in $((1 + CLIENTS + L4LBS + REALS)) network namespaces" \
		"The router spreads flows over the L4LBs (ECMP), they spread them over the L7LBs."
	"$LAB" up -p "$PREFIX" -w 3,2,2,1 "$@"
	load_conf
	watch_start
	picture
	for vip in "$VIP4" "[$VIP6]"; do
		claim "$(in_node c1 curl -sS --max-time 5 "http://$vip/" 2>&1 | tee "$TMP/first")" \
			grep -q '^l7-' "$TMP/first"
	done
}

# Everything that the demo made is gone, as the kernel and the file system say.
nothing_left() {
	local left

	left=$({
		find "$NETNS_DIR" "$BPFFS/lb" /run/lb -maxdepth 1 -name "$PREFIX-*"
		find "$RUN" "$TMP" -maxdepth 0
		grep -F "$PREFIX-" /proc/mounts
		grep -lsF "$RUN" /proc/[0-9]*/cmdline
		[ "$mounted" = "$(stat -f -c %T "$BPFFS" 2>&1)" ] || [ -e "$LAB_ROOT" ] ||
			echo "$BPFFS is $(stat -f -c %T "$BPFFS"), was $mounted"
	} 2>/dev/null || :)
	[ -z "$left" ] || printf '  left behind: %s\n' "${left//$'\n'/, }"
	[ -z "$left" ]
}

clean_up() {
	local pid

	trap '' INT TERM HUP
	for pid in "${dl_pids[@]}"; do kill "$pid" 2>/dev/null || :; done
	"$LAB" down -p "$PREFIX" || :
	rm -rf "$TMP"
	removed=yes
}

at_exit() {
	local status=$?

	trap - EXIT
	[ $removed = yes ] && exit "$status"
	clean_up
	[ "$status" = 0 ] || printf '\ndemo: not finished\n' >&2
	nothing_left || status=1
	exit "$status"
}

while getopts :n:d: opt; do
	case $opt in
	n) need_number requests "$OPTARG" 100 30000; REQUESTS=$OPTARG ;;
	d) need_number downloads "$OPTARG" 8 400; DOWNLOADS=$OPTARG ;;
	*) die "usage: demo.sh [ -n REQUESTS ] [ -d DOWNLOADS ] [ -- options of \"lab.sh up\" ]" ;;
	esac
done
shift $((OPTIND - 1))
need_tools ip nginx ethtool nsenter openssl flock curl jq nft
use_prefix "demo$$"
mounted=$(stat -f -c %T "$BPFFS" 2>&1)
dl_pids=()
TMP=$(mktemp -d)
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

demo_build "$@"
demo_requests 4 "$VIP4"
demo_requests 6 "[$VIP6]"
demo_path
demo_drain
demo_route
step "The end" "All of it is removed again: namespaces, programs, maps, pins, mounts, processes."
clean_up
claim "nothing is left behind" nothing_left
printf '\n%s%d of %d claims hold%s, in %d s\n' "$bold" $((claims - failed)) "$claims" "$plain" \
	$((SECONDS - started))
[ "$failed" = 0 ]
