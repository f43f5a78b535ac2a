#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# old.sh DIR - an lbtool and an lbmon of the ABI version before, in DIR, for upgrade.t: of this very source, in which the
# version is lower, and the members of the maps' records stand elsewhere (old.pl). B is the build directory, in which the
# present ones are. Compiles what knows the layouts, as far as that changed, and links it with the rest.
set -eu
B=$(realpath "$B")
cd "$(dirname "$0")/../.."
dir=$(realpath -m "$1")
new=$dir/new src=$dir/src
mkdir -p "$src"
rm -rf "$new"
mkdir "$new"
cp -a bpf lib Makefile "$new"
perl tests/net/old.pl "$new"/bpf/lb_abi.h "$new"/bpf/lb_source.h "$new"/lib/maps_{health,place,commit,move}.c
cd "$new"
find . -type f | while read -r file; do
	cmp -s "$file" "$src/$file" || install -D -m 644 "$file" "$src/$file"
done
rm -rf "$new"

cd "$src"
know=$(grep -lE '"(bpf/|[a-z]+\.skel\.h)|maps_internal|maps_commit|maps_pair' lib/*.c | sed 's,\(.*\)\.c,build/o/\1.o,')
cc=${CC:-gcc}
cflags=${CFLAGS:--O2}
# shellcheck disable=SC2086 # words
make -s -j"$(nproc)" B=build CC="$cc" CFLAGS="$cflags" $know >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
# shellcheck disable=SC2086
$cc $cflags ${LDFLAGS:-} -o "$dir/lbtool" "$B"/o/lbtool/*.o $know "$B/liblb.a" -lbpf -lelf -lmnl -ljansson
# shellcheck disable=SC2086
$cc $cflags ${LDFLAGS:-} -o "$dir/lbmon" "$B"/o/lbmon/lbmon.o "$B/libmon.a" $know "$B/liblb.a" \
	-lbpf -lelf -lmnl -ljansson -lcurl -lcap-ng
