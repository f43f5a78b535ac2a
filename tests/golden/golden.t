#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# golden.t - what each command prints, says on stderr and returns. Usage: golden.t [ -u ] [ CASE ]...
#
# A case is a directory: `cmd` is run by sh in it, with lbtool in the PATH, an instance loaded and a network
# namespace with the devices e0 (10.9.0.1/24, 2001:db8:9::1/64), its other end e1, and lo. What it printed
# must be `stdout` and `stderr`, its exit status `status`. Optional: `batch`, the configuration before;
# `load`, words for `prog load`, or "-" for nothing loaded; `mask`, a sed script over both
# outputs. The output of a case called *-json must be JSON, and what its `schema` says: see schema.t. -u writes what is
# expected anew: read the difference.
set -u
cd "$(dirname "$0")" || exit 1
TOP=$(cd ../.. && pwd)
B=${B:-build}
[ "${B#/}" != "$B" ] || B=$TOP/$B

export LB_INSTANCE=lbgolden
NS=lbgolden
SMALL="reals 16 vips 16 pools 8 tables 4 sessions 1024 seed 1"
unset TERM

update=
[ "${1:-}" != -u ] || { update=1; shift; }
[ $# -gt 0 ] || set -- */cmd
set -- "${@%/cmd}"
# LB_SETUP: the lbtool that prepares the cases, when the one under test is a slow build of the same.
# LB_GOLDEN=K/N: every Nth case from the Kth on, for N that share the work.
if [ -n "${LB_GOLDEN:-}" ]; then
	mapfile -t share < <(printf '%s\n' "$@" | awk -v k="${LB_GOLDEN%/*}" -v n="${LB_GOLDEN#*/}" 'NR % n == k % n')
	set -- "${share[@]}"
fi
set -- "${@%/}"

if [ "$(id -u)" != 0 ]; then
	[ -z "${LB_REQUIRE_ROOT:-}" ] || { echo "Bail out! must be root"; exit 1; }
	echo "1..0 # SKIP must be root"
	exit 0
fi
if [ -e /run/netns/$NS ] || [ -e /sys/fs/bpf/lb/$LB_INSTANCE ]; then
	echo "Bail out! namespace $NS or instance $LB_INSTANCE exists: another run, or one that was killed"
	exit 1
fi

tmp=$(mktemp -d)
loaded=-
lb() { "${LB_SETUP:-$tmp/bin/lbtool}" -n $NS "$@"; }

# What the case before left on devices, of ours or of others.
detach() {
	local dev
	for dev in $(lb receiver show | sed 's/ .*//'); do
		lb receiver del "$dev"
	done
	for dev in $(ip -n $NS -o link show | sed -nE 's/^[0-9]+: ([^@:]+).* xdp.*/\1/p'); do
		lb dev del "$dev"
		ip -n $NS link set dev "$dev" xdp off
		ip -n $NS link set dev "$dev" xdpgeneric off
	done
} 2>/dev/null

unload() {
	detach
	lb prog unload
	loaded=-
} 2>/dev/null

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	unload
	ip netns del "$NS" 2>/dev/null
	rm -rf "$tmp" "/run/lb/$LB_INSTANCE.lock"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# A copy, where nobody else's rebuild changes it and everybody may run it.
mkdir "$tmp/bin"
cp "$B/lbtool" "$tmp/bin/lbtool" || exit 1
chmod 755 "$tmp" "$tmp/bin" "$tmp/bin/lbtool"
echo "# nothing is configured" >"$tmp/empty" # for restore
export FOREIGN=$B/tests/net/pass.bpf.o # an XDP program that is not ours
ip netns add $NS
ip -n $NS link add e0 type veth peer name e1
ip -n $NS link set lo up
# Without link-local addresses the kernel sends nothing by itself, so that counters stay 0.
for dev in e0 e1; do
	ip -n $NS link set $dev addrgenmode none
	ip -n $NS link set $dev up
done
ip -n $NS addr add 10.9.0.1/24 dev e0
ip -n $NS addr add 2001:db8:9::1/64 dev e0 nodad
for key in ipv4/conf/e0 ipv6/conf/e0 ipv6/conf/e1; do
	ip netns exec $NS sysctl -qw net/$key/forwarding=1
done

# Programs take their time to load: instances are kept for the next case, emptied. Ids and commits
# go on then: cases that show those have a `load`.
prepare() { # CASE
	local words=$SMALL
	detach
	if [ -e "$1/load" ]; then
		unload
		words=$(cat "$1/load")
	fi
	if [ "$words" = - ]; then
		return 0
	fi
	if [ "$loaded" != "$words" ]; then
		unload
		# shellcheck disable=SC2086 # words
		lb prog load $words || return 1
		loaded=$words
	fi
	lb restore "$tmp/empty" || return 1
	if [ -e "$1/batch" ]; then
		lb -b "$1/batch" || return 1
	fi
}

run() { # CASE
	(
		cd "$1" || exit 99
		PATH=$tmp/bin:$PATH exec sh -u ./cmd
	) >"$tmp/stdout" 2>"$tmp/stderr" </dev/null
	echo $? >"$tmp/status"
	if [ -e "$1/mask" ]; then
		sed -E -i -f "$1/mask" "$tmp/stdout" "$tmp/stderr"
	fi
}

judge() { # CASE
	local file rc=0
	for file in stdout stderr status; do
		if [ -n "$update" ]; then
			cp "$tmp/$file" "$1/$file"
		else
			diff -u --label "$1/$file" --label printed "$1/$file" "$tmp/$file" || rc=1
		fi
	done
	case $1 in
	*-json) jq -e . "$tmp/stdout" >/dev/null || { echo "stdout is no JSON document"; rc=1; } ;;
	esac
	return $rc
}

# Cases without a load of their own share one, those with nothing loaded follow each other.
order() {
	local name
	for name; do [ -e "$name/load" ] || echo "$name"; done
	for name; do [ ! -e "$name/load" ] || echo "$(cat "$name/load"):$name"; done | sort | sed 's/.*://'
}

echo "1..$#"
n=0 bad=0
for name in $(order "$@"); do
	n=$((n + 1))
	if ! prepare "$name" >"$tmp/said" 2>&1; then
		echo "not ok $n - $name"
		sed 's/^/# cannot prepare: /' "$tmp/said"
		bad=1
		unload
		continue
	fi
	run "$name"
	if judge "$name" >"$tmp/said" 2>&1; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$tmp/said"
		bad=1
	fi
done
exit $bad
