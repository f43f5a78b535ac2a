#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
hc.py - the two ends of a health check.

serve NAME ADDRESS...       HTTP and UDP, port 80 of each, until killed: answers NAME and the SHA-256
                            of what was sent
ask KIND ADDRESS MARK BYTES one question (KIND http or udp) with that many bytes from a socket with
                            that mark; says who answered, "timeout", or what else went wrong
"""
import hashlib
import http.client
import http.server
import os
import socket
import sys
import threading

PORT, SO_MARK = 80, 36


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def answer(data):
    return b"%s %s" % (NAME, hashlib.sha256(data).hexdigest().encode())


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, addr):
        self.address_family = family(addr)
        super().__init__((addr, PORT), Handler)

    def server_bind(self):  # the usual one asks DNS for its name
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)


def serve_udp(addr):
    sock = socket.socket(family(addr), socket.SOCK_DGRAM)
    sock.bind((addr, PORT))
    while True:
        data, peer = sock.recvfrom(1 << 16)
        sock.sendto(answer(data), peer)


def ask(kind, addr, mark, size):
    data = os.urandom(int(size))
    sock = socket.socket(family(addr), socket.SOCK_STREAM if kind == "http" else socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(float(os.environ.get("WAIT", "20")))
        sock.setsockopt(socket.SOL_SOCKET, SO_MARK, int(mark, 0))
        sock.connect((addr, PORT))
        if kind == "http":
            conn = http.client.HTTPConnection(addr, PORT)
            conn.sock = sock
            conn.request("POST", "/", data)
            got = conn.getresponse().read()
        else:
            sock.send(data)
            got = sock.recv(200)
    name, digest = got.decode().split()
    print(name if digest == hashlib.sha256(data).hexdigest() else "spoilt")


def main(what, *words):
    if what == "ask":
        ask(*words)
        return
    for addr in words[1:]:
        threading.Thread(target=Server(addr).serve_forever, daemon=True).start()
        threading.Thread(target=serve_udp, args=(addr,), daemon=True).start()
    threading.Event().wait()


NAME = sys.argv[2].encode()
try:
    main(*sys.argv[1:])
except socket.timeout:
    print("timeout")
except OSError as err:
    sys.exit("hc.py: %s" % err)
