# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies received files by reading them back from the store, never by the bytes in memory.

A part is flushed, dropped from the page cache and read again, window by window, by two threads that
trail the writer: one flushes a window while the other hashes the one before it. Small files wait
for each other: they share one flush of the file system, and the disk is asked for many of them at
once. The smallest are written whole to their place in C(tree/), where a file counts for nothing
until it is verified; so none is renamed.
"""

from __future__ import annotations

import functools
import hashlib
import os
import queue
import threading
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Protocol,
    Sequence,
    Union,
)

from . import disk
from . import files as fs

WINDOW = 32 << 20  # bytes between two flushes of one file
AHEAD = 2  # windows that the writer may be ahead of the reader
SMALL = 4 << 20  # a file of at most this size is verified with others
WHOLE = 256 << 10  # a file of at most this size is kept in memory until it is complete
BATCH_BYTES = 64 << 20
BATCH_FILES = 20_000
BAD = "bad-"

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

    def mark_done(self, done: Mapping[int, fs.Stamp]) -> None:
        """Remember files that were verified just now; called from the verifying thread.

        Each has the stamp it had when it was read back, or C(()) if it was renamed since, so that
        its name may not be on the disk yet.
        """


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

    def write(self, view: memoryview) -> None:
        """Append bytes; refuses when another stream has taken the part over."""
        with self.claim.lock:
            self.claim.check()
            while view:
                count = os.pwrite(self.descriptor, view, self.position)
                self.position += count
                view = view[count:]

    def copy(self, basis: int, offset: int, length: int) -> int:
        """Append bytes of another file; returns how many, 0 at its end."""
        with self.claim.lock:
            self.claim.check()
            count = disk.copy_some(basis, self.descriptor, offset, self.position, length)
        self.position += count
        return count

    def finish(self) -> None:
        """End the writing of a small file."""
        self.close()

    def close(self) -> None:
        """Close the descriptor, once."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Whole:
    """A small file that is being received: in memory first, then written in one go.

    Where a file of its name is there already, it is replaced, never written to: it may be a link
    to a published one.
    """

    small = True

    def __init__(self, stage: Stage, number: int) -> None:
        self.number, self.entry = number, stage.files[number]
        self.size: int = self.entry["size"]
        self.path = tree_path(stage.directory, self.entry)
        self.claim = stage.claims.take(number)
        self._directory = stage.directory
        self._data = bytearray()

    @property
    def position(self) -> int:
        """Bytes that came."""
        return len(self._data)

    def write(self, view: memoryview) -> None:
        """Append bytes."""
        self._data += view

    def copy(self, basis: int, offset: int, length: int) -> int:
        """Append bytes of another file; returns how many, 0 at its end."""
        data = os.pread(basis, length, offset)
        self._data += data
        return len(data)

    def finish(self) -> None:
        """Write the file to its place; refuses when another stream has taken it over."""
        with self.claim.lock:
            self.claim.check()
            self._put(self.path)
        self._data = bytearray()

    def close(self) -> None:
        """Keep what came of a file whose stream broke, so that the next one goes on from there."""
        if self._data:
            with self.claim.lock:
                if not self.claim.lost:
                    self._put(part_path(self._directory, self.number))
        self._data = bytearray()

    def _put(self, path: str) -> None:
        try:
            descriptor = fs.create(path)
        except FileExistsError:
            fs.discard(path)
            descriptor = fs.create(path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            descriptor = fs.create(path)
        try:
            view = memoryview(self._data)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)


Receiving = Union[Part, Whole]


def part_path(directory: str, number: int) -> str:
    """Return where a file grows."""
    return os.path.join(directory, f"part-{number}")


def bad_path(directory: str, number: int) -> str:
    """Return where a finished file with wrong bytes waits for its repair."""
    return os.path.join(directory, f"{BAD}{number}")


def tree_path(directory: str, entry: Json) -> str:
    """Return where a verified file lies until the version is published."""
    return os.path.join(directory, "tree", entry["path"])


