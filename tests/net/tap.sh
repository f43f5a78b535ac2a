# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# tap.sh - for network tests: TAP lines, and a pair of hosts with a balancer on one.
#
#   NS-a (device eth0, 10.9.0.1, client and reals)  ===  NS-b (device eth0, 10.9.0.2, balancer)
#
# NS is $0's name and this process's number, so tests may run side by side; all that pair_up makes goes with the
# script, however it ends.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[[ ${B:-} == /* ]] || B=$TOP/${B:-build}
LBTOOL=${LBTOOL:-$B/lbtool}
LBMON=${LBMON:-$B/lbmon}
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH # Debian's first: what else there is may be a shell script
NS=$(basename "$0" .t)$$
TMP=$(mktemp -d)
TESTS=0
PIDS=()

ok() { # STATUS TEXT [WHY]
	TESTS=$((TESTS + 1))
	if [ "$1" = 0 ]; then
		echo "ok $TESTS - $2"
		return
	fi
	echo "not ok $TESTS - $2"
	# shellcheck disable=SC2001 # each line, not each match
	[ $# -lt 3 ] || sed 's/^/#   /' <<<"$3"
}

is() { # GOT WANTED TEXT
	local same=0

	[ "$1" = "$2" ] || same=1
	ok $same "$3" "got:    $1
wanted: $2"
}

like() { # GOT REGEX TEXT
	local match=0

	[[ $1 =~ $2 ]] || match=1
	ok $match "$3" "got:    $1
wanted: $2"
}

# Looks cost the CPUs as much as what is waited for: after some seconds they are fewer.
wait_for() { # SECONDS COMMAND...: until it succeeds
	local end=$((SECONDS + $1 + 1)) looks=0

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep "0.$((looks++ < 40 ? 0 : 2))5"
	done
}

# still SECONDS COMMAND...: until what it prints has been the same for so long; gives up after 30 s. Looks are counted, ten
# a second: a machine that stands still is not a quiet one.
still() {
	local looks=$(($1 * 10)) same=0 end=$((SECONDS + 31)) was now

	shift
	was=$("$@")
	while [ $same -lt $looks ]; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
		now=$("$@")
		same=$((same + 1))
		[ "$now" = "$was" ] || same=0
		was=$now
	done
}

plan_done() {
	echo "1..$TESTS"
}

need_root() {
	if [ "$(id -u)" != 0 ]; then
		echo "1..0 # SKIP needs root"
		[ -z "${LB_REQUIRE_ROOT:-}" ] && exit 0
		exit 1
	fi
}

lbt() {
	"$LBTOOL" -n "$NS-b" -i "$NS" "$@"
}

in_a() {
	nsenter --net="/run/netns/$NS-a" "$@"
}

in_b() {
	nsenter --net="/run/netns/$NS-b" "$@"
}

# pair_up: made by the first test that calls it, removed at the end.
pair_up() {
	trap pair_down EXIT
	trap 'exit 130' INT TERM
	ip netns add "$NS-a"
	ip netns add "$NS-b"
	ip link add eth0 netns "$NS-a" type veth peer name eth0 netns "$NS-b"
	pair_link eth0 10.9.0
	ip -n "$NS-b" route add 10.0.0.0/8 via 10.9.0.1
	ip -n "$NS-b" route add 2001:db8:10::/48 via 2001:db8:9::1
	ip -n "$NS-a" route add 203.0.113.0/24 via 10.9.0.2
	ip -n "$NS-a" route add 2001:db8:113::/48 via 2001:db8:9::2
	MAC=$(ip -n "$NS-b" -j link show eth0 | jq -r '.[0].address')
}

pair_link() { # DEV NET4
	local ns

	for ns in a b; do
		ip netns exec "$NS-$ns" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
			net.ipv6.conf.all.accept_dad=0 net.ipv6.conf."$1".accept_dad=0 \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf."$1".rp_filter=0
		ip -n "$NS-$ns" link set lo up
	done
	ip -n "$NS-a" addr add "$2.1/24" dev "$1"
	ip -n "$NS-b" addr add "$2.2/24" dev "$1"
	ip -n "$NS-a" addr add 2001:db8:9::1/64 dev "$1" nodad 2>/dev/null
	ip -n "$NS-b" addr add 2001:db8:9::2/64 dev "$1" nodad 2>/dev/null
	ip netns exec "$NS-a" ethtool -K "$1" tx off >/dev/null
	ip -n "$NS-a" link set "$1" up
	ip -n "$NS-b" link set "$1" up
	# What XDP_TX sends arrives only where an XDP program is.
	pass_attach "$NS-a" "$1"
}

# Not by ip(8), which leaves directories in bpffs for good.
pass_attach() { # NAMESPACE DEV
	bpftool prog load "$B/tests/net/pass.bpf.o" "/sys/fs/bpf/$NS-pass"
	nsenter --net="/run/netns/$1" bpftool net attach xdp pinned "/sys/fs/bpf/$NS-pass" dev "$2"
	rm "/sys/fs/bpf/$NS-pass"
}

pair_down() {
	trap '' INT TERM
	local pid

	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	for ns in "$NS-a" "$NS-b"; do
		[ ! -e "/run/netns/$ns" ] || ip netns del "$ns"
	done
	"$LBTOOL" -i "$NS" prog unload 2>/dev/null
	rm -f "/run/lb/$NS.lock"
	rmdir /run/lb 2>/dev/null
	rm -rf "$TMP"
}

# shower_start VIPS RATE: see shower.c. Its reports are lines of $TMP/shower. LB_SHOWER_RATE: another rate,
# for machines whose own side of the link cannot hold it (tests/vm).
shower_start() {
	: >"$TMP/shower"
	# Not through in_a(): $! would be a shell's, not the shower's.
	nsenter --net="/run/netns/$NS-a" "$B/tests/net/shower" eth0 "$MAC" "$1" "${LB_SHOWER_RATE:-$2}" >"$TMP/shower" &
	SHOWER=$!
	PIDS+=("$SHOWER")
	# Before that a signal would end it.
	wait_for 20 test -s "$TMP/shower"
}

shower_came() { # N
	[ "$(field received "$(shower_report)")" -ge "$1" ]
}

# shower_flows N: until so many packets have come back.
shower_flows() {
	wait_for 30 shower_came "$1"
}

shower_report() { # prints the newest line of counters
	local lines

	lines=$(wc -l <"$TMP/shower")
	kill -USR1 "$SHOWER"
	until [ "$(wc -l <"$TMP/shower")" -gt "$lines" ]; do
		kill -0 "$SHOWER" 2>/dev/null || return
		sleep 0.002
	done
	tail -n 1 "$TMP/shower"
}

# shower_stop: ends it, last report in $LAST; status as the shower's, 1 when a packet went wrong. Not in a subshell,
# which could not wait for it.
shower_stop() {
	local rc=0

	kill -TERM "$SHOWER"
	wait "$SHOWER" || rc=$?
	# shellcheck disable=SC2034 # for the caller
	LAST=$(tail -n 1 "$TMP/shower")
	return $rc
}

field() { # NAME LINE: the word behind NAME
	sed -nE "s/.*\\b$1 ([0-9]+).*/\\1/p" <<<"$2"
}

# A lab (lab.sh) named $LAB, which goes with the script, however that ends.
lab_ends() {
	trap lab_down EXIT
	trap 'exit 130' INT TERM
}

lab_down() {
	trap '' INT TERM
	local pid

	for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null; done
	./lab.sh down -p "$LAB"
	rm -rf "$TMP"
}

# As `lab.sh exec` does, which reads what it needs to know of a lab each time: of a test's run that was half. In the background,
# $! would be a shell's.
on() { # NODE COMMAND...
	LB_INSTANCE=$LAB-$1 PATH=${LBTOOL%/*}:$PATH nsenter --net="/run/netns/$LAB-$1" "${@:2}"
}

# Connections that gue.py keeps open from c1, $CONNS of them; $said is what they say.
hold() { # VIP
	coproc HOLD { exec nsenter --net="/run/netns/$LAB-c1" ./gue.py hold "$1" "$CONNS" 2>/dev/null; }
	PIDS+=("$HOLD_PID")
	IFS= read -r -t 60 said <&"${HOLD[0]}"
}

ask() {
	echo ask >&"${HOLD[1]}"
	# shellcheck disable=SC2034 # the test reads it
	IFS= read -r -t 120 said <&"${HOLD[0]}"
}

let_go() {
	local pid=$HOLD_PID

	eval "exec ${HOLD[1]}>&-"
	wait "$pid" 2>/dev/null
}
