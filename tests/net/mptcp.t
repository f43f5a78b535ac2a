#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mptcp.t - Multipath TCP, with the kernel's own on both ends. A client's second subflow to the address that all share
# meets whichever real its ports lead to, mostly another than the first one, and is reset there. Then as lb(7) has it: the
# servers forbid that and announce a port of their own, which a VIP entry maps to that real alone.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root
LAB=mptcp$$
VIP4=203.0.113.10 VIP6=2001:db8:113::10
NODES="l4-1 l4-2 l4-3" REALS="1 2 3 4"
CONNS=16

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

if ! ./lab.sh up -B -q -c 1 -l 3 -r 4 -p "$LAB" >"$TMP/up" 2>&1; then
	ok 1 "lab up" "$(cat "$TMP/up")"
	plan_done
	exit 1
fi

at() { # NODE COMMAND...
	nsenter --net="/run/netns/$LAB-$1" "${@:2}"
}

lbt_at() { # NODE WORD...
	"$LBTOOL" -n "$LAB-$1" -i "$LAB-$1" "${@:2}"
}

everywhere() { # LINES: a batch on each balancer
	local node

	for node in $NODES; do lbt_at "$node" -b - <<<"$1" || return 1; done
}

real_addr() { # NUMBER: as the lab's pool has it
	if [ $(($1 % 2)) = 0 ]; then echo "2001:db8:7:$1::2"; else echo "10.7.$1.2"; fi
}

reals() { # WORD...: a line for each, %N is its number
	local n

	for n in $REALS; do echo "real replace $(real_addr "$n") pool web ${*//%N/$n}"; done
}

count_why() { # REASON: packets, a line for each node
	local node

	for node in $NODES; do
		lbt_at "$node" -d stats show why | sed -nE "s/^why $1 packets ([0-9]+).*/\\1/p"
	done
}

# Connections, one after the other. Sets two: how many had two subflows, here and at one real, and apart: how many of these
# came by two nodes.
talk_all() { # VIP SECONDS
	local i said before after

	two=0 apart=0
	for ((i = 0; i < CONNS; i++)); do
		mapfile -t before < <(count_why tx)
		said=$(at c1 ./mptcp.py talk "$1" "$2" 2>&1)
		mapfile -t after < <(count_why tx)
		[[ $said == l7-*" subflows 2 here 2" ]] || continue
		two=$((two + 1))
		apart=$((apart + ((after[0] > before[0]) + (after[1] > before[1]) + \
			(after[2] > before[2]) == 2)))
	done
}

refused() { # joins that met a real which knows nothing of their connection, all reals together
	local n

	for n in $REALS; do at "l7-$n" nstat -asz MPTcpExtMPJoinNoTokenFound; done |
		awk '$1 ~ /^MPTcp/ { n += $2 } END { print n }'
}

listens() { [ "$(at "l7-$1" ss -Hltn 'sport = :8080' | wc -l)" -ge 2 ]; }

for n in $REALS; do
	# Not at(): its shell would die of the kill, the server would stay.
	nsenter --net="/run/netns/$LAB-l7-$n" ./mptcp.py serve "l7-$n" $VIP4 $VIP6 &
	PIDS+=($!)
done
for n in $REALS; do
	wait_for 30 listens "$n"
done
everywhere "vip add $VIP4:8080/tcp pool web
vip add [$VIP6]:8080/tcp pool web"
# A client with two addresses, that uses both.
at c1 ip addr add 10.1.1.3/32 dev eth0
# Not one that the first subflow would choose.
at c1 ip addr add 2001:db8:1:1::3/64 dev eth0 nodad preferred_lft 0
at r1 ip route add 10.1.1.3/32 dev c1 via 10.1.1.2
at c1 ip mptcp limits set subflow 2 add_addr_accepted 2
at c1 ip mptcp endpoint add 10.1.1.3 dev eth0 subflow
at c1 ip mptcp endpoint add 2001:db8:1:1::3 dev eth0 subflow

# Without: one in four meets the right real.
for vip in $VIP4 $VIP6; do
	lost=$(refused)
	talk_all "$vip" 1
	ok $((two > CONNS * 3 / 4)) "$vip: few connections have a second subflow" "$two of $CONNS"
	ok $(($(refused) - lost < CONNS - two)) "the others' joins met another real" \
		"$(($(refused) - lost)) refused, $two of $CONNS have two subflows"
	echo "# $vip, to the shared address: 2 subflows in use $two of $CONNS"
done

# With: as in lb(7).
everywhere "$(reals mptcp 800%N)"
ok $? "a port for each real"
for n in $REALS; do
	at "l7-$n" sysctl -qw net.mptcp.allow_join_initial_addr_port=0
	at "l7-$n" ip mptcp endpoint add $VIP4 port "800$n" signal
	at "l7-$n" ip mptcp endpoint add $VIP6 port "800$n" signal
done
for vip in $VIP4 $VIP6; do
	lost=$(refused)
	talk_all "$vip" 20
	is $two $CONNS "$vip: all connections have two subflows, at one real"
	ok $((apart < CONNS / 4)) "of which many come by two nodes" "$apart of $CONNS"
	is $(($(refused) - lost)) 0 "no join is refused"
	echo "# $vip, to the real's own port: 2 subflows in use $two of $CONNS, by two nodes $apart"
done

# The second subflow is of use: without the first one's way the connection goes on.
coproc HOLD { exec nsenter --net="/run/netns/$LAB-c1" ./mptcp.py hold $VIP4 2>&1; }
PIDS+=("$HOLD_PID")
ask() {
	echo >&"${HOLD[1]}"
	read -r -t 60 said <&"${HOLD[0]}"
}
for _ in {1..100}; do
	ask
	[[ $said != l7-*" subflows 2 here 2" ]] || break
	sleep 0.05
done
like "$said" '^l7-. subflows 2 here 2$' "a connection that is held"
first=${said%% *}
everywhere "$(reals state drain mptcp 800%N | grep " $(real_addr "${first#l7-}") ")"
ask
is "$said" "$first subflows 2 here 2" "its real is drained: both subflows stay"
at r1 nft -f - <<-END
	table inet cut { chain f { type filter hook forward priority -10; tcp dport 8080 drop; }; }
END
ask
like "$said" "^$first subflows . here .\$" "the first subflow's packets vanish: the other one carries on"
at r1 nft delete table inet cut

# Down is down.
is "$(count_why drop_no_real | xargs)" "0 0 0" "no packet was without a real so far"
everywhere "real replace $(real_addr "${first#l7-}") pool web state down"
at c1 curl -s -m 2 "http://$VIP4:800${first#l7-}/"
like "$(count_why drop_no_real | xargs)" "[1-9]" "a real that is down: nobody gets what comes to its port"
like "$(lbt_at l4-1 vip add $VIP4:8001/tcp pool web 2>&1)" 'mptcp port 8001 is that of vip' \
	"its port cannot be a service"
plan_done
