# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# lib.sh - the data centre's names, addresses and routes: what lab.sh, demo.sh and the tests share.
#
# A lab is known by its PREFIX: node N is the namespace PREFIX-N and the lbtool instance PREFIX-N,
# and what has to be remembered about it is in /run/lb-lab/PREFIX. Several labs may stand side by
# side; they have the same addresses, none of which leaves its namespaces.
#
# Every link joins one node to the router and is a layer-3 subnet of its own:
#   kind K (clients 1, L4LBs 4, L7LBs 7), number I:  10.K.I.0/30 and 2001:db8:K:I::/64,
#   the router has the address ending in 1, the node (device eth0) the one ending in 2.
# On the router a link's device has the node's name.

# shellcheck disable=SC2034 # some are for those who read this file
declare -r VIP4=203.0.113.10 VIP6=2001:db8:113::10 PORTS="80 443"
declare -r L4_NETS="10.4.0.0/16 2001:db8:4::/48"
declare -r LAB_ROOT=/run/lb-lab BPFFS=/sys/fs/bpf NETNS_DIR=/run/netns

TOP=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
[[ ${B:-} == /* ]] || B=$TOP/${B:-build}
PASS=$B/tests/net/pass.bpf.o
LBTOOL=${LBTOOL:-$B/lbtool}
[ -x "$LBTOOL" ] || LBTOOL=$(command -v lbtool || echo "$LBTOOL")
LBMON=${LBMON:-$B/lbmon}
[ -x "$LBMON" ] || LBMON=$(command -v lbmon || echo "$LBMON")

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

need_tools() {
	local word missing=

	# apt-get puts several of these where the path of an ordinary user does not lead.
	PATH=$PATH:/usr/sbin:/sbin
	for word; do
		command -v "$word" >/dev/null || missing="$missing $word"
	done
	[ -z "$missing" ] || die "not installed:$missing; \"make deps\" installs what the lab needs"
	[ "$(id -u)" = 0 ] || die "must be root, to make network namespaces"
}

need_number() { # WORD VALUE MIN MAX
	if ! [[ $2 =~ ^[0-9]{1,9}$ ]] || ((10#$2 < $3 || 10#$2 > $4)); then
		die "$1 \"$2\": must be $3-$4"
	fi
}

# Names of namespaces and of instances: no dots (bpffs refuses them), 31 characters with "-l7-250".
use_prefix() {
	[[ $1 =~ ^[a-zA-Z][a-zA-Z0-9_]{0,19}$ ]] ||
		die "prefix \"$1\": must be a letter, then at most 19 letters, digits or _"
	PREFIX=$1
	RUN=$LAB_ROOT/$PREFIX
}

# Sets CLIENTS, L4LBS, REALS, MODE and the rest of what `lab.sh up` was told.
load_conf() {
	[ -e "$RUN/conf" ] ||
		die "no lab \"$PREFIX\" stands here; \"lab.sh up -p $PREFIX\" builds one"
	# shellcheck source=/dev/null
	. "$RUN/conf"
}

nodes() { # KIND COUNT
	local i

	for ((i = 1; i <= $2; i++)); do
		case $1 in
		c) echo "c$i" ;;
		*) echo "$1-$i" ;;
		esac
	done
}

clients() { nodes c "$CLIENTS"; }
l4lbs() { nodes l4 "$L4LBS"; }
l7lbs() { nodes l7 "$REALS"; }

# Sets kind and number, its caller's; without a subshell: a lab asks hundreds of times.
link_of() {
	kind=${1%-*}
	kind=${kind/#c*/1}
	kind=${kind#l}
	number=${1##*[c-]}
}

node_number() {
	local kind number

	link_of "$1"
	echo "$number"
}

# END is 1 for the router's address on the link, 2 (the default) for the node's.
addr4() {
	local kind number

	link_of "$1"
	echo "10.$kind.$number.${2:-2}"
}

addr6() {
	local kind number

	link_of "$1"
	echo "2001:db8:$kind:$number::${2:-2}"
}

# The address by which the pool knows a real. "mixed" gives every second one its IPv6 address, so
# that one pool sees all four tunnels: 4in4, 6in4, 4in6, 6in6.
real_addr() {
	case $FAMILY$(($(node_number "$1") % 2)) in
	6? | mixed0) addr6 "$1" ;;
	*) addr4 "$1" ;;
	esac
}

# The weight of a real: WEIGHTS is a list like 1,1,2; the last one stands for all that follow.
real_weight() {
	local list

	IFS=, read -ra list <<<"$WEIGHTS"
	echo "${list[$(node_number "$1") - 1]:-${list[-1]}}"
}

# `ip netns exec` would hide the pins behind a fresh /sys.
in_node() { # NODE COMMAND...
	local node=$1

	shift
	nsenter --net="$NETNS_DIR/$PREFIX-$node" "$@"
}

lbt() { # NODE WORD...
	local node=$PREFIX-$1

	shift
	"$LBTOOL" -n "$node" -i "$node" "$@"
}

# Waits up to 20 s (or $WAIT) until the command succeeds.
wait_until() {
	local end=$((${EPOCHREALTIME/./} + ${WAIT:-20} * 1000000)) looks=0

	until "$@"; do
		((${EPOCHREALTIME/./} < end)) || return 1
		sleep "0.$((looks++ < 40 ? 0 : 2))5" # a look may cost as much as what is waited for
	done
}

# How an L4LB says that it takes VIPs, or no more: the one place. With BGP, lbmon is told, and it is
# done when the router knows. Without, the router's routes name exactly the nodes in $RUN/announced.
route_add() { # NODE
	if [ "$BGP" = yes ]; then
		lbt "$1" node ready
		WAIT=30 wait_until hop_there "$1" || die "the router does not learn the VIPs of $1"
		return
	fi
	grep -qx "$1" "$RUN/announced" 2>/dev/null || echo "$1" >>"$RUN/announced"
	route_write
}

route_del() { # NODE
	if [ "$BGP" = yes ]; then
		lbt "$1" node drain
		WAIT=30 wait_until hop_gone "$1" || die "the router keeps the VIPs of $1"
		return
	fi
	sed -i "/^$1\$/d" "$RUN/announced"
	route_write
}

route_write() {
	local node hops4=() hops6=()

	while read -r node; do
		hops4+=(nexthop via "$(addr4 "$node")" dev "$node")
		hops6+=(nexthop via "$(addr6 "$node")" dev "$node")
	done < <(sort -V "$RUN/announced")
	if [ ${#hops4[@]} = 0 ]; then
		ip -n "$PREFIX-r1" -4 route flush "$VIP4"
		ip -n "$PREFIX-r1" -6 route flush "$VIP6"
		return
	fi
	ip -n "$PREFIX-r1" -4 route replace "$VIP4" "${hops4[@]}"
	ip -n "$PREFIX-r1" -6 route replace "$VIP6" "${hops6[@]}"
}
