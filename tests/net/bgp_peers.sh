# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# bgp_peers.sh - for tests of BGP, behind tap.sh: hosts with a network, mount namespace, /run and bpffs of their own, so
# that each has its own instance `main`; routers on them with BIRD or FRR, nodes with ExaBGP. All processes are children
# of the test and end with it.

declare -A HOST # name to the process that keeps its namespaces
declare -A DAEMON # host/name to process

# host NAME: a host on which nothing is configured yet.
host() {
	ip netns add "$NS-$1"
	nsenter --net="/run/netns/$NS-$1" unshare --mount --propagation private sh -c '
		mount -t tmpfs -o mode=755 tmpfs /run && mount -t tmpfs tmpfs /usr/local/sbin &&
		mount -t bpf -o mode=700 bpf /sys/fs/bpf && touch /run/ready && exec sleep 1000' &
	HOST[$1]=$!
	PIDS+=($!)
	wait_for 30 at "$1" test -e /run/ready
	at "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1
	at "$1" ip link set lo up
}

at() { # HOST COMMAND...
	local name=$1

	shift
	nsenter --target "${HOST[$name]}" --mount --net "$@"
}

# link HOST DEV HOST DEV
link() {
	ip link add "$2" netns "$NS-$1" type veth peer name "$4" netns "$NS-$3"
	at "$1" ip link set "$2" up
	at "$3" ip link set "$4" up
}

# start HOST NAME COMMAND...: a daemon that stays in the foreground; what it says is in $TMP/HOST-NAME.
start() {
	local name=$1 what=$2

	shift 2
	nsenter --target "${HOST[$name]}" --mount --net "$@" >"$TMP/$name-$what" 2>&1 </dev/null &
	DAEMON[$name/$what]=$!
}

stop() { # HOST NAME [SIGNAL]
	local pid=${DAEMON[$1/$2]:-}

	[ -n "$pid" ] || return 0
	kill "-${3:-TERM}" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	unset "DAEMON[$1/$2]"
}

bird_start() { # HOST CONFIGURATION
	start "$1" bird bird -f -c "$2" -s /run/bird.ctl
	wait_for 30 at "$1" birdc -s /run/bird.ctl show status
}

frr_start() { # HOST CONFIGURATION
	at "$1" install -d -o frr -g frr /run/frr
	start "$1" zebra /usr/lib/frr/zebra -f /dev/null -i /run/frr/zebra.pid -z /run/frr/zserv.api --vty_socket /run/frr
	wait_for 30 at "$1" test -S /run/frr/zserv.api
	start "$1" bgpd /usr/lib/frr/bgpd -f /dev/null -i /run/frr/bgpd.pid -z /run/frr/zserv.api --vty_socket /run/frr
	wait_for 30 at "$1" test -S /run/frr/bgpd.vty
	at "$1" vtysh --vty_socket /run/frr -f "$2" >"$TMP/$1-vtysh" 2>&1
}

router_stop() { # HOST
	stop "$1" bird
	stop "$1" bgpd
	stop "$1" zebra
}

# As Debian's unit with our drop-in does: as user exabgp, with the drop-in's capabilities and environment.
exabgp_start() { # HOST CONFIGURATION [VARIABLE=VALUE...]
	local name=$1 conf=$2 dropin=$TOP/exabgp/systemd/exabgp.service.d/lbmon.conf caps env

	shift 2
	caps=$(sed -n 's/^AmbientCapabilities=CAP_/CAP_/p' "$dropin" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	env=$(sed -n 's/^Environment=//p' "$dropin")
	# shellcheck disable=SC2086 # words
	start "$name" exabgp env exabgp_daemon_daemonize=false $env "$@" \
		setpriv --reuid exabgp --regid exabgp --init-groups --bounding-set "-all,$caps" --inh-caps "-all,$caps" \
		--ambient-caps "-all,$caps" exabgp "$conf"
}

hosts_down() {
	local key

	for key in "${!DAEMON[@]}"; do
		stop "${key%/*}" "${key#*/}"
	done
	for key in "${HOST[@]}"; do
		kill "$key"
		wait "$key"
	done 2>/dev/null
	for key in "${!HOST[@]}"; do
		[ ! -e "/run/netns/$NS-$key" ] || ip netns del "$NS-$key"
	done
	HOST=()
}
