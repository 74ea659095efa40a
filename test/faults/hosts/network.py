"""Hosts in network namespaces of their own, and the switch between them and the servers of this machine.

Usage: network.py NETWORK SERVERS HOSTS DELAY
  NETWORK  the first three numbers of all addresses, such as 198.18.7
  SERVERS  the last numbers of the addresses of this machine, separated by commas; the first is that of its clients
  HOSTS    the same of the hosts, one namespace for each
  DELAY    time in seconds by which each frame is late

Writes one line with the process of each host, whose namespace others can enter. Then each line of the input is a list of
pairs of last numbers: frames from the first to the second address are lost from now on. It is answered by a line with the
number of frames that were lost so far. The namespaces and devices end with this process.
"""

import ctypes
import fcntl
import heapq
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
IPV4 = b"\x08\x00"
FRAME = 65536
libc = ctypes.CDLL(None, use_errno=True)


def ip(*args):
    subprocess.run(["ip", *args], check=True)


def open_device(name, port, addresses):
    """A device whose frames this process reads and writes."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    ip("link", "set", name, "address", f"02:00:00:00:00:{port:02x}")
    for address in addresses:
        ip("address", "add", f"{address}/24", "dev", name)
    ip("link", "set", name, "up")
    return fd


def start_host(port, address):
    """A process in a namespace of its own, and the device of that namespace."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        ours.close()
        if libc.unshare(CLONE_NEWNET) != 0:
            os._exit(1)
        ip("link", "set", "lo", "up")
        fd = open_device("host", port, [address])
        socket.send_fds(theirs, [b"."], [fd])
        os.close(fd)
        while True:
            signal.pause()
    theirs.close()
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    return pid, fds[0]


def forward(ports, delay):
    """Passes frames on until the input ends."""
    lost = 0
    cuts = set()
    waiting = []
    number = 0
    while True:
        timeout = None if not waiting else max(0, waiting[0][0] - time.monotonic())
        readable, _, _ = select.select([*ports, sys.stdin], [], [], timeout)
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, target, frame = heapq.heappop(waiting)
            try:
                os.write(ports[target], frame)
            except OSError:
                pass  # its namespace has ended
        for source, fd in enumerate(ports):
            if fd not in readable:
                continue
            try:
                frame = os.read(fd, FRAME)
            except OSError:
                continue
            if frame[12:14] == IPV4 and (frame[29], frame[33]) in cuts:
                lost += 1
                continue
            everyone = frame[0] & 1
            for target in range(len(ports)) if everyone else [frame[5]]:
                if target != source and target < len(ports):
                    number += 1
                    heapq.heappush(waiting, (now + delay, number, target, frame))
        if sys.stdin in readable:
            line = sys.stdin.readline()
            if line == "":
                return
            cuts = {(source, target) for source, target in json.loads(line)}
            print(json.dumps(lost), flush=True)


def main():
    network, servers, hosts, delay = sys.argv[1:5]
    addresses = [f"{network}.{last}" for last in servers.split(",")]
    ports = [open_device(f"tocsin{network.split('.')[2]}", 0, addresses)]
    pids = []
    for port, last in enumerate(hosts.split(","), 1):
        pid, fd = start_host(port, f"{network}.{last}")
        pids.append(pid)
        ports.append(fd)
    print(json.dumps(pids), flush=True)
    forward(ports, float(delay))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


main()
