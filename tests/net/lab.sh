#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# lab.sh - a data centre on one machine: clients, an ECMP router, L4LBs with XDP, L7LBs with nginx,
# each a network namespace. lib.sh has the names and addresses, build.sh makes and removes.
set -eu

here=$(dirname "$0")
# shellcheck source=tests/net/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/net/build.sh
. "$here/build.sh"
# shellcheck source=tests/net/bgp.sh
. "$here/bgp.sh"

CLIENTS=2 L4LBS=3 REALS=4 MODE=native FAMILY=mixed WEIGHTS=1 TABLE=65537 SESSIONS=65536
MTU=1500 SIZE=2000000 BGP=yes BARE=no QUIET=no

usage() {
	cat <<-END
	usage: lab.sh COMMAND [ -p PREFIX ] ...     (PREFIX: which lab, default lb)

	  up        build it, all or nothing
	     -c N   clients (default $CLIENTS)         -l N   L4LBs (default $L4LBS)
	     -r N   L7LBs (default $REALS)           -m native|generic   XDP mode (default $MODE)
	     -w W,W,...  weights of the L7LBs, the last one for all that follow (default $WEIGHTS)
	     -f 4|6|mixed  addresses by which the pool knows the L7LBs (default $FAMILY:
	            every second one by IPv6, so that all four tunnels are in use)
	     -t N   slots of the pool's table, a prime (default $TABLE)
	     -s N   entries of an L4LB's session cache (default $SESSIONS)
	     -M N   MTU of all links (default $MTU)
	     -z N   bytes of the file /data on the L7LBs (default $SIZE)
	     -B     no BGP: the router has static routes, and reals are not checked
	     -b     bare: nodes, links, nginx, static routes, but nothing done with lbtool
	     -q     quiet: does not say what to try
	  down      remove it, whatever of it there is
	  status    what stands, and in which state
	  list      the PREFIXes of all labs that stand
	  try       what to try
	  exec NODE COMMAND...    run a command in a node (LB_INSTANCE is set, build/ is in PATH)
	  announce NODE           the router sends VIPs to this L4LB, too (lbtool node ready)
	  withdraw NODE           ... no longer (lbtool node drain)
	  restart NODE            starts ExaBGP, which starts lbmon, on this L4LB again
	END
}

up_options() {
	local opt

	while getopts :p:c:l:r:m:w:f:t:s:M:z:Bbq opt; do
		case $opt in
		p) use_prefix "$OPTARG" ;;
		c) need_number clients "$OPTARG" 1 250; CLIENTS=$OPTARG ;;
		l) need_number L4LBs "$OPTARG" 1 250; L4LBS=$OPTARG ;;
		r) need_number L7LBs "$OPTARG" 1 250; REALS=$OPTARG ;;
		m) MODE=$OPTARG ;;
		w) WEIGHTS=$OPTARG ;;
		f) FAMILY=$OPTARG ;;
		t) need_number table "$OPTARG" 2 999999999; TABLE=$OPTARG ;;
		s) need_number sessions "$OPTARG" 0 999999999; SESSIONS=$OPTARG ;;
		M) need_number MTU "$OPTARG" 1320 65000; MTU=$OPTARG ;;
		z) need_number size "$OPTARG" 1 999999999; SIZE=$OPTARG ;;
		B) BGP=no ;;
		b) BARE=yes BGP=no ;;
		q) QUIET=yes ;;
		:) die "-$OPTARG needs a value" ;;
		*) die "option \"-$OPTARG\": not known; \"lab.sh help\" lists them" ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# = 0 ] || die "\"$1\": not expected"
	[[ $MODE =~ ^(native|generic)$ ]] || die "mode \"$MODE\": must be native or generic"
	[[ $FAMILY =~ ^(4|6|mixed)$ ]] || die "family \"$FAMILY\": must be 4, 6 or mixed"
	[[ $WEIGHTS =~ ^[0-9]{1,5}(,[0-9]{1,5})*$ ]] ||
		die "weights \"$WEIGHTS\": must be numbers like 1,1,2"
}

