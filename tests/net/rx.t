#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# rx.t - the receiver on a live device: TCP and UDP through tunnels of all four kinds, in joined and
# in single packets, with checksums made and unmade; whom it hears; the MSS; what it leaves alone.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

SIZE=$((4 << 20))
VIP=203.0.113.1
VIP6=2001:db8:113::1

rx_down() {
	lbt receiver del eth0 2>/dev/null
	pair_down
}

# A counter of the receiver.
count() { # REASON packets|bytes
	local n

	n=$(lbt -d stats show | sed -nE "s/^rx $1 .*\b$2 ([0-9]+).*/\1/p")
	echo "${n:-missing}"
}

drops() {
	lbt -d stats show | sed -nE 's/^rx drop_[a-z]+ packets ([0-9]+).*/\1/p' | paste -sd' '
}

# The client's packets to VIPs go into a tunnel of this section of encap.bpf.c; none: straight.
tunnel() { # SECTION
	in_a tc qdisc del dev eth0 clsact 2>/dev/null
	[ "$1" != none ] || return 0
	in_a tc qdisc add dev eth0 clsact
	in_a tc filter add dev eth0 egress bpf direct-action obj "$B/tests/net/encap.bpf.o" sec "$1"
}

offload() { # a|b SETTING...
	nsenter --net="/run/netns/$NS-$1" ethtool -K eth0 "${@:2}" >/dev/null 2>&1
}

upload() {
	in_a python3 talk.py upload "$1" "${2:-$SIZE}" 2>&1
}

# Errors that a wrong header or checksum would have made.
faults() {
	in_b nstat -asz TcpInCsumErrors UdpInCsumErrors Udp6InCsumErrors TcpInErrs IpInHdrErrors |
		awk '!/^#/ { n += $2 } END { print n + 0 }'
}

# Segments that an end sent twice.
again() {
	{ in_a nstat -asz TcpRetransSegs && in_b nstat -asz TcpRetransSegs; } | awk '!/^#/ { n += $2 } END { print n }'
}

# An upload of which nothing was sent twice, so that the bytes can be reckoned with: on a busy machine not each is.
once() { # ADDRESS: sets said, packets, bytes
	local before try

	for try in {1..20}; do
		packets=$(count decap packets)
		bytes=$(count decap bytes)
		before=$(again)
		said=$(upload "$1")
		packets=$(($(count decap packets) - packets))
		bytes=$(($(count decap bytes) - bytes))
		[ "$(again)" != "$before" ] || return
		echo "# upload $try to $1: segments were sent twice"
	done
}

# An upload through each kind of tunnel. The sizes say whether the kernel handed the segments over
# joined: then most headers are not there to be counted.
exchange() { # TEXT JOINED
	local outer vip said bytes packets spare how=("one by one" joined)

	for outer in 4 6; do
		tunnel "to$outer"
		for vip in $VIP $VIP6; do
			once "$vip"
			like "$said" '^whole mss [0-9]+$' "$1: $vip in IPv$outer"
			spare=$((packets ? (bytes - SIZE) / packets : -1))
			is "$((packets > SIZE / 1500 && spare < 40))" "$2" \
				"$1: $vip in IPv$outer: handed over ${how[$2]}, $packets packets"
		done
	done
}

pair_up
trap rx_down EXIT
tunnel none
for ns in "$NS-a" "$NS-b"; do
	# The MSS that a client says to have is then the one that it was told.
	ip netns exec "$ns" sysctl -qw net.ipv4.tcp_timestamps=0 net.ipv4.tcp_ecn=0
done
ip -n "$NS-b" addr add $VIP/32 dev lo
ip -n "$NS-b" addr add $VIP6/128 dev lo nodad
# Not in_b: its shell would die of the kill, the server would stay.
nsenter --net="/run/netns/$NS-b" python3 talk.py serve $VIP $VIP6 &
PIDS+=($!)
listening() { [ "$(in_b ss -Hlntu 'sport = :8080' | wc -l)" -ge 4 ]; }
wait_for 30 listening

like "$(upload $VIP 65536)" '^whole mss 1460$' "without a receiver, straight to the VIP"
lbt receiver add eth0 from 10.9.0.1 from 2001:db8:9::1
ok $? "receiver add"
like "$(upload $VIP 65536)" '^whole mss 1460$' "what is in no tunnel goes on as before"
is "$(count decap packets)" 0 "and is not counted as a tunnel's"

