#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# icmp.t - paths that are narrower than the packets. Between client and reals a hop takes 1400 bytes: the
# router's errors go to the VIP, by any of three nodes, and on to the real that sent too much. Then the way from the nodes
# to the reals takes 1400 bytes: the balancer answers clients' larger ones. And reals that do not lower the MSS get from
# clients more than fits the tunnel: it answers, too.
#
# Each is tried first with the very ICMP packets dropped on the router: then nothing gets through. What is tried is 10 MB.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

LAB=icmp$$
SIZE=10000000
VIP4=203.0.113.10
VIP6=2001:db8:113::10

# The seconds go to $TMP/took.
first_word() {
	local said took

	read -r said took
	echo "$took" >"$TMP/took"
	echo "$said"
}

get() { # VIP: bytes that came
	on c1 curl -gs -m "${2:-120}" -o /dev/null -w '%{size_download} %{time_total}\n' "http://$1/data" | first_word
}

put() { # VIP: status
	on c1 curl -gs -m "${2:-120}" -o /dev/null -w '%{http_code} %{time_total}\n' -T "$TMP/up" \
		"http://$1/up/$RANDOM" | first_word
}

took() { # WHAT
	echo "# $1: $(cat "$TMP/took") s"
}

# What a host has learnt of a path holds for ten minutes.
forget() {
	local node

	for node in c1 l7-1 l7-2; do
		ip -n "$LAB-$node" -4 route flush cache
		ip -n "$LAB-$node" -6 route flush cache
	done
}

count() { # REASON: packets, all nodes together
	local node

	for node in l4-1 l4-2 l4-3; do
		on "$node" lbtool -d stats show
	done | awk -v why="$1" '$1 == "why" && $2 == why { n += $4 } END { print n + 0 }'
}

drop_icmp() { # yes|no: on the router, errors to VIPs and answers from them
	on r1 nft flush ruleset
	[ "$1" = yes ] || return 0
	on r1 nft -f - <<-END
	table inet lost {
		chain made {
			type filter hook output priority 0;
			ip daddr $VIP4 icmp type destination-unreachable counter drop
			ip6 daddr $VIP6 icmpv6 type packet-too-big counter drop
		}
		chain passed {
			type filter hook forward priority 0;
			ip saddr $VIP4 icmp type destination-unreachable counter drop
			ip6 saddr $VIP6 icmpv6 type packet-too-big counter drop
		}
	}
	END
}

narrow() { # MTU to the client
	on r1 ip -4 route replace 10.1.1.0/30 dev c1 mtu lock "$1"
	on r1 ip -6 route replace 2001:db8:1:1::/64 dev c1 mtu lock "$1"
	on r1 ip -6 route del 2001:db8:1:1::/64 dev c1 proto kernel 2>/dev/null
}

narrow_behind() { # MTU from the nodes to the reals
	local n

	for n in 1 2 3; do
		ip -n "$LAB-l4-$n" -4 route replace 10.7.0.0/16 via 10.4.$n.1 mtu lock "$1"
		ip -n "$LAB-l4-$n" -6 route replace 2001:db8:7::/48 via 2001:db8:4:$n::1 mtu lock "$1"
	done
	for n in 1 2; do
		on r1 ip -4 route replace 10.7.$n.0/30 dev l7-$n mtu lock "$1"
		on r1 ip -6 route replace 2001:db8:7:$n::/64 dev l7-$n mtu lock "$1"
		on r1 ip -6 route del 2001:db8:7:$n::/64 dev l7-$n proto kernel 2>/dev/null
	done
}

# The balancer's answers, lost and not. MTU: what the client is to learn.
uploads() { # WHAT MTU
	local vip before i

	# In this order: no answer to the upload before comes between.
	drop_icmp yes
	forget
	for vip in $VIP4 "[$VIP6]"; do
		like "$(put "$vip" 3)" '^(000|100)$' "$1, answers lost: an upload to $vip hangs"
		took "given up after"
	done
	before=$(count tx_too_big)
	ok $((before == 0)) "there were answers"
	drop_icmp no
	for vip in $VIP4 "[$VIP6]"; do
		for i in 1 2 3; do
			forget
			is "$(put "$vip")" 201 "with them, it completes: $vip, $i"
			took "10 MB in"
			like "$(on c1 ip route get "${vip//[\[\]]/}")" "mtu $2" "the client learnt the MTU"
		done
	done
	ok $(($(count tx_too_big) <= before)) "thanks to answers"
}

lab_ends
./lab.sh up -p "$LAB" -B -q -c 1 -l 3 -r 2 -z $SIZE >"$TMP/lab" 2>&1
ok $? "a lab of three nodes" "$(cat "$TMP/lab")"
head -c $SIZE /dev/urandom >"$TMP/up"
for vip in $VIP4 "[$VIP6]"; do
	is "$(get "$vip")/$(put "$vip")" "$SIZE/201" "all links of 1500 bytes: $vip"
done

narrow 1400
drop_icmp yes
for vip in $VIP4 "[$VIP6]"; do
	ok $(($(get "$vip" 3) >= SIZE)) "a hop of 1400 bytes, its errors lost: a download from $vip hangs"
	took "given up after"
done
drop_icmp no
for vip in $VIP4 "[$VIP6]"; do
	for i in 1 2 3 4 5 6; do
		forget
		is "$(get "$vip")" $SIZE "with them, it completes: $vip, $i"
		took "10 MB in"
	done
done
is "$(count drop_icmp) $(count drop_icmp_quote) $(count drop_no_service)" "0 0 0" "no error was dropped"
narrow 1500

for node in l7-1 l7-2; do
	on "$node" lbtool receiver replace eth0 from 10.4.0.0/16 from 2001:db8:4::/48 mss 9000
done
uploads "1500 bytes into the tunnel" '14[68]0'
# Last: it leaves routes with an MTU of their own.
narrow_behind 1400
uploads "a way of 1400 bytes to the reals" '13[68]0'
is "$(on c1 nstat -asz IcmpInCsumErrors Icmp6InCsumErrors IcmpInErrors Icmp6InErrors IpInHdrErrors |
	awk '!/^#/ { n += $2 } END { print n + 0 }')" 0 "and found no fault in them"
plan_done
