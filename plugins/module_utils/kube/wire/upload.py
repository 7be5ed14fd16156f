# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request bodies in constant memory."""

from __future__ import annotations

from typing import Any, BinaryIO, Iterable, Iterator, Optional, Union

from ...errors import TransferError

Body = Union[bytes, BinaryIO, Iterable[bytes], None]

# Above 256 KiB the cost per byte of TLS over http stays the same, below it rises.
BLOCK = 256 * 1024
# A little more is not cut: a second block of a few bytes would cost a chunk, a record and a packet.
SLACK = BLOCK // 16


class Upload:
    """A body that is sent once, or again when it can be rewound.

    Args:
        body: bytes, a file open for reading, or blocks of bytes.
        length: bytes to send; may be left out for bytes and for seekable files.
    """

    def __init__(self, body: Body, length: Optional[int] = None) -> None:
        self._body: Any = b"" if body is None else body
        self._start: Optional[int] = None
        if isinstance(self._body, (bytes, bytearray, memoryview)):
            self.length: Optional[int] = len(self._body)
            self.replayable = True
            return
        self.length = length
        self.replayable = False
        file: Any = self._body
        if hasattr(file, "seek") and file.seekable():
            self._start = file.tell()
            self.replayable = True
            if length is None:
                self.length = file.seek(0, 2) - self._start

    def blocks(self) -> Iterator[memoryview]:
        """Yield the body from its beginning.

        Raises:
            TransferError: the source gave fewer or more bytes than C(length).
        """
        sent = 0
        for block in self._source():
            sent += len(block)
            if self.length is not None and sent > self.length:
                raise TransferError(f"the source gave more than the {self.length} bytes announced")
            yield block
        if self.length is not None and sent != self.length:
            raise TransferError(f"the source ended after {sent} of {self.length} bytes")

    def _source(self) -> Iterator[memoryview]:
        if isinstance(self._body, (bytes, bytearray, memoryview)):
            return _slices(self._body)
        if hasattr(self._body, "read"):
            if self._start is not None:
                self._body.seek(self._start)
            return _reads(self._body, self.length)
        return (part for block in self._body for part in _slices(block))


def _slices(data: Any) -> Iterator[memoryview]:
    view = memoryview(data)
    if 0 < len(view) <= BLOCK + SLACK:
        yield view
        return
    for start in range(0, len(view), BLOCK):
        yield view[start : start + BLOCK]


def _reads(file: Any, length: Optional[int]) -> Iterator[memoryview]:
    left = length
    while left is None or left > 0:
        block = file.read(BLOCK if left is None else min(BLOCK, left))
        if not block:
            return
        if left is not None:
            left -= len(block)
        yield memoryview(block)