def drop(descriptor: int, start: int, stop: int) -> None:
    """Drop C([start, stop)) of a flushed file from the page cache, and begin to read it again."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, start, stop - start, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(descriptor, start, stop - start, os.POSIX_FADV_WILLNEED)


def read_back(descriptor: int, start: int, stop: int, digest: Any) -> int:
    """Hash C([start, stop)) of a flushed file that was dropped; return where it ended."""
    view = memoryview(bytearray(max(1, min(fs.BLOCK, stop - start))))
    while start < stop:
        count = os.preadv(descriptor, [view[: stop - start]], start)
        if not count:
            break
        digest.update(view[:count])
        start += count
    return start


class _Window(NamedTuple):
    """Bytes of a part to flush, if it is of a part, and the work that comes after that."""

    work: Callable[[], None]
    part: Optional[Part]
    start: int
    stop: int


class Verifier:
    """The threads that trail the writer of one stream; give the verdict on each file.

    Attributes:
        error: why it stopped working, C(None) while all is well.
        files: the verdicts, by number.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._todo: queue.Queue[Optional[Callable[[], None]]] = queue.Queue(AHEAD)
        self._batch: List[Receiving] = []
        self._batch_bytes = 0
        self.error: Optional[Exception] = None
        self.files: Dict[str, Json] = {}
        self._flushing: queue.Queue[Optional[_Window]] = queue.Queue(AHEAD)
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._flush_windows, self._work)
        ]
        for thread in self._threads:
            thread.start()

    def written(self, part: Receiving) -> None:
        """Note that a part grew; waits while the reader is too far behind."""
        if isinstance(part, Whole) or part.small or part.position - part.asked < WINDOW:
            return
        start, part.asked = part.asked, part.position
        self._put(functools.partial(self._window, part, part.position), part, start)

    def finished(self, part: Receiving) -> None:
        """Take over a complete part."""
        if isinstance(part, Part) and not part.small:
            self._put(functools.partial(self._verdict, part), part, part.asked)
            return
        part.finish()
        self._batch.append(part)
        self._batch_bytes += part.size
        if self._batch_bytes >= BATCH_BYTES or len(self._batch) >= BATCH_FILES:
            self._send_batch()

    def dropped(self, part: Receiving) -> None:
        """Take over a part that gets no more bytes for now; they stay."""
        self._put(functools.partial(self._close, part))

    def close(self) -> None:
        """Wait until all that was finished has its verdict."""
        self._send_batch()
        self._flushing.put(None)
        for thread in self._threads:
            thread.join()

    def _send_batch(self) -> None:
        if self._batch:
            parts, self._batch, self._batch_bytes = self._batch, [], 0
            self._put(functools.partial(self._verdicts, parts))

    def _put(self, work: Callable[[], None], part: Optional[Part] = None, start: int = 0) -> None:
        """Queue work that comes after the flush of a part from C(start) to where it is now."""
        self._flushing.put(_Window(work, part, start, part.position if part else 0))

    def _flush_windows(self) -> None:
        for item in iter(self._flushing.get, None):
            try:
                if item.part is not None and self.error is None:
                    os.fdatasync(item.part.descriptor)
                    drop(item.part.descriptor, item.start, item.stop)
            except Exception as error:
                self.error = self.error or error
            self._todo.put(item.work)
        self._todo.put(None)

    def _work(self) -> None:
        for work in iter(self._todo.get, None):
            try:
                work()
            except Exception as error:  # handed to the writer's thread
                self.error = self.error or error

    @staticmethod
    def _close(part: Receiving) -> None:
        part.close()

    def _window(self, part: Part, stop: int) -> None:
        if self.error is not None:
            return
        part.hashed = read_back(part.descriptor, part.hashed, stop, part.digest)

    def _verdict(self, part: Part) -> None:
        try:
            self._window(part, part.size)
        finally:
            part.close()
        if self.error is None and self._place(part, part.digest.hexdigest(), self._bad()):
            self._stage.mark_done({part.number: ()})

    def _verdicts(self, parts: Sequence[Receiving]) -> None:
        if self.error is not None:
            return
        self._flush(parts)
        done: Dict[int, fs.Stamp] = {}
        try:
            bad = self._bad()
            for part, (seen, stamp) in zip(parts, self._read(parts)):
                if self._place(part, seen, bad):
                    done[part.number] = stamp if isinstance(part, Whole) else ()
        finally:
            if done:
                self._stage.mark_done(done)

    def _flush(self, parts: Sequence[Receiving]) -> None:
        try:
            disk.sync_all(self._stage.directory, [part.path for part in parts])
        except OSError as error:  # of one of them, or of all: no file system tells which
            names = [part.entry["path"] for part in parts if part.path == error.filename]
            more = f" and {len(parts) - 1} more files" if len(parts) > 1 else ""
            what = names[0] if names else parts[0].entry["path"] + more
            raise fs.os_refused(error, f"{what} cannot be flushed to the disk") from error

    @staticmethod
    def _read(parts: Sequence[Receiving]) -> Iterator[disk.Seen]:
        return disk.read_all([(part.path, part.size) for part in parts], drop=True)

    def _bad(self) -> List[str]:
        """Return the names of the files that came with wrong bytes before."""
        names = fs.names_in(self._stage.directory)
        return [name for name in names if name.startswith(BAD)]

    def _place(self, part: Receiving, seen: str, bad: Sequence[str]) -> bool:
        """Move a part to C(tree/) or C(bad-<n>), unless another stream took it over."""
        directory = self._stage.directory
        with part.claim.lock:
            if part.claim.lost:
                return False
            right = bool(seen == part.entry["sha256"])
            if not right:
                move(part.path, bad_path(directory, part.number))
            elif isinstance(part, Part):
                move(part.path, tree_path(directory, part.entry))
            if right and f"{BAD}{part.number}" in bad:
                os.unlink(bad_path(directory, part.number))
        self.files[str(part.number)] = {"done": True} if right else {"bad": True, "sha256": seen}
        return right


def move(source: str, target: str) -> None:
    """Rename, making the directory when it is missing."""
    try:
        os.rename(source, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(source, target)
