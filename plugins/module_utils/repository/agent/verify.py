# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies received files by reading them back from the store, never by the bytes in memory.

A part is flushed, dropped from the page cache and read again, window by window, by a thread that
trails the writer. Small files wait for each other and share one flush of the file system.
"""

from __future__ import annotations

import functools
import hashlib
import os
import queue
import threading
from typing import Any, Callable, Dict, List, Optional, Protocol, Sequence

from . import disk
from . import files as fs

WINDOW = 32 << 20  # bytes between two flushes of one file
AHEAD = 2  # windows that the writer may be ahead of the reader
SMALL = 4 << 20  # a file of at most this size is verified with others
BATCH_BYTES = 64 << 20
BATCH_FILES = 20_000

Json = Dict[str, Any]


class Claim:
    """The right of one stream to write one part; revoked when another stream takes the part over.

    A connection that broke may still deliver bytes while its successor writes. Whoever writes or
    renames a part holds C(lock) and has looked at C(lost).
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lost = False

    def check(self) -> None:
        """Raise when another stream has taken the part over."""
        if self.lost:
            raise fs.Refused(409, "another connection goes on with this file")


class Claims:
    """The claims on the parts of one stage; shared by all its streams."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Dict[int, Claim] = {}

    def take(self, number: int) -> Claim:
        """Claim a part and revoke the claim of the previous stream."""
        with self._lock:
            before = self._held.get(number)
            if before is not None:
                with before.lock:
                    before.lost = True
            claim = self._held[number] = Claim()
            return claim


class Stage(Protocol):
    """The stage that a pack is unpacked into.

    Attributes:
        directory: holds C(part-<n>), C(bad-<n>) and C(tree/).
        files: of the manifest, sorted as there.
        claims: one for all streams of the stage.
    """

    directory: str
    files: Sequence[Json]
    claims: Claims

    def is_done(self, number: int) -> bool:
        """Return whether the file is verified and in C(tree/)."""

    def basis_path(self, basis: Json) -> str:
        """Return the path of a file of a published version; refuses what is not there."""

    def mark_done(self, numbers: Sequence[int]) -> None:
        """Remember files that were verified just now; called from the verifying thread."""


class Part:
    """A file that is being received: its number, its entry, its open descriptor."""

    def __init__(self, stage: Stage, number: int, offset: int) -> None:
        self.number, self.entry = number, stage.files[number]
        self.size: int = self.entry["size"]
        self.path = part_path(stage.directory, number)
        self.claim = stage.claims.take(number)
        fs.make_way(self.path)
        self.descriptor = os.open(
            self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600
        )
        self.position = offset
        self.asked = self.hashed = 0
        self.digest = hashlib.sha256()

    @property
    def small(self) -> bool:
        """Whether it is verified with others."""
        return self.size <= SMALL

    def close(self) -> None:
        """Close the descriptor, once."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def part_path(directory: str, number: int) -> str:
    """Return where a file grows."""
    return os.path.join(directory, f"part-{number}")


def bad_path(directory: str, number: int) -> str:
    """Return where a finished file with wrong bytes waits for its repair."""
    return os.path.join(directory, f"bad-{number}")


def tree_path(directory: str, entry: Json) -> str:
    """Return where a verified file lies until the version is published."""
    return os.path.join(directory, "tree", entry["path"])


def read_back(descriptor: int, start: int, stop: int, digest: Any) -> int:
    """Hash C([start, stop)) of a flushed file as the store gives it; return where it ended."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, start, stop - start, os.POSIX_FADV_DONTNEED)
    while start < stop:
        data = os.pread(descriptor, min(fs.BLOCK, stop - start), start)
        if not data:
            break
        digest.update(data)
        start += len(data)
    return start


class Verifier:
    """The thread that trails the writer of one stream; gives the verdict on each file.

    Attributes:
        error: why it stopped working, C(None) while all is well.
        files: the verdicts, by number.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._todo: queue.Queue[Optional[Callable[[], None]]] = queue.Queue(AHEAD)
        self._batch: List[Part] = []
        self._batch_bytes = 0
        self.error: Optional[Exception] = None
        self.files: Dict[str, Json] = {}
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def written(self, part: Part) -> None:
        """Note that a part grew; waits while the reader is too far behind."""
        if part.small or part.position - part.asked < WINDOW:
            return
        part.asked = part.position
        self._todo.put(functools.partial(self._window, part, part.position))

    def finished(self, part: Part) -> None:
        """Take over a complete part."""
        if not part.small:
            self._todo.put(functools.partial(self._verdict, part))
            return
        part.close()
        self._batch.append(part)
        self._batch_bytes += part.size
        if self._batch_bytes >= BATCH_BYTES or len(self._batch) >= BATCH_FILES:
            self._send_batch()

    def dropped(self, part: Part) -> None:
        """Take over a part that gets no more bytes for now; they stay."""
        self._todo.put(functools.partial(self._close, part))

    def close(self) -> None:
        """Wait until all that was finished has its verdict."""
        self._send_batch()
        self._todo.put(None)
        self._thread.join()

    def _send_batch(self) -> None:
        if self._batch:
            parts, self._batch, self._batch_bytes = self._batch, [], 0
            self._todo.put(functools.partial(self._verdicts, parts))

    def _work(self) -> None:
        for work in iter(self._todo.get, None):
            try:
                work()
            except Exception as error:  # handed to the writer's thread
                self.error = self.error or error

    @staticmethod
    def _close(part: Part) -> None:
        part.close()

    def _window(self, part: Part, stop: int) -> None:
        if self.error is not None:
            return
        os.fdatasync(part.descriptor)
        part.hashed = read_back(part.descriptor, part.hashed, stop, part.digest)

    def _verdict(self, part: Part) -> None:
        try:
            self._window(part, part.size)
        finally:
            part.close()
        if self.error is None and self._place(part, part.digest.hexdigest()):
            self._stage.mark_done([part.number])

    def _verdicts(self, parts: Sequence[Part]) -> None:
        if self.error is not None:
            return
        disk.sync_all(self._stage.directory, [part.path for part in parts])
        done: List[int] = []
        try:
            for part in parts:
                if self._place(part, self._hash_small(part)):
                    done.append(part.number)
        finally:
            if done:
                self._stage.mark_done(done)

    @staticmethod
    def _hash_small(part: Part) -> str:
        try:
            descriptor = os.open(part.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:  # another stream has taken it over and finished it
            return ""
        try:
            read_back(descriptor, 0, part.size, part.digest)
        finally:
            os.close(descriptor)
        return part.digest.hexdigest()

    def _place(self, part: Part, seen: str) -> bool:
        """Move a part to C(tree/) or C(bad-<n>), unless another stream took it over."""
        with part.claim.lock:
            if part.claim.lost:
                return False
            bad = bad_path(self._stage.directory, part.number)
            right = bool(seen == part.entry["sha256"])
            target = tree_path(self._stage.directory, part.entry) if right else bad
            move(part.path, target)
            if right and os.path.lexists(bad):
                os.unlink(bad)
        self.files[str(part.number)] = {"done": True} if right else {"bad": True, "sha256": seen}
        return right


def move(source: str, target: str) -> None:
    """Rename, making the directory when it is missing."""
    try:
        os.rename(source, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(source, target)
