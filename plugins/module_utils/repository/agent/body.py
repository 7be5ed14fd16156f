# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of an HTTP request, announced by its length or in chunks; see C(main.py).

The server of the standard library leaves chunks to its user. Go's reverse proxy sends 32 KiB
chunks, so a GiB has 32,768 of them.
"""

from __future__ import annotations

import io
from typing import Optional

from . import files as fs

# Size of the connection's buffer, and the most that one read asks for. Asked for more, C(readinto1)
# blocks on the connection although the buffer holds bytes, and loses those bytes if it breaks.
BUFFER = 256 << 10
LINE_LIMIT = 1024  # bytes of the line before a chunk
TRAILER_LIMIT = 100  # lines after the last chunk


class Cut(Exception):
    """The connection ended before the body did."""


class Body:
    """The body of a request.

    Args:
        stream: the connection, buffered.
        length: C(Content-Length), C(None) when there is none.
        chunked: whether the body comes in chunks.
    """

    def __init__(
        self, stream: io.BufferedIOBase, length: Optional[int], chunked: bool = False
    ) -> None:
        self._stream, self._chunked = stream, chunked
        self._left = 0 if chunked else length or 0  # of the body, or of the chunk
        self._between = False  # the end of a chunk's line is still to be read
        self.ended = not chunked and not self._left
        self.count = 0

    def read_into(self, view: memoryview) -> int:
        """Fill a part of the view; 0 at the end of the body.

        Raises:
            Cut: the connection broke or ended.
            Refused: what comes is no chunk.
        """
        if self._chunked and not self._left and not self.ended:
            self._next_chunk()
        if self.ended or not len(view):
            return 0
        try:
            count = self._stream.readinto1(view[: min(self._left, BUFFER)])
        except OSError as error:
            raise Cut(str(error)) from error
        if not count:
            raise Cut("the connection ended in the body")
        self._left -= count
        self.count += count
        if not self._left:
            self._between = self._chunked
            self.ended = not self._chunked
        return count

    def read_all(self, limit: int) -> bytes:
        """Return the whole body.

        Raises:
            Refused: it is longer than C(limit) bytes.
        """
        if self._left > limit:
            raise fs.Refused(413, "the command is too long")
        data = bytearray()
        view = memoryview(bytearray(min(max(self._left, 65536), fs.BLOCK)))
        while True:
            count = self.read_into(view)
            if not count:
                return bytes(data)
            data += view[:count]
            if len(data) > limit:
                raise fs.Refused(413, "the command is too long")

    def _next_chunk(self) -> None:
        if self._between:
            self._line()
            self._between = False
        size = self._line().split(b";")[0].strip()
        if not size or any(byte not in b"0123456789abcdefABCDEF" for byte in size):
            raise fs.Refused(400, "bad chunk")
        self._left = int(size, 16)
        if self._left:
            return
        for _number in range(TRAILER_LIMIT):
            if self._line() in (b"\r\n", b"\n"):
                self.ended = True
                return
        raise fs.Refused(400, "too many trailers")

    def _line(self) -> bytes:
        try:
            line = self._stream.readline(LINE_LIMIT)
        except OSError as error:
            raise Cut(str(error)) from error
        if not line:
            raise Cut("the connection ended in the body")
        if not line.endswith(b"\n"):
            raise fs.Refused(400, "bad chunk")
        return line
