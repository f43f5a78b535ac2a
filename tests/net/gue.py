#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
gue.py - connections that are held, and packets in GUE made by hand: gue.t's client and forger.

hold VIP N            opens N connections to port 80 and asks once on each; then, for each line on stdin, asks again on
                      each and says how many answered and how many are broken: "answered N broken N"
pull VIP PATH         one connection that asks; after a line on stdin it asks for PATH; "got N" bytes
send TO PREV HOPS VIP CLIENT FLAGS
                      a packet of no connection in GUE to TO, port 6080, that names PREV ("-": nobody)
"""
import socket
import struct
import sys


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def connect(vip):
    s = socket.socket(family(vip), socket.SOCK_STREAM)
    s.settimeout(10)
    s.connect((vip, 80))
    return s


def ask(s, path="/keep"):
    """Asks on an open connection; how many bytes of body came, all of them."""
    s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
    data = b""
    while b"\r\n\r\n" not in data:
        part = s.recv(65536)
        if not part:
            raise OSError("closed")
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    length = [l for l in head.lower().split(b"\r\n") if l.startswith(b"content-length:")]
    left = int(length[0].split(b":")[1]) - len(body)
    got = len(body)
    while left > 0:
        part = s.recv(65536)
        if not part:
            raise OSError("closed")
        got += len(part)
        left -= len(part)
    return got


def round_of(conns):
    ok = 0
    for s in conns:
        try:
            ask(s)
            ok += 1
        except OSError:
            pass
    print("answered %d broken %d" % (ok, len(conns) - ok), flush=True)


def hold(vip, n):
    conns = [connect(vip) for _ in range(int(n))]
    round_of(conns)
    for _ in sys.stdin:
        round_of(conns)


def pull(vip, path):
    s = connect(vip)
    ask(s)
    print("open", flush=True)
    sys.stdin.readline()
    print("got %d" % ask(s, path), flush=True)


def inner(vip, client, flags):
    tcp = struct.pack("!HHIIBBHHH", 4321, 80, 1000, 2000, 0x50, int(flags, 0), 500, 0, 0)
    if ":" in vip:
        return struct.pack("!IHBB", 6 << 28, 20, 6, 60) + socket.inet_pton(
            socket.AF_INET6, client) + socket.inet_pton(socket.AF_INET6, vip) + tcp
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 60, 6, 0) + socket.inet_aton(
        client) + socket.inet_aton(vip)
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    return ip[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + ip[12:] + tcp


def send(to, prev, hops, vip, client, flags):
    name = b""
    if prev != "-":
        name = struct.pack("!HBB", 0x4c01, int(hops), 0) + socket.inet_pton(family(prev), prev)
    packet = inner(vip, client, flags)
    head = struct.pack("!BBH", len(name) // 4, 4 if packet[0] >> 4 == 4 else 41, 0)
    s = socket.socket(family(to), socket.SOCK_DGRAM)
    s.sendto(head + name + packet, (to, 6080))


if __name__ == "__main__":
    {"hold": hold, "pull": pull, "send": send}[sys.argv[1]](*sys.argv[2:])
