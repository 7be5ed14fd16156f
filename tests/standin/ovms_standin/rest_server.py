# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server: reads requests, writes answers, knows no route."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ovms_standin.routes import Reply, Request

Answer = Callable[[Request], Reply]


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept alive. A whole answer goes out in one write."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    answer: Answer

    def _handle(self) -> None:
        body = self._decoded(self._body())
        headers = {key.lower(): value for key, value in self.headers.items()}
        reply = type(self).answer(Request(self.command, self.path, headers, body))
        self._send(reply)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _handle

    def do_HEAD(self) -> None:
        """HEAD is not one of the methods that OVMS takes."""
        self._send(Reply(HTTPStatus.NOT_ACCEPTABLE))

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
        lines = [f"HTTP/1.1 {int(reply.status)} {phrase}"]
        lines += [f"{key}: {value}" for key, value in reply.headers.items()]
        lines.append(f"Content-Length: {len(reply.body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join(lines) + "\r\n\r\n"
        self.wfile.write(head.encode("latin-1") + reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """OVMS writes no access log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: str, port: int, answer: Answer) -> None:
        if ":" in address:
            self.address_family = socket.AF_INET6
        handler = type("_BoundHandler", (_Handler,), {"answer": staticmethod(answer)})
        super().__init__((address, port), handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""


class RestServer:
    """One listener per bind address."""

    def __init__(self, addresses: Iterable[str], port: int, answer: Answer) -> None:
        """Raises OSError when an address cannot be bound."""
        self._servers = [_Server(address, port, answer) for address in addresses]

    def start(self) -> None:
        """Serve in the background."""
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
