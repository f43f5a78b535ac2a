#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# doctor_mon.t - what doctor says of lbmon and its routes: faults planted one by one, ExaBGP played by a few lines.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
# shellcheck source=tests/net/doctor.sh
. ./doctor.sh
need_root

NODE=$NS-b
STATUS_FILE=/run/lb/$NS.lbmon

# Answers as ExaBGP 4.2.21 does; announcements by the word in $TMP/answer, and not when that is empty.
exabgp() {
	local line

	while IFS= read -r line; do
		case $line in
		show\ neighbor*) printf 'Peer            AS\ndone\n' ;;
		announce*) cat "$TMP/answer" ;;
		*) echo 'done' ;;
		esac
	done
}

mon_start() { # WORD...
	rm -f "$TMP/said" "$TMP/answers"
	mkfifo "$TMP/said" "$TMP/answers"
	exabgp <"$TMP/said" >"$TMP/answers" &
	PIDS+=($!)
	"${LBTOOL%/*}/lbmon" -n "$NODE" -i "$NS" "$@" >"$TMP/said" <"$TMP/answers" 2>>"$TMP/lbmon" &
	MON=$!
	PIDS+=("$MON")
}

mon_end() {
	kill "$MON"
	wait "$MON"
}

tells() { # LINE: lbmon, with a heartbeat
	wait_for 30 grep -qxs "$1" "$STATUS_FILE"
}

soon() { # LINE WRONG TEXT
	tells "$1"
	found "$2" "$3"
}

text() { jq -r ".[] | select(.check == \"$1\") | .text" "$TMP/doctor"; }

pair_up
: >"$TMP/mend"
in_b ping -qc 1 -W 5 10.9.0.1 >/dev/null
echo 'done' >"$TMP/answer"
lbt prog load reals 64 vips 16 pools 16 tables 4 sessions 1024
lbt dev add eth0
printf '%s\n' 'pool add web table 1021' 'real add 10.1.1.1 pool web' 'vip add 203.0.113.1:80/tcp pool web' >"$TMP/config"
lbt -b "$TMP/config"
sound "no lbmon, and nobody asked for one"
lbt pool replace web check exec command /bin/true interval 2s timeout 2s rise 1 panic 0
found "warning lbmon -" "nobody checks"
"${LBTOOL%/*}/lbmon" -n "$NODE" -i "$NS" -alone 2>>"$TMP/lbmon" &
MON=$!
tells "node ready"
sound "somebody does"
is "$(text lbmon), $(text route)" "runs, without BGP, none is lbmon's" "and announces nothing"
kill -STOP "$MON"
touch -d '-20 seconds' "$STATUS_FILE"
found "warning lbmon -" "it hangs"
like "$(text lbmon)" "^process $MON has said nothing for 2[0-9] s" "and is named"
kill -CONT "$MON"
beats() { [ "$(find "$STATUS_FILE" -mmin -0.1)" ]; }
wait_for 30 beats
sound "it goes on"
mon_end
[ ! -e "$STATUS_FILE" ]
ok $? "nothing is left of it"

mon_start next-hop 10.9.0.2
tells "vip 203.0.113.1 announced"
sound "one that speaks to ExaBGP"
is "$(text lbmon), $(text route)" "runs, and speaks to ExaBGP, ExaBGP took 1 VIP; whether routers did, they know" "as it says"
lbt vip add '[2001:db8:113::1]:80/tcp' pool web
soon "vip 2001:db8:113::1 hopeless" "warning route 2001:db8:113::1" "no next hop of the family"
lbt vip del '[2001:db8:113::1]:80/tcp'
echo error >"$TMP/answer"
lbt vip add 203.0.113.2:80/tcp pool web
soon "vip 203.0.113.2 refused" "warning route 203.0.113.2" "ExaBGP refuses"
like "$(text route)" '^ExaBGP refused' "as it says"
: >"$TMP/answer"
lbt vip add 203.0.113.3:80/tcp pool web
lbt vip del 203.0.113.2:80/tcp
soon "vip 203.0.113.3 said" "warning route 203.0.113.3" "ExaBGP does not answer"
like "$(text route)" '^ExaBGP has not answered' "as it says"
mon_end
lbt vip del 203.0.113.3:80/tcp
echo 'done' >"$TMP/answer"
mon_start next-hop 10.9.0.2 damping 1m
tells "vip 203.0.113.1 announced"
lbt pool replace web min 2
soon "vip 203.0.113.1 unserved" "warning route 203.0.113.1
warning pool web" "too few reals"
lbt pool replace web min 1
soon "vip 203.0.113.1 held" "warning route 203.0.113.1" "damping"
like "$(text route)" '^is held back' "as it says"
lbt node drain
soon "node drained" "warning route -" "a drained node"
like "$(text route)" 'drained: nothing is announced$' "as it says"
mon_end
mon_start next-hop 10.9.0.2
tells "node drained"
mended "a drained node"
ip -n "$NODE" link set dev eth0 xdpdrv off
soon "node detached" "fault attached eth0" "lbmon sees no device, and there is none"
mon_end
lbt dev add eth0
"${LBTOOL%/*}/lbmon" -n "$NS-a" -i "$NS" next-hop 10.9.0.2 </dev/zero >/dev/null 2>>"$TMP/lbmon" &
MON=$!
PIDS+=("$MON")
soon "node detached" "warning lbmon -" "it runs elsewhere"
mon_end
plan_done
