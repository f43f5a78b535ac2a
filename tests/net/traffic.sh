# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# traffic.sh - what the clients do: requests, downloads, uploads, with curl. Belongs to lib.sh.
# Needs load_conf and $TMP, a directory for answers and files; what curl complains of goes to
# $TMP/errors.

# COUNT requests over one family, each a connection of its own, spread over the clients; who
# answered and whom it saw goes to $TMP/answers.CLIENT; sets ASKED and ANSWERED, how many.
# shellcheck disable=SC2034
requests() { # VIP COUNT
	local node pids=() pid each=$((($2 + CLIENTS - 1) / CLIENTS))

	rm -f "$TMP"/answers.*
	for node in $(clients); do
		in_node "$node" timeout 30 curl -sS --no-progress-meter --parallel \
			--parallel-max 20 "http://$1/[1-$each]" \
			>"$TMP/answers.$node" 2>>"$TMP/errors" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || :; done
	ASKED=$((each * CLIENTS))
	ANSWERED=$(cat "$TMP"/answers.* | wc -l)
}

answers_by() { awk -v n="$1" '$1 == n { c++ } END { print c + 0 }' "$TMP"/answers.*; }

saw_clients() { # did every answer name the address of the client that asked?
	local node address

	for node in $(clients); do
		address=$(if [ "$1" = 6 ]; then addr6 "$node"; else addr4 "$node"; fi)
		awk -v a="$address" '$3 != a { exit 1 } END { if (!NR) exit 1 }' \
			"$TMP/answers.$node" || return 1
	done
}

# $DOWNLOADS downloads of /data in the background, half over IPv4 and half over IPv6, from all
# clients: number N has its file in $TMP/dl.N and its head in $TMP/dl.N.head. Their ports are below
# 32768, where no request's is, and other ones each time.
downloads_start() { # RATE
	local i node vip list

	rm -f "$TMP"/dl.*
	dl_port=$((${dl_port:-9500} + 500))
	mapfile -t list < <(clients)
	dl_pids=()
	for ((i = 0; i < DOWNLOADS; i++)); do
		node=${list[i / 2 % CLIENTS]}
		vip=$VIP4
		[ $((i % 2)) = 0 ] || vip="[$VIP6]"
		(exec nsenter --net="$NETNS_DIR/$PREFIX-$node" curl -sS --max-time 60 \
			--local-port $dl_port-$((dl_port + 499)) \
			-D "$TMP/dl.$i.head" -o "$TMP/dl.$i" "http://$vip/data?rate=$1" \
			2>>"$TMP/errors") &
		dl_pids+=($!)
	done
	wait_until downloads_under_way
}

downloads_under_way() {
	[ "$(find "$TMP" -name 'dl.*' ! -name '*.head' -size +0 | wc -l)" = "$DOWNLOADS" ]
}

downloads_live() { # NODE or nothing: how many still run, on that L7LB
	local i n=0

	for ((i = 0; i < DOWNLOADS; i++)); do
		kill -0 "${dl_pids[i]}" 2>/dev/null || continue
		! grep -qs "^X-Real: ${1:-.*}.$" "$TMP/dl.$i.head" || n=$((n + 1))
	done
	echo $n
}

# None has broken: each still runs, or is complete, as on a slow machine some are before their time.
downloads_unbroken() {
	local i

	for ((i = 0; i < DOWNLOADS; i++)); do
		kill -0 "${dl_pids[i]}" 2>/dev/null ||
			[ "$(stat -c %s "$TMP/dl.$i")" = "$SIZE" ] || return 1
	done
}

# Waits for all of them, and counts those that came to a good end: complete and unharmed. With a
# NODE, only those that were not on that L7LB. $TMP/good has their number, $TMP/could that of all asked.
downloads_good() { # [ NODE ]
	local i n=0 could=0 sum

	sum=$(sha256sum <"$RUN/www/data")
	for ((i = 0; i < DOWNLOADS; i++)); do
		if [ $# = 1 ] && grep -qs "^X-Real: $1.\$" "$TMP/dl.$i.head"; then
			wait "${dl_pids[i]}" || :
			continue
		fi
		could=$((could + 1))
		wait "${dl_pids[i]}" || continue
		[ "$(stat -c %s "$TMP/dl.$i")" = "$SIZE" ] || continue
		[ "$(sha256sum <"$TMP/dl.$i")" != "$sum" ] || n=$((n + 1))
	done
	dl_pids=()
	echo $n >"$TMP/good"
	echo $could >"$TMP/could"
}

# New requests all the time in the background, from each client over each family one after the other,
# at most RATE a second. A line each in $TMP/asked: when it ended, curl's exit status, how long it
# took, in seconds, and who answered.
asks_start() { # RATE
	local node vip

	: >"$TMP/asked"
	ask_pids=()
	for node in $(clients); do
		for vip in "$VIP4" "[$VIP6]"; do
			nsenter --net="$NETNS_DIR/$PREFIX-$node" stdbuf -oL curl -sf -o /dev/null \
				--rate "$1/s" --connect-timeout 5 --max-time 8 \
				-w '%{exitcode} %{time_total} %header{x-real}\n' \
				"http://$vip/[1-1000000]" 2>/dev/null > >(stamp >>"$TMP/asked") &
			ask_pids+=($!)
		done
	done
}

stamp() {
	local line

	while read -r line; do echo "$EPOCHREALTIME $line"; done
}

asks_stop() {
	local pid

	for pid in "${ask_pids[@]}"; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	ask_pids=()
}

# Requests that began between two times (EPOCHREALTIME): all, those that failed, or those that an
# L7LB answered.
asks() { # FROM TO all|failed|NODE
	awk -v from="$1" -v to="$2" -v what="$3" '
		NF >= 3 && $1 - $3 >= from && $1 - $3 < to &&
		(what == "all" || (what == "failed" ? $2 != 0 : $4 == what)) { n++ }
		END { print n + 0 }' "$TMP/asked"
}

# Uploads of the file that the downloads fetch, one over each family from each client; prints how
# many arrived complete and unharmed, each at one L7LB.
uploads_good() {
	local node vip n=0 pids=() pid sum

	for node in $(clients); do
		for vip in "$VIP4" "[$VIP6]"; do
			in_node "$node" curl -sS --max-time 20 -T "$RUN/www/data" \
				"http://$vip/up/$node-${#vip}" 2>>"$TMP/errors" &
			pids+=($!)
		done
	done
	for pid in "${pids[@]}"; do wait "$pid" || :; done
	sum=$(sha256sum <"$RUN/www/data")
	for node in "$RUN"/l7-*/up/*; do
		[ "$(sha256sum <"$node")" != "$sum" ] || n=$((n + 1))
	done
	echo $n
}
