# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers and proxies on loopback for the tests of the Kubernetes client.

The client itself is what is tested here: sockets, TLS, framing and broken connections. So this is
no C(Cluster), which stands in the place of the client, and it keeps no objects.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO


@dataclass
class Received:
    """One request as the server saw it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False, default=b"")
    connection: int = 0

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def json(self) -> Any:
        """Return the body as an object."""
        return json.loads(self.body)


def read_head(file: Any) -> Received | None:
    """Read a request up to the blank line; None at the end of the stream."""
    line = file.readline().decode("latin-1").split()
    if len(line) < 2:
        return None
    headers: list[tuple[str, str]] = []
    while True:
        text = file.readline().decode("latin-1").rstrip("\r\n")
        if not text:
            return Received(line[0], line[1], headers)
        name, _, value = text.partition(": ")
        headers.append((name, value))


def read_request(file: BinaryIO) -> Received | None:
    """Read a request with its body."""
    request = read_head(file)
    if request is None:
        return None
    if request.header("Transfer-Encoding") == "chunked":
        while size := int(file.readline(), 16):
            request.body += file.read(size)
            file.readline()
        file.readline()
    else:
        request.body = file.read(int(request.header("Content-Length") or 0))
    return request


def answer(status: int, body: Any = b"", **headers: str) -> bytes:
    """An HTTP answer; anything but bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    if data is not body:
        headers.setdefault("Content_Type", "application/json")
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


def status_object(code: int, reason: str, message: str, **more: Any) -> bytes:
    """An answer with a Status."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
    return answer(code, {**body, **more})


Handler = Callable[[socket.socket, int], None]
Answers = Callable[[Received], bytes]


class Server:
    """Accepts connections on 127.0.0.1 and gives each to a handler in a thread of its own."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self.handler = handler
        self.tls = tls
        self.connections = 0
        self.requests: list[Received] = []
        self.errors: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._run, args=(sock, self.connections), daemon=True).start()

    def _run(self, sock: socket.socket, index: int) -> None:
        with contextlib.suppress(OSError):
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            try:
                self.handler(sock, index)
            finally:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()

    def __enter__(self) -> Server:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextlib.contextmanager
def api(answers: Answers, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A keep-alive HTTP server that answers with what ``answers`` returns."""

    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        while (request := read_request(file)) is not None:
            request.connection = index
            server.requests.append(request)
            sock.sendall(answers(request))

    with Server(handler, tls) as server:
        yield server


@contextlib.contextmanager
def connect_proxy(*, login: str | None = None, refuse: int = 0) -> Iterator[Server]:
    """A proxy for CONNECT and for absolute URLs; records what it was asked."""

    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb", buffering=0)
        request = read_head(file)
        if request is None:
            return
        server.requests.append(request)
        if login and request.header("Proxy-Authorization") != login:
            sock.sendall(answer(407))
            return
        if refuse:
            sock.sendall(answer(refuse))
            return
        host, target = request.target, b""
        if request.method != "CONNECT":
            host, _, path = request.target.removeprefix("http://").partition("/")
            lines = [f"{request.method} /{path} HTTP/1.1"]
            lines += [f"{name}: {value}" for name, value in request.headers]
            target = ("\r\n".join(lines) + "\r\n\r\n").encode()
        name, _, port = host.rpartition(":")
        with socket.create_connection((name, int(port))) as upstream:
            if request.method == "CONNECT":
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                upstream.sendall(target)
            _pump(sock, upstream)

    with Server(handler) as server:
        yield server


def _pump(left: socket.socket, right: socket.socket) -> None:
    while True:
        for source in select.select([left, right], [], [], 10)[0]:
            data = source.recv(65536)
            if not data:
                return
            (right if source is left else left).sendall(data)
