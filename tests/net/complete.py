#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
complete.py - completion in a shell at a terminal: complete.py SHELL SETUP... types each line of standard input and a TAB, and
prints what the line is then. SETUP are commands for before.
"""
import os
import pty
import re
import select
import sys
import time

# Behind the TAB, this key prints the line as it is and empties it: so nobody has to guess when the shell is done.
SHOW = {
    "bash": r"""show() { printf 'LINE<%s>\n' "$READLINE_LINE"; READLINE_LINE=; READLINE_POINT=0; }; bind -x '"\C-g": show'""",
    "zsh": r"""show() { zle -I; print -r -- "LINE<$BUFFER>"; BUFFER= }; zle -N show; bindkey '^G' show""",
}
ARGS = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}


def read_until(fd, pattern, seconds=20):
    out, end = "", time.monotonic() + seconds
    while not re.search(pattern, out):
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit("no answer: %r" % out)
        out += os.read(fd, 65536).decode(errors="replace")
    return out


def main(shell, *setup):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="vt100", COLUMNS="200", PS1="", HISTFILE="/dev/null")
        os.execvp(shell, [shell] + ARGS[shell])
    for command in setup + (SHOW[shell], "echo READY$((1 + 1))"):
        os.write(fd, command.encode() + b"\n")
    read_until(fd, "READY2")
    for line in sys.stdin.read().splitlines():
        os.write(fd, line.encode() + b"\t\x07")
        # Its echo may have any look; the marker stands at the beginning of a line of its own.
        said = read_until(fd, r"LINE<[^>]*>\r?\n")
        print(re.findall(r"LINE<([^>]*)>\r?\n", said)[-1].replace("\\", "") + "|")
    os.write(fd, b"exit\n")
    os.waitpid(pid, 0)


main(*sys.argv[1:])
