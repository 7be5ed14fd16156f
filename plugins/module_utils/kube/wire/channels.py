# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebSocket to a kubelet whose messages begin with the number of a channel."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from typing import Union

from ...closing import Closing
from . import websocket

FRAME = 128 * 1024  # bytes; the server holds a whole frame, and drops one of 32 MiB
TLS_RECORD = 16384  # bytes
PING_EVERY = 5.0  # seconds, as client-go: load balancers cut silent connections
_READ = 65536


class ChannelStream(Closing):
    """Sends and receives channel messages; what comes is read while something is sent.

    So neither side can stop the other by not reading.

    Attributes:
        ended: the other side closed the connection, or it broke.
        heard: monotonic time of the last message with data.

    Args:
        sock: connected, the handshake done.
        timeout: longest silence in seconds while the other side has to read or to answer.
    """

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self.ended = False
        self.heard = time.monotonic()
        self._sock = sock
        self._timeout = timeout
        self._decoder = websocket.Decoder()
        self._outbox = bytearray()  # control frames that wait for a gap between data frames
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        # Whether nobody on the way sees what is sent.
        self._secret = isinstance(sock, ssl.SSLSocket)
        sock.setblocking(False)

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def abort(self) -> None:
        """End a wait that goes on in another thread; see C(Connection.abort)."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    # -- what differs between the protocols ------------------------------------------------------

    def take(self, payload: bytes) -> None:
        """Take a message: the number of a channel, and its data."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise when no more can, or need, be sent.

        Called before each frame, and within one whenever the socket has taken no more for a while.
        """
        raise NotImplementedError

    def stuck(self) -> Exception:
        """Return the error for a connection that took nothing for the whole time-out."""
        raise NotImplementedError

    # -- sending ---------------------------------------------------------------------------------

    def _send_data(self, channel: int, data: Union[bytes, memoryview]) -> None:
        """Send bytes on a channel; returns when the socket took them."""
        view = memoryview(data)
        for start in range(0, len(view), FRAME):
            part = view[start : start + FRAME]
            if not self._secret:
                self._send(self._encoded(websocket.BINARY, bytes((channel,)), part))
                continue
            head = websocket.head(websocket.BINARY, 1 + len(part)) + bytes((channel,))
            # What shares a TLS record with the head is copied, and nothing else.
            copied = TLS_RECORD - len(head)
            self._send(head + part[:copied], part[copied:])

    def _encoded(self, opcode: int, *parts: Union[bytes, memoryview]) -> bytes:
        """Return a frame, masked where somebody could see it."""
        key = websocket.NO_KEY if self._secret else websocket.new_mask()
        return websocket.encode(opcode, *parts, key=key)

    def _ping(self) -> bytes:
        """Return what shows that the connection is in use."""
        return self._encoded(websocket.PING)

    def _send(self, *parts: Union[bytes, memoryview]) -> None:
        """Send the parts of one frame."""
        deadline = time.monotonic() + self._timeout
        while self._outbox and not self._flush():
            self._wait_any(deadline)
            self._take_waiting()
        self._take_waiting()
        self.check()
        for part in parts:
            view = memoryview(part)
            while view:
                try:
                    view = view[self._sock.send(view) :]
                    deadline = time.monotonic() + self._timeout
                    continue
                except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                    if self._wait_any(deadline):
                        # TLS tells of what it has sent only when all of a part is.
                        deadline = time.monotonic() + self._timeout
                except OSError:
                    self._drain()
                self._take_waiting()
                self.check()

    def _wait_any(self, deadline: float) -> bool:
        """Wait until the socket can be read or written; return whether it takes more."""
        self._poll.modify(self._sock, select.POLLIN | select.POLLOUT)
        ready = self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        self._poll.modify(self._sock, select.POLLIN)
        if not ready:
            raise self.stuck()
        return any(event & select.POLLOUT for _descriptor, event in ready)

    def _flush(self) -> bool:
        """Send waiting control frames; False when the socket took only a part."""
        try:
            while self._outbox:
                del self._outbox[: self._sock.send(self._outbox)]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return False
        except OSError:
            self._drain()
            self._outbox.clear()
        return True

    # -- receiving -------------------------------------------------------------------------------

    def _take_waiting(self) -> None:
        """Read what is there without waiting."""
        while not self.ended and (self._poll.poll(0) or self._buffered()):
            if not self._read():
                return

    def _receive(self, seconds: float) -> None:
        """Read; after C(seconds) of silence send a ping instead."""
        # Mostly there is something, and it costs less to read than to ask first.
        if not self._read():
            if self._poll.poll(seconds * 1000):
                self._read()
            elif not self._outbox:
                self._outbox += self._ping()
        self._flush()

    def _buffered(self) -> bool:
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0

    def _read(self) -> bool:
        """Read once; False when there was nothing for us."""
        try:
            data = self._sock.recv(_READ)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return True
        self._took(data)
        return True

    def _took(self, data: bytes) -> None:
        """Take what came over the connection."""
        for message in self._decoder.feed(data):
            self._handle(message)

    def _handle(self, message: websocket.Message) -> None:
        if message.opcode == websocket.CLOSE:
            self.ended = True
        elif message.opcode == websocket.PING:
            self._outbox += self._encoded(websocket.PONG, message.payload)
        elif message.opcode in (websocket.BINARY, websocket.TEXT):
            self.heard = time.monotonic()
            self.take(message.payload)

    def _drain(self) -> None:
        """Read what is left after the other side stopped reading."""
        while not self.ended and self._read():
            continue
        self.ended = True
