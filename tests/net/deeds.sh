# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# deeds.sh - what soak.sh does to a data centre: each deed says how and when it is undone. Belongs to lib.sh, build.sh
# and bgp.sh. No deed is done in a subshell, where RANDOM would begin anew.

# shellcheck disable=SC2034 # some are for soak.sh
declare -r EXTRA_VIPS="203.0.113.11 2001:db8:113::11 203.0.113.12 2001:db8:113::12"
declare -r KILLS_APART=16 # seconds: ExaBGP gives up after more than 5 starts of lbmon in 64 s
declare -A busy count absent killed
todo=() deeds=0 lost=0 lbtool_failed=0
for vip in $EXTRA_VIPS; do absent[$vip]=yes; done

# What may not be done to the same thing again before it is undone.
later() { # SECONDS THING COMMAND...: words without blanks
	busy[$2]=1
	todo+=("$((SECONDS + $1)) ${*:2}")
}

undo_due() { # [ all ]
	local entry when thing command rest=()

	for entry in ${todo[@]+"${todo[@]}"}; do
		read -r when thing command <<<"$entry"
		if [ $# = 0 ] && ((when > SECONDS)); then
			rest+=("$entry")
			continue
		fi
		unset "busy[$thing]"
		$command
	done
	todo=(${rest[@]+"${rest[@]}"})
}

undo_stops() { # a stopped process does not end at SIGTERM
	local entry

	for entry in ${todo[@]+"${todo[@]}"}; do
		[[ $entry != *" go_on "* ]] || go_on "${entry##* }"
	done
}

lbt_must() { # NODE WORD...
	lbt "$@" >"$OUT/lbtool" 2>&1 && return
	lbtool_failed=$((lbtool_failed + 1))
	say "lbtool on $*: $(cat "$OUT/lbtool")"
}

# As a deployment would: the same on all L4LBs.
on_all() { # WORD...
	local each

	for each in $(l4lbs); do lbt_must "$each" "$@"; done
}

batch_on_all() { # LINES
	printf '%s\n' "$@" >"$OUT/batch"
	on_all -b "$OUT/batch"
}

lbmon_of() { pgrep -P "$(cat "$RUN/$1/exabgp.pid")" -x lbmon; }

kill_lbmon() { # NODE
	local pid

	[ "$1" != l4-1 ] && ((SECONDS - ${killed[$1]:--99} >= KILLS_APART)) && pid=$(lbmon_of "$1") ||
		return
	killed[$1]=$SECONDS
	kill -9 "$pid"
}

kill_exabgp() { # NODE
	[ "$1" != l4-1 ] && [ -z "${busy[$1/exabgp]:-}" ] && exabgp_runs "$1" || return
	kill -9 "$(cat "$RUN/$1/exabgp.pid")"
	killed[$1]=$SECONDS
	later $((RANDOM % 8 + 1)) "$1/exabgp" start_exabgp "$1"
}

start_exabgp() { (exabgp_start "$1"); } # so that no shell tells of its end

stop_exabgp() { # NODE
	[ -z "${busy[$1/exabgp]:-}" ] && exabgp_runs "$1" || return
	kill -STOP "$(cat "$RUN/$1/exabgp.pid")"
	later $((RANDOM % 30 + 1)) "$1/exabgp" go_on "$1"
}

go_on() { kill -CONT "$(cat "$RUN/$1/exabgp.pid")"; }

# After too many starts of lbmon ExaBGP ends: that must not happen at the pace of our kills.
respawn_the_lost() {
	local each

	for each in $(l4lbs); do
		exabgp_runs "$each" && continue
		lost=$((lost + 1))
		say "the ExaBGP of $each has ended: $(tail -n 1 "$RUN/$each/exabgp.log")"
		start_exabgp "$each"
	done
}

drain() { # NODE
	[ -z "${busy[$1/drain]:-}" ] || return
	lbt_must "$1" node drain
	later $((RANDOM % 10 + 1)) "$1/drain" lbt_must "$1" node ready
}

reload() { lbt_must "$1" prog reload; } # NODE

flap_link() { # NODE
	[ -z "${busy[$1/host]:-}" ] || return
	ip -n "$PREFIX-$1" link set eth0 down
	later $((RANDOM % 8)) "$1/host" link_up "$1"
}

flap_route() { # NODE
	local family=-$((RANDOM % 2 * 2 + 4))

	[ -z "${busy[$1/host]:-}" ] || return
	ip -n "$PREFIX-$1" $family route del default
	later $((RANDOM % 8)) "$1/host" link_up "$1"
}

kill_nginx() { # NODE
	local pid

	[ -z "${busy[$1/nginx]:-}" ] || return
	for pid in $(ip netns pids "$PREFIX-$1"); do kill -9 "$pid" 2>/dev/null; done
	later $((RANDOM % 8)) "$1/nginx" start_again "$1"
}

start_again() { (start_nginx "$1"); } # which ends its shell when it fails

# A receiver takes notice of the addresses that its host has when it is made: so one of these at a time.
lose_vip() { # NODE
	local vip=$VIP4/32

	[ -z "${busy[$1/host]:-}" ] || return
	((RANDOM % 2)) || vip=$VIP6/128
	ip -n "$PREFIX-$1" addr del $vip dev lo
	later $((RANDOM % 8)) "$1/host" ip -n "$PREFIX-$1" addr add $vip dev lo
}

lose_receiver() { # NODE
	[ -z "${busy[$1/host]:-}" ] || return
	lbt_must "$1" receiver del eth0
	later $((RANDOM % 8)) "$1/host" config_l7lb "$1"
}

real_weight_changes() { # NODE
	[ -z "${busy[$1/real]:-}" ] || return
	on_all real replace "$(real_addr "$1")" pool web weight $((RANDOM % 5))
	later $((RANDOM % 8)) "$1/real" on_all real replace "$(real_addr "$1")" pool web weight 1
}

real_drains() { # NODE
	[ -z "${busy[$1/real]:-}" ] || return
	on_all real replace "$(real_addr "$1")" pool web state drain
	later $((RANDOM % 8)) "$1/real" on_all real replace "$(real_addr "$1")" pool web state up
}

real_goes() { # NODE
	[ -z "${busy[$1/real]:-}" ] || return
	on_all real del "$(real_addr "$1")" pool web
	later $((RANDOM % 8)) "$1/real" on_all real add "$(real_addr "$1")" pool web
}

check_changes() {
	local kinds=("tcp rise 1 fall 3" "none" "http direct on port 443 status 400" "tcp direct on interval 1s")

	[ -z "${busy[check]:-}" ] || return
	# shellcheck disable=SC2086
	on_all pool replace web check ${kinds[RANDOM % 4]}
	# shellcheck disable=SC2086
	later $((RANDOM % 8)) check on_all pool replace web $HEALTH_CHECK direct off port vip status 200-399
}

# These two stay as they are in quiet moments: the router must know.
extra_vip() {
	if [ -n "${absent[203.0.113.11]}" ]; then
		batch_on_all "vip add 203.0.113.11:80/tcp pool web" "vip add [2001:db8:113::11]:80/tcp pool web"
		absent[203.0.113.11]='' absent[2001:db8:113::11]=''
	else
		batch_on_all "vip del 203.0.113.11:80/tcp" "vip del [2001:db8:113::11]:80/tcp"
		absent[203.0.113.11]=yes absent[2001:db8:113::11]=yes
	fi
}

extra_pool() {
	local lines=("real add $(addr4 l7-1) pool more" "real add $(addr6 l7-2) pool more"
		"vip add 203.0.113.12:80/tcp pool more" "vip add [2001:db8:113::12]:80/tcp pool more")

	if [ -n "${absent[203.0.113.12]}" ]; then
		batch_on_all "pool add more table 1021 check tcp direct on port 80 interval 300ms timeout 200ms" \
			"${lines[@]}"
		absent[203.0.113.12]='' absent[2001:db8:113::12]=''
	else
		lines=("${lines[@]//add/del}")
		batch_on_all "${lines[2]% pool*}" "${lines[3]% pool*}" "${lines[@]::2}" "pool del more"
		absent[203.0.113.12]=yes absent[2001:db8:113::12]=yes
	fi
}

# One deed at random. Some cannot be done just now: then nothing is.
deed() {
	local l4=l4-$((RANDOM % L4LBS + 1)) l7=l7-$((RANDOM % REALS + 1)) what
	local on_l4=(kill_lbmon kill_lbmon kill_exabgp stop_exabgp drain reload flap_link flap_route)
	local on_l7=(flap_link flap_route kill_nginx lose_vip lose_receiver real_weight_changes real_drains
		real_goes)
	local others=(check_changes extra_vip extra_pool)

	case $((RANDOM % 5)) in
	0 | 1) what="${on_l4[RANDOM % ${#on_l4[@]}]} $l4" ;;
	2 | 3) what="${on_l7[RANDOM % ${#on_l7[@]}]} $l7" ;;
	4) what=${others[RANDOM % ${#others[@]}]} ;;
	esac
	$what || return 0
	echo "$((SECONDS - began)) $what" >>"$OUT/deeds"
	deeds=$((deeds + 1))
	what=${what%% *}
	count[$what]=$((${count[$what]:-0} + 1))
}
