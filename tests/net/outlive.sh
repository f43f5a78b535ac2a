#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# outlive.sh [ -q ] - connections while the pool changes, and while a node goes right after it.
#
# 3 nodes, 8 reals, CONNS connections (1000), half of them over IPv6, each of which sends every 100 ms. For each change:
# how many are reset, or silent for 4 s, with nothing to help them, with the session cache, and with the second hop as well.
# The caches keep what they know from one change to the next, as anywhere: connections use ports of older ones.
# Then a flood of FLOOD SYNs (10 million), each from another source. Status 0: with the second hop none broke, and without
# any help some did; the flood broke none and made no entry. -q: two changes and a small flood, for outlive.t.
set -u
cd "$(dirname "$0")" || exit 1

quick=
[ "${1:-}" != -q ] || quick=yes
LAB=${LAB:-outlive$$} TOP=$(cd ../.. && pwd)
B=${B:-$TOP/build}
CONNS=${CONNS:-1000} FLOOD=${FLOOD:-10000000}
VIP4=203.0.113.10 VIP6=2001:db8:113::10 PORT=7
NODES="l4-1 l4-2 l4-3" REALS=8
SETTLE=${SETTLE:-6} # seconds from the change to the count: a stall is 4
tmp=$(mktemp -d)
pids=()

down() {
	trap '' INT TERM
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
	wait 2>/dev/null
	./lab.sh down -p "$LAB"
	rm -rf "$tmp"
}
trap down EXIT
trap 'exit 130' INT TERM

everywhere() { # LINES of a batch
	local node

	for node in $NODES; do
		"$B/lbtool" -n "$LAB-$node" -i "$LAB-$node" -batch - <<<"$1" || exit 1
	done
}

real() { echo "10.7.$1.2"; }

# All reals but the last, which is there to be added, up and of one weight; nothing left of the change before.
reset() { # ENCAP SESSION
	local i

	everywhere "pool replace web encap $1 drain 0s
		$(for ((i = 1; i < REALS; i++)); do echo "real replace $(real $i) pool web weight 1 state up"; done)
		real replace $(real $REALS) pool web state down
		vip replace $VIP4:$PORT/tcp pool web session $2
		vip replace [$VIP6]:$PORT/tcp pool web session $2"
	everywhere "pool replace web drain 60s"
}

change() { # NAME
	case $1 in
	drained) everywhere "real replace $(real 1) pool web state drain" ;;
	added) everywhere "real replace $(real $REALS) pool web state up" ;;
	weights) everywhere "real replace $(real 2) pool web weight 3
		real replace $(real 3) pool web weight 2" ;;
	two-drained) everywhere "real replace $(real 1) pool web state drain
		real replace $(real 2) pool web state drain" ;;
	esac
}

hold() {
	coproc HOLD { exec nsenter --net="/run/netns/$LAB-c1" "$B/tests/net/steady" hold "$CONNS" $PORT $VIP4 $VIP6; }
	pids+=("$HOLD_PID")
	read -r -t 120 said <&"${HOLD[0]}" && [ "$said" = "open $CONNS" ] || exit 1
	sleep 1 # so that each has been heard of by the cache
}

count() { # sets said
	echo >&"${HOLD[1]}"
	read -r -t 120 said <&"${HOLD[0]}" || exit 1
}

let_go() {
	local pid=$HOLD_PID

	eval "exec ${HOLD[1]}>&-"
	wait "$pid" 2>/dev/null
}

# Sets lost to those that broke or stalled.
try() { # CHANGE NODE-TOO ENCAP SESSION
	local broken stalled

	reset "$3" "$4"
	hold
	count
	change "$1"
	# After the change: then the other nodes hear of these flows for the first time when the table has moved.
	[ "$2" = no ] || ./lab.sh withdraw -p "$LAB" l4-1
	sleep "$SETTLE"
	count
	let_go
	[ "$2" = no ] || ./lab.sh announce -p "$LAB" l4-1
	read -r _ broken _ stalled <<<"$said"
	lost=$((broken + stalled))
}

entries() { # in the caches of all nodes
	local node

	for node in $NODES; do
		"$B/lbtool" -n "$LAB-$node" -i "$LAB-$node" -j session stats | jq '.[0].used'
	done | awk '{ n += $1 } END { print n + 0 }'
}

./lab.sh up -p "$LAB" -B -q -c 1 -l 3 -r $REALS -f 4 >"$tmp/lab" 2>&1 || { cat "$tmp/lab"; exit 1; }
# IPv6's ECMP leaves out who does not answer the router's neighbour discovery, as under a flood: the flows then have
# entries at other nodes, too, which the flood did not make.
for node in $NODES; do
	mac=$(ip -n "$LAB-$node" -j link show eth0 | jq -r '.[0].address')
	for addr in "10.4.${node#l4-}.2" "2001:db8:4:${node#l4-}::2"; do
		ip -n "$LAB-r1" neigh replace "$addr" lladdr "$mac" dev "$node" nud permanent || exit 1
	done
done
for ((i = 1; i <= REALS; i++)); do
	nsenter --net="/run/netns/$LAB-l7-$i" "$B/lbtool" -i "$LAB-l7-$i" receiver replace eth0 from 10.4.0.0/16 \
		from 2001:db8:4::/48 from 10.7.0.0/16 || exit 1
	nsenter --net="/run/netns/$LAB-l7-$i" "$B/tests/net/steady" serve $PORT &
	pids+=($!)
done
everywhere "vip add $VIP4:$PORT/tcp pool web
	vip add [$VIP6]:$PORT/tcp pool web"

bad=0
printf '%-32s %8s %8s %8s\n' "of $CONNS connections lost" nothing cache second-hop
for node_too in no yes; do
	for what in drained added weights two-drained; do
		[ -z "$quick" ] || [ "$what" = two-drained ] || continue
		row=()
		for how in "ipip off" "ipip on" "gue on"; do
			# shellcheck disable=SC2086
			try $what $node_too $how
			row+=("$lost")
		done
		[ $node_too = no ] || what="$what, a node gone"
		printf '%-32s %8s %8s %8s\n' "$what" "${row[@]}"
		[ "${row[0]}" -gt 0 ] && [ "${row[2]}" = 0 ] || bad=1
		[ $node_too = yes ] || [ "${row[1]}" = 0 ] || bad=1
	done
done

reset ipip on
hold
count
before=$(entries)
nsenter --net="/run/netns/$LAB-c1" "$B/tests/net/steady" flood "$FLOOD" $PORT $VIP4
count
after=$(entries)
echo "a flood of $FLOOD SYNs: $said; entries of the session caches before $before, after $after"
[ "$said" = "broken 0 stalled 0" ] && [ "$before" -ge "$CONNS" ] && [ "$after" = "$before" ] || bad=1
let_go
exit $bad
