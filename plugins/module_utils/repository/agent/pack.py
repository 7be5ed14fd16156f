# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack a stream of records into the parts of a stage; runs in the helper pod.

The records are those of C(shared.py). The basis is C({"model", "version", "path"}) of a published
file or C({"bad": number}). What came before a connection broke stays in the parts.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from typing import Any, Callable, Dict, Iterator, Optional

from . import files as fs
from . import verify
from .shared import BASIS, COPY, DATA, FILE, MAX_RAW, ZIPPED

BUFFER = 512 << 10  # holds any record that has to be there as a whole
COPY_STEP = 8 << 20

Json = Dict[str, Any]
Refused = fs.Refused
Claims = verify.Claims
Stage = verify.Stage
part_path = verify.part_path
bad_path = verify.bad_path
tree_path = verify.tree_path


class Input:
    """The bytes of a stream, by the piece."""

    def __init__(self, read_into: Callable[[memoryview], int]) -> None:
        self._read_into = read_into
        self._view = memoryview(bytearray(BUFFER))
        self._start = self._end = 0

    def ended(self) -> bool:
        """Return whether the stream ends here."""
        return self._start == self._end and not self._fill()

    def take(self, count: int) -> memoryview:
        """Return the next bytes, valid until the next call; refuses when they do not come."""
        if self._start + count > BUFFER:
            self._compact()
        while self._end - self._start < count:
            if not self._fill():
                raise Refused(400, "the pack is cut short")
        self._start += count
        return self._view[self._start - count : self._start]

    def unpack(self, form: struct.Struct) -> Any:
        """Return the next fields."""
        return form.unpack(self.take(form.size))

    def stream(self, count: int) -> Iterator[memoryview]:
        """Yield the next bytes as they come; refuses when they end early."""
        while count:
            if self.ended():
                raise Refused(400, "the pack is cut short")
            step = min(count, self._end - self._start)
            yield self._view[self._start : self._start + step]
            self._start += step
            count -= step

    def _compact(self) -> None:
        left = self._end - self._start
        self._view[:left] = bytes(self._view[self._start : self._end])
        self._start, self._end = 0, left

    def _fill(self) -> int:
        if self._start == self._end:
            self._start = self._end = 0
        count = self._read_into(self._view[self._end :])
        self._end += count
        return count


