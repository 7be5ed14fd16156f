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

from ...closing import Closing
from . import websocket

FRAME = 128 * 1024  # bytes; the server holds a whole frame, and drops one of 32 MiB
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
        """Raise when no more can, or need, be sent; called before each part of a frame."""
        raise NotImplementedError

    def stuck(self) -> Exception:
        """Return the error for a connection that took nothing for the whole time-out."""
        raise NotImplementedError

    # -- sending ---------------------------------------------------------------------------------

    def _send(self, frame: bytes) -> None:
        deadline = time.monotonic() + self._timeout
        while self._outbox and not self._flush():
            self._wait_any(deadline)
            self._take_waiting()
        view = memoryview(frame)
        while view:
            self._take_waiting()
            self.check()
            try:
                view = view[self._sock.send(view) :]
                deadline = time.monotonic() + self._timeout
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self._wait_any(deadline)
            except OSError:
                self._drain()

    def _wait_any(self, deadline: float) -> None:
        """Wait until the socket can be read or written."""
        self._poll.modify(self._sock, select.POLLIN | select.POLLOUT)
        ready = self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        self._poll.modify(self._sock, select.POLLIN)
        if not ready:
            raise self.stuck()

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
        if self._buffered() or self._poll.poll(seconds * 1000):
            self._read()
            self._flush()
        else:
            if not self._outbox:
                self._outbox += websocket.encode(websocket.PING)
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
        for message in self._decoder.feed(data):
            self._handle(message)
        return True

    def _handle(self, message: websocket.Message) -> None:
        if message.opcode == websocket.CLOSE:
            self.ended = True
        elif message.opcode == websocket.PING:
            self._outbox += websocket.encode(websocket.PONG, message.payload)
        elif message.opcode in (websocket.BINARY, websocket.TEXT):
            self.heard = time.monotonic()
            self.take(message.payload)

    def _drain(self) -> None:
        """Read what is left after the other side stopped reading."""
        while not self.ended and self._read():
            continue
        self.ended = True
