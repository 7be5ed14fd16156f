# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the upload format: one stream of records for the files of one version.

C(agent/pack.py) reads this format and documents the records. The stream is a function of the files,
the signatures and the options alone, so that check mode counts what a run sends.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Union

from ...errors import InputError
from ..agent import blocks, pack
from ..content.manifest import FileEntry
from . import compress as zips
from .match import Literal, Op, match
from .signature import Signature

RECORD = pack.MAX_RAW  # raw bytes of one literal record
PIECE = 256 << 10  # bytes after which the buffer is sent
PROBED = 4 << 20  # literal bytes that share one compression probe


class Reader:
    """The bytes of one local file, at any offset.

    Raises:
        InputError: the file cannot be read, or is shorter than it was.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        try:
            self._descriptor = os.open(source, os.O_RDONLY)
        except OSError as error:
            raise unreadable(source, error) from error

    @property
    def size(self) -> int:
        """Bytes of the file now."""
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly C(length) bytes."""
        try:
            data = blocks.read_at(self._descriptor, length, offset)
        except OSError as error:
            raise unreadable(self._source, error) from error
        if len(data) != length:
            raise changed(self._source)
        return data

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


Opener = Callable[[str], Reader]


@dataclass
class FileJob:
    """One file to send.

    Attributes:
        number: its place in the sorted manifest.
        source: the local file.
        entry: what the manifest says of it.
        start: bytes that are there already; all of them: the file is only verified.
        signature: of an old file that the edge has; C(None) sends whole.
        basis: names that old file for the edge.
        ops: what the match gave, kept so that counting and sending match once.
    """

    number: int
    source: str
    entry: FileEntry
    start: int = 0
    signature: Optional[Signature] = None
    basis: Optional[Mapping[str, Any]] = None
    ops: Optional[List[Op]] = field(default=None, repr=False, compare=False)


class _Raw(NamedTuple):
    """A literal record whose bytes are read when they are sent."""

    offset: int
    length: int


_Record = Union[bytes, _Raw]


def encode(jobs: Sequence[FileJob], *, compress: bool, opener: Opener = Reader) -> Iterator[bytes]:
    """Yield the stream in pieces of some 256 KiB.

    Args:
        jobs: in the order in which they are sent.
        compress: whether to compress what becomes smaller.
        opener: opens a source.

    Raises:
        InputError: a source cannot be read, or is not what it was.
    """
    ready: List[bytes] = []
    count = 0
    for job in jobs:
        for piece in _pieces(job, compress, opener):
            ready.append(piece)
            count += len(piece)
            if count >= PIECE:
                yield b"".join(ready)
                ready, count = [], 0
    if ready:
        yield b"".join(ready)


def exact_length(jobs: Sequence[FileJob], *, compress: bool, opener: Opener = Reader) -> int:
    """Return the length of what C(encode) yields for these jobs.

    Bytes that go as they are need not be read for that, only those that are matched or
    compressed.
    """
    total = 0
    for job in jobs:
        reader = _open(job, opener)
        try:
            for record in _records(job, reader, compress):
                if isinstance(record, _Raw):
                    total += pack.DATA.size + 1 + record.length
                else:
                    total += len(record)
        finally:
            reader.close()
    return total


def _pieces(job: FileJob, compress: bool, opener: Opener) -> Iterator[bytes]:
    reader = _open(job, opener)
    try:
        for record in _records(job, reader, compress):
            if isinstance(record, _Raw):
                yield b"D" + pack.DATA.pack(record.length)
                yield reader.read(record.offset, record.length)
            else:
                yield record
    finally:
        reader.close()


def _open(job: FileJob, opener: Opener) -> Reader:
    reader = opener(job.source)
    if reader.size != job.entry.size:
        reader.close()
        raise changed(job.source)
    return reader


def _records(job: FileJob, reader: Reader, compress: bool) -> Iterator[_Record]:
    yield b"F" + pack.FILE.pack(job.number, job.start)
    told = False
    for op in _ops(job, reader):
        if isinstance(op, Literal):
            yield from _literal(op, reader, compress, zips.is_text(job.entry.path))
            continue
        if not told:
            yield _basis(job)
            told = True
        yield b"C" + pack.COPY.pack(op.offset, op.length)
    yield b"E"


def _basis(job: FileJob) -> bytes:
    name = json.dumps(dict(job.basis or {}), sort_keys=True).encode()
    return b"B" + pack.BASIS.pack(len(name)) + name


def _ops(job: FileJob, reader: Reader) -> Iterator[Op]:
    """Yield the copies and literals of the file, and cache them once the match is complete."""
    if job.ops is not None:
        yield from job.ops
        return
    size = job.entry.size
    if job.signature is None:
        if size > job.start:
            yield Literal(job.start, size - job.start)
        return
    known: List[Op] = []
    for op in match(reader.read, size, job.signature, job.start):
        known.append(op)
        yield op
    job.ops = known


def _literal(op: Literal, reader: Reader, compress: bool, text: bool) -> Iterator[_Record]:
    end = op.offset + op.length
    for start in range(op.offset, end, PROBED):
        stop = min(start + PROBED, end)
        zipping = compress and (text or _probe(reader, start, stop))
        for first in range(start, stop, RECORD):
            length = min(RECORD, stop - first)
            yield _zipped(reader, first, length, text) if zipping else _Raw(first, length)


def _probe(reader: Reader, start: int, stop: int) -> bool:
    length = zips.probe_length(stop - start)
    return zips.gains(reader.read(start + (stop - start - length) // 2, length))


def _zipped(reader: Reader, offset: int, length: int, text: bool) -> _Record:
    packed = zips.squeeze(reader.read(offset, length), text=text)
    if packed is None:
        return _Raw(offset, length)
    return b"Z" + pack.ZIPPED.pack(length, len(packed)) + packed


def unreadable(source: str, error: OSError) -> InputError:
    """Return the error for a source that cannot be read."""
    why = error.strerror or str(error)
    return InputError(f"the file cannot be read ({why})", option="src", subject=source)


def changed(source: str) -> InputError:
    """Return the error for a source that is not what it was when it was hashed."""
    return InputError(
        "the file changed while it was sent",
        option="src",
        subject=source,
        hint="Run again when nobody writes to the repository",
    )
