# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP/1.1 connection: requests with streamed bodies, answers that may come early."""

from __future__ import annotations

import contextlib
import http.client
import io
import select
import socket
import ssl
import time
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ...errors import InputError
from .upload import Upload

Headers = Iterable[Tuple[str, str]]
_READ = 65536


class EarlyAnswer(Exception):
    """The server answered, or closed, before the body was sent; C(data) is what it sent."""

    def __init__(self, data: bytes) -> None:
        super().__init__("answered early")
        self.data = data


class Connection:
    """A socket on which requests follow each other.

    Attributes:
        context: its TLS settings; None for plain HTTP.
        used: how many answers came over it.
        idle_since: monotonic time of the last answer.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.context = getattr(sock, "context", None)
        self.used = 0
        self.idle_since = time.monotonic()
        self._polls: Dict[int, select.poll] = {}

    def close(self) -> None:
        """Close the socket; more than once is fine."""
        self.sock.close()

    def abort(self) -> None:
        """End a read that goes on in another thread.

        This calls the plain socket's C(shutdown): C(SSLSocket.shutdown) would drop the TLS state
        that the reading thread still uses.
        """
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def stale(self) -> bool:
        """Return whether an idle connection was closed by the server (or has stray bytes)."""
        return bool(self._poll(select.POLLIN).poll(0))

    def _poll(self, events: int) -> select.poll:
        """Return what asks for these events; an upload does for each block, so it is made once."""
        poll = self._polls.get(events)
        if poll is None:
            poll = self._polls[events] = select.poll()
            poll.register(self.sock, events)
        return poll

    def exchange(
        self,
        method: str,
        target: str,
        headers: Headers,
        upload: Optional[Upload],
        timeout: float,
        *,
        read_ahead: int = _READ,
    ) -> http.client.HTTPResponse:
        """Send a request and return the answer with its head read.

        The answer's C(will_close) is set when the connection cannot be used again. With
        C(read_ahead) 1 no byte after the head is taken from the socket.

        Raises:
            OSError, http.client.HTTPException: the connection failed.
        """
        early, cut = b"", False
        self.sock.settimeout(timeout)
        head = request_head(method, target, headers)
        try:
            self._send(head, upload, timeout)
        except EarlyAnswer as answer:
            early, cut = answer.data, True
        response = self._response(method, early, read_ahead)
        if cut:
            response.will_close = True
        return response

    def _send(self, head: bytes, upload: Optional[Upload], timeout: float) -> None:
        if upload is None or upload.length == 0:
            self.sock.sendall(head)
            return
        blocks = upload.blocks()
        first = next(blocks, memoryview(b""))
        self._send_block(memoryview(head + _framed(first, upload)), timeout)
        for block in blocks:
            self._send_block(memoryview(_framed(block, upload)), timeout)
        if upload.length is None:
            self._send_block(memoryview(b"0\r\n\r\n"), timeout)

    def _send_block(self, view: memoryview, timeout: float) -> None:
        """Send a block, but stop when the server answers before the whole request is sent."""
        self.sock.setblocking(False)
        try:
            self._raise_if_answered()
            while view:
                try:
                    view = view[self.sock.send(view) :]
                except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                    if self._wait_writable(timeout):
                        self._raise_if_answered()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            raise EarlyAnswer(self._drain()) from None
        finally:
            self.sock.settimeout(timeout)

    def _wait_writable(self, timeout: float) -> bool:
        """Wait until the socket takes more; return whether there is something to read, too."""
        events = self._poll(select.POLLIN | select.POLLOUT).poll(timeout * 1000)
        if not events:
            raise socket.timeout("sending")
        return any(event & ~select.POLLOUT for _descriptor, event in events)

    def _raise_if_answered(self) -> None:
        if not self.stale() and not _pending(self.sock):
            return
        try:
            data = self.sock.recv(_READ)
        except (BlockingIOError, ssl.SSLWantReadError):
            return  # TLS housekeeping such as session tickets
        raise EarlyAnswer(data)

    def _drain(self) -> bytes:
        """Return what can still be read after the server stopped reading."""
        try:
            return self.sock.recv(_READ)
        except (OSError, ValueError):
            return b""

    def _response(self, method: str, early: bytes, read_ahead: int) -> http.client.HTTPResponse:
        source: Any = _Source(self.sock, early, read_ahead)
        response = http.client.HTTPResponse(source, method=method)
        try:
            response.begin()
            if source.ended:  # http.client accepts a head that the end of the stream cuts off
                raise http.client.RemoteDisconnected("the head of the answer is cut off")
        except BaseException:
            response.close()
            raise
        self.used += 1
        return response

    def done(self, response: http.client.HTTPResponse) -> bool:
        """Return whether the connection can take the next request; the body was read."""
        self.idle_since = time.monotonic()
        return not response.will_close and response.isclosed()


def request_head(method: str, target: str, headers: Headers) -> bytes:
    """Return request line and headers.

    Raises:
        InputError: a value would break out of its line.
    """
    lines: List[str] = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    for line in lines:
        if "\r" in line or "\n" in line:
            raise InputError("a line break in a request header", subject=line.partition(":")[0])
    try:
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    except UnicodeEncodeError:
        raise InputError("a request header holds characters outside Latin-1") from None


def framing(upload: Optional[Upload], method: str) -> Mapping[str, str]:
    """Return the header that tells where the body ends."""
    if upload is None:
        return {"Content-Length": "0"} if method in ("POST", "PUT", "PATCH") else {}
    if upload.length is None:
        return {"Transfer-Encoding": "chunked"}
    return {"Content-Length": str(upload.length)}


def _framed(block: memoryview, upload: Upload) -> Any:
    if upload.length is not None:
        return block
    return b"".join((b"%x\r\n" % len(block), block, b"\r\n")) if block else b""


def _pending(sock: socket.socket) -> bool:
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


class _Source:
    """A socket stand-in for C(HTTPResponse): it reads the bytes received early, then the socket."""

    def __init__(self, sock: socket.socket, early: bytes, read_ahead: int) -> None:
        self._raw = _Reader(sock, early)
        self._read_ahead = read_ahead

    @property
    def ended(self) -> bool:
        """Whether the end of the stream was seen."""
        return self._raw.ended

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the reader; closing it leaves the socket open."""
        return io.BufferedReader(self._raw, self._read_ahead)


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, early: bytes) -> None:
        super().__init__()
        self._sock = sock
        self._early = early
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._early:
            count = min(len(buffer), len(self._early))
            buffer[:count] = self._early[:count]
            self._early = self._early[count:]
            return count
        count = self._sock.recv_into(buffer)
        self.ended = self.ended or count == 0
        return count
