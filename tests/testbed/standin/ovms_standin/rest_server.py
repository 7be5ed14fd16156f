# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server: reads requests, writes answers, knows no route."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ovms_standin.routes import Reply, Request

#: The real server's sockets are gone within 0.2 s of a SIGTERM.
LAST_ANSWERS_SECONDS = 0.1
Answer = Callable[[Request], Reply]


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept alive. A whole answer goes out in one write."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    answer: Answer
    headers_of_all: Mapping[str, str]

    def _handle(self) -> None:
        body = self._decoded(self._body())
        headers = {key.lower(): value for key, value in self.headers.items()}
        reply = type(self).answer(Request(self.command, self.path, headers, body))
        self._send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _handle

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterable[bytes]:
        while True:
            size = int(self.rfile.readline().split(b";")[0] or b"0", 16)
            if size == 0:
                while self.rfile.readline().strip():
                    pass
                return
            yield self.rfile.read(size)
            self.rfile.readline()

    def _decoded(self, body: bytes) -> bytes:
        coding = self.headers.get("Content-Encoding", "")
        if coding == "gzip":
            return gzip.decompress(body)
        return zlib.decompress(body) if coding == "deflate" else body

    def _send(self, reply: Reply) -> None:
        phrase = HTTPStatus(reply.status).phrase
        protocol = "HTTP/1.0" if self.request_version == "HTTP/1.0" else "HTTP/1.1"
        lines = [f"{protocol} {int(reply.status)} {phrase}", f"content-length: {len(reply.body)}"]
        if self.close_connection:
            lines.append("connection: close")
        lines.append(f"content-type: {reply.content_type}")
        everywhere = {**type(self).headers_of_all, **reply.headers}
        lines += [f"{key}: {value}" for key, value in everywhere.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.wfile.write(head if self.command == "HEAD" else head + reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """OVMS writes no access log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: str, port: int, answer: Answer, headers: Mapping[str, str]) -> None:
        if ":" in address:
            self.address_family = socket.AF_INET6
        bound = {"answer": staticmethod(answer), "headers_of_all": headers}
        handler = type("_BoundHandler", (_Handler,), bound)
        self._connections: set[socket.socket] = set()
        super().__init__((address, port), handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, which `cut` can end."""
        self._connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.discard(request)

    def cut(self) -> None:
        """End the connections, whatever they wait for."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""


class RestServer:
    """One listener per bind address."""

    def __init__(
        self, addresses: Iterable[str], port: int, answer: Answer, headers: Mapping[str, str]
    ) -> None:
        """`headers` go into every answer. Raises OSError when an address cannot be bound."""
        self._servers = [_Server(address, port, answer, headers) for address in addresses]

    def start(self) -> None:
        """Serve in the background."""
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening; a moment later all connections are cut, also those that wait."""
        for server in self._servers:
            server.shutdown()
            server.socket.close()
        time.sleep(LAST_ANSWERS_SECONDS)
        for server in self._servers:
            server.cut()
