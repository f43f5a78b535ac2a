#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tshark.t - Wireshark agrees with every packet that the programs make: it finds the layers that were meant, nothing
# malformed, and all checksums good. The packets are those that tests/packet/wire.c takes out of the programs. It knows no
# GUE: gue.lua tells it, and what is in the tunnel is for its own dissectors again.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root
trap 'rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM

# No UDP checksum is no fault over IPv6 either, in a tunnel (RFC 6935). Fragments and single segments are looked at as
# they are.
look() { # FILE FIELD...
	local file=$1 field

	shift
	for field; do set -- "$@" -e "$field"; shift; done
	tshark -X lua_script:gue.lua -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-o udp.ignore_ipv6_zero_checksum:TRUE -o ip.defragment:FALSE -o ipv6.defragment:FALSE \
		-o tcp.analyze_sequence_numbers:FALSE -r "$file" -T fields "$@" 2>>"$TMP/err"
}

# judge FILE: a line for each fault. Status of a checksum: 0 bad, 1 good, 2 not verified, 3 none, which UDP of a tunnel
# alone may have; of the last layer of what is cut, nothing is asked. Severities: 8388608 is an error, 6291456 a warning; the
# packets have IP options that are nothing but NOPs.
judge() {
	look "$1" frame.protocols _ws.malformed _ws.expert.severity _ws.expert.message ip.checksum.status \
		icmp.checksum.status icmpv6.checksum.status tcp.checksum.status udp.checksum.status >"$TMP/seen"
	paste -d '\t' "$TMP/made" "$TMP/seen" | awk -F '\t' '
		function fault(text) { print "frame " NR ", " $1 ": " text }
		function good(status, what, any,	i, n, s) {
			n = split(status, s, ",")
			for (i = 1; i <= n; i++)
				if (s[i] != 1 && !(any && i == n) && !(s[i] == 3 && i == 1 && what == "UDP" && /udp:gue/))
					fault(what " checksum, status " s[i])
		}
		{
			cut = sub(/^cut /, "", $2)
			sub(/:data$/, "", $3)
			if ($2 != $3)
				fault("seen as " $3 ", not " $2)
			if ($4 != "")
				fault("malformed")
			if (!cut && $5 ~ /8388608/ || $5 ~ /6291456/ && $6 !~ /NOP in a row/)
				fault($6)
			good($7, "IP")
			good($8, "ICMP")
			good($9, "ICMPv6")
			good($10, "TCP", cut)
			good($11, "UDP", cut)
		}'
}

spoil() { # OFFSET: another bit in the file, which begins with 4in4 behind 40 bytes of pcap
	cp "$TMP/wire.pcap" "$TMP/bad.pcap"
	perl -e 'open F, "+<", $ARGV[0]; seek F, $ARGV[1], 0; read F, $c, 1; seek F, $ARGV[1], 0; print F $c ^ "\x10"' \
		"$TMP/bad.pcap" $((40 + $1))
	judge "$TMP/bad.pcap" | grep -c '^frame 1, .*checksum, status 0'
}

"$B/tests/packet/wire" "$TMP/wire.pcap" >"$TMP/made" 2>"$TMP/why"
ok $? "packets from the programs" "$(cat "$TMP/why")"
faults=$(judge "$TMP/wire.pcap")
frames=$(wc -l <"$TMP/made")
is "$frames $(wc -l <"$TMP/seen")" "$frames $frames" "Wireshark sees each of them"
ok $((frames < 200)) "$frames are of all kinds"
is "$faults" "" "as was meant, nothing malformed, all checksums good"
hops=$(awk '$1 == "#define" && $2 == "LB_FRAGMENT_HOPS" { print $3 + 0 }' "$TOP/bpf/fragment.h")
is "$(look "$TMP/wire.pcap" gue.private gue.hops gue.prev gue.prev6 | awk 'NF { $1 = $1; print }' | sort -u)" \
	"0x4c01 0 10.0.0.1
0x4c01 0 fd00::1
0x4c01 1 10.0.0.1
0x4c01 1 fd00::1
0x4c02 $((hops - 1))" "the private data of GUE"
is "$(spoil 24) $(spoil 44) $(spoil 70)" "1 1 1" "it would tell: a bit of the outer header, of the inner one, of TCP"
plan_done
