#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fragments.t - datagrams of 8 KB in fragments, which a router throws to any of three nodes, each fragment anew. By the
# addresses alone (fragments hash) they come whole, but to another real than their flow. Tracked, they meet at one
# node, follow the first of them and so their flow, in any order.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

LAB=frag$$
VIP4=203.0.113.10
VIP6=2001:db8:113::10
NODES="l4-1 l4-2 l4-3"
REALS="l7-1 l7-2 l7-3"
N=${N:-60}
SIZE=8192

cleanup() {
	trap '' INT TERM
	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	./lab.sh down -p "$LAB"
	rm -rf "$TMP"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

at() { # NODE COMMAND...
	nsenter --net="/run/netns/$LAB-$1" "${@:2}"
}

everywhere() { # LINES of a batch
	local node

	for node in $NODES; do
		"$LBTOOL" -n "$LAB-$node" -i "$LAB-$node" -b - <<<"$1" || return
	done
}

vips() { # VERB WORD...
	everywhere "vip $1 $VIP4:53/udp pool web session on ${*:2}
		vip $1 [$VIP6]:53/udp pool web session on ${*:2}"
}

peers() { # VERB FAMILY
	local node

	everywhere "$(for node in $NODES; do
		if [ "$2" = 4 ]; then echo "node peer $1 10.4.${node#l4-}.2"; else
			echo "node peer $1 2001:db8:4:${node#l4-}::2"; fi
	done)"
}

count() { # REASON: all nodes together
	local node

	for node in $NODES; do
		"$LBTOOL" -n "$LAB-$node" -i "$LAB-$node" -d stats show
	done | awk -v why="$1" '$1 == "why" && $2 == why { n += $4 } END { print n + 0 }'
}

big() { # VIP ORDER [ HOW MANY ]
	at c1 python3 fragments.py "$1" 53 "${3:-$N}" $SIZE "$2"
}

# At least that many percent come whole, and with their flow, where a third would by chance; a machine with other work gets
# three tries.
mostly() { # VIP ORDER PERCENT TEXT
	local said whole flow

	for _ in 1 2 3; do
		said=$(big "$1" "$2")
		read -r _ whole _ flow _ <<<"$said"
		[ $((flow * 100)) -lt $((N * $3)) ] || break
	done
	ok $((whole * 100 < N * $3 || flow * 100 < N * $3)) "$4: $said, of $N" "wanted $3 percent"
	percent "$4"
}

percent() { # WHAT: of what $said counts
	awk -v n="$N" -v what="$1" '{ printf "# %s: whole %.0f %%, with their flow %.0f %%\n", what, $2 * 100 / n, $4 * 100 / n }' <<<"$said"
}

# Each fragment to any of the nodes, whatever its addresses.
scatter() {
	local i=0 node family

	for node in $NODES; do
		i=$((i + 1))
		ip -n "$LAB-r1" -4 route add $VIP4 via 10.4.$i.2 table 10$i
		ip -n "$LAB-r1" -6 route add $VIP6 via 2001:db8:4:$i::2 table 10$i
		for family in -4 -6; do
			ip -n "$LAB-r1" $family rule add fwmark $i table 10$i
		done
	done
	at r1 nft -f - <<-END
	table inet scatter {
		chain in {
			type filter hook prerouting priority -400;
			ip daddr $VIP4 ip frag-off & 0x3fff != 0 meta mark set numgen random mod 3 offset 1
			ip6 daddr $VIP6 exthdr frag exists meta mark set numgen random mod 3 offset 1
		}
	}
	END
}

# The tunnels have room for what a path of 1500 bytes brings: the client's link alone is of that size.
if ! ./lab.sh up -B -q -c 1 -l 3 -r 3 -M 1600 -p "$LAB" >"$TMP/up" 2>&1; then
	ok 1 "lab up" "$(cat "$TMP/up")"
	plan_done
	exit 1
fi
ip -n "$LAB-c1" link set eth0 mtu 1500
ip -n "$LAB-r1" link set c1 mtu 1500
for real in $REALS; do
	nsenter --net="/run/netns/$LAB-$real" python3 udp.py serve "$real" $VIP4 $VIP6 &
	PIDS+=($!)
done
bound() { [ "$(at "$1" ss -Hlnu 'sport = :53 or sport = :54' | wc -l)" -ge 4 ]; }
for real in $REALS; do wait_for 30 bound "$real"; done
# As between machines: what a node sends is on its way while the next packet comes. By itself veth would have it come back
# first, all within the client's system call.
for node in $NODES r1; do
	# shellcheck disable=SC2016
	at "$node" unshare -m bash -c 'mount -t sysfs sysfs /sys && for dev in /sys/class/net/*/threaded; do echo 1 >"$dev"; done' 2>/dev/null
done
scatter
ok $? "a router that scatters fragments"

vips add
for vip in $VIP4 $VIP6; do
	said=$(big "$vip" straight 5)
	is "$said" "whole 0 with-flow 0 reals 0" "$vip, fragments drop: nothing"
	percent "$vip, fragments drop"
done
for how in hash track; do
	vips replace fragments $how
	for vip in $VIP4 $VIP6; do
		said=$(WAIT=10 big "$vip" shuffled)
		like "$said" "^whole $N with-flow [0-9]{1,2} reals 1$" \
			"$vip, fragments $how, no peers: whole, but all at one real, most not their flow's"
		percent "$vip, shuffled, fragments $how, no peers"
	done
done
for family in 4 6; do
	peers add $family
	for vip in $VIP4 $VIP6; do
		mostly "$vip" straight 75 "$vip, tracked by IPv$family peers"
		mostly "$vip" shuffled 50 "$vip, shuffled"
		said=$(big "$vip" reversed)
		percent "$vip, reversed"
	done
	peers del $family
done
ok $(($(count tx_peer) == 0)) "passed on between nodes"
echo "# fragments passed on $(count tx_peer), given up as too early $(count drop_fragment_early)"

# Only peers may pass on: the same packet from a stranger is a packet for the host.
peers add 4
before=$(count pass_no_vip)
at c1 python3 - <<'END'
import socket, struct
inner = struct.pack("!BBHHHBBH", 0x45, 0, 28, 7, 0x2000, 64, 17, 0) + socket.inet_aton("192.0.2.9") + \
    socket.inet_aton("203.0.113.10") + struct.pack("!HHHH", 1, 53, 16, 0)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(struct.pack("!BBHHBB", 1, 4, 0, 0x4c02, 3, 0) + inner, ("10.4.1.2", 6080))
END
more_pass() { [ "$(count pass_no_vip)" -gt "$before" ]; }
wait_for 10 more_pass
ok $(($(count pass_no_vip) <= before)) "a stranger's mark is not heeded"

# A node that the routes no longer know is not waited for: its share is served where it comes.
ip -n "$LAB-l4-1" route add blackhole 10.4.3.2/32
ip -n "$LAB-l4-2" route add blackhole 10.4.3.2/32
ip -n "$LAB-r1" -4 route replace $VIP4 nexthop via 10.4.1.2 nexthop via 10.4.2.2
at r1 nft flush ruleset
sleep 0.2
mostly $VIP4 straight 75 "a node lost, its route withdrawn"
plan_done
