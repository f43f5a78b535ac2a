#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# hc.t - health checks through the tunnel: a marked socket on the balancer's host reaches the VIP on
# exactly the real that the mark names, in tunnels of all four kinds, with checksums that are right;
# whatever is missing on the way makes it fail.
#
#   NS-b (balancer)  ===  NS-a (router)  ===  NS-r1, NS-r2 (reals: 10.8.N.2, 2001:db8:8:N::2)
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

VIP=203.0.113.1
VIP6=2001:db8:113::1
MARK=0x4c42

hc_down() {
	local n

	for n in 1 2; do
		on_real $n receiver del eth0 2>/dev/null
		[ ! -e "/run/netns/$NS-r$n" ] || ip netns del "$NS-r$n"
		rm -f "/run/lb/$NS-r$n.lock"
	done
	lbt dev del eth0 2>/dev/null
	pair_down
}

on_real() { # N WORD...
	"$LBTOOL" -n "$NS-r$1" -i "$NS-r$1" "${@:2}"
}

real_up() { # N
	local ns=$NS-r$1 s

	ip netns add "$ns"
	ip link add "r$1" netns "$NS-a" type veth peer name eth0 netns "$ns"
	for s in all default eth0 lo; do
		ip netns exec "$ns" sysctl -qw "net.ipv4.conf.$s.rp_filter=0" "net.ipv6.conf.$s.accept_dad=0"
	done
	in_a sysctl -qw "net.ipv4.conf.r$1.rp_filter=0" "net.ipv6.conf.r$1.accept_dad=0"
	ip -n "$NS-a" -b - <<-END
		addr add 10.8.$1.1/24 dev r$1
		addr add 2001:db8:8:$1::1/64 dev r$1 nodad
		link set r$1 up
	END
	ip -n "$ns" -b - <<-END
		link set lo up
		addr add 10.8.$1.2/24 dev eth0
		addr add 2001:db8:8:$1::2/64 dev eth0 nodad
		addr add $VIP/32 dev lo
		addr add $VIP6/128 dev lo nodad
		link set eth0 up
		route add default via 10.8.$1.1
		route add default via 2001:db8:8:$1::1
	END
	on_real "$1" receiver add eth0 from 10.9.0.2 from 2001:db8:9::2 mss auto
	nsenter --net="/run/netns/$ns" python3 hc.py serve "r$1" $VIP $VIP6 "10.8.$1.2" >/dev/null 2>&1 &
	PIDS+=($!)
	wait_for 30 serves "$ns"
}

serves() { [ "$(nsenter --net="/run/netns/$1" ss -Hlntu 'sport = :80' | wc -l)" -ge 6 ]; }

id_of() { # REAL
	lbt -d real show "$1" | sed -nE 's/.*\bid ([0-9]+).*/\1/p'
}

in_vain() { # as ask(): where nobody answers
	WAIT=1 ask "$@"
}

ask() { # KIND ADDRESS REAL [BYTES]
	in_b python3 hc.py ask "$1" "$2" "$MARK$(printf %04x "$(id_of "$3")")" "${4:-10}" 2>&1
}

decaps() { # N: packets that came out of tunnels there
	on_real "$1" stats show | sed -nE 's/^rx decap packets ([0-9]+).*/\1/p'
}

offload() { # SETTING...
	in_b ethtool -K eth0 "$@" >/dev/null 2>&1
}

all_decaps() { echo "$(decaps 1)/$(decaps 2)"; }

# What tcpdump writes: at the end each of the datagrams, and all of the rest.
datagrams_seen() { [ "$(grep -c 'udp sum ok' "$TMP/wire")" -ge 4 ]; }

# All VIPs on all addresses of all reals.
everybody() { # TEXT KIND [BYTES]
	local n vip real

	for n in 1 2; do
		for real in "10.8.$n.2" "2001:db8:8:$n::2"; do
			for vip in $VIP $VIP6; do
				is "$(ask "$2" "$vip" "$real" "${3:-10}")" "r$n" "$1: $vip on $real"
			done
		done
	done
}

pair_up
trap hc_down EXIT
real_up 1 && real_up 2
ok $? "two reals"
ip -n "$NS-b" route add default via 10.9.0.1
ip -n "$NS-b" route add default via 2001:db8:9::1
lbt prog load reals 64 vips 16 pools 8 tables 4 sessions 0
{
	echo "pool add web table 251"
	for n in 1 2; do
		echo "real add 10.8.$n.2 pool web"
		echo "real add 2001:db8:8:$n::2 pool web"
	done
	echo "vip add $VIP:80/tcp pool web"
	echo "vip add [$VIP6]:80/tcp pool web"
} | lbt -b -
lbt dev add eth0
like "$(lbt -d dev show)" '[[:space:]]hc on' "dev add attaches the program"

