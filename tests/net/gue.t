#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# gue.t - GUE from end to end, and the second hop: with no session cache at all, connections stay while their real is
# drained, since the receivers send on what is not theirs. Each is tried first without (drain 0s): then they break.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

LAB=gue$$
SIZE=3000000
CONNS=60
VIP4=203.0.113.10
VIP6=2001:db8:113::10
NODES="l4-1 l4-2 l4-3"
REALS="l7-1 l7-2 l7-3"

everywhere() { # WORD... : on each balancer
	local node

	for node in $NODES; do on "$node" lbtool "$@" || return; done
}

batch() { # LINES
	local node

	for node in $NODES; do on "$node" lbtool -batch - <<<"$1" || return; done
}

addr() { # REAL FAMILY
	if [ "$2" = 4 ]; then echo "10.7.${1#l7-}.2"; else echo "2001:db8:7:${1#l7-}::2"; fi
}

count_rx() { # NODE REASON
	on "$1" lbtool -d stats show rx | awk -v why="$2" '$1 == "rx" && $2 == why { print $4 }'
}

sent_on() { # all receivers together
	local node n=0

	for node in $REALS; do n=$((n + $(count_rx "$node" sent_on))); done
	echo $n
}

all_up() { # FAMILY
	local real

	for real in $REALS; do everywhere real replace "$(addr "$real" "$1")" pool web state up; done
}

survive() { # FAMILY DRAIN VIP
	everywhere pool replace web drain 0s
	all_up "$1"
	everywhere pool replace web drain "$2"
	hold "$3"
	is "$said" "answered $CONNS broken 0" "$CONNS connections to $3, reals IPv$1"
	everywhere real replace "$(addr l7-1 "$1")" pool web state drain
	ask
}

# What the client still has to say of connections let go or broken, now or when the reals' keep-alive ends, is not to be
# counted among packets made by hand: the router takes no more of it.
hush() {
	on r1 nft -f - <<-END
		table inet hush { chain f { type filter hook forward priority -10; iifname "c1" drop; }; }
	END
	still 1 counters
}

counters() {
	local node

	for node in l7-2 l7-3; do on "$node" lbtool -d stats show rx; done
}

counted() { # NODE REASON COUNT...: that many, each
	while [ $# -gt 0 ]; do
		[ "$(count_rx "$1" "$2")" = "$3" ] || return
		shift 3
	done
}

get() { # VIP COUNT: statuses
	local i

	for ((i = 0; i < $2; i++)); do
		on c1 curl -gs -m 20 -o /dev/null -w '%{http_code}\n' "http://$1/"
	done | sort | uniq -c | xargs
}

lab_ends
./lab.sh up -p "$LAB" -B -q -c 1 -l 3 -r 3 -f 4 -s 0 -z $SIZE >"$TMP/lab" 2>&1
ok $? "a lab of three nodes and three reals" "$(cat "$TMP/lab")"
for node in $REALS; do
	on "$node" lbtool receiver replace eth0 from 10.4.0.0/16 from 2001:db8:4::/48 from 10.7.0.0/16 \
		from 2001:db8:7::/48
done

for family in 4 6; do
	if [ $family = 6 ]; then
		batch "$(for real in $REALS; do
			echo "real del $(addr "$real" 4) pool web"
			echo "real add $(addr "$real" 6) pool web"
		done)"
	fi
	everywhere pool replace web encap gue drain 0s
	for vip in $VIP4 $VIP6; do
		url=$vip
		[ "$vip" = $VIP4 ] || url="[$vip]"
		is "$(get "$url" 20)" "20 200" "requests to $vip, reals IPv$family"
		survive $family 0s "$vip"
		like "$said" 'broken [1-9]' "a real drained, nobody named: some break"
		let_go
		before=$(sent_on)
		survive $family 60s "$vip"
		is "$said" "answered $CONNS broken 0" "a real drained, the previous one named: none breaks"
		ok $(($(sent_on) <= before)) "since others sent on what was its own"
		everywhere real replace "$(addr l7-3 $family)" pool web weight 3
		ask
		is "$said" "answered $CONNS broken 0" "another weight as well: none breaks"
		everywhere real replace "$(addr l7-3 $family)" pool web weight 1
		let_go
	done
