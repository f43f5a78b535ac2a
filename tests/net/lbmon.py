#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# lbmon.py - a scripted ExaBGP for lbmon.t: runs lbmon behind pipes, and answers as it is told.
#
#   lbmon.py DIR COMMAND...
#
# DIR/mode says how: good; error (for routes); hold (answers are kept until the mode changes); deaf (the pipe, a full
# one from the start, is not read). Notes in DIR: pid of lbmon, said (each command that was heard), rib (the routes, a
# line each), status (how lbmon ended). SIGUSR1: writes 100,000 lines of junk.
import fcntl
import os
import select
import signal
import subprocess
import sys
import time

where = sys.argv[1]
rib = {}
held = b''
junk = False


def note(name, text, how='w'):
    with open(f'{where}/{name}', how) as f:
        f.write(text)


def mode():
    with open(f'{where}/mode') as f:
        return f.read().strip()


def on_usr1(*_):
    global junk
    junk = True


def write_junk():
    lines = [b'neighbor 10.4.1.1 up\n', b'\n', b'done\0\n', b'\xff\xfe%s%n\n', b'shutdown 1 2\n',
             b'announce route 203.0.113.66/32\n', b'x' * 5000 + b'\n', b' done\n', b'errors\n', b'{"json": 1}\n']
    for i in range(100):
        os.write(to_lbmon, b''.join(lines[k % 10] for k in range(1000)))


def answer(line, how):
    words = line.split()
    if line == 'show adj-rib out':
        text = ''.join(f'neighbor 10.4.1.1 ipv{6 if ":" in p else 4} unicast {p} next-hop {r.split()[4]}\n'
                       for p, r in sorted(rib.items()))
        return (text + 'done\n').encode()
    if line == 'show neighbor summary':
        return b'Peer            AS        up/down state       |     #sent     #recvd\ndone\n'
    if how == 'error' or words[1:2] != ['route']:
        return b'error\n'
    if words[0] == 'announce':
        rib[words[2]] = line
    else:
        rib.pop(words[2], None)
    note('rib.new', ''.join(r + '\n' for r in sorted(rib.values())))
    os.rename(f'{where}/rib.new', f'{where}/rib')
    return b'done\n'


signal.signal(signal.SIGUSR1, on_usr1)
note('rib', '')
note('said', '')
from_lbmon, out = os.pipe()
inp, to_lbmon = os.pipe()
if mode() == 'deaf':
    fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, 4096)
    os.write(out, b'#' * 4095 + b'\n')
child = subprocess.Popen(sys.argv[2:], stdin=inp, stdout=out, close_fds=True)
note('pid', str(child.pid))
os.close(inp)
os.close(out)
buf = b''
while True:
    how = mode()
    if junk:
        junk = False
        write_junk()
        note('junk', 'written')
    if how == 'deaf' or not select.select([from_lbmon], [], [], 0.02)[0]:
        time.sleep(0.02 if how == 'deaf' else 0)
        more = b''
    else:
        more = os.read(from_lbmon, 65536)
        if not more:
            break
    *lines, buf = (buf + more).split(b'\n')
    for line in lines:
        note('said', line.decode('ascii') + '\n', 'a')
        if not line.startswith(b'#'):
            held += answer(line.decode('ascii'), how)
    if held and how != 'hold':
        os.write(to_lbmon, held)
        held = b''
note('status', str(child.wait()))