cmd_up() {
	local node

	up_options "$@"
	need_tools ip nginx ethtool nsenter openssl flock bpftool
	[ -e "$PASS" ] || die "no $PASS; \"make tests\" builds it"
	[ "$BARE" = yes ] || [ -x "$LBTOOL" ] || die "no lbtool at $LBTOOL; \"make\" builds it"
	if [ "$BGP" = yes ]; then
		need_tools bird birdc exabgp
		LBMON=$(realpath -m "$LBMON")
		[ -x "$LBMON" ] || die "no lbmon at $LBMON; \"make\" builds it, -B does without BGP"
	fi
	[ ! -e "$RUN" ] ||
		die "a lab \"$PREFIX\" stands already; \"lab.sh down -p $PREFIX\" removes it"
	for node in r1 $(clients) $(l4lbs) $(l7lbs); do
		[ ! -e "$NETNS_DIR/$PREFIX-$node" ] ||
			die "namespace $PREFIX-$node is there, and not this lab's: use another PREFIX"
		[ ! -e "$BPFFS/lb/$PREFIX-$node" ] ||
			die "instance $PREFIX-$node is there, and not this lab's: use another PREFIX"
	done
	claim_lab
	trap 'up_failed $?' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	for node in CLIENTS L4LBS REALS MODE FAMILY WEIGHTS TABLE SESSIONS MTU SIZE BARE BGP \
		LBTOOL LBMON; do
		printf '%s=%q\n' "$node" "${!node}"
	done >"$RUN/conf"
	touch "$RUN/nodes" "$RUN/announced"
	build
	trap - EXIT
	[ $QUIET = yes ] || try
}

up_failed() {
	trap '' INT TERM HUP
	trap - EXIT
	echo "lab: not built: removing what was made of it" >&2
	remove
	exit "$1"
}

cmd_down() {
	need_tools ip flock
	only_prefix "$@"
	[ -e "$RUN" ] || return 0
	trap '' INT TERM HUP
	remove
}

only_prefix() {
	local opt

	while getopts :p: opt; do
		case $opt in
		p) use_prefix "$OPTARG" ;;
		:) die "-$OPTARG needs a value" ;;
		*) die "option \"-$OPTARG\": not known here" ;;
		esac
	done
}

node_state() { # NODE
	case $1 in
	l4-*)
		case $(ip -n "$PREFIX-$1" -o link show dev eth0) in
		*xdpgeneric*) printf 'XDP generic' ;;
		*xdp*) printf 'XDP native' ;;
		*) printf 'no XDP' ;;
		esac
		next_hops "$VIP4" | grep -qx "$1" && printf ', announced' || printf ', not announced'
		[ "$BGP" = no ] || exabgp_runs "$1" || printf ', no ExaBGP'
		echo
		;;
	l7-*)
		printf 'pool knows it as %s, weight %s, ' "$(real_addr "$1")" "$(real_weight "$1")"
		[ "$BGP" = no ] || printf 'health %s, ' "$(health "$1")"
		nginx_runs "$1" && echo 'nginx runs' || echo 'no nginx'
		;;
	*) echo ;;
	esac
}

cmd_status() {
	local node

	only_prefix "$@"
	load_conf
	echo "lab $PREFIX: $CLIENTS clients, $L4LBS L4LBs ($MODE), $REALS L7LBs; VIP $VIP4, $VIP6"
	for node in $(clients) $(l4lbs) $(l7lbs); do
		printf '%-7s %-11s %-18s %s\n' "$node" "$(addr4 "$node")" "$(addr6 "$node")" \
			"$(node_state "$node")"
	done
	printf 'r1      routes to the VIPs:\n'
	ip -n "$PREFIX-r1" -4 route show "$VIP4" | sed 's/^/        /'
	ip -n "$PREFIX-r1" -6 route show "$VIP6" | sed 's/^/        /'
	[ "$BGP" = yes ] || return 0
	printf 'r1      BGP sessions:\n'
	bird_ask show protocols | awk '$2 == "BGP" {
		sub("_", "-", $1); sub("_", " over ", $1)
		print "        " $1 ": " ($6 ? $6 : $4) " since " $5 }'
}

