#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# soak.sh [ SECONDS [ SEED ] ] - lbmon while processes are killed, nodes drained and routes lost, at random.
#
# Builds a data centre. Every half minute all is put back in order, and within 15 s the router's own table must have
# the wanted next hops, all L4LBs the same tables, all reals must be up. Nobody touches the lbmon and the ExaBGP of
# l4-1 but by SIGSTOP: at the end their memory and descriptors are judged. What was seen stays in the directory that
# is named at the end. LAB names the lab, KEEP=yes leaves it there after a mismatch.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/lib.sh
. ./lib.sh
# shellcheck source=tests/net/build.sh
. ./build.sh
# shellcheck source=tests/net/bgp.sh
. ./bgp.sh
# shellcheck source=tests/net/deeds.sh
. ./deeds.sh

LAST=${1:-300} SEED=${2:-$((EPOCHSECONDS % 30000))}
CALM_AFTER=30 CALM_WITHIN=15 CALM_AT_LAST=60 # seconds
calm=0 mismatches=0 slowest=0 odd=''

say() { printf '%6d s  %s\n' $((SECONDS - began)) "$*" | tee -a "$OUT/log"; }

wanted_hops() { # VIP
	[ -z "${absent[$1]:-}" ] && l4lbs
}

hops_wrong() {
	local vip

	for vip in $VIP4 $VIP6 $EXTRA_VIPS; do
		[ "$(next_hops "$vip")" = "$(wanted_hops "$vip")" ] ||
			odd+=" $vip has $(next_hops "$vip" | paste -sd,),"
	done
}

tables_wrong() {
	local node digests='' now

	for node in $(l4lbs); do
		now=$(lbt "$node" -j -d pool show | jq -r '.[] | .pool + " " + .digest' | paste -sd,)
		[ "${digests:=$now}" = "$now" ] || odd+=" $node has $now, l4-1 $digests,"
		now=$(lbt "$node" -j -d real show |
			jq -r '.[] | select(.health != "up" or .slots == 0) | .real + " " + .health' | paste -sd,)
		[ -z "$now" ] || odd+=" on $node $now,"
	done
}

processes_wrong() {
	local node pid mons

	for node in $(l4lbs); do
		exabgp_runs "$node" || odd+=" $node without ExaBGP,"
		mons=0
		for pid in $(ip netns pids "$PREFIX-$node"); do
			[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != lbmon ] || mons=$((mons + 1))
		done
		[ "$mons" = 1 ] || odd+=" $node with $mons lbmon,"
	done
}

# Sets odd to what is not as it should be.
in_order() {
	odd=
	hops_wrong
	tables_wrong
	processes_wrong
	[ -z "$odd" ]
}

note_processes() {
	local node pid

	for node in $(l4lbs); do
		pid=$(lbmon_of "$node") || continue
		echo "$((SECONDS - began)) $node $pid $(ps -o etimes= -p "$pid")" \
			"$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")" \
			"$(find "/proc/$pid/fd" -type l | wc -l)" >>"$OUT/processes"
	done 2>/dev/null
}

# For whoever asks why.
keep_evidence() {
	local dir=$OUT/mismatch-$calm node

	mkdir -p "$dir"
	echo "$odd" >"$dir/odd"
	{
		ip -n "$PREFIX-r1" route show
		ip -n "$PREFIX-r1" -6 route show
		bird_ask show protocols
		bird_ask show route
	} >"$dir/r1" 2>&1
	for node in $(l4lbs); do
		tail -n 200 "$RUN/$node/exabgp.log" >"$dir/$node.log"
		{
			lbt "$node" node show
			lbt "$node" -d pool show
			lbt "$node" -d real show
			ip -n "$PREFIX-$node" route show
			ip -n "$PREFIX-$node" -6 route show
		} >"$dir/$node.state" 2>&1
		ps -o pid,ppid,stat,etimes,rss,args -p "$(ip netns pids "$PREFIX-$node" | paste -sd,)" \
			>>"$dir/$node.state"
	done
}

