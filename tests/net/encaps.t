#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# encaps.t - real HTTP to reals that get no tunnel: L3DSR by DSCP, taken in by our receiver and by rules of nftables, and a
# real on the same segment; then one pool of all kinds. Checks go the same ways.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

LAB=enc$$
VIP4=203.0.113.10
VIP6=2001:db8:113::10
NODES="l4-1 l4-2"
REALS="l7-1 l7-2 l7-3"

lab_ends

everywhere() { # LINES of a batch
	local node

	for node in $NODES; do on "$node" lbtool -batch - <<<"$1" || return; done
}

get() { # VIP COUNT: statuses, and how many reals
	local i

	for ((i = 0; i < $2; i++)); do
		: >"$TMP/body"
		on c1 curl -gs -m "${LIMIT:-20}" -o "$TMP/body" -w '%{http_code} ' "http://$1/"
		sed 's/ .*//; $!d' "$TMP/body"
		echo
	done | sed '/^$/d' | sort | uniq -c | awk '{ n += $1; s = s " " $2; r++ } END { print n, r, s }'
}

count_rx() { # REASON: all reals together
	local node

	for node in $REALS; do on "$node" lbtool -d stats show rx; done |
		awk -v why="$1" '$1 == "rx" && $2 == why { n += $4 } END { print n + 0 }'
}

./lab.sh up -p "$LAB" -B -q -c 1 -l 2 -r 3 -f 4 >"$TMP/lab" 2>&1
ok $? "a lab of two nodes and three reals" "$(cat "$TMP/lab")"

# IPv4 and IPv6 each have a pool: without a tunnel VIP and real are of one family.
everywhere "pool add six encap dscp
	$(for i in 1 2 3; do echo "real add 2001:db8:7:$i::2 pool six"; done)
	vip replace $VIP4:80/tcp pool web dscp 5
	vip replace $VIP4:443/tcp pool web dscp 5
	vip replace [$VIP6]:80/tcp pool six dscp 63
	vip replace [$VIP6]:443/tcp pool six dscp 63
	pool replace web encap dscp"
ok $? "L3DSR on both nodes"
is "$(LIMIT=1 get $VIP4 1) $(LIMIT=1 get "[$VIP6]" 1)" "1 1  000 1 1  000" "nobody gives them the VIP back: no answer"
for node in $REALS; do
	on "$node" lbtool receiver replace eth0 dscp 5:$VIP4 dscp 63:$VIP6
done
like "$(get $VIP4 40)" '^40 3  200 200 200$' "by our receiver, IPv4: all answered, by three reals"
like "$(get "[$VIP6]" 40)" '^40 3  200 200 200$' "IPv6"
ok $(($(count_rx dscp) < 200)) "it counts them"
is "$(on c1 nstat -asz TcpInCsumErrors | awk '!/^#/ { n += $2 } END { print n }')" 0 "no checksum was wrong"
is "$(on l7-1 nstat -asz TcpInCsumErrors IpInHdrErrors | awk '!/^#/ { n += $2 } END { print n }')" 0 "at the real, too"
head -c 3000000 /dev/urandom >"$TMP/up"
is "$(on c1 curl -s -m 60 -o /dev/null -w '%{http_code}' -T "$TMP/up" http://$VIP4/up/x)" 201 "an upload of 3 MB"
everywhere "pool replace web check http interval 5s timeout 5s
	pool replace six check http interval 5s timeout 5s"
like "$(on l4-1 lbmon -once 2>&1; echo "rc $?")" 'rc 0' "checks go by DSCP, too"

# The same by rules alone, without state.
for node in $REALS; do
	on "$node" lbtool receiver del eth0
	on "$node" nft -f - <<-END
	table inet l3dsr {
		chain in {
			type filter hook prerouting priority raw;
			ip dscp 5 ip daddr 10.7.0.0/16 notrack ip dscp set 0 ip daddr set $VIP4
			ip6 dscp 63 ip6 daddr 2001:db8:7::/48 notrack ip6 dscp set 0 ip6 daddr set $VIP6
		}
	}
	END
done
like "$(get $VIP4 40)" '^40 3  200 200 200$' "by nftables, IPv4"
like "$(get "[$VIP6]" 40)" '^40 3  200 200 200$' "IPv6"
for node in $REALS; do on "$node" nft flush ruleset; done

# A segment that the first node and the first real share.
ip link add eth1 netns "$LAB-l4-1" type veth peer name eth1 netns "$LAB-l7-1"
on l4-1 sysctl -qw net.ipv4.conf.eth1.forwarding=1 net.ipv6.conf.eth1.forwarding=1
on l7-1 sysctl -qw net.ipv4.conf.eth1.rp_filter=0
ip -n "$LAB-l4-1" addr add 10.99.0.1/24 dev eth1
ip -n "$LAB-l7-1" addr add 10.99.0.2/24 dev eth1
pass_attach "$LAB-l7-1" eth1
ip -n "$LAB-l4-1" link set eth1 up
ip -n "$LAB-l7-1" link set eth1 up
./lab.sh withdraw -p "$LAB" l4-2
on l4-1 lbtool -batch - <<END
pool add near encap l2
real add 10.99.0.2 pool near
vip replace $VIP4:80/tcp pool near dscp 5
END
like "$(get $VIP4 10)" '^10 1  200$' "a real on the same segment"
on l4-1 lbtool real replace 10.7.2.2 pool near
like "$(LIMIT=1 get $VIP4 20)" '000.*200|200.*000' "one behind a router is no neighbour"
like "$(on l4-1 lbtool stats show why)" 'drop_gateway packets [1-9]' "and that is said"
on l4-1 lbtool real del 10.7.2.2 pool near

# All kinds in one pool.
for node in $REALS; do
	on "$node" lbtool receiver add eth0 from 10.4.0.0/16 dscp 5:$VIP4 mss auto
done
on l4-1 lbtool -batch - <<END
real add 10.7.1.2 pool near encap ipip
real add 10.7.2.2 pool near encap gue
real add 10.7.3.2 pool near encap dscp
END
like "$(get $VIP4 60)" '^60 3  200 200 200$' "a pool of four reals, reached in four ways"
is "$(on l4-1 lbtool -j -s real show pool near | jq '[.[] | select(.packets > 0)] | length')" 4 "each of them has got some"
plan_done
