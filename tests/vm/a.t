#!/bin/bash
uname -r; cat /proc/meminfo | head -2; ip link; mount | head -20
LB() { "$LBTOOL" "$@"; }
LB prog load; LB prog show; LB -d prog show
bpftool prog show
bpftool btf dump file /sys/kernel/btf/vmlinux | grep BPF_FIB_LOOKUP_
echo ok 1
echo 1..1
