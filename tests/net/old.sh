#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# old.sh DIR - an lbtool and an lbmon of the ABI version before, in DIR, for upgrade.t: of this very source, in which the
# version is lower, and the members of the maps' records stand elsewhere (old.pl). B is the build directory, in which the
# present ones are. Compiles what knows the layouts, and links it with the rest.
set -eu
B=$(realpath "$B")
cd "$(dirname "$0")/../.."
dir=$(realpath -m "$1")
src=$dir/src
rm -rf "$dir"
mkdir -p "$src"
cp -a bpf lib lbtool lbmon Makefile "$src"
perl tests/net/old.pl "$src"/bpf/lb_abi.h "$src"/bpf/lb_source.h "$src"/lib/maps_health.c
cd "$src"

know=$(grep -lE '"(bpf/|[a-z]+\.skel\.h)|maps_internal|maps_commit|maps_pair' lib/*.c | sed 's,\(.*\)\.c,build/o/\1.o,')
# shellcheck disable=SC2086 # words
make -s B=build CC="${CC:-gcc}" CFLAGS="${CFLAGS:--O2}" $know >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
cc="${CC:-gcc} ${CFLAGS:-} ${LDFLAGS:-}"
# shellcheck disable=SC2086 # words
$cc -o "$dir/lbtool" "$B"/o/lbtool/*.o $know "$B/liblb.a" -lbpf -lelf -lmnl -ljansson
# shellcheck disable=SC2086 # words
$cc -o "$dir/lbmon" "$B"/o/lbmon/lbmon.o "$B/libmon.a" $know "$B/liblb.a" \
	-lbpf -lelf -lmnl -ljansson -lcurl -lcap-ng
rm -rf "$src"
