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
# shellcheck source=tests/net/traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=tests/net/build.sh
. "$(dirname "$0")/build.sh"
# shellcheck source=tests/net/bgp.sh
. "$(dirname "$0")/bgp.sh"
# shellcheck source=tests/net/demo_bgp.sh
. "$(dirname "$0")/demo_bgp.sh"
LAB=$(dirname "$0")/lab.sh

REQUESTS=6000 DOWNLOADS=40
declare -A sent_before # by XDP of each L4LB, before the router counted
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
		jq "[.[] | select(.why) | select(.why | test(\"^($2)\$\")) | .packets] | add // 0"
}

# The share of the table that each real has, as the L4LB says it.
expected_shares() {
	local node

	for node in $(l7lbs); do
		lbt l4-1 -d -j real show pool web | jq -r --arg real "$(real_addr "$node")" \
			--arg name "$node" '(map(.slots) | add) as $all | .[]
			| select(.real == $real) | "\($name) \(.slots / $all)"'
	done
}

demo_requests() { # FAMILY VIP
	local node before=$SECONDS

	step "$REQUESTS HTTP requests over IPv$1, each a new connection" \
		"All L4LBs have the same hash table; an L7LB gets what its weight says."
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
	local node seen sent flows other packets=0 given=0 unpacked=0 others=0 known own

	step "The way of the packets, counted by the router and by XDP" \
		"Requests cross an L4LB, replies do not: so few L4LBs can serve many L7LBs."
	rm -f "$TMP/got" "$TMP/shares"
	printf '  %-7s %12s %17s %17s %17s\n' L4LB connections 'packets given' 'sent on by XDP' \
		'passed on'
	for node in $(l4lbs); do
		seen=$(watch_packets "to_${node/-/_}")
		sent=$(($(xdp_packets "$node" 'tx.*') - ${sent_before[$node]}))
		other=$(xdp_packets "$node" '(pass|drop).*')
		flows=$(watch_flows_on "$node")
		printf '  %-7s %12d %17d %17d %17d\n' "$node" "$flows" "$seen" "$sent" "$other"
		given=$((given + seen)) packets=$((packets + sent)) others=$((others + other))
		echo "$node $flows" >>"$TMP/got"
		echo "$node $(jq -n "1 / $L4LBS")" >>"$TMP/shares"
	done
	for node in $(l7lbs); do
		unpacked=$((unpacked + $(watch_packets "tunnel_${node/-/_}")))
	done
	known=$(watch_packets answers bgp)
	own=$(watch_packets own)
	printf '\n  %-38s %17d\n' "tunnel packets to the L7LBs" "$unpacked"
	printf '  %-38s %17d\n' "replies, L7LB to client" "$(watch_packets direct)"
	printf '  %-38s %17d\n' "replies that met an L4LB" "$(watch_packets astray)"
	printf '  %-38s %17d\n' "answers to checks, and BGP" "$known"
	printf '  %-38s %17d\n\n' "packets to the VIPs by L4LBs themselves" "$own"
	claim "the L4LBs share the connections evenly (chi-square)" \
		spread_is_fair "$TMP/got" "$TMP/shares"
	claim "no packet lost: given to L4LBs = sent by XDP = came to L7LBs" \
		none_lost "$given" "$packets" "$unpacked" "$own"
	claim "XDP saw requests, lbmon's and ExaBGP's packets, and hardly anything else" \
		[ "$others" -lt $((known + 100 * L4LBS + given / 100)) ]
	claim "replies went straight from L7LB to client, none by way of an L4LB" \
		replies_are_straight
}

# XDP has sent on, too, some of what the L4LBs themselves said to a VIP: it goes on while we count.
none_lost() { # GIVEN SENT CAME OWN
	[ "$1" -gt 0 ] && [ "$1" = "$3" ] && [ "$2" -ge "$1" ] && [ "$2" -le $(($1 + $4)) ]
}

all_equal() { # NUMBER...: and not 0
	local n

	for n; do [ "$n" = "$1" ] || return 1; done
	[ "$1" -gt 0 ]
}

replies_are_straight() {
	[ "$(watch_packets astray)" = 0 ] && [ "$(watch_packets direct)" -gt 0 ]
}

