# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bound on the bytes per second of all tasks of this user on this controller.

Each cluster has a task, and each task a process of its own, so what they share is a file: it says
when the link is free. A task locks it (C(flock)), moves that time on by what its bytes take, and
waits for its turn without the lock. A task that is killed leaves no more than what it had reserved,
some hundredths of a second, and no lock.
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from typing import Mapping, Optional

from ...errors import InputError, TransferError
from ..source.hashcache import cache_home
from .limit import Bucket, Clock, free_after

FILE = "bandwidth"
WIDTH = 96  # bytes of the file: always written whole
BOOT_ID = "/proc/sys/kernel/random/boot_id"
# A reservation further ahead (seconds) is not of this clock. Each stream has one slice ahead.
FURTHEST = 600.0


class SharedBucket(Bucket):
    """The bound of all tasks that name the same file.

    Args:
        rate: bytes per second. Tasks may have different ones; each counts its bytes by its own.
        path: of the file; its directory is made.
        clock: seconds, monotonic, the same for all processes since this machine was started.

    Raises:
        InputError: the file cannot be made.
    """

    # Shorter than for a task alone, as a hundred streams may wait for one another.
    slice_seconds = 0.05

    def __init__(self, rate: int, path: str, clock: Clock = time.monotonic) -> None:
        self.rate, self._path, self._clock = rate, path, clock
        self._mutex = threading.Lock()  # a file lock does not part threads that share the file
        self._since = _boot()
        # Bytes that are reserved and not yet asked for, and when they may go.
        self._left, self._from = 0, 0.0
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._moved(0.0)  # a full disk shows now
        except OSError as error:
            raise InputError(
                f"what the tasks share cannot be written ({error.strerror or error})",
                option="bandwidth_limit_total",
                subject=path,
                hint="Set XDG_CACHE_HOME to a directory that can be written, or leave it out",
            ) from error

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            os.close(self._file)

    def reserve(self, count: int) -> float:
        """Do it among all processes; a slice at a time, so that few blocks cost a look at the file.

        Raises:
            TransferError: the file cannot be written any more.
        """
        try:
            with self._mutex:
                if count > self._left:
                    more = max(count - self._left, int(self.rate * self.slice_seconds))
                    self._from = self._moved(more / self.rate)
                    self._left += more
                self._left -= count
                return self._from - self._clock()
        except OSError as error:
            raise TransferError(
                f"the limit over all tasks cannot be kept ({error.strerror or error})",
                subject=self._path,
            ) from error

    def _moved(self, seconds: float) -> float:
        """Occupy the link for some more seconds, and return when they are over."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            now = self._clock()
            free_at = free_after(self._free_at(now), now, seconds)
            line = f"{self._since} {free_at:.6f}".ljust(WIDTH - 1) + "\n"
            os.pwrite(self._file, line.encode("ascii", "replace"), 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        return free_at

    def _free_at(self, now: float) -> float:
        """Return what the file says; C(now) when that is nothing, or from before a restart."""
        line = os.pread(self._file, WIDTH, 0).decode("ascii", "replace")
        since, _space, text = line.partition(" ")
        try:
            free_at = float(text)
        except ValueError:
            return now
        return free_at if since == self._since and free_at <= now + FURTHEST else now


def _boot() -> str:
    """Return what tells times of this clock from those before a restart, or of another machine."""
    try:
        with open(BOOT_ID, encoding="ascii") as stream:
            return stream.read(64).strip()
    except OSError:  # not Linux
        return "".join(socket.gethostname().split())[:48]


def shared_bucket(rate: int, environ: Optional[Mapping[str, str]] = None) -> SharedBucket:
    """Return the bucket of this user on this controller.

    Raises:
        InputError: see C(SharedBucket).
    """
    return SharedBucket(rate, os.path.join(cache_home(environ), FILE))
