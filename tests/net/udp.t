#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# udp.t - UDP with real sockets through the whole data centre: questions and answers as DNS has them, with and
# without the session cache, and datagrams that come in fragments.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root
LAB=udp$$

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

# The tunnel has room for what a path of 1500 bytes brings: the client's link alone is of that size.
if ! ./lab.sh up -B -q -c 1 -l 2 -r 3 -M 1600 -p "$LAB" >"$TMP/up" 2>&1; then
	ok 1 "lab up" "$(cat "$TMP/up")"
	plan_done
	exit 1
fi
VIP4=203.0.113.10 VIP6=2001:db8:113::10

at() { # NODE COMMAND...
	nsenter --net="/run/netns/$LAB-$1" "${@:2}"
}

vips() { # VERB WORD...: port 53 with a session, 54 without, on all nodes
	local node vip

	for node in l4-1 l4-2; do
		for vip in "$VIP4" "[$VIP6]"; do
			echo "vip $1 $vip:53/udp pool web session on ${*:2}"
			echo "vip $1 $vip:54/udp pool web session off ${*:2}"
		done >"$TMP/batch"
		"$LBTOOL" -n "$LAB-$node" -i "$LAB-$node" -b "$TMP/batch" || return 1
	done
}

drops() { # REASON: on both nodes together
	local node

	for node in l4-1 l4-2; do
		"$LBTOOL" -n "$LAB-$node" -i "$LAB-$node" -d stats show
	done | awk -v name="why $1" 'index($0, name " ") { n += $4 } END { print n + 0 }'
}

ip -n "$LAB-c1" link set eth0 mtu 1500
ip -n "$LAB-r1" link set c1 mtu 1500
for real in l7-1 l7-2 l7-3; do
	# Not at(): its shell would die of the kill, the server would stay.
	nsenter --net="/run/netns/$LAB-$real" python3 udp.py serve $real $VIP4 $VIP6 &
	PIDS+=($!)
done
bound() { [ "$(at "$1" ss -Hlnu 'sport = :53 or sport = :54' | wc -l)" -ge 4 ]; }
for real in l7-1 l7-2 l7-3; do wait_for 30 bound $real; done

vips add
ok $? "services on UDP"
for vip in $VIP4 $VIP6; do
	is "$(at c1 python3 udp.py ask "$vip" 53 60)" "answered 300 together 60 reals 3" \
		"$vip with a session: all answered, each client by one real"
	is "$(at c1 python3 udp.py ask "$vip" 54 60)" "answered 300 together 60 reals 3" \
		"$vip without one: the same"
done

# The same clients before and after a real more: with a session none moves, without it some do.
real_weight() { # WEIGHT
	local node

	for node in l4-1 l4-2; do
		"$LBTOOL" -n "$LAB-$node" -i "$LAB-$node" real replace 10.7.1.2 pool web weight "$1"
	done
}
for port in 53 54; do
	coproc KEEP { exec nsenter --net="/run/netns/$LAB-c1" python3 udp.py keep $VIP4 $port 60; }
	PIDS+=("$KEEP_PID")
	for weight in 1 30; do
		real_weight $weight
		echo >&"${KEEP[1]}"
		read -r said <&"${KEEP[0]}"
	done
	eval "exec ${KEEP[1]}>&-"
	if [ $port = 53 ]; then
		is "$said" "moved 0 lost 0" "with a session, a changed table moves no client"
	else
		like "$said" '^moved [1-9][0-9]* lost 0$' "without one it does"
	fi
	real_weight 1
done

before=$(drops drop_fragment)
for vip in $VIP4 $VIP6; do
	is "$(WAIT=0.5 at c1 python3 udp.py big "$vip" 54 5 8192)" "whole 0 reals 0" \
		"$vip: 8 KB datagrams do not arrive"
done
many_drops() { [ "$(drops drop_fragment)" -ge $((before + 60)) ]; }
wait_for 10 many_drops
ok $(($(drops drop_fragment) - before < 60)) "their fragments are counted"
still 1 drops drop_fragment
before=$(drops drop_fragment)
vips replace fragments hash
ok $? "fragments hash"
for vip in $VIP4 $VIP6; do
	is "$(at c1 python3 udp.py big "$vip" 54 60 8192)" "whole 60 reals 1" \
		"$vip: with fragments hash they do, those of one client at one real"
	is "$(at c1 python3 udp.py big "$vip" 53 20 8192)" "whole 20 reals 1" "$vip: session or not"
	is "$(at c1 python3 udp.py ask "$vip" 54 60)" "answered 300 together 60 reals 3" \
		"$vip: whole ones go their own ways"
done
vips replace hash src
for vip in $VIP4 $VIP6; do
	is "$(at c1 python3 udp.py ask "$vip" 54 60)" "answered 300 together 60 reals 1" \
		"$vip: hash src: one client, one real"
	is "$(at c1 python3 udp.py big "$vip" 54 20 8192)" "whole 20 reals 1" "$vip: its fragments, too"
done
is "$(drops drop_fragment)" "$before" "no fragment was dropped meanwhile"
plan_done
