# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that begin at the same time take turns with a source, so that one of them reads it.

A rollout begins with as many clusters as Ansible has forks, each in a process of its own, and none
of them knows the hashes yet. Whoever comes first has the turn: it reads and keeps what it found;
the others wait, and then find everything kept. The turn is a lock (C(flock)) on a small file beside
the cache, which the kernel lets go of when its process ends, however it ends.

A turn saves reading and guards nothing. Who cannot have it, or has waited for somebody that makes
no headway, reads for itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from typing import Callable, Optional

from ...closing import Closing
from ..content.manifest import Advance

PREFIX = "reading-"
POLL = 0.05  # seconds between two tries
BEAT = 1.0  # seconds between two signs of headway
# Seconds without a sign. Signs come with each block that is read, so only a process that was
# stopped, or a disk that gives nothing, is silent for so long.
PATIENCE = 30.0
SAY_AFTER = 1.0  # seconds of waiting that are worth a line

Say = Callable[[str], None]


class Turn(Closing):
    """The turn to read one source, taken when it is first needed; use it in a C(with) block.

    Args:
        directory: of the caches; C(None) when nothing is kept, so that nobody has to wait.
        source: path of the directory or archive.
        say: shows one line.
        clock: seconds, monotonic.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        directory: Optional[str],
        source: str,
        say: Say,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        name = hashlib.sha256(os.fsencode(os.path.realpath(source))).hexdigest()[:32]
        self._path = os.path.join(directory, PREFIX + name) if directory else ""
        self._source, self._say, self._clock, self._sleep = source, say, clock, sleep
        self._lock: Optional[int] = None
        self._had = False
        self._mutex = threading.Lock()
        self._beats = 0
        self._next_beat = 0.0

    def take(self, then: Callable[[], None]) -> bool:
        """Wait until this process may read, then call C(then); once, whatever the number of calls.

        Returns: whether it was waited for now; false when the process had its turn before.
        """
        if self._had:
            return False
        with self._mutex:
            if not self._had and self._path:
                self._wait()
                then()
            self._had = True
        return True

    def told(self, advance: Advance) -> Advance:
        """Return C(advance), which also tells those who wait that the reading goes on."""

        def tell(count: int) -> None:
            advance(count)
            self.beat()

        return tell

    def beat(self) -> None:
        """Tell those who wait that the reading goes on; cheap enough for every block."""
        now = self._clock()
        if self._lock is not None and now >= self._next_beat:
            self._next_beat = now + BEAT
            self._beats += 1
            try:
                os.pwrite(self._lock, b"%d" % self._beats, 0)
            except OSError:
                pass  # a full disk: the others read for themselves

    def close(self) -> None:
        """Let the next one have the turn."""
        if self._lock is None:
            return
        try:
            os.unlink(self._path)  # still locked, so nobody else can have the turn by this file
        except OSError:
            pass  # somebody has emptied the cache
        finally:
            os.close(self._lock)
            self._lock = None

    def _wait(self) -> None:
        began = since = self._clock()
        seen, told = b"", False
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            while not self._try():
                now, sign = self._clock(), self._sign()
                if sign != seen:
                    seen, since = sign, now
                if now - since > PATIENCE:
                    self._say(f"{self._source}: who reads it makes no headway, so it is read twice")
                    return
                if not told and now - began > SAY_AFTER:
                    told = True
                    self._say(f"{self._source}: another task reads it, waiting for what it finds")
                self._sleep(POLL)
        except OSError:
            return  # no place to keep anything, so nothing to wait for

    def _try(self) -> bool:
        """Return whether this process has the turn now.

        Raises:
            OSError: the lock file cannot be made.
        """
        lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who had the turn before removes its file: a lock on a removed one is worth nothing.
            mine = os.path.samestat(os.fstat(lock), os.stat(self._path))
        except (BlockingIOError, FileNotFoundError):
            mine = False
        except BaseException:
            os.close(lock)
            raise
        if not mine:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def _sign(self) -> bytes:
        """Return what the holder wrote last, and which file it is."""
        try:
            with open(self._path, "rb") as stream:
                return b"%d " % os.fstat(stream.fileno()).st_ino + stream.read(32)
        except FileNotFoundError:
            return b""  # let go of at this moment
