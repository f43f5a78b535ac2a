# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# build.sh - makes the data centre and removes it: the part of lab.sh that touches the machine.
# What it makes is noted in $RUN first, and it removes only what is noted there.

# Things that all labs share (the mount of bpffs, directories of lbtool's): noted when a lab made
# them, removed by the last lab to go, under a lock. Locking /run itself leaves no file behind.
claim_lab() {
	(
		flock 9
		mkdir -p "$LAB_ROOT"
		mkdir "$RUN" || exit 1
		if ! [ "$(stat -f -c %T "$BPFFS" 2>/dev/null)" = bpf_fs ]; then
			echo "lab: no bpffs at $BPFFS: mounted one (\"lab.sh down\" unmounts it)"
			mount -t bpf bpf "$BPFFS" || {
				rmdir "$RUN"
				exit 1
			}
			echo mount >>"$LAB_ROOT/.shared"
		fi
		[ -e "$BPFFS/lb" ] || echo pins >>"$LAB_ROOT/.shared"
		[ -e /run/lb ] || echo locks >>"$LAB_ROOT/.shared"
		[ -e "$NETNS_DIR" ] || echo netns >>"$LAB_ROOT/.shared"
	) 9</run
}

drop_shared() {
	(
		flock 9
		[ -z "$(find "$LAB_ROOT" -mindepth 1 -maxdepth 1 -type d 2>/dev/null)" ] || exit 0
		noted() { grep -qx "$1" "$LAB_ROOT/.shared" 2>/dev/null; }
		! noted pins || rmdir "$BPFFS/lb" 2>/dev/null || :
		! noted locks || rmdir /run/lb 2>/dev/null || :
		if noted mount; then
			# maps.debug and progs.debug are the kernel's own.
			if [ -z "$(find "$BPFFS" -mindepth 1 -maxdepth 1 ! -name '*.debug')" ]; then
				umount "$BPFFS"
			else
				echo "lab: $BPFFS is in use by others now: left mounted"
			fi
		fi
		if noted netns && umount "$NETNS_DIR" 2>/dev/null; then
			rmdir "$NETNS_DIR" || :
		fi
		rm -rf "$LAB_ROOT"
	) 9</run
}

make_node() { # NODE: noted before it is made, so that no kill leaves one behind unknown
	echo "$1" >>"$RUN/nodes"
	ip netns add "$PREFIX-$1"
	ip -n "$PREFIX-$1" link set lo up
	set_sysctls "$1" ipv6/conf/all/accept_dad=0 ipv6/conf/default/accept_dad=0 \
		ipv4/conf/all/rp_filter=0 ipv4/conf/default/rp_filter=0 \
		ipv4/conf/all/send_redirects=0 ipv4/conf/default/send_redirects=0
}

set_sysctls() { # NODE NAME=VALUE...
	# shellcheck disable=SC2016 # expanded in the namespace
	in_node "$1" sh -c 'shift; for s; do echo "${s#*=}" >"/proc/sys/net/${s%%=*}"; done' sh "$@"
}

make_link() { # NODE
	ip link add "$1" netns "$PREFIX-r1" mtu "$MTU" type veth \
		peer name eth0 netns "$PREFIX-$1" mtu "$MTU"
	ip -n "$PREFIX-r1" -b - <<-END
		addr add $(addr4 "$1" 1)/30 dev $1
		addr add $(addr6 "$1" 1)/64 dev $1
		link set $1 up
	END
	link_up "$1"
}

# The node's end of its link, new or after it was down: with the link go IPv6 addresses, routes and
# neighbours.
link_up() { # NODE
	ip -n "$PREFIX-$1" -b - <<-END
		link set eth0 up
		addr replace $(addr4 "$1")/30 dev eth0
		addr replace $(addr6 "$1")/64 dev eth0
		route replace default via $(addr4 "$1" 1)
		route replace default via $(addr6 "$1" 1)
	END
	[[ $1 == l4-* ]] || return 0
	ip -n "$PREFIX-$1" -b - <<-END
		neigh replace $(addr4 "$1" 1) dev eth0 managed
		neigh replace $(addr6 "$1" 1) dev eth0 managed
	END
}

