#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# load.t - this kernel's verifier takes the programs, with room to spare; its own words of refusal come through.
set -u
cd "$(dirname "$0")/../net" || exit 1
# shellcheck source=tests/net/tap.sh
. ./tap.sh
need_root

verified() { # PIN: instructions that the verifier looked at
	python3 - "$1" <<-'END'
		import ctypes, os, sys
		path = ctypes.create_string_buffer(sys.argv[1].encode())
		attr = ctypes.create_string_buffer(ctypes.addressof(path).to_bytes(8, "little"), 128)
		fd = ctypes.CDLL(None, use_errno=True).syscall(321, 7, attr, 128)  # BPF_OBJ_GET
		if fd < 0:
		    sys.exit(os.strerror(ctypes.get_errno()))
		with open("/proc/self/fdinfo/%d" % fd) as info:
		    print(next(line.split()[1] for line in info if line.startswith("verified_insns")))
	END
}

# Half of what the verifier is ready to look at: a kernel that prunes less well is no surprise then.
spares() { # NAME
	local n

	n=$(verified "/sys/fs/bpf/lb/$NS/prog/$1")
	ok $((${n:-1000000} >= 500000)) "$1: the verifier looked at $n instructions"
}

pair_up
lbt prog load
ok $? "prog load"
spares lb
lbt dev add eth0
ok $? "dev add, native"
is "$(lbt dev show)" "eth0 mode native" "dev show"
lbt dev replace eth0 mode generic
is "$(lbt dev show)" "eth0 mode generic" "dev replace, generic"
like "$(lbt dev replace eth0 mode offload 2>&1)" '^lbtool: dev replace: device "eth0".*offload' "veth offloads nothing"
is "$(lbt dev show)" "eth0 mode generic" "and keeps what it had"
ip -n "$NS-b" link add dummy0 type dummy
like "$(lbt dev add dummy0 2>&1)" '^lbtool: dev add: device "dummy0".*native' "dummy has no native mode"
lbt dev add dummy0 mode generic
ok $? "but a generic one"
lbt dev del dummy0
lbt dev del eth0
ok $? "dev del"
lbt receiver add eth0 from 10.0.0.0/8
ok $? "receiver add"
spares rx
spares rx_mss
lbt receiver del eth0
lbt prog unload
ok $? "prog unload"
plan_done