done
all_up 6

# Once: the second receiver, named as the previous one by a packet that names a third, keeps it.
hush
before2=$(count_rx l7-2 sent_on) before3=$(count_rx l7-3 decap) sent3=$(count_rx l7-3 sent_on)
on l4-1 ./gue.py send "$(addr l7-2 4)" "$(addr l7-3 4)" 1 $VIP4 192.0.2.77 0x10
on l4-1 ./gue.py send "$(addr l7-2 6)" "$(addr l7-3 6)" 1 $VIP6 2001:db8:99::1 0x10
wait_for 10 counted l7-2 sent_on $((before2 + 2)) l7-3 decap $((before3 + 2))
still 1 counters
is "$(count_rx l7-2 sent_on) $(count_rx l7-3 decap) $(count_rx l7-3 sent_on)" \
	"$((before2 + 2)) $((before3 + 2)) $sent3" "what is nobody's is sent on, once"
before2=$(count_rx l7-2 decap)
on l4-1 ./gue.py send "$(addr l7-2 4)" "$(addr l7-3 4)" 0 $VIP4 192.0.2.77 0x10
on l4-1 ./gue.py send "$(addr l7-2 4)" "$(addr l7-3 4)" 1 $VIP4 192.0.2.77 0x02
on l4-1 ./gue.py send "$(addr l7-2 4)" - 1 $VIP4 192.0.2.77 0x10
wait_for 10 counted l7-2 decap $((before2 + 3))
still 1 counters
is "$(count_rx l7-2 decap)" $((before2 + 3)) "what has been sent on, a SYN, and what names nobody stay"
on r1 nft delete table inet hush
before2=$(count_rx l7-2 drop_from)
on l4-1 ip addr add 10.99.0.1/32 dev lo
on c1 ./gue.py send "$(addr l7-2 4)" - 1 $VIP4 192.0.2.77 0x10
wait_for 10 counted l7-2 drop_from $((before2 + 1))
is "$(count_rx l7-2 drop_from)" $((before2 + 1)) "GUE from a stranger is dropped"

# SYN cookies: the ACK that ends the handshake belongs to no socket yet.
for node in $REALS; do on "$node" sysctl -qw net.ipv4.tcp_syncookies=2; done
everywhere pool replace web drain 60s
everywhere real replace "$(addr l7-1 6)" pool web state drain
is "$(get $VIP4 30) $(get "[$VIP6]" 30)" "30 200 30 200" "with SYN cookies, while slots have not settled"

# The errors of a path reach the connection that they are about.
for node in $REALS; do on "$node" sysctl -qw net.ipv4.tcp_syncookies=1; done
everywhere pool replace web drain 0s
all_up 6
everywhere pool replace web drain 60s
pulled=0
for i in 1 2 3 4 5 6; do
	coproc PULL { exec nsenter --net="/run/netns/$LAB-c1" ./gue.py pull $VIP4 /data 2>/dev/null; }
	PIDS+=("$PULL_PID")
	IFS= read -r -t 60 said <&"${PULL[0]}"
	pull_in[i]=${PULL[0]} pull_out[i]=${PULL[1]}
	exec {fd}<&"${PULL[0]}" {out}>&"${PULL[1]}"
	pull_in[i]=$fd pull_out[i]=$out
done 2>/dev/null
everywhere real replace "$(addr l7-1 6)" pool web state drain
everywhere real replace "$(addr l7-2 6)" pool web state drain
on r1 ip -4 route replace 10.1.1.0/30 dev c1 mtu lock 1400
for i in 1 2 3 4 5 6; do
	echo go >&"${pull_out[i]}"
	IFS= read -r -t 60 said <&"${pull_in[i]}" && [ "$said" = "got $SIZE" ] && pulled=$((pulled + 1))
done
is $pulled 6 "a narrow hop: its errors find the connections of drained reals"

# lbmon's checks go the same way.
everywhere pool replace web check http interval 5s timeout 5s
like "$(on l4-1 lbmon -once 2>&1; echo "rc $?")" 'rc 0' "checks through GUE"
plan_done
