#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# layout.t - the maps' records lie as their ABI version's number says: who changes a layout raises LB_ABI_VERSION or
# LB_RX_ABI_VERSION. Usage: layout.t [ -u ]; -u writes down the layout of a version that has none yet.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh

version() { # FILE NAME
	sed -n "s/^#define $2 //p" "../../bpf/$1"
}

compare() { # OBJECT VERSION
	local file=layout/$1-$2

	[ "$UPDATE" != -u ] || [ -e "$file" ] || python3 layout.py "$B/bpf/$1.bpf.o" >"$file"
	is "$(python3 layout.py "$B/bpf/$1.bpf.o" 2>&1 | diff "$file" - 2>&1)" "" \
		"the records of $1.bpf.o lie as in ABI version $2"
	is "$(echo layout/"$1"-*)" "$file" "the layout of no other version is written down"
}

UPDATE=${1:-}
trap 'rm -rf "$TMP"' EXIT
compare lb "$(version lb_abi.h LB_ABI_VERSION)"
compare rx "$(version lb_rx_abi.h LB_RX_ABI_VERSION)"
plan_done
