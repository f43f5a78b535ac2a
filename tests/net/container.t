#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# container.t - a service in a network namespace of its own behind a host. A receiver at the host's device takes
# connections of the namespace for nobody's and sends them on, so they break; one that is added there, as
# lbtool-receiver(8) says, knows them, and lets go what is another real's.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

LAB=box$$
BOX=$LAB-web # the container: namespace and instance
HOST=l7-2
ADDR=10.8.1.2
CONNS=20
VIPS="203.0.113.10 2001:db8:113::10"
FROM="from 10.4.0.0/16 from 10.7.0.0/16 from 10.8.0.0/16"

in_box() {
	nsenter --net="/run/netns/$BOX" "$@"
}

box_lbt() {
	"$LBTOOL" -n "$BOX" -i "$BOX" "$@"
}

# As of a container: a process in a namespace that has no name.
box_up() {
	nsenter --net="/run/netns/$LAB-$HOST" unshare --net sleep 600 &
	PIDS+=($!)
	wait_for 30 differ $!
	ip netns attach "$BOX" $!
	ip link add web netns "$LAB-$HOST" type veth peer name eth0 netns "$BOX"
	ip -n "$LAB-$HOST" -b - <<-END
		addr del 203.0.113.10/32 dev lo
		addr del 2001:db8:113::10/128 dev lo
		addr add 10.8.1.1/30 dev web
		addr add 2001:db8:8::1/64 dev web nodad
		link set web up
		route add 203.0.113.10/32 via $ADDR
		route add 2001:db8:113::10/128 via 2001:db8:8::2
	END
	ip -n "$BOX" -b - <<-END
		link set lo up
		link set eth0 up
		addr add 203.0.113.10/32 dev lo
		addr add 2001:db8:113::10/128 dev lo
		addr add $ADDR/30 dev eth0
		addr add 2001:db8:8::2/64 dev eth0 nodad
		route add default via 10.8.1.1
		route add default via 2001:db8:8::1
	END
	in_box sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
	on $HOST sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$LAB-$HOST" route replace default via 2001:db8:7:2::1
	ip -n "$LAB-r1" route add 10.8.1.0/30 via 10.7.2.2
	mkdir -p "$TMP/web/tmp"
	chmod 755 "$TMP"
	sed "s|/run/lb-lab/$LAB/$HOST|$TMP/web|; s/$HOST/web/g" "/run/lb-lab/$LAB/$HOST/nginx.conf" >"$TMP/web/nginx.conf"
	in_box nginx -p "$TMP/web" -c "$TMP/web/nginx.conf" -e "$TMP/web/error.log"
}

differ() { # PID: is it in a namespace of its own by now?
	[ "$(readlink "/proc/$1/ns/net")" != "$(on $HOST readlink /proc/self/ns/net)" ]
}

box_down() {
	trap '' INT TERM
	[ ! -s "$TMP/web/pid" ] || kill "$(cat "$TMP/web/pid")"
	box_lbt receiver del eth0 2>/dev/null
	rm -f "/run/lb/$BOX.lock"
	[ ! -e "/run/netns/$BOX" ] || ip netns del "$BOX"
	lab_down
}

sent_on() { # COMMAND...: that lbtool's
	"$@" -d stats show rx | awk '$1 == "rx" && $2 == "sent_on" { print $4 }'
}

real() { # ADDRESS STATE
	on l4-1 lbtool real replace "$1" pool web state "$2"
}

# So that the next change is from slots that have settled.
afresh() { # ADDRESS of the real beside 10.7.1.2
	on l4-1 lbtool pool replace web drain 0s
	real 10.7.1.2 up
	real "$1" up
	on l4-1 lbtool pool replace web drain 60s
}

broken() { # how many of so many requests
	on c1 curl -s -m 60 -w '%{http_code}\n' -o /dev/null "http://203.0.113.10/[1-$CONNS]" | grep -vc 200
}

trap box_down EXIT
trap 'exit 130' INT TERM
./lab.sh up -p "$LAB" -B -q -c 1 -l 1 -r 2 -f 4 -s 0 -t 1021 -z 1000 >"$TMP/lab" 2>&1
ok $? "a lab of two reals" "$(cat "$TMP/lab")"
box_up
ok $? "a namespace without a name gets one"
# shellcheck disable=SC2086
for node in l7-1 $HOST; do on $node lbtool receiver replace eth0 $FROM; done
on l4-1 lbtool pool replace web encap gue

# The host's address is the real's, and the host routes what comes out of the tunnel to the service.
afresh 10.7.2.2
is "$(broken)" 0 "receiver at the host: requests, nobody named"
real 10.7.1.2 drain
like "$(broken)" '^[1-9]' "receiver at the host: where another real is named, they break"

# As the man page has it.
on l4-1 lbtool real del 10.7.2.2 pool web
on l4-1 lbtool real add $ADDR pool web
# shellcheck disable=SC2086
box_lbt receiver add eth0 $FROM
ok $? "a receiver in the namespace"
for vip in $VIPS; do
	afresh $ADDR
	hold "$vip"
	is "$said" "answered $CONNS broken 0" "$vip: connections to both reals"
	before=$(sent_on box_lbt)
	real 10.7.1.2 drain
	ask
	is "$said" "answered $CONNS broken 0" "$vip: the other real is drained, none breaks"
	ok $(($(sent_on box_lbt) <= before)) "$vip: what is not the namespace's is sent on"
	let_go
	before=$(sent_on box_lbt)
	hold "$vip"
	ask
	is "$said $(sent_on box_lbt)" "answered $CONNS broken 0 $before" "$vip: its own connections it keeps"
	let_go
	afresh $ADDR
	hold "$vip"
	real $ADDR drain
	ask
	is "$said" "answered $CONNS broken 0" "$vip: itself drained, none breaks"
	let_go
done
plan_done
