#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# many_reals.sh [ REALS [ SECONDS [ tcp|http [ direct|tunnel ] ] ] ] - what it costs lbmon to ask so many reals every second.
#
# One server in a network namespace answers at all addresses: of the same namespace (direct), or of another one behind
# a tunnel. Prints what lbmon used and how late its checks were; then one real dies.
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
B=$(cd "$TOP" && realpath -m "${B:-build}")
REALS=${1:-10000} LAST=${2:-30} KIND=${3:-tcp} VIA=${4:-direct}
NS=${NS:-many$$} PORT=8080 VIP=203.0.113.10
BPFFS=/sys/fs/bpf
mounted=no mon='' server=''

die() {
	echo "many_reals.sh: $*" >&2
	exit 1
}

end() {
	trap '' INT TERM HUP
	trap - EXIT
	[ -z "$mon" ] || kill -9 "$mon" 2>/dev/null
	[ -z "$server" ] || kill "$server" 2>/dev/null
	lbt dev del eth0 >/dev/null 2>&1
	lbt prog unload >/dev/null 2>&1
	far receiver del eth0 >/dev/null 2>&1
	rm -rf "$BPFFS/lb/$NS-a" "$BPFFS/lb/$NS-b" "/run/lb/$NS-a.lock" "/run/lb/$NS-b.lock" "$TMP"
	ip netns del "$NS-a" 2>/dev/null
	ip netns del "$NS-b" 2>/dev/null
	[ $mounted = no ] || umount "$BPFFS"
	exit "$1"
}

lbt() { "$B/lbtool" -n "$NS-a" -i "$NS-a" "$@"; }
far() { "$B/lbtool" -n "$NS-b" -i "$NS-b" "$@"; }
now() { echo $((${EPOCHREALTIME/./} / 1000)); } # milliseconds

addresses() {
	awk -v n="$REALS" 'BEGIN { for (i = 0; i < n; i++)
		printf "10.%d.%d.%d\n", 64 + int(i / 62500), int(i / 250) % 250, i % 250 + 1 }'
}

# The first prime of at least 101 slots a real.
table_size() {
	awk -v n="$REALS" 'BEGIN { for (p = (n < 10 ? 1009 : n * 101 + 1 - n % 2); ; p++) {
		for (d = 2; d * d <= p && p % d; d++);
		if (d * d > p) { print p; exit } } }'
}

make_hosts() {
	ip netns add "$NS-a" || die "no namespace"
	ip netns add "$NS-b" || die "no namespace"
	ip link add eth0 netns "$NS-a" type veth peer name eth0 netns "$NS-b" || die "no link"
	# The way of a check's tunnel is looked up as that of a forwarded packet.
	nsenter --net="/run/netns/$NS-a" sysctl -qw net.ipv4.ip_forward=1
	nsenter --net="/run/netns/$NS-b" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	ip -n "$NS-a" -b - <<-END
		link set lo up
		link set eth0 up
		addr add 192.0.2.1/24 dev eth0
		route add default via 192.0.2.2
	END
	ip -n "$NS-b" -b - <<-END
		link set lo up
		link set eth0 up
		addr add 192.0.2.2/24 dev eth0
		addr add $VIP/32 dev lo
	END
	if [ "$VIA" = direct ]; then
		ip -n "$NS-a" route add local 10.64.0.0/14 dev lo
	else
		addresses | sed 's/.*/addr add &\/32 dev lo/' | ip -n "$NS-b" -b -
		far receiver add eth0 from 192.0.2.0/24 || die "no receiver"
	fi
}

configure() {
	local slots

	slots=$(table_size)
	lbt prog load reals $((REALS * 2 + 16)) vips 16 pools 8 tables $((slots * 3 / 65537 + 8)) sessions 0 ||
		die "no program"
	{
		echo "pool add web table $slots check $KIND direct $([ "$VIA" = direct ] && echo on || echo off)" \
			"port $PORT interval 1s timeout 900ms rise 2 fall 2"
		addresses | sed 's/.*/real add & pool web/'
		echo "vip add $VIP:$PORT/tcp pool web"
	} >"$TMP/batch"
	lbt -b "$TMP/batch" || die "no configuration"
	lbt dev add eth0 2>"$TMP/notes" || die "not attached: $(cat "$TMP/notes")"
}

first_words() { grep -c "health=${1:-.*} was=unknown" "$TMP/log"; } # [ up|down ]

