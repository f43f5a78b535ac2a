#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What the mapped maps of an instance hold, and what of it changed.

snapshot.py take INSTANCE FILE     writes it down
snapshot.py differ FILE FILE       prints the maps that differ, and in how many elements: "pool 1 real 1"
"""
import ctypes
import mmap
import os
import pickle
import struct
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
OBJ_GET, OBJ_GET_INFO = 7, 15
MAPS = "meta service4 service6 pool check table real health session peers".split()
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    attr = ctypes.create_string_buffer(attr, 128)
    ret = libc.syscall(SYS_BPF, command, attr, 128)
    if ret < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return ret


def read(path):
    """Size of an element, and all bytes."""
    name = ctypes.create_string_buffer(path.encode())
    fd = bpf(OBJ_GET, struct.pack("Q", ctypes.addressof(name)))
    info = ctypes.create_string_buffer(256)
    bpf(OBJ_GET_INFO, struct.pack("IIQ", fd, 256, ctypes.addressof(info)))
    value, entries = struct.unpack_from("II", info, 12)
    size = (value + 7) & ~7
    page = mmap.PAGESIZE
    with mmap.mmap(fd, (size * entries + page - 1) // page * page, mmap.MAP_SHARED, mmap.PROT_READ) as m:
        data = m[: size * entries]
    os.close(fd)
    return size, data


def differ(a, b):
    for name in MAPS:
        (size, x), (_, y) = a[name], b[name]
        n = sum(x[i : i + size] != y[i : i + size] for i in range(0, len(x), size)) if x != y else 0
        if n:
            yield f"{name} {n}"


if sys.argv[1] == "take":
    with open(sys.argv[3], "wb") as f:
        pickle.dump({name: read(f"/sys/fs/bpf/lb/{sys.argv[2]}/map/{name}") for name in MAPS}, f)
else:
    print(*differ(*(pickle.load(open(name, "rb")) for name in sys.argv[2:4])))