make_router() {
	make_node r1
	set_sysctls r1 ipv4/ip_forward=1 ipv6/conf/all/forwarding=1 \
		ipv4/fib_multipath_hash_policy=1 ipv6/fib_multipath_hash_policy=1
}

make_client() {
	make_node "$1"
	make_link "$1"
	# A local stack leaves checksums to the device; veth would carry them so into the tunnel.
	in_node "$1" ethtool -K eth0 tx off >/dev/null
}

make_l4lb() {
	make_node "$1"
	make_link "$1"
	set_sysctls "$1" ipv4/ip_forward=1 ipv6/conf/all/forwarding=1
	# What XDP_TX sends from a veth is lost unless the peer has an XDP program, too; GRO, which
	# comes with that, would join packets that a cable would not.
	in_node r1 bpftool net attach xdp pinned "$BPFFS/$PREFIX-pass" dev "$1"
	in_node r1 ethtool -K "$1" gro off >/dev/null
}

make_l7lb() {
	make_node "$1"
	make_link "$1"
	ip -n "$PREFIX-$1" addr add "$VIP4/32" dev lo
	ip -n "$PREFIX-$1" addr add "$VIP6/128" dev lo
}

make_files() {
	mkdir "$RUN/www"
	head -c "$SIZE" /dev/urandom >"$RUN/www/data"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-subj /CN=lab -keyout "$RUN/key.pem" -out "$RUN/cert.pem" 2>/dev/null ||
		die "openssl made no certificate"
}

start_nginx() { # NODE
	local dir=$RUN/$1

	mkdir -p "$dir/tmp"
	install -d -o www-data "$dir/up"
	cat >"$dir/nginx.conf" <<-END
	user www-data;
	worker_processes 1;
	worker_rlimit_nofile 8192;
	error_log $dir/error.log;
	pid $dir/pid;
	events { worker_connections 4096; }
	http {
		log_format lab '\$remote_addr \$remote_port \$server_addr \$server_port \$status '
			'\$body_bytes_sent \$request_uri';
		access_log $dir/access.log lab;
		client_body_temp_path $dir/tmp/body;
		proxy_temp_path $dir/tmp/proxy;
		fastcgi_temp_path $dir/tmp/fastcgi;
		uwsgi_temp_path $dir/tmp/uwsgi;
		scgi_temp_path $dir/tmp/scgi;
		default_type text/plain;
		client_max_body_size 100m;
		keepalive_timeout 0;
		add_header X-Real $1 always;
		ssl_certificate $RUN/cert.pem;
		ssl_certificate_key $RUN/key.pem;
		server {
			listen 80 backlog=4096;
			listen [::]:80 backlog=4096;
			listen 443 ssl backlog=4096;
			listen [::]:443 ssl backlog=4096;
			location / {
				return 200 "$1 client \$remote_addr port \$remote_port vip \$server_addr\n";
			}
			location = /keep {
				keepalive_timeout 75;
				return 200 "$1\n";
			}
			location = /data {
				alias $RUN/www/data;
				limit_rate \$arg_rate;
			}
			location /up/ {
				root $dir;
				dav_methods PUT;
			}
		}
	}
	END
	in_node "$1" nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log" ||
		die "nginx does not start in $1: $(tail -1 "$dir/error.log")"
}

config_l4lb() { # NODE
	local port real check='' tables=$(((TABLE * 4 + 65536) / 65537))

	[ "$BGP" = no ] || check=" $HEALTH_CHECK"
	lbt "$1" prog load reals 512 vips 64 pools 16 tables $((tables < 8 ? 8 : tables)) \
		sessions "$SESSIONS"
	{
		echo "pool add web table $TABLE encap ipip$check"
		for real in $(l7lbs); do
			echo "real add $(real_addr "$real") pool web weight $(real_weight "$real")"
		done
		for port in $PORTS; do
			echo "vip add $VIP4:$port/tcp pool web session on"
			echo "vip add [$VIP6]:$port/tcp pool web session on"
		done
	} >"$RUN/$1.batch"
	lbt "$1" -b "$RUN/$1.batch"
	lbt "$1" dev add eth0 mode "$MODE"
}

