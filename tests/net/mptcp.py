#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
mptcp.py - the two ends of mptcp.t's conversations, over MPTCP, port 8080.

serve NAME ADDRESS...   until killed: each line is answered by "NAME subflows N", as many as the connection has here
talk ADDRESS SECONDS    one connection, lines until it has two subflows on both ends, for so long at most; then what
                        the server says of it, and how many subflows there are here: "NAME subflows N here N"
hold ADDRESS            one connection; a line on stdin is sent, the answer printed as above
"""
import socket
import sys
import threading
import time

PORT, IPPROTO_MPTCP, SOL_MPTCP, MPTCP_INFO = 8080, 262, 284, 1


def mptcp(addr):
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    return socket.socket(family, socket.SOCK_STREAM, IPPROTO_MPTCP)


def subflows(sock):
    """The kernel counts those beside the first."""
    return 1 + sock.getsockopt(SOL_MPTCP, MPTCP_INFO, 4)[0]


def answer(name, conn):
    try:
        for _ in conn.makefile("r"):
            conn.sendall(b"%s subflows %d\n" % (name.encode(), subflows(conn)))
    except OSError:
        pass
    conn.close()


def serve(name, addr):
    sock = mptcp(addr)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((addr, PORT))
    sock.listen(64)
    while True:
        threading.Thread(target=answer, args=(name, sock.accept()[0]), daemon=True).start()


def connect(addr):
    sock = mptcp(addr)
    sock.settimeout(30)
    sock.connect((addr, PORT))
    return sock, sock.makefile("r")


def ask(sock, lines):
    sock.sendall(b"?\n")
    return "%s here %d" % (lines.readline().strip(), subflows(sock))


def talk(addr, seconds):
    sock, lines = connect(addr)
    for _ in range(int(float(seconds) * 20)):
        said = ask(sock, lines)
        if said.endswith("subflows 2 here 2"):
            break
        time.sleep(0.05)
    print(said)


def hold(addr):
    sock, lines = connect(addr)
    for _ in sys.stdin:
        print(ask(sock, lines), flush=True)


def main(what, *words):
    if what == "serve":
        for addr in words[1:]:
            threading.Thread(target=serve, args=(words[0], addr), daemon=True).start()
        threading.Event().wait()
    else:
        {"talk": talk, "hold": hold}[what](*words)


try:
    main(*sys.argv[1:])
except OSError as err:
    sys.exit("mptcp.py: %s" % err)
