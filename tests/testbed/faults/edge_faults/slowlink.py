# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A slow, lossy link: Ethernet frames between two TAP devices, delayed and sometimes lost.

What ``tc netem`` does, for kernels that lack it. ``python slowlink.py PID LINK DELAY LOSS SEED``
makes ``eth0`` in the network namespace of PID and LINK in this one; both end with this process.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
CLONE_NEWNET = 0x40000000
FRAME = 65536
QUEUE = 1000  # frames on their way in each direction, as netem's default limit


def tap(name: str) -> int:
    """Return the descriptor of a new TAP device in the current network namespace."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI)
    fcntl.ioctl(descriptor, TUNSETIFF, request)
    return descriptor


def enter(pid: int) -> None:
    """Move this process into the network namespace of another."""
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(descriptor)


def relay(ends: dict[int, int], delay: float, loss: float, chance: random.Random) -> None:
    """Pass frames on for ever; C(ends) maps each descriptor to the other one."""
    waiting: list[tuple[float, int, int, bytes]] = []
    number = 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _when, _number, target, frame = heapq.heappop(waiting)
            try:
                os.write(target, frame)
            except OSError:
                pass  # the other end is not up yet
        pause = max(0.0, waiting[0][0] - now) if waiting else None
        for descriptor in select.select(list(ends), [], [], pause)[0]:
            frame = os.read(descriptor, FRAME)
            number += 1
            if chance.random() >= loss and len(waiting) < 2 * QUEUE:
                when = time.monotonic() + delay
                heapq.heappush(waiting, (when, number, ends[descriptor], frame))


def main() -> None:
    """Make both devices, say so, and relay."""
    pid, link, delay, loss, seed = sys.argv[1:6]
    outer = tap(link)
    enter(int(pid))
    inner = tap("eth0")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    relay({outer: inner, inner: outer}, float(delay), float(loss), random.Random(int(seed)))


if __name__ == "__main__":
    main()
