# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that remembers: every write and every flush of a file that a loop device shows.

    recorder.py DIRECTORY MOUNTPOINT LOG

The kernel's own loop device makes a flush of the disk an C(fsync) of that file, and a write that
has to be on the disk (FUA) a write and a flush. So the log is what a disk with a cache was told,
in order, and its beginning up to a flush is what such a disk holds for certain if the power goes
then.
"""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from fuse import Request  # noqa: E402
from odd import serve  # noqa: E402
from through import Through  # noqa: E402

RECORD = struct.Struct("<cQQ")  # kind, offset, length
WRITE, FLUSH, MARK = b"w", b"f", b"m"
Write = tuple[int, bytes]


class Recorder(Through):
    """Hands everything on, and writes it down.

    Args:
        top: the directory with the image.
        log: what is appended to.
    """

    def __init__(self, top: str, log: str) -> None:
        super().__init__(top)
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, request: Request) -> bytes:
        """WRITE."""
        _handle, offset, size = request.fields("QQI")
        os.write(self._log, RECORD.pack(WRITE, offset, size) + request.body[40 : 40 + size])
        return super().write(request)

    def fsync(self, request: Request) -> bytes:
        """FSYNC."""
        os.write(self._log, RECORD.pack(FLUSH, 0, 0))
        return b""


@dataclass
class Cut:
    """A moment to take the power away.

    Args:
        number: of the flush that ended just now.
        marks: what was said to be done before it; the last one may come up to the next flush.
        certain: writes since the flush before.
        waiting: writes that come before the next flush: a disk may keep any of them.
    """

    number: int
    marks: int
    certain: list[Write]
    waiting: list[Write] = field(default_factory=list)


def mark(log: Path) -> None:
    """Note in the log that something was said to be done."""
    with log.open("ab", buffering=0) as stream:
        stream.write(RECORD.pack(MARK, 0, 0))


def cuts(log: Path) -> Iterator[Cut]:
    """Yield a cut for each flush, in order."""
    present = Cut(0, 0, [])
    for kind, offset, data in _records(log):
        if kind == WRITE:
            present.waiting.append((offset, data))
        elif kind == MARK:
            present.marks += 1
        else:
            yield present
            present = Cut(present.number + 1, present.marks, present.waiting)
    yield present


def _records(log: Path) -> Iterator[tuple[bytes, int, bytes]]:
    with log.open("rb") as stream:
        while head := stream.read(RECORD.size):
            kind, offset, length = RECORD.unpack(head)
            yield kind, offset, stream.read(length)


def apply(image: Path, writes: list[Write]) -> None:
    """Write to an image."""
    with image.open("r+b") as stream:
        for offset, data in writes:
            stream.seek(offset)
            stream.write(data)


def some(writes: list[Write], chance: random.Random) -> list[Write]:
    """Return the writes that a disk kept that lost its cache: any of them, in any order."""
    kept = [write for write in writes if chance.random() < 0.5]
    chance.shuffle(kept)
    return kept


def run(*argv: str) -> str:
    """Run a command; what it says is the error when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def main() -> None:
    """Do what the command line says."""
    top, target, log = sys.argv[1:]
    serve(Recorder(top, log), target)


if __name__ == "__main__":
    main()
