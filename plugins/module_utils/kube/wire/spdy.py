# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of SPDY/3.1 for a client that opens a few streams, without a socket.

The headers of our streams are compressed without the dictionary of the protocol, which a reader
needs only for what refers to it. What the server says of a stream in its own headers is not read.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, List, Mapping, NamedTuple

PROTOCOL = "SPDY/3.1"
DATA, SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 0, 1, 2, 3, 6, 7
FIN = 1  # flag: nothing more comes from this side of the stream
HEAD = struct.Struct("!II")
_NUMBER = struct.Struct("!I")
_CONTROL = 0x80000000 | 3 << 16  # the bit of a control frame, and the version
_LENGTH = 0xFFFFFF


class Frame(NamedTuple):
    """A frame; C(kind) is 0 for data, C(stream) is 0 where the frame is about no stream."""

    kind: int
    stream: int
    flags: int
    payload: bytes


def data_head(stream: int, length: int, flags: int = 0) -> bytes:
    """Return what stands before the bytes of a data frame."""
    return HEAD.pack(stream, flags << 24 | length)


def control(kind: int, body: bytes, flags: int = 0) -> bytes:
    """Return a control frame."""
    return HEAD.pack(_CONTROL | kind, flags << 24 | len(body)) + body


def ping(number: int) -> bytes:
    """Return a ping; a client's numbers are odd, and the same frame is its answer."""
    return control(PING, _NUMBER.pack(number))


class Opener:
    """Opens streams; the headers of a connection are one compressed text."""

    def __init__(self) -> None:
        self._compressor: Any = zlib.compressobj()

    def open(self, stream: int, headers: Mapping[str, str], flags: int = 0) -> bytes:
        """Return the frame that opens a stream; names of headers are in lower case."""
        text = _NUMBER.pack(len(headers))
        for word in (word.encode("ascii") for item in headers.items() for word in item):
            text += _NUMBER.pack(len(word)) + word
        block = self._compressor.compress(text) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return control(SYN_STREAM, struct.pack("!IIBB", stream, 0, 0, 0) + block, flags)


class Decoder:
    """Turns received bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> List[Frame]:
        """Return the frames that are now complete."""
        self._buffer += data
        frames: List[Frame] = []
        offset = 0
        with memoryview(self._buffer) as view:
            while len(view) >= offset + HEAD.size:
                first, second = HEAD.unpack_from(view, offset)
                end = offset + HEAD.size + (second & _LENGTH)
                if len(view) < end:
                    break
                payload = bytes(view[offset + HEAD.size : end])
                frames.append(_frame(first, second >> 24, payload))
                offset = end
        if offset:
            del self._buffer[:offset]
        return frames


def _frame(first: int, flags: int, payload: bytes) -> Frame:
    if not first & 0x80000000:
        return Frame(DATA, first, flags, payload)
    kind = first & 0xFFFF
    number = _NUMBER.unpack_from(payload)[0] & 0x7FFFFFFF if len(payload) >= 4 else 0
    return Frame(kind, number, flags, payload)
