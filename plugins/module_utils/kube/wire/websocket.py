# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WebSocket frames (RFC 6455) for one client, without a socket.

Section 5.3 wants each frame of a client masked by an unpredictable key, so that nobody who chooses
what is sent (the bytes of a model, say) chooses what a careless proxy on the way sees and takes for
HTTP. Inside of TLS no such proxy sees anything: there the key is 0 and the payload goes out as it
is, for 0.9 CPU seconds per GiB instead of 3 to 11. Servers unmask with whatever key they are given.
"""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ...errors import TransferError, UnsupportedError

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MAX_MESSAGE = 64 * 1024 * 1024  # bytes; Kubernetes sends frames of 32 KiB
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_MASK_BIT = 0x80
NO_KEY = b"\0\0\0\0"


@dataclass(frozen=True)
class Message:
    """A complete message; control messages have their opcode."""

    opcode: int
    payload: bytes


def new_key() -> str:
    """Return a fresh C(Sec-WebSocket-Key)."""
    return base64.b64encode(os.urandom(16)).decode()


def handshake(key: str, protocols: Sequence[str]) -> Dict[str, str]:
    """Return the headers that ask for the upgrade."""
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": ", ".join(protocols),
    }


def accepted(key: str, protocols: Sequence[str], headers: Mapping[str, str]) -> str:
    """Return the subprotocol the server chose.

    Raises:
        UnsupportedError: the answer is not a WebSocket handshake, or names another protocol.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    digest = hashlib.sha1((key + _GUID).encode()).digest()  # noqa: S324  (RFC 6455 section 4.2.2)
    if lower.get("sec-websocket-accept") != base64.b64encode(digest).decode():
        raise UnsupportedError(
            "the WebSocket handshake was answered wrongly",
            hint="A proxy on the way may not let WebSocket through",
        )
    protocol = lower.get("sec-websocket-protocol", "")
    if protocol not in protocols:
        raise UnsupportedError(f"the server chose the unknown protocol {protocol!r}")
    return protocol


def head(opcode: int, length: int, key: bytes = NO_KEY) -> bytes:
    """Return what stands before the payload of one final frame that is masked by a key."""
    first = 0x80 | opcode
    if length < 126:
        return struct.pack("!BB", first, _MASK_BIT | length) + key
    if length < 65536:
        return struct.pack("!BBH", first, _MASK_BIT | 126, length) + key
    return struct.pack("!BBQ", first, _MASK_BIT | 127, length) + key


def encode(opcode: int, *parts: Union[bytes, memoryview], key: bytes = NO_KEY) -> bytes:
    """Return one final frame, masked by a key, with the parts as its payload."""
    length = sum(len(part) for part in parts)
    if key == NO_KEY:
        return b"".join((head(opcode, length), *parts))
    return head(opcode, length, key) + masked(b"".join(parts), key)


def masked(payload: bytes, key: bytes) -> bytes:
    """Return the payload as it is sent, or of one that was sent what it was (section 5.3)."""
    length = len(payload)
    pattern = (key * (length // len(key) + 1))[:length]
    number = int.from_bytes(payload, "little") ^ int.from_bytes(pattern, "little")
    return number.to_bytes(length, "little")


def new_mask() -> bytes:
    """Return a fresh key for one frame."""
    return os.urandom(len(NO_KEY))


class Decoder:
    """Turns received bytes into messages; puts fragments together."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._opcode = 0
        self._parts: List[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> List[Message]:
        """Return the messages that are now complete.

        Raises:
            TransferError: the bytes are not what RFC 6455 allows a server to send.
        """
        self._buffer += data
        messages: List[Message] = []
        offset = 0
        with memoryview(self._buffer) as view:
            while True:
                frame = self._frame(offset)
                if frame is None:
                    break
                first, start, end = frame
                messages += self._message(first, bytes(view[start:end]))
                offset = end
        if offset:
            del self._buffer[:offset]
        return messages

    def _frame(self, at: int) -> Optional[Tuple[int, int, int]]:
        """Return first byte, start and end of the payload, None when more bytes are needed."""
        buffer = self._buffer
        if len(buffer) < at + 2:
            return None
        first, length, start = buffer[at], buffer[at + 1], at + 2
        if first & 0x70:
            raise TransferError("a WebSocket frame with reserved bits")
        if length & _MASK_BIT:
            raise TransferError("a masked WebSocket frame from a server")
        extra = {126: 2, 127: 8}.get(length, 0)
        if extra:
            if len(buffer) < start + extra:
                return None
            length = int.from_bytes(buffer[start : start + extra], "big")
            start += extra
        if length > MAX_MESSAGE:
            raise TransferError(f"a WebSocket frame of {length} bytes")
        return (first, start, start + length) if len(buffer) >= start + length else None

    def _message(self, first: int, payload: bytes) -> List[Message]:
        final, opcode = bool(first & 0x80), first & 0x0F
        if opcode >= CLOSE:
            if not final or len(payload) > 125:
                raise TransferError("a WebSocket control frame that is too long")
            return [Message(opcode, payload)]
        if (opcode == CONTINUATION) != bool(self._opcode):
            raise TransferError("a WebSocket continuation out of place")
        if opcode != CONTINUATION and final:
            return [Message(opcode, payload)]
        self._opcode = self._opcode or opcode
        self._parts.append(payload)
        self._size += len(payload)
        if self._size > MAX_MESSAGE:
            raise TransferError("a WebSocket message that is too long")
        if not final:
            return []
        whole = Message(self._opcode, b"".join(self._parts))
        self._opcode, self._parts, self._size = 0, [], 0
        return [whole]