cmd_exec() {
	local node

	only_prefix "$@"
	shift $((OPTIND - 1))
	[ $# -ge 2 ] || die "exec needs a node and a command"
	load_conf
	node=${1#"$PREFIX"-}
	shift
	grep -qx -- "$node" "$RUN/nodes" ||
		die "node \"$node\": not one of $(paste -sd' ' "$RUN/nodes")"
	export LB_INSTANCE=$PREFIX-$node PATH="${LBTOOL%/*}:$PATH:/usr/sbin:/sbin"
	exec nsenter --net="$NETNS_DIR/$PREFIX-$node" "$@"
}

cmd_route() { # route_add|route_del|node_restart, then the words
	local what=$1

	shift
	only_prefix "$@"
	shift $((OPTIND - 1))
	load_conf
	[ $# = 1 ] || die "one L4LB, please: $(l4lbs | paste -sd' ')"
	l4lbs | grep -qx -- "$1" || die "node \"$1\": not one of $(l4lbs | paste -sd' ')"
	"$what" "$1"
}

cmd_try() {
	only_prefix "$@"
	load_conf
	try
}

try() {
	local x opt=

	[ "$PREFIX" = lb ] || opt=" -p $PREFIX"
	x="${0#"$PWD/"} exec$opt"
	cat <<-END

	The lab stands. r1 sends $VIP4 and $VIP6 to $L4LBS L4LBs, those to $REALS L7LBs.
	Things to try, as root, from here:

	  a request, over IPv4 and IPv6: who answers, and whom did it see?
	    $x c1 curl -s http://$VIP4/
	    $x c1 curl -s http://[$VIP6]/
	  a hundred of them, counted
	    $x c1 curl -s 'http://$VIP4/[1-100]' | cut -d' ' -f1 | sort | uniq -c
	  what an L4LB has done, and to whom it sends
	    $x l4-1 lbtool stats show
	    $x l4-1 lbtool -s real show
	  no new connections for one L7LB (on every L4LB, as a deployment would)
	    for i in $(seq -s' ' "$L4LBS"); do
	      $x l4-\$i lbtool real replace $(real_addr l7-1) pool web state drain; done
	  a slow download to do such things to
	    $x c1 curl -o /dev/null http://$VIP4/data?rate=100k
	  look into the tunnels
	    $x l7-1 tcpdump -nni eth0
	$(try_routes "$x")
	  what stands
	    ${x% exec*} status$opt

	"make unlab" removes all of it.
	END
}

try_routes() { # HOW-TO-EXEC
	local x=$1 lab=${1% exec*} opt=${1##* exec}

	if [ "$BGP" = no ]; then
		echo "  an L4LB dies, and comes back"
		echo "    $lab withdraw$opt l4-1;  $lab announce$opt l4-1"
		return
	fi
	cat <<-END
	  what the router has learnt, and from whom
	    $x r1 ip route show $VIP4
	    $x r1 birdc -s $RUN/r1/bird.ctl show protocols
	    $x r1 birdc -s $RUN/r1/bird.ctl show route
	  an L4LB is taken out of service, and returns: lbmon tells ExaBGP, ExaBGP the router
	    $lab withdraw$opt l4-1;  $lab announce$opt l4-1
	  a backend dies: what lbmon says of it, and how the table changes; and it comes back
	    kill \$(cat $RUN/l7-1/pid)
	    $x l4-1 lbtool -d real show
	    $x l7-1 nginx -p $RUN/l7-1 -c $RUN/l7-1/nginx.conf
	  ExaBGP dies on an L4LB, its routes with it; and it comes back
	    kill -9 \$(cat $RUN/l4-1/exabgp.pid)
	    $lab restart$opt l4-1
	  what lbmon and ExaBGP say
	    tail $RUN/l4-1/exabgp.log
	END
}

use_prefix lb
[ $# -ge 1 ] || {
	usage >&2
	exit 2
}
command=$1
shift
case $command in
up) cmd_up "$@" ;;
down) cmd_down "$@" ;;
status) cmd_status "$@" ;;
list) find "$LAB_ROOT" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null | sort ;;
try | prompt) cmd_try "$@" ;;
exec) cmd_exec "$@" ;;
announce) cmd_route route_add "$@" ;;
withdraw) cmd_route route_del "$@" ;;
restart) cmd_route node_restart "$@" ;;
help | -h | --help) usage ;;
*)
	echo "lab.sh: command \"$command\": not known; \"lab.sh help\" lists them" >&2
	exit 2
	;;
esac
