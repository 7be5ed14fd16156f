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
import posixpath
from dataclasses import dataclass, field
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from ...errors import InputError
from ..agent import blocks
from ..agent import shared as pack
from ..content.manifest import FileEntry
from . import compress as zips
from .match import Literal, Op, match
from .pairs import LONG_COPY, match_files
from .signature import Signature

RECORD = pack.MAX_RAW  # raw bytes of one literal record
TLS_RECORD = 16 << 10
LITERAL_HEAD = 1 + pack.DATA.size
# Bytes that go as they are in one record: with its head they fill TLS records to the last byte.
LITERAL = RECORD - LITERAL_HEAD
PIECE = 256 << 10  # bytes after which the buffer is sent
PROBED = 16 * LITERAL  # literal bytes, some 4 MiB, that share one compression probe
SHARING = 1 << 10  # bytes of a file from which on its probe holds for others of its suffix


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
Block = Union[bytes, memoryview]


@dataclass
class FileJob:
    """One file to send.

    Attributes:
        number: its place in the sorted manifest.
        source: the local file.
        entry: what the manifest says of it.
        start: bytes that are there already; all of them: the file is only verified.
        signature: of an old file that the edge has; C(None) sends whole.
        old: a local file with the bytes of that old file, which makes the signature needless.
        basis: names that old file for the edge.
        ops: what the match gave, kept so that counting and sending match once.
        gains: whether bytes get smaller, by their place in the file, for the same reason.
    """

    number: int
    source: str
    entry: FileEntry
    start: int = 0
    signature: Optional[Signature] = None
    basis: Optional[Mapping[str, Any]] = None
    old: Optional[str] = None
    ops: Optional[List[Op]] = field(default=None, repr=False, compare=False)
    gains: Dict[int, bool] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_delta(self) -> bool:
        """Whether it may be built from parts of an old file."""
        return self.signature is not None or self.old is not None


class _Raw(NamedTuple):
    """A literal record whose bytes are read when they are sent."""

    offset: int
    length: int


_Record = Union[bytes, _Raw]


class _Probes:
    """Decides which literal bytes are compressed; one for each stream.

    Small files of one suffix share a probe, up to C(PROBED) bytes: a probe costs more than all
    other work on such a file.
    """

    def __init__(self, compress: bool) -> None:
        self._compress = compress
        self._shared: Dict[str, Tuple[int, bool]] = {}

    def gain(self, job: FileJob, reader: Reader, start: int, stop: int) -> bool:
        """Return whether bytes of a file that is no text get smaller."""
        length = stop - start
        if not self._compress:
            return False
        if length > RECORD:
            if start not in job.gains:
                job.gains[start] = _probe(reader, start, stop)
            return job.gains[start]
        suffix = posixpath.splitext(job.entry.path)[1]
        left, gains = self._shared.get(suffix, (0, False))
        if left < length:
            gains = _probe(reader, start, stop)
            left = PROBED if length >= SHARING else 0
        self._shared[suffix] = (max(0, left - length), gains)
        return gains


def encode(jobs: Sequence[FileJob], *, compress: bool, opener: Opener = Reader) -> Iterator[Block]:
    """Yield the stream in pieces of some 256 KiB; what is read as it is goes without a copy.

    Args:
        jobs: in the order in which they are sent.
        compress: whether to compress what becomes smaller.
        opener: opens a source.

    Raises:
        InputError: a source cannot be read, or is not what it was.
    """
    ready: List[bytes] = []
    count = 0
    probes = _Probes(compress)
    for job in jobs:
        for piece in _pieces(job, compress, opener, probes):
            if len(piece) >= LITERAL:
                head = b"".join(ready)
                fill = -len(head) % TLS_RECORD
                yield head + piece[:fill]
                yield memoryview(piece)[fill:]
                ready, count = [], 0
                continue
            ready.append(piece)
            count += len(piece)
            if count >= PIECE or _is_long_copy(piece):
                yield b"".join(ready)
                ready, count = [], 0
    if ready:
        yield b"".join(ready)


def _is_long_copy(piece: bytes) -> bool:
    """Return whether it is a record that keeps the edge busy, so that it should go at once."""
    if piece[:1] != b"C" or len(piece) != 1 + pack.COPY.size:
        return False
    length: int = pack.COPY.unpack_from(piece, 1)[1]
    return length >= LONG_COPY


def exact_length(jobs: Sequence[FileJob], *, compress: bool, opener: Opener = Reader) -> int:
    """Return the length of what C(encode) yields for these jobs.

    Bytes that go as they are need not be read for that, only those that are matched or
    compressed.
    """
    total = 0
    probes = _Probes(compress)
    for job in jobs:
        reader = _open(job, opener)
        try:
            for record in _records(job, reader, compress, probes):
                if isinstance(record, _Raw):
                    total += pack.DATA.size + 1 + record.length
                else:
                    total += len(record)
        finally:
            reader.close()
    return total


def _pieces(job: FileJob, compress: bool, opener: Opener, probes: _Probes) -> Iterator[bytes]:
    reader = _open(job, opener)
    try:
        for record in _records(job, reader, compress, probes):
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


def _records(job: FileJob, reader: Reader, compress: bool, probes: _Probes) -> Iterator[_Record]:
    yield b"F" + pack.FILE.pack(job.number, job.start)
    told = False
    for op in _ops(job, reader):
        if isinstance(op, Literal):
            yield from _literal(op, reader, job, compress, probes)
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
    if not job.is_delta:
        if job.entry.size > job.start:
            yield Literal(job.start, job.entry.size - job.start)
        return
    known: List[Op] = []
    for op in _matched(job, reader):
        known.append(op)
        yield op
    job.ops = known


def _matched(job: FileJob, reader: Reader) -> Iterator[Op]:
    if job.old is not None:
        yield from match_files(job.old, reader.read, job.entry.size, job.start)
    elif job.signature is not None:
        yield from match(reader.read, job.entry.size, job.signature, job.start)


def _literal(
    op: Literal, reader: Reader, job: FileJob, compress: bool, probes: _Probes
) -> Iterator[_Record]:
    end, text = op.offset + op.length, zips.is_text(job.entry.path)
    for start in range(op.offset, end, PROBED):
        stop = min(start + PROBED, end)
        zipping = compress and text or probes.gain(job, reader, start, stop)
        step = RECORD if zipping else LITERAL
        for first in range(start, stop, step):
            length = min(step, stop - first)
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
