#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
fragments.py ADDRESS PORT N SIZE ORDER - N clients, each with a port of its own. A short datagram tells where the client's
flow goes; then one of SIZE bytes goes out in fragments for a path of 1500, made here and sent in that ORDER: "straight",
"reversed" or "shuffled". Says how many came whole, how many of these by the real of their flow, and how many reals there
were. Answers as of udp.py.
"""
import hashlib
import os
import random
import socket
import struct
import sys

MTU = 1500


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(src, dst, sport, dport, data):
    length = 8 + len(data)
    pseudo = src + dst + struct.pack("!LL", length, 17)
    head = struct.pack("!HHHH", sport, dport, length, 0)
    total = checksum(pseudo + head + data) or 0xffff
    return struct.pack("!HHHH", sport, dport, length, total) + data


def fragments4(src, dst, payload, ident):
    step = (MTU - 20) // 8 * 8
    for at in range(0, len(payload), step):
        part = payload[at:at + step]
        more = 0x2000 if at + step < len(payload) else 0
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), ident & 0xffff, more | at // 8, 64,
                           17, 0) + src + dst
        yield head[:10] + struct.pack("!H", checksum(head)) + head[12:] + part


def fragments6(src, dst, payload, ident):
    step = (MTU - 48) // 8 * 8
    for at in range(0, len(payload), step):
        part = payload[at:at + step]
        more = 1 if at + step < len(payload) else 0
        yield struct.pack("!LHBB", 6 << 28, 8 + len(part), 44, 64) + src + dst + struct.pack(
            "!BBHL", 17, 0, at | more, ident) + part


def answer(sock):
    try:
        name, length, digest = sock.recv(200).decode().split()
        return name, int(length), digest
    except (socket.timeout, OSError):
        return None


def main(addr, port, number, size, order):
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    whole, together, reals = 0, 0, set()
    for i in range(number):
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(float(os.environ.get("WAIT", "1")))
            sock.connect((addr, port))
            sock.send(b"?")
            flow = answer(sock)
            src, sport = sock.getsockname()[:2]
            data = os.urandom(size)
            src, dst = (socket.inet_pton(family, a) for a in (src, addr))
            make = fragments6 if family == socket.AF_INET6 else fragments4
            parts = list(make(src, dst, datagram(src, dst, sport, port, data),
                              random.getrandbits(32)))
            if order == "reversed":
                parts.reverse()
            elif order == "shuffled":
                random.shuffle(parts)
            for part in parts:
                raw.sendto(part, (addr, 0))
            got = answer(sock)
        if got and got[1:] == (size, hashlib.sha256(data).hexdigest()):
            whole += 1
            together += flow is not None and flow[0] == got[0]
            reals.add(got[0])
    print("whole", whole, "with-flow", together, "reals", len(reals))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
