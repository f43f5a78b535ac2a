# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# outages_lib.sh - the part of outages.sh that measures: traffic, when the router or the tables changed, and what
# became of downloads and requests. Belongs to lib.sh, traffic.sh and demo_bgp.sh.

# asker on all clients, RATE requests a second together; their lines are in $TMP/asker.CLIENT.
askers_start() { # RATE
	local node each

	each=$(jq -n "$1 / $CLIENTS")
	for node in $(clients); do
		nsenter --net="$NETNS_DIR/$PREFIX-$node" "$B/tests/net/asker" "$each" "$VIP4" "$VIP6" \
			>"$TMP/asker.$node" 2>>"$TMP/errors" &
		ask_pids+=($!)
	done
}

# In one file then, as asks() wants it.
askers_stop() {
	asks_stop
	cat "$TMP"/asker.* >"$TMP/asked"
}

slowest_of() { # FROM TO
	awk -v from="$1" -v to="$2" '$1 - $3 >= from && $1 - $3 < to && $3 > max { max = $3 }
		END { printf "%.2f\n", max }' "$TMP/asked"
}

# All that changed in the router's routes to the VIPs, a line each.
routes_watch() {
	nsenter --net="$NETNS_DIR/$PREFIX-r1" ip -ts monitor route >"$TMP/routes" 2>&1 &
	ask_pids+=($!)
}

route_changes() { grep -cF -e "$VIP4" -e "$VIP6" "$TMP/routes" || :; }

# Until the command succeeds, polled without rest; prints when that was, or nothing after so many seconds.
moment() { # SECONDS COMMAND...
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))

	shift
	until "$@"; do
		((${EPOCHREALTIME/./} < end)) || return 0
		sleep 0.005
	done
	now
}

# One look at one table costs a few milliseconds.
slots_at() { # L4LB L7LB
	lbt "$1" -d real show "$(real_addr "$2")" pool web | sed -nE 's/.*\bslots ([0-9]+).*/\1/p'
}

out_of_tables() { # L7LB
	local node

	for node in $(l4lbs); do
		[ "$(slots_at "$node" "$1")" = 0 ] || return 1
	done
}

in_tables() { # L7LB
	local node

	for node in $(l4lbs); do
		[ "$(slots_at "$node" "$1")" != 0 ] || return 1
	done
}

lbmon_pid() { # L4LB
	local pid

	for pid in $(ip netns pids "$PREFIX-$1"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != lbmon ] || echo "$pid"
	done
}

announcements() { grep -c state=announced "$RUN/$1/exabgp.log" || :; } # L4LB

announced_anew() { [ "$(announcements "$1")" -ge $((announced + 2)) ]; }

# Which downloads are on that L7LB: a number a line.
downloads_on() { # L7LB
	grep -l "^X-Real: $1.\$" "$TMP"/dl.*.head | sed -E 's/.*dl\.([0-9]+)\.head/\1/'
}

# Waits for all downloads but those on the dead L7LB, ends these, and judges all: sets own, how many were
# on it, own_broken, and broken, of the others.
downloads_judge() { # L7LB or -
	local i sum mine

	own=0 own_broken=0 broken=0
	mine=" $(downloads_on "$1" | tr '\n' ' ')"
	for ((i = 0; i < DOWNLOADS; i++)); do
		[[ $mine == *" $i "* ]] || wait "${dl_pids[i]}" || :
	done
	for i in $mine; do kill "${dl_pids[i]}" 2>/dev/null || :; done
	for i in $mine; do wait "${dl_pids[i]}" 2>/dev/null || :; done
	dl_pids=()
	sum=$(sha256sum <"$RUN/www/data")
	for ((i = 0; i < DOWNLOADS; i++)); do
		[[ $mine != *" $i "* ]] || own=$((own + 1))
		[ "$(sha256sum <"$TMP/dl.$i")" != "$sum" ] || continue
		case $mine in
		*" $i "*) own_broken=$((own_broken + 1)) ;;
		*) broken=$((broken + 1)) ;;
		esac
	done
}

# How many have not ended yet, of those that are not on that L7LB.
downloads_alive() { # L7LB or -
	local i n=0 mine

	mine=" $(downloads_on "$1" | tr '\n' ' ')"
	for ((i = 0; i < DOWNLOADS; i++)); do
		[[ $mine == *" $i "* ]] || ! kill -0 "${dl_pids[i]}" 2>/dev/null || n=$((n + 1))
	done
	echo $n
}

# A node whose packets vanish, while its link and its processes stay.
swallow() { # NODE
	in_node r1 nft -f - <<-END
		table inet swallow {
			chain f { type filter hook forward priority -10
				iifname "$1" drop
				oifname "$1" drop
			}
			chain i { type filter hook input priority -10; iifname "$1" drop; }
			chain o { type filter hook output priority -10; oifname "$1" drop; }
		}
	END
}

spit_out() { in_node r1 nft delete table inet swallow; }

vips_del() { # L7LB
	ip -n "$PREFIX-$1" addr del "$VIP4/32" dev lo
	ip -n "$PREFIX-$1" addr del "$VIP6/128" dev lo
}

vips_add() { # L7LB
	ip -n "$PREFIX-$1" addr add "$VIP4/32" dev lo
	ip -n "$PREFIX-$1" addr add "$VIP6/128" dev lo
}

receiver_del() { lbt "$1" receiver del eth0; }

host_dies() { ip -n "$PREFIX-$1" link set eth0 down; }

lbmon_dies() { # L4LB
	announced=$(announcements "$1")
	kill -9 "$(lbmon_pid "$1")"
}

nothing() { :; }