wait_known() {
	local end=$(($(now) + 60000))

	until [ "$(first_words)" -ge "$REALS" ]; do
		[ "$(now)" -lt $end ] || break
		kill -0 "$mon" || die "lbmon has ended: $(tail -n 3 "$TMP/log")"
		sleep 0.1
	done
}

cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$mon/stat"; }

slots_gone() { # ADDRESS
	[ "$(lbt -d -j real show "$1" pool web | jq '.[].slots')" = 0 ]
}

# As if that host had no power any more: nothing comes from it, not even a reset.
one_dies() {
	local ns=$NS-a addr start

	addr=$(addresses | sed -n "$((REALS / 2 + 1))p")
	[ "$VIA" = direct ] || ns=$NS-b
	start=$(now)
	nsenter --net="/run/netns/$ns" nft -f - <<-END
		table inet dead {
			chain in { type filter hook prerouting priority -300; ip daddr $addr drop; }
			chain out { type filter hook output priority -300; ip daddr $addr drop; }
		}
	END
	if [ "$VIA" = tunnel ]; then # the tunnels end in tc, before nft
		far receiver del eth0 && ip -n "$NS-b" addr del "$addr/32" dev lo &&
			far receiver add eth0 from 192.0.2.0/24
	fi
	until slots_gone "$addr" || [ $(($(now) - start)) -gt 20000 ]; do sleep 0.02; done
	slots_gone "$addr" && echo "one of them dies: out of the table after $(($(now) - start)) ms" ||
		echo "one of them dies: IN THE TABLE after 20 s"
}

ask_once() {
	local start took

	start=$(now)
	timeout 120 "$B/lbmon" -n "$NS-a" -i "$NS-a" -once >"$TMP/once" 2>"$TMP/once.log"
	took="status $?, $(($(now) - start)) ms"
	echo "lbmon -once: $took, $(grep -c 'health up' "$TMP/once") of $REALS up"
	grep -v "health up" "$TMP/once" | head -n 3 # what was not up, and why
}

watch_them() {
	local start from used

	start=$(now)
	"$B/lbmon" -n "$NS-a" -i "$NS-a" -alone 2>"$TMP/log" </dev/null &
	mon=$!
	wait_known
	echo "known: $(first_words up) up and $(first_words down) down of $REALS after $(($(now) - start)) ms, with $(cpu_ms) ms of CPU"
	from=$(now) used=$(cpu_ms)
	[ -z "${PERF:-}" ] || perf record -q -g -o "$PERF" -p $mon sleep 5 >/dev/null 2>&1
	sleep "$LAST"
	echo "CPU of lbmon: $(jq -n "($(cpu_ms) - $used) * 1000 / ($(now) - $from) | round / 10") % of one core"
	echo "memory: $(awk '/^VmRSS/ { print $2 }' "/proc/$mon/status") KiB; descriptors:" \
		"$(find "/proc/$mon/fd" -type l | wc -l)"
	echo "called down, though all are well: $(grep -c 'health=down' "$TMP/log")"
	one_dies
	kill -TERM $mon
	wait $mon
	mon=
	grep '^checks targets' "$TMP/log"
	grep -vE '^(real|table|maps|checks targets|end) ?' "$TMP/log" | sort | uniq -c | sort -rn | head -5
	[ -z "${LOG:-}" ] || cp "$TMP/log" "$LOG"
}

[[ $REALS =~ ^[1-9][0-9]{0,4}$ && $REALS -le 40000 && $LAST =~ ^[1-9][0-9]{0,5}$ && $KIND =~ ^(tcp|http)$ &&
	$VIA =~ ^(direct|tunnel)$ ]] || {
	sed -n 's/^# \(many_reals.sh .*\) - .*/usage: \1/p' "$0" >&2
	exit 2
}
[ "$(id -u)" = 0 ] || die "must be root"
TMP=$(mktemp -d)
trap 'end $?' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
[ "$(stat -f -c %T "$BPFFS")" = bpf_fs ] || { mount -t bpf bpf "$BPFFS" && mounted=yes; }
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
make_hosts
host=$NS-a
[ "$VIA" = direct ] || host=$NS-b
nsenter --net="/run/netns/$host" "$B/tests/net/servers" $PORT &
server=$!
configure
echo "$REALS reals, $KIND every second, $VIA, for $LAST s; table of $(table_size) slots"
ask_once
watch_them
