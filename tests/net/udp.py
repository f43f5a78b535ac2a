#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
udp.py - the two ends of udp.t's conversations.

serve NAME ADDRESS...       UDP ports 53 and 54 of each, until killed: the answer to a datagram is NAME, its
                            length and its SHA-256, from the address that was asked
ask ADDRESS PORT N          N clients (ports of their own), 5 datagrams each: says how many were answered,
                            how many clients always by the same real, and how many reals there were
keep ADDRESS PORT N         the same clients, 3 datagrams for each line on stdin: names as many clients as moved
big ADDRESS PORT N SIZE     N datagrams of that size, each from a port of its own: how many arrived whole

An answer is awaited for 10 s, or $WAIT.
"""
import hashlib
import os
import socket
import sys
import threading


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def serve(name, addr, port):
    sock = socket.socket(family(addr), socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind((addr, port))
    while True:
        data, peer = sock.recvfrom(1 << 16)
        answer = "%s %d %s" % (name, len(data), hashlib.sha256(data).hexdigest())
        sock.sendto(answer.encode(), peer)


def client(addr, port):
    sock = socket.socket(family(addr), socket.SOCK_DGRAM)
    sock.settimeout(float(os.environ.get("WAIT", "10")))
    sock.connect((addr, port))
    return sock


def ask(sock, size):
    """Who answered, or nothing: none did, or not to what was sent."""
    data = os.urandom(size)
    try:
        sock.send(data)
        name, length, digest = sock.recv(200).decode().split()
    except (socket.timeout, OSError):
        return None
    return name if int(length) == size and digest == hashlib.sha256(data).hexdigest() else None


def ask_all(addr, port, number):
    answered, together, reals = 0, 0, set()
    for _ in range(number):
        with client(addr, port) as sock:
            names = [ask(sock, 40) for _ in range(5)]
        answered += 5 - names.count(None)
        together += len(set(names)) == 1
        reals.update(names)
    print("answered", answered, "together", together, "reals", len(reals))


def keep(addr, port, number):
    socks = [client(addr, port) for _ in range(number)]
    had = None
    for _ in sys.stdin:
        names = [ask(sock, 40) for sock in socks]
        print("moved", sum(a != b for a, b in zip(names, had or names)),
              "lost", names.count(None), flush=True)
        had = names


def big(addr, port, number, size):
    whole, reals = 0, set()
    for _ in range(number):
        with client(addr, port) as sock:
            name = ask(sock, size)
        whole += name is not None
        reals.add(name)
    print("whole", whole, "reals", len(reals - {None}))


def main(what, *words):
    if what == "serve":
        for addr in words[1:]:
            for port in (53, 54):
                threading.Thread(target=serve, args=(words[0], addr, port), daemon=True).start()
        threading.Event().wait()
    else:
        {"ask": ask_all, "keep": keep, "big": big}[what](words[0], *map(int, words[1:]))


main(*sys.argv[1:])
