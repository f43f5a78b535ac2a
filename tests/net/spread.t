#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# spread.t - outer sources of a prefix, as real traffic has them: the receiver takes none that it was not told of, a flow keeps
# the one that get names, many flows have many, and what is sent back to one ends at the node.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

LAB=spread$$
VIP4=203.0.113.10
VIP6=2001:db8:113::10
NET4=10.64.0.0/16
NET6=fd64::/64

lab_ends

get() { # VIP COUNT FIRST-PORT: statuses
	local i

	for ((i = 0; i < $2; i++)); do
		on c1 curl -gs -m 20 --local-port $(($3 + i)) -o /dev/null -w '%{http_code}\n' "http://$1/"
	done | sort | uniq -c | xargs
}

# What arrives at the real, a line a flow: OUTER-SOURCE CLIENT-PORT.
watch() {
	: >"$TMP/ear"
	nsenter --net="/run/netns/$LAB-l7-1" tcpdump -Uni eth0 --immediate-mode -Q in -w "$TMP/seen" \
		'ip proto 4 or ip proto 41 or ip6 proto 4 or ip6 proto 41' 2>"$TMP/ear" &
	EAR=$!
	PIDS+=("$EAR")
	wait_for 30 grep -q listening "$TMP/ear"
}

heard() { # FAMILY
	still 1 stat -c %s "$TMP/seen"
	kill "$EAR"
	wait "$EAR" 2>/dev/null
	if [ "$1" = 4 ]; then set -- ip; else set -- ipv6; fi
	tshark -r "$TMP/seen" -T fields -E occurrence=f -E separator=/s -e "$1.src" -e tcp.srcport 2>/dev/null | sort -u
}

count_rx() { # REASON
	on l7-1 lbtool -d stats show rx | awk -v why="$1" '$1 == "rx" && $2 == why { print $4 }'
}

in_net() { # PREFIX: addresses of stdin that are not of it
	python3 -c 'import ipaddress, sys
net = ipaddress.ip_network(sys.argv[1])
print(sum(ipaddress.ip_address(a.strip()) not in net for a in sys.stdin))' "$1"
}

./lab.sh up -p "$LAB" -B -q -c 1 -l 1 -r 1 -f 4 >"$TMP/lab" 2>&1
ok $? "a lab of one node and one real" "$(cat "$TMP/lab")"
on l7-1 lbtool receiver replace eth0 from 10.4.0.0/16 from 2001:db8:4::/48
is "$(get $VIP4 3 20000)" "3 200" "by the node's own address"
on l4-1 lbtool node source spread $NET4 spread $NET6
ok $? "spread over $NET4 and $NET6"
sleep 0.2
before=$(count_rx drop_from)
is "$(on c1 curl -s -m 2 -o /dev/null -w '%{http_code}' http://$VIP4/)" 000 "the receiver has not heard of these sources"
ok $(($(count_rx drop_from) <= before)) "and counts what it drops"
like "$(on l4-1 lbtool pool replace web check http interval 5s timeout 5s; on l4-1 lbmon -once 2>&1)" \
	'down|timed out|no answer' "checks come by such a source, too: they see it"
on l7-1 lbtool receiver replace eth0 from 10.4.0.0/16 from 2001:db8:4::/48 from $NET4 from $NET6
ok $? "it is told"
like "$(on l4-1 lbmon -once 2>&1; echo "rc $?")" 'rc 0' "the checks are content"
on l4-1 lbtool pool replace web check none

for family in 4 6; do
	port=3${family}000 vip=$VIP4 to=$VIP4:80/tcp url=$VIP4 net=$NET4 client=$(on c1 ip -4 -j route get $VIP4 | jq -r '.[0].prefsrc')
	if [ $family = 6 ]; then
		on l4-1 lbtool -batch - <<-END
			real del 10.7.1.2 pool web
			real add 2001:db8:7:1::2 pool web
		END
		vip=$VIP6 to=[$VIP6]:80/tcp url=[$VIP6] net=$NET6
		client=[$(on c1 ip -6 -j route get $VIP6 | jq -r '.[0].prefsrc')]
	fi
	watch
	is "$(get "$url" 60 "$port")" "60 200" "60 connections to $vip"
	heard $family >"$TMP/flows"
	is "$(cut -d' ' -f2 "$TMP/flows" | sort -n | uniq -c | awk '{ print $1 }' | sort | uniq -c | xargs)" "60 1" \
		"each has one source"
	ok $(($(cut -d' ' -f1 "$TMP/flows" | sort -u | wc -l) < 58)) "nearly each another one"
	is "$(cut -d' ' -f1 "$TMP/flows" | in_net $net)" 0 "all of $net"
	for ((p = port; p < port + 60; p++)); do echo "$client:$p $to"; done |
		on l4-1 lbtool get - | sed -En 's/^[^ ]*:([0-9]+) .* src ([^ ]+) .*/\2 \1/p' | sort >"$TMP/said"
	ok "$(cmp -s "$TMP/flows" "$TMP/said"; echo $?)" "get says which" "$(diff "$TMP/flows" "$TMP/said" | head -5)"
done

# An answer to a source: the router brings it to the node, which has no such address. It ends there, and does not go round.
forwarded() { on l4-1 nstat -asz IpForwDatagrams | awk '!/^#/ { print $2 }'; }
back() { # how many of five such answers the node sends back to the router
	local before

	before=$(forwarded)
	on l7-1 ping -nc 5 -i 0.1 -W 2 10.64.1.1 >/dev/null 2>&1
	echo $(($(forwarded) - before))
}
on r1 ip route add $NET4 via 10.4.1.2
ok $(($(back) == 0)) "what is sent to a source comes to the node, and goes round"
on l4-1 ip route add blackhole $NET4
is "$(back)" 0 "unless a route ends it"
on l4-1 ip -6 route replace 2001:db8:7::/48 via 2001:db8:4:1::1 mtu lock 1340
on l7-1 lbtool receiver replace eth0 mss 9000
head -c 3000000 /dev/urandom >"$TMP/up"
is "$(on c1 curl -s -m 60 -o /dev/null -w '%{http_code}' -T "$TMP/up" http://$VIP4/up/x)" 201 \
	"an upload over a narrower path"
like "$(on c1 ip route get $VIP4)" 'mtu 1300' "whose MTU is the route's, as ever"
on l4-1 lbtool node source node
sleep 0.2
watch
get $VIP4 5 40000 >/dev/null
is "$(heard 6 | cut -d' ' -f1 | sort -u)" "$(on l4-1 ip -6 -j route get 2001:db8:7:1::2 | jq -r '.[0].prefsrc')" \
	"and back to the node's own"
plan_done
