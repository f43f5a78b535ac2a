#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# complete.t - bash and zsh complete lbtool's words at a terminal, with the files that `make install` puts there.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

pair_up
# Called as it was built: another name of the directory were other flags, and all would be compiled anew.
make -s -C "$TOP" B="${B#"$TOP"/}" DESTDIR="$TMP/root" PREFIX=/usr install >/dev/null 2>"$TMP/why"
ok $? "make install" "$(cat "$TMP/why")"
share=$TMP/root/usr/share
lbt prog load reals 16 vips 16 pools 8 tables 4 sessions 0
lbt -b - <<'EOF'
pool add web
pool add dns
real add 10.7.1.2 pool web
vip add 203.0.113.10:80/tcp pool web
vip add 203.0.113.10:443/tcp pool web
vip add [2001:db8:113::10]:53/udp pool dns
EOF
touch "$TMP/the.conf"

# Typed, and what it becomes: a bar is its end.
cat >"$TMP/table" <<EOF
lbtool po	lbtool pool |
lbtool pool sh	lbtool pool show |
lbtool bogus	lbtool bogus|
lbtool -ne	lbtool -netns |
lbtool --js	lbtool --json |
lbtool -n $NS-b -i $NS dev del et	lbtool -n $NS-b -i $NS dev del eth0 |
lbtool pool add x enc	lbtool pool add x encap |
lbtool pool add x encap d	lbtool pool add x encap dscp |
lbtool pool add x encap gue dr	lbtool pool add x encap gue drain |
lbtool real add 10.7.1.3 pool w	lbtool real add 10.7.1.3 pool web |
lbtool real add 10.7.1.3	lbtool real add 10.7.1.3|
lbtool real del 1	lbtool real del 10.7.1.2 |
lbtool vip del 2	lbtool vip del 203.0.113.10:|
lbtool vip del 203.0.113.10:4	lbtool vip del 203.0.113.10:443/tcp |
lbtool vip del [2	lbtool vip del [2001:db8:113::10]:53/udp |
lbtool vip del [2001:db8:113::10]:5	lbtool vip del [2001:db8:113::10]:53/udp |
lbtool stats show wh	lbtool stats show why |
lbtool stats show why tx_r	lbtool stats show why tx_redirect |
lbtool restore $TMP/the	lbtool restore $TMP/the.conf |
lbtool pool add x min 	lbtool pool add x min |
EOF

export LB_INSTANCE=$NS PATH=$TMP/root/usr/sbin:$PATH
becomes() { # SHELL SETUP...
	cut -f1 "$TMP/table" | timeout 60 python3 complete.py "$@" >"$TMP/got" 2>&1
	cut -f2 "$TMP/table" | diff - "$TMP/got" >"$TMP/why"
	ok $? "$1 completes what is typed" "$(cat "$TMP/why")"
}
becomes bash ". $share/bash-completion/completions/lbtool"
# Bare, that bracket begins a pattern there.
sed -i 's/ del \[2\t/ del \\[2\t/' "$TMP/table"
becomes zsh "fpath=($share/zsh/site-functions \$fpath)" "autoload -U compinit" "compinit -u -D"
plan_done
