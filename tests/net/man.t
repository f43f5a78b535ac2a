#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# man.t - the man pages against the tools: the same grammar as `lbtool help` and `lbmon -h`, an entry for each command and a
# command for each entry, every reason in lb.7, and examples that do what they say.
#
# What is run of a page, in this order, in a network namespace with a device eth0 and an instance of its own:
#   .\" run: COMMAND          a command that the page does not show
#   .\" run                   before a display: its lines that begin with "# " are commands, the
#                             others are exactly what they print
#   .\" run, any output       ... print what they like
set -u
cd "$(dirname "$0")/../.." || exit 1
LBTOOL=${LBTOOL:-${B:-build}/lbtool}
LBTOOL=$(realpath "$LBTOOL")
LBMON=${LBMON:-${LBTOOL%/*}/lbmon}
ns=lbman$$
tmp=$(mktemp -d)
n=0

clean_up() {
	trap '' INT TERM
	local name
	for name in "$tmp"/used.*; do
		[ -e "$name" ] || continue
		name=${name##*/used.}
		"$LBTOOL" -n "$ns" -i "$name" dev del eth0
		"$LBTOOL" -n "$ns" -i "$name" receiver del eth0
		"$LBTOOL" -n "$ns" -i "$name" prog unload
		rm -f "/run/lb/$name.lock"
	done >/dev/null 2>&1
	rmdir /run/lb 2>/dev/null
	ip netns del "$ns" 2>/dev/null
	ip netns del "$ns-peer" 2>/dev/null
	rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

ok() { # TEXT: after `diff` or a test whose status is $?
	local rc=$?

	n=$((n + 1))
	if [ $rc = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$tmp/why" >&2
	fi
	: >"$tmp/why"
}

# One command a line, blanks of brackets and braces gone, as mandoc and help write them differently.
even() { sed -E 's/[][{}|]/ & /g; s/ +/ /g; s/^ //; s/ $//' | sort; }

helped() { # OBJECT: the grammar as the tool says it
	"$LBTOOL" "$1" help | sed -E ':more; N; s/\n {20,}/ /; t more; P; D' |
		sed -nE 's/^(Usage:| +) *(lbtool .*)/\2/p' | even
}

synopsis() { # PAGE: as the page says it
	mandoc -T ascii -O width=1000 "$1" | sed 's/.\x08//g' |
		awk '/^SYNOPSIS/ { on = 1; next } /^[A-Z]/ { on = 0 } on && NF' | even
}

entries() { # PAGE OBJECT: verbs with an entry in DESCRIPTION
	sed -nE "s/^\.It Cm $2 ([a-z]+).*/\1/p" "$1" | sort -u
}

# An object without verbs has key words instead: each has an entry, and no other.
keywords() { # PAGE OBJECT
	local bare

	bare=$(helped "$2" | grep -E '^lbtool [a-z]+ [^a-z]') || return 0
	diff <(grep -oE '\[ [a-z]+ [A-Z]' <<<"$bare" | cut -d' ' -f2 | sort -u) \
		<(sed -nE 's/^\.It Cm ([a-z]+) Ar.*/\1/p' "$1" | sort -u)
}

# OBJECTS of the tool, from the line "OBJECT := { a | b }".
mapfile -t objects < <("$LBTOOL" help | sed -n 's/^OBJECT := {\(.*\)}.*/\1/p' | tr '|' '\n' | tr -d ' ')

grammar() {
	local o page

	[ ${#objects[@]} -gt 3 ]
	ok "lbtool help names its objects: ${objects[*]}"
	for o in "${objects[@]}"; do
		page=man/lbtool-$o.8
		diff <(helped "$o") <(synopsis "$page") >"$tmp/why" 2>&1
		ok "$page: SYNOPSIS is what \"lbtool $o help\" says"
		diff <(helped "$o" | cut -d' ' -f3 | grep '^[a-z]' | sort -u) <(entries "$page" "$o") >"$tmp/why" 2>&1
		ok "$page: each command has an entry, each entry a command"
		keywords "$page" "$o" >"$tmp/why"
		ok "$page: each key word of a command without a verb has an entry"
		grep -q "^\.Xr lbtool-$o 8" man/lbtool.8 && grep -q "^\.Xr lbtool-$o 8" man/lb.7
		ok "$page: lbtool.8 and lb.7 name it"
	done
	diff <(printf '%s\n' "${objects[@]}" | sort) \
		<(find man -name 'lbtool-*.8' -exec basename {} .8 \; | sed 's/lbtool-//' | sort) >"$tmp/why"
	ok "no page without an object"
	diff <("$LBTOOL" help | awk '/^OPTIONS/ { on = 1 } /^OBJECT/ { on = 0 } on' |
		grep -oE '(^|[^a-z])--?[a-zA-Z]+(-run)?' | grep -oE -- '-.*' | sort -u) \
		<(sed -nE 's/^\.It Fl (-?[A-Za-z-]+).*/-\1/p' man/lbtool.8 | sort -u) >"$tmp/why"
	ok "lbtool.8 has an entry for each option, and no other"
}

# The options and key words of a text, one a line.
dashed() { grep -oE '(^|[^a-zA-Z-])-[a-zA-Z]+(-[a-z]+)?' | grep -oE -- '-.*' | sort -u; }
keys() { grep -oE '[a-z0-9-]+ (ADDRESS|TIME|N|A:B)\b' | cut -d' ' -f1 | sort -u; }

grammar_lbmon() {
	local page=man/lbmon.8 usage

	usage=$("$LBMON" -h)
	diff <(sed -E ':more; N; s/\n {10,}/ /; t more; P; D' <<<"$usage" |
		sed -nE 's/^(Usage:| +) *(lbmon .*)/\2/p' | even) <(synopsis "$page") >"$tmp/why" 2>&1
	ok "$page: SYNOPSIS is what \"lbmon -h\" says"
	diff <(sed '/^ADDRESS/,$d' <<<"$usage" | dashed) \
		<(sed -nE 's/^\.It Fl ([A-Za-z-]+).*/-\1/p' "$page" | sort -u) >"$tmp/why"
	ok "$page: an entry for each option, and no other"
	diff <(sed '/^OPTIONS/,$d' <<<"$usage" | keys) \
		<(sed -n '/^\.Ss Announcing/,/^\.Ss Talking/s/^\.It Cm //p' "$page" |
			sed 's/ Ar A : Ns Ar B/ A:B/; s/ Ar / /; s/ N Cm / N\n/; s/ Ar / /' | keys) >"$tmp/why"
	ok "$page: an entry for each key word, and no other"
	grep -q '^\.Xr lbmon 8' man/lbtool.8 && grep -q '^\.Xr lbmon 8' man/lb.7
	ok "$page: lbtool.8 and lb.7 name it"
}

# Names of reasons in a list of lb_why.h.
whys() {
	awk -v list="$1(X)" 'index($0, "#define " list) { on = 1; next } on { print } on && !/\\$/ { exit }' \
		bpf/lb_why.h | sed -nE 's/^[ \t]*X\([A-Z0-9_]+, "([a-z0-9_]+)".*/\1/p'
}

reasons() {
	sed -n '/^.Sh REASONS/,/^.Sh LIMITS/p' man/lb.7 | sed -nE 's/^\.It Li //p' >"$tmp/entries"
	{ whys LB_WHYS; whys LB_RX_WHYS; } >"$tmp/reasons"
	[ "$(wc -l <"$tmp/reasons")" -gt 20 ]
	ok "lb_why.h has its reasons where this test looks"
	diff "$tmp/reasons" "$tmp/entries" >"$tmp/why"
	ok "lb.7 explains every reason, and no other, in their order"
}

# The page's examples as lines: "run COMMAND" to run, "any COMMAND" to run whatever it prints,
# "out LINE" to be printed by the commands before it.
script() {
	awk '
		/^\.\\" run: / { print "any " substr($0, 9); next }
		/^\.\\" run$/ { kind = "run"; next }
		/^\.\\" run, any output$/ { kind = "any"; next }
		/^\.Bd / && kind { on = 1; next }
		/^\.Ed/ { on = 0; kind = "" }
		on { gsub(/\\e/, "\\") }
		on && more { more = sub(/\\$/, ""); printf "%s%s", $0, more ? "" : "\n"; next }
		on && /^# / {
			more = sub(/\\$/, "")
			printf "%s %s%s", kind, substr($0, 3), more ? "" : "\n"
			next
		}
		on { print "out " $0 }' "$1"
}

in_ns() { LB_INSTANCE=$instance PATH=${LBTOOL%/*}:${LBMON%/*}:$PATH nsenter --net="/run/netns/$ns" "$@"; }

run_page() { # PAGE: status 0 when all commands succeed and print what is shown
	local line kind text

	: >"$tmp/out"
	: >"$tmp/expected"
	while IFS= read -r line; do
		kind=${line%% *} text=${line#* }
		case $kind in
		out) echo "$text" >>"$tmp/expected"; continue ;;
		run) in_ns bash -c "$text" >>"$tmp/out" 2>"$tmp/why" </dev/null ;;
		any) in_ns bash -c "$text" >/dev/null 2>"$tmp/why" </dev/null ;;
		esac || { echo "failed: $text" >>"$tmp/why"; return 1; }
	done < <(script "$1")
	diff "$tmp/expected" "$tmp/out" >"$tmp/why"
}

examples() {
	local page name

	ip netns add "$ns" && ip netns add "$ns-peer"
	ip link add eth0 netns "$ns" type veth peer name eth0 netns "$ns-peer"
	ip -n "$ns" address add 192.0.2.2/24 dev eth0
	ip -n "$ns" address add 2001:db8:7::2/64 dev eth0
	ip -n "$ns" link set eth0 up
	ip -n "$ns-peer" link set eth0 up
	for page in man/*.[78]; do
		[ "$(script "$page" | wc -l)" -gt 0 ] || {
			case $page in man/lb.7) continue ;; esac
			false
			ok "$page has examples that run"
			continue
		}
		name=$(basename "$page" | tr . -)
		instance=$ns-${name#lbtool-}
		touch "$tmp/used.$instance"
		run_page "$page"
		ok "$page: the examples do what they say"
		"$LBTOOL" -n "$ns" -i "$instance" dev del eth0 >/dev/null 2>&1
	done
}

touch "$tmp/why"
grammar
grammar_lbmon
reasons
examples
echo "1..$n"
