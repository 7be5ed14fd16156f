# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private temporary directory that is removed after the run, also after one that was killed.

A killed process cannot clean up. So each directory has a file that its process keeps locked, and
every later run of the same user removes the directories whose lock is free.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from typing import IO, Optional

from ...closing import Closing
from ...errors import InputError
from ..content.units import format_bytes

PREFIX = "openvino-edge-"
LOCK = "lock"
RESERVE = 16 << 20  # bytes left free for others


class Scratch(Closing):
    """Use it in a C(with) block.

    Attributes:
        path: the directory; mode 0700.
    """

    def __init__(self) -> None:
        self.path = ""
        self._lock: Optional[IO[bytes]] = None

    def __enter__(self) -> Scratch:
        top = tempfile.gettempdir()
        remove_leftovers(top)
        try:
            while not self._make(top):
                pass
        except OSError as error:
            raise _no_place(top, error) from error
        return self

    def _make(self, top: str) -> bool:
        """Make the directory; returns false when another run has taken it for a leftover.

        It can do so between the making of the lock file and the locking.
        """
        self.path = tempfile.mkdtemp(prefix=PREFIX, dir=top)
        path = os.path.join(self.path, LOCK)
        try:
            self._lock = open(path, "wb")  # noqa: SIM115  # see close
            if _try_lock(self._lock) and os.path.samestat(
                os.fstat(self._lock.fileno()), os.stat(path)
            ):
                return True
        except FileNotFoundError:
            pass
        if self._lock:
            self._lock.close()
        return False

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock:
            self._lock.close()

    def folder(self, name: str) -> str:
        """Make a directory below and return its path."""
        path = os.path.join(self.path, name)
        os.mkdir(path, 0o700)
        return path

    def check_room(self, need: int, what: str) -> None:
        """Refuse what does not fit.

        Raises:
            InputError: names the place, the need and what is free.
        """
        free = shutil.disk_usage(self.path).free
        if need + RESERVE > free:
            raise InputError(
                f"unpacking needs {format_bytes(need)} in {os.path.dirname(self.path)},"
                f" {format_bytes(free)} are free",
                option="src",
                subject=what,
                hint="Set TMPDIR to a larger place, choose fewer models, or unpack it yourself"
                " and give the directory",
            )


def remove_leftovers(top: str) -> None:
    """Remove directories of this user whose process has ended."""
    try:
        names = [name for name in os.listdir(top) if name.startswith(PREFIX)]
    except OSError:
        return
    for name in names:
        path = os.path.join(top, name)
        try:
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                continue
            with open(os.path.join(path, LOCK), "r+b") as lock:
                if _try_lock(lock):
                    shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue  # made or removed at this moment by another run


def _try_lock(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _no_place(top: str, error: OSError) -> InputError:
    return InputError(
        f"there is no place to unpack it ({error.strerror or error})",
        option="src",
        subject=top,
        hint="Set TMPDIR to a directory that can be written",
    )
