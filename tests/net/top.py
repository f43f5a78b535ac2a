#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
top.py - `lbtool top` in a pseudo-terminal: top.py ROWS COLS KEYS END COMMAND... types KEYS, an R in them makes the
terminal 60x10, and ends it by a signal's number, or by "q". Says how it ended, whether the terminal is as it was, and what was
on the screen at last.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time


def size(fd, rows, cols):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def read_some(fd, seconds):
    if not select.select([fd], [], [], seconds)[0]:
        return b""
    try:
        return os.read(fd, 65536)
    except OSError:
        return b""


def read_screens(fd, number):
    """As many more, whole ones; the first of them may have begun before."""
    out, end = b"", time.monotonic() + 30
    while out.count(b"\033[J") < number and time.monotonic() < end:
        out += read_some(fd, 0.1)
    return out


def read_end(fd, pid):
    """The rest, until it has gone; then its status."""
    out, end, gone = b"", time.monotonic() + 30, 0
    while not gone and time.monotonic() < end:
        out += read_some(fd, 0.1)
        gone, status = os.waitpid(pid, os.WNOHANG)
    if not gone:
        os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    more = read_some(fd, 0.2)
    while more:
        out += more
        more = read_some(fd, 0.2)
    return out, status


def main(rows, cols, keys, end, *command):
    master, slave = pty.openpty()
    size(slave, int(rows), int(cols))
    before = termios.tcgetattr(slave)
    pid = os.fork()
    if pid == 0:
        os.login_tty(slave) if hasattr(os, "login_tty") else (os.setsid(), fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
                                                               [os.dup2(slave, n) for n in (0, 1, 2)])
        os.environ["TERM"] = "vt100"
        os.execv(command[0], command)
    out = read_screens(master, 3)
    for key in keys.replace("-", ""):
        if key == "R":
            size(master, 10, 60)
            os.kill(pid, signal.SIGWINCH)
        else:
            os.write(master, key.encode())
        out += read_screens(master, 4)
    raw = not termios.tcgetattr(slave)[3] & termios.ICANON
    if end == "q":
        os.write(master, b"q")
    else:
        os.kill(pid, int(end))
    rest, status = read_end(master, pid)
    print("signal" if os.WIFSIGNALED(status) else "exit",
          os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status),
          "raw", raw, "restored", termios.tcgetattr(slave) == before and b"\033[?1049l" in rest)
    screen = [s for s in out.split(b"\033[H") if b"\033[J" in s][-1].split(b"\033[J")[0].decode()
    for line in screen.split("\r\n"):
        print(re.sub(r"\033\[[0-9;?]*[a-zA-Z]", "", line))


main(*sys.argv[1:])