downloads_all_good() { # TEXT
	downloads_good
	claim "$1: $(cat "$TMP/good") of $DOWNLOADS complete, SHA-256 right" \
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
	claim "$DOWNLOADS downloads under way" downloads_start 150k
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

xdp_drops() {
	local node n=0

	for node in $(l4lbs); do n=$((n + $(xdp_packets "$node" 'drop.*'))); done
	echo $n
}

demo_upload() {
	local arrived

	step "Uploads: the packets fill the links, and a tunnel makes them longer" \
		"The receiver on the L7LB lowers the MSS, so that every packet fits."
	arrived=$(uploads_good)
	claim "$arrived of $((2 * CLIENTS)) uploads of $SIZE bytes complete, by SHA-256" \
		[ "$arrived" = $((2 * CLIENTS)) ]
	claim "XDP dropped nothing, neither now nor before ($(xdp_drops) packets)" \
		[ "$(xdp_drops)" = 0 ]
}

picture() {
	local i node left right middle n=3

	[ "$n" -ge "$CLIENTS" ] || n=$CLIENTS
	[ "$n" -ge "$L4LBS" ] || n=$L4LBS
	printf '  %-16s   %-14s   %s\n\n' clients '    router' \
		'L4LBs: XDP, the same hash table on each'
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
	  routes    router <=BGP= ExaBGP < lbmon, on each L4LB
	  VIPs      $VIP4 and $VIP6

	END
}

demo_build() {
	local vip node

	step "A data centre, each node a network namespace, each link a subnet" \
		"The router spreads flows over the L4LBs (ECMP), these over the L7LBs."
	"$LAB" up -q -p "$PREFIX" -w 3,2,2,1 "$@"
	load_conf
	[ "$BGP" = yes ] || die "the demo shows BGP: not with -B or -b"
	watch_start
	for node in $(l4lbs); do sent_before[$node]=$(xdp_packets "$node" 'tx.*'); done
	picture
	demo_routes
	for vip in "$VIP4" "[$VIP6]"; do
		claim "$(in_node c1 curl -sS --max-time 5 "http://$vip/" 2>&1 | tee "$TMP/first")" \
			grep -q '^l7-' "$TMP/first"
	done
}

# Everything that the demo made is gone, as the kernel and the file system say.
nothing_left() {
	local left

	left=$({
		find "$NETNS_DIR" "$BPFFS" "$BPFFS/lb" /run/lb -maxdepth 1 -name "$PREFIX-*"
		find "$RUN" "$TMP" -maxdepth 0
		grep -F "$PREFIX-" /proc/mounts
		grep -lsF -e "$RUN/" -e "$PREFIX-" /proc/[0-9]*/cmdline
		[ "$mounted" = "$(stat -f -c %T "$BPFFS" 2>&1)" ] || [ -e "$LAB_ROOT" ] ||
			echo "$BPFFS is $(stat -f -c %T "$BPFFS"), was $mounted"
	} 2>/dev/null || :)
	[ -z "$left" ] || printf '  left behind: %s\n' "${left//$'\n'/, }"
	[ -z "$left" ]
}

clean_up() {
	local pid

	trap '' INT TERM HUP
	for pid in "${dl_pids[@]}" "${ask_pids[@]}"; do kill "$pid" 2>/dev/null || :; done
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
need_tools ip nginx ethtool nsenter openssl flock bpftool curl jq nft bird exabgp
use_prefix "demo$$"
mounted=$(stat -f -c %T "$BPFFS" 2>&1)
dl_pids=() ask_pids=()
TMP=$(mktemp -d)
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

demo_build "$@"
if [ "$failed" = 0 ]; then
	demo_requests 4 "$VIP4"
	demo_requests 6 "[$VIP6]"
	demo_path
	demo_drain
	demo_upload
	demo_backend
	demo_nodes
else
	printf '\nIt does not work at all: no use going on.\n'
fi
if [ "$failed" != 0 ] && [ -s "$TMP/errors" ]; then
	printf '\nWhat curl complained of:\n'
	sort "$TMP/errors" | uniq -c | sort -rn | head -5
fi
step "The end" "All is removed: namespaces, programs, maps, pins, mounts, processes."
clean_up
claim "nothing is left behind" nothing_left
printf '\n%s%d of %d claims hold%s, in %d s\n' "$bold" $((claims - failed)) "$claims" "$plain" \
	$((SECONDS - started))
[ "$failed" = 0 ]