config_l7lb() { # NODE
	local net from=()

	for net in $L4_NETS; do
		from+=(from "$net")
	done
	lbt "$1" receiver add eth0 "${from[@]}" mss auto
}

resolved() { # NODE: does it know the router's MAC addresses?
	[ "$(ip -n "$PREFIX-$1" neigh show dev eth0 | grep -c '^[^f].*[:.]1 .*lladdr')" -ge 2 ]
}

build() {
	local node

	make_router
	[ "$BGP" = no ] || bird_start
	make_files
	# Not by ip(8), which leaves directories in bpffs for good.
	bpftool prog load "$PASS" "$BPFFS/$PREFIX-pass"
	for node in $(clients); do make_client "$node"; done
	for node in $(l4lbs); do make_l4lb "$node"; done
	rm "$BPFFS/$PREFIX-pass"
	for node in $(l7lbs); do
		make_l7lb "$node"
		start_nginx "$node"
	done
	for node in $(l7lbs); do
		wait_until [ -s "$RUN/$node/pid" ] || die "nginx does not start in $node"
		[ "$BARE" = yes ] || config_l7lb "$node"
	done
	for node in $(l4lbs); do
		wait_until resolved "$node" || die "$node does not reach the router"
		[ "$BARE" = yes ] || config_l4lb "$node"
		[ "$BGP" = yes ] || route_add "$node"
	done
	[ "$BGP" = no ] || bgp_start
}

ours() { # PID PATTERN: is it alive, and what we started? Numbers are used again.
	tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -q -- "$2"
}

nginx_runs() { ours "$(cat "$RUN/$1/pid" 2>/dev/null)" "$RUN/$1/nginx.conf"; }

stop_nginx() { # NODE
	! nginx_runs "$1" || kill -TERM "$(cat "$RUN/$1/pid")"
}

# Whoever runs in our namespaces is there through `lab.sh exec` and has no network any more.
stop_others() { # NODE
	local pid

	for pid in $(ip netns pids "$PREFIX-$1" 2>/dev/null); do
		[ "$pid" != $$ ] || continue
		case $(cat "/proc/$pid/comm" 2>/dev/null) in
		nginx | bird | exabgp | lbmon | "") ;;
		*) echo "lab: ended $(cat "/proc/$pid/comm") ($pid), which ran in $1" ;;
		esac
		kill -"$2" "$pid" 2>/dev/null || :
	done
}

empty_node() { [ -z "$(ip netns pids "$PREFIX-$1" 2>/dev/null)" ]; }

remove_pins() { # NODE
	local pins=$BPFFS/lb/$PREFIX-$1

	if [ -x "$LBTOOL" ] && [ -d "$pins" ] && [ -e "$NETNS_DIR/$PREFIX-$1" ]; then
		case $1 in
		l4-*) lbt "$1" dev del eth0 && lbt "$1" prog unload ;;
		l7-*) lbt "$1" receiver del eth0 ;;
		esac >/dev/null 2>&1 || :
	fi
	# The namespace's end takes the programs off its devices; what is left here is names.
	[ ! -d "$pins" ] || rm -rf "$pins"
	rm -f "/run/lb/$PREFIX-$1.lock" "/run/lb/$PREFIX-$1.lbmon"
}

remove() {
	local node list

	list=$(cat "$RUN/nodes" 2>/dev/null) || list=
	for node in $list; do
		stop_nginx "$node"
		bgp_stop "$node" TERM
	done
	for node in $list; do
		WAIT=1 wait_until empty_node "$node" || stop_others "$node" TERM
		WAIT=1 wait_until empty_node "$node" || stop_others "$node" KILL
		remove_pins "$node"
		[ ! -e "$NETNS_DIR/$PREFIX-$node" ] || ip netns del "$PREFIX-$node"
	done
	rm -f "$BPFFS/$PREFIX-pass"
	rm -rf "$RUN"
	drop_shared
}