lbt receiver replace eth0 mss auto
offload a tx on tso on gso on
offload b gro on
exchange "joined by the sender, checksums unmade" 1
offload a tx off tso off gso off
exchange "joined by the receiver, checksums made" 1
offload b gro off
exchange "single packets, checksums made" 0
offload a tx on tso off gso off
exchange "single packets, checksums unmade" 0

offload a tx on gso on
offload b gro on
for outer in 4 6; do
	tunnel "to$outer"
	for vip in $VIP $VIP6; do
		is "$(in_a python3 talk.py datagrams "$vip" 200 2>&1)" 200000 \
			"datagrams, joined: $vip in IPv$outer"
	done
done

# The largest outer header that an address was reached by counts, 40 bytes by now.
tunnel to4
is "$(upload $VIP 65536)" "whole mss 1420" "mss auto leaves room for the outer header"
is "$(upload $VIP6 65536)" "whole mss 1400" "mss auto, IPv6"
lbt receiver replace eth0 mss 1000
for _ in {1..20}; do
	before=$(count mss packets) sent=$(again)
	said=$(upload $VIP 65536) said6=$(upload $VIP6 65536)
	[ "$(again)" != "$sent" ] || break # else a SYN may have been sent twice
done
is "$said" "whole mss 1000" "mss 1000"
is "$said6" "whole mss 1000" "mss 1000, IPv6"
is "$(count mss packets)" $((before + 2)) "SYN-ACKs are counted"
lbt receiver replace eth0 mss 9000
is "$(upload $VIP 1000)" "whole mss 1460" "an MSS is never raised"

for ns in "$NS-a" "$NS-b"; do
	ip netns exec "$ns" sysctl -qw net.ipv4.tcp_ecn=1
done
lbt receiver replace eth0 mss auto
for outer in 4 6; do
	tunnel "ce$outer"
	for vip in $VIP $VIP6; do
		like "$(upload "$vip" 262144)" '^whole' "congestion marked outside: $vip in IPv$outer"
	done
done
ok $(($(in_b nstat -asz IpExtInCEPkts | awk '/CEPkts/ { print $2 }') < 10)) "and seen inside"
ok $(($(in_b nstat -asz Ip6InCEPkts | awk '/CEPkts/ { print $2 }') < 10)) "and seen inside, IPv6"

mac() { ip -n "$NS-$1" -j link show eth0 | jq -r '.[0].address'; }
decaps() { [ "$(count decap packets)" = "$1" ]; }
frames() { in_a python3 talk.py frames eth0 "$(mac a)" "$(mac b)" "$1"; }
tunnel none
still 1 count decap packets
before=$(count decap packets)
frames padded
wait_for 10 decaps $((before + 4))
is "$(count decap packets)" $((before + 4)) "padded frames are taken out"
frames tagged
wait_for 10 decaps $((before + 8))
is "$(count decap packets)" $((before + 8)) "frames with a priority tag are taken out"
before_drops=$(drops)
frames short
sleep 0.5
is "$(count decap packets)" $((before + 8)) "short frames are not"
is "$(drops)" "$before_drops" "they are left to the kernel"
is "$(faults)" "$(in_b nstat -asz IpInHdrErrors | awk '/HdrErrors/ { print $2 }')" \
	"no other packet was faulty in the kernel's eyes"

tunnel to4
lbt receiver replace eth0 from 10.9.0.3
before=$(count drop_from packets)
like "$(WAIT=2 upload $VIP 65536)" 'timed out' "a stranger's tunnel ends nowhere"
ok $(($(count drop_from packets) <= before)) "and is counted"
lbt receiver replace eth0 from 10.9.0.0/24
like "$(upload $VIP 65536)" '^whole' "a prefix takes it in again"
ip -n "$NS-b" addr del 10.9.0.2/24 dev eth0
ip -n "$NS-b" addr add 10.9.0.5/24 dev eth0
ip -n "$NS-a" neigh replace 10.9.0.2 lladdr "$(mac b)" dev eth0
lbt receiver replace eth0
before=$(count pass_not_local packets)
like "$(WAIT=2 upload $VIP 65536)" 'timed out|unreachable|refused' "a tunnel to another host's address"
ok $(($(count pass_not_local packets) <= before)) "is left alone and counted"

lbt receiver del eth0
ok $? "receiver del"
is "$(in_b tc qdisc show dev eth0 clsact)" "" "nothing is left on the device"
plan_done
