#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# quic.t - services over UDP as they are: DNS (dnsmasq, dig), HTTP/3 over QUIC (ngtcp2), through the whole data centre. What a
# connection of QUIC needs of the balancer is shown with it and without.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root
LAB=quic$$
VIP4=203.0.113.10 VIP6=2001:db8:113::10
NODES="l4-1 l4-2" REALS="l7-1 l7-2 l7-3"
CONNS=12

cleanup() {
	trap '' INT TERM
	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	./lab.sh down -p "$LAB"
	rm -rf "$TMP"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

if ! ./lab.sh up -B -q -c 1 -l 2 -r 3 -f 4 -p "$LAB" >"$TMP/up" 2>&1; then
	ok 1 "lab up" "$(cat "$TMP/up")"
	plan_done
	exit 1
fi

at() { # NODE COMMAND...
	nsenter --net="/run/netns/$LAB-$1" "${@:2}"
}

start() { # NODE COMMAND...: in the background, until the end; not by at(), whose shell would die of the kill
	nsenter --net="/run/netns/$LAB-$1" "${@:2}" >>"$TMP/said.$1" 2>&1 &
	PIDS+=($!)
}

everywhere() { # LINES: a batch on both balancers
	local node

	for node in $NODES; do "$LBTOOL" -n "$LAB-$node" -i "$LAB-$node" -b - <<<"$1" || return 1; done
}

vips() { # VERB WORD...
	local vip

	for vip in $VIP4 "[$VIP6]"; do
		echo "vip $1 $vip:53/udp pool web ${*:2}"
		echo "vip $1 $vip:443/udp pool web ${*:2}"
	done
}

up() { [ "$(at "$1" ss -Hlnu 'sport = :53 or sport = :443' | wc -l)" -ge 4 ]; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=quic \
	-keyout "$TMP/key" -out "$TMP/cert" 2>/dev/null
chmod 755 "$TMP"
for real in $REALS; do
	mkdir "$TMP/$real" "$TMP/got.$real"
	echo "$real" >"$TMP/$real/who"
	# More than a datagram has room for.
	long=$(for n in {1..12}; do printf -- ' --txt-record=long.example,%0200d' "$n"; done)
	# shellcheck disable=SC2086
	start "$real" dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --no-resolv \
		--no-hosts --bind-interfaces --listen-address=$VIP4,$VIP6 --edns-packet-max=1232 \
		"--txt-record=who.example,$real" $long
	for vip in $VIP4 $VIP6; do
		start "$real" gtlsserver -q -d "$TMP/$real" "$vip" 443 "$TMP/key" "$TMP/cert"
	done
done
for real in $REALS; do wait_for 30 up "$real"; done
everywhere "$(vips add)"
ok $? "services on UDP"
everywhere "vip add $VIP4:53/tcp pool web
vip add [$VIP6]:53/tcp pool web"

ask() { # VIP NAME [ WORD... ]: dig takes an answer from the address that it asked only
	at c1 dig "@$1" +tries=1 +time=10 +short "${@:3}" "$2" TXT
}

ports() { # VIP FIRST LAST: who answers each client port, asked three times; a line each
	local port own=10.1.1.2

	[ "$1" = $VIP4 ] || own=2001:db8:1:1::2
	for ((port = $2; port <= $3; port++)); do
		for _ in 1 2 3; do ask "$1" who.example -b "$own#$port"; done | sort -u | xargs
	done
}

for session in off on; do
	everywhere "$(vips replace session $session)"
	for vip in $VIP4 $VIP6; do
		said=$(ports "$vip" 20001 20020)
		is "$(grep -cx 'l7-[123]' <<<"$said") $(sort -u <<<"$said" | xargs)" "20 l7-1 l7-2 l7-3" \
			"DNS at $vip, session $session: each client port is one real's"
	done
done
for vip in $VIP4 $VIP6; do
	is "$(ask "$vip" long.example | wc -l)" 12 "$vip: what is too long for a datagram comes over TCP"
done

# HTTP/3: connections at once, each asks who it is that answers; prints how many were answered, and by how many reals.
get() { # VIP WORD...
	local i url=https://$1/who pids=() vip=$1

	[ "$1" = $VIP4 ] || url="https://[$1]/who"
	rm -rf "$TMP/got"
	for ((i = 0; i < CONNS; i++)); do
		mkdir -p "$TMP/got/$i"
		at c1 gtlsclient -q "--timeout=${LIMIT:-20s}" --exit-on-all-streams-close --download="$TMP/got/$i" "${@:2}" \
			"$vip" 443 "$url" >>"$TMP/said" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	echo "answered $(cat "$TMP"/got/*/who | wc -l) reals $(sort -u "$TMP"/got/*/who | wc -l)"
} 2>/dev/null

for vip in $VIP4 $VIP6; do
	for session in off on; do
		everywhere "$(vips replace session $session)"
		like "$(get "$vip")" "^answered $CONNS reals [23]\$" "HTTP/3 at $vip, session $session"
	done
done

# The table changes behind the handshake.
changing() { # VIP: as get()
	everywhere "real replace 10.7.1.2 pool web weight 1"
	get "$1" --delay-stream=6s >"$TMP/result" &
	local pid=$!
	sleep 3 # by now all hands are shaken
	everywhere "real replace 10.7.1.2 pool web weight 50"
	wait "$pid"
	cat "$TMP/result"
	everywhere "real replace 10.7.1.2 pool web weight 1"
}
for vip in $VIP4 $VIP6; do
	everywhere "$(vips replace session off)"
	said=$(LIMIT=8s changing "$vip")
	like "$said" "^answered ([0-9]|1[01]) " "$vip: a changed table breaks connections of QUIC without a session"
	everywhere "$(vips replace session on)"
	like "$(changing "$vip")" "^answered $CONNS " "with one, none"
done

# A NAT on the way gives the client another port: QUIC knows the connection by its id, the balancer does not.
for vip in $VIP4 $VIP6; do
	rebind=(--change-local-addr=200ms --nat-rebinding --delay-stream=800ms)
	like "$(LIMIT=3s get "$vip" "${rebind[@]}")" "^answered ([0-9]|1[01]) " "$vip: another client port breaks connections"
	everywhere "$(vips replace hash src)"
	is "$(get "$vip" "${rebind[@]}")" "answered $CONNS reals 1" "with hash src, none"
	everywhere "$(vips replace hash 5tuple)"
done
plan_done