class Unpacker:
    """Fills the parts of a stage from one stream."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._part: Optional[verify.Receiving] = None
        self._skipping: Optional[int] = None  # a file that is done already
        self._basis = -1
        self._basis_size = 0

    def run(self, read_into: Callable[[memoryview], int]) -> Json:
        """Unpack to the end and return the verdict on each finished file.

        Args:
            read_into: fills a part of the given view, returns the count; 0 is the end.

        Raises:
            Refused: a record makes no sense, or the stream ends early.
            OSError: the store fails, or is full.
        """
        self._input = Input(read_into)
        self._verifier = verify.Verifier(self._stage)
        try:
            while not self._input.ended():
                self._record()
            if self._part is not None or self._skipping is not None:
                raise Refused(400, "the pack is cut short")
        finally:
            self._drop()
            self._verifier.close()
        if self._verifier.error is not None:
            raise self._verifier.error
        return {"files": self._verifier.files}

    def _record(self) -> None:
        if self._verifier.error is not None:
            raise self._verifier.error
        tag = bytes(self._input.take(1))
        if tag == b"F":
            self._file(*self._input.unpack(FILE))
        elif self._part is None and self._skipping is None:
            raise Refused(400, f"record {tag!r} outside a file")
        elif tag == b"D":
            self._data(*self._input.unpack(DATA))
        elif tag == b"Z":
            self._zipped(*self._input.unpack(ZIPPED))
        elif tag == b"C":
            self._copy(*self._input.unpack(COPY))
        elif tag == b"B":
            self._set_basis(*self._input.unpack(BASIS))
        elif tag == b"E":
            self._end()
        else:
            raise Refused(400, f"unknown record {tag!r}")

    def _file(self, number: int, offset: int) -> None:
        if self._part is not None or self._skipping is not None:
            raise Refused(400, "a file starts before the one before it ends")
        if number >= len(self._stage.files):
            raise Refused(400, f"the manifest has no file number {number}")
        if self._stage.is_done(number):
            self._skipping = number
            return
        if not offset and self._stage.files[number]["size"] <= verify.WHOLE:
            self._part = verify.Whole(self._stage, number)
            return
        part = verify.Part(self._stage, number, offset)
        self._part = part
        have = os.fstat(part.descriptor).st_size
        if offset > min(have, part.size):
            raise Refused(400, f"file {number} has {have} bytes, not {offset}")
        with part.claim.lock:
            part.claim.check()
            if have > offset:
                os.ftruncate(part.descriptor, offset)

    def _set_basis(self, length: int) -> None:
        try:
            basis = json.loads(bytes(self._input.take(length)))
        except ValueError as error:
            raise Refused(400, "the basis is no JSON") from error
        if self._part is None:
            return
        self._close_basis()
        path = self._basis_path(basis)
        self._basis = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        self._basis_size = os.fstat(self._basis).st_size

    def _basis_path(self, basis: Any) -> str:
        if not isinstance(basis, dict):
            raise Refused(400, "bad basis")
        if set(basis) != {"bad"}:
            return self._stage.basis_path(basis)
        number = basis["bad"]
        if isinstance(number, bool) or not isinstance(number, int):
            raise Refused(400, "bad basis")
        if not 0 <= number < len(self._stage.files):
            raise Refused(400, "bad basis")
        return bad_path(self._stage.directory, number)

    def _data(self, length: int) -> None:
        self._check_room(length, MAX_RAW)
        for view in self._input.stream(length):
            self._write(view)

    def _zipped(self, raw: int, length: int) -> None:
        self._check_room(raw, MAX_RAW)
        if not 0 < length < MAX_RAW:
            raise Refused(400, "bad length of a compressed record")
        unzip = zlib.decompressobj()
        try:
            data = unzip.decompress(self._input.take(length), raw + 1)
        except zlib.error as error:
            raise Refused(400, "a compressed record is broken") from error
        if len(data) != raw or not unzip.eof or unzip.unused_data:
            raise Refused(400, "a compressed record has another length than it says")
        self._write(memoryview(data))

    def _copy(self, offset: int, length: int) -> None:
        part = self._part
        if part is None:
            return
        if self._basis < 0:
            raise Refused(400, "a copy without a basis")
        self._check_room(length, part.size)
        if offset + length > self._basis_size:
            raise Refused(400, "a copy from behind the end of its basis")
        while length:
            count = part.copy(self._basis, offset, min(length, COPY_STEP))
            if not count:
                raise Refused(409, "the basis became shorter")
            offset, length = offset + count, length - count
            self._verifier.written(part)

    def _check_room(self, length: int, most: int) -> None:
        if not 0 < length <= most:
            raise Refused(400, "bad length of a record")
        part = self._part
        if part is not None and part.position + length > part.size:
            raise Refused(400, f"{part.entry['path']}: more bytes than the manifest says")

    def _write(self, view: memoryview) -> None:
        part = self._part
        if part is None:
            return
        part.write(view)
        self._verifier.written(part)

    def _end(self) -> None:
        part = self._part
        self._close_basis()
        if part is None:
            self._verifier.files[str(self._skipping)] = {"done": True}
            self._skipping = None
            return
        if part.position != part.size:
            raise Refused(400, f"{part.entry['path']}: {part.size - part.position} bytes missing")
        self._part = None
        self._verifier.finished(part)

    def _close_basis(self) -> None:
        if self._basis >= 0:
            os.close(self._basis)
            self._basis = -1

    def _drop(self) -> None:
        """Close the part that a broken stream left open; its bytes stay."""
        self._close_basis()
        if self._part is not None:
            self._verifier.dropped(self._part)
            self._part = None
