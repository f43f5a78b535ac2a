#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stock.t - the kernel's own tunnel devices as receivers: what the balancer sends is what ipip, sit and ip6tnl
# take. All four kinds of families; whole TCP connections, in native and in generic mode; our receiver for comparison.
# An L7LB that has none of them must get nothing: else the rest would prove nothing.
set -u
cd "$(dirname "$0")/../net" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
# shellcheck source=tests/net/lib.sh
. ./lib.sh
# shellcheck source=tests/net/build.sh
. ./build.sh
need_root
use_prefix stock$$

down() {
	trap '' INT TERM
	./lab.sh down -p "$PREFIX"
	rm -rf "$TMP"
}

# l7-1 is known to the pool by its IPv4 address, l7-2 by its IPv6 address.
answering() { # VIP [SECONDS]: which L7LBs answer
	in_node c1 curl -s --fail-early --connect-timeout "${2:-20}" "http://$1/[1-24]" |
		awk '!seen[$1]++ { print $1 }' | sort | paste -sd' '
}

uploads() { # VIP: how many of 12 arrived whole
	rm -f "$RUN"/l7-*/up/*
	in_node c1 curl -s --connect-timeout 20 -T "$TMP/file" "http://$1/up/[1-12]" >"$TMP/put" 2>&1
	sha256sum "$RUN"/l7-*/up/* 2>/dev/null | grep -c "^$(sha256sum <"$TMP/file" | cut -d' ' -f1) "
}

try() { # TEXT
	local vip

	for vip in $VIP4 "[$VIP6]"; do
		is "$(answering "$vip")" "l7-1 l7-2" "$1: $vip: both L7LBs answer"
		is "$(uploads "$vip")" 12 "$1: $vip: what is sent arrives whole"
	done
}

# Without our receiver it is for the routes to say what an L7LB can take.
leave_room() { # NODE MSS
	ip -n "$PREFIX-$1" -4 route change default via "$(addr4 "$1" 1)" advmss "$2"
	ip -n "$PREFIX-$1" -6 route change default via "$(addr6 "$1" 1)" advmss "$2"
}

links() { # NODE, lines for ip -b on stdin
	ip -n "$PREFIX-$1" -b - || ok 1 "ip link in $1"
}

receivers() { # add|del
	local node

	for node in l7-1 l7-2; do
		if [ "$1" = add ]; then config_l7lb "$node"; else lbt "$node" receiver del eth0; fi
	done
}

head -c 300000 /dev/urandom >"$TMP/file"
modprobe -a ipip sit ip6_tunnel
trap down EXIT
trap 'exit 130' INT TERM
./lab.sh up -B -p "$PREFIX" -c 1 -l 1 -r 2 -f mixed -z 1000 -s 1024 -q || exit 1
load_conf

try "our receiver"
lbt l4-1 dev replace eth0 mode generic
try "our receiver, generic mode"
receivers del
lbt l4-1 dev replace eth0 mode native
for node in l7-1 l7-2; do leave_room $node 1400; done
for vip in $VIP4 "[$VIP6]"; do
	is "$(answering "$vip" 3)" "" "no receiver: $vip: nobody answers"
done

links l7-1 <<-END
	link set tunl0 up
	link set sit0 up
END
# By "ip link set ... type ip6tnl" the kernel would not have it.
ip -n "$PREFIX-l7-2" -6 tunnel change ip6tnl0 mode any
links l7-2 <<-END
	link set ip6tnl0 up
END
try "tunl0, sit0, ip6tnl0"
lbt l4-1 dev replace eth0 mode generic
try "tunl0, sit0, ip6tnl0, generic mode"
lbt l4-1 dev replace eth0 mode native
links l7-1 <<-END
	link set tunl0 down
	link set sit0 down
	link add any4 type sit mode any remote any local $(addr4 l7-1)
	link set any4 up
END
links l7-2 <<-END
	link set ip6tnl0 down
	link add any6 type ip6tnl mode any remote any local $(addr6 l7-2)
	link set any6 up
END
try "sit and ip6tnl in mode any"
links l7-1 <<-END
	link del any4
	link add ext4 type ipip external
	link set ext4 up
	link set sit0 up
END
links l7-2 <<-END
	link del any6
	link add ext6 type ip6tnl external
	link set ext6 up
END
try "ipip and ip6tnl with external, sit0"
is "$(lbt l4-1 -j stats show | jq '[.[] | select(.why and (.why | startswith("drop")) and .packets > 0) | .why]' -c)" \
	'[]' "nothing was dropped on the L4LB"
plan_done
