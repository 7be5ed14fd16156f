# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that stand before a real API server and pass on what they do not answer themselves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3


class PassingOn(BaseHTTPRequestHandler):
    """One connection for each request, so that an answer ends where it ends."""

    upstream: str
    pool: urllib3.PoolManager

    def body(self) -> bytes:
        """Read what came with the request."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        blocks = []
        while size := int(self.rfile.readline(), 16):
            blocks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(blocks)

    def ask(self, body: bytes) -> Any:
        """Ask the API server the same; its answer is read by who gets it."""
        left_out = ("host", "transfer-encoding", "content-length", "connection")
        headers = {
            name: text for name, text in self.headers.items() if name.lower() not in left_out
        }
        return self.pool.request(
            self.command,
            self.upstream + self.path,
            body=body or None,
            headers=headers,
            preload_content=False,
            decode_content=False,
            redirect=False,
            retries=False,
        )

    def pass_back(self, answer: Any) -> None:
        """Send an answer of the API server as it arrives."""
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.end_headers()
        for block in answer.stream(65536):
            self.wfile.write(block)
        answer.release_conn()

    def log_message(self, *_args: Any) -> None:
        """Print nothing."""


@contextmanager
def standing(handler: type[PassingOn], cluster: Any, *, admin: bool, **bound: Any) -> Iterator[str]:
    """Serve on loopback until the block ends; gives the address.

    What is passed on has the administrator's certificate, or only what the caller has sent.
    ``bound`` becomes attributes of the handler.
    """
    settings = cluster.api.configuration
    login = {"cert_file": settings.cert_file, "key_file": settings.key_file} if admin else {}
    pool = urllib3.PoolManager(ca_certs=settings.ssl_ca_cert, maxsize=16, **login)
    made = type("Bound", (handler,), {"upstream": settings.host, "pool": pool, **bound})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        pool.clear()
        thread.join()
