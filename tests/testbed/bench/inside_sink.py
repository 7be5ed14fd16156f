# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a pod: takes the body of a PUT into memory, and gives it back.

It neither looks at the bytes nor writes them while they come, so that a way to the pod is measured
and not what is done behind it. C(GET /sha256) tells afterwards what has come.
"""

from __future__ import annotations

import hashlib
import http.server
from typing import Any

PORT = 8082


class Sink(http.server.BaseHTTPRequestHandler):
    """Answers on connections that stay open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    kept = bytearray()  # grows to the largest body, so that its pages are there from then on
    length = 0

    def do_PUT(self) -> None:
        """Take a body."""
        length = int(self.headers["Content-Length"])
        if length > len(Sink.kept):
            Sink.kept = bytearray(length)
        file: Any = self.rfile
        Sink.length = file.readinto(memoryview(Sink.kept)[:length])
        self.close_connection = Sink.length < length
        self._answer(b"")

    def do_GET(self) -> None:
        """Give the body, or tell its digest."""
        view = memoryview(Sink.kept)[: Sink.length]
        self._answer(hashlib.sha256(view).hexdigest().encode() if self.path == "/sha256" else view)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, body: bytes | memoryview) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        self.wfile.write(body)


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", PORT), Sink).serve_forever()
