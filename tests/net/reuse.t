#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# reuse.t - ids of reals and pools given out again under traffic: no packet goes where an id's former owner was, and the
# next hops that were made for that one are forgotten. COMMITS says how often.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
COMMITS=${COMMITS:-100}
VIPS=8
need_root

# Configuration N of three: VIP i has reals 10.N.i.1 and .2. Ids are given in the order of names, which is another
# one of the VIPs in each: so an id's next owner serves another VIP.
pool() { # N VIP
	echo "n$1p$((($2 + 3 * $1) % VIPS))"
}

config() { # N VERB
	local i

	for ((i = 1; i <= VIPS; i++)); do
		echo "pool add $(pool "$1" $i) table 251"
		echo "real add 10.$1.$i.1 pool $(pool "$1" $i)"
		echo "real add 10.$1.$i.2 pool $(pool "$1" $i)"
		echo "vip $2 203.0.113.$i:53/udp pool $(pool "$1" $i) session on"
	done
}

drop() { # N: what configuration N had
	config "$1" add | sed -nE '/^vip/d; s/ add/ del/; s/ table .*//; p' | sort -r
}

owners() { # the VIP of each id, in the order of ids
	lbt -d -o real show | sed -nE 's/^10\.[123]\.([0-9]+)\..*\bid ([0-9]+) .*/\2 \1/p' | sort -n | cut -d' ' -f2 | paste -sd' '
}

pair_up
# Room for two generations, so each commit gives out the ids of the one before the last.
lbt prog load reals $((4 * VIPS)) vips $VIPS pools $((2 * VIPS)) tables 8 sessions 65536
config 1 add >"$TMP/first"
for n in 0 1 2; do
	{ config $((n + 1)) replace && drop $(((n + 2) % 3 + 1)); } >"$TMP/to$n"
done
lbt -b "$TMP/first" && lbt dev add eth0
ok $? "the first configuration is written"
shower_start $VIPS 20000
shower_flows 5000
bad=0
for ((k = 1; k <= COMMITS; k++)); do
	lbt -b "$TMP/to$((k % 3))" || bad=1
	[ $k -ne 1 ] || was=$(owners)
	[ $k -ne 3 ] || now=$(owners)
done
ok $bad "$COMMITS commits under traffic"
ok "$([ "$was" != "$now" ]; echo $?)" "ids change owners" "$was; $now"
shower_stop
is "$(field wrong "$LAST")" 0 "no packet went to the heir of its real"
is "$(field received "$LAST")" "$(field sent "$LAST")" "none was lost"
echo "# $LAST"
lbt dev del eth0
plan_done
