#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
talk.py - the two ends of rx.t's conversations.

serve ADDRESS...           TCP and UDP port 8080 of each, until killed: a TCP client gets the
                           SHA-256 of what it sent, a UDP client that sends "?" the number of
                           bytes that came before
upload ADDRESS BYTES       says "whole mss N" when the server saw what was sent
datagrams ADDRESS N        sends N datagrams of 1000 bytes, 20 a system call; says how many bytes
                           arrived
frames DEV SMAC DMAC KIND  raw frames, tunnel packets of all four kinds from 10.9.0.1 to 10.9.0.2:
                           padded, tagged (priority tag), or short (every length below the whole)
"""
import hashlib
import os
import socket
import struct
import sys
import threading

PORT = 8080
UDP_SEGMENT, UDP_GRO = 103, 104


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def answer(conn):
    with conn:
        left = struct.unpack("!Q", conn.recv(8, socket.MSG_WAITALL))[0]
        digest = hashlib.sha256()
        while left:
            part = conn.recv(min(left, 1 << 20))
            if not part:
                return
            digest.update(part)
            left -= len(part)
        conn.sendall(digest.digest())


def serve_tcp(addr):
    sock = socket.socket(family(addr))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((addr, PORT))
    sock.listen(64)
    while True:
        threading.Thread(target=answer, args=(sock.accept()[0],), daemon=True).start()


def serve_udp(addr):
    sock = socket.socket(family(addr), socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind((addr, PORT))
    seen = 0
    while True:
        data, peer = sock.recvfrom(1 << 16)
        if data == b"?":
            sock.sendto(b"%d" % seen, peer)
            seen = 0
        else:
            seen += len(data)


def upload(addr, size):
    data = os.urandom(size)
    with socket.socket(family(addr)) as sock:
        sock.settimeout(float(os.environ.get("WAIT", "30")))
        sock.connect((addr, PORT))
        mss = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        sock.sendall(struct.pack("!Q", len(data)) + data)
        same = sock.recv(32, socket.MSG_WAITALL) == hashlib.sha256(data).digest()
    print("whole" if same else "spoilt", "mss", mss)


def datagrams(addr, number):
    with socket.socket(family(addr), socket.SOCK_DGRAM) as sock:
        sock.settimeout(30)
        sock.connect((addr, PORT))
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
        for _ in range(number // 20):
            sock.send(bytes(20000))
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
        sock.send(b"?")
        print(sock.recv(100).decode())


def ip4(src, dst, proto, body):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    return head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + head[12:] + body


def ip6(src, dst, proto, body):
    ends = socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
    return struct.pack("!IHBB", 6 << 28, len(body), proto, 64) + ends + body


def frames(dev, smac, dmac, kind):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((dev, 0))
        macs = bytes.fromhex((dmac + smac).replace(":", ""))
        udp = struct.pack("!HHHH", 9, PORT, 9, 0) + b"x"
        inner4 = ip4("10.9.0.1", "203.0.113.1", 17, udp)
        inner6 = ip6("2001:db8:9::1", "2001:db8:113::1", 50, udp)
        for body, proto in ((inner4, 4), (inner6, 41)):
            outer4 = ip4("10.9.0.1", "10.9.0.2", proto, body)
            outer6 = ip6("2001:db8:9::1", "2001:db8:9::2", proto, body)
            for packet, ethertype in ((outer4, b"\x08\x00"), (outer6, b"\x86\xdd")):
                if kind == "padded":
                    sock.send(macs + ethertype + packet + b"\xee" * 46)
                elif kind == "tagged":
                    sock.send(macs + b"\x81\x00\xa0\x00" + ethertype + packet)
                else:
                    for keep in range(len(packet)):
                        sock.send(macs + ethertype + packet[:keep])


def main(what, *words):
    if what == "serve":
        for addr in words:
            for end in (serve_tcp, serve_udp):
                threading.Thread(target=end, args=(addr,), daemon=True).start()
        threading.Event().wait()
    elif what == "upload":
        upload(words[0], int(words[1]))
    elif what == "datagrams":
        datagrams(words[0], int(words[1]))
    else:
        frames(*words)


try:
    main(*sys.argv[1:])
except (OSError, struct.error) as err:
    sys.exit("talk.py: %s" % err)