# All is put back; within 15 s it must be as it was.
quiet_moment() {
	local start=${EPOCHREALTIME/./} took

	undo_due all
	respawn_the_lost
	calm=$((calm + 1))
	if WAIT=$CALM_WITHIN wait_until in_order; then
		took=$(((${EPOCHREALTIME/./} - start) / 1000))
		[ $took -le $slowest ] || slowest=$took
		say "quiet: all in order after $took ms; deeds so far: $deeds"
	else
		mismatches=$((mismatches + 1))
		say "MISMATCH:$odd"
		keep_evidence
		[ "${KEEP:-no}" = no ] || exit 1
		if WAIT=$CALM_AT_LAST wait_until in_order; then
			say "... in order after $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
		else
			say "... not in order after $CALM_AT_LAST s more either:$odd"
		fi
	fi
	note_processes
}

# The l4-1's, of which nobody is killed; and descriptors are those of a quiet moment, when checks may be under way.
judge_processes() {
	awk '$2 == "l4-1" {
		if (!n++) { pid = $3; rss = $5; fds = $6 }
		if ($3 != pid) others++
		if ($5 > max) max = $5
		if ($6 > most) most = $6
		at[n] = $5; last = $5; fds_last = $6; age = $4
	} END {
		for (i = 1; i <= n; i++)
			if (i > n / 4 && i <= n / 2 && at[i] > early) early = at[i]
			else if (i > n * 3 / 4 && at[i] > late) late = at[i]
		printf "lbmon of l4-1, %d s old: RSS first %d last %d max %d KiB; ", age, rss, last, max
		printf "descriptors first %d last %d max %d\n", fds, fds_last, most
		if (others) print "NOT THE SAME: the lbmon of l4-1 was started again"
		if (n >= 8 && late > early + 512) { bad = 1
			printf "GROWS: RSS up to %d KiB in the second quarter, %d in the last\n", early, late }
		if (fds_last > fds + 16) { bad = 1; print "LOSES DESCRIPTORS" }
		exit bad || others || !n
	}' "$OUT/processes"
}

sum_up() {
	local name bad=0

	echo
	echo "$((SECONDS - began)) s, seed $SEED, $deeds deeds:"
	for name in "${!count[@]}"; do printf '  %5d %s\n' "${count[$name]}" "$name"; done | sort -k2
	judge_processes || bad=1
	echo "$calm quiet moments, $mismatches mismatches, slowest in order after $slowest ms"
	echo "$lost ExaBGP ended by themselves, $lbtool_failed commands of lbtool failed"
	((mismatches + lost + lbtool_failed == 0 && calm > 0)) || bad=1
	echo "what was seen: $OUT"
	return $bad
}

end() { # STATUS
	local node

	trap '' INT TERM HUP
	trap - EXIT
	for node in $(l4lbs); do cp "$RUN/$node/exabgp.log" "$OUT/$node.log" 2>/dev/null || :; done
	if [ "${KEEP:-no}" != no ] && [ "$mismatches" != 0 ]; then
		echo "the lab is left: tests/net/lab.sh down -p $PREFIX"
	else
		undo_stops
		./lab.sh down -p "$PREFIX"
	fi
	exit "$1"
}

need_number seconds "$LAST" 1 1000000
need_number seed "$SEED" 0 999999999
need_tools ip jq ps pgrep find
use_prefix "${LAB:-soak$$}"
OUT=$(mktemp -d "${TMPDIR:-/tmp}/soak.XXXXXX")
./lab.sh up -q -p "$PREFIX" -c 1 -l 3 -r 6 -t 16381 || exit 1
load_conf
began=$SECONDS
trap 'end $?' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
RANDOM=$SEED
say "seed $SEED, $LAST s, lab $PREFIX"
quiet_moment
while ((SECONDS - began < LAST)); do
	next=$((SECONDS + CALM_AFTER))
	while ((SECONDS < next)); do
		deed
		sleep "$((RANDOM % 3)).$((RANDOM % 10))"
		undo_due
	done
	quiet_moment
done
sum_up | tee -a "$OUT/log"
exit "${PIPESTATUS[0]}"
