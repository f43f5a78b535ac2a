#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# exabgp.t - the configurations in exabgp/, as they stand, against their router sides: two nodes, each with lbmon and
# ExaBGP as Debian's unit runs it, and what the router's kernel then does.
#
# The second node's file is the first one's with another address.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
# shellcheck source=tests/net/bgp_peers.sh
. ./bgp_peers.sh
need_root
LBMON=${LBMON:-$B/lbmon}
CONF=$TOP/exabgp
VIP4=203.0.113.1
VIP6=2001:db8:113::1
trap 'hosts_down; rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM

# What a route's traffic goes to, sorted.
hops() { # HOST PREFIX
	at "$1" ip -j "$([[ $2 == *:* ]] && echo -6 || echo -4)" route show "$2" |
		jq -r '[.[] | (.nexthops // [.])[] | (.gateway // .via.host) + " " + .dev] | sort | join(", ")'
}

hops_are() { # HOST PREFIX WANTED
	[ "$(hops "$1" "$2")" = "$3" ]
}

is_hops() { # HOST PREFIX WANTED TEXT [SECONDS]
	wait_for "${5:-60}" hops_are "$1" "$2" "$3"
	is "$(hops "$1" "$2")" "$3" "$4"
	[ "$(hops "$1" "$2")" = "$3" ] || tail -n 15 "$TMP"/*-exabgp | sed 's/^/#   /'
}

# README.md's commands for a node, and a service on it.
serve() { # HOST DEV
	at "$1" install -m 755 "$LBMON" /usr/local/sbin/lbmon
	at "$1" "$LBTOOL" prog load reals 100 vips 10 pools 4 tables 8 sessions 0
	at "$1" "$LBTOOL" -b - <<-END
		pool add web
		real add 10.1.1.1 pool web
		vip add $VIP4:80/tcp pool web announce always
		vip add [$VIP6]:80/tcp pool web announce always
	END
	at "$1" "$LBTOOL" dev add "$2" 2>/dev/null # the note that the real has no route
	sed -n '/^    # pins/,/^$/s/^    //p' "$CONF/README.md" | at "$1" sh -eux 2>"$TMP/$1-pins" ||
		ok 1 "the README's commands" "$(cat "$TMP/$1-pins")"
}

# Routers on a switch with two nodes.
lan_up() { # ROUTER...
	local port=0 host

	host lan
	at lan ip link add lan type bridge
	at lan ip link set lan up
	for host in "$@" node1 node2; do
		port=$((port + 1))
		host "$host"
		link "$host" eth0 lan "port$port"
		at lan ip link set "port$port" master lan
	done
	address "$1" 1
	[ -z "${2:-}" ] || address "$2" 254 fe
	address node1 2
	address node2 3
	serve node1 eth0
	serve node2 eth0
}

address() { # HOST LAST4 [LAST6]
	at "$1" ip addr add "192.0.2.$2/24" dev eth0
	at "$1" ip addr add "2001:db8:0:1::${3:-$2}/64" dev eth0 nodad
}

second() { # CONFIGURATION: that of node2
	sed -E 's/192\.0\.2\.2\b/192.0.2.3/g; s/:1::2\b/:1::3/g; s/fe80::2\b/fe80::3/g' "$CONF/$1" >"$TMP/second-$1"
	chmod 755 "$TMP"
	echo "$TMP/second-$1"
}

nodes_start() { # CONFIGURATION [VARIABLE=VALUE...]
	exabgp_start node1 "$CONF/$1" "${@:2}"
	exabgp_start node2 "$(second "$1")" "${@:2}"
}

# A node's ExaBGP dies, and returns.
kill_and_return() { # ROUTER HOPS4-BOTH HOPS4-ONE TEXT CONFIGURATION [VARIABLE=VALUE...]
	local begin

	begin=$(date +%s%N)
	stop node2 exabgp KILL
	wait_for 30 hops_are "$1" $VIP4 "$3"
	is "$(hops "$1" $VIP4)" "$3" "$4: the route of a killed ExaBGP is gone"
	ok $((($(date +%s%N) - begin) / 1000000 > 5000)) "$4: at once, not when nothing was heard for 9 s"
	exabgp_start node2 "$(second "$5")" "${@:6}"
	is_hops "$1" $VIP4 "$2" "$4: and it returns" 60
}

lan_tests() { # ROUTER-SOFTWARE ROUTER-CONFIGURATION
	local both4="192.0.2.2 eth0, 192.0.2.3 eth0" both6="2001:db8:0:1::2 eth0, 2001:db8:0:1::3 eth0"

	lan_up router
	"$1_start" router "$CONF/router/$2"
	nodes_start ipv4-ipv6.conf
	is_hops router $VIP4 "$both4" "$1, ipv4-ipv6.conf: IPv4 by two nodes"
	is_hops router $VIP6 "$both6" "$1, ipv4-ipv6.conf: IPv6 by two nodes"
	kill_and_return router "$both4" "192.0.2.2 eth0" "$1, ipv4-ipv6.conf" ipv4-ipv6.conf
	show "$1" ipv4-ipv6.conf router
	stop node1 exabgp
	stop node2 exabgp
	is_hops router $VIP4 "" "$1: no ExaBGP, no route"

	nodes_start rfc8950.conf
	is_hops router $VIP4 "$both6" "$1, rfc8950.conf: IPv4 by two IPv6 next hops"
	is_hops router $VIP6 "$both6" "$1, rfc8950.conf: IPv6 by two nodes"
	kill_and_return router "$both6" "2001:db8:0:1::2 eth0" "$1, rfc8950.conf" rfc8950.conf
	show "$1" rfc8950.conf router
	hosts_down
}

# For those who want to see it: LB_SHOW=1.
show() { # SOFTWARE CONFIGURATION HOST
	[ -n "${LB_SHOW:-}" ] || return
	{
		echo "== $2, $1"
		if [ "$1" = bird ]; then
			at "$3" birdc -s /run/bird.ctl show route
		else
			at "$3" vtysh --vty_socket /run/frr -c 'show bgp ipv4 unicast' -c 'show ip route bgp' -c 'show ipv6 route bgp'
		fi
		at "$3" ip route show $VIP4
		at "$3" ip -6 route show $VIP6
	} | sed 's/^/# /'
}

# A link of its own for each node.
unnumbered_up() {
	local n

	host router
	for n in 1 2; do
		host "node$n"
		link "node$n" eth0 router "eth$n"
		only_link_local "node$n" eth0 "fe80::$((n + 1))"
		only_link_local router "eth$n" fe80::1
		serve "node$n" eth0
	done
}

only_link_local() { # HOST DEV ADDRESS
	at "$1" ip link set "$2" down addrgenmode none
	at "$1" ip link set "$2" up
	at "$1" ip addr add "$3/64" dev "$2" nodad
}

unnumbered_tests() { # ROUTER-SOFTWARE ROUTER-CONFIGURATION
	local both="fe80::2 eth1, fe80::3 eth2" env="exabgp_tcp_bind=:: exabgp_tcp_port=179"

	unnumbered_up
	if [ "$1" = frr ]; then
		bird_start node1 "$CONF/node/bird-radv.conf"
		bird_start node2 "$CONF/node/bird-radv.conf"
	fi
	# shellcheck disable=SC2086 # words
	nodes_start unnumbered.conf $env
	"$1_start" router "$CONF/router/$2"
	is_hops router $VIP4 "$both" "$1, unnumbered.conf: IPv4 by two link-local next hops" 60
	is_hops router $VIP6 "$both" "$1, unnumbered.conf: IPv6 by two link-local next hops"
	show "$1" unnumbered.conf router
	# shellcheck disable=SC2086
	kill_and_return router "$both" "fe80::2 eth1" "$1, unnumbered.conf" unnumbered.conf $env
	hosts_down
}

two_routers_tests() {
	lan_up router router2
	bird_start router "$CONF/router/bird.conf"
	frr_start router2 "$CONF/router/frr.conf"
	nodes_start two-routers.conf
	for r in router router2; do
		is_hops $r $VIP4 "192.0.2.2 eth0, 192.0.2.3 eth0" "two-routers.conf, $r: IPv4 by two nodes"
		is_hops $r $VIP6 "2001:db8:0:1::2 eth0, 2001:db8:0:1::3 eth0" "two-routers.conf, $r: IPv6"
	done
	router_stop router
	wait_for 30 hops_are router $VIP4 ""
	is_hops router2 $VIP4 "192.0.2.2 eth0, 192.0.2.3 eth0" "two-routers.conf: one router ends, the other goes on"
	bird_start router "$CONF/router/bird.conf"
	is_hops router $VIP4 "192.0.2.2 eth0, 192.0.2.3 eth0" "two-routers.conf: and learns all again" 60
	stop node2 exabgp KILL
	for r in router router2; do
		is_hops $r $VIP4 "192.0.2.2 eth0" "two-routers.conf, $r: the route of a killed ExaBGP is gone" 5
	done
	hosts_down
}

lan_tests bird bird.conf
lan_tests frr frr.conf
unnumbered_tests bird bird-unnumbered.conf
unnumbered_tests frr frr-unnumbered.conf
two_routers_tests
plan_done
