# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# demo_bgp.sh - the part of demo.sh in which things die: backends, ExaBGP, whole L4LBs, and the router
# and the tables follow. Downloads and new requests run all the while.

now() { echo "$EPOCHREALTIME"; }

seconds() { # FROM TO: the time between, in seconds
	jq -n "$2 - $1 | . * 100 | round / 100"
}

within() { jq -en "$1 <= $2" >/dev/null; }

demo_routes() {
	local took

	step "The router learns the VIPs by BGP" \
		"lbmon on each L4LB says to ExaBGP when it is ready to serve, ExaBGP to the router."
	{
		ip -n "$PREFIX-r1" -4 route show "$VIP4"
		ip -n "$PREFIX-r1" -6 route show "$VIP6"
	} | sed 's/^/          /'
	took=$(jq -n "$(cat "$RUN/r1/took") / 1000")
	claim "$L4LBS next hops for each VIP, $took s after ExaBGP was started" all_hops
}

# All slots of a real, of the tables of all L4LBs.
slots_of() { # L7LB
	local node

	for node in $(l4lbs); do
		lbt "$node" -d -j real show pool web
	done | jq -s --arg real "$(real_addr "$1")" \
		'flatten | map(select(.real == $real) | .slots) | add'
}

slots_are() { test "$(slots_of "$1")" "$2" 0; } # L7LB -eq|-gt

# Ends all that runs in a node, as a power cut would.
kill_node() { # NODE
	local pid

	for pid in $(ip netns pids "$PREFIX-$1"); do kill -9 "$pid" 2>/dev/null || :; done
}

demo_backend() {
	local node=l7-2 killed changed back refused

	step "The nginx of an L7LB is killed while downloads and new requests run" \
		"lbmon sees it through the tunnel, and the tables change: \"${HEALTH_CHECK}\"."
	asks_start 50
	claim "$DOWNLOADS downloads under way" downloads_start 150k
	printf '          %s has %s of them, and %s slots of the %s tables; kill -9 now\n' "$node" \
		"$(downloads_live $node)" "$(slots_of $node)" "$L4LBS"
	killed=$(now)
	kill_node $node
	claim "no L4LB's table has $node any more" wait_until slots_are $node -eq
	changed=$(now)
	sleep 2
	refused=$(asks "$killed" "$changed" failed)
	claim "that took $(seconds "$killed" "$changed") s (fall x interval + 1 s = 2 s)" \
		within "$(seconds "$killed" "$changed")" 2
	back=$(now)
	claim "of $(asks "$changed" "$back" all) requests after that none failed ($refused before)" \
		none_failed "$changed" "$back"
	start_nginx $node
	claim "started again, it is in all tables again" wait_until slots_are $node -gt
	back=$(now)
	sleep 1
	claim "... and gets its share: $(asks "$back" "$(now)" $node) of $(asks "$back" "$(now)" all)" \
		[ "$(asks "$back" "$(now)" $node)" -gt 0 ]
	downloads_good $node
	claim "no request failed in this change either, of $(asks "$changed" "$(now)" all)" \
		none_failed "$changed" "$(now)"
	asks_stop
	claim "no download broke but its own: $(cat "$TMP/good") of $(cat "$TMP/could") complete" \
		all_equal "$(cat "$TMP/good")" "$(cat "$TMP/could")"
}

none_failed() { # FROM TO
	[ "$(asks "$1" "$2" failed)" = 0 ] && [ "$(asks "$1" "$2" all)" -gt 0 ]
}

# The downloads that the router has seen since watch_forget, by their ports.
downloads_by() { # NODE, or nothing for all
	watch_flows | awk -v n="${1:-}" '(n == "" || $1 == n) && $3 < 32768 { c++ } END { print c + 0 }'
}

busiest() {
	watch_flows | awk '$3 < 32768 { print $1 }' | sort | uniq -c | sort -rn |
		awk 'NR == 1 { print $2 }'
}

downloads_seen() { [ "$(downloads_by)" = "$DOWNLOADS" ]; }

# All downloads' packets pass by again, and so many of them (-eq 0, -gt 0) by way of this L4LB.
downloads_move() { # NODE -eq|-gt
	sleep 0.3
	watch_forget
	wait_until downloads_seen && test "$(downloads_by "$1")" "$2" 0
}

# What all steps with L4LBs have in common: it goes, its downloads are carried by others; it comes back.
node_goes() { # NODE GO-COMMAND SECONDS
	local on gone begin

	watch_forget
	wait_until downloads_seen || :
	on=$(downloads_by "$1")
	begin=$(now)
	"$2" "$1"
	claim "$1 carries $on downloads; the router has lost its routes" wait_until hop_gone "$1"
	gone=$(now)
	claim "that took $(seconds "$begin" "$gone") s" within "$(seconds "$begin" "$gone")" "$3"
	claim "all $DOWNLOADS downloads go on, none by way of $1: $on have moved" \
		downloads_move "$1" -eq
}

node_comes() { # NODE COME-COMMAND
	local begin

	begin=$(now)
	"$2" "$1"
	claim "$1 is back after $(seconds "$begin" "$(now)") s" wait_until hop_there "$1"
	claim "... and carries $(flows_back "$1") downloads" [ "$(cat "$TMP/back")" -gt 0 ]
}

flows_back() {
	downloads_move "$1" -gt || :
	downloads_by "$1" | tee "$TMP/back"
}

exabgp_dies() { kill -9 "$(cat "$RUN/$1/exabgp.pid")"; }

node_dies() {
	ip -n "$PREFIX-$1" link set eth0 down
	kill_node "$1"
}

node_boots() {
	link_up "$1"
	node_restart "$1"
}

# One step while downloads and requests run.
node_step() { # NODE GO SECONDS COME
	local begin

	begin=$(now)
	node_goes "$1" "$2" "$3"
	node_comes "$1" "$4"
	claim "of $(asks "$begin" "$(now)" all) new requests meanwhile none failed" \
		none_failed "$begin" "$(now)"
	claim "no download has broken: $(downloads_live) of $DOWNLOADS go on, the others are complete" downloads_unbroken
}

demo_nodes() {
	local node begin

	[ "$L4LBS" -gt 1 ] || return 0
	asks_start 50
	begin=$(now)
	watch_forget
	step "An L4LB's ExaBGP is killed while $DOWNLOADS downloads and new requests run" \
		"Its routes go with the session. The others have the same table: no flow changes its L7LB."
	claim "$DOWNLOADS downloads under way" downloads_start 70k
	wait_until downloads_seen || :
	node=$(busiest)
	node_step "$node" exabgp_dies 1 node_restart
	step "A whole L4LB dies: its link is down, its processes are gone" \
		"The router sees the link; where it cannot, BGP's hold time ends the session, 3 s here."
	node=l4-$(($(node_number "$node") % L4LBS + 1))
	node_step "$node" node_dies 3 node_boots
	step "An L4LB is drained and returned" \
		"lbtool node drain: lbmon withdraws. Now it could be upgraded. lbtool node ready."
	node=l4-$(($(node_number "$node") % L4LBS + 1))
	node_step "$node" route_del 2 route_add
	downloads_all_good "no download broke, in any of this"
	# Those that waited for a dead L4LB have come to their end, too, by now.
	claim "of $(asks "$begin" "$(now)" all) requests none failed; the slowest took $(slowest) s" \
		none_failed "$begin" "$(now)"
	asks_stop
}

slowest() { awk '$3 > max { max = $3 } END { print max + 0 }' "$TMP/asked"; }