offload tx on tso on gso on
everybody "checksums unmade" http
everybody "udp, checksums unmade" udp 33
everybody "much to say, joined" http 300000
offload tso off gso off
everybody "much to say, one by one" http 300000

offload tx off
nsenter --net="/run/netns/$NS-r1" tcpdump -i eth0 -B 32768 -nvvl -s 0 '(ip proto 4 or ip proto 41 or ip6 proto 4 or ip6 proto 41)' \
	>"$TMP/wire" 2>"$TMP/tcpdump" &
PIDS+=($!)
wait_for 30 grep -q listening "$TMP/tcpdump"
everybody "checksums made" http
everybody "udp, checksums made" udp 33
everybody "much to say, checksums made" http 300000
wait_for 20 datagrams_seen
still 1 wc -l "$TMP/wire"
kill "${PIDS[-1]}"
wait "${PIDS[-1]}"
unset 'PIDS[-1]'
like "$(grep -c 'cksum.*correct' "$TMP/wire") $(grep -c 'udp sum ok' "$TMP/wire")" '^[1-9][0-9]* 4$' \
	"checksums on the wire are right"
is "$(grep -Ec 'incorrect|bad .*cksum|bad udp' "$TMP/wire")" 0 "and none is wrong"
is "$(nsenter --net="/run/netns/$NS-r1" nstat -asz TcpInCsumErrors UdpInCsumErrors Udp6InCsumErrors IpInHdrErrors |
	awk '!/^#/ { n += $2 } END { print n + 0 }')" 0 "nor is one for the real"
offload tx on tso on gso on

still 1 all_decaps
before=$(all_decaps)
is "$(in_b python3 hc.py ask http 10.8.1.2 0 10 2>&1)" r1 "a socket without a mark reaches a host"
is "$(in_b python3 hc.py ask http 10.8.1.2 0x10001 10 2>&1)" r1 "and one with another mark"
is "$(all_decaps)" "$before" "neither in a tunnel"
is "$(WAIT=1 in_b python3 hc.py ask http $VIP ${MARK}0000 10 2>&1)" timeout "no real: nobody answers"
is "$(WAIT=1 in_b python3 hc.py ask http $VIP ${MARK}003f 10 2>&1)" timeout "an unknown real: nobody answers"
is "$(all_decaps)" "$before" "and nothing went astray"

ip -n "$NS-b" neigh del 10.9.0.1 dev eth0
is "$(ask http $VIP 10.8.1.2)" r1 "the next hop is resolved on demand"
ip -n "$NS-b" neigh del 2001:db8:9::1 dev eth0
is "$(ask http $VIP6 2001:db8:8:2::2)" r2 "IPv6, too"

lbt prog reload
is "$(ask http $VIP 10.8.2.2)" r2 "after a reload"
lbt dev replace eth0 mode generic
is "$(ask http $VIP6 10.8.2.2)" r2 "after dev replace"

ip -n "$NS-r1" addr del $VIP/32 dev lo
is "$(in_vain http $VIP 10.8.1.2)" timeout "the VIP is missing on the real"
is "$(ask http $VIP6 10.8.1.2)" r1 "the other VIP is not"
is "$(ask http $VIP 10.8.2.2)" r2 "nor is it on the other real"
on_real 2 receiver del eth0
is "$(in_vain http $VIP 10.8.2.2)" timeout "the receiver is missing"
is "$(in_vain http $VIP6 2001:db8:8:2::2)" timeout "the receiver is missing, IPv6"
id=$(id_of 2001:db8:8:1::2)
lbt real del 2001:db8:8:1::2 pool web
is "$(WAIT=1 in_b python3 hc.py ask http $VIP6 "$MARK$(printf %04x "$id")" 10 2>&1)" timeout "the real is removed"
ip -n "$NS-b" route add blackhole 10.8.1.0/24
is "$(in_vain http $VIP6 10.8.1.2)" timeout "no route to the real"

lbt dev del eth0
is "$(tc -n "$NS-b" qdisc show dev eth0 | grep -c clsact)" 0 "dev del leaves nothing behind"
plan_done
