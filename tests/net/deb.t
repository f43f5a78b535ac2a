#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb.t - the Debian package: installed, started, changed, reloaded, stopped, upgraded, removed and purged, in a root of its
# own: the machine's below an overlay, with a network and a bpffs that end with this script.
# Everything lies in a tmpfs of that mount namespace, which is the only one who removes it: there is nothing to clean up.
set -u
if [ -n "${LB_DEB_DIR:-}" ]; then
	mount -t tmpfs tmpfs "$LB_DEB_DIR" || exit 1
	export TMPDIR=$LB_DEB_DIR
fi
. "$(dirname "$0")/tap.sh"
need_root
if [ -z "${LB_DEB_DIR:-}" ]; then
	trap 'rmdir "$TMP"' EXIT
	make -s -C "$TOP" B="${B#"$TOP"/}" deb >&2 || { echo "Bail out! make deb failed"; exit 1; }
	LB_DEB_DIR=$TMP unshare --mount --net --propagation private "$0"
	exit
fi

ROOT=$TMP/root
at() { chroot "$ROOT" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
service() { at /usr/lib/lb/service "$@" 2>&1; }
lb() { at lbtool "$@" 2>&1; }
xdp() { ip link show "$1" | sed -nE 's/.*xdp.* id ([0-9]+).*/\1/p'; }
commits() { lb prog show | sed -nE 's/.* commits ([0-9]+).*/\1/p'; }
files() { (cd "$ROOT" && find etc lib usr var/lib/lb ! -path '*/__pycache__*' 2>/dev/null | sort); }

root_up() {
	local dir

	mkdir "$TMP/upper" "$TMP/work" "$ROOT"
	mount -t overlay overlay -o "lowerdir=/,upperdir=$TMP/upper,workdir=$TMP/work" "$ROOT" || exit 1
	for dir in run tmp dev; do
		mount -t tmpfs tmpfs "$ROOT/$dir" || exit 1
	done
	mknod -m 666 "$ROOT/dev/null" c 1 3
	mknod -m 666 "$ROOT/dev/urandom" c 1 9
	mount -t proc proc "$ROOT/proc" || exit 1
	mount -t sysfs sysfs "$ROOT/sys" || exit 1
	mount -t bpf -o mode=700 bpf "$ROOT/sys/fs/bpf" || exit 1
	cp "$B"/deb/lb_*.deb "$ROOT/tmp/lb.deb"
	ip link set lo up
	ip link add eth0 type veth peer name far0
	ip link add eth1 type veth peer name far1
	for dev in eth0 far0 eth1 far1; do
		ip link set $dev addrgenmode none
		ip link set $dev up
	done
	ip address add 10.9.0.2/24 dev eth0
	ip address add 10.9.1.2/24 dev eth1
	ip route add 10.0.0.0/8 via 10.9.0.1
	sysctl -qw net.ipv4.conf.eth0.forwarding=1 net.ipv6.conf.eth0.forwarding=1
}

installed() {
	files >"$TMP/before"
	at dpkg -i /tmp/lb.deb >"$TMP/said" 2>&1
	ok $? "dpkg installs it" "$(cat "$TMP/said")"
	# shellcheck disable=SC2016 # dpkg's
	is "$(at dpkg-query -W -f '${Version}' lb)" "$(sed -nE 's/.*LB_VERSION "(.*)"/\1/p' "$TOP/lib/version.h")" \
		"its version is the tool's"
	is "$(at dpkg --verify lb)" "" "all its files are there"
	at ls /usr/share/bash-completion/completions/lbtool /usr/share/zsh/vendor-completions/_lbtool \
		/usr/share/lb/lbtool.schema.json /usr/share/doc/lb/examples/exabgp/two-routers.conf >"$TMP/said" 2>&1
	ok $? "... also completion, schema, examples" "$(cat "$TMP/said")"
	is "$(at systemd-analyze verify lb.service exabgp.service 2>&1)" "" "systemd has no objection to its units"
	like "$(stat -c %A "$ROOT/run/lb")" ^drwxr-xr-x "/run/lb is there"
	is "$(cat "$ROOT"/etc/lb/*.conf "$ROOT/etc/default/lb" | grep -v -e '^#' -e '^$')" "" "what is configured is comments"
	like "$(service start)" "nothing to do" "nothing configured, nothing loaded"
	[ ! -e "$ROOT/sys/fs/bpf/lb" ]
	ok $? "... indeed"
}

configured() {
	cat >"$ROOT/etc/lb/lb.conf" <<-'EOF'
		# prog load reals 16 vips 16 pools 8 tables 4 sessions 1024 idle-tcp 15m idle-udp 30s seed 0x0000000000000007
		pool add web table 1021 encap ipip
		real add 10.7.1.2 pool web weight 1 state up
		vip add 203.0.113.10:80/tcp pool web session on
	EOF
	cat >"$ROOT/etc/lb/host.conf" <<-'EOF'
		# an L4LB's and an L7LB's
		dev add eth0 via 10.9.0.1   # to the router
		receiver add eth1 from 10.4.0.0/16 mss auto

	EOF
	service start >"$TMP/said"
	ok $? "a start loads" "$(cat "$TMP/said")"
	is "$(lb save)" "$(cat "$ROOT/etc/lb/lb.conf")" "lb.conf is restored, sizes and seed as it says"
	is "$(lb dev show)" "eth0 mode native via 10.9.0.1" "the device is attached"
	is "$(lb receiver show)" "eth1 from 10.4.0.0/16 mss auto" "the receiver receives"
	is "$(find "$ROOT/sys/fs/bpf/lb" "$ROOT/run/lb" \( ! -group exabgp -o ! -perm -060 \) -printf '%p %g %m\n')" "" \
		"pins and lock are open to ExaBGP's group"
	is "$(stat -c '%G %A' "$ROOT/sys/fs/bpf")" "exabgp drwx--x--T" "... and the way to them"
	watched
	local id now

	id=$(xdp eth0) now=$(commits)
	service start >"$TMP/said"
	ok $? "another start" "$(cat "$TMP/said")"
	is "$(xdp eth0) $(commits)" "$id $now" "... changes nothing"
}

# lbmon as ExaBGP's unit runs it, with the drop-ins' privileges: it sees the maps, may check, and write under the lock.
watched() {
	local caps

	caps=$(sed -n 's/^AmbientCapabilities=CAP_/CAP_/p' "$ROOT"/lib/systemd/system/exabgp.service.d/*.conf |
		tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	lb pool replace web check tcp direct on interval 100ms timeout 50ms fall 1
	at timeout 10 setpriv --reuid exabgp --regid exabgp --init-groups --bounding-set "-all,$caps" \
		--inh-caps "-all,$caps" --ambient-caps "-all,$caps" lbmon -alone 2>"$TMP/said"
	like "$(cat "$TMP/said")" "maps instance=main state=found" "lbmon, as ExaBGP's user, finds the maps"
	like "$(lb -d real show)" "health down since" "... and writes what it sees"
	is "$(grep -E 'error|lacks' "$TMP/said")" "" "... and lacks nothing"
	lb pool replace web check none
}

reloaded() {
	local typed id

	id=$(xdp eth0)
	lb real add 10.7.2.2 pool web
	typed=$(lb save)
	like "$(service reload)" "real del 10.7.2.2 pool web" "a reload says what it takes back"
	is "$(lb save)" "$(cat "$ROOT/etc/lb/lb.conf")" "... takes it back"
	is "$(cat "$ROOT/var/lib/lb/replaced.conf")" "$typed" "... and keeps it"
	[ "$(xdp eth0)" != "$id" ] && [ -n "$(xdp eth0)" ]
	ok $? "... and the device has the present program"
	echo "vip add 203.0.113.10:81/tcp pool nowhere" >>"$ROOT/etc/lb/lb.conf"
	typed=$(lb save)
	like "$(service reload && echo good)" 'lb.conf:5: vip add: pool "nowhere" does not exist[^g]*$' "a bad line fails"
	is "$(lb save)" "$typed" "... and changes nothing"
	sed -i '$d' "$ROOT/etc/lb/lb.conf"
	sed -i '1i vip add 203.0.113.10:81/tcp pool web' "$ROOT/etc/lb/host.conf"
	like "$(service reload || echo bad)" '"vip add": must be dev add.*bad$' "host.conf takes what is the host's"
	is "$(lb dev show)" "eth0 mode native via 10.9.0.1" "... and its other lines are heeded"
	sed -i '1s/.*/node drain/' "$ROOT/etc/lb/host.conf"
	service reload >/dev/null
	is "$(lb node show)" "state drained" "... so is the node's state"
}

stopped() {
	local id

	id=$(xdp eth0)
	lb real add 10.7.3.2 pool web
	service stop
	is "$(xdp eth0) $(lb dev show)" "$id eth0 mode native via 10.9.0.1" "stopped, it forwards on"
	is "$(cat "$ROOT/var/lib/lb/stopped.conf")" "$(lb save)" "... and what was in force is kept"
}

upgraded() {
	local id typed

	id=$(xdp eth0) typed=$(lb save)
	at dpkg -i /tmp/lb.deb >"$TMP/said" 2>&1
	ok $? "an upgrade" "$(cat "$TMP/said")"
	[ "$(xdp eth0)" != "$id" ] && [ -n "$(xdp eth0)" ]
	ok $? "... swaps the program" "$(cat "$TMP/said")"
	is "$(lb save)" "$typed" "... and leaves alone what was typed"
}

removed() {
	local id

	id=$(xdp eth0)
	at dpkg -r lb >"$TMP/said" 2>&1
	ok $? "dpkg removes it" "$(cat "$TMP/said")"
	is "$(xdp eth0)" "$id" "... and it forwards on"
	like "$(cat "$TMP/said")" "goes on forwarding on eth0.*goes on receiving on eth1.*stays loaded" "... which it says"
	# What it says ends it: as typed by somebody who reads it.
	sed -nE 's/^lb: instance .*(to end it|, then): //p' "$TMP/said" | at sh -e >"$TMP/ended" 2>&1
	ok $? "... with the commands that end it" "$(cat "$TMP/said" "$TMP/ended")"
	is "$(xdp eth0)$(ls "$ROOT/sys/fs/bpf/lb")$(tc filter show dev eth0 egress)$(tc filter show dev eth1 ingress)" "" \
		"... all of it"
	[ -e "$ROOT/etc/lb/lb.conf" ]
	ok $? "the configuration stays"
	at dpkg -P lb >"$TMP/said" 2>&1
	ok $? "dpkg purges it" "$(cat "$TMP/said")"
	files >"$TMP/after"
	is "$(diff "$TMP/before" "$TMP/after")" "" "... and nothing stays"
}

root_up >&2
installed
configured
reloaded
stopped
upgraded
removed
plan_done
