# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# doctor.sh - what the tests of `lbtool doctor` share: a fault is planted, the doctor names it and nothing else, what it says to
# type is typed, and all is sound again. For after tap.sh.

PATH=${LBTOOL%/*}:$PATH
META=/sys/fs/bpf/lb/$NS/map/meta

# What is wrong, a line each: STATUS CHECK OBJECT ("-": none). Words before it: a command to run it through.
wrong() {
	"$@" "$LBTOOL" -n "$NODE" -i "$NS" -j doctor >"$TMP/doctor" 2>"$TMP/doctor.err"
	STATUS=$?
	jq -r '.[] | select(.status != "ok") | [.status, .check, .object // "-"] | join(" ")' "$TMP/doctor"
	cat "$TMP/doctor.err"
}

sound() { # TEXT
	local said

	said=$(wrong; echo "status $STATUS")
	is "$said" "status 0" "$1"
	[ "$said" = "status 0" ]
}

# The same, within thirty seconds. A look at what is sound loads the program: one suffices.
soon_sound() { # TEXT
	local said end=$((SECONDS + 31))

	while :; do
		said=$(wrong; echo "status $STATUS")
		[ "$said" != "status 0" ] && [ $SECONDS -lt $end ] || break
		sleep 0.05
	done
	is "$said" "status 0" "$1"
	[ "$said" = "status 0" ]
}

# found WRONG TEXT [COMMAND...]: exactly that is found, lines as of wrong(); each has a remedy.
found() {
	local want=$1 text=$2 status=3 said

	shift 2
	case $want in *fault\ *) status=4 ;; esac
	said=$(wrong "$@"; echo "status $STATUS")
	is "$said" "$want
status $status" "$text"
	REMEDY=$(jq -r '.[] | select(.status != "ok") | .remedy // "false"' "$TMP/doctor")
}

all_sound() {
	[ -z "$(wrong)" ]
}

wrong_is() { # LINES
	[ "$(wrong)" = "$1" ]
}

# Types what the last found() was told, each once, and all is sound.
mended() { # TEXT
	local line

	while IFS= read -r line; do
		bash -c "$line" >>"$TMP/mend" 2>&1 </dev/null || echo "failed: $line" >>"$TMP/mend"
	done <<<"$REMEDY"
	soon_sound "$1: the remedy helps"
	: >"$TMP/mend"
}

# privately COMMAND CHECK...: for found(): in a mount namespace of its own, after that command.
privately() {
	local first=$1

	shift
	# shellcheck disable=SC2016 # expanded in there
	unshare --mount --propagation private sh -c 'first=$1; shift; eval "$first" && exec "$@"' sh "$first" "$@"
}

meta_byte() { # NUMBER VALUE: of the record, from 0
	bpftool -j map lookup pinned "$META" key 0 0 0 0 | jq -r '.value[]' |
		awk -v n="$1" -v v="$2" 'NR == n + 1 { $0 = v } 1' |
		xargs bpftool map update pinned "$META" key 0 0 0 0 value
}

# A real behind 10.1.1.1 and 2001:db8:10::1, with both VIPs, whose port 80 and 443 answer, and lbmon, which asks them.
serve() {
	trap serve_end EXIT
	for addr in 10.1.1.1/32 2001:db8:10::1/128 203.0.113.1/32 2001:db8:113::1/128; do
		ip -n "$NS-a" addr add $addr dev lo
	done
	ip -n "$NODE" route add 203.0.113.0/24 via 10.9.0.1
	ip -n "$NODE" route add 2001:db8:113::/48 via 2001:db8:9::1
	"$LBTOOL" -n "$NS-a" -i "${NS}x" receiver add eth0 from 10.9.0.2 from 2001:db8:9::2 mss auto
	# Not through in_a(): $! would be a shell's.
	# shellcheck disable=SC2016 # perl's
	nsenter --net="/run/netns/$NS-a" perl -MIO::Socket::IP -MIO::Select -e '
		@s = map { IO::Socket::IP->new(Listen => 64, LocalHost => "::", LocalPort => $_, V6Only => 0) or die } 80, 443;
		while (1) { $_->accept for IO::Select->new(@s)->can_read }' >"$TMP/serve" 2>&1 &
	PIDS+=("$!")
	watch_start
}

watch_start() { # lbmon
	"${LBTOOL%/*}/lbmon" -n "$NODE" -i "$NS" -alone >"$TMP/lbmon" 2>&1 &
	MON=$!
	PIDS+=("$MON")
}

serve_end() {
	"$LBTOOL" -n "$NS-a" -i "${NS}x" receiver del eth0
	rm -f "/run/lb/${NS}x.lock"
	pair_down
}
