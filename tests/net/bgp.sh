# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# bgp.sh - how VIPs come to the router: BIRD on r1, on each L4LB ExaBGP, which runs lbmon. Belongs to
# lib.sh and build.sh. Every L4LB has two sessions with r1, one over IPv4 for IPv4 routes and one over
# IPv6 for IPv6 routes. A dead session is seen after 3 s at the latest, the least that BGP allows.

# shellcheck disable=SC2034 # some are for those who read this file
declare -r ROUTER_AS=64512 NODE_AS=65000 # an L4LB's AS is NODE_AS + its number
declare -r VIP_NETS4=203.0.113.0/24 VIP_NETS6=2001:db8:113::/48
declare -r HEALTH_CHECK="check http path / interval 500ms timeout 400ms rise 2 fall 2"

# BIRD connects, ExaBGP listens (passive): when it is ExaBGP that connects, each lost session makes it wait longer before
# the next try, up to a minute, for the rest of its life.
bird_conf() {
	local node n

	cat <<-END
		log "$RUN/r1/bird.log" { info, remote, warning, error, auth, fatal, bug };
		router id 10.255.255.1;
		protocol device {}
		filter vips4 { if net ~ [ $VIP_NETS4{32,32} ] then accept; reject; }
		filter vips6 { if net ~ [ $VIP_NETS6{128,128} ] then accept; reject; }
		protocol kernel kernel4 {
			merge paths on limit 255;
			ipv4 { import none; export where source = RTS_BGP; };
		}
		protocol kernel kernel6 {
			merge paths on limit 255;
			ipv6 { import none; export where source = RTS_BGP; };
		}
		template bgp l4lb {
			local as $ROUTER_AS;
			direct;
			check link on;
			hold time 3;
			keepalive time 1;
			graceful restart off;
			connect delay time 1;
			connect retry time 1;
			error wait time 1, 1;
		}
	END
	for node in $(l4lbs); do
		n=$(node_number "$node")
		cat <<-END
			protocol bgp l4_${n}_ipv4 from l4lb {
				neighbor $(addr4 "$node") as $((NODE_AS + n));
				source address $(addr4 "$node" 1);
				ipv4 { import filter vips4; export none; };
			}
			protocol bgp l4_${n}_ipv6 from l4lb {
				neighbor $(addr6 "$node") as $((NODE_AS + n));
				source address $(addr6 "$node" 1);
				ipv6 { import filter vips6; export none; };
			}
		END
	done
}

bird_start() {
	mkdir -p "$RUN/r1"
	bird_conf >"$RUN/r1/bird.conf"
	in_node r1 bird -c "$RUN/r1/bird.conf" -s "$RUN/r1/bird.ctl" -P "$RUN/r1/pid" ||
		die "BIRD does not start"
}

bird_ask() { # WORD...: what birdc answers, without its greeting
	birdc -s "$RUN/r1/bird.ctl" "$@" | sed 1d
}

exabgp_conf() { # NODE
	local family as=$((NODE_AS + $(node_number "$1")))

	cat <<-END
		process lbmon {
			run $LBMON -instance $PREFIX-$1 next-hop $(addr4 "$1") next-hop $(addr6 "$1");
			encoder text;
		}
	END
	for family in 4 6; do
		cat <<-END
			neighbor $("addr$family" "$1" 1) {
				router-id $(addr4 "$1");
				local-address $("addr$family" "$1");
				local-as $as;
				peer-as $ROUTER_AS;
				hold-time 3;
				passive true;
				family { ipv$family unicast; }
				api { processes [ lbmon ]; }
			}
		END
	done
}

# Without exabgp.api.cli it needs no named pipes. Not through in_node(): $! would be a shell's. In a
# session of its own, it outlives the terminal that built the lab.
exabgp_start() { # NODE
	local dir=$RUN/$1

	mkdir -p "$dir"
	exabgp_conf "$1" >"$dir/exabgp.conf"
	setsid nsenter --net="$NETNS_DIR/$PREFIX-$1" env exabgp.daemon.user=root \
		exabgp.daemon.daemonize=false exabgp.api.cli=false exabgp.log.level=WARNING \
		exabgp.tcp.port=179 exabgp.tcp.bind="$(addr4 "$1") $(addr6 "$1")" \
		exabgp.log.destination=stderr exabgp "$dir/exabgp.conf" \
		</dev/null >>"$dir/exabgp.log" 2>&1 &
	echo $! >"$dir/exabgp.pid"
}

# Ends the daemons of a node by their noted numbers; lbmon leaves when ExaBGP's pipe ends.
bgp_stop() { # NODE SIGNAL
	local pid file

	for file in "$RUN/$1/exabgp.pid:exabgp.conf" "$RUN/$1/pid:bird.conf"; do
		pid=$(cat "${file%:*}" 2>/dev/null) || continue
		! ours "$pid" "$RUN/$1/${file##*:}" || kill -"$2" "$pid"
	done
}

exabgp_runs() { # NODE
	ours "$(cat "$RUN/$1/exabgp.pid" 2>/dev/null)" "$RUN/$1/exabgp.conf"
}

# The L4LBs to which the router sends a VIP, a line each.
next_hops() { # VIP
	local family=-4

	[[ $1 != *:* ]] || family=-6
	ip -n "$PREFIX-r1" $family route show "$1" | grep -o 'dev l4-[0-9]*' | cut -d' ' -f2 | sort -uV
}

hop_there() { # NODE: for both VIPs
	next_hops "$VIP4" | grep -qx "$1" && next_hops "$VIP6" | grep -qx "$1"
}

hop_gone() { # NODE: of both VIPs
	! next_hops "$VIP4" | grep -qx "$1" && ! next_hops "$VIP6" | grep -qx "$1"
}

all_hops() {
	[ "$(next_hops "$VIP4" | wc -l)" = "$L4LBS" ] && [ "$(next_hops "$VIP6" | wc -l)" = "$L4LBS" ]
}

bgp_start() {
	local node from=${EPOCHREALTIME/./}

	for node in $(l4lbs); do exabgp_start "$node"; done
	# So many Pythons need their time on a small machine.
	WAIT=$((20 + L4LBS / 2)) wait_until all_hops || {
		bird_ask show protocols >&2
		tail -n 3 "$RUN"/l4-*/exabgp.log >&2
		die "the router does not learn the VIPs of all L4LBs within $((20 + L4LBS / 2)) s"
	}
	echo $(((${EPOCHREALTIME/./} - from) / 1000)) >"$RUN/r1/took" # milliseconds
}

# Starts ExaBGP anew on a node where it was killed.
node_restart() { # NODE
	[ "$BGP" = yes ] || die "this lab has no BGP"
	bgp_stop "$1" TERM
	WAIT=3 wait_until not exabgp_runs "$1" || bgp_stop "$1" KILL
	exabgp_start "$1"
	WAIT=30 wait_until hop_there "$1" || die "the router does not learn the VIPs of $1"
}

not() { ! "$@"; }

# A real's health, as lbmon on l4-1 has found it, and what its last check said.
health() { # L7LB
	lbt l4-1 -d -j real show pool web 2>/dev/null | jq -r --arg real "$(real_addr "$1")" \
		'.[] | select(.real == $real) | .health + if .why then " (\(.why))" else "" end'
}
